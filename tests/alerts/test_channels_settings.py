from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import pytest
from pydantic import TypeAdapter, ValidationError
from structlog.testing import capture_logs

from alerts import ChannelSettings, ConsoleChannel, Notification, make_channel
from alerts.channels import ChannelContext, ConsoleSettings, Handed, MqttSettings, WebhookSettings
from tests.alerts.scene import notification

if TYPE_CHECKING:
    from pathlib import Path

    from alerts import Channel

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
        ({"type": "webhook", "url": "https://example.org", "at_once": 0}, "at_once"),
        ({"type": "failover", "members": ["sms-aliyun"]}, "members"),
        ({"type": "failover", "members": ["a", "b"], "resend_unknown": "sometimes"}, "resend_unknown"),
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
            ADAPTER.validate_python(
                {"type": "chatbot", "robot": "dingtalk", "url": "https://example.org/SECRET", "secret": "SECRET"}
            ),
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
    channel = make_channel("console", ConsoleSettings(type="console"), ChannelContext(write=written.append))
    assert isinstance(channel, ConsoleChannel)
    message = notification()
    assert await channel.send(message) == Handed("written", received=True)
    assert written == [message]


async def test_the_log_has_neither_the_address_nor_what_answers_the_message() -> None:
    with capture_logs() as logs:
        await ConsoleChannel().send(notification(address="13800138000", code="4711"))
    (line,) = logs
    assert (line["event"], line["recipient"]) == ("alerts.notification", "duty")
    assert not {"13800138000", "4711"} & {str(value) for value in line.values()}


EVERY: dict[str, dict[str, object]] = {
    "console": {},
    "webhook": {"url": "https://example.org/hook"},
    "mqtt": {"host": "127.0.0.1"},
    "apprise": {"url": "json://127.0.0.1/"},
    "chatbot": {"robot": "wecom", "url": "https://example.org/robot"},
    "failover": {"members": ["first", "second"]},
    "alertmanager": {"urls": ["http://127.0.0.1:9093"]},
    "heartbeat": {"url": "https://example.org/ping/1"},
    "push": {"subject": "mailto:duty@example.org"},
    "smpp": {"host": "127.0.0.1", "system_id": "vigil", "password": "x"},
    "sms": {
        "gateway": {
            "preset": "aliyun",
            "access_key_id": "id",
            "access_key_secret": "x",
            "sign_name": "Vigil",
            "template_id": "SMS_1",
            "params": {"text": "{text_short}"},
        }
    },
    "voice": {"gateway": {"preset": "twilio-voice", "account_sid": "AC1", "auth_token": "x", "sender": "+15005550006"}},
}


def test_every_kind_of_channel_is_known_here() -> None:
    kinds = get_args(get_args(ChannelSettings)[0])
    assert {get_args(kind.model_fields["type"].annotation)[0] for kind in kinds} == set(EVERY)


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
@pytest.mark.parametrize("kind", EVERY)
async def test_every_kind_of_channel_can_be_made_and_says_what_delivery_asks(kind: str, tmp_path: Path) -> None:
    members: dict[str, Channel] = {name: ConsoleChannel() for name in ("first", "second")}
    settings = ADAPTER.validate_python({"type": kind, **EVERY[kind]})
    channel = make_channel("it", settings, ChannelContext(members=members, data_dir=tmp_path))
    assert isinstance(channel.idempotent, bool)
    assert 1 <= channel.at_once <= 128
    await channel.close()
