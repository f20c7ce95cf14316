"""Forecast: when a level will be reached if the value goes on as it did.

The trend is the median slope between any two bucket means (Theil 1950, Sen 1968): up to 29 % of wild ones do not move
it. Its interval is Sen's, from the variance of Kendall's S with ties (Gilbert 1987, section 16.5), at 95 %.
"""

from __future__ import annotations

from math import ceil, inf, isnan, sqrt
from typing import TYPE_CHECKING, Final

import numpy as np

from rules.compiled import compiled
from rules.limits import Limits, above
from rules.measures import buckets
from rules.measures.memory import NOT_JUDGED, SECOND_US, Memory
from rules.model import Direction

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rules.model import ForecastTerms

__all__ = ["BUCKETS", "FAR_S", "limits", "measure", "memory", "parameters"]

BUCKETS: Final = 16
"""Buckets of `window_s`, not counting the one of the newest reading."""
ENOUGH: Final = 4
"""A trend needs so many buckets."""
FAR_S: Final = 1e12
"""The level will not be reached: 30,000 years."""

_KEPT: Final = BUCKETS + 1
_NORMAL: Final = 1.959964
"""Normal deviate of a two-sided interval of 95 %."""
_DAY_US: Final = 86_400 * SECOND_US
_SURE: Final = 2
"""A jump counts when so many readings in a row are beyond it."""

_NAN: Final = float("nan")

# Parameters. What rises is looked at with its sign turned, so that the level is always below.
_SIGN: Final = 0
_LEVEL: Final = 1
_WIDTH_US: Final = 2
_RESET_BY: Final = 3

# Words of memory. Times first, 0 where there was none.
_NEWEST_US: Final = 0
_BEGUN_US: Final = 1
"""The reading with which the trend begins."""
_END_US: Final = 2
"""The middle of the newest bucket that the trend is taken from …"""
_END: Final = 3
"""… and where the trend is then."""
_STEEPEST: Final = 4
"""The ends of the slope's interval and the slope, a bucket's width; NaN while there is no trend."""
_SLOPE: Final = 5
_FLATTEST: Final = 6
_LOW: Final = 7
"""The lowest bucket that is closed but one, as that may be a wild one; infinite where none is."""
_JUMPS: Final = 8
"""Readings in a row that are far above that."""
_ANEW: Final = 9
"""1.0 after a jump, until there is a trend again."""
_RING: Final = 10
_WORDS: Final = _RING + buckets.room(_KEPT)


def parameters(terms: ForecastTerms) -> tuple[float, ...]:
    """Return the sign, the level and the jump with it, and the width of a bucket, µs.

    Raises ValueError where the terms look both ways: that is two rules.
    """
    if terms.direction is Direction.BOTH:
        raise ValueError("a forecast rule looks for a rise or for a fall; wanted up or down")
    sign = 1.0 if terms.direction is Direction.DOWN else -1.0
    width_us = max(1, ceil(terms.window_s * SECOND_US / BUCKETS))
    return sign, sign * terms.level, float(width_us), terms.reset_by


def limits(terms: ForecastTerms) -> Limits:
    """Return the limits of the time left: in breach at `within_s` and below, clear above `clear_s`."""
    return Limits(breach_at_most=terms.within_s, clear_low=above(terms.clear_s))


def memory(terms: ForecastTerms) -> Memory:  # noqa: ARG001  # every measure is asked the same
    """Return room for three times, the trend and 17 buckets."""
    return Memory(_WORDS, 3)


