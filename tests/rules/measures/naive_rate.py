"""The oracle of the rate: every reading is kept, and the window is looked for among all of them."""

from __future__ import annotations

from math import ceil, nan
from typing import TYPE_CHECKING

from rules.model import Direction

if TYPE_CHECKING:
    from rules.model import RateTerms


class NaiveRate:
    def __init__(self, terms: RateTerms) -> None:
        self.terms = terms
        self.readings: list[tuple[int, float]] = []

    def bucket(self, time_us: int) -> int:
        return time_us // ceil(self.terms.within_s * 1_000_000 / 8)

    def measure(self, time_us: int, value: float, late: bool, zone_us: int) -> tuple[float, float, float, float, float]:
        del late, zone_us
        self.readings.append((time_us, value))
        own = self.bucket(time_us)
        oldest_kept = max(self.bucket(time) for time, _ in self.readings) - 8
        if own < oldest_kept:
            return nan, nan, nan, nan, nan
        window = [v for time, v in self.readings if max(own - 8, oldest_kept) <= self.bucket(time) <= own]
        extreme = min(window) if self.terms.direction is Direction.UP else max(window)
        return value - extreme, extreme, nan, nan, nan
