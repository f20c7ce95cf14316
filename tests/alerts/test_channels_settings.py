from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from alerts import ChannelSettings, ConsoleChannel, Notification, make_channel
from alerts.channels import ConsoleSettings, MqttSettings, WebhookSettings
from tests.alerts.scene import notification

ADAPTER: TypeAdapter[ChannelSettings] = TypeAdapter(ChannelSettings)


@pytest.mark.parametrize(
    ("settings", "wrong"),
    [
        ({"type": "pigeon"}, "pigeon"),
        ({"type": "console", "colour": "red"}, "colour"),
        ({"type": "webhook", "url": "ftp://example.org"}, "url"),
        ({"type": "webhook", "url": "https://example.org", "secret": "short"}, "16 bytes"),
        ({"type": "webhook", "url": "https://example.org", "secret": "whsec_!!!"}, "base64"),
        ({"type": "mqtt", "topic": "a/{who}"}, "no field 'who'"),
        ({"type": "mqtt", "topic": "a/{site"}, "topic"),
        ({"type": "mqtt", "topic": "a/+"}, "wildcards"),
        ({"type": "mqtt", "topic": ""}, "empty"),
        ({"type": "mqtt", "port": 0}, "port"),
        ({"type": "apprise", "url": "json://x", "threads": 0}, "threads"),
    ],
)
def test_a_fault_is_named(settings: dict[str, object], wrong: str) -> None:
    with pytest.raises(ValidationError, match=wrong):
        ADAPTER.validate_python(settings)


def test_secrets_are_not_shown() -> None:
    shown = repr(
        [
            ADAPTER.validate_python(
                {
                    "type": "webhook",
                    "url": "https://example.org",
                    "secret": "0123456789abcdefSECRET",
                    "headers": {"a": "SECRET"},
                }
            ),
            ADAPTER.validate_python({"type": "apprise", "url": "json://SECRET"}),
            ADAPTER.validate_python({"type": "mqtt", "host": "h", "password": "SECRET"}),
        ]
    )
    assert "SECRET" not in shown


def test_a_plain_secret_is_its_own_key() -> None:
    settings = WebhookSettings.model_validate(
        {"type": "webhook", "url": "https://example.org", "secret": "0123456789abcdef"}
    )
    assert settings.key == b"0123456789abcdef"


def test_an_mqtt_channel_without_any_broker_is_refused() -> None:
    with pytest.raises(ValueError, match="channel siren: no host"):
        make_channel("siren", MqttSettings(type="mqtt"))


async def test_a_console_writes_where_it_is_told() -> None:
    written: list[Notification] = []
    channel = make_channel("console", ConsoleSettings(type="console"), write=written.append)
    assert isinstance(channel, ConsoleChannel)
    message = notification()
    assert await channel.send(message) == "written"
    assert written == [message]
