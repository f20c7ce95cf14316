from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic import ValidationError

from alerts.channels.channel import DeliveryError
from alerts.channels.push import PAYLOAD_BYTES, PushChannel, payload
from alerts.channels.push_settings import PushSettings, VapidKeyFault, vapid_key
from alerts.command import Subscribe, Unsubscribe
from alerts.subscriptions import Subscriptions
from rules.model import AlarmClass, Severity
from tests.alerts.machines import T0, S, incident, notification
from tests.alerts.push_service import push_service, unpadded

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from alerts.notification import Notification
    from tests.alerts.push_service import Browser, PushService

SUBJECT = "mailto:duty@vigil.example"


class Desk:
    """A channel with its subscriptions, as the service joins them."""

    def __init__(self, service: PushService, at_us: int = T0) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.service = service
        self.at_us = at_us
        self.subscriptions = Subscriptions()
        self.gone: list[str] = []
        self.channel = PushChannel(
            self.key, SUBJECT, self.subscriptions.of, self._unsubscribe, self._link, clock_us=lambda: self.at_us
        )

    def subscribe(self, browser: Browser, person: str = "wang") -> None:
        self.subscriptions.apply(
            Subscribe(person=person, subscription=browser.subscription(self.service.root), origin="page")
        )

    async def _unsubscribe(self, endpoint: str) -> None:
        self.gone.append(endpoint)
        self.subscriptions.apply(Unsubscribe(endpoint=endpoint, origin="push"))

    @staticmethod
    def _link(message: Notification) -> str:
        return f"https://vigil.example/a/{message.id}"


@pytest.fixture
async def service() -> AsyncIterator[PushService]:
    async with push_service() as running:
        yield running


@pytest.fixture
async def desk(service: PushService) -> AsyncIterator[Desk]:
    made = Desk(service)
    yield made
    await made.channel.close()


async def test_the_browser_decrypts_the_message_and_the_service_knows_who_sent_it(
    service: PushService, desk: Desk
) -> None:
    desk.subscribe(service.browser("phone"))
    message = notification(wants_answer=True)
    handed = await desk.channel.send(message)
    (push,) = service.pushes
    assert handed.detail == "1 of 1 browsers"
    assert not handed.received  # the push service has it, not the person
    assert push.said == {
        "notification": message.id,
        "incident": "QFE23P6C",
        "tag": "QFE23P6C",
        "title": message.title,
        "body": message.body,
        "url": f"https://vigil.example/a/{message.id}",
        "severity": "alarm",
        "purpose": "tell",
        "wants_answer": True,
        "lang": "zh-CN",
        "created_us": T0,
    }
    point = desk.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    assert push.sender == unpadded(point)
    assert push.claims["sub"] == SUBJECT
    assert 0 < push.claims["exp"] - T0 // S <= 86_400


async def test_time_to_live_topic_and_urgency_are_those_of_the_message(service: PushService, desk: Desk) -> None:
    desk.subscribe(service.browser("phone"))
    desk.at_us = T0 + 600 * S
    minor = incident(severity=Severity.WARNING, alarm_class=AlarmClass.TROUBLE)
    await desk.channel.send(notification(lasts=900))
    await desk.channel.send(notification(about=minor))
    await desk.channel.send(notification(about=incident(severity=Severity.WARNING), lasts=100 * 86_400.0))
    await desk.channel.send(notification(lasts=1))
    seen = [(push.headers["ttl"], push.headers["topic"], push.headers["urgency"]) for push in service.pushes]
    assert seen == [
        ("300", "QFE23P6C", "high"),
        ("3000", "QFE23P6C", "normal"),
        ("2419200", "QFE23P6C", "high"),
        ("0", "QFE23P6C", "high"),
    ]


async def test_every_browser_of_the_person_gets_it_and_no_other(service: PushService, desk: Desk) -> None:
    for name in ("phone", "desktop"):
        desk.subscribe(service.browser(name))
    desk.subscribe(service.browser("other"), person="li")
    assert (await desk.channel.send(notification())).detail == "2 of 2 browsers"
    assert {push.browser for push in service.pushes} == {"phone", "desktop"}


@pytest.mark.parametrize("status", [404, 410])
async def test_a_browser_that_takes_no_more_is_dropped_and_the_others_are_told(
    service: PushService, desk: Desk, status: int
) -> None:
    desk.subscribe(service.browser("old", status=status))
    desk.subscribe(service.browser("new"))
    assert (await desk.channel.send(notification())).detail == "1 of 2 browsers"
    assert desk.gone == [f"{service.root}/push/old"]
    assert (await desk.channel.send(notification())).detail == "1 of 1 browsers"


