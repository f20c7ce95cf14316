"""The reporter: when the devices of a fleet measure, and what of it is heard.

A device measures at its period, with a second or two of jitter; sooner when something happens that it was made to
report; more often while an incident changes its course; and what an incident makes it say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from simulator.courses import BATTERY_LIFE_S, batteries
from simulator.disturbance import Disturbance, DisturbanceKind, DisturbanceLog
from simulator.everyday import OCCASIONS, momentary, standing
from simulator.journey import RESTART, Journey
from simulator.moments import Moments
from simulator.reports import Reports

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from devices import Kind
    from simulator.deviation import Deviation
    from simulator.fleet import Fleet
    from simulator.journey import GatewayDown
    from simulator.signals import Signals

    Column = NDArray[np.float64]

__all__ = ["Reporter"]

JITTER_S: Final = 2.0
SAID_S: Final = 0.2
"""A saying takes so long at least."""


class Reporter:
    """Writes the reports of a fleet, and notes in `log` what disturbs them.

    Raises ValueError where what is down is no gateway.
    """

    def __init__(
        self, fleet: Fleet, signals: Signals, deviations: Sequence[Deviation], down: Sequence[GatewayDown]
    ) -> None:
        self.log = DisturbanceLog()
        self.journey = Journey(fleet, signals, down, self.log)
        self._signals = signals
        self._noise = signals.noise
        self._deviations = deviations
        self._sayings = [(deviation, saying) for deviation in deviations for saying in deviation.sayings]
        self._rows = np.arange(len(fleet), dtype=np.int64)
        self._phase_s = signals.period_s * self._noise.uniform(self._rows, "phase")
        self._by_kind = {kind: np.array(fleet.of_kind(kind), np.int64) for kind in signals.kinds}

    def between(self, from_us: int, to_us: int) -> Reports:
        """Return what is measured in a time, which follows the one asked for before; in no order."""
        from_s, to_s = from_us / 1e6, to_us / 1e6
        heard = self.journey.disturbed(self._routine(from_s, to_s))
        if self._signals.everyday:
            heard = self.journey.kept_in_restarts(Reports.join(heard, self._occasional(from_s, to_s)))
            self._note_momentary(heard)
        for deviation in self._deviations:
            if deviation.silent:
                heard = heard.select(~deviation.covers(heard.row, heard.time_s))
        heard = self.journey.through_gateways(Reports.join(heard, self._watched(from_s, to_s)))
        return Reports.join(heard, self._said(from_us, to_us))

    def values_of(self, saying: int) -> tuple[int, dict[str, float]]:
        """Return the row of a saying's device, and what it says."""
        deviation, said = self._sayings[saying]
        return deviation.row, dict(said.values)

    # ── measuring ────────────────────────────────────────────────────────────────────────────────────────────────

    def _routine(self, from_s: float, to_s: float) -> Reports:
        """Return the k-th report of each device, at its phase and k periods, with jitter."""
        period_s = self._signals.period_s
        first = np.ceil((from_s - self._phase_s) / period_s).astype(np.int64)
        end = np.ceil((to_s - self._phase_s) / period_s).astype(np.int64)
        row, nth = _runs(self._rows, first, end)
        jitter_s = JITTER_S * self._noise.uniform(row, "jitter", nth)
        return self.journey.sent(row, self._phase_s[row] + nth * period_s[row] + jitter_s)

    def _occasional(self, from_s: float, to_s: float) -> Reports:
        """Return what devices report because something happens; note what begins in this time."""
        parts = [Reports.none()]
        for kind, rows in self._by_kind.items():
            for occasion in (*OCCASIONS.get(kind, ()), RESTART):
                for day in occasion.days(from_s, to_s):
                    log, times, its_rows = occasion.of_day(self._noise, rows, day)
                    self.log.add(one for one in log if from_s <= one.from_us / 1e6 < to_s)
                    inside = (times >= from_s) & (times < to_s)
                    if inside.any():
                        parts.append(self.journey.sent(its_rows[inside], times[inside]))
        return Reports.join(*parts)

    def _watched(self, from_s: float, to_s: float) -> Reports:
        """Return what devices report more often because of a deviation."""
        parts = [Reports.none()]
        for one in self._deviations:
            if one.every_s is None or one.from_us / 1e6 >= to_s or one.to_us / 1e6 <= from_s:
                continue
            begins, ends = one.from_us / 1e6, min(to_s, one.to_us / 1e6)
            nth = np.arange(np.ceil(max(from_s - begins, 0.0) / one.every_s), np.ceil((ends - begins) / one.every_s))
            times = (begins + nth * one.every_s).astype(np.float64)
            parts.append(self.journey.sent(np.full(len(nth), one.row, np.int64), times))
        return Reports.join(*parts)

    def _said(self, from_us: int, to_us: int) -> Reports:
        """Return the sayings measured in this time."""
        rows, times, arrivals, which = [], [], [], []
        for index, (deviation, saying) in enumerate(self._sayings):
            at_us = deviation.from_us + round(saying.at_s * 1e6)
            if from_us <= at_us < to_us:
                held_s = 0.0 if saying.arrives_s is None else saying.arrives_s - saying.at_s
                rows.append(deviation.row)
                times.append(at_us / 1e6)
                arrivals.append(at_us + round((held_s + SAID_S) * 1e6))
                which.append(index)
        return Reports(
            np.array(rows, np.int64),
            np.array(times, np.float64),
            np.array(arrivals, np.int64),
            np.array(which, np.int64),
        )

    # ── noting ───────────────────────────────────────────────────────────────────────────────────────────────────

    def note_standing(self, from_us: int, to_us: int) -> None:
        """Note in the log what goes on all the time, when gateways are down, and which batteries are changed."""
        self.log.add(self.journey.standing(from_us, to_us))
        if self._signals.everyday:
            for kind, rows in self._by_kind.items():
                self.log.add(self._standing(kind, rows, from_us, to_us))

    def _standing(self, kind: Kind, rows: NDArray[np.int64], from_us: int, to_us: int) -> Iterator[Disturbance]:
        begins, ends = (Moments(self._noise, rows, np.full(len(rows), us / 1e6)) for us in (from_us, to_us))
        for what, row in zip(standing(kind, begins), rows.tolist(), strict=True):
            if what is not None:
                yield Disturbance(what, row, from_us, to_us)
        if kind in BATTERY_LIFE_S:
            had = batteries(kind, begins)
            for place in np.flatnonzero(np.floor(batteries(kind, ends)) > np.floor(had)).tolist():
                left_s = (np.floor(had[place]) + 1.0 - had[place]) * BATTERY_LIFE_S[kind]
                changed_us = from_us + int(left_s * 1e6)
                yield Disturbance(DisturbanceKind.BATTERY_CHANGED, int(rows[place]), changed_us, changed_us)

    def _note_momentary(self, heard: Reports) -> None:
        kinds = self._signals.kind_of[heard.row]
        for index, kind in enumerate(self._signals.kinds):
            its = heard.select(kinds == index)
            what, hit = momentary(kind, Moments(self._noise, its.row, its.time_s))
            if what is not None:
                times_us = (its.time_s[hit] * 1e6).astype(np.int64).tolist()
                self.log.add(
                    Disturbance(what, row, at_us, at_us)
                    for row, at_us in zip(its.row[hit].tolist(), times_us, strict=True)
                )


def _runs(
    rows: NDArray[np.int64], first: NDArray[np.int64], end: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return each of `rows` with every number from its `first` to before its `end`."""
    count = end - first
    row = np.repeat(rows, count)
    place = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    return row, first[row] + place
