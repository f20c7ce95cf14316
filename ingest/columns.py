"""The columns of a block that is being filled, and how they become a `ReadingBatch`."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

import numpy as np

from devices import Flag, ReadingBatch
from ingest.clock import event_times
from ingest.routes import MARK_BITS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from ingest.counters import IngestCounters
    from ingest.heard import Heard

__all__ = ["Columns"]

_FLAGS = (1 << MARK_BITS) - 1


class Columns:
    """The readings of one block before they have been looked at.

    An entry is the readings of one message and one time; its facts are kept once and spread in `settle`.

    rows:     per reading: channel row
    values:   per reading: value, None where not known
    counts:   per entry: readings in it
    stamps:   per entry: µs since the epoch that the device gave, NaN where it gave none
    arrivals: per entry: arrival time, µs since the epoch
    marks:    per entry: the mark of its route, device row and flags
    """

    __slots__ = ("arrivals", "counts", "marks", "rows", "stamps", "values")

    def __init__(self) -> None:
        self.rows: array[int] = array("i")
        self.values: list[float | bool | None] = []
        self.counts: array[int] = array("q")
        self.stamps: array[float] = array("d")
        self.arrivals: array[int] = array("q")
        self.marks: array[int] = array("q")

    def append(
        self, rows: Iterable[int], values: Iterable[float | bool | None], stamp_us: float, arrival_us: int, mark: int
    ) -> None:
        """Add one entry."""
        before = len(self.rows)
        self.rows.extend(rows)
        self.values.extend(values)
        self.counts.append(len(self.rows) - before)
        self.stamps.append(stamp_us)
        self.arrivals.append(arrival_us)
        self.marks.append(mark)

    def settle(self, heard: Heard, future_us: int, arrival_us: int, counters: IngestCounters) -> ReadingBatch:
        """Give every reading its time, drop the duplicates, flag the late, count it all; the columns are used up.

        arrival_us: arrival of the newest message of the block
        """
        if not self.rows:
            return ReadingBatch.empty(arrival_us)
        counts = np.frombuffer(self.counts, np.int64)
        stamps_us = np.frombuffer(self.stamps, np.float64)
        arrivals_us = np.frombuffer(self.arrivals, np.int64)
        marks = np.frombuffer(self.marks, np.int64)
        times_us, flags = event_times(stamps_us, arrivals_us, future_us)
        stamped = ~np.isnan(stamps_us)
        heard.skew.observe(marks[stamped] >> MARK_BITS, (arrivals_us[stamped] - stamps_us[stamped]) / 1e6)

        # None becomes NaN, and JSON has no NaN of its own.
        value = np.fromiter(self.values, np.float64, len(self.values))
        known = ~np.isnan(value)
        value[~known] = 0.0
        batch = ReadingBatch(
            np.frombuffer(self.rows, np.int32),
            np.repeat(times_us, counts),
            value,
            known,
            np.repeat(flags | (marks & _FLAGS).astype(np.uint8), counts),
            arrival_us,
        )
        batch = _settled(batch, heard, counters)
        _count(batch, counters)
        return batch


def _settled(batch: ReadingBatch, heard: Heard, counters: IngestCounters) -> ReadingBatch:
    """Return `batch` without duplicates, with unique times and LATE flags."""
    settled = heard.newest.settle(batch)
    if settled.is_plain:
        return batch
    flags = batch.flags | settled.late * np.uint8(Flag.LATE)
    counters.conflicting += settled.moved
    counters.duplicates += len(batch) - int(settled.keep.sum())
    batch = ReadingBatch(batch.channel, settled.time_us, batch.value, batch.known, flags, batch.arrival_us)
    return batch.select(settled.keep)


def _count(batch: ReadingBatch, counters: IngestCounters) -> None:
    counters.readings += len(batch)
    counters.unknown += len(batch) - int(np.count_nonzero(batch.known))
    counters.late += _flagged(batch.flags, Flag.LATE)
    counters.filled += _flagged(batch.flags, Flag.TIME_FILLED)
    counters.clamped += _flagged(batch.flags, Flag.TIME_CLAMPED)


def _flagged(flags: NDArray[np.uint8], flag: Flag) -> int:
    return int(np.count_nonzero(flags & np.uint8(flag)))
