"""Baseline: how far a reading is from what its channel usually says at this hour of the week.

Source: issue 3, "robust EWMA with seasonal hour-of-week profile". Moving a level by a clipped residual is a step of
Huber's M-estimator (Huber 1964); the mean absolute residual times 1.2533 is the standard deviation of normal noise.
"""

from __future__ import annotations

from math import inf, pi, sqrt
from typing import TYPE_CHECKING, Final

from rules.compiled import compiled
from rules.measures import hours
from rules.measures.memory import NOT_JUDGED, SECOND_US, Memory
from rules.measures.signed import signed_limits

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rules.limits import Limits
    from rules.model import BaselineTerms

__all__ = ["limits", "measure", "memory", "parameters"]

_WEEKS: Final = 8
"""An hour of the week takes in a share of 1/8 of its newest occurrence, more while it is young."""
_DAYS: Final = 32
"""The deviation at an hour of the day takes in 1/32 of its newest occurrence, more while it is young."""
_CLIP: Final = 3.0
"""A reading moves nothing by more than so many usual deviations …"""
_YOUNG: Final = 3
"""… once they were learned on so many days."""
_NORMAL: Final = sqrt(pi / 2.0)
"""Standard deviation of normal noise, in mean absolute residuals."""

_NAN: Final = float("nan")

# Parameters.
_LEARN_US: Final = 0
_LEAST: Final = 1

# Words of memory. Times first, 0 where there was none.
_FIRST_US: Final = 0
_OPEN_US: Final = 1
"""The first reading of the open hour: the newest one that there were readings of."""
_CENTRE: Final = 2
"""Levels are kept as differences from this value, which float32 then holds well."""
_REFERENCE: Final = 3
"""What residuals of the open hour are counted from, less the centre."""
_READINGS: Final = 4
"""Readings of the open hour …"""
_MOVED: Final = 5
"""… the sum of their residuals, clipped where the level is not young …"""
_AWAY: Final = 6
"""… and of those that are clipped and without their sign."""
_WHOLE: Final = 7
"""Readings of the last hour that was closed: how much one late reading weighs."""
_LEVELS: Final = 8
_DEVIATIONS: Final = _LEVELS + hours.room(hours.WEEK)
_WORDS: Final = _DEVIATIONS + hours.room(hours.DAY)

_WEEK: Final = hours.WEEK
_DAY: Final = hours.DAY


def parameters(terms: BaselineTerms) -> tuple[float, ...]:
    """Return the time to learn, µs, and the least usual deviation."""
    return terms.learn_s * SECOND_US, terms.least


def limits(terms: BaselineTerms) -> Limits:
    """Return the limits of the signed number of deviations: clear below `clear`, either side of 0."""
    return signed_limits(terms.direction, terms.deviations, terms.clear)


def memory(terms: BaselineTerms) -> Memory:  # noqa: ARG001  # every measure is asked the same
    """Return room for two times, the open hour, 168 levels and 24 deviations."""
    return Memory(_WORDS, 2)


@compiled
def _usual(memory: NDArray[np.float64], at: int, hour: int) -> tuple[bool, float]:
    """Return whether anything is usual at `hour`, and what, less the centre.

    Where this hour of the week was not learned, the mean of the same hour of other days; then of all hours.
    """
    if hours.count(memory, at + _LEVELS, _WEEK, hour):
        return True, hours.level(memory, at + _LEVELS, _WEEK, hour)
    weight, usual = hours.pooled(memory, at + _LEVELS, _WEEK, hour, _DAY)
    if weight == 0.0:
        weight, usual = hours.pooled(memory, at + _LEVELS, _WEEK, hour, 1)
    return weight > 0.0, usual


