"""What the settings file says about channels, and the channels made of it."""

from __future__ import annotations

import base64
import binascii
import ssl
import string
from typing import TYPE_CHECKING, Annotated, Final, Literal, Self, assert_never

from pydantic import BaseModel, ConfigDict, Field, FilePath, HttpUrl, SecretStr, field_validator, model_validator

from alerts.channels.alertmanager import AlertmanagerChannel, AlertmanagerSettings
from alerts.channels.chatbot import ChatbotChannel, Robot
from alerts.channels.console import ConsoleChannel
from alerts.channels.context import ChannelContext
from alerts.channels.failover import FailoverChannel, Resend
from alerts.channels.heartbeat import HeartbeatSettings, make_heartbeat
from alerts.channels.http import HttpGateway
from alerts.channels.mqtt import TOPIC_FIELDS, Broker, MqttChannel
from alerts.channels.push_settings import PushSettings, VapidKeyFault, vapid_key
from alerts.channels.smpp.settings import SmppSettings
from alerts.channels.sms.settings import SmsSettings
from alerts.channels.voice_settings import VoiceSettings
from alerts.channels.webhook import WebhookChannel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alerts.channels.channel import Channel

__all__ = [
    "AlertmanagerSettings",
    "AppriseSettings",
    "ChannelSettings",
    "ChatbotSettings",
    "ConsoleSettings",
    "FailoverSettings",
    "HeartbeatSettings",
    "MqttSettings",
    "PushSettings",
    "SmppSettings",
    "SmsSettings",
    "VoiceSettings",
    "WebhookSettings",
    "make_channel",
]

SECRET_PREFIX: Final = "whsec_"  # noqa: S105  # the prefix, not a secret
SECRET_BYTES: Final = 16


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ConsoleSettings(_Settings):
    """A line of the log for each notification."""

    type: Literal["console"]


