"""Levels by the hour of the week or of the day, each with how often it was learned, in few words.

A level is a float32 and a count one byte, so the 168 hours of a week take 105 words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from rules.compiled import compiled
from rules.measures.memory import HOUR_US, HOURS_A_WEEK

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["DAY", "WEEK", "count", "hour_of", "learn", "level", "pooled", "room"]

WEEK: Final = HOURS_A_WEEK
DAY: Final = 24

_WORD: Final = 8
_FLOAT: Final = 4
_FULL: Final = 255
"""Counts stop here."""


def room(hours: int) -> int:
    """Return the words that so many hours need; `hours` is a multiple of 8."""
    return (_FLOAT + 1) * hours // _WORD


@compiled
def hour_of(time_us: int, zone_us: int) -> int:
    """Return the hours since the epoch by the local clock: modulo 24 the hour of the day, modulo 168 of the week."""
    return (time_us + zone_us) // HOUR_US


@compiled
def count(memory: NDArray[np.float64], at: int, hours: int, hour: int) -> int:
    """Return how often the level of `hour` modulo `hours` was learned, 0 … 255; their words begin at `at`."""
    return int(memory.view(np.uint8)[_WORD * at + _FLOAT * hours + hour % hours])


@compiled
def level(memory: NDArray[np.float64], at: int, hours: int, hour: int) -> float:
    """Return the level of `hour` modulo `hours`, 0.0 where none was learned; their words begin at `at`."""
    return float(memory.view(np.float32)[_WORD // _FLOAT * at + hour % hours])


@compiled
def learn(memory: NDArray[np.float64], at: int, hours: int, hour: int, learned: float, times: int) -> None:
    """Set the level of `hour` modulo `hours`, learned `times` (0 or 1) once more; their words begin at `at`."""
    memory.view(np.float32)[_WORD // _FLOAT * at + hour % hours] = learned
    counted = min(_FULL, count(memory, at, hours, hour) + times)
    memory.view(np.uint8)[_WORD * at + _FLOAT * hours + hour % hours] = counted


@compiled
def pooled(memory: NDArray[np.float64], at: int, hours: int, hour: int, step: int) -> tuple[float, float]:
    """Return (how often learned, mean level weighted by that) of every `step`-th hour, `hour` among them.

    With `step` 24 of a week these are the 7 hours of the same time of day. (0.0, 0.0) where none was learned.
    """
    weight = 0.0
    total = 0.0
    for nth in range(hour % step, hours, step):
        times = float(count(memory, at, hours, nth))
        weight += times
        total += times * level(memory, at, hours, nth)
    return weight, total / weight if weight > 0.0 else 0.0
