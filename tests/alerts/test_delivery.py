from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec
import pytest
from structlog.testing import capture_logs

from alerts import AlertsCounters, Delivery, DeliveryError, DeliveryLimits, NotificationStatus, Settle, SystemClock
from alerts.breaker import BreakerLimits, BreakerState
from alerts.channels import Handed
from alerts.notification import Purpose
from rules.model import Severity
from tests.alerts.scene import GAS, SILENT, SMOKE, TANK, HandClock, ScriptedChannel, notification, tick, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from alerts import Channel, Notification

FAILED = DeliveryError("HTTP 500", retry=True)
REFUSED = DeliveryError("HTTP 404", retry=False)
NO_BREAKER = BreakerLimits(failures=10**9)


@dataclass
class Outcome:
    """A delivery under test and all that it reported, with the s at which it did."""

    delivery: Delivery
    clock: HandClock | SystemClock
    counters: AlertsCounters
    settles: list[tuple[float, Settle]] = field(default_factory=list)
    task: asyncio.Task[None] | None = None

    async def settled(self, command: Settle) -> None:
        self.settles.append((self.clock.steady(), command))

    def statuses(self) -> dict[str, NotificationStatus]:
        return {settle.notification: settle.status for _, settle in self.settles}


@asynccontextmanager
async def delivering(
    channels: Mapping[str, Channel],
    clock: HandClock | SystemClock,
    limits: DeliveryLimits | None = None,
    jitter: float = 1.0,
) -> AsyncIterator[Outcome]:
    """Run a delivery for the length of the block. `jitter` is what `random` always says."""
    counters = AlertsCounters()
    outcome: Outcome

    async def settled(command: Settle) -> None:
        await outcome.settled(command)

    delivery = Delivery(channels, settled, clock, lambda: jitter, counters, limits)
    outcome = Outcome(delivery, clock, counters)
    outcome.task = asyncio.create_task(delivery.run())
    try:
        yield outcome
    finally:
        outcome.task.cancel()
        await asyncio.wait([outcome.task])


async def test_a_receipt_settles_a_notification_once() -> None:
    clock = HandClock()
    channel = ScriptedChannel(clock, "HTTP 200")
    async with delivering({"hook": channel}, clock) as out:
        message = notification()
        out.delivery.submit([message, message])
        await until(lambda: out.settles)
        out.delivery.submit([message])
        other = notification(TANK)
        out.delivery.submit([other])
        await until(lambda: len(out.settles) == 2)

    assert [name for _, name in channel.sent] == [message.id, other.id]
    assert out.settles[0][1] == Settle(
        notification=message.id, status=NotificationStatus.HANDED, detail="HTTP 200", attempts=1
    )
    assert channel.closed


async def test_what_is_under_way_is_not_taken_again() -> None:
    clock = HandClock()
    channel = ScriptedChannel(clock, 0.05)
    async with delivering({"hook": channel}, clock) as out:
        message = notification()
        out.delivery.submit([message])
        await until(lambda: channel.sent)
        out.delivery.submit([message])
        await until(lambda: out.settles)
    assert len(channel.sent) == 1


@pytest.mark.parametrize(
    ("jitter", "expected"), [(1.0, [0, 1, 3, 7, 15, 25, 35]), (0.5, [0, 0.5, 1.5, 3.5, 7.5, 12.5, 17.5])]
)
async def test_attempts_back_off_with_full_jitter_up_to_a_bound(jitter: float, expected: list[float]) -> None:
    clock = HandClock()
    channel = ScriptedChannel(clock, *[FAILED] * 6, "at last")
    limits = DeliveryLimits(backoff_first_s=1, backoff_max_s=10, breaker=NO_BREAKER)
    async with delivering({"hook": channel}, clock, limits, jitter) as out:
        out.delivery.submit([notification()])
        await tick(clock, 60, lambda: out.settles)

    assert [at for at, _ in channel.sent] == pytest.approx(expected)
    assert (out.settles[0][1].status, out.settles[0][1].attempts) == (NotificationStatus.HANDED, 7)
    assert (out.counters.attempts, out.counters.retries) == (7, 6)


@pytest.mark.parametrize(("asked", "waited"), [(30.0, 30.0), (0.1, 1.0), (86_400.0, 120.0)])
async def test_a_target_may_ask_for_a_longer_wait_up_to_a_bound(asked: float, waited: float) -> None:
    clock = HandClock()
    busy = DeliveryError("HTTP 429", retry=True, retry_after_s=asked)
    channel = ScriptedChannel(clock, busy, "ok")
    async with delivering({"hook": channel}, clock) as out:
        out.delivery.submit([notification()])
        await tick(clock, 200, lambda: out.settles)
    assert [at for at, _ in channel.sent] == [0, waited]


