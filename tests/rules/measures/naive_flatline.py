"""The oracle of the flatline: the readings known to be in the flat stretch, one by one."""

from __future__ import annotations

from math import nan
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rules.model import FlatlineTerms

NOT_JUDGED = (nan, nan, nan, nan, nan)


class NaiveFlatline:
    def __init__(self, terms: FlatlineTerms) -> None:
        self.terms = terms
        self.newest: tuple[int, float] | None = None
        self.begins = 0
        self.stretch: list[int] = []

    def measure(self, time_us: int, value: float, late: bool, zone_us: int) -> tuple[float, float, float, float, float]:
        del late, zone_us
        if self.newest is not None and time_us < self.newest[0]:
            if time_us <= self.begins:
                return NOT_JUDGED
            if value != self.newest[1]:
                self.begins = time_us
                self.stretch = [self.newest[0]]
                return NOT_JUDGED
            self.stretch.append(time_us)
        elif self.newest is None or value != self.newest[1]:
            self.begins = time_us
            self.stretch = [time_us]
            self.newest = time_us, value
        elif time_us > self.newest[0]:
            self.stretch.append(time_us)
            self.newest = time_us, value
        if len(self.stretch) < self.terms.samples:
            return 0.0, nan, nan, nan, nan
        return (max(self.stretch) - self.begins) / 1_000_000, nan, nan, nan, nan
