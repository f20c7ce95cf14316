"""The newest reading of every channel, against which duplicates, conflicts and late readings are found."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from devices import ReadingBatch

__all__ = ["NewestReadings", "Settled"]

_NEVER: Final = np.iinfo(np.int64).min


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of `n` readings.

    keep:    (n,) bool    False for duplicates
    time_us: (n,) int64   event time; among those kept no (channel, time) occurs twice
    late:    (n,) bool    kept, and older than the newest reading of its channel before it
    moved:   readings kept at another time than the device gave
    is_plain: all were kept as they are, none late
    """

    keep: NDArray[np.bool_]
    time_us: NDArray[np.int64]
    late: NDArray[np.bool_]
    moved: int
    is_plain: bool


class NewestReadings:
    """Per channel row the time and value of its newest reading, growing with the registry.

    A clock that counts whole seconds gives several readings one time. They are all at that *instant*: the first is kept
    at it, each that differs from the one before is kept 1 µs after that one, each that does not is a duplicate. So
    1, 0, 1 in one second ends as 1, and an alarm is never hidden by an equal reading before it.

    `_instant` is the time that the device gave, `_newest` the one at which the last reading of that instant was kept.
    """

    def __init__(self) -> None:
        self._instant = np.full(1024, _NEVER, np.int64)
        self._newest = np.full(1024, _NEVER, np.int64)
        self._value = np.zeros(1024, np.float64)
        self._known = np.zeros(1024, np.bool_)
        self._scratch = np.zeros(1024, np.int32)
        self._contended = np.zeros(1024, np.bool_)

    def settle(self, batch: ReadingBatch) -> Settled:
        """Find duplicates, conflicts and late readings of one block, and take the block in.

        batch: as `ReadingBatch` says, except that (channel, time) may repeat; times may run backwards, and it may be
               empty. It is unchanged.

        A reading newer than all of its channel is kept. One at the channel's newest instant is a duplicate if its value
        is that of the last reading there, else kept 1 µs after that. One that is older is late and kept, unless this
        block has the same (channel, time) already: then it is a duplicate if the value is the same, else it moves on
        by 1 µs until it is free (or reaches the newest instant). Duplicates of older readings in earlier blocks are not
        found here; the archive's unique key finds them.
        The oracle is `tests/ingest/naive.py`.
        """
        channel, time_us = batch.channel, batch.time_us
        n = len(batch)
        if not n:
            return _plain(time_us)
        self._reserve(int(channel.max()) + 1)
        index = np.arange(n, dtype=np.int32)
        self._scratch[channel] = index
        if (self._scratch[channel] == index).all() and (time_us > self._newest[channel]).all():
            self._take(batch, slice(None))
            return _plain(time_us)
        by_channel = _by_channel(channel)
        c, t = channel[by_channel], time_us[by_channel]
        first = np.concatenate([[True], c[1:] != c[:-1]])
        before = np.concatenate([[_NEVER], t[:-1]])
        before[first] = self._newest[c[first]]
        if (t > before).all():
            self._take(batch, by_channel[np.append(first[1:], True)])
            return _plain(time_us)
        return self._settle_disordered(batch, by_channel)

    def note(self, batch: ReadingBatch) -> None:
        """Take in a block that was settled before: one of the journal, after a restart."""
        if len(batch):
            self._reserve(int(batch.channel.max()) + 1)
            self._raise(batch, np.lexsort((batch.time_us, batch.channel)))

    def _settle_disordered(self, batch: ReadingBatch, by_channel: NDArray[np.int64]) -> Settled:
        """Settle a block in which some channel runs backwards or meets a time twice.

        Channels that meet a time twice are gone through one by one; of all others the late ones are found at once.
        """
        channel, time_us = batch.channel, batch.time_us
        n = len(batch)
        by_time = np.lexsort((time_us, channel))
        c, t = channel[by_time], time_us[by_time]
        twin = (c[1:] == c[:-1]) & (t[1:] == t[:-1])
        at_newest = (time_us >= self._instant[channel]) & (time_us <= self._newest[channel])
        met_twice = np.concatenate([c[1:][twin], channel[at_newest]])
        self._contended[met_twice] = True
        contended = self._contended[channel]
        self._contended[met_twice] = False

        rank = np.empty(n, np.int64)
        rank[by_time] = np.arange(n)
        in_channel = rank[by_channel]
        late = time_us < self._newest[channel]
        late[by_channel] |= in_channel < np.maximum.accumulate(in_channel)
        settled = Settled(np.ones(n, np.bool_), time_us.copy(), late, moved=0, is_plain=False)
        plain = by_time[~contended[by_time]]
        if len(plain):
            self._raise(batch, plain)
        moved = self._settle_one_by_one(batch, np.flatnonzero(contended), settled)
        return replace(settled, moved=moved)

    def _settle_one_by_one(self, batch: ReadingBatch, rows: NDArray[np.intp], settled: Settled) -> int:
        """Settle the readings `rows` into the arrays of `settled`; return how many were moved."""
        taken: dict[tuple[int, int], tuple[float, bool]] = {}
        moved = 0
        for i in rows.tolist():
            c, given_us = int(batch.channel[i]), int(batch.time_us[i])
            says = (float(batch.value[i]), bool(batch.known[i]))
            instant_us, newest_us = int(self._instant[c]), int(self._newest[c])
            t = given_us
            while t < instant_us and taken.get((c, t), says) != says:
                t += 1
            is_late = t < instant_us
            if is_late:
                keep = (c, t) not in taken
            elif t <= newest_us:
                keep = (float(self._value[c]), bool(self._known[c])) != says
                t = newest_us + 1
            else:
                keep = True
                self._instant[c] = t
            settled.keep[i] = keep
            settled.late[i] = keep and is_late
            if keep:
                taken[c, t] = says
                settled.time_us[i] = t
                moved += t != given_us
                if not is_late:
                    self._newest[c], self._value[c], self._known[c] = t, *says
        return moved

    def _raise(self, batch: ReadingBatch, by_time: NDArray[np.intp]) -> None:
        """Take in each channel's newest of the readings `by_time` (sorted by channel, then time), where it is newer."""
        c = batch.channel[by_time]
        newest = by_time[np.append(c[1:] != c[:-1], True)]
        self._take(batch, newest[batch.time_us[newest] > self._newest[batch.channel[newest]]])

    def _take(self, batch: ReadingBatch, rows: slice | NDArray[np.intp]) -> None:
        """Make the readings `rows`, one a channel, the newest of their channels."""
        channel = batch.channel[rows]
        self._instant[channel] = self._newest[channel] = batch.time_us[rows]
        self._value[channel] = batch.value[rows]
        self._known[channel] = batch.known[rows]

    def _reserve(self, n: int) -> None:
        size = len(self._newest)
        if n <= size:
            return
        more = max(n, size + size // 4) - size
        self._instant = np.concatenate([self._instant, np.full(more, _NEVER, np.int64)])
        self._newest = np.concatenate([self._newest, np.full(more, _NEVER, np.int64)])
        self._value = np.concatenate([self._value, np.zeros(more)])
        self._known = np.concatenate([self._known, np.zeros(more, np.bool_)])
        self._scratch = np.zeros(size + more, np.int32)
        self._contended = np.zeros(size + more, np.bool_)


def _plain(time_us: NDArray[np.int64]) -> Settled:
    n = len(time_us)
    return Settled(np.ones(n, np.bool_), time_us, np.zeros(n, np.bool_), 0, is_plain=True)


def _by_channel(channel: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return the stable order by channel. Channel and place in one number sort twice as fast as a stable argsort."""
    bits = len(channel).bit_length()
    packed = np.sort((channel.astype(np.int64) << bits) | np.arange(len(channel)))
    return packed & ((1 << bits) - 1)
