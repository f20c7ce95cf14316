"""What every measure has: its memory of a channel, and what it returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["HOURS_A_WEEK", "HOUR_US", "NOT_JUDGED", "SECOND_US", "Memory"]

SECOND_US: Final = 1_000_000
HOUR_US: Final = 3_600 * SECOND_US
HOURS_A_WEEK: Final = 168

NOT_JUDGED: Final = (float("nan"), float("nan"), float("nan"), float("nan"), float("nan"))
"""What a measure returns where the reading says nothing about the rule: no state changes."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Room for one channel under one rule, in float64 words that are 0 at first.

    times: so many of them, the first ones, are times in µs since the epoch (exact to the year 2255)
    """

    words: int
    times: int
