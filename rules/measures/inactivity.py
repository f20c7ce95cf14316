"""Inactivity: how likely so long a stillness is for this person, by the person's own week.

Nights cost nothing and a still morning does, so a fall at night is noticed around the usual time of getting up.
Source: issue 3, "per-person inactivity for elder watches"; hours as independent trials, and Laplace's rule of
succession. The figures here are ours, chosen on simulated wearers (tests/rules/measures/test_quiet_weeks.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rules.compiled import compiled
from rules.limits import Limits, above
from rules.measures import hours
from rules.measures.memory import HOUR_US, HOURS_A_WEEK, NOT_JUDGED, SECOND_US, Memory

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rules.model import InactivityTerms

__all__ = ["limits", "measure", "memory", "parameters"]

_WEEKS: Final = 8
"""An hour of the week takes in a share of 1/8 of its newest occurrence, more while it is young."""
_PRIOR: Final = 4.0
"""The same hour of all days counts as so many occurrences of this hour of the week."""
_MOST: Final = 0.75
"""No hour of stillness is less likely than 1 in 4 after another: a nap or a day in bed has several of them."""
_WEEK_US: Final = HOURS_A_WEEK * HOUR_US

_NAN: Final = float("nan")

# Parameters.
_LEARN_US: Final = 0
_AT_LEAST_US: Final = 1
_UNTIL_LEARNED_US: Final = 2
_NOT_YET: Final = 3
"""What a chance in breach is held at while the stillness is too short."""

# Words of memory. Times first, 0 where there was none.
_FIRST_US: Final = 0
_NEWEST_US: Final = 1
_VALUE: Final = 2
"""The newest reading."""
_CHANCE: Final = 3
_STILL_US: Final = 4
_SEEN: Final = 5
"""Of the newest reading's hour: whether it was watched, …"""
_MOVED: Final = 6
"""… and whether there was activity in it."""
_ACTIVITY: Final = 7
_WORDS: Final = _ACTIVITY + hours.room(hours.WEEK)

_WEEK: Final = hours.WEEK
_DAY: Final = hours.DAY


def parameters(terms: InactivityTerms) -> tuple[float, ...]:
    """Return the three spans, µs, and a chance just above the one in breach."""
    spans = (terms.learn_s, terms.at_least_s, terms.until_learned_s)
    return (*(span * SECOND_US for span in spans), above(terms.chance))


def limits(terms: InactivityTerms) -> Limits:
    """Return the limits of the chance: in breach at `chance` and below, clear at 1, which is activity."""
    return Limits(breach_at_most=terms.chance, clear_low=1.0)


def memory(terms: InactivityTerms) -> Memory:  # noqa: ARG001  # every measure is asked the same
    """Return room for two times, the stillness, the open hour, and 168 chances."""
    return Memory(_WORDS, 2)


@compiled
def _activity(memory: NDArray[np.float64], at: int, hour: int) -> float:
    """Return the chance of activity in `hour`: of this hour of the week, drawn towards this hour of all days."""
    own = float(min(_WEEKS, hours.count(memory, at + _ACTIVITY, _WEEK, hour)))
    weight, share = hours.pooled(memory, at + _ACTIVITY, _WEEK, hour, _DAY)
    of_day = (weight * share + 1.0) / (weight + 2.0)
    mixed = (own * hours.level(memory, at + _ACTIVITY, _WEEK, hour) + _PRIOR * of_day) / (own + _PRIOR)
    return min(_MOST, mixed)


@compiled
def _chance(memory: NDArray[np.float64], at: int, from_us: int, to_us: int, zone_us: int) -> float:
    """Return the chance of no activity from `from_us` to `to_us`; of a longer time than a week, of its last week."""
    from_us = max(from_us, to_us - _WEEK_US)
    chance = 1.0
    while from_us < to_us:
        hour = hours.hour_of(from_us, zone_us)
        end_us = min(to_us, (hour + 1) * HOUR_US - zone_us)
        chance *= (1.0 - _activity(memory, at, hour)) ** ((end_us - from_us) / HOUR_US)
        from_us = end_us
    return chance


