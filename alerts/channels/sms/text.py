"""What an SMS says: as much as its parts hold, the most important first.

On the phone, from the top: the sign that the gateway wants, the mark of an exercise, then in each language the title
(how bad, what, where) and what was measured; how to answer; the link. Where not all of it fits, the title in the first
language goes before how to answer, that before the link, and all of these before the other languages and the detail.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Final

from alerts.channels.sms import gsm7
from alerts.incident import Exercise
from alerts.notification import Purpose
from alerts.people.model import Language
from alerts.text import NOTHING, Text
from rules.model import Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from alerts.notification import Notification

__all__ = ["compose", "cut", "facts", "is_drill", "said", "severity"]

DETAIL_CHARACTERS: Final = 12
"""A detail of which less is left is left out."""
_SEVERITY: Final[Mapping[Severity, Text]] = {
    Severity.ADVISORY: Text("advisory", "提示"),
    Severity.WARNING: Text("warning", "预警"),
    Severity.ALARM: Text("ALARM", "报警"),
    Severity.EMERGENCY: Text("EMERGENCY", "紧急"),
}
_DRILL: Final = Text("DRILL", "演练")
_HINT: Final = Text(
    "Reply {code} 1 accept 2 arrived 3 false alarm 4 help 5 refuse", "回复 {code} 1接受 2到达 3误报 4求助 5不能去"
)
_TEST_HINT: Final = Text("Reply {code} 1 if you got this", "收到请回复 {code} 1")
_LONG: Final = frozenset({Purpose.DIGEST, Purpose.TEST})
"""What they have to say is in the body."""
_PLAIN: Final = str.maketrans(
    {
        "·": "-",
        "•": "-",
        "–": "-",
        "—": "-",
        "‐": "-",
        "‑": "-",
        "−": "-",
        "“": '"',
        "”": '"',
        "‘": "'",
        "’": "'",
        "…": "...",
        "≥": ">=",
        "≤": "<=",
        "×": "x",
        "→": "->",
        "²": "2",
        "³": "3",
        "\u00a0": " ",
        "\u202f": " ",
    }
)
"""Where these alone keep a text out of the GSM alphabet, a part holds 160 characters of what they stand for, not 70."""
_JOINERS: Final = frozenset("\u200d\ufe0e\ufe0f")
_BRACKETS: Final = str.maketrans("【】", "[]")
"""【】 at the head of an SMS is the sender's sign in China, and one that is not registered is refused."""


def severity(of: Severity) -> Text:
    """Say how bad it is, in a word."""
    return _SEVERITY[of]


def is_drill(notification: Notification) -> bool:
    """Whether it has to be marked as an exercise."""
    return notification.drill or notification.incident.exercise is Exercise.DRILL


def said(text: Text, language: Language) -> str:
    """Return `text` in `language`."""
    return text.zh if language is Language.ZH else text.en


def compose(
    notification: Notification, link: str = "", *, parts: int = 3, sign: str = "", takes_replies: bool = True
) -> str:
    """Return the text, of at most `parts` parts.

    link: to answer by, "" for none; sign: what has to come first, such as `【守望】`
    takes_replies: an answer by SMS finds its way back
    """
    languages = notification.languages or (Language.ZH,)
    head = sign + "".join(f"[{mark}]" for mark in [" ".join(_marks(notification, languages))] if mark)
    hint = _hint(notification) if takes_replies else NOTHING
    lines: dict[tuple[int, int], str] = {}  # (place on the phone, language): line

    def fits(candidate: dict[tuple[int, int], str]) -> bool:
        return gsm7.count(_joined(head, candidate)) <= parts

    def add(place: int, index: int, line: str, least: int | None) -> None:
        """Add the line, where it fits; else its beginning, where `least` characters or more of that do."""
        if not line:
            return
        if fits({**lines, (place, index): line}):
            lines[place, index] = line
        elif least is not None:
            short = cut(line, lambda beginning: fits({**lines, (place, index): beginning}))
            if len(short) >= least:
                lines[place, index] = short

    def add_title(index: int, least: int | None) -> None:
        add(index, 0, _tidy(said(_title(notification), languages[index])), least)

    answering = len(languages)
    add(answering, 0, said(hint, languages[0]), None)  # it is short, and its room is not the title's
    add_title(0, 1)
    add(answering + 1, 0, link if link.isascii() else "", None)
    for index in range(1, len(languages)):
        add_title(index, None)
        add(answering, index, said(hint, languages[index]), None)
    for index, language in enumerate(languages):
        add(index, 1, _tidy(said(_detail(notification), language)), DETAIL_CHARACTERS)
    return _joined(head, lines)