@compiled
def _trend(number: NDArray[np.int64], mean: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return the slope and its interval, (lowest, median, highest), per bucket.

    number: (n,) int64    of the buckets, rising, n >= 2
    mean:   (n,) float64
    """
    n = len(mean)
    pairs = n * (n - 1) // 2
    slopes = np.empty(pairs)
    nth = 0
    ties = 0.0
    for i in range(n):
        alike = 1
        for j in range(n):
            if j != i and mean[j] == mean[i]:
                alike += 1
            if j > i:
                slopes[nth] = (mean[j] - mean[i]) / (number[j] - number[i])
                nth += 1
        ties += (alike - 1) * (2 * alike + 5)
    slopes.sort()
    middle = pairs // 2
    median = slopes[middle] if pairs % 2 else 0.5 * (slopes[middle - 1] + slopes[middle])
    apart = _NORMAL * sqrt((n * (n - 1) * (2 * n + 5) - ties) / 18.0)
    lowest = max(0, int((pairs - apart) / 2.0 + 0.5) - 1)
    highest = min(pairs - 1, int((pairs + apart) / 2.0 + 0.5))
    return slopes[lowest], median, slopes[highest]


@compiled
def _end(number: NDArray[np.int64], mean: NDArray[np.float64], slope: float) -> float:
    """Return where the trend is at the newest bucket: the middle of the newest three, carried there by the slope.

    number, mean: as for `_trend`, n >= 3
    """
    newest = mean[-1]
    second = mean[-2] + slope * (number[-1] - number[-2])
    third = mean[-3] + slope * (number[-1] - number[-3])
    return float(max(min(newest, second), min(max(newest, second), third)))


@compiled
def _look_back(memory: NDArray[np.float64], at: int, newest: int, width_us: int) -> None:
    """Take the trend, its end and what is low from the buckets before `newest`."""
    number = np.empty(BUCKETS, np.int64)
    mean = np.empty(BUCKETS)
    n = 0
    lowest = second = inf
    for nth in range(newest - BUCKETS, newest):
        one = buckets.mean(memory, at + _RING, _KEPT, nth)
        if not isnan(one):
            number[n] = nth
            mean[n] = one
            n += 1
            lowest, second = min(lowest, one), min(second, max(lowest, one))
    memory[at + _LOW] = lowest if second == inf else second
    steepest = slope = flattest = _NAN
    if n >= ENOUGH:
        steepest, slope, flattest = _trend(number[:n], mean[:n])
        memory[at + _END_US] = number[n - 1] * width_us + width_us // 2
        memory[at + _END] = _end(number[:n], mean[:n], slope)
        memory[at + _ANEW] = 0.0
    memory[at + _STEEPEST] = steepest
    memory[at + _SLOPE] = slope
    memory[at + _FLATTEST] = flattest


@compiled
def _begin(memory: NDArray[np.float64], at: int, time_us: int) -> None:
    """Forget all readings before `time_us`."""
    buckets.clear(memory, at + _RING, _KEPT)
    memory[at + _BEGUN_US] = time_us
    memory[at + _STEEPEST] = _NAN
    memory[at + _SLOPE] = _NAN
    memory[at + _FLATTEST] = _NAN
    memory[at + _LOW] = inf
    memory[at + _JUMPS] = 0.0


@compiled
def _left_s(above_level: float, slope: float, width_us: float, passed_us: float) -> float:
    """Return s until nothing is left of `above_level`, `passed_us` ago, by a slope a bucket's width; 0.0 … `FAR_S`."""
    if not slope < 0.0:
        return FAR_S
    return min(FAR_S, max(0.0, above_level / -slope * width_us - passed_us) / SECOND_US)


@compiled
def _is_jump(memory: NDArray[np.float64], at: int, value: float, number: int, reset_by: float) -> bool:
    """Say whether `value`, with its sign turned where need be, is a jump; `number` is that of the open bucket."""
    lowest = memory[at + _LOW]
    if lowest == inf:
        lowest = buckets.mean(memory, at + _RING, _KEPT, number)
    return bool(value - lowest >= reset_by)


@compiled
def _foreseen(memory: NDArray[np.float64], at: int, time_us: int, p: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return the time from `time_us` until the trend reaches the level, and its interval, s."""
    if isnan(memory[at + _SLOPE]):
        return FAR_S if memory[at + _ANEW] > 0.0 else _NAN, _NAN, _NAN
    above_level = memory[at + _END] - p[_LEVEL]
    passed_us = time_us - memory[at + _END_US]
    soonest_s = _left_s(above_level, memory[at + _STEEPEST], p[_WIDTH_US], passed_us)
    left_s = _left_s(above_level, memory[at + _SLOPE], p[_WIDTH_US], passed_us)
    latest_s = _left_s(above_level, memory[at + _FLATTEST], p[_WIDTH_US], passed_us)
    return FAR_S if latest_s == FAR_S else left_s, soonest_s, latest_s


@compiled
def measure(
    memory: NDArray[np.float64],
    at: int,
    p: NDArray[np.float64],
    time_us: int,
    value: float,
    late: bool,  # noqa: ARG001  # times say it
    zone_us: int,  # noqa: ARG001  # every measure is given the same
) -> tuple[float, float, float, float, float]:
    """Say how long it will be until the value reaches the level.

    memory:  (m,) float64  written from word `at` on, as `memory` says
    p:       (8,) float64  as `parameters` says
    time_us: event time of the reading, µs since the epoch; below 1 counts as 1
    value:   in the metric's unit, finite
    late, zone_us: not used
    Returns (measure, reference, low, high, NaN): s from this reading until the trend is at the level; the trend in the
    metric's unit a day, signed; s by the steepest and by the flattest slope of its interval of 95 %. `FAR_S` stands for
    never, which the measure also is where that interval includes standing still. 0.0 where the value is at the level or
    beyond, whatever the trend. NaN while fewer than 4 buckets have readings, but `FAR_S` if that is because of a jump.

    A bucket is `time_us // width_us`, width_us = window_s / 16 rounded up. When the first reading of a bucket comes,
    the trend is taken from the means of the 16 before it, each in the middle of its bucket: the slope, and as the end
    of the line the middle of the newest three, carried by the slope to the newest. It stays until the next; in between
    only the time goes by. So whole percents of a battery, or the ripples of a tank, do not toss it about, and what a
    single reading says beyond the trend is for a rate rule. It may be half a reporting period wrong.
    A *jump* is a reading at least `reset_by` above the second lowest of those means (below the second highest, where a
    rise is foreseen); above the only one, where there are no more, or the mean of the open bucket, where there is none:
    a refill, a new battery. The first is left out and not judged (NaN), as it may be a wild one; with the next in a row
    everything begins anew.
    Readings of equal time all count. A late reading is not judged (NaN); if its bucket is kept and nothing began anew
    since, it joins that and shows at the next trend. After a silence of more than the window there is no trend.
    """
    time_us = max(time_us, 1)
    value *= p[_SIGN]
    width_us = int(p[_WIDTH_US])
    number = time_us // width_us
    newest_us = int(memory[at + _NEWEST_US])
    newest = newest_us // width_us
    if newest_us == 0:
        _begin(memory, at, time_us)
    elif time_us < newest_us:
        if time_us >= memory[at + _BEGUN_US] and number > newest - _KEPT:
            buckets.add(memory, at + _RING, _KEPT, number, value)
        return NOT_JUDGED
    elif not _is_jump(memory, at, value, newest, p[_RESET_BY]):
        memory[at + _JUMPS] = 0.0
    else:
        memory[at + _JUMPS] += 1.0
        if memory[at + _JUMPS] < _SURE:
            return NOT_JUDGED
        _begin(memory, at, time_us)
        memory[at + _ANEW] = 1.0
    if number > newest:
        buckets.roll(memory, at + _RING, _KEPT, newest, number)
        _look_back(memory, at, number, width_us)
    buckets.add(memory, at + _RING, _KEPT, number, value)
    memory[at + _NEWEST_US] = time_us
    left_s, soonest_s, latest_s = _foreseen(memory, at, time_us, p) if value > p[_LEVEL] else (0.0, 0.0, 0.0)
    trend = p[_SIGN] * memory[at + _SLOPE] * (_DAY_US / width_us) + 0.0
    return left_s, trend, soonest_s, latest_s, _NAN
