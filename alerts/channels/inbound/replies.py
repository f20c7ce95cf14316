"""`Reply`: what a person sent back; how each gateway passes it on; and what it says as an answer."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from alerts.answer.answers import DIGITS, Answer
from alerts.channels.inbound.callback import Preset, documents, form_fields, json_document, of_text
from alerts.channels.inbound.receipts import entries_of
from alerts.channels.sms.generic import at_path

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alerts.channels.sms.generic_settings import ReplyForm

__all__ = ["Given", "Reply", "parse_answer", "parse_replies"]

TEXT_CHARACTERS: Final = 500
READ_CHARACTERS: Final = 200
"""An answer is at the beginning; what follows may be the message quoted."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a person sent, or the key that they pressed in a call.

    channel:      name of the channel by which it came
    address:      whom it came from, as the gateway writes it: `sms.number.same_number` compares
    text:         what they wrote, or the key
    received_us:  µs since the epoch
    notification: our id of the message that it answers, where the gateway knows; "" where the text has to tell
    reference:    the gateway's id of the call in which a key was pressed; "" for a text
    """

    channel: str
    address: str
    text: str
    received_us: int
    notification: str = ""
    reference: str = ""


class Given(NamedTuple):
    """What a reply says. code: "" where only an answer was given; answer: None where only a code was."""

    code: str
    answer: Answer | None


def parse_replies(
    preset: Preset | str,
    headers: Mapping[str, str],
    query: Mapping[str, str],
    body: bytes,
    *,
    channel: str = "",
    received_us: int = 0,
    form: ReplyForm | None = None,
) -> list[Reply]:
    """Return the replies in a callback; none where it is about receipts only.

    form: how a gateway of the preset `http` passes them on
    Raises ValueError, without anything of what it said, where it is no callback of that gateway's.
    """
    kind = Preset(preset)
    if kind is Preset.HTTP:
        entries = [] if form is None else entries_of(headers, query, body, form.list)
        found = [_by_form(entry, form) for entry in entries if form is not None]
    elif kind in _FORMS:
        found = [_FORMS[kind](form_fields(headers, query, body))]
    else:
        found = [_JSON[kind](entry) for entry in documents(json_document(body))]
    return [
        Reply(channel, address, text[:TEXT_CHARACTERS], received_us, notification, reference)
        for address, text, notification, reference in filter(None, found)
    ]


_Found = tuple[str, str, str, str] | None


def _aliyun(entry: Mapping[str, Any]) -> _Found:
    if "content" not in entry:
        if "success" in entry:
            return None  # a receipt
        raise ValueError("content: wanted it")
    return _from(of_text(entry, "phone_number"), of_text(entry, "content"))


def _aliyun_voice(entry: Mapping[str, Any]) -> _Found:
    if not of_text(entry, "status_code"):
        raise ValueError("status_code: wanted one")
    key = of_text(entry, "dtmf")
    if not key:
        return None
    return _from(of_text(entry, "callee"), key, reference=of_text(entry, "call_id"))


def _tencent(entry: Mapping[str, Any]) -> _Found:
    if "text" not in entry:
        if "report_status" in entry:
            return None  # a receipt
        raise ValueError("text: wanted it")
    mobile, country = of_text(entry, "mobile"), of_text(entry, "nationcode")
    is_whole = not country or mobile.startswith("+")
    return _from(mobile if is_whole else f"+{country}{mobile}", of_text(entry, "text"))


def _twilio(fields: Mapping[str, str]) -> _Found:
    if not (fields.get("MessageSid") or fields.get("SmsSid")):
        raise ValueError("MessageSid: wanted one")
    if "MessageStatus" in fields:
        return None  # a receipt
    if "Body" not in fields:
        raise ValueError("Body: wanted it")
    return _from(fields.get("From", ""), fields["Body"])


def _twilio_voice(fields: Mapping[str, str]) -> _Found:
    if not fields.get("CallSid"):
        raise ValueError("CallSid: wanted one")
    if not fields.get("Digits"):
        return None
    return _from(fields.get("To", ""), fields["Digits"], fields.get("notification", ""), fields["CallSid"])  # we called


def _by_form(entry: dict[str, Any], form: ReplyForm) -> _Found:
    address, text = at_path(entry, form.address), at_path(entry, form.text)
    if text is None:
        return None  # a receipt, where both come to one address
    notification = at_path(entry, form.notification) if form.notification else None
    return _from(address or "", text, notification or "")


def _from(address: str, text: str, notification: str = "", reference: str = "") -> _Found:
    if not address.strip() and not notification and not reference:
        raise ValueError("it does not say from whom")
    return address.strip(), text, notification, reference


_JSON: Final = {Preset.ALIYUN: _aliyun, Preset.ALIYUN_VOICE: _aliyun_voice, Preset.TENCENT: _tencent}
_FORMS: Final = {Preset.TWILIO: _twilio, Preset.TWILIO_VOICE: _twilio_voice}


_WORDS: Final[Mapping[Answer, tuple[str, ...]]] = {
    Answer.ACCEPT: (
        *("接受", "已接受", "接收", "收到", "已收到", "受理", "接警", "确认", "好", "好的", "是", "我去", "马上去"),
        *("马上到", "没问题", "一"),
        *(
            "accept",
            "accepted",
            "accepting",
            "ack",
            "ok",
            "okay",
            "yes",
            "y",
            "coming",
            "on my way",
            "omw",
            "roger",
            "no problem",
        ),
    ),
    Answer.ARRIVE: (
        *("到达", "到达现场", "已到达", "已到", "已到现场", "到了", "到场", "已到场", "在现场", "已在现场", "二"),
        *("arrived", "arrive", "here", "on site", "onsite", "on scene", "there"),
    ),
    Answer.FALSE_ALARM: (
        *("误报", "是误报", "误报警", "假警", "虚警", "三"),
        *("false alarm", "false", "falsealarm", "fa"),
    ),
    Answer.NEED_HELP: (
        *("求助", "支援", "需要支援", "请求支援", "请支援", "增援", "需要增援", "需要帮助", "帮助", "救命", "四"),
        *("help", "need help", "needhelp", "backup", "need backup", "sos"),
    ),
    Answer.REFUSE: (
        *("拒绝", "不接受", "不能", "不能去", "不能接受", "不去", "去不了", "来不了", "没空", "不行", "不在", "五"),
        *("refuse", "refused", "decline", "reject", "cannot", "can not", "can't", "cant", "no", "n", "unable"),
    ),
}
_MEANING: Final = {word: answer for answer, words in _WORDS.items() for word in words} | {
    digit: answer for answer, digit in DIGITS.items()
}
_LONGEST_FIRST: Final = sorted(_MEANING, key=lambda word: (-len(word), word))
_SAID_AT_THE_END: Final = "了啦的"
"""Particles that change nothing of what is before them."""
_CODE: Final = r"[1-5]\d{3}|[67]\d{4}|[89]\d{5}"
"""As `response.codes` gives them: how long one is, its first digit tells."""
_CODE_FIRST: Final = re.compile(rf"(?:回复|回覆|reply)?[\W_]*(?P<code>{_CODE})(?P<rest>(?!\d)|(?=[1-5](?!\d)))")
_CODE_LAST: Final = re.compile(rf"(?P<said>.*?)(?<!\d)(?P<code>{_CODE})[\W_]*", re.DOTALL)


def parse_answer(text: str) -> Given | None:
    """Read a reply: a code and an answer in either order, a code alone, or an answer alone; None where it is neither.

    An answer is a digit of `DIGITS` or a word of Chinese or English, as a person types it: full width, glued to the
    code, with any punctuation. What is not plain is nobody's answer, since a wrong guess would end an escalation: so a
    word counts only whole, and nothing may stand before it. `接受不了`, `不是误报` and `没收到` are no answers.
    """
    said = unicodedata.normalize("NFKC", text[:READ_CHARACTERS]).casefold().strip()
    if match := _CODE_FIRST.match(said):
        rest = said[match.end() :]
        answer = _answer_at(rest)
        return Given(match["code"], answer) if answer or not _bare(rest) else None
    if (match := _CODE_LAST.fullmatch(said)) and (answer := _answer_at(match["said"], whole=True)):
        return Given(match["code"], answer)
    answer = _answer_at(said, whole=True)
    return Given("", answer) if answer else None


def _answer_at(said: str, *, whole: bool = False) -> Answer | None:
    """Return the answer that `said` begins with, or is where it has to be `whole`."""
    said = _bare(said)
    for word in _LONGEST_FIRST:
        if not said.startswith(word):
            continue
        answer, rest = _MEANING[word], said[len(word) :]
        if word.isdigit() and not rest[:1].isdigit() and (again := _answer_at(rest, whole=whole)) is not None:
            return again if again is answer else None  # `1接受`, copied from the message; `1误报` is neither
        if not word.isascii():
            rest = rest.lstrip(_SAID_AT_THE_END)
        if rest and (rest[0].isalnum() or (whole and _bare(rest))):
            return None
        return answer
    return None


def _bare(said: str) -> str:
    return re.sub(r"^[\W_]+", "", said)
