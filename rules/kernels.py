"""The kernels: what a rule makes of a reading, over arrays. Pure: every input is left as it was.

A *pair* is one reading under one rule instance. Times are int64 µs since the epoch, spans int64 µs.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]
    Bytes = NDArray[np.uint8]
    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Rows = NDArray[np.intp]

__all__ = [
    "NEXT",
    "Level",
    "State",
    "Turned",
    "advance",
    "evaluation_waves",
    "has_lasted",
    "late_breach",
    "levels",
    "overdue",
    "ran_out",
    "spread",
    "turn",
]


class State(IntEnum):
    """Where a rule instance is. From `HOLDS` on it holds."""

    IDLE = 0
    PENDING = 1
    """In breach, but not yet for the hold time."""
    HOLDS = 2
    CLEARING = 3
    """Holds, and the readings are clear, but not yet for the clear hold time."""


class Level(IntEnum):
    """What a value is under a rule."""

    WITHHELD = 0
    """Outside what the sensor can say: no reading for this rule."""
    CLEAR = 1
    BETWEEN = 2
    """Neither in breach nor clear: the hysteresis."""
    BREACH = 3


# As plain bytes: looking up an enum's member costs more than comparing a hundred of them.
_I, _P, _H, _C = (np.uint8(state) for state in State)
_WITHHELD, _CLEAR, _BETWEEN, _BREACH = (np.uint8(level) for level in Level)

NEXT: NDArray[np.uint8] = np.array(
    #  WITHHELD   CLEAR     BETWEEN   BREACH         each: (not yet lasted, lasted)
    [
        [(_I, _I), (_I, _I), (_I, _I), (_P, _H)],  # IDLE
        [(_P, _P), (_I, _I), (_I, _I), (_P, _H)],  # PENDING
        [(_H, _H), (_C, _I), (_H, _H), (_H, _H)],  # HOLDS
        [(_C, _C), (_C, _I), (_H, _H), (_H, _H)],  # CLEARING
    ],
    np.uint8,
)
"""(4, 4, 2) uint8: the state after a reading that is not late, by state, level, and `has_lasted`. The whole machine."""


def levels(value: Floats, bounds: Floats) -> Bytes:
    """Say at which level each value is.

    value:  (n,) float64  in the metric's unit, finite
    bounds: (6, n) float64  breach_at_most, breach_at_least, clear_low, clear_high, given_low, given_high of `Limits`
    Returns (n,) uint8 of `Level`. Breach goes before clear.
    """
    breach_at_most, breach_at_least, clear_low, clear_high, given_low, given_high = bounds
    level = np.where((value >= clear_low) & (value <= clear_high), _CLEAR, _BETWEEN)
    level[(value <= breach_at_most) | (value >= breach_at_least)] = _BREACH
    level[(value < given_low) | (value > given_high)] = _WITHHELD
    return level


def ran_out(state: Bytes, since_us: Ints, hold_us: Ints, at_us: Ints | int) -> Bools:
    """Say which pending instances have waited for their whole hold time.

    state:    (n,) uint8 of `State`
    since_us: (n,) int64  when the breach began; read where pending
    hold_us:  (n,) int64  >= 0
    at_us:    (n,) int64 or int  the time of the next reading, or the fold's time where none came
    Returns (n,) bool. The last value counts until another is known, so the hold ends at since + hold, whoever asks
    later: a sensor lost in mid-breach still alarms, and it does not matter in which blocks its readings came.
    Source: `for` in Prometheus alerting rules; that silence goes on as breach is ours, docs/decisions/0004.
    """
    result: Bools = (state == _P) & (at_us - since_us >= hold_us)
    return result


def has_lasted(
    state: Bytes, *, since_us: Ints, clear_us: Ints, hold_us: Ints, clear_hold_us: Ints, time_us: Ints
) -> Bools:
    """Say where what the state waits for has lasted long enough if it goes on at `time_us`.

    state:                  (n,) uint8 of `State`
    since_us, clear_us:     (n,) int64  when the breach began, read where pending; the clear level, read where clearing
    hold_us, clear_hold_us: (n,) int64  >= 0
    time_us:                (n,) int64  time of the reading
    Returns (n,) bool. What only begins now has lasted 0 µs.
    """
    began_us = np.where(state == _P, since_us, np.where(state == _C, clear_us, time_us))
    wanted_us = np.where(state >= _H, clear_hold_us, hold_us)
    result: Bools = time_us - began_us >= wanted_us
    return result


def advance(state: Bytes, level: Bytes, lasted: Bools) -> Bytes:
    """Return the state after readings that are not late: (n,) uint8 of `State`, by the table `NEXT`."""
    result: Bytes = NEXT[state, level, lasted.view(np.uint8)]
    return result


def late_breach(state: Bytes, level: Bytes, hold_us: Ints, time_us: Ints, newest_us: Ints) -> Bools:
    """Say where a late reading raises: in breach, idle, and the hold time fits before the channel's newest reading.

    state, level:       (n,) uint8 of `State`, `Level`
    hold_us:            (n,) int64  >= 0
    time_us, newest_us: (n,) int64  time of the late reading and of the newest one of its channel, -1 where none
    Returns (n,) bool. What lay between the two is not known; failing towards the alarm, it may have been breach. A
    pending instance goes by its own timer.
    """
    result: Bools = (level == _BREACH) & (state == _I) & (np.maximum(newest_us - time_us, 0) >= hold_us)
    return result


@dataclass(frozen=True, slots=True)
class Turned:
    """What readings did to instances; each array is (n,).

    state, since_us, clear_us: uint8, int64, int64  as they are now
    expired:  bool  a hold ran out before the reading, at its own time; it holds from there
    changed:  bool  the reading raised it or made it cease (see `state`)
    repeated: bool  the reading said again what holds already
    """

    state: Bytes
    since_us: Ints
    clear_us: Ints
    expired: Bools
    changed: Bools
    repeated: Bools


def turn(
    state: Bytes,
    level: Bytes,
    late: Bools,
    *,
    since_us: Ints,
    clear_us: Ints,
    hold_us: Ints,
    clear_hold_us: Ints,
    repeats: Bools,
    time_us: Ints,
    newest_us: Ints,
) -> Turned:
    """Advance instances by one reading each.

    state, level:           (n,) uint8 of `State`, `Level`
    late:                   (n,) bool   such a reading may raise, and does nothing else
    since_us, clear_us:     (n,) int64  when the breach began; when the clear level began
    hold_us, clear_hold_us: (n,) int64  >= 0
    repeats:                (n,) bool   whether the rule says a breach again while it holds
    time_us, newest_us:     (n,) int64  of the reading; of the newest one of its channel before it, -1 where none
    """
    expired = ran_out(state, since_us, hold_us, time_us) & ~late
    before = np.where(expired, _H, state)
    lasted = has_lasted(
        before,
        since_us=since_us,
        clear_us=clear_us,
        hold_us=hold_us,
        clear_hold_us=clear_hold_us,
        time_us=time_us,
    )
    raises_late = late & late_breach(state, level, hold_us, time_us, newest_us)
    after = np.where(late, state, advance(before, level, lasted))
    after[raises_late] = _H
    held = before >= _H
    begins = raises_late | ((before == _I) & (after != _I))
    clears = (before != _C) & (after == _C)
    return Turned(
        state=after,
        since_us=np.where(begins, time_us, since_us),
        clear_us=np.where(clears, time_us, clear_us),
        expired=expired,
        changed=held != (after >= _H),
        repeated=held & (level == _BREACH) & repeats,
    )


def overdue(now_us: int, heard_us: Ints, after_us: Ints, holds: Bools) -> Bools:
    """Say of which devices nothing was heard for too long and nobody has said so yet.

    heard_us: (n,) int64  when each was last heard, in the fold's time
    after_us: (n,) int64  the silence to wait for; the largest int64 where nobody waits
    holds:    (n,) bool   what was said already
    Returns (n,) bool; a silence of exactly `after_us` counts.
    """
    result: Bools = (now_us - heard_us >= after_us) & ~holds
    return result


def spread(start: Rows, count: Rows) -> tuple[Rows, Rows]:
    """Lay the runs start … start + count end to end.

    start, count: (n,) intp
    Returns (owner, element), each (count.sum(),) intp: which run, and the element of it.
    """
    owner = np.repeat(np.arange(len(count), dtype=np.intp), count)
    shift = start - np.cumsum(count) + count
    return owner, np.arange(len(owner), dtype=np.intp) + shift[owner]


def evaluation_waves(channel: Rows, time_us: Ints, late: Bools) -> list[tuple[Rows, Rows]]:
    """Divide readings, in order of arrival, into waves that hold each channel once.

    channel: (n,) intp   n >= 1
    time_us: (n,) int64
    late:    (n,) bool   flagged late: older than a reading of its channel that arrived before
    Returns (reading, slot) of each wave, (k,) intp each. Of one channel, readings go by time, equal ones by arrival; a
    late one goes when it arrived, after what made it late. `slot` is the place of the reading in the order of
    evaluation: the k-th reading of a channel takes the place where the k-th one of it arrived.
    """
    n = len(channel)
    arrival = np.argsort(channel, kind="stable")
    grouped = channel[arrival]
    begins = np.ones(n, bool)
    begins[1:] = grouped[1:] != grouped[:-1]
    if begins.all():
        whole = np.arange(n, dtype=np.intp)
        return [(whole, whole)]
    group = np.cumsum(begins) - 1
    rank = np.unique(time_us[arrival], return_inverse=True)[1] + 1
    key = group * (n + 1) + np.where(late[arrival], 0, rank)
    key = np.where(late[arrival], np.maximum.accumulate(key), key)
    ordered = arrival[np.argsort(key, kind="stable")]
    nth = np.arange(n) - np.flatnonzero(begins)[group]
    by_wave = np.argsort(nth, kind="stable")
    ends = np.cumsum(np.bincount(nth))[:-1]
    return list(zip(np.split(ordered[by_wave], ends), np.split(arrival[by_wave], ends), strict=True))
