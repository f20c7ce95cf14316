"""Scenes: what one relation remembers of one place, and what it waits for."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING, Final

from rules.evidence import NEVER_US, Evidence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rules.evidence import Weighing
    from rules.places import Place

__all__ = ["FOREVER_US", "TIMER", "Agenda", "Appointment", "Occurrence", "Scene", "us"]

FOREVER_US: Final = 1 << 62
"""Never."""

TIMER: Final = -1
"""In place of a device row: a timer of the scene."""

Appointment = tuple[int, int, int, "Place", int, int]
"""Due time; order and number of the relation; place; device row and rule of a fact, or `TIMER` and which."""


class Agenda:
    """What is due when, of all relations. It is not struck off: whoever is woken sees whether it still is."""

    def __init__(self) -> None:
        self._due: list[Appointment] = []

    @property
    def next_us(self) -> int:
        """Nothing is due before."""
        return self._due[0][0] if self._due else FOREVER_US

    def put(self, appointment: Appointment) -> None:
        """Have it come up."""
        heappush(self._due, appointment)

    def take(self) -> Appointment:
        """Take out what is due first."""
        return heappop(self._due)

    def clear(self) -> None:
        """Forget all."""
        self._due.clear()


class Occurrence:
    """A relation holds.

    anchor:    the device row on which it is said
    raised_us: when it was raised
    since_us:  when its condition was met
    told:      how many devices had a part when that was said last
    is_left:   whether the anchor has left the place
    """

    __slots__ = ("anchor", "is_left", "raised_us", "since_us", "told")

    def __init__(self, anchor: int, raised_us: int, since_us: int, told: int, *, is_left: bool = False) -> None:
        self.anchor = anchor
        self.raised_us = raised_us
        self.since_us = since_us
        self.told = told
        self.is_left = is_left

    def is_worth_saying(self, devices: int) -> bool:
        """Say whether so many devices are enough more than were told."""
        return devices >= self.told + max(1, self.told // 8)

    def bound(self, now_us: int) -> None:
        """Bring every time that lies after `now_us` back to it."""
        self.raised_us, self.since_us = min(self.raised_us, now_us), min(self.since_us, now_us)


class Scene(Evidence):
    """One place, as one relation sees it: the evidence, and what it waits for.

    since_us, due_us: of what is pending: since when the condition is met, and when the hold time is up
    again_us:     when the hold time of what was said again is up; `FOREVER_US` where nothing was
    is_said_again: whether the change that is being heard says again what never ceases
    is_late:      whether a late change made it pending
    cancelled_us: when an event that stands against it was said last
    reached_us:   of each rule in order, when it was raised last as the next one
    """

    __slots__ = (
        "again_us",
        "cancelled_us",
        "due_us",
        "is_late",
        "is_said_again",
        "occurrence",
        "place",
        "reached_us",
        "since_us",
    )

    def __init__(self, place: Place, weighing: Weighing, steps: int) -> None:
        super().__init__(weighing)
        self.place = place
        self.occurrence: Occurrence | None = None
        self.since_us = NEVER_US
        self.due_us = FOREVER_US
        self.again_us = FOREVER_US
        self.is_said_again = False
        self.is_late = False
        self.cancelled_us = NEVER_US
        self.reached_us: Sequence[int] = (NEVER_US,) * steps

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to remember."""
        return self.is_empty and self.occurrence is None


def us(seconds: float) -> int:
    """Return µs."""
    return round(seconds * 1_000_000)
