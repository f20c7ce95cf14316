"""Reports: the messages of a history, as columns."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Column = NDArray[np.float64]

__all__ = ["Reports"]


@dataclass(frozen=True, slots=True)
class Reports:
    """n messages, each with all metrics of its device, or a saying of a deviation.

    row:        (n,) int64    position in the fleet
    time_s:     (n,) float64  when it was measured, s since the epoch
    arrival_us: (n,) int64    when it arrives, µs since the epoch
    saying:     (n,) int64    -1, or which saying it is
    """

    row: NDArray[np.int64]
    time_s: Column
    arrival_us: NDArray[np.int64]
    saying: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.row)

    @property
    def ms(self) -> NDArray[np.int64]:
        """(n,) int64 ms since the epoch: what the noise of a message goes by."""
        return (self.time_s * 1e3).astype(np.int64)

    @classmethod
    def of(cls, row: NDArray[np.int64], time_s: Column, arrival_s: Column) -> Self:
        """Return full reports."""
        return cls(row, time_s, np.rint(arrival_s * 1e6).astype(np.int64), np.full(len(row), -1, np.int64))

    @classmethod
    def none(cls) -> Self:
        """Return no reports."""
        return cls.of(np.zeros(0, np.int64), np.zeros(0), np.zeros(0))

    @classmethod
    def join(cls, *parts: Reports) -> Self:
        """Return all of `parts` (at least one), in their order."""
        return cls(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)))

    def select(self, which: NDArray[np.bool_] | NDArray[np.intp]) -> Self:
        """Return those that `which` (mask or indices) names."""
        return type(self)(*(getattr(self, field.name)[which] for field in fields(self)))

    def arriving(self, arrival_us: NDArray[np.int64]) -> Self:
        """Return them with other arrivals."""
        return type(self)(self.row, self.time_s, arrival_us, self.saying)
