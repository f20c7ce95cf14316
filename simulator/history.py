"""History: what a fleet said over days, as blocks of readings in order of arrival, without broker or waiting.

The same signals as the live simulation's, several million readings/s: numbers are drawn a column at a time, and a
reading is never an object. Memory is bounded by `CHUNK_S` of event time, and by what gauges hold back for a day.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from devices import ReadingBatch
from simulator.courses import DECIMALS
from simulator.reporter import Reporter
from simulator.reports import Reports
from simulator.signals import Signals

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from devices import Kind
    from simulator.deviation import Deviation
    from simulator.disturbance import DisturbanceLog
    from simulator.fleet import Fleet
    from simulator.journey import GatewayDown

__all__ = ["History"]

CHUNK_S: Final = 12 * 3600.0
LONGEST_BLOCK_S: Final = 60.0
"""A report that comes twice comes in another block: equal readings of one channel may not be in one."""


class History:
    """The history of `fleet` from `begin_us` on.

    channels:   metric → channel row of each device, in the fleet's order: `Registry.channels_of`
    begin_us:   µs since the epoch
    everyday:   with the disturbances of everyday life, or calm
    deviations: what devices do otherwise, because of incidents
    down:       gateways that are down for a time
    Raises ValueError where a device measures what it has no channel for, or is of a kind without signals.
    """

    def __init__(
        self,
        fleet: Fleet,
        channels: Sequence[Mapping[str, int]],
        *,
        begin_us: int,
        seed: int = 0,
        everyday: bool = True,
        deviations: Sequence[Deviation] = (),
        down: Sequence[GatewayDown] = (),
    ) -> None:
        self._signals = Signals(fleet, seed, everyday=everyday)
        self._reporter = Reporter(fleet, self._signals, deviations, down)
        self._channels = channels
        self._deviations = deviations
        self._now_us = begin_us
        self._waiting = Reports.none()
        self._tables = [self._table(fleet, kind) for kind in self._signals.kinds]
        self._width = np.array([len(metrics) for metrics, _ in self._tables], np.int64)

    @property
    def log(self) -> DisturbanceLog:
        """What disturbed which device, so far."""
        return self._reporter.log

    def blocks(self, until_us: int, every_s: float = LONGEST_BLOCK_S) -> Iterator[tuple[int, ReadingBatch]]:
        """Yield (fold's time, block) from where the last call ended until `until_us`.

        A block holds what arrived in `every_s`, and is folded at its end; blocks without a reading are ticks.
        Raises ValueError where a block would be longer than a minute.
        """
        if every_s > LONGEST_BLOCK_S:
            raise ValueError(f"blocks of {every_s:g} s; wanted at most {LONGEST_BLOCK_S:g}")
        self._reporter.note_standing(self._now_us, until_us)
        step_us = round(every_s * 1e6)
        while self._now_us < until_us:
            from_us = self._now_us
            to_us = min(from_us + max(round(CHUNK_S * 1e6) // step_us, 1) * step_us, until_us)
            self._now_us = to_us
            yield from _divided(self._readings(self._arriving(from_us, to_us)), from_us, to_us, step_us)

    def _arriving(self, from_us: int, to_us: int) -> Reports:
        """Return what arrives before `to_us`, in order of arrival; the rest waits."""
        reports = Reports.join(self._waiting, self._reporter.between(from_us, to_us))
        arrives = reports.arrival_us < to_us
        self._waiting = reports.select(~arrives)
        reports = reports.select(arrives)
        return reports.select(np.argsort(reports.arrival_us, kind="stable"))

    # ── readings ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _readings(self, reports: Reports) -> tuple[NDArray[np.int64], ReadingBatch]:
        """Return the arrival of each reading, (n,) int64 µs, and all readings of `reports` in their order."""
        kind = self._signals.kind_of[reports.row]
        said = np.flatnonzero(reports.saying >= 0)
        width = self._width[kind]
        sayings = [self._reporter.values_of(saying) for saying in reports.saying[said].tolist()]
        width[said] = [len(values) for _, values in sayings]
        start = np.cumsum(width) - width
        channel = np.empty(int(width.sum()), np.int32)
        value = np.empty(len(channel), np.float64)
        for index, (metrics, table) in enumerate(self._tables):
            (places,) = np.nonzero((kind == index) & (reports.saying < 0))
            cells = start[places][:, None] + np.arange(len(metrics))
            channel[cells] = table[reports.row[places]]
            value[cells] = self._measured(self._signals.kinds[index], metrics, reports.select(places))
        for place, (row, values) in zip(said.tolist(), sayings, strict=True):
            its = slice(start[place], start[place] + len(values))
            channel[its] = [self._channels[row][metric] for metric in values]
            value[its] = list(values.values())
        stamp_us, flags = self._reporter.journey.stamps(reports)
        readings = ReadingBatch(
            channel, np.repeat(stamp_us, width), value, np.ones(len(channel), np.bool_), np.repeat(flags, width), 0
        )
        return np.repeat(reports.arrival_us, width), readings

    def _measured(self, kind: Kind, metrics: tuple[str, ...], reports: Reports) -> NDArray[np.float64]:
        """Return (reports, metrics): what was measured."""
        row, time_s = reports.row, reports.time_s
        columns = self._signals.columns(kind, row, time_s)
        if len(row):
            first_us, last_us = time_s.min() * 1e6, time_s.max() * 1e6
            for deviation in self._deviations:
                if deviation.curves and deviation.from_us <= last_us and deviation.to_us > first_us:
                    places = np.flatnonzero(deviation.covers(row, time_s))
                    since_s = time_s[places] - deviation.from_us / 1e6
                    for metric, curve in deviation.curves.items():
                        if len(places):
                            column = columns[metric]
                            column[places] = np.round(curve.over(column[places], since_s), DECIMALS.get(metric, 0))
        return np.stack([columns[metric] for metric in metrics], axis=1)

    def _table(self, fleet: Fleet, kind: Kind) -> tuple[tuple[str, ...], NDArray[np.int32]]:
        """Return the metrics of a kind, and (n, metrics) int32: the channel of each device's, -1 for other kinds."""
        rows = fleet.of_kind(kind)
        metrics = tuple(self._signals.columns(kind, np.array(rows[:1], np.int64), np.zeros(1)))
        table = np.full((len(fleet), len(metrics)), -1, np.int32)
        for row in rows:
            lacking = [metric for metric in metrics if metric not in self._channels[row]]
            if lacking:
                raise ValueError(f"{fleet.devices[row].key} has no channel for {', '.join(lacking)}")
            table[row] = [self._channels[row][metric] for metric in metrics]
        return metrics, table


def _divided(
    found: tuple[NDArray[np.int64], ReadingBatch], from_us: int, to_us: int, step_us: int
) -> Iterator[tuple[int, ReadingBatch]]:
    """Yield a block for each step of the time, those without a reading as well."""
    arrival_us, readings = found
    ends_us = np.minimum(np.arange(from_us + step_us, to_us + step_us, step_us), to_us)
    edges = np.searchsorted(arrival_us, ends_us, side="left").tolist()
    start = 0
    for end_us, end in zip(ends_us.tolist(), edges, strict=True):
        part = slice(start, end)
        start = end
        yield (
            end_us,
            ReadingBatch(
                readings.channel[part],
                readings.time_us[part],
                readings.value[part],
                readings.known[part],
                readings.flags[part],
                int(arrival_us[end - 1]) if part.start < end else end_us,
            ),
        )