class WebhookSettings(_Settings):
    """A signed POST.

    secret:  `whsec_` and base64, or plain text, of 16 bytes or more; without it nothing is signed
    headers: sent with each POST; the place for a token
    ca_file: PEM certificates to trust in place of the machine's
    proxy:   URL of an HTTP proxy
    at_once: POSTs under way, at most
    """

    type: Literal["webhook"]
    url: HttpUrl
    secret: SecretStr | None = None
    headers: dict[str, SecretStr] = {}
    ca_file: FilePath | None = None
    proxy: HttpUrl | None = None
    at_once: int = Field(default=64, ge=1, le=128)

    @field_validator("secret")
    @classmethod
    def _is_long_enough(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None and len(_key(secret)) < SECRET_BYTES:
            raise ValueError(f"wanted {SECRET_BYTES} bytes or more")
        return secret

    @property
    def key(self) -> bytes | None:
        """The key of the signature."""
        return None if self.secret is None else _key(self.secret)


class MqttSettings(_Settings):
    """A downlink topic.

    topic: a template; may name {site}, {device}, {severity}, {recipient}, {address}
    host:  a broker of its own; without it the service's own broker is used, and the other fields of the connection not
    """

    type: Literal["mqtt"]
    topic: str = "vigil/v1/{site}/{device}/cmd"
    host: str | None = None
    port: int = Field(default=1883, ge=1, le=65_535)
    username: str | None = None
    password: SecretStr | None = None
    tls: bool = False
    ca_file: FilePath | None = None

    @field_validator("topic")
    @classmethod
    def _is_template(cls, topic: str) -> str:
        parts = list(string.Formatter().parse(topic))  # ValueError where braces do not match
        wrong = [name for _, name, _, _ in parts if name is not None and name not in TOPIC_FIELDS]
        if wrong:
            raise ValueError(f"no field {', '.join(map(repr, wrong))}; there are {', '.join(TOPIC_FIELDS)}")
        if not topic or any(character in text for text, *_ in parts for character in "+#\0"):
            raise ValueError("a topic to publish to is not empty and has no wildcards")
        return topic


class AppriseSettings(_Settings):
    """Any URL of apprise: https://appriseit.com/services/.

    url:     `{address}` in it stands for the address of the person, such as in `mailtos://user:key@host?to={address}`
    threads: messages under way, at most
    """

    type: Literal["apprise"]
    url: SecretStr
    threads: int = Field(default=8, ge=1, le=64)


class ChatbotSettings(_Settings):
    """A group robot of WeCom, DingTalk or Feishu.

    url:    of the robot, as the group's settings show it
    secret: of the signature, for a robot of DingTalk or Feishu that wants one
    """

    type: Literal["chatbot"]
    robot: Robot
    url: SecretStr
    secret: SecretStr = SecretStr("")
    ca_file: FilePath | None = None
    proxy: HttpUrl | None = None

    @field_validator("url")
    @classmethod
    def _is_url(cls, url: SecretStr) -> SecretStr:
        if not url.get_secret_value().startswith(("https://", "http://")):
            raise ValueError("wanted an address that begins with https://")
        return url

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.robot is Robot.WECOM and self.secret.get_secret_value():
            raise ValueError("secret: robots of WeCom sign nothing")
        return self


class FailoverSettings(_Settings):
    """Several channels as one: the next where the first cannot.

    members:        names of channels, the best first
    resend_unknown: which messages the next member gets although the one before may have taken them: better twice than
                    not at all. Other messages are UNKNOWN then, and the person's next channel is tried
    """

    type: Literal["failover"]
    members: tuple[str, ...] = Field(min_length=2, max_length=4)
    resend_unknown: Resend = Resend.LIFE_SAFETY


_ChannelSettings = (
    AlertmanagerSettings
    | AppriseSettings
    | ChatbotSettings
    | ConsoleSettings
    | FailoverSettings
    | HeartbeatSettings
    | MqttSettings
    | PushSettings
    | SmppSettings
    | SmsSettings
    | VoiceSettings
    | WebhookSettings
)
ChannelSettings = Annotated[_ChannelSettings, Field(discriminator="type")]


def make_channel(name: str, settings: _ChannelSettings, context: ChannelContext | None = None) -> Channel:  # noqa: C901, PLR0911 - one line a kind
    """Return the channel `name` as the settings describe it. A failover channel's members are made before it.

    Raises ValueError, with what is wrong and nothing secret, where the settings fit nothing that is there.
    """
    # What takes long to load is loaded by those who use it.
    context = context or ChannelContext()
    match settings:
        case AlertmanagerSettings():
            return _alertmanager(settings, context)
        case AppriseSettings():
            from alerts.channels.apprise import AppriseChannel  # noqa: PLC0415

            return AppriseChannel(name, settings.url.get_secret_value(), settings.threads, context.link_of)
        case ChatbotSettings():
            return _chatbot(settings, context)
        case ConsoleSettings():
            return ConsoleChannel(context.write)
        case FailoverSettings():
            return _failover(name, settings, context)
        case HeartbeatSettings():
            return make_heartbeat(settings)
        case MqttSettings():
            topic = settings.topic
            return MqttChannel(_broker(name, settings, context.broker), topic, f"vigil-alerts-{name}", context.now_us)
        case PushSettings():
            return _push(name, settings, context)
        case SmppSettings():
            from alerts.channels.smpp import SmppChannel  # noqa: PLC0415

            return SmppChannel(name, settings, context.link_of, context.on_receipt, context.on_reply, context.now_us)
        case SmsSettings():
            from alerts.channels.sms import make_sms  # noqa: PLC0415

            return make_sms(settings, context.link_of, context.callback_of(name), context.now_us)
        case VoiceSettings():
            from alerts.channels.voice import make_voice  # noqa: PLC0415

            return make_voice(settings, context.callback_of(name), context.now_us)
        case WebhookSettings():
            proxy = str(settings.proxy) if settings.proxy else ""
            gateway = _gateway(settings.headers, settings.ca_file, context, proxy)
            return WebhookChannel(str(settings.url), settings.key, gateway, context.now_us, settings.at_once)
    assert_never(settings)


def _alertmanager(settings: AlertmanagerSettings, context: ChannelContext) -> AlertmanagerChannel:
    return AlertmanagerChannel(
        [str(url) for url in settings.urls],
        _gateway(settings.headers, settings.ca_file, context),
        context.incident_of,
        labels=settings.labels,
        page_of=context.page_of,
        refresh_s=settings.refresh_s,
        hold_s=settings.hold_s,
        clock_us=context.now_us,
    )


def _chatbot(settings: ChatbotSettings, context: ChannelContext) -> ChatbotChannel:
    verify = ssl.create_default_context(cafile=settings.ca_file) if settings.ca_file else None
    proxy = str(settings.proxy) if settings.proxy else ""
    return ChatbotChannel(
        settings.robot,
        settings.url.get_secret_value(),
        settings.secret.get_secret_value(),
        HttpGateway(idempotent=False, verify=verify, proxy=proxy, clock_us=context.now_us),
        context.link_of,
        context.now_us,
    )


def _failover(name: str, settings: FailoverSettings, context: ChannelContext) -> FailoverChannel:
    members: dict[str, Channel] = {}
    for member in settings.members:
        channel = context.members.get(member)
        if channel is None or isinstance(channel, FailoverChannel):
            raise ValueError(f"channel {name}: no channel {member!r} to be a member; a failover channel cannot be one")
        if member in members:
            raise ValueError(f"channel {name}: {member!r} twice")
        members[member] = channel
    return FailoverChannel(members, context.steady, settings.resend_unknown)


def _gateway(
    headers: Mapping[str, SecretStr], ca_file: FilePath | None, context: ChannelContext, proxy: str = ""
) -> HttpGateway:
    plain = {header: value.get_secret_value() for header, value in headers.items()}
    verify = ssl.create_default_context(cafile=ca_file) if ca_file else None
    return HttpGateway(idempotent=True, headers=plain, verify=verify, proxy=proxy, clock_us=context.now_us)


def _push(name: str, settings: PushSettings, context: ChannelContext) -> Channel:
    from alerts.channels.push import PushChannel  # noqa: PLC0415

    if context.data_dir is None:
        raise ValueError(f"channel {name}: no folder for its key")
    try:
        key = vapid_key(context.data_dir)
    except (VapidKeyFault, OSError) as error:
        raise ValueError(f"channel {name}: {error}") from error
    return PushChannel(
        key,
        settings.subject,
        context.subscribed,
        context.unsubscribe,
        context.link_of,
        HttpGateway(idempotent=True, clock_us=context.now_us),
        context.now_us,
    )


def _broker(name: str, settings: MqttSettings, broker: Broker | None) -> Broker:
    if settings.host is None:
        if broker is None:
            raise ValueError(f"channel {name}: no host, and no broker of the service to use instead")
        return broker
    tls = ssl.create_default_context(cafile=settings.ca_file) if settings.tls or settings.ca_file else None
    password = None if settings.password is None else settings.password.get_secret_value()
    return Broker(settings.host, settings.port, settings.username, password, tls)


def _key(secret: SecretStr) -> bytes:
    text = secret.get_secret_value()
    if not text.startswith(SECRET_PREFIX):
        return text.encode()
    try:
        return base64.b64decode(text.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError(f"wanted base64 after {SECRET_PREFIX!r}") from error
