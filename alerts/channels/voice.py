"""Calls by a voice gateway: the text is spoken, and the key that is pressed is the answer.

Alibaba Cloud: https://help.aliyun.com/zh/vms/developer-reference/api-dyvmsapi-2017-05-25-singlecallbytts
Twilio:        https://www.twilio.com/docs/voice/api/call-resource
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

import msgspec

from alerts.channels.channel import DeliveryError, Handed
from alerts.channels.sms import aliyun, twilio
from alerts.channels.sms.gateway import Teller
from alerts.channels.sms.generic import HttpVendor
from alerts.channels.sms.generic_settings import HttpSection
from alerts.channels.sms.number import international, national
from alerts.channels.sms.params import filled
from alerts.channels.sms.rate import TokenBucket
from alerts.channels.sms.text import facts, is_drill, said, severity
from alerts.channels.sms.vendor import Saying, json_object, reason
from alerts.channels.voice_settings import AliyunVoiceSection, TwilioVoiceSection
from alerts.notification import Purpose
from alerts.people.model import Language
from alerts.text import NOTHING, Text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from alerts.channels.http import Answer, HttpGateway
    from alerts.channels.sms.vendor import Request, Vendor
    from alerts.channels.voice_settings import VoiceSettings
    from alerts.notification import Notification

__all__ = ["VoiceChannel", "make_voice", "spoken"]

AT_ONCE: Final = 16
SPOKEN_CHARACTERS: Final = 500
"""Of one language: nobody listens longer, and gateways take no more."""
KEY_WAIT_S: Final = 8
_DRILL: Final = Text("This is a drill. This is a drill. ", "这是演练。这是演练。")
_CALL: Final = Text(
    "This is Vigil calling. {severity}: {name}, {place}. {what}. ",
    "守望系统来电。{severity}：{name}，{place}。{what}。",
)
_LONG_CALL: Final = Text("This is Vigil calling. {body} ", "守望系统来电。{body}")
_KEYS: Final = Text(
    "Press 1 to accept, 2 if you have arrived, 3 for a false alarm, 4 if you need help, 5 if you cannot go.",
    "接受请按1，已到达请按2，误报请按3，需要支援请按4，不能去请按5。",
)
_TEST_KEY: Final = Text("Press 1 if you hear this.", "听到请按1。")
_LONG: Final = frozenset({Purpose.DIGEST, Purpose.TEST})
_VOICES: Final[Mapping[Language, str]] = {Language.ZH: "zh-CN", Language.EN: "en-US"}


def spoken(notification: Notification, language: Language, *, takes_keys: bool = True) -> str:
    """Return what is said in a call in one language: an exercise is called one before all else."""
    incident = notification.incident
    keys = NOTHING
    if takes_keys and notification.wants_answer:
        keys = _TEST_KEY if notification.purpose is Purpose.TEST else _KEYS
    story = (_LONG_CALL if notification.purpose in _LONG else _CALL).fill(
        severity=severity(incident.severity),
        name=Text(incident.rule_name_en, incident.rule_name_zh),
        place=Text(incident.place, incident.place_zh),
        what=Text(incident.what_en, incident.what_zh),
        body=Text(notification.body_en, notification.body_zh),
    )
    before = said(_DRILL, language) if is_drill(notification) else ""
    after = said(keys, language)
    told = " ".join(said(story, language).split())[: SPOKEN_CHARACTERS - len(before) - len(after) - 1]
    return f"{before}{told} {after}".strip()


class VoiceChannel:
    """Calls a person for each notification; that they picked up comes as a receipt, the key as a reply.

    callback: where the gateway reaches Vigil, for those that are told with each call; "" for nowhere
    """

    def __init__(
        self,
        settings: VoiceSettings,
        callback: str = "",
        clock_us: Callable[[], int] = lambda: time.time_ns() // 1000,
    ) -> None:
        self._settings = settings
        self._callback = callback
        self._clock_us = clock_us
        self.idempotent = isinstance(settings.gateway, HttpSection) and settings.gateway.idempotent
        bucket = TokenBucket(settings.calls_per_s, settings.burst)
        self.at_once = bucket.at_once(AT_ONCE)
        self._teller = Teller(_vendor(settings, callback), settings.gateway, bucket, idempotent=self.idempotent)

    async def send(self, notification: Notification) -> Handed:
        """Have the call made. Raises DeliveryError where the gateway did not take it."""
        address = notification.address.strip()
        if not address or not address.isprintable():
            raise DeliveryError("no address", retry=False)
        now_us = self._clock_us()
        languages = notification.languages or (Language.ZH,)
        text = " ".join(spoken(notification, language, takes_keys=self._settings.takes_keys) for language in languages)
        values = {
            **facts(notification, address, ""),
            "text": text,
            "text_short": spoken(notification, languages[0], takes_keys=self._settings.takes_keys),
            "sender": "",
            "callback": self._callback,
            "time_s": str(now_us // 1_000_000),
        }
        return await self._teller.tell(Saying(notification, values, address, text, now_us))

    async def close(self) -> None:
        """Close the connections."""
        await self._teller.close()


def make_voice(
    settings: VoiceSettings,
    callback: str = "",
    clock_us: Callable[[], int] = lambda: time.time_ns() // 1000,
) -> VoiceChannel:
    """Return the channel that the settings describe."""
    return VoiceChannel(settings, callback, clock_us)


class AliyunVoiceVendor:
    """SingleCallByTts with an approved template; `CallId` is the reference, for `OutId` takes no id as long as ours."""

    def __init__(self, section: AliyunVoiceSection, times: int) -> None:
        self._section = section
        self._times = times

    def request(self, saying: Saying) -> Request:
        """Return the signed request. Raises DeliveryError where the address is no number."""
        section = self._section
        chosen = section.template_for(saying.notification.purpose)
        try:
            number = national(saying.address, section.country)
        except ValueError as error:
            raise DeliveryError(str(error), retry=False) from error
        query = {
            "CalledNumber": number,
            "TtsCode": chosen.template_id,
            "TtsParam": msgspec.json.encode(filled(chosen.params, saying.values, section.param_characters)).decode(),
            "PlayTimes": str(self._times),
        }
        if section.show_number:
            query["CalledShowNumber"] = section.show_number
        secret = section.access_key_secret.get_secret_value()
        return aliyun.call(section.endpoint, section.access_key_id, secret, "SingleCallByTts", query, saying.now_us)

    def taken(self, answer: Answer, saying: Saying, http: HttpGateway) -> Handed:
        """Read the answer. Raises DeliveryError where `Code` is not OK."""
        document = json_object(answer)
        code = document.get("Code") if document else None
        if document is None or not isinstance(code, str):
            raise http.unknown(f"{answer.said}, and no code") if answer.is_success else http.refusal(answer)
        if code == "OK" and answer.is_success:
            return Handed("Aliyun is calling", str(document.get("CallId") or ""))
        why = reason(code, document.get("Message"), saying.address)
        if aliyun.is_unknown(code):
            raise http.unknown(why)
        raise DeliveryError(why, retry=aliyun.is_busy(code))

    def inquiry(self, saying: Saying) -> Request | None:  # noqa: ARG002  # as the protocol has it
        """Return None: calls are looked for by `CallId`, which only the answer tells."""
        return None

    def found(self, answer: Answer, saying: Saying) -> Handed | None:  # noqa: ARG002  # as the protocol has it
        """Return None: nothing was asked."""
        return None


class TwilioVoiceVendor:
    """POSTs a call with its TwiML; the key is posted to the callback."""

    def __init__(self, section: TwilioVoiceSection, settings: VoiceSettings, callback: str) -> None:
        self._section = section
        self._settings = settings
        self._callback = section.callback_url or callback

    def request(self, saying: Saying) -> Request:
        """Return the request. Raises DeliveryError where the address is no number."""
        section = self._section
        try:
            number = international(saying.address, section.country)
        except ValueError as error:
            raise DeliveryError(str(error), retry=False) from error
        fields = {"To": number, "From": section.sender, "Twiml": self._twiml(saying.notification)}
        if section.detect_machines:
            fields["MachineDetection"] = "Enable"
        if self._callback:
            fields["StatusCallback"] = self._callback_for(saying.notification)
            fields["StatusCallbackEvent"] = "answered completed"
        token = section.auth_token.get_secret_value()
        return twilio.post(section.endpoint, section.account_sid, token, "Calls", fields)

    def taken(self, answer: Answer, saying: Saying, http: HttpGateway) -> Handed:
        """Read the answer. Raises DeliveryError where it is no call that Twilio makes."""
        return twilio.taken(answer, saying, http)

    def inquiry(self, saying: Saying) -> Request | None:  # noqa: ARG002  # as the protocol has it
        """Return None: Twilio knows no id of ours."""
        return None

    def found(self, answer: Answer, saying: Saying) -> Handed | None:  # noqa: ARG002  # as the protocol has it
        """Return None: nothing was asked."""
        return None

    def _callback_for(self, notification: Notification) -> str:
        return f"{self._callback}?notification={quote(notification.id, safe='')}"

    def _twiml(self, notification: Notification) -> str:
        takes_keys = self._settings.takes_keys and bool(self._callback)
        says = "".join(
            f'<Say language="{_VOICES[language]}">{escape(spoken(notification, language, takes_keys=takes_keys))}</Say>'
            for language in notification.languages or (Language.ZH,)
        )
        said_often = says * self._settings.times
        if not (takes_keys and notification.wants_answer):
            return f"<Response>{said_often}</Response>"
        action = quoteattr(self._callback_for(notification))
        return (
            f'<Response><Gather numDigits="1" timeout="{KEY_WAIT_S}" action={action}>{said_often}</Gather></Response>'
        )


def _vendor(settings: VoiceSettings, callback: str) -> Vendor:
    match settings.gateway:
        case HttpSection() as section:
            return HttpVendor(section)
        case AliyunVoiceSection() as section:
            return AliyunVoiceVendor(section, settings.times)
        case TwilioVoiceSection() as section:
            return TwilioVoiceVendor(section, settings, callback)
