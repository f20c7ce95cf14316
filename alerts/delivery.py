"""`Delivery`: sends what is owed, each target on its own, until there is a receipt, a refusal or no more use in it."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

import structlog

from alerts.backlog import Backlog, Job
from alerts.breaker import Breaker, BreakerLimits, BreakerState
from alerts.channels.channel import AbsentChannel, Channel, DeliveryError
from alerts.channels.console import ConsoleChannel
from alerts.command import Settle
from alerts.incident import NotificationStatus
from alerts.routing import CONSOLE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping

    from alerts.counters import AlertsCounters
    from alerts.notification import Notification

__all__ = ["Clock", "Delivery", "DeliveryLimits", "SystemClock"]

ABSENT: Final = ""
_log = structlog.get_logger()


class Clock(Protocol):
    """The time that delivery goes by; tests have their own."""

    def time_us(self) -> int:
        """Return µs since the epoch."""

    def steady(self) -> float:
        """Return s of a clock that never steps."""

    async def wait(self, event: asyncio.Event, seconds: float | None) -> None:
        """Return when `event` is set, or `seconds` have passed if not None."""


class SystemClock:
    """The machine's clocks."""

    def time_us(self) -> int:
        """Return µs since the epoch."""
        return time.time_ns() // 1000

    def steady(self) -> float:
        """Return s of a clock that never steps."""
        return time.monotonic()

    async def wait(self, event: asyncio.Event, seconds: float | None) -> None:
        """Return when `event` is set, or `seconds` have passed if not None."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await event.wait()


@dataclass(frozen=True, slots=True)
class DeliveryLimits:
    """What delivery is bounded by; what waits is bounded by the outbox.

    concurrency:       attempts under way at once, per target
    attempt_s:         s for one attempt
    backoff_first_s, backoff_max_s: the longest wait after the first failure, doubled with each, and its bound;
                       the wait is a random part of it
    retry_after_max_s: the longest wait that a target may ask for
    done_kept:         ids of the newest settled ones, which are not sent again whoever submits them
    """

    concurrency: int = 8
    attempt_s: float = 10.0
    backoff_first_s: float = 1.0
    backoff_max_s: float = 60.0
    retry_after_max_s: float = 120.0
    done_kept: int = 10_000
    breaker: BreakerLimits = field(default_factory=BreakerLimits)


class _Target:
    """One channel's far end: what waits for it, what is under way to it, and whether it answers."""

    def __init__(self, name: str, channel: Channel, limits: DeliveryLimits) -> None:
        self.name = name
        self.channel = channel
        self.backlog = Backlog()
        self.breaker = Breaker(limits.breaker)
        self.under_way = 0
        self.wake = asyncio.Event()


