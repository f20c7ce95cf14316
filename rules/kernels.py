"""The kernels: what a rule makes of one reading. Pure; compiled, and called for each reading and rule (`rules.fold`).

Times are int64 µs since the epoch, spans int64 µs.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from rules.compiled import compiled
from rules.layout import ERROR_CODES, FOREVER_US

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "NEXT",
    "Level",
    "State",
    "is_withheld",
    "late_breach",
    "level_of",
    "paused_us",
    "runs_out",
]


class State(IntEnum):
    """Where a rule instance is. From `HOLDS` on it holds."""

    IDLE = 0
    PENDING = 1
    """In breach, but not yet for the hold time, or not yet often enough."""
    HOLDS = 2
    CLEARING = 3
    """Holds, and the readings are clear, but not yet for the clear hold time."""


class Level(IntEnum):
    """What a measure is under a rule."""

    CLEAR = 0
    BETWEEN = 1
    """Neither in breach nor clear: the hysteresis."""
    BREACH = 2


IDLE: Final = int(State.IDLE)
PENDING: Final = int(State.PENDING)
HOLDS: Final = int(State.HOLDS)
CLEARING: Final = int(State.CLEARING)
CLEAR: Final = int(Level.CLEAR)
BETWEEN: Final = int(Level.BETWEEN)
BREACH: Final = int(Level.BREACH)

NEXT: Final[NDArray[np.uint8]] = np.array(
    #  CLEAR               BETWEEN         BREACH             each: (not yet lasted, lasted)
    [
        [(IDLE, IDLE), (IDLE, IDLE), (PENDING, HOLDS)],  # IDLE
        [(IDLE, IDLE), (IDLE, IDLE), (PENDING, HOLDS)],  # PENDING
        [(CLEARING, IDLE), (HOLDS, HOLDS), (HOLDS, HOLDS)],  # HOLDS
        [(CLEARING, IDLE), (HOLDS, HOLDS), (HOLDS, HOLDS)],  # CLEARING
    ],
    np.uint8,
)
"""(4, 3, 2) uint8: the state after a reading that is judged and not late, by state, level, and whether what the state
waits for has lasted. The whole machine; a reading that is withheld or not judged leaves every state as it is."""


@compiled
def is_withheld(value: float, rule: Any) -> bool:
    """Say whether the sensor cannot mean `value`: outside of what it can say, or an error code.

    rule: record of `layout.RULE`
    """
    for nth in range(ERROR_CODES):
        if value == rule.errors[nth]:
            return True
    return not (rule.given_low <= value <= rule.given_high)


@compiled
def level_of(measured: float, rule: Any) -> int:
    """Return the `Level` of `measured`; breach goes before clear.

    rule: record of `layout.RULE`
    """
    if measured <= rule.breach_at_most or measured >= rule.breach_at_least:
        return BREACH
    if rule.clear_low <= measured <= rule.clear_high:
        return CLEAR
    return BETWEEN


@compiled
def runs_out(due_us: int, last_us: int, gap_us: int, at_us: int) -> bool:
    """Say whether a pending hold ran out by `at_us`: the time of the next reading, or the fold's where none came.

    due_us:  when it runs out if the breach goes on
    last_us: the last reading judged
    gap_us:  how long a breach goes on in silence
    The last value counts until another is known, for as long as `gap_us`: a sensor that is lost in mid-breach still
    alarms where that is unlimited, and it does not matter in which blocks its readings came. A longer silence is not
    still high. Source: `for` in Prometheus alerting rules; the gap is ours, docs/decisions/0010.
    """
    return due_us <= at_us and (gap_us == FOREVER_US or due_us - last_us <= gap_us)


@compiled
def paused_us(last_us: int, gap_us: int, time_us: int) -> int:
    """Return how much of the silence between two readings counts neither as breach nor as clear."""
    if gap_us == FOREVER_US:
        return 0
    return max(time_us - last_us - gap_us, 0)


@compiled
def late_breach(state: int, hold_us: int, time_us: int, newest_us: int) -> bool:
    """Say whether a late reading in breach raises: the rule is idle, and the hold fits before the newest reading.

    What lay between the two is not known; failing towards the alarm, it may have been breach. What waits already goes
    by its own timer.
    """
    return state == IDLE and max(newest_us - time_us, 0) >= hold_us