async def test_a_refusal_is_final_and_does_not_open_the_breaker() -> None:
    clock = HandClock()
    channel = ScriptedChannel(clock, REFUSED)
    limits = DeliveryLimits(breaker=BreakerLimits(failures=1))
    async with delivering({"hook": channel}, clock, limits) as out:
        with capture_logs() as logs:
            out.delivery.submit([notification(), notification(TANK)])
            await until(lambda: len(out.settles) == 2)
        assert out.delivery.breakers()["hook"] is BreakerState.CLOSED
    assert {settle.status for _, settle in out.settles} == {NotificationStatus.FAILED}
    assert [line["event"] for line in logs] == ["alerts.delivery_failed"] * 2
    assert len(channel.sent) == 2


async def test_a_notification_expires_at_its_deadline_and_says_so() -> None:
    clock = HandClock()
    channel = ScriptedChannel(clock, FAILED)
    limits = DeliveryLimits(backoff_first_s=600, backoff_max_s=1_000)
    async with delivering({"hook": channel}, clock, limits) as out:
        message = notification(TANK)
        with capture_logs() as logs:
            out.delivery.submit([message])
            await tick(clock, 3_600, lambda: out.settles)
    ((at, settle),) = out.settles
    assert (at, settle.status, settle.attempts) == (3_600, NotificationStatus.EXPIRED, 4)
    assert [at for at, _ in channel.sent] == [0, 600, 1_600, 2_600]
    assert logs[-1]["event"] == "alerts.delivery_expired"


async def test_what_is_submitted_late_expires_without_an_attempt() -> None:
    clock = HandClock()
    clock.now = 100_000.0
    channel = ScriptedChannel(clock, "ok")
    async with delivering({"hook": channel}, clock) as out:
        out.delivery.submit([notification(TANK)])
        await until(lambda: out.settles)
    assert (out.settles[0][1].status, channel.sent) == (NotificationStatus.EXPIRED, [])


async def test_an_open_breaker_drops_nothing_and_probes_with_the_most_urgent() -> None:
    clock = HandClock()
    channel = ScriptedChannel(clock, FAILED, FAILED, "ok")
    limits = DeliveryLimits(
        at_once=1, backoff_first_s=0.1, backoff_max_s=0.1, breaker=BreakerLimits(failures=2, rest_s=5)
    )
    async with delivering({"hook": channel}, clock, limits) as out:
        first, second = notification(SILENT), notification(TANK)
        out.delivery.submit([first, second])
        await until(lambda: out.delivery.breakers()["hook"] is BreakerState.OPEN)
        urgent = notification(SMOKE)
        out.delivery.submit([urgent])
        await tick(clock, 20, lambda: len(out.settles) == 3)

    assert [name for at, name in channel.sent if at < 5][:2] == [second.id, first.id]
    assert [name for at, name in channel.sent if at >= 5] == [urgent.id, second.id, first.id]
    assert min(at for at, name in channel.sent if name == urgent.id) == 5.0
    assert set(out.statuses().values()) == {NotificationStatus.HANDED}


async def test_a_breaker_that_stays_open_still_lets_deadlines_pass() -> None:
    clock = HandClock()
    channel = ScriptedChannel(clock, FAILED)
    limits = DeliveryLimits(breaker=BreakerLimits(failures=1, rest_s=10_000, rest_max_s=10_000))
    async with delivering({"hook": channel}, clock, limits) as out:
        out.delivery.submit([notification(TANK)])
        await tick(clock, 3_600, lambda: out.settles)
    assert out.settles[0][0] == 3_600


async def test_attempts_at_once_are_bounded_for_each_target() -> None:
    clock = HandClock()
    channels = {"a": ScriptedChannel(clock, 0.01), "b": ScriptedChannel(clock, 0.01)}
    async with delivering(channels, clock, DeliveryLimits(at_once=3)) as out:
        out.delivery.submit([notification(GAS, channel, offset=n) for channel in "ab" for n in range(10)])
        await until(lambda: len(out.settles) == 20)
    assert [channel.most_at_once for channel in channels.values()] == [3, 3]


async def test_the_more_severe_goes_first() -> None:
    clock = HandClock()
    channel = ScriptedChannel(clock, 0.001)
    async with delivering({"hook": channel}, clock, DeliveryLimits(at_once=1)) as out:
        messages = [notification(rule) for rule in (SILENT, TANK, SMOKE, GAS)]
        out.delivery.submit(messages)
        await until(lambda: len(out.settles) == 4)
    names = {message.id: message.incident.severity for message in messages}
    assert [names[name] for _, name in channel.sent] == list(reversed(Severity))


