"""`Backlog`: what waits for one target, and which of it goes next. Pure: time is an argument, s of a steady clock."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from alerts.notification import Notification

__all__ = ["Backlog", "Job"]

_SLACK: Final = 64


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
    """Jobs by urgency, by the time when they are due, and by the time when they expire; none is held twice."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}
        self._ready: list[tuple[tuple[int, bool, int, str], str]] = []
        self._delayed: list[tuple[float, str]] = []
        self._expiring: list[tuple[float, str]] = []

    def __len__(self) -> int:
        return len(self._jobs)

    @property
    def has_ready(self) -> bool:
        """Whether something could go at once."""
        while self._ready and self._ready[0][1] not in self._jobs:
            heapq.heappop(self._ready)
        return bool(self._ready)

    def add(self, job: Job) -> None:
        """Take a job in; it goes when it is due, the most urgent first."""
        name = job.notification.id
        self._jobs[name] = job
        heapq.heappush(self._delayed, (job.due, name))
        heapq.heappush(self._expiring, (job.expires_at, name))
        if len(self._expiring) > 2 * len(self._jobs) + _SLACK:  # most of it has long been sent
            self._expiring = [(job.expires_at, name) for name, job in self._jobs.items()]
            heapq.heapify(self._expiring)

    def take_expired(self, now: float) -> Job | None:
        """Return and remove a job that has expired."""
        while self._expiring and self._expiring[0][0] <= now:
            job = self._jobs.pop(heapq.heappop(self._expiring)[1], None)
            if job is not None:
                return job
        return None

    def take_ready(self, now: float) -> Job | None:
        """Return and remove the most urgent job that is due."""
        self.ripen(now)
        return self._jobs.pop(heapq.heappop(self._ready)[1]) if self.has_ready else None

    def ripen(self, now: float) -> None:
        """Make what has come due ready."""
        while self._delayed and self._delayed[0][0] <= now:
            name = heapq.heappop(self._delayed)[1]
            if name in self._jobs:
                heapq.heappush(self._ready, (self._jobs[name].notification.urgency, name))

    def wakes_at(self) -> float | None:
        """Return when the next job comes due or expires, or None."""
        return min((heap[0][0] for heap in (self._delayed, self._expiring) if heap), default=None)
