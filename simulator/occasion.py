"""Occasions: what happens to a device at most once a day, and when, as a pure function of the device and the day.

So the signals can ask what an occasion does to a reading, the history when its reports come, and the log what it was,
and all three agree without sharing anything.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from simulator.disturbance import Disturbance
from simulator.moments import DAY_S, HOUR_S, ZONE_S

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulator.disturbance import DisturbanceKind
    from simulator.moments import Moments
    from simulator.noise import Noise

    Column = NDArray[np.float64]

__all__ = ["Happening", "Occasion"]


@dataclass(frozen=True, slots=True)
class Happening:
    """What an occasion does to some of m readings, k of them.

    places:            (k,) intp     which ones
    since_s, lasts_s:  (k,) float64  s since its beginning, and how long it lasts
    size:              (k,) float64
    """

    places: NDArray[np.intp]
    since_s: Column
    lasts_s: Column
    size: Column

    def triangle(self, crest: float) -> Column:
        """Return (k,): from 0 to its size at the share `crest` of its time, and back to 0."""
        share = self.since_s / self.lasts_s
        height: Column = self.size * np.minimum(share / crest, (1.0 - share) / (1.0 - crest))
        return height


@dataclass(frozen=True, slots=True)
class Occasion:
    """One thing that happens on some days.

    name:    tells its draws from those of others
    chance:  of a device on a day
    share:   of the devices that it ever happens to
    hours:   it begins between these hours of the day
    lasts_s: shortest and longest; two of the same may not meet
    size:    least, mean excess (exponential), greatest
    reports: shares of its time at which the device reports of its own accord
    """

    name: str
    kind: DisturbanceKind
    chance: float
    hours: tuple[float, float]
    lasts_s: tuple[float, float]
    size: tuple[float, float, float] = (1.0, 0.0, 1.0)
    share: float = 1.0
    reports: tuple[float, ...] = ()

    def at(self, moments: Moments) -> Happening:
        """Return what it does at each moment."""
        low, high = self.hours
        ends = high + self.lasts_s[1] / HOUR_S
        found = []
        for days_ago in range(int(ends // 24) + 1):
            hour = moments.hour + 24.0 * days_ago if days_ago else moments.hour
            (maybe,) = np.nonzero((hour >= low) & (hour < ends))
            found.append(self._going_on(moments, maybe, moments.day[maybe] - days_ago))
        if len(found) == 1:
            return found[0]
        return Happening(*(np.concatenate([getattr(one, field.name) for one in found]) for field in fields(Happening)))

    def of_day(
        self, noise: Noise, rows: NDArray[np.int64], day: int
    ) -> tuple[list[Disturbance], Column, NDArray[np.int64]]:
        """Return what begins on one day: the disturbances, and the reports it brings as times (s) and rows.

        day: whole days since 1970-01-01 of the community's clock
        """
        days = np.full(len(rows), day, np.int64)
        happens = self._happens(noise, rows, days)
        rows, days = rows[happens], days[happens]
        begins, lasts = self._begins_s(noise, rows, days), self._lasts_s(noise, rows, days)
        size = self._size(noise, rows, days)
        log = [
            Disturbance(self.kind, row, int(begin * 1e6), int((begin + last) * 1e6), how)
            for row, begin, last, how in zip(rows.tolist(), begins.tolist(), lasts.tolist(), size.tolist(), strict=True)
        ]
        shares = np.array(self.reports)
        times: Column = (begins[:, None] + lasts[:, None] * shares).ravel()
        return log, times, np.repeat(rows, len(shares))

    def days(self, from_s: float, to_s: float) -> range:
        """Return the days on which what goes on, or reports, between two times (s since the epoch) may have begun."""
        longest_s = max(self.hours[1] * HOUR_S + self.lasts_s[1] - DAY_S, 0.0)
        return range(int((from_s - longest_s + ZONE_S) // DAY_S), int((to_s + ZONE_S) // DAY_S) + 1)

    # ── draws ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _going_on(self, moments: Moments, places: NDArray[np.intp], day: NDArray[np.int64]) -> Happening:
        """Return what began on `day` (k,) and goes on at the moments `places` (k,)."""
        happens = self._happens(moments.noise, moments.rows[places], day)
        places, day = places[happens], day[happens]
        rows = moments.rows[places]
        since = moments.time_s[places] - self._begins_s(moments.noise, rows, day)
        lasts = self._lasts_s(moments.noise, rows, day)
        inside = (since >= 0) & (since < lasts)
        size = self._size(moments.noise, rows[inside], day[inside])
        return Happening(places[inside], since[inside], lasts[inside], size)

    def _happens(self, noise: Noise, rows: NDArray[np.int64], day: NDArray[np.int64]) -> NDArray[np.bool_]:
        happens = noise.uniform(rows, f"{self.name} happens", day) < self.chance
        if self.share < 1.0:
            happens &= noise.uniform(rows, f"{self.name} ever") < self.share
        return happens

    def _begins_s(self, noise: Noise, rows: NDArray[np.int64], day: NDArray[np.int64]) -> Column:
        low, high = self.hours
        hour = low + (high - low) * noise.uniform(rows, f"{self.name} hour", day)
        begins: Column = day * DAY_S - ZONE_S + hour * HOUR_S
        return begins

    def _lasts_s(self, noise: Noise, rows: NDArray[np.int64], day: NDArray[np.int64]) -> Column:
        low, high = self.lasts_s
        return low + (high - low) * noise.uniform(rows, f"{self.name} lasts", day)

    def _size(self, noise: Noise, rows: NDArray[np.int64], day: NDArray[np.int64]) -> Column:
        least, excess, greatest = self.size
        size: Column = least - excess * np.log1p(-noise.uniform(rows, f"{self.name} size", day))
        return np.minimum(size, greatest)
