"""`Objective`: how long alarms waited for something, and how many of them waited for too long.

What Vigil promises of an alarm: it is handed over within 1 s of being raised, and a person has accepted it within 60 s
of the reading that raised it. An alarm counts once, as soon as its fate is known: as kept when it came in time, as late
when the time is up, be it that it never comes. A histogram alone would not know of what never came.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from alerts.histogram import Histogram
from rules.model import AlarmClass

__all__ = ["ACCEPTED_WITHIN_S", "HANDED_WITHIN_S", "WAITING", "Objective"]

HANDED_WITHIN_S: Final = 1.0
ACCEPTED_WITHIN_S: Final = 60.0
WAITING: Final = 10_000
"""Alarms that wait at once; one more, and the oldest is taken for late."""


@dataclass(slots=True)
class _Waiting:
    alarm_class: AlarmClass
    since_us: int
    is_late: bool = False


class Objective:
    """One promise. `begin`, then `meet` or `drop`; each of the latter does nothing for what does not wait.

    within_s: what is promised, one of `bounds`; seconds: what it took, by class, s
    What waits is not kept over a restart; what the replay folds again is.
    """

    def __init__(self, within_s: float, bounds: tuple[float, ...]) -> None:
        if within_s not in bounds:
            raise ValueError(f"{within_s} s is none of the bounds {bounds}")
        self.within_s = within_s
        self.seconds = {alarm_class: Histogram(bounds) for alarm_class in AlarmClass}
        self._late = dict.fromkeys(AlarmClass, 0)
        self._waiting: dict[str, _Waiting] = {}  # by incident, oldest first

    def begin(self, incident: str, alarm_class: AlarmClass, since_us: int) -> None:
        """Wait for an alarm from `since_us` on; what waits already goes on."""
        if incident in self._waiting:
            return
        self._waiting[incident] = _Waiting(alarm_class, since_us)
        if len(self._waiting) > WAITING:
            self._count(self._waiting.pop(next(iter(self._waiting))))

    def meet(self, incident: str, now_us: int) -> None:
        """Take what was promised for done at `now_us`."""
        waiting = self._waiting.pop(incident, None)
        if waiting is None:
            return
        took_s = max(0, now_us - waiting.since_us) / 1e6
        self.seconds[waiting.alarm_class].add(took_s, incident, now_us)
        if took_s > self.within_s:
            self._count(waiting)

    def drop(self, incident: str, now_us: int) -> None:
        """Wait no more: it will not come. Late where the time was up by `now_us`; else it counts as nothing."""
        waiting = self._waiting.pop(incident, None)
        if waiting is not None and self._is_over(waiting, now_us):
            self._count(waiting)

    def shift(self, step_us: int) -> None:
        """Go on with what waits as if nothing were: our clock was set forward by `step_us`."""
        for waiting in self._waiting.values():
            waiting.since_us += step_us

    def late(self, now_us: int) -> dict[AlarmClass, int]:
        """Return how many were late, by class; none ever falls."""
        for waiting in self._waiting.values():
            if self._is_over(waiting, now_us):
                self._count(waiting)
        return dict(self._late)

    def _is_over(self, waiting: _Waiting, now_us: int) -> bool:
        return now_us - waiting.since_us > self.within_s * 1e6

    def _count(self, waiting: _Waiting) -> None:
        """Count one as late, once."""
        if not waiting.is_late:
            waiting.is_late = True
            self._late[waiting.alarm_class] += 1
