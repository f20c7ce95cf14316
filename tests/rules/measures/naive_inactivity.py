"""The oracle of inactivity: the times that count as watched are a list, cut anew into hours at every reading."""

from __future__ import annotations

from collections import defaultdict
from math import nan, prod
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from rules.model import InactivityTerms

SECOND = 1_000_000
HOUR = 3600 * SECOND
WEEK = 168 * HOUR
NOT_JUDGED = (nan, nan, nan, nan, nan)


class NaiveInactivity:
    def __init__(self, terms: InactivityTerms) -> None:
        self.terms = terms
        self.readings: list[tuple[int, float]] = []
        self.still_us = 0
        self.chance = 1.0
        self.seen: dict[int, bool] = {}
        self.active: dict[int, list[bool]] = defaultdict(list)

    def measure(self, time_us: int, value: float, late: bool, zone_us: int) -> tuple[float, float, float, float, float]:
        del late
        if not self.readings:
            self.readings.append((time_us, value))
            return self.judged(time_us)
        newest_us, newest = self.readings[-1]
        sign = value > 0 and value != newest
        if time_us < newest_us:
            if sign and newest_us - time_us < self.still_us:
                self.still_us = newest_us - time_us
                self.chance = max(self.chance, self.of(max(time_us, newest_us - WEEK), newest_us, zone_us))
                if time_us >= self.begin(newest_us, zone_us) and self.hour(newest_us, zone_us) in self.seen:
                    self.seen[self.hour(newest_us, zone_us)] = True
            return NOT_JUDGED
        if sign:
            self.still_us, self.chance = 0, 1.0
        else:
            begin = max(newest_us, time_us - HOUR)
            self.chance *= self.of(begin, time_us, zone_us)
            self.still_us += time_us - begin
        hour, newest_hour = self.hour(time_us, zone_us), self.hour(newest_us, zone_us)
        if hour > newest_hour:
            for seen in self.seen.values():
                self.active[newest_hour % 168].append(seen)
            self.seen = {}
        if hour <= newest_hour + 1:
            self.seen[hour] = self.seen.get(hour, False) or sign
        self.readings.append((time_us, value))
        return self.judged(time_us)

    def judged(self, time_us: int) -> tuple[float, float, float, float, float]:
        still_s = self.still_us / SECOND
        chance = self.chance
        if time_us - self.readings[0][0] < self.terms.learn_s * SECOND:
            chance = 0.0 if still_s >= self.terms.until_learned_s else 1.0
        elif still_s < self.terms.at_least_s:
            chance = max(chance, np.nextafter(self.terms.chance, 1))
        return chance, still_s, nan, nan, nan

    def hour(self, time_us: int, zone_us: int) -> int:
        return (time_us + zone_us) // HOUR

    def begin(self, time_us: int, zone_us: int) -> int:
        return self.hour(time_us, zone_us) * HOUR - zone_us

    def of(self, from_us: int, to_us: int, zone_us: int) -> float:
        """The chance of no activity in that time: each hour's own, for the part of it that lies there."""
        hours = range(self.hour(from_us, zone_us), self.hour(to_us, zone_us) + 1)
        begins = [max(from_us, hour * HOUR - zone_us) for hour in hours]
        ends = [min(to_us, (hour + 1) * HOUR - zone_us) for hour in hours]
        parts = [(end - begin) / HOUR for begin, end in zip(begins, ends, strict=True)]
        return float(prod((1 - self.activity(hour)) ** part for hour, part in zip(hours, parts, strict=True)))

    def activity(self, hour: int) -> float:
        days = [(len(self.active[h]), self.share(h)) for h in range(168) if h % 24 == hour % 24]
        of_day = (sum(n * share for n, share in days) + 1) / (sum(n for n, _ in days) + 2)
        own = min(8, len(self.active[hour % 168]))
        return min(0.75, (own * self.share(hour % 168) + 4 * of_day) / (own + 4))

    def share(self, hour: int) -> float:
        share = np.float32(0.0)
        for nth, active in enumerate(self.active[hour]):
            share = np.float32(float(share) + (active - float(share)) * max(1 / (nth + 1), 1 / 8))
        return float(share)