async def test_a_target_that_hangs_delays_no_other() -> None:
    clock = SystemClock()
    hangs, works = ScriptedChannel(HandClock(), 3_600.0), ScriptedChannel(HandClock(), "ok")
    limits = DeliveryLimits(at_once=2, attempt_s=0.5)
    async with delivering({"hangs": hangs, "works": works}, clock, limits) as out:
        bad = [notification(SMOKE, "hangs", offset=n) for n in range(50)]
        good = [notification(TANK, "works", offset=n) for n in range(50)]
        fresh = [_fresh(message) for message in (*bad, *good)]
        began = time.monotonic()
        out.delivery.submit(fresh)
        await until(lambda: len(out.settles) == 50)
        took = time.monotonic() - began
        assert {settle.notification for _, settle in out.settles} == {message.id for message in good}
        assert took < 0.5, "the good ones were there before the first bad attempt was given up"
        await until(lambda: out.counters.retries >= 2)
        assert hangs.most_at_once == 2


def _fresh(message: Notification) -> Notification:
    """Return the message with a deadline by the machine's own clock."""
    now_us = time.time_ns() // 1000
    lasts_us = message.expires_us - message.created_us
    return msgspec.structs.replace(message, created_us=now_us, expires_us=now_us + lasts_us)


async def test_a_channel_that_the_settings_no_more_have_fails_for_good() -> None:
    clock = HandClock()
    async with delivering({}, clock) as out:
        out.delivery.submit([notification(GAS, "gone")])
        await until(lambda: out.settles)
        assert "" not in out.delivery.breakers()
    assert out.settles[0][1].status is NotificationStatus.FAILED
    assert "'gone'" in out.settles[0][1].detail


async def test_there_is_always_a_console() -> None:
    clock = HandClock()
    async with delivering({}, clock) as out:
        with capture_logs() as logs:
            out.delivery.submit([notification(GAS, "console")])
            await until(lambda: out.settles)
    assert [line["event"] for line in logs] == ["alerts.notification", "alerts.delivery_received"]


class BrokenChannel:
    idempotent = True
    at_once = 8
    closed = False

    async def send(self, notification: Notification) -> Handed:
        raise ZeroDivisionError(notification.id)

    async def close(self) -> None:
        self.closed = True


async def test_a_bug_in_a_channel_ends_the_delivery() -> None:
    channel = BrokenChannel()
    async with delivering({"hook": channel}, HandClock()) as out:
        out.delivery.submit([notification()])
        assert out.task
        with pytest.raises(ExceptionGroup) as fell:
            await out.task
    assert fell.group_contains(ZeroDivisionError)
    assert channel.closed
    assert out.settles == []


async def test_a_journal_that_fails_ends_the_delivery() -> None:
    async def settled(_: Settle) -> None:
        raise OSError("journal")

    clock = HandClock()
    delivery = Delivery({"hook": ScriptedChannel(clock, "ok")}, settled, clock, lambda: 1.0, AlertsCounters())
    delivery.submit([notification()])
    with pytest.raises(ExceptionGroup) as fell:
        await delivery.run()
    assert fell.group_contains(OSError)


async def test_a_stop_between_receipt_and_journal_finishes_the_journal() -> None:
    clock = HandClock()
    reached, go, journalled = asyncio.Event(), asyncio.Event(), []

    async def settled(command: Settle) -> None:
        reached.set()
        await go.wait()
        journalled.append(command)

    delivery = Delivery({"hook": ScriptedChannel(clock, "ok")}, settled, clock, lambda: 1.0, AlertsCounters())
    delivery.submit([notification()])
    task = asyncio.create_task(delivery.run())
    await reached.wait()
    task.cancel()
    for _ in range(20):
        await asyncio.sleep(0)
    assert not task.done()
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(journalled) == 1


async def test_the_time_to_a_receipt_is_counted() -> None:
    clock = HandClock()
    clock.now = 0.2
    async with delivering({"hook": ScriptedChannel(clock, "ok")}, clock) as out:
        out.delivery.submit([notification()])
        await until(lambda: out.settles)
    histogram = out.counters.delivery_seconds
    assert (sum(histogram.counts), histogram.counts[3]) == (1, 1)
    assert histogram.total == pytest.approx(0.2)


