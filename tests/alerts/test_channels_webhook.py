from __future__ import annotations

import base64
import hashlib
import hmac
import time
from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec
import pytest

from alerts import DeliveryError, DeliveryLimits, NotificationStatus, SystemClock, make_channel
from alerts.breaker import BreakerLimits
from alerts.channels import Handed, WebhookSettings
from alerts.incident import Exercise
from alerts.notification import Purpose
from tests.alerts.receiver import CLOSE, HANG, OK, receiver, status
from tests.alerts.scene import GAS, notification, until
from tests.alerts.test_delivery import _fresh, delivering

if TYPE_CHECKING:
    from alerts import Channel

SLACK_S = 0.1
"""A call may be seen later than it was made, by so much on a busy machine."""

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()


def webhook(url: str, **settings: object) -> Channel:
    return make_channel("hook", WebhookSettings.model_validate({"type": "webhook", "url": url, **settings}))


def verified(secret: str, headers: dict[str, str], body: bytes, now_s: float) -> bool:
    """Verify as docs/webhook.md tells receivers to; nothing of the sender's code is used."""
    key = base64.b64decode(secret.split("_", 1)[1])
    if abs(now_s - int(headers["webhook-timestamp"])) > 300:
        return False
    signed = b".".join([headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body])
    expected = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    return any(
        hmac.compare_digest(expected, value)
        for version, _, value in (entry.partition(",") for entry in headers["webhook-signature"].split())
        if version == "v1"
    )


async def test_a_receiver_can_verify_what_it_got_and_knows_a_repeat() -> None:
    message = notification()
    async with receiver(OK) as hook:
        channel = webhook(hook.url, secret=SECRET, headers={"authorization": "Bearer t0ken"})
        for _ in range(2):
            assert (await channel.send(message)).detail == "HTTP 200 OK"
        await channel.close()

    first, second = hook.requests
    assert verified(SECRET, first.headers, first.body, time.time())
    assert not verified(SECRET, first.headers, first.body.replace(b"flat-201", b"flat-202"), time.time())
    assert not verified(SECRET, {**first.headers, "webhook-id": "other"}, first.body, time.time())
    assert first.headers["webhook-id"] == first.headers["idempotency-key"] == message.id
    assert (second.headers["idempotency-key"], second.body) == (message.id, first.body)
    assert first.headers["content-type"] == "application/json"
    assert first.headers["authorization"] == "Bearer t0ken"
    assert hook.connections == 1, "the connection is used again"


async def test_the_document_says_it_all() -> None:
    message = notification(GAS)
    async with receiver(OK) as hook:
        channel = webhook(hook.url)
        await channel.send(message)
        await channel.close()

    (request,) = hook.requests
    document = request.json
    assert "webhook-signature" not in request.headers
    assert (document["type"], document["timestamp"]) == ("incident.raised", "2027-01-15T08:00:00Z")
    data = document["data"]
    assert isinstance(data, dict)
    assert data["notification"] == message.id
    assert data["incident"]["id"] == message.incident.id
    assert data["incident"]["value"] == 12.3
    assert data["incident"]["alarm_class"] == "life-safety"
    assert data["body_zh"] == message.body_zh
    assert (data["purpose"], data["languages"], data["others_count"]) == ("tell", ["zh", "en"], 0)


async def test_the_document_tells_an_exercise_and_never_what_answers_it() -> None:
    drill = msgspec.structs.replace(notification().incident, exercise=Exercise.DRILL)
    message = notification(incident=drill, code="4711-CODE", purpose=Purpose.ASK, wants_answer=True, address="138")
    async with receiver(OK) as hook:
        channel = webhook(hook.url)
        await channel.send(message)
        await channel.close()
    data = hook.requests[0].json["data"]
    assert isinstance(data, dict)
    assert (data["drill"], data["purpose"], data["wants_answer"], data["address"]) == (True, "ask", True, "138")
    assert b"4711-CODE" not in hook.requests[0].body


async def test_a_system_that_took_it_has_received_it_and_what_stands_before_a_person_has_not() -> None:
    async with receiver(status(202)) as hook:
        channel = webhook(hook.url)
        assert await channel.send(notification()) == Handed("HTTP 202 Said", received=True)
        assert await channel.send(notification(purpose=Purpose.ASK)) == Handed("HTTP 202 Said")
        await channel.close()


@pytest.mark.parametrize(("answer", "retry"), [(status(429), True), (CLOSE, True), (status(404), False)])
async def test_an_answer_says_whether_to_try_again(answer: str, retry: bool) -> None:
    async with receiver(answer) as hook:
        channel = webhook(hook.url)
        with pytest.raises(DeliveryError) as failed:
            await channel.send(notification())
        await channel.close()
    assert (failed.value.retry, failed.value.unknown) == (retry, False), "a receiver knows a repeat"


async def test_a_real_server_that_fails_hangs_and_limits_gets_each_attempt_in_its_time() -> None:
    limits = DeliveryLimits(attempt_s=0.3, backoff_first_s=0.2, backoff_max_s=0.2, breaker=BreakerLimits(failures=99))
    async with receiver(status(500), HANG, status(429, "retry-after: 1"), CLOSE, OK) as hook:
        channel = webhook(hook.url, secret=SECRET)
        async with delivering({"hook": channel}, SystemClock(), limits) as out:
            out.delivery.submit([_fresh(notification())])
            await until(lambda: out.settles)
    at = [request.at - hook.requests[0].at for request in hook.requests]
    gaps = [after - before for before, after in pairwise(at)]
    # waits: 500 → 0.2; hang → 0.3 for the attempt and 0.2; 429 → the 1 s it asked for; close → 0.2
    for gap, (least, most) in zip(gaps, [(0.2, 0.7), (0.5, 1.0), (1.0, 1.5), (0.2, 0.7)], strict=True):
        assert least - SLACK_S <= gap <= most
    ((_, settle),) = out.settles
    assert (settle.status, settle.attempts, settle.detail) == (NotificationStatus.RECEIVED, 5, "HTTP 200 OK")
    assert len({request.headers["idempotency-key"] for request in hook.requests}) == 1


async def test_a_server_that_hangs_does_not_delay_another() -> None:
    limits = DeliveryLimits(at_once=2, attempt_s=5)
    async with receiver(HANG) as hangs, receiver(OK) as works:
        channels = {"hangs": webhook(hangs.url), "works": webhook(works.url)}
        async with delivering(channels, SystemClock(), limits) as out:
            bad = [_fresh(notification(GAS, "hangs", offset=n)) for n in range(20)]
            good = [_fresh(notification(GAS, "works", offset=n)) for n in range(20)]
            began = time.monotonic()
            out.delivery.submit([*bad, *good])
            await until(lambda: len(out.settles) == 20)
            assert time.monotonic() - began < 1.0
            assert {settle.notification for _, settle in out.settles} == {message.id for message in good}
    assert len(hangs.requests) == 2
