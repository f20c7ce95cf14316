"""The newest reading of each channel, kept until it is time to write it down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["AHEAD_US", "ChannelReadings", "Latest"]

AHEAD_US: Final = 600_000_000
"""A reading so far ahead of our clock is not the newest of anything, µs; ingest lets through half of it at most."""

_NEVER: Final = np.iinfo(np.int64).min


class ChannelReadings(NamedTuple):
    """n readings by their channel's id.

    channel_id: (n,) int32, rising; those of one channel in the order in which they came
    time_us:    (n,) int64   µs since the epoch
    value:      (n,) float64 ignored where not known
    known:      (n,) bool
    flags:      (n,) uint8
    """

    channel_id: NDArray[np.int32]
    time_us: NDArray[np.int64]
    value: NDArray[np.float64]
    known: NDArray[np.bool_]
    flags: NDArray[np.uint8]

    def select(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> ChannelReadings:
        """Return the readings at `rows`."""
        return ChannelReadings(
            self.channel_id[rows], self.time_us[rows], self.value[rows], self.known[rows], self.flags[rows]
        )


class Latest:
    """The newest reading of each channel by its event time, and which of them are not written down yet.

    Of two readings of one time the first counts, as in the table of readings. A reading more than `AHEAD_US` ahead of
    our clock does not count, and one that came to be so, since our clock was put back, gives way to any other: else one
    wrong clock would hide every reading to come.
    """

    def __init__(self) -> None:
        self._time = np.full(1024, _NEVER, np.int64)
        self._value = np.zeros(1024, np.float64)
        self._known = np.zeros(1024, np.bool_)
        self._flags = np.zeros(1024, np.uint8)
        self._is_pending = np.zeros(1024, np.bool_)
        self.has_pending = False

    def note(self, readings: ChannelReadings, now_us: int) -> None:
        """Take up what was stored. now_us: our clock, µs since the epoch."""
        until_us = now_us + AHEAD_US
        if len(readings.time_us) and readings.time_us.max() > until_us:
            readings = readings.select(readings.time_us <= until_us)
        if not len(readings.time_us):
            return
        newest = readings.select(_newest(readings.channel_id, readings.time_us))
        self._make_room(int(newest.channel_id[-1]) + 1)
        held_us = self._time[newest.channel_id]
        newest = newest.select((newest.time_us > held_us) | (held_us > until_us))
        ids = newest.channel_id
        self._time[ids] = newest.time_us
        self._value[ids] = newest.value
        self._known[ids] = newest.known
        self._flags[ids] = newest.flags
        self._is_pending[ids] = True
        self.has_pending = self.has_pending or len(ids) > 0

    def pending(self) -> ChannelReadings:
        """Return what is not written down, one reading a channel."""
        ids = np.flatnonzero(self._is_pending)
        return ChannelReadings(
            ids.astype(np.int32), self._time[ids], self._value[ids], self._known[ids], self._flags[ids]
        )

    def written(self) -> None:
        """Take note that all that was pending is in the database."""
        self._is_pending.fill(False)
        self.has_pending = False

    def forget(self) -> None:
        """Know nothing: the database may be another one."""
        self._time.fill(_NEVER)
        self.written()

    def _make_room(self, needed: int) -> None:
        held = len(self._time)
        if needed > held:
            more = max(needed, 2 * held) - held
            self._time = np.concatenate((self._time, np.full(more, _NEVER, np.int64)))
            self._value = np.concatenate((self._value, np.zeros(more, np.float64)))
            self._known = np.concatenate((self._known, np.zeros(more, np.bool_)))
            self._flags = np.concatenate((self._flags, np.zeros(more, np.uint8)))
            self._is_pending = np.concatenate((self._is_pending, np.zeros(more, np.bool_)))


def _newest(channel_id: NDArray[np.int32], time_us: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the row of the newest reading of each channel, (channels,) int64; of one time, the first.

    channel_id: (n,) int32, rising, n > 0
    time_us:    (n,) int64
    """
    starts = np.flatnonzero(_begins(channel_id))
    lengths = np.diff(starts, append=len(channel_id))
    newest_us = np.repeat(np.maximum.reduceat(time_us, starts), lengths)
    rows = np.flatnonzero(time_us == newest_us)
    return rows[_begins(channel_id[rows])]


def _begins(channel_id: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Return where another channel begins, (n,) bool."""
    begins = np.ones(len(channel_id), np.bool_)
    np.not_equal(channel_id[1:], channel_id[:-1], out=begins[1:])
    return begins
