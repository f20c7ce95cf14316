"""What the settings file says about channels, and the channels made of it."""

from __future__ import annotations

import base64
import binascii
import ssl
import string
import time
from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, FilePath, HttpUrl, SecretStr, field_validator

from alerts.channels.console import ConsoleChannel
from alerts.channels.mqtt import TOPIC_FIELDS, Broker, MqttChannel
from alerts.channels.webhook import WebhookChannel

if TYPE_CHECKING:
    from collections.abc import Callable

    from alerts.channels.channel import Channel
    from alerts.notification import Notification

__all__ = [
    "AppriseSettings",
    "ChannelSettings",
    "ConsoleSettings",
    "MqttSettings",
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
    """

    type: Literal["webhook"]
    url: HttpUrl
    secret: SecretStr | None = None
    headers: dict[str, SecretStr] = {}
    ca_file: FilePath | None = None

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

    topic: a template; may name {site}, {device}, {severity}, {recipient}
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
    """Any URL of apprise: https://appriseit.com/services/."""

    type: Literal["apprise"]
    url: SecretStr
    threads: int = Field(default=4, ge=1, le=32)


ChannelSettings = Annotated[
    WebhookSettings | MqttSettings | AppriseSettings | ConsoleSettings, Field(discriminator="type")
]


def make_channel(
    name: str,
    settings: WebhookSettings | MqttSettings | AppriseSettings | ConsoleSettings,
    broker: Broker | None = None,
    write: Callable[[Notification], None] | None = None,
) -> Channel:
    """Return the channel `name` as the settings describe it.

    broker: the service's own, for MQTT channels that name none; write: what a console channel writes to, if not the log
    Raises ValueError where an MQTT channel has no broker, or apprise makes nothing of its URL.
    """
    match settings:
        case ConsoleSettings():
            return ConsoleChannel(write)
        case WebhookSettings():
            verify = ssl.create_default_context(cafile=settings.ca_file) if settings.ca_file else None
            headers = {header: value.get_secret_value() for header, value in settings.headers.items()}
            return WebhookChannel(str(settings.url), settings.key, headers, verify)
        case MqttSettings():
            return MqttChannel(_broker(name, settings, broker), settings.topic, f"vigil-alerts-{name}", _now_us)
        case AppriseSettings():
            from alerts.channels.apprise import AppriseChannel  # noqa: PLC0415  # a second to load, for those who use it

            return AppriseChannel(name, settings.url.get_secret_value(), settings.threads)


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


def _now_us() -> int:
    return time.time_ns() // 1000