@compiled
def _deviation(memory: NDArray[np.float64], at: int, hour: int) -> float:
    """Return the usual deviation at `hour`: the largest of this and the two hours of the day beside it.

    People cook an hour early or late: the same meal is a deviation of the next hour. With the hour's own deviation
    alone, simulated kitchens raised 82 false alarms in 60 months instead of 2. Where none of the three was learned, the
    mean of all; 0.0 for none.
    """
    at += _DEVIATIONS
    known = 0
    away = 0.0
    for near in range(hour - 1, hour + 2):
        known += hours.count(memory, at, _DAY, near)
        away = max(away, hours.level(memory, at, _DAY, near))
    return _NORMAL * (away if known else hours.pooled(memory, at, _DAY, hour, 1)[1])


@compiled
def _clip(memory: NDArray[np.float64], at: int, hour: int, deviation: float) -> float:
    """Return by how much a reading of `hour` may move anything."""
    young = hours.count(memory, at + _DEVIATIONS, _DAY, hour) < _YOUNG
    return inf if young or deviation <= 0.0 else _CLIP * deviation


@compiled
def _share(times: int, most: int) -> float:
    """Return the share that the newest of `times` + 1 occurrences has: that of a plain mean, until it is 1 / `most`."""
    return 1.0 / min(times + 1, most)


@compiled
def _second(memory: NDArray[np.float64], at: int, hour: int, first: float, second: float) -> float:
    """Return the level of `hour` after two occurrences: the middle of them and of the same hour of other days.

    So what only this day has is believed when it is seen again, and an incident in the first week is forgotten.
    """
    weight, usual = hours.pooled(memory, at + _LEVELS, _WEEK, hour, _DAY)
    if weight <= 1.0:
        return 0.5 * (first + second)
    others = (weight * usual - first) / (weight - 1.0)
    return max(min(first, second), min(max(first, second), others))


@compiled
def _open(memory: NDArray[np.float64], at: int, hour: int, time_us: int, value: float) -> None:
    """Begin `hour` with its first reading; an hour of the day that was never seen has that reading as its reference."""
    known = hours.pooled(memory, at + _LEVELS, _WEEK, hour, _DAY)[0] > 0.0
    memory[at + _OPEN_US] = time_us
    memory[at + _REFERENCE] = _usual(memory, at, hour)[1] if known else value - memory[at + _CENTRE]
    memory[at + _READINGS] = 0.0
    memory[at + _MOVED] = 0.0
    memory[at + _AWAY] = 0.0


@compiled
def _close(memory: NDArray[np.float64], at: int, hour: int) -> None:
    """Learn the open hour, `hour`, as one occurrence however many readings it had."""
    readings = memory[at + _READINGS]
    moved = memory[at + _MOVED] / readings
    seen = memory[at + _REFERENCE] + moved
    times = hours.count(memory, at + _LEVELS, _WEEK, hour)
    usual = hours.level(memory, at + _LEVELS, _WEEK, hour)
    if times == 0:
        usual = seen
    elif times == 1:
        usual = _second(memory, at, hour, usual, seen)
    else:
        usual += _share(times, _WEEKS) * moved
    hours.learn(memory, at + _LEVELS, _WEEK, hour, usual, 1)
    away = hours.level(memory, at + _DEVIATIONS, _DAY, hour)
    share = _share(hours.count(memory, at + _DEVIATIONS, _DAY, hour), _DAYS)
    hours.learn(memory, at + _DEVIATIONS, _DAY, hour, away + share * (memory[at + _AWAY] / readings - away), 1)
    memory[at + _WHOLE] = readings


@compiled
def _take_late(memory: NDArray[np.float64], at: int, hour: int, moved: float) -> None:
    """Move what is known of `hour`, which is over, by a clipped residual: one of as many as the last hour had."""
    times = hours.count(memory, at + _LEVELS, _WEEK, hour)
    if times == 0:
        return
    share = _share(times, _WEEKS) / memory[at + _WHOLE]
    usual = hours.level(memory, at + _LEVELS, _WEEK, hour)
    hours.learn(memory, at + _LEVELS, _WEEK, hour, usual + share * moved, 0)
    share = _share(hours.count(memory, at + _DEVIATIONS, _DAY, hour), _DAYS) / memory[at + _WHOLE]
    away = hours.level(memory, at + _DEVIATIONS, _DAY, hour)
    hours.learn(memory, at + _DEVIATIONS, _DAY, hour, away + share * (abs(moved) - away), 0)