class Delivery:
    """Sends notifications through `channels` and reports the end of each through `settled`.

    channels: by name; a console is always among them. `run` closes them when it ends
    settled:  puts the Settle command into the journal; no notification is sent again once it has returned
    random:   numbers in [0, 1)

    A target that hangs or fails delays no other: each has its own backlog, its own attempts and its own breaker. An
    open breaker drops nothing; what waits goes when the probe is answered, the most urgent being the probe.
    An exception of a channel that is no DeliveryError is a bug: `run` raises it.
    """

    def __init__(
        self,
        channels: Mapping[str, Channel],
        settled: Callable[[Settle], Awaitable[None]],
        clock: Clock,
        random: Callable[[], float],
        counters: AlertsCounters,
        limits: DeliveryLimits | None = None,
    ) -> None:
        self._settled = settled
        self._clock = clock
        self._random = random
        self._counters = counters
        self._limits = limits or DeliveryLimits()
        every: dict[str, Channel] = {ABSENT: AbsentChannel(), CONSOLE: ConsoleChannel(), **channels}
        self._targets = {name: _Target(name, channel, self._limits) for name, channel in every.items()}
        self._accepted: set[str] = set()
        self._done: dict[str, None] = {}  # oldest first

    def breakers(self) -> dict[str, BreakerState]:
        """Return the state of each channel's breaker."""
        return {name: target.breaker.state for name, target in self._targets.items() if name != ABSENT}

    def submit(self, notifications: Iterable[Notification]) -> None:
        """Take over what is owed; what is under way or done already is left out."""
        now, now_us = self._clock.steady(), self._clock.time_us()
        for notification in notifications:
            if notification.id in self._accepted or notification.id in self._done:
                continue
            self._accepted.add(notification.id)
            target = self._targets.get(notification.channel) or self._targets[ABSENT]
            target.backlog.add(Job(notification, now + (notification.expires_us - now_us) / 1e6, due=now))
            target.wake.set()

    async def run(self) -> None:
        """Send until cancelled. What is not settled then stays owed: the outbox has it."""
        try:
            async with asyncio.TaskGroup() as targets:
                for target in self._targets.values():
                    targets.create_task(self._serve(target), name=f"deliver to {target.name}")
        finally:
            for target in self._targets.values():
                await target.channel.close()

    async def _serve(self, target: _Target) -> None:
        async with asyncio.TaskGroup() as attempts:
            while True:
                target.wake.clear()
                while target.under_way < self._limits.concurrency and (step := self._next(target)):
                    target.under_way += 1
                    attempts.create_task(step)
                await self._clock.wait(target.wake, self._pause(target))

    def _next(self, target: _Target) -> Coroutine[None, None, None] | None:
        now = self._clock.steady()
        target.backlog.ripen(now)
        if job := target.backlog.take_expired(now):
            return self._expire(target, job)
        if target.breaker.admits(now) and (job := target.backlog.take_ready(now)):
            target.breaker.sent()
            return self._attempt(target, job)
        return None

    def _pause(self, target: _Target) -> float | None:
        """Return s until something is to be done that no event tells of, or None."""
        if target.under_way >= self._limits.concurrency:
            return None
        probe_at = target.breaker.rested_at() if target.backlog.has_ready else None
        times = [at for at in (target.backlog.wakes_at(), probe_at) if at is not None]
        return max(0.0, min(times) - self._clock.steady()) if times else None

    async def _attempt(self, target: _Target, job: Job) -> None:
        job.attempts += 1
        self._counters.attempts += 1
        allowed_s = min(self._limits.attempt_s, job.expires_at - self._clock.steady())
        try:
            async with asyncio.timeout(allowed_s):
                receipt = await target.channel.send(job.notification)
        except TimeoutError:
            self._failed(target, job, DeliveryError(f"no answer within {allowed_s:.3g} s", retry=True))
        except DeliveryError as error:
            if error.retry:
                self._failed(target, job, error)
            else:
                target.breaker.answered(self._clock.steady())
                await self._settle(job, NotificationStatus.FAILED, error.reason)
        else:
            target.breaker.answered(self._clock.steady())
            self._counters.delivery_seconds.add((self._clock.time_us() - job.notification.created_us) / 1e6)
            await self._settle(job, NotificationStatus.DELIVERED, receipt)
        self._leave(target)

    async def _expire(self, target: _Target, job: Job) -> None:
        await self._settle(job, NotificationStatus.EXPIRED, f"no receipt before its deadline; {job.attempts} attempts")
        self._leave(target)

    def _leave(self, target: _Target) -> None:
        target.under_way -= 1
        target.wake.set()

    def _failed(self, target: _Target, job: Job, error: DeliveryError) -> None:
        now = self._clock.steady()
        target.breaker.failed(now)
        self._counters.retries += 1
        limits = self._limits
        bound_s = min(limits.backoff_max_s, limits.backoff_first_s * 2.0 ** min(job.attempts - 1, 32))
        asked_s = min(error.retry_after_s or 0.0, limits.retry_after_max_s)
        delay_s = max(self._random() * bound_s, asked_s)
        job.due = now + delay_s
        target.backlog.add(job)
        _log.warning("alerts.delivery_retried", **_facts(job), reason=error.reason, delay_s=round(delay_s, 3))

    async def _settle(self, job: Job, status: NotificationStatus, detail: str) -> None:
        name = job.notification.id
        say = _log.debug if status is NotificationStatus.DELIVERED else _log.error
        say(f"alerts.delivery_{status}", **_facts(job), detail=detail)
        # A stop between receipt and journal would send it again after the restart: finish this first.
        record = asyncio.ensure_future(
            self._settled(Settle(notification=name, status=status, detail=detail, attempts=job.attempts))
        )
        try:
            await asyncio.shield(record)
        except asyncio.CancelledError:
            await record
            raise
        self._accepted.discard(name)
        self._done[name] = None
        while len(self._done) > self._limits.done_kept:
            del self._done[next(iter(self._done))]


def _facts(job: Job) -> dict[str, object]:
    notification = job.notification
    return {
        "notification": notification.id,
        "incident": notification.incident.id,
        "recipient": notification.recipient,
        "channel": notification.channel,
        "attempts": job.attempts,
    }
