"""`Delivery`: sends what is owed, each target on its own, until it is handed over, refused or of no more use.

What leaves at the moment of a kill -9 is sent again after the restart; what is journalled as handed over is not.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

import structlog

from alerts.backlog import PER_ADDRESS, Backlog, Job, address_of
from alerts.breaker import Breaker, BreakerLimits, BreakerState
from alerts.channels.channel import AbsentChannel, Channel, DeliveryError, Listening
from alerts.channels.console import ConsoleChannel
from alerts.channels.failover import FailoverChannel
from alerts.command import Settle
from alerts.incident import NotificationStatus
from alerts.routing import CONSOLE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from alerts.counters import AlertsCounters
    from alerts.notification import Notification

__all__ = ["Attempt", "Clock", "Delivery", "DeliveryLimits", "SystemClock"]

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

    at_once:           attempts under way, per target; a channel may want fewer
    per_address:       of those, to one address
    settling:          attempts that are over and not in the journal yet, per target
    attempt_s:         s for one attempt
    backoff_first_s, backoff_max_s: the longest wait after the first failure, doubled with each, and its bound;
                       the wait is a random part of it
    retry_after_max_s: the longest wait that a target may ask for
    done_kept:         ids of the newest settled ones, which are not sent again whoever submits them
    """

    at_once: int = 128
    per_address: int = PER_ADDRESS
    settling: int = 512
    attempt_s: float = 10.0
    backoff_first_s: float = 1.0
    backoff_max_s: float = 60.0
    retry_after_max_s: float = 120.0
    done_kept: int = 10_000
    breaker: BreakerLimits = field(default_factory=BreakerLimits)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of a delivery, for whoever wants to know how long it took.

    number:             from 1, since the service started
    began_us, ended_us: µs since the epoch
    status:             what became of it; None where it is tried again, or not wanted any more
    """

    notification: Notification
    number: int
    began_us: int
    ended_us: int
    status: NotificationStatus | None


class _Target:
    """One channel's far end: what waits for it, what is under way to it, and whether it answers.

    failing: the addresses of the attempts that failed since it last answered; "" stands for those of none
    """

    def __init__(self, name: str, channel: Channel, limits: DeliveryLimits) -> None:
        self.name = name
        self.channel = channel
        self.backlog = Backlog(limits.per_address)
        self.breaker = Breaker(limits.breaker)
        self.at_once = min(channel.at_once, limits.at_once)
        self.under_way = 0
        self.settling = 0
        self.failing: set[str] = set()
        self.failed_last = ""
        self.wake = asyncio.Event()

    def answered(self, now: float) -> None:
        """Note that the far end is there."""
        self.failing.clear()
        self.failed_last = ""
        self.breaker.answered(now)

    def failed(self, job: Job, now: float) -> None:
        """Note that an attempt failed: one address that fails again and again says nothing about the others."""
        self.failed_last = address = address_of(job.notification)
        if not address or address not in self.failing or self.breaker.state is not BreakerState.CLOSED:
            self.breaker.failed(now)
        self.failing.add(address)
        if self.breaker.state is not BreakerState.CLOSED:
            self.failing.clear()


class Delivery:
    """Sends notifications through `channels` and reports the end of each through `settled`.

    channels: by name; a console is always among them. `run` closes them when it ends
    settled:  puts the Settle command into the journal; no notification is sent again once it has returned
    random:   numbers in [0, 1)

    A target that hangs or fails delays no other: each has its own backlog, its own attempts and its own breaker; within
    one, an address that hangs takes two attempts' places. An open breaker drops nothing; what waits goes when the probe
    is answered, the most urgent being the probe. An attempt that ends without an answer is made again where the channel
    is idempotent, else it is UNKNOWN. An exception of a channel that is no DeliveryError is a bug: `run` raises it.
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
        self.attempted: Callable[[Attempt], None] | None = None
        """Called with each attempt when it is over; nobody is unless it is set."""
        every: dict[str, Channel] = {ABSENT: AbsentChannel(), CONSOLE: ConsoleChannel(), **channels}
        self._targets = {name: _Target(name, channel, self._limits) for name, channel in every.items()}
        self._accepted: dict[str, _Target] = {}
        self._withdrawn: set[str] = set()  # under way, and not to be tried again
        self._done: dict[str, None] = {}  # oldest first

    def breakers(self) -> dict[str, BreakerState]:
        """Return the state of each channel's breaker; `channel/member` is that of a failover channel's member."""
        states: dict[str, BreakerState] = {}
        for name, channel in self._channels().items():
            states[name] = self._targets[name].breaker.state
            if isinstance(channel, FailoverChannel):
                states |= {f"{name}/{member}": state for member, state in channel.breakers().items()}
        return states

    def depths(self) -> dict[str, int]:
        """Return how many notifications each channel has not settled yet."""
        return {
            name: len(target.backlog) + target.under_way + target.settling
            for name, target in self._targets.items()
            if name != ABSENT
        }

    def failovers(self) -> dict[str, FailoverChannel]:
        """Return the channels that stand before others."""
        return {name: channel for name, channel in self._channels().items() if isinstance(channel, FailoverChannel)}

    def submit(self, notifications: Iterable[Notification]) -> None:
        """Take over what is owed; what is under way or done already is left out."""
        now, now_us = self._clock.steady(), self._clock.time_us()
        for notification in notifications:
            if notification.id in self._accepted or notification.id in self._done:
                continue
            target = self._targets.get(notification.channel) or self._targets[ABSENT]
            self._accepted[notification.id] = target
            target.backlog.add(Job(notification, now + (notification.expires_us - now_us) / 1e6, due=now))
            target.wake.set()

    def withdraw(self, notifications: Iterable[str]) -> None:
        """Drop what waits, of these ids; an attempt under way is left to end, and is the last."""
        for name in notifications:
            target = self._accepted.get(name)
            if target is None:
                continue
            if target.backlog.remove(name) is None:
                self._withdrawn.add(name)
            else:
                self._forget(name)
                target.wake.set()

    async def run(self) -> None:
        """Send until cancelled. What is not settled then stays owed: the outbox has it."""
        try:
            async with asyncio.TaskGroup() as targets:
                for target in self._targets.values():
                    if isinstance(target.channel, Listening):
                        await target.channel.open()
                    targets.create_task(self._serve(target), name=f"deliver to {target.name}")
        finally:
            for target in self._targets.values():
                await target.channel.close()

    def _channels(self) -> dict[str, Channel]:
        return {name: target.channel for name, target in self._targets.items() if name != ABSENT}

    async def _serve(self, target: _Target) -> None:
        async with asyncio.TaskGroup() as steps:
            while True:
                target.wake.clear()
                while self._has_room(target) and self._begin(target, steps):
                    pass
                await self._clock.wait(target.wake, self._pause(target))

    def _has_room(self, target: _Target) -> bool:
        return target.under_way < target.at_once and target.settling < self._limits.settling

    def _begin(self, target: _Target, steps: asyncio.TaskGroup) -> bool:
        """Begin what is to be done next; say whether there was anything."""
        now = self._clock.steady()
        target.backlog.ripen(now)
        if job := target.backlog.take_expired(now):
            target.settling += 1
            said = f"not handed over before its deadline; {job.attempts} attempts"
            steps.create_task(self._settle(target, job, NotificationStatus.EXPIRED, said))
            return True
        if target.breaker.admits(now):
            is_probe = target.breaker.state is BreakerState.HALF_OPEN
            if job := target.backlog.take_ready(now, target.failed_last if is_probe else ""):
                target.breaker.sent()
                target.under_way += 1
                steps.create_task(self._attempt(target, job))
                return True
        return False

    def _pause(self, target: _Target) -> float | None:
        """Return s until something is to be done that no event tells of, or None."""
        if not self._has_room(target):
            return None
        probe_at = target.breaker.rested_at() if target.backlog.has_ready else None
        times = [at for at in (target.backlog.wakes_at(), probe_at) if at is not None]
        return max(0.0, min(times) - self._clock.steady()) if times else None

    async def _attempt(self, target: _Target, job: Job) -> None:
        job.attempts += 1
        self._counters.attempts += 1
        began_us = self._clock.time_us()
        allowed_s = min(self._limits.attempt_s, job.expires_at - self._clock.steady())
        try:
            async with asyncio.timeout(allowed_s):
                handed = await target.channel.send(job.notification)
        except TimeoutError:
            again = target.channel.idempotent
            error = DeliveryError(f"no answer within {allowed_s:.3g} s", retry=again, unknown=not again)
            end = self._failed(target, job, error)
        except DeliveryError as error:
            end = self._failed(target, job, error)
        else:
            target.answered(self._clock.steady())
            self._counters.delivery_seconds.add((self._clock.time_us() - job.notification.created_us) / 1e6)
            status = NotificationStatus.RECEIVED if handed.received else NotificationStatus.HANDED
            end = status, handed.detail, handed.reference
        if self.attempted is not None:
            became = None if end is None else end[0]
            self.attempted(Attempt(job.notification, job.attempts, began_us, self._clock.time_us(), became))
        target.backlog.release(job)
        target.under_way -= 1
        target.wake.set()
        if end is not None:
            target.settling += 1
            await self._settle(target, job, *end)

    def _failed(self, target: _Target, job: Job, error: DeliveryError) -> tuple[NotificationStatus, str, str] | None:
        """Return what became of a job whose attempt failed; None where it is tried again, or no more wanted."""
        now = self._clock.steady()
        if error.unknown:
            target.failed(job, now)
            return NotificationStatus.UNKNOWN, error.reason, ""
        if not error.retry:
            target.answered(now)
            return NotificationStatus.FAILED, error.reason, ""
        target.failed(job, now)
        if job.notification.id in self._withdrawn:
            self._forget(job.notification.id)
            return None
        self._counters.retries += 1
        limits = self._limits
        bound_s = min(limits.backoff_max_s, limits.backoff_first_s * 2.0 ** min(job.attempts - 1, 32))
        asked_s = min(error.retry_after_s or 0.0, limits.retry_after_max_s)
        delay_s = max(self._random() * bound_s, asked_s)
        job.due = now + delay_s
        target.backlog.add(job)
        _log.warning("alerts.delivery_retried", **_facts(job), reason=error.reason, delay_s=round(delay_s, 3))
        return None

    async def _settle(
        self, target: _Target, job: Job, status: NotificationStatus, detail: str, reference: str = ""
    ) -> None:
        name = job.notification.id
        arrived = status in {NotificationStatus.HANDED, NotificationStatus.RECEIVED}
        (_log.debug if arrived else _log.error)(f"alerts.delivery_{status}", **_facts(job), detail=detail)
        command = Settle(notification=name, status=status, detail=detail, attempts=job.attempts, reference=reference)
        # A stop between answer and journal would send it again after the restart: finish this first.
        record = asyncio.ensure_future(self._settled(command))
        try:
            await asyncio.shield(record)
        except asyncio.CancelledError:
            await record
            raise
        self._forget(name)
        target.settling -= 1
        target.wake.set()

    def _forget(self, name: str) -> None:
        """Take one for done: it is not sent again, whoever submits it."""
        self._accepted.pop(name, None)
        self._withdrawn.discard(name)
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
