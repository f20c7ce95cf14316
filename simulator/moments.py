"""Moments: the devices and times that signals are asked for, and the numbers that belong to each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulator.noise import Noise

    Column = NDArray[np.float64]

__all__ = ["DAY_S", "HOUR_S", "ZONE_S", "Moments"]

HOUR_S: Final = 3600.0
DAY_S: Final = 24 * HOUR_S
ZONE_S: Final = 8 * HOUR_S
"""China Standard Time; days and hours are those of the community's clock."""


@dataclass(frozen=True)
class Moments:
    """m devices at as many moments.

    rows:   (m,) int64    positions in the fleet
    time_s: (m,) float64  s since the epoch
    """

    noise: Noise
    rows: NDArray[np.int64]
    time_s: Column

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def ms(self) -> NDArray[np.int64]:
        """(m,) int64 ms since the epoch."""
        return (self.time_s * 1e3).astype(np.int64)

    @cached_property
    def day(self) -> NDArray[np.int64]:
        """(m,) int64 days since 1970-01-01 of the community's clock."""
        return np.floor((self.time_s + ZONE_S) / DAY_S).astype(np.int64)

    @cached_property
    def hour(self) -> Column:
        """(m,) hours of the community's day, 0 … 24."""
        hours: Column = (self.time_s + ZONE_S) / HOUR_S - 24.0 * self.day
        return hours

    def uniform(self, what: str) -> Column:
        """Return (m,) in [0, 1), another one at each moment."""
        return self.noise.uniform(self.rows, what, self.ms)

    def bell(self, what: str) -> Column:
        """Return (m,) with mean 0 and deviation 1, another one at each moment."""
        return self.noise.bell(self.rows, what, self.ms)

    def life(self, what: str, low: float = 0.0, high: float = 1.0) -> Column:
        """Return (m,) in [low, high): what each device keeps for life."""
        return self.noise.between(self.rows, what, low, high)

    def constant(self, value: float) -> Column:
        """Return (m,) of `value`."""
        return np.full(len(self), value)