@compiled
def _watch(memory: NDArray[np.float64], at: int, newest_hour: int, hour: int, moved: bool) -> None:
    """Learn the open hour, `newest_hour`, if it was watched and `hour` is a later one; note what is seen in `hour`."""
    if hour > newest_hour:
        if memory[at + _SEEN] > 0.0:
            share = hours.level(memory, at + _ACTIVITY, _WEEK, newest_hour)
            times = hours.count(memory, at + _ACTIVITY, _WEEK, newest_hour)
            share += (memory[at + _MOVED] - share) / min(times + 1, _WEEKS)
            hours.learn(memory, at + _ACTIVITY, _WEEK, newest_hour, share, 1)
        memory[at + _SEEN] = 0.0
        memory[at + _MOVED] = 0.0
    if hour <= newest_hour + 1:
        memory[at + _SEEN] = 1.0
        memory[at + _MOVED] = max(memory[at + _MOVED], 1.0 if moved else 0.0)


@compiled
def _take_late(memory: NDArray[np.float64], at: int, time_us: int, zone_us: int) -> None:
    """Move the last activity forward to `time_us`, if the stillness began before."""
    newest_us = int(memory[at + _NEWEST_US])
    if newest_us - time_us >= memory[at + _STILL_US]:
        return
    memory[at + _STILL_US] = newest_us - time_us
    memory[at + _CHANCE] = max(memory[at + _CHANCE], _chance(memory, at, time_us, newest_us, zone_us))
    if hours.hour_of(time_us, zone_us) == hours.hour_of(newest_us, zone_us) and memory[at + _SEEN] > 0.0:
        memory[at + _MOVED] = 1.0


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
    """Say how likely the stillness up to this reading is.

    memory:  (m,) float64  written from word `at` on, as `memory` says
    p:       (8,) float64  as `parameters` says
    time_us: event time of the reading, µs since the epoch; below 1 counts as 1
    value:   a counter of steps, that grows and may be reset to 0 at any time; finite
    late:    not used
    zone_us: what the local clock is ahead of UTC, µs
    Returns (measure, reference, NaN, NaN, NaN): the chance, 1.0 at activity and then falling, and s of stillness. While
    the stillness is shorter than `at_least_s`, the measure is held above the chance in breach. Until `learn_s` after
    the first reading the measure is 0.0 from `until_learned_s` of stillness on, else 1.0.

    *Activity* is a value above 0 that is not the one before: the counter grew, or was reset and grew. So a fall to 0 is
    none. A gauge of activity serves as well, except where it says the same twice. The first reading counts as activity.
    *Stillness* is the time between readings without activity, of each gap its last hour at most: no data is not
    stillness, and a watch that lay in its charger for half a day has shown one hour of it.
    The *chance* is the product over that time of (1 - p) ** (hours), p the chance of activity in that hour of the week:
    the mean of its n occurrences, where the newest has the share max(1/n, 1/8); and, as 4 more of them, the mean of
    this hour of all days, over their k occurrences, as (k * mean + 1) / (k + 2). n counts up to 8; no p is above 0.75.
    An hour is learned when the first reading of a later one comes, after that was judged, as active or not; and only if
    it was watched: one of its readings came no later than in the hour after the reading before.
    A reading of the newest one's time is judged like any. A late one is not judged (NaN). If it is above 0, not the
    newest value, and nearer to the newest reading than the stillness is long, that was activity: the stillness is that
    from its time on, with the chance of all that time, if that is more. It teaches only the hour that is open.
    """
    time_us = max(time_us, 1)
    newest_us = int(memory[at + _NEWEST_US])
    moved = value > 0.0 and value != memory[at + _VALUE]
    if newest_us == 0:
        memory[at + _FIRST_US] = time_us
        moved = True
    elif time_us < newest_us:
        if moved:
            _take_late(memory, at, time_us, zone_us)
        return NOT_JUDGED
    if moved:
        memory[at + _CHANCE] = 1.0
        memory[at + _STILL_US] = 0.0
    else:
        from_us = max(newest_us, time_us - HOUR_US)
        memory[at + _CHANCE] *= _chance(memory, at, from_us, time_us, zone_us)
        memory[at + _STILL_US] += time_us - from_us
    if newest_us != 0:
        _watch(memory, at, hours.hour_of(newest_us, zone_us), hours.hour_of(time_us, zone_us), moved)
    memory[at + _NEWEST_US] = time_us
    memory[at + _VALUE] = value
    chance = memory[at + _CHANCE]
    still_us = memory[at + _STILL_US]
    if time_us - memory[at + _FIRST_US] < p[_LEARN_US]:
        chance = 0.0 if still_us >= p[_UNTIL_LEARNED_US] else 1.0
    elif still_us < p[_AT_LEAST_US]:
        chance = max(chance, p[_NOT_YET])
    return chance, still_us / SECOND_US, _NAN, _NAN, _NAN
