"""Flapping: a danger that comes and goes is said to, once, and then held until it is steady.

Counted are the raisings of one device by one rule, be it as one incident or as several. More than `raisings` within
`within_s` flap; it is steady again once it was not raised for so long. What people raise again by hand is not counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Course", "Flapping", "FlappingLimits"]


@dataclass(frozen=True, slots=True)
class FlappingLimits:
    """When something flaps. kept: so many devices and rules are counted at a time."""

    raisings: int = 5
    within_s: float = 1_800.0
    kept: int = 50_000


class Course(msgspec.Struct):
    """How often one device was raised by one rule.

    times_us: when, the oldest first; one more than need be counted
    raisings: since it began to flap, with those that it began with; 0 where it does not flap
    said:     people were told that it flaps
    """

    device: str
    rule: str
    times_us: list[int]
    raisings: int = 0
    said: bool = False

    @property
    def key(self) -> tuple[str, str]:
        """What is counted together."""
        return self.device, self.rule


class Flapping:
    """How often each device was raised by each rule of late, the longest ago first."""

    def __init__(self, limits: FlappingLimits) -> None:
        self._limits = limits
        self._within_us = round(limits.within_s * 1e6)
        self._courses: dict[tuple[str, str], Course] = {}

    def __len__(self) -> int:
        """Devices and rules counted."""
        return len(self._courses)

    def raised(self, device: str, rule: str, now_us: int) -> tuple[Course, bool]:
        """Count a raising; return how it stands with it, and whether another had to be forgotten."""
        key = (device, rule)
        course = self._courses.pop(key, None)
        if course is None or self.steady_us(course) <= now_us:
            course = Course(device, rule, [])
        forgot = self._make_room(now_us)
        self._courses[key] = course
        most = self._limits.raisings + 1
        recent = [at_us for at_us in course.times_us if now_us - at_us < self._within_us]
        course.times_us = [*recent, now_us][-most:]
        if course.raisings:
            course.raisings += 1
        elif len(course.times_us) == most:
            course.raisings = most
        return course, forgot

    def of(self, device: str, rule: str, now_us: int) -> Course | None:
        """Return how it stands with one that flaps, None where it does not."""
        course = self._courses.get((device, rule))
        flaps = course is not None and course.raisings > 0 and now_us < self.steady_us(course)
        return course if flaps else None

    def steady_us(self, course: Course) -> int:
        """Return from when on it is steady, if it is not raised before that."""
        return course.times_us[-1] + self._within_us

    def shift(self, step_us: int) -> None:
        """Move every time."""
        for course in self._courses.values():
            course.times_us = [at_us + step_us for at_us in course.times_us]

    def saved(self) -> tuple[Course, ...]:
        """Return every course, for `restore`."""
        return tuple(self._courses.values())

    def restore(self, courses: Iterable[Course]) -> None:
        """Take courses in place of those here."""
        self._courses = {course.key: course for course in courses}

    def _make_room(self, now_us: int) -> bool:
        """Forget what is steady, from the longest ago on, and one that is not where there is no room else."""
        forgot = False
        while self._courses:
            oldest = next(iter(self._courses.values()))
            if self.steady_us(oldest) > now_us:
                if len(self._courses) < self._limits.kept:
                    break
                forgot = True
            del self._courses[oldest.key]
        return forgot
