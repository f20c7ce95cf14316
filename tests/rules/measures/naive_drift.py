"""The oracle of the drift: every reading is kept, and every bucket is made anew of those that belong to it."""

from __future__ import annotations

from math import ceil, nan
from statistics import fmean, median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rules.model import DriftTerms

SECOND = 1_000_000
NOT_JUDGED = (nan, nan, nan, nan, nan)


class NaiveDrift:
    def __init__(self, terms: DriftTerms) -> None:
        self.baseline_us = ceil(terms.baseline_s * SECOND / 24)
        self.window_us = ceil(terms.window_s * SECOND / 24)
        self.first_us: int | None = None
        self.baseline: float | None = None
        self.readings: list[tuple[int, float]] = []
        self.drift = nan

    def measure(self, time_us: int, value: float, late: bool, zone_us: int) -> tuple[float, float, float, float, float]:
        del late, zone_us
        if self.baseline is None and not self.is_complete(time_us):
            self.readings.append((time_us, value))
            return NOT_JUDGED
        assert self.baseline is not None
        newest_us = max((time for time, _ in self.readings), default=None)
        number = time_us // self.window_us
        if newest_us is not None and number <= newest_us // self.window_us - 24:
            return NOT_JUDGED
        self.readings.append((time_us, value))
        if newest_us is not None and time_us < newest_us:
            return NOT_JUDGED
        if newest_us is None or number > newest_us // self.window_us:
            means = [self.mean(bucket) for bucket in range(number - 23, number + 1)]
            found = [mean for mean in means if mean is not None]
            self.drift = median(found) - self.baseline if len(found) >= 3 else nan
        return self.drift, self.baseline, nan, nan, nan

    def is_complete(self, time_us: int) -> bool:
        if self.first_us is None:
            self.first_us = time_us
        if time_us < self.first_us + 24 * self.baseline_us:
            return False
        buckets: dict[int, list[float]] = {}
        for time, value in self.readings:
            if time >= self.first_us:
                buckets.setdefault((time - self.first_us) // self.baseline_us, []).append(value)
        self.readings = []
        if len(buckets) < 3:
            self.first_us = time_us
            return False
        self.baseline = median(sum(values) / len(values) for values in buckets.values())
        return True

    def mean(self, bucket: int) -> float | None:
        values = [value for time, value in self.readings if time // self.window_us == bucket]
        return fmean(values) if values else None
