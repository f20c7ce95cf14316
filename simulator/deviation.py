"""Deviations: what a device does otherwise than it would, for some time. An incident in a history is made of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Column = NDArray[np.float64]

__all__ = ["Curve", "Deviation", "Saying"]


@dataclass(frozen=True, slots=True)
class Curve:
    """A metric's course, straight between its points.

    points: ((s since the deviation's beginning, value in the metric's unit), …), rising in time
    added:  it comes on top of what the device would measure, instead of in its place
    """

    points: tuple[tuple[float, float], ...]
    added: bool = False

    def over(self, healthy: Column, since_s: Column) -> Column:
        """Return the values (m,) at `since_s` (m,) where the device would measure `healthy` (m,)."""
        course: Column = np.interp(since_s, [s for s, _ in self.points], [value for _, value in self.points])
        return healthy + course if self.added else course


@dataclass(frozen=True, slots=True)
class Saying:
    """One message of its own, with these metrics only.

    at_s:      s since the deviation's beginning, when it is measured
    arrives_s: when it arrives, if it was held back on the way
    """

    at_s: float
    values: Mapping[str, float]
    arrives_s: float | None = None


@dataclass(frozen=True, slots=True)
class Deviation:
    """One device's part in an incident.

    row:            position in the fleet
    from_us, to_us: µs since the epoch; sayings may lie outside
    curves:         metric → course
    every_s:        it reports so often besides its usual reports, since something changes
    silent:         it reports nothing but its sayings
    """

    row: int
    from_us: int
    to_us: int
    curves: Mapping[str, Curve] = field(default_factory=dict)
    every_s: float | None = None
    silent: bool = False
    sayings: tuple[Saying, ...] = ()

    def covers(self, rows: NDArray[np.int64], time_s: Column) -> NDArray[np.bool_]:
        """Say which of the readings of `rows` (m,) at `time_s` (m,) are its device's, and in its time."""
        covered: NDArray[np.bool_] = (rows == self.row) & (time_s >= self.from_us / 1e6) & (time_s < self.to_us / 1e6)
        return covered