async def test_what_the_far_end_calls_it_is_journalled() -> None:
    clock = HandClock()
    channel = ScriptedChannel(clock, Handed("queued by the gateway", "4711"), Handed("read", received=True))
    async with delivering({"hook": channel}, clock, DeliveryLimits(at_once=1)) as out:
        out.delivery.submit([notification(SMOKE), notification(TANK)])
        await until(lambda: len(out.settles) == 2)
    first, second = (settle for _, settle in out.settles)
    assert (first.status, first.detail, first.reference) == (
        NotificationStatus.HANDED,
        "queued by the gateway",
        "4711",
    )
    assert (second.status, second.reference) == (NotificationStatus.RECEIVED, "")


async def test_what_may_have_been_taken_is_unknown_at_once_and_not_tried_again() -> None:
    clock = HandClock()
    channel = ScriptedChannel(clock, DeliveryError("no answer", retry=False, unknown=True))
    async with delivering({"hook": channel}, clock) as out:
        out.delivery.submit([notification()])
        await until(lambda: out.settles)
    ((at, settle),) = out.settles
    assert (at, settle.status, settle.detail, settle.attempts) == (0, NotificationStatus.UNKNOWN, "no answer", 1)
    assert len(channel.sent) == 1


@pytest.mark.parametrize(("idempotent", "attempts"), [(True, 3), (False, 1)])
async def test_an_attempt_without_an_answer_is_made_again_only_where_the_far_end_knows_a_repeat(
    idempotent: bool, attempts: int
) -> None:
    channel = ScriptedChannel(HandClock(), 3_600.0, 3_600.0, "at last", idempotent=idempotent)
    limits = DeliveryLimits(attempt_s=0.02, backoff_first_s=0.01)
    async with delivering({"hook": channel}, SystemClock(), limits) as out:
        out.delivery.submit([_fresh(notification())])
        await until(lambda: out.settles)
    ((_, settle),) = out.settles
    expected = NotificationStatus.HANDED if idempotent else NotificationStatus.UNKNOWN
    assert (settle.status, settle.attempts, len(channel.sent)) == (expected, attempts, attempts)


async def test_what_is_withdrawn_is_dropped_before_it_leaves() -> None:
    clock = HandClock()
    channel = ScriptedChannel(clock, FAILED, FAILED, "ok")
    limits = DeliveryLimits(at_once=1, backoff_first_s=10, backoff_max_s=10, breaker=NO_BREAKER)
    async with delivering({"hook": channel}, clock, limits) as out:
        first, second = notification(SMOKE), notification(GAS)
        out.delivery.submit([first, second])
        await until(lambda: len(channel.sent) == 2)
        out.delivery.withdraw([first.id, "NOSUCH"])
        assert out.delivery.depths()["hook"] == 1
        assert first.id not in out.delivery._accepted
        out.delivery.submit([first])
        await tick(clock, 60, lambda: out.settles)
    assert [name for _, name in channel.sent] == [first.id, second.id, second.id]
    assert out.statuses() == {second.id: NotificationStatus.HANDED}


@pytest.mark.parametrize("answer", [Handed("too late to stop it"), REFUSED, FAILED])
async def test_an_attempt_under_way_is_left_to_end_and_is_the_last(answer: Handed | DeliveryError) -> None:
    clock = HandClock()
    go = asyncio.Event()

    class Slow(ScriptedChannel):
        async def send(self, notification: Notification) -> Handed:
            await go.wait()
            return await super().send(notification)

    channel = Slow(clock, answer)
    async with delivering({"hook": channel}, clock) as out:
        message = notification()
        out.delivery.submit([message])
        await until(lambda: out.counters.attempts)
        out.delivery.withdraw([message.id])
        go.set()
        await until(lambda: channel.sent and out.delivery.depths()["hook"] == 0)
        clock.advance_to(100)
        for _ in range(20):
            await asyncio.sleep(0)
    assert len(channel.sent) == 1
    expected = NotificationStatus.HANDED if isinstance(answer, Handed) else NotificationStatus.FAILED
    assert out.statuses() == ({} if answer is FAILED else {message.id: expected})


def to_person(name: str, channel: str = "sms", *, offset: int = 1) -> Notification:
    return notification(
        SMOKE, channel, offset=offset, id=f"{name}-{offset}", recipient=name, address=name, purpose=Purpose.ASK
    )


class Numbers(ScriptedChannel):
    """Hangs for the numbers that begin with 0; the others answer at once."""

    async def send(self, notification: Notification) -> Handed:
        self.answers = [3_600.0 if notification.address.startswith("0") else "ok"]
        return await super().send(notification)


