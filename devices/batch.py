"""`ReadingBatch`: the struct of arrays in which readings travel."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag
from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["Flag", "ReadingBatch"]


class Flag(IntFlag):
    """What ingest noted about one reading."""

    ALARM_LANE = 1
    """Came on the alarm topic."""
    TIME_FILLED = 2
    """The device gave no time, or none that can be: the arrival time stands in."""
    TIME_CLAMPED = 4
    """The device's time was too far ahead of ours: the arrival time stands in."""
    LATE = 8
    """Older than a reading of the same channel that came before it."""
    UNREGISTERED = 16
    """From a device that no ledger knows."""
    RETAINED = 32
    """The broker kept the message from earlier: it is no sign of life."""
    OFFLINE = 64
    """Says that the device is gone, mostly as its will, which the broker publishes: it is no sign of life."""


@dataclass(frozen=True, slots=True)
class ReadingBatch:
    """`n` readings in order of arrival.

    channel:    (n,) int32    dense channel row of the registry, >= 0
    time_us:    (n,) int64    event time, µs since the epoch
    value:      (n,) float64  in the unit of the channel's metric; 0.0 where not known, never NaN or infinite
    known:      (n,) bool     False where the device sent the metric without a value
    flags:      (n,) uint8    bits of `Flag`
    arrival_us: int           arrival time of the newest message in it, µs since the epoch

    Several readings of one channel may be in one batch; equal (channel, time) pairs may not.
    Raises ValueError where shapes, dtypes or values are not as above.
    """

    channel: NDArray[np.int32]
    time_us: NDArray[np.int64]
    value: NDArray[np.float64]
    known: NDArray[np.bool_]
    flags: NDArray[np.uint8]
    arrival_us: int

    def __post_init__(self) -> None:
        shape = self.channel.shape
        if len(shape) != 1:
            raise ValueError(f"channel has shape {shape}; wanted one dimension")
        for name, dtype in _DTYPES:
            array = getattr(self, name)
            if array.dtype != dtype or array.shape != shape:
                raise ValueError(f"{name} is {array.dtype} of shape {array.shape}; wanted {dtype} of shape {shape}")
        if shape[0] and not np.isfinite(self.value).all():
            raise ValueError(
                "value holds NaN or infinity; wanted finite values, with `known` False where there is none"
            )

    def __len__(self) -> int:
        return len(self.channel)

    @classmethod
    def empty(cls, arrival_us: int) -> Self:
        """Return a batch without readings: a tick."""
        return cls(
            np.empty(0, np.int32),
            np.empty(0, np.int64),
            np.empty(0, np.float64),
            np.empty(0, np.bool_),
            np.empty(0, np.uint8),
            arrival_us,
        )

    @classmethod
    def concat(cls, batches: Sequence[ReadingBatch]) -> Self:
        """Join `batches` (at least one) in their order."""
        return cls(
            np.concatenate([b.channel for b in batches]),
            np.concatenate([b.time_us for b in batches]),
            np.concatenate([b.value for b in batches]),
            np.concatenate([b.known for b in batches]),
            np.concatenate([b.flags for b in batches]),
            max(b.arrival_us for b in batches),
        )

    def select(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> Self:
        """Return the readings that `rows` (mask or indices) names, in that order."""
        return type(self)(
            self.channel[rows],
            self.time_us[rows],
            self.value[rows],
            self.known[rows],
            self.flags[rows],
            self.arrival_us,
        )


_DTYPES = (
    ("channel", np.dtype(np.int32)),
    ("time_us", np.dtype(np.int64)),
    ("value", np.dtype(np.float64)),
    ("known", np.dtype(np.bool_)),
    ("flags", np.dtype(np.uint8)),
)
