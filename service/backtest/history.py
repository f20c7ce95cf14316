"""History: readings of the past in the order in which they came, in chunks, whatever they are read from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from devices import Device

__all__ = ["Chunk", "History", "HistoryFault", "Names", "Oddities"]


class HistoryFault(Exception):
    """The history cannot be read; the text says what was wrong, where, and what was wanted."""


class Names:
    """Names, each with a code from 0 on, in the order in which they were first met."""

    def __init__(self) -> None:
        self.codes: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self.codes)

    def code(self, name: str) -> int:
        """Return the code of `name`, a new one where it has none."""
        return self.codes.setdefault(name, len(self.codes))

    def all(self) -> list[str]:
        """Return the names; the place is the code."""
        return list(self.codes)


@dataclass(slots=True)
class Oddities:
    """What a history holds that is no reading, or not twice.

    nameless, timeless: rows without device or metric, or without a time: left out
    infinite:           values that are not finite: taken as unknown
    """

    nameless: int = 0
    timeless: int = 0
    infinite: int = 0


@dataclass(frozen=True, slots=True)
class Chunk:
    """`n` readings by rising arrival, those of one arrival in the order of the source.

    device, metric: (n,) int32   codes of `History.devices` and `History.metrics`
    time_us:        (n,) int64   event time, µs since the epoch
    arrival_us:     (n,) int64   when it came; the same array as `time_us` where the source does not know
    value:          (n,) float64 finite; 0.0 where not known
    known:          (n,) bool
    share:          of the history, 0 … 1, up to the end of this chunk
    """

    device: NDArray[np.int32]
    metric: NDArray[np.int32]
    time_us: NDArray[np.int64]
    arrival_us: NDArray[np.int64]
    value: NDArray[np.float64]
    known: NDArray[np.bool_]
    share: float

    def __len__(self) -> int:
        return len(self.device)

    def select(self, rows: NDArray[np.bool_] | NDArray[np.intp] | slice, share: float | None = None) -> Chunk:
        """Return the readings that `rows` names, in that order."""
        time_us = self.time_us[rows]
        return Chunk(
            self.device[rows],
            self.metric[rows],
            time_us,
            time_us if self.arrival_us is self.time_us else self.arrival_us[rows],
            self.value[rows],
            self.known[rows],
            self.share if share is None else share,
        )

    def sorted(self) -> Chunk:
        """Return it by rising arrival, equal ones in their order."""
        if len(self) < 2 or bool((self.arrival_us[1:] >= self.arrival_us[:-1]).all()):  # noqa: PLR2004
            return self
        return self.select(np.argsort(self.arrival_us, kind="stable"))

    def within(self, from_us: int | None, to_us: int | None) -> Chunk:
        """Return what came from `from_us` on and before `to_us`; it must be sorted."""
        first = 0 if from_us is None else int(np.searchsorted(self.arrival_us, from_us))
        last = len(self) if to_us is None else int(np.searchsorted(self.arrival_us, to_us))
        return self if (first, last) == (0, len(self)) else self.select(slice(first, last))


class History(Protocol):
    """Where readings of the past come from.

    devices, metrics: `site/name` and metric of each code; they grow while chunks are read
    """

    devices: Names
    metrics: Names
    oddities: Oddities

    @property
    def ledger(self) -> Mapping[str, Device]:
        """The devices that the source itself describes, by `site/name`."""
        ...

    @property
    def arrives(self) -> bool:
        """Whether the source knows when readings came, not only when they were measured."""
        ...

    def chunks(self) -> Iterator[Chunk]:
        """Read from the beginning. Raises HistoryFault."""
        ...
