"""Signals: what a healthy device would measure, as a pure function of the seed, the device and the time.

Calm signals (`courses.py`) reach no limit of a default rule, so that a demo shows its stories alone. Those of everyday
life (`everyday.py`) do, as in life: cooking, steam, water hammer, a watch on the charger. The live simulation and the
history share both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.courses import COURSES, DECIMALS, PERIOD_S
from simulator.everyday import EVERYDAY
from simulator.moments import Moments
from simulator.noise import Noise

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from devices import Kind
    from simulator.fleet import Fleet

    Column = NDArray[np.float64]

__all__ = ["Signals"]


class Signals:
    """The healthy signals of a fleet.

    everyday: with the disturbances of everyday life, or calm
    kinds:    those of the fleet, sorted
    kind_of:  (n,) int8     place of each device's kind in `kinds`
    period_s: (n,) float64  s between two reports of each device
    Raises ValueError where the fleet has a kind of device whose signals are not known.
    """

    def __init__(self, fleet: Fleet, seed: int = 0, *, everyday: bool = False) -> None:
        kinds = [device.kind for device in fleet.devices]
        unknown = sorted({kind for kind in kinds if kind not in COURSES})
        if unknown:
            raise ValueError(f"no signals for devices of kind {', '.join(unknown)}; there are {', '.join(COURSES)}")
        self.everyday = everyday
        self.noise = Noise(seed)
        self.kinds: tuple[Kind, ...] = tuple(sorted(set(kinds)))
        self.kind_of = np.array([self.kinds.index(kind) for kind in kinds], np.int8)
        rows = np.arange(len(fleet), dtype=np.int64)
        ends = np.array([PERIOD_S[kind] for kind in self.kinds]).reshape(-1, 2)[self.kind_of]
        self.period_s = ends[:, 0] + (ends[:, 1] - ends[:, 0]) * self.noise.uniform(rows, "period")

    def columns(self, kind: Kind, rows: NDArray[np.int64], time_s: Column) -> dict[str, Column]:
        """Return what devices of `kind` measure, rounded as they do: a column a metric, (m,) float64.

        rows:   (m,) int64    positions in the fleet
        time_s: (m,) float64  s since the epoch
        """
        at = Moments(self.noise, rows, time_s)
        columns = COURSES[kind](at)
        if self.everyday and kind in EVERYDAY:
            EVERYDAY[kind](at, columns)
        return {metric: np.round(column, DECIMALS.get(metric, 0)) for metric, column in columns.items()}

    def readings(self, rows: NDArray[np.int64], time_s: float) -> list[dict[str, float]]:
        """Return what each of `rows` measures at one moment, metric → value, in the order of `rows`.

        rows:   (m,) int64  positions in the fleet
        time_s: s since the epoch
        """
        found: list[dict[str, float]] = [{}] * len(rows)
        kinds = self.kind_of[rows]
        for index, kind in enumerate(self.kinds):
            (places,) = np.nonzero(kinds == index)
            if not len(places):
                continue
            columns = self.columns(kind, rows[places], np.full(len(places), time_s))
            values = zip(*(_said(name, column) for name, column in columns.items()), strict=True)
            for place, reading in zip(places.tolist(), values, strict=True):
                found[place] = dict(zip(columns, reading, strict=True))
        return found


def _said(metric: str, column: Column) -> list[float]:
    """Return the numbers as the device writes them: whole ones without a point."""
    said: list[float] = (column if metric in DECIMALS else column.astype(np.int64)).tolist()
    return said