@compiled
def _take(memory: NDArray[np.float64], at: int, hour: int, value: float, clip: float) -> None:
    """Take a reading, less the centre, into the open hour, `hour`."""
    away = value - memory[at + _REFERENCE]
    clipped = max(-clip, min(clip, away))
    young = hours.count(memory, at + _LEVELS, _WEEK, hour) <= 1
    memory[at + _READINGS] += 1.0
    memory[at + _MOVED] += away if young else clipped
    memory[at + _AWAY] += abs(clipped)


@compiled
def measure(
    memory: NDArray[np.float64],
    at: int,
    p: NDArray[np.float64],
    time_us: int,
    value: float,
    late: bool,  # noqa: ARG001  # times say it
    zone_us: int,
) -> tuple[float, float, float, float, float]:
    """Say how many usual deviations `value` is above what is usual at its hour of the week.

    memory:  (m,) float64  written from word `at` on, as `memory` says
    p:       (8,) float64  as `parameters` says
    time_us: event time of the reading, µs since the epoch; below 1 counts as 1
    value:   in the metric's unit, finite
    late:    not used
    zone_us: what the local clock is ahead of UTC, µs
    Returns (measure, reference, NaN, NaN, NaN): the deviations, signed, and the usual value in the metric's unit. NaN
    until `learn_s` after the first reading, while nothing is learned, and where the deviation is 0.0 and `least` too.

    Usual is the level of the reading's hour of the week; where that was not learned, the mean of the same hour of other
    days, then of all hours. The deviation is 1.2533 times the largest mean absolute residual of the hour of the day and
    the two beside it; where none of these was learned, of the mean of all; and at least `least`.
    An hour is learned when the first reading of a later one comes, in one step whether it had 1 reading or 3,600; so a
    reading is never judged by itself, and an hour without readings teaches nothing. Residuals are from what was usual
    when the hour began; the first day, from its first reading. The first occurrence sets the level to its mean; after
    the second it is the middle of both and the same hour of other days. From then on it moves by the share max(1/n,
    1/8) of the mean residual, n the occurrences so far with this one; the mean absolute residual moves by max(1/n,
    1/32). From the fourth day on residuals are clipped at 3 deviations (not where these are 0.0), except for those
    first two levels: an incident hardly teaches itself, and a lasting new level is the usual one after some weeks.
    Readings of equal time all count. A late one is judged like any, and counts for its own hour: if that is open, as
    one of its readings; if it is over and was learned, level and residual move at once, by the weight of one reading
    among as many as the hour closed last had. Where the zone changes, the open hour is closed under the new one.
    """
    time_us = max(time_us, 1)
    hour = hours.hour_of(time_us, zone_us)
    if memory[at + _FIRST_US] == 0.0:
        memory[at + _FIRST_US] = time_us
        memory[at + _CENTRE] = value
        _open(memory, at, hour, time_us, value)
    open_hour = hours.hour_of(int(memory[at + _OPEN_US]), zone_us)
    if hour > open_hour:
        _close(memory, at, open_hour)
        _open(memory, at, hour, time_us, value)
    known, usual = _usual(memory, at, hour)
    deviation = max(_deviation(memory, at, hour), p[_LEAST])
    clip = _clip(memory, at, hour, deviation)
    above_centre = value - memory[at + _CENTRE]
    away = above_centre - usual
    if hour >= open_hour:
        _take(memory, at, hour, above_centre, clip)
    else:
        _take_late(memory, at, hour, max(-clip, min(clip, away)))
    if not known or deviation <= 0.0 or time_us - memory[at + _FIRST_US] < p[_LEARN_US]:
        return NOT_JUDGED
    return away / deviation, memory[at + _CENTRE] + usual, _NAN, _NAN, _NAN