async def test_with_the_last_browser_gone_it_is_refused_for_good(service: PushService, desk: Desk) -> None:
    desk.subscribe(service.browser("old", status=410))
    with pytest.raises(DeliveryError) as refused:
        await desk.channel.send(notification())
    assert not refused.value.retry
    with pytest.raises(DeliveryError, match="no browser is subscribed") as nobody:
        await desk.channel.send(notification())
    assert not nobody.value.retry


async def test_a_busy_service_is_tried_again_when_it_says(service: PushService, desk: Desk) -> None:
    desk.subscribe(service.browser("phone", status=429, headers={"retry-after": "7"}))
    desk.subscribe(service.browser("old", status=413))
    with pytest.raises(DeliveryError, match="429") as busy:
        await desk.channel.send(notification())
    assert (busy.value.retry, busy.value.retry_after_s) == (True, 7.0)


async def test_a_service_that_is_not_there_is_tried_again(service: PushService, desk: Desk) -> None:
    desk.subscribe(service.browser("phone"))
    subscription = json.loads(service.browser("lost").subscription("http://127.0.0.1:1"))
    desk.subscriptions.apply(Subscribe(person="li", subscription=json.dumps(subscription), origin="page"))
    with pytest.raises(DeliveryError) as lost:
        await desk.channel.send(notification(recipient="li"))
    assert lost.value.retry


async def test_a_key_that_is_no_point_of_the_curve_drops_its_browser(service: PushService, desk: Desk) -> None:
    broken: dict[str, Any] = json.loads(service.browser("phone").subscription(service.root))
    broken["keys"]["p256dh"] = unpadded(b"\x04" + b"\x01" * 64)
    desk.subscriptions.apply(Subscribe(person="wang", subscription=json.dumps(broken), origin="page"))
    with pytest.raises(DeliveryError, match="no point") as refused:
        await desk.channel.send(notification())
    assert not refused.value.retry
    assert desk.gone == [broken["endpoint"]]


async def test_a_token_is_used_again_and_made_anew_before_it_runs_out(service: PushService, desk: Desk) -> None:
    desk.subscribe(service.browser("phone"))
    for hours in (0, 10, 11.5):
        desk.at_us = T0 + round(hours * 3600 * S)
        await desk.channel.send(notification(created_us=desk.at_us))
    first, second, third = (push.claims["exp"] for push in service.pushes)
    assert first == second
    assert third == T0 // S + round(23.5 * 3600)


async def test_the_longest_message_still_fits_into_what_every_service_takes(service: PushService, desk: Desk) -> None:
    desk.subscribe(service.browser("phone"))
    await desk.channel.send(notification(body_en="long " * 2_000, body_zh="很长" * 2_000, title_zh="题" * 100))
    (push,) = service.pushes
    assert push.size <= 4096
    assert push.said["body"].startswith("很长很长")


@pytest.mark.parametrize("body", ["", "a", '"' * 5_000, "很" * 5_000, "a😀" * 3_000, "\n" * 5_000])
def test_a_payload_is_whole_json_of_bounded_size(body: str) -> None:
    said = payload(notification(body_en=body, body_zh=body), "https://vigil.example/a/x")
    assert len(said) <= PAYLOAD_BYTES
    assert json.loads(said)["title"]
    if len(body.encode()) > PAYLOAD_BYTES:
        assert len(said) > PAYLOAD_BYTES * 0.85  # cut no shorter than it must be


# ── the key ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_key_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    first = vapid_key(tmp_path / "data")
    again = vapid_key(tmp_path / "data")
    assert first.private_numbers() == again.private_numbers()
    (file,) = (tmp_path / "data").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("text", ["", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "hello"])
def test_a_file_that_is_no_key_is_a_fault_and_stays(tmp_path: Path, text: str) -> None:
    file = tmp_path / "vapid.pem"
    file.write_text(text)
    with pytest.raises(VapidKeyFault, match=r"vapid\.pem"):
        vapid_key(tmp_path)
    assert file.read_text() == text


@pytest.mark.parametrize("subject", ["", "duty@vigil.example", "mailto:duty", "http://vigil.example", "mailto: a@b.c"])
def test_a_subject_that_push_services_refuse_is_a_fault(subject: str) -> None:
    with pytest.raises(ValidationError):
        PushSettings(type="push", subject=subject)


@pytest.mark.parametrize("subject", ["mailto:duty@vigil.example", "https://vigil.example"])
async def test_every_subject_of_the_settings_can_be_signed(service: PushService, subject: str) -> None:
    desk = Desk(service)
    channel = PushChannel(
        desk.key,
        PushSettings(type="push", subject=subject).subject,
        desk.subscriptions.of,
        desk._unsubscribe,
        desk._link,
    )
    desk.subscribe(service.browser("phone"))
    await channel.send(notification(created_us=10**16, lasts=1e6))
    await channel.close()
    await desk.channel.close()
    assert service.pushes[0].claims["sub"] == subject