async def test_an_address_that_hangs_takes_no_places_from_other_people() -> None:
    clock = HandClock()
    channel = Numbers(clock, "ok", at_once=4)
    async with delivering({"sms": channel}, clock, DeliveryLimits(attempt_s=60)) as out:
        out.delivery.submit([to_person("0-hangs", offset=offset) for offset in range(10)])
        await until(lambda: len(channel.sent) == 2)
        out.delivery.submit([to_person(f"1-person-{n}") for n in range(50)])
        await until(lambda: len(out.settles) == 50)
        assert [name for _, name in channel.sent if name.startswith("0")] == ["0-hangs-0", "0-hangs-1"]
        assert set(out.statuses().values()) == {NotificationStatus.HANDED}


async def test_an_address_that_hangs_gets_its_next_message_when_one_is_given_up() -> None:
    clock = HandClock()
    channel = Numbers(clock, "ok", at_once=4, idempotent=False)
    async with delivering({"sms": channel}, clock, DeliveryLimits(attempt_s=0.02)) as out:
        out.delivery.submit([to_person("0-hangs", offset=offset) for offset in range(6)])
        await until(lambda: len(out.settles) == 6)
    assert channel.most_at_once == 2
    assert set(out.statuses().values()) == {NotificationStatus.UNKNOWN}


async def test_an_address_that_always_fails_does_not_open_the_channels_breaker() -> None:
    clock = HandClock()

    class Bad(ScriptedChannel):
        async def send(self, notification: Notification) -> Handed:
            self.answers = [FAILED if notification.address.startswith("0") else "ok"]
            return await super().send(notification)

    channel = Bad(clock, "ok")
    limits = DeliveryLimits(backoff_first_s=1, backoff_max_s=1, breaker=BreakerLimits(failures=3, rest_s=1_000))
    async with delivering({"sms": channel}, clock, limits) as out:
        out.delivery.submit([to_person("0-fails", offset=offset) for offset in range(3)])
        await tick(clock, 60, lambda: len(channel.sent) > 20)
        assert out.delivery.breakers()["sms"] is BreakerState.CLOSED
        out.delivery.submit([to_person("0-fails-too"), to_person("0-fails-as-well")])
        await tick(clock, 60, lambda: out.delivery.breakers()["sms"] is BreakerState.OPEN)


async def test_a_probe_that_failed_is_followed_by_one_to_somebody_else() -> None:
    clock = HandClock()

    class Recovers(ScriptedChannel):
        async def send(self, notification: Notification) -> Handed:
            ok = self.clock.steady() >= 5 and not notification.address.startswith("0")
            self.answers = ["ok" if ok else FAILED]
            return await super().send(notification)

    channel = Recovers(clock, "ok")
    limits = DeliveryLimits(
        at_once=1, backoff_first_s=0.1, backoff_max_s=0.1, breaker=BreakerLimits(failures=2, rest_s=5, rest_max_s=5)
    )
    async with delivering({"sms": channel}, clock, limits) as out:
        stuck, other = to_person("0-stuck"), to_person("1-fine", offset=2)
        out.delivery.submit([stuck, other])
        await tick(clock, 60, lambda: out.settles)
    assert [name for at, name in channel.sent if 5 <= at < 11][:2] == [stuck.id, other.id]
    assert out.settles[0][0] == 10


async def test_a_journal_that_is_slow_does_not_hold_up_sending() -> None:
    clock = HandClock()
    channel = ScriptedChannel(clock, "ok", at_once=2)
    go, journalled = asyncio.Event(), []

    async def settled(command: Settle) -> None:
        await go.wait()
        journalled.append(command)

    limits = DeliveryLimits(settling=20)
    delivery = Delivery({"hook": channel}, settled, clock, lambda: 1.0, AlertsCounters(), limits)
    delivery.submit([notification(offset=offset) for offset in range(50)])
    task = asyncio.create_task(delivery.run())
    await until(lambda: len(channel.sent) >= 20)
    for _ in range(50):
        await asyncio.sleep(0)
    assert 20 <= len(channel.sent) <= 21, "but what is not journalled is bounded"
    assert delivery.depths()["hook"] == 50
    go.set()
    await until(lambda: len(journalled) == 50)
    task.cancel()
    await asyncio.wait([task])


async def test_what_is_done_is_not_kept_for_ever() -> None:
    clock = HandClock()
    limits = DeliveryLimits(done_kept=10)
    async with delivering({"hook": ScriptedChannel(clock, "ok")}, clock, limits) as out:
        out.delivery.submit([notification(offset=offset) for offset in range(200)])
        await until(lambda: len(out.settles) == 200)
        await until(lambda: not out.delivery._accepted)
        assert len(out.delivery._done) == 10
