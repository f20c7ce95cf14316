"""`Gate`: what one channel's gateway may send back: whether it is from there, what it says, what to answer it."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, urlsplit

from alerts.channels.inbound.callback import Preset
from alerts.channels.inbound.receipts import parse_receipts
from alerts.channels.inbound.replies import parse_replies
from alerts.channels.sms.generic_settings import HttpSection
from alerts.channels.sms.settings import SmsSettings, TwilioSection
from alerts.channels.sms.signing import twilio
from alerts.channels.voice_settings import TwilioVoiceSection, VoiceSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alerts.channels.inbound.receipts import Receipt
    from alerts.channels.inbound.replies import Reply
    from alerts.channels.sms.generic_settings import ReceiptForm, ReplyForm

__all__ = ["Gate", "gate_of"]

FIELDS: Final = 200
_TWIML: Final = ("text/xml", b'<?xml version="1.0" encoding="UTF-8"?><Response/>')
_THANKS: Final = (
    '<?xml version="1.0" encoding="UTF-8"?><Response>'
    '<Say language="zh-CN">已收到。</Say><Say language="en-US">Thank you.</Say></Response>'
)
_ANSWERS: Final = {
    Preset.HTTP: ("text/plain", b"ok"),
    Preset.ALIYUN: ("application/json", '{"code":0,"msg":"接收成功"}'.encode()),
    Preset.ALIYUN_VOICE: ("application/json", '{"code":0,"msg":"接收成功"}'.encode()),
    Preset.TENCENT: ("application/json", b'{"result":0,"errmsg":"OK"}'),
    Preset.TWILIO: _TWIML,
    Preset.TWILIO_VOICE: ("text/xml", _THANKS.encode()),
}


@dataclass(frozen=True, slots=True)
class Gate:
    """The way back of one channel.

    public_urls: addresses of the callback as the gateway may have it, without a query: what it signed
    key:         of the gateway's signature, None where it signs nothing: then only the secret in the address protects
    """

    channel: str
    preset: Preset
    public_urls: tuple[str, ...] = ()
    key: str | None = None
    receipt_form: ReceiptForm | None = None
    reply_form: ReplyForm | None = None

    def is_genuine(self, headers: Mapping[str, str], query: str, body: bytes) -> bool:
        """Whether the gateway's own signature is right; true for those that sign nothing.

        query: as it came, without the `?`
        """
        if self.key is None:
            return True
        given = next((value for name, value in headers.items() if name.lower() == "x-twilio-signature"), "")
        try:
            fields = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=FIELDS)
        except ValueError:
            return False
        for public_url in self.public_urls:
            base = urlsplit(public_url)
            url = base._replace(query=query or base.query).geturl()
            if hmac.compare_digest(twilio(self.key, url, fields).encode(), given.encode()):
                return True
        return False

    def receipts(self, headers: Mapping[str, str], query: Mapping[str, str], body: bytes) -> list[Receipt]:
        """Return the receipts of a callback. Raises ValueError as `parse_receipts`."""
        return parse_receipts(self.preset, headers, query, body, channel=self.channel, form=self.receipt_form)

    def replies(
        self, headers: Mapping[str, str], query: Mapping[str, str], body: bytes, received_us: int
    ) -> list[Reply]:
        """Return the replies of a callback. Raises ValueError as `parse_replies`."""
        return parse_replies(
            self.preset, headers, query, body, channel=self.channel, received_us=received_us, form=self.reply_form
        )

    @property
    def answer(self) -> tuple[str, bytes]:
        """What the gateway wants to hear: content type and body."""
        return _ANSWERS[self.preset]


def gate_of(channel: str, settings: object, callback: str = "") -> Gate | None:
    """Return the way back of a channel, None where nothing comes back over HTTP.

    callback: the public address at which it is served; the settings may name another, as the gateway sees it
    """
    if not isinstance(settings, SmsSettings | VoiceSettings):
        return None
    gateway = settings.gateway
    if isinstance(gateway, HttpSection):
        return Gate(channel, Preset.HTTP, (callback,), None, gateway.receipts, gateway.replies)
    if isinstance(gateway, TwilioSection | TwilioVoiceSection):
        token = gateway.auth_token.get_secret_value()
        addresses = tuple(filter(None, (gateway.callback_url, callback)))
        return Gate(channel, Preset(gateway.preset), addresses, token)
    return Gate(channel, Preset(gateway.preset), (callback,))
