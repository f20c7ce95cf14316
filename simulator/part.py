"""Parts: what each device does in a scripted incident of the live simulation, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["DURATION_S", "SAMPLE_S", "Part", "Raise"]

DURATION_S: Final = 60.0
SAMPLE_S: Final = 2.0
"""How often a device in an incident reports: it measures faster once something changes."""


@dataclass(frozen=True, slots=True)
class Raise:
    """A device raises a flag or an event by itself, on the alarm lane, `at_s` after the beginning.

    A flag stays up until the incident ends; an event (`momentary`) is said once and never set back.
    """

    metric: str
    at_s: float
    momentary: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """What one device does in an incident.

    row:    position in the fleet
    curves: metric → ((s, value), …), straight in between, in the metric's unit; other metrics stay healthy
    lost:   its connection breaks: the broker says so for it (`online` is 0 in `curves`), and it says nothing
    """

    row: int
    curves: Mapping[str, tuple[tuple[float, float], ...]]
    raises: tuple[Raise, ...] = ()
    lost: bool = False

    def values(self, since_s: float) -> dict[str, float]:
        """Return what is out of the ordinary `since_s` after the beginning: curves, and the flags that are up."""
        found = {
            metric: round(float(np.interp(since_s, [s for s, _ in points], [value for _, value in points])), 3)
            for metric, points in self.curves.items()
        }
        found |= {flag.metric: 1 for flag in self.raises if not flag.momentary and since_s >= flag.at_s}
        return found