def facts(notification: Notification, address: str, link: str) -> dict[str, str]:
    """Return what templates may name, in the notification's first language; an exercise is marked in each of them."""
    language = (notification.languages or (Language.ZH,))[0]
    incident = notification.incident
    drill = is_drill(notification)
    mark = f"{said(_DRILL, language)}{' ' if language is Language.EN else ''}" if drill else ""
    return {
        "address": address,
        "title": mark + _tidy(said(_title(notification), language)),
        "body": mark + _tidy(said(Text(notification.body_en, notification.body_zh), language)),
        "code": notification.code,
        "link": link,
        "incident": incident.id,
        "severity": mark + said(severity(incident.severity), language),
        "level": str(incident.severity),
        "name": mark + _tidy(said(Text(incident.rule_name_en, incident.rule_name_zh), language)),
        "what": mark + _tidy(said(Text(incident.what_en, incident.what_zh), language)),
        "place": _tidy(said(Text(incident.place, incident.place_zh), language)),
        "id": notification.id,
        "drill": said(_DRILL, language) if drill else "",
        "purpose": str(notification.purpose),
        "language": str(language),
    }


def cut(text: str, fits: Callable[[str], bool]) -> str:
    """Return the longest beginning of `text`, with an ellipsis, that fits; never half of what is seen as one character.

    "" where not even one character does.
    """
    low, high = 0, len(text) - 1
    while low < high:
        middle = (low + high + 1) // 2
        if fits(_ended(text, middle)):
            low = middle
        else:
            high = middle - 1
    return _ended(text, low) if low > 0 and fits(_ended(text, low)) else ""


def _ended(text: str, end: int) -> str:
    while end > 0 and (_continues(text[end]) or text[end - 1] in _JOINERS):
        end -= 1
    beginning = text[:end].rstrip(" ,，、·-")
    if not beginning:
        return ""
    return beginning + ("…" if gsm7.septets(beginning.translate(_PLAIN)) is None else "...")


def _continues(character: str) -> bool:
    return character in _JOINERS or unicodedata.combining(character) != 0


def _marks(notification: Notification, languages: tuple[Language, ...]) -> list[str]:
    return [said(_DRILL, language) for language in languages] if is_drill(notification) else []


def _hint(notification: Notification) -> Text:
    if not notification.code or not notification.wants_answer:
        return NOTHING
    return (_TEST_HINT if notification.purpose is Purpose.TEST else _HINT).fill(code=notification.code)


def _title(notification: Notification) -> Text:
    return Text(notification.title_en, notification.title_zh.translate(_BRACKETS))


def _detail(notification: Notification) -> Text:
    if notification.purpose in _LONG:
        return Text(notification.body_en, notification.body_zh)
    return Text(notification.incident.what_en, notification.incident.what_zh)


def _joined(head: str, lines: Mapping[tuple[int, int], str]) -> str:
    text = head + "\n".join(lines[place] for place in sorted(lines))
    plain = text.translate(_PLAIN)
    return text if gsm7.septets(plain) is None else plain


def _tidy(text: str) -> str:
    """Return it on one line, without control characters or halves of surrogates."""
    if text.isprintable():
        return " ".join(text.split())
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return " ".join("".join(" " if unicodedata.category(one) in {"Cc", "Zl", "Zp"} else one for one in whole).split())
