"""The oracle of the forecast: every reading since the beginning is kept; slopes and ties are counted out."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from math import ceil, floor, isnan, nan, sqrt
from statistics import NormalDist, median
from typing import TYPE_CHECKING

from rules.model import Direction

if TYPE_CHECKING:
    from rules.model import ForecastTerms

SECOND = 1_000_000
DAY = 86_400 * SECOND
NOT_JUDGED = (nan, nan, nan, nan, nan)
FAR = 1e12


class NaiveForecast:
    def __init__(self, terms: ForecastTerms) -> None:
        self.terms = terms
        self.sign = 1 if terms.direction is Direction.DOWN else -1
        self.width_us = ceil(terms.window_s * SECOND / 16)
        self.begin(anew=False)

    def begin(self, *, anew: bool) -> None:
        self.readings: list[tuple[int, float]] = []
        self.lost: list[tuple[int, float]] = []
        self.closed: dict[int, float] = {}
        self.slopes = (nan, nan, nan)
        self.jumps = 0
        self.anew = anew

    def bucket(self, time_us: int) -> int:
        return time_us // self.width_us

    def means(self, first: int, last: int) -> dict[int, float]:
        buckets: dict[int, list[float]] = {}
        for time, value in self.readings:
            if first <= self.bucket(time) <= last:
                buckets.setdefault(self.bucket(time), []).append(value)
        return {number: sum(values) / len(values) for number, values in sorted(buckets.items())}

    def measure(self, time_us: int, value: float, late: bool, zone_us: int) -> tuple[float, float, float, float, float]:
        del late, zone_us
        number = self.bucket(time_us)
        fallen = self.sign * value
        newest_us = max((time for time, _ in self.readings), default=None)
        if newest_us is not None and time_us < newest_us:
            if time_us >= self.readings[0][0] and number >= self.bucket(newest_us) - 16:
                self.readings.append((time_us, fallen))
            return NOT_JUDGED
        if newest_us is not None:
            newest = self.bucket(newest_us)
            lowest = sorted((self.closed or self.means(newest, newest)).values())[:2][-1]
            if fallen - lowest < self.terms.reset_by:
                self.jumps = 0
            elif self.jumps == 0:
                self.jumps = 1
                return NOT_JUDGED
            else:
                self.begin(anew=True)
                newest_us = None
        if newest_us is not None and number > self.bucket(newest_us):
            self.look_back(number)
        self.readings.append((time_us, fallen))
        left, soonest, latest = self.foreseen(time_us, fallen)
        return left, self.sign * self.slopes[1] * DAY / self.width_us, soonest, latest, nan

    def look_back(self, number: int) -> None:
        self.closed = self.means(number - 16, number - 1)
        self.slopes = (nan, nan, nan)
        if len(self.closed) < 4:
            return
        self.anew = False
        slopes = sorted((b - a) / (m - n) for (n, a), (m, b) in combinations(self.closed.items(), 2))
        n, pairs = len(self.closed), len(slopes)
        ties = sum(t * (t - 1) * (2 * t + 5) for t in Counter(self.closed.values()).values())
        half = NormalDist().inv_cdf(0.975) * sqrt((n * (n - 1) * (2 * n + 5) - ties) / 18) / 2
        low = max(0, floor(pairs / 2 - half + 0.5) - 1)
        high = min(pairs - 1, floor(pairs / 2 + half + 0.5))
        self.slopes = slopes[low], median(slopes), slopes[high]

    def foreseen(self, time_us: int, fallen: float) -> tuple[float, float, float]:
        if fallen <= self.sign * self.terms.level:
            return 0.0, 0.0, 0.0
        if isnan(self.slopes[1]):
            return FAR if self.anew else nan, nan, nan
        soonest, left, latest = (self.reached(slope, time_us) for slope in self.slopes)
        return (FAR if self.slopes[2] >= 0 or latest == FAR else left), soonest, latest

    def reached(self, slope: float, time_us: int) -> float:
        """When a line through the newest closed bucket comes to the level, from now, s."""
        if slope >= 0:
            return FAR
        newest = max(self.closed)
        centre_us = newest * self.width_us + self.width_us // 2
        last = sorted(self.closed.items())[-3:]
        end = median(mean + (newest - number) * self.slopes[1] for number, mean in last)
        widths = (end - self.sign * self.terms.level) / -slope
        return min(FAR, max(0.0, widths * self.width_us - (time_us - centre_us)) / SECOND)
