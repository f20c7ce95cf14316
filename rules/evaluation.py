"""One reading under one rule, compiled: what is measured, the state that it turns to, and what there is to say.

`rules.fold` goes through the readings of a block and calls it for each pair.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from rules.compiled import compiled
from rules.kernels import (
    BREACH,
    CLEARING,
    HOLDS,
    IDLE,
    NEXT,
    PENDING,
    is_withheld,
    late_breach,
    level_of,
    paused_us,
    runs_out,
)
from rules.layout import FOREVER_US, Tally
from rules.measures import baseline, dose, drift, flatline, forecast, inactivity, rate, recent
from rules.measures.table import Code

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Records = NDArray[np.void]

__all__ = ["evaluate", "say_ran_out"]

_QUEUE: Final = int(Tally.QUEUE)
_DUE_US: Final = int(Tally.DUE_US)
_WITHHELD: Final = int(Tally.WITHHELD)

_RATE: Final = int(Code.RATE)
_DOSE: Final = int(Code.DOSE)
_FLATLINE: Final = int(Code.FLATLINE)
_BASELINE: Final = int(Code.BASELINE)
_INACTIVITY: Final = int(Code.INACTIVITY)
_DRIFT: Final = int(Code.DRIFT)
_FORECAST: Final = int(Code.FORECAST)

_NAN: Final = float("nan")


@compiled
def _measured(  # noqa: PLR0911 - one line a measure
    code: int,
    memory: NDArray[np.float64],
    at: int,
    p: NDArray[np.float64],
    time_us: int,
    value: float,
    late: bool,
    zone_us: int,
) -> tuple[float, float, float, float, float]:
    """Return (measure, reference, low, high, due_us) of a reading, as `measures` say."""
    if code == _RATE:
        return rate.measure(memory, at, p, time_us, value, late, zone_us)
    if code == _DOSE:
        return dose.measure(memory, at, p, time_us, value, late, zone_us)
    if code == _FLATLINE:
        return flatline.measure(memory, at, p, time_us, value, late, zone_us)
    if code == _BASELINE:
        return baseline.measure(memory, at, p, time_us, value, late, zone_us)
    if code == _INACTIVITY:
        return inactivity.measure(memory, at, p, time_us, value, late, zone_us)
    if code == _DRIFT:
        return drift.measure(memory, at, p, time_us, value, late, zone_us)
    if code == _FORECAST:
        return forecast.measure(memory, at, p, time_us, value, late, zone_us)
    return value, _NAN, _NAN, _NAN, _NAN


@compiled
def _wait(row: int, one: Any, queue: NDArray[np.int32], tally: NDArray[np.int64]) -> None:
    """Remember that an instance waits for its hold to run out."""
    if one.due_us == FOREVER_US:
        return
    tally[_DUE_US] = min(tally[_DUE_US], one.due_us)
    if not one.queued:
        one.queued = True
        queue[tally[_QUEUE]] = row
        tally[_QUEUE] += 1


@compiled
def say_ran_out(row: int, one: Any, draft: Any) -> None:
    """Say that a pending hold ran out, at its own time and with the value before."""
    draft.time_us = one.due_us
    draft.value = one.value
    draft.measured = one.measured
    draft.reference = one.reference
    draft.low = one.low
    draft.high = one.high
    draft.holds = True
    draft.repeated = False
    draft.late = False
    _say_whose(row, one, draft)


@compiled
def _say_whose(row: int, one: Any, draft: Any) -> None:
    draft.since_us = one.since_us
    draft.channel = one.channel
    draft.rule = one.rule
    draft.row = row


@compiled
def _pass_time(row: int, one: Any, rule: Any, time_us: int, drafts: Records, n_drafts: int) -> int:
    """Let a hold run out before a reading, or wait longer by the silence that does not count; return the drafts."""
    if one.state == PENDING and runs_out(one.due_us, one.last_us, rule.gap_us, time_us):
        say_ran_out(row, one, drafts[n_drafts])
        one.state = HOLDS
        return n_drafts + 1
    if one.state in (PENDING, CLEARING) and one.due_us != FOREVER_US:
        one.due_us += paused_us(one.last_us, rule.gap_us, time_us)
    return n_drafts


@compiled
def _turn(one: Any, rule: Any, level: int, enough: bool, due: float, time_us: int) -> None:
    """Advance an instance by one reading that is not late, by the table `NEXT`.

    enough: not yet holding, this reading alone would make it hold
    due:    when the measure will have reached the breach, µs; NaN where that is for the hold time to say
    """
    before = one.state
    if before <= PENDING:
        lasted = enough
    elif before == HOLDS:
        lasted = rule.clear_hold_us == 0
    else:
        lasted = time_us >= one.due_us
    one.state = NEXT[before, level, 1 if lasted else 0]
    if before == IDLE and one.state != IDLE:
        one.since_us = time_us
    if one.state == PENDING:
        if not np.isnan(due):
            one.due_us = max(np.int64(due), time_us)
        elif rule.count:
            one.due_us = FOREVER_US
        elif before != PENDING:
            one.due_us = time_us + rule.hold_us
    elif one.state == CLEARING and before != CLEARING:
        one.due_us = time_us + rule.clear_hold_us
    one.last_us = time_us


@compiled
def evaluate(
    row: int,
    one: Any,
    rule: Any,
    p: NDArray[np.float64],
    time_us: int,
    value: float,
    sound: bool,
    late: bool,
    newest_us: int,
    zone_us: int,
    memory: NDArray[np.float64],
    queue: NDArray[np.int32],
    tally: NDArray[np.int64],
    drafts: Records,
    n_drafts: int,
) -> int:
    """Judge one reading under one rule, and return how many drafts there are now.

    sound: the value is known to be one that the sensor can mean
    """
    withheld = not sound and is_withheld(value, rule)
    if withheld and not rule.fault:
        tally[_WITHHELD] += 1
        return n_drafts
    measured, reference, low, high, due = _measured(
        rule.measure, memory, one.memory + rule.count, p, time_us, value, late, zone_us
    )
    if np.isnan(measured):
        return n_drafts
    level = BREACH if withheld else level_of(measured, rule)
    reached = level == BREACH
    growing = not np.isnan(due)
    often = rule.count > 0 and reached and recent.reached(memory, one.memory, rule.count, rule.count_within_us, time_us)
    if late:
        held = one.state >= HOLDS
        raises = (
            often and not held if rule.count else reached and late_breach(one.state, rule.hold_us, time_us, newest_us)
        )
        if raises:
            one.state = HOLDS
            one.since_us = time_us
        said, repeated = raises, held and reached and rule.repeats
    else:
        n_drafts = _pass_time(row, one, rule, time_us, drafts, n_drafts)
        held = one.state >= HOLDS
        enough = often if rule.count else reached if growing else rule.hold_us == 0
        _turn(one, rule, BREACH if growing else level, enough, due, time_us)
        if one.state == PENDING:
            one.value, one.measured, one.reference, one.low, one.high = value, measured, reference, low, high
            _wait(row, one, queue, tally)
        said, repeated = held != (one.state >= HOLDS), held and reached and rule.repeats
    if not said and not repeated:
        return n_drafts
    draft = drafts[n_drafts]
    draft.time_us = time_us
    draft.value = value
    draft.measured = measured
    draft.reference = reference
    draft.low = low
    draft.high = high
    draft.holds = one.state >= HOLDS
    draft.repeated = repeated
    draft.late = late
    _say_whose(row, one, draft)
    return n_drafts + 1
