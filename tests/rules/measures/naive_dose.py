"""The oracle of the dose: exact fractions, and every reading is kept."""

from __future__ import annotations

from fractions import Fraction
from math import nan
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rules.model import DoseTerms

SECOND = 1_000_000
MINUTE = 60 * SECOND


class NaiveDose:
    def __init__(self, terms: DoseTerms) -> None:
        self.terms = terms
        self.on_time: list[tuple[int, float]] = []
        self.late: list[tuple[int, Fraction]] = []
        self.dose = Fraction(0)

    def speed(self, value: float) -> Fraction:
        """Doses a µs."""
        reached = [band for band in self.terms.bands if value >= band.at_least]
        return 1 / Fraction(reached[-1].within_s * SECOND) if reached else Fraction(0)

    def measure(self, time_us: int, value: float, late: bool, zone_us: int) -> tuple[float, float, float, float, float]:
        del zone_us
        if self.on_time and time_us < self.on_time[-1][0]:
            self.add_late(time_us, value)
        else:
            self.go_on(time_us)
            self.on_time.append((time_us, value))
        due = nan
        if not late and self.speed(value) and self.dose < 1 - Fraction(1, 10**9):
            due = float(time_us + (1 - self.dose) / self.speed(value))
        return float(self.dose) if value >= self.terms.clear else 0.0, nan, nan, nan, due

    def go_on(self, time_us: int) -> None:
        if not self.on_time:
            return
        time, value = self.on_time[-1]
        if value < self.terms.clear:
            recovered = Fraction(time_us - time) / Fraction(self.terms.recovery_s * SECOND)
            self.dose = max(Fraction(0), min(Fraction(1), self.dose) - recovered)
        else:
            self.dose += (time_us - time) * self.speed(value)

    def add_late(self, time_us: int, value: float) -> None:
        newest = self.speed(self.on_time[-1][1])
        since = 0
        for time, earlier in reversed(self.on_time):
            if self.speed(earlier) != newest:
                break
            since = time
        counted = [MINUTE * newest] if time_us >= since else [Fraction(0)]
        for time, given in reversed(self.late):
            if time // MINUTE != time_us // MINUTE:
                break
            counted.append(given)
        given = max(*counted, MINUTE * self.speed(value))
        self.dose += given - max(counted)
        self.late.append((time_us, given))
