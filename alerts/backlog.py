"""`Backlog`: what waits for one target, and which of it goes next. Pure: time is an argument, s of a steady clock.

One address gets a few attempts at once and no more, so that a number or a mailbox that hangs holds up nobody else's.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from alerts.notification import Purpose

if TYPE_CHECKING:
    from alerts.notification import Notification

__all__ = ["Backlog", "Job", "address_of"]

PER_ADDRESS: Final = 2
_SLACK: Final = 64

_Entry = tuple[tuple[int, bool, int, str], str]
"""Urgency and name of a job."""


def address_of(notification: Notification) -> str:
    """Return whose messages take turns: an address, or a person where the channel knows it; "" for a system's."""
    if notification.address or notification.purpose is Purpose.TELL:
        return notification.address
    return notification.recipient


@dataclass(slots=True)
class Job:
    """One notification on its way.

    expires_at: when there is no use in it any more; due: not to be tried before; both s of a steady clock
    """

    notification: Notification
    expires_at: float
    due: float = 0.0
    attempts: int = 0


class Backlog:
    """Jobs by urgency, by the time when they are due, and by the time when they expire; none is held twice.

    per_address: jobs of one address that are handed out and not released, at most; those of no address are not bounded
    """

    def __init__(self, per_address: int = PER_ADDRESS) -> None:
        self._per_address = per_address
        self._jobs: dict[str, Job] = {}
        self._ready: list[_Entry] = []
        self._delayed: list[tuple[float, str]] = []
        self._expiring: list[tuple[float, str]] = []
        self._out: dict[str, int] = {}
        self._held: dict[str, list[_Entry]] = {}

    def __len__(self) -> int:
        return len(self._jobs)

    @property
    def has_ready(self) -> bool:
        """Whether something could go at once."""
        self._clean()
        return bool(self._ready)

    def add(self, job: Job) -> None:
        """Take a job in; it goes when it is due, the most urgent first."""
        name = job.notification.id
        self._jobs[name] = job
        heapq.heappush(self._delayed, (job.due, name))
        heapq.heappush(self._expiring, (job.expires_at, name))
        most = 2 * len(self._jobs) + _SLACK
        if len(self._expiring) > most:  # most of it has long been sent
            self._expiring = [(job.expires_at, name) for name, job in self._jobs.items()]
            heapq.heapify(self._expiring)
        if len(self._delayed) > most:
            self._delayed = [entry for entry in self._delayed if entry[1] in self._jobs]
            heapq.heapify(self._delayed)
        if len(self._ready) > most:
            self._ready = self._still(self._ready)

    def remove(self, name: str) -> Job | None:
        """Return and remove a job that waits, be it due or not."""
        job = self._jobs.pop(name, None)
        if job is not None:
            self._promote(address_of(job.notification))
        return job

    def take_expired(self, now: float) -> Job | None:
        """Return and remove a job that has expired."""
        while self._expiring and self._expiring[0][0] <= now:
            job = self.remove(heapq.heappop(self._expiring)[1])
            if job is not None:
                return job
        return None

    def take_ready(self, now: float, shunned: str = "") -> Job | None:
        """Return and remove the most urgent job that is due; `release` it when its attempt is over.

        shunned: an address whose jobs go only where no other's can
        """
        self.ripen(now)
        passed_over: list[_Entry] = []
        job: Job | None = None
        while job is None and self.has_ready:
            entry = heapq.heappop(self._ready)
            if shunned and address_of(self._jobs[entry[1]].notification) == shunned:
                passed_over.append(entry)
            else:
                job = self._jobs.pop(entry[1])
        if job is None and passed_over:
            job = self._jobs.pop(passed_over.pop(0)[1])
        for entry in passed_over:
            heapq.heappush(self._ready, entry)
        if job is not None and (address := address_of(job.notification)):
            self._out[address] = self._out.get(address, 0) + 1
        return job

    def release(self, job: Job) -> None:
        """Note that the attempt of a job that `take_ready` gave is over."""
        address = address_of(job.notification)
        if not address:
            return
        self._out[address] -= 1
        if not self._out[address]:
            del self._out[address]
        self._promote(address)

    def ripen(self, now: float) -> None:
        """Make what has come due ready."""
        while self._delayed and self._delayed[0][0] <= now:
            name = heapq.heappop(self._delayed)[1]
            if name in self._jobs:
                heapq.heappush(self._ready, (self._jobs[name].notification.urgency, name))

    def wakes_at(self) -> float | None:
        """Return when the next job comes due or expires, or None."""
        return min((heap[0][0] for heap in (self._delayed, self._expiring) if heap), default=None)

    def _clean(self) -> None:
        """Take from the top of what is ready whatever is gone, or must wait for others of its address."""
        while self._ready:
            entry = self._ready[0]
            job = self._jobs.get(entry[1])
            if job is not None:
                address = address_of(job.notification)
                if self._out.get(address, 0) < self._per_address:
                    return
                self._hold(address, entry)
            heapq.heappop(self._ready)

    def _hold(self, address: str, entry: _Entry) -> None:
        held = self._held.setdefault(address, [])
        heapq.heappush(held, entry)
        if len(held) > 2 * len(self._jobs) + _SLACK:
            self._held[address] = self._still(held)

    def _promote(self, address: str) -> None:
        """Make the most urgent job that waits for others of its address ready: one of them is over, or gone."""
        held = self._held.get(address)
        while held:
            entry = heapq.heappop(held)
            if not held:
                del self._held[address]
            if entry[1] in self._jobs:
                heapq.heappush(self._ready, entry)
                return

    def _still(self, entries: list[_Entry]) -> list[_Entry]:
        """Return a heap of those that still wait."""
        still = [entry for entry in entries if entry[1] in self._jobs]
        heapq.heapify(still)
        return still
