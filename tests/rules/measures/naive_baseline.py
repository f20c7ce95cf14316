"""The oracle of the baseline: dicts by hour, and every reading of an hour kept until the hour is learned."""

from __future__ import annotations

from collections import defaultdict
from math import inf, nan, pi, sqrt
from statistics import fmean, median
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from rules.model import BaselineTerms

HOUR = 3_600_000_000
NOT_JUDGED = (nan, nan, nan, nan, nan)


def kept(level: float) -> float:
    return float(np.float32(level))


def clipped(away: float, clip: float) -> float:
    return min(clip, max(-clip, away))


class NaiveBaseline:
    def __init__(self, terms: BaselineTerms) -> None:
        self.terms = terms
        self.first: tuple[int, float] | None = None
        self.open_us = 0
        self.reference = 0.0
        self.moves: list[float] = []
        self.aways: list[float] = []
        self.an_hour = 0
        self.levels: dict[int, float] = {}
        self.weeks: dict[int, int] = defaultdict(int)
        self.residuals: dict[int, float] = {}
        self.days: dict[int, int] = defaultdict(int)

    def measure(self, time_us: int, value: float, late: bool, zone_us: int) -> tuple[float, float, float, float, float]:
        del late
        hour = (time_us + zone_us) // HOUR
        if self.first is None:
            self.first = time_us, value
            self.open_us = time_us
            self.begin(hour, value)
        begun_us, centre = self.first
        open_hour = (self.open_us + zone_us) // HOUR
        if hour > open_hour:
            self.close(open_hour)
            self.open_us = time_us
            self.begin(hour, value)
        usual = self.usual(hour)
        deviation = max(self.deviation(hour), self.terms.least)
        clip = inf if self.days[hour % 24] < 3 or deviation == 0.0 else 3 * deviation
        if hour >= open_hour:
            away = value - centre - self.reference
            self.moves.append(away if self.weeks[hour % 168] < 2 else clipped(away, clip))
            self.aways.append(abs(clipped(away, clip)))
        elif usual is not None and hour % 168 in self.levels:
            self.take_late(hour, clipped(value - centre - usual, clip))
        if usual is None or deviation == 0.0 or time_us - begun_us < self.terms.learn_s * 1e6:
            return NOT_JUDGED
        return (value - centre - usual) / deviation, centre + usual, nan, nan, nan

    def begin(self, hour: int, value: float) -> None:
        assert self.first is not None
        of_day = any(h % 24 == hour % 24 for h in self.levels)
        usual = self.usual(hour) if of_day else None
        self.reference = value - self.first[1] if usual is None else usual
        self.moves, self.aways = [], []

    def usual(self, hour: int) -> float | None:
        for like in ({hour % 168}, {h for h in self.levels if h % 24 == hour % 24}, set(self.levels)):
            known = like & set(self.levels)
            if known:
                weeks = [min(255, self.weeks[h]) for h in known]
                return float(np.average([self.levels[h] for h in known], weights=weeks))
        return None

    def deviation(self, hour: int) -> float:
        near = [self.residuals[h % 24] for h in (hour - 1, hour, hour + 1) if h % 24 in self.residuals]
        if near:
            return sqrt(pi / 2) * max(near)
        if not self.residuals:
            return 0.0
        weights = [min(255, self.days[h]) for h in self.residuals]
        return sqrt(pi / 2) * float(np.average(list(self.residuals.values()), weights=weights))

    def close(self, hour: int) -> None:
        of_week, of_day = hour % 168, hour % 24
        seen = self.reference + fmean(self.moves)
        if self.weeks[of_week] == 0:
            level = seen
        elif self.weeks[of_week] == 1:
            others = {h: level for h, level in self.levels.items() if h % 24 == of_day and h != of_week}
            weights = [min(255, self.weeks[h]) for h in others]
            usual = [float(np.average(list(others.values()), weights=weights))] if others else []
            level = median([self.levels[of_week], seen, *usual])
        else:
            level = self.levels[of_week] + fmean(self.moves) * max(1 / (self.weeks[of_week] + 1), 1 / 8)
        residual = self.residuals.get(of_day, 0.0)
        residual += (fmean(self.aways) - residual) * max(1 / (self.days[of_day] + 1), 1 / 32)
        self.levels[of_week], self.residuals[of_day] = kept(level), kept(residual)
        self.weeks[of_week] += 1
        self.days[of_day] += 1
        self.an_hour = len(self.moves)

    def take_late(self, hour: int, move: float) -> None:
        of_week, of_day = hour % 168, hour % 24
        level, residual = self.levels[of_week], self.residuals[of_day]
        level += move * max(1 / (self.weeks[of_week] + 1), 1 / 8) / self.an_hour
        residual += (abs(move) - residual) * max(1 / (self.days[of_day] + 1), 1 / 32) / self.an_hour
        self.levels[of_week], self.residuals[of_day] = kept(level), kept(residual)
