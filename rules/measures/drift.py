"""Drift: the median of the last window less the median of the time after the installation.

Medians of bucket means: a passing event, or the day's course where the window is whole days, moves neither.
Source: docs/standards.md, section 9 (tilt: 24 h median less the installation's) and issue 3 (detector contamination).
"""

from __future__ import annotations

from math import ceil, isnan
from typing import TYPE_CHECKING, Final

import numpy as np

from rules.compiled import compiled
from rules.measures import buckets
from rules.measures.memory import NOT_JUDGED, SECOND_US, Memory
from rules.measures.signed import signed_limits

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rules.limits import Limits
    from rules.model import DriftTerms

__all__ = ["BUCKETS", "limits", "measure", "memory", "parameters"]

BUCKETS: Final = 24
"""Buckets of the window, and of the baseline."""
ENOUGH: Final = 3
"""A median of fewer buckets would be the word of one or two of them."""

_ROUNDING: Final = 1e-9
"""0.35 less 0.30 is a little below 0.05 in binary: a drift that misses its limit by this share of it has reached it."""

_NAN: Final = float("nan")

# Parameters: the widths of a bucket of the baseline and of the window, µs.
_BASELINE_US: Final = 0
_WINDOW_US: Final = 1

# Words of memory. Times first, 0 where there was none.
_FIRST_US: Final = 0
"""The first reading of the baseline."""
_NEWEST_US: Final = 1
"""The newest reading since the baseline is complete."""
_BASELINE: Final = 2
_DRIFT: Final = 3
_RING: Final = 4
"""Buckets of the baseline until it is complete, then of the window."""
_WORDS: Final = _RING + buckets.room(BUCKETS)


def parameters(terms: DriftTerms) -> tuple[float, ...]:
    """Return the widths of a bucket of the baseline and of the window, µs."""
    return tuple(float(max(1, ceil(span_s * SECOND_US / BUCKETS))) for span_s in (terms.baseline_s, terms.window_s))


def limits(terms: DriftTerms) -> Limits:
    """Return the limits of the signed drift: in breach from `by` on, clear below `clear`, up to rounding."""
    return signed_limits(terms.direction, terms.by * (1.0 - _ROUNDING), terms.clear * (1.0 - _ROUNDING))


def memory(terms: DriftTerms) -> Memory:  # noqa: ARG001  # every measure is asked the same
    """Return room for two times, the baseline, the drift and 24 buckets."""
    return Memory(_WORDS, 2)


@compiled
def _median(memory: NDArray[np.float64], at: int, newest: int) -> tuple[int, float]:
    """Return how many of the buckets up to `newest` have readings, and the median of their means, NaN for none."""
    means = np.empty(BUCKETS)
    found = 0
    for number in range(newest - BUCKETS + 1, newest + 1):
        one = buckets.mean(memory, at + _RING, BUCKETS, number)
        if not isnan(one):
            means[found] = one
            found += 1
    return found, np.median(means[:found]) if found else _NAN


@compiled
def _gather_baseline(memory: NDArray[np.float64], at: int, time_us: int, value: float, width_us: int) -> bool:
    """Take a reading into the baseline; return whether that is complete, and the reading not in it."""
    if memory[at + _FIRST_US] == 0.0:
        memory[at + _FIRST_US] = time_us
    number = (time_us - int(memory[at + _FIRST_US])) // width_us
    if number >= BUCKETS:
        found, baseline = _median(memory, at, BUCKETS - 1)
        buckets.clear(memory, at + _RING, BUCKETS)
        if found >= ENOUGH:
            memory[at + _BASELINE] = baseline
            return True
        memory[at + _FIRST_US] = time_us
        number = 0
    if number >= 0:
        buckets.add(memory, at + _RING, BUCKETS, number, value)
    return False


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
    """Say how far the median of the window is from that of the baseline.

    memory:  (m,) float64  written from word `at` on, as `memory` says
    p:       (8,) float64  as `parameters` says
    time_us: event time of the reading, µs since the epoch; below 1 counts as 1
    value:   in the metric's unit, finite
    late, zone_us: not used
    Returns (measure, reference, NaN, NaN, NaN): window less baseline, signed, and the baseline, both in the metric's
    unit. NaN until there is a baseline, and while fewer than 3 buckets of the window have readings.

    Each median is that of the means of 24 buckets; those without readings are left out. The baseline's are
    baseline_s / 24 wide, rounded up to whole µs, from the first reading on. The first reading after the last of them
    completes it and is the first of the window; unless fewer than 3 of them had readings: then the baseline begins anew
    with that reading.
    The window's are `time_us // width_us`, width_us = window_s / 24 rounded up: that of the newest reading and the 23
    before it. Their median is taken when the first reading of a bucket comes, and stays until that of the next.
    Readings of equal time all count. A late reading joins its bucket if that is kept, shows at the next median, and is
    not judged (NaN). One from before the first of the baseline is left out.
    """
    time_us = max(time_us, 1)
    newest_us = int(memory[at + _NEWEST_US])
    if newest_us == 0 and not _gather_baseline(memory, at, time_us, value, int(p[_BASELINE_US])):
        return NOT_JUDGED
    width_us = int(p[_WINDOW_US])
    number = time_us // width_us
    if time_us < newest_us:
        if number > newest_us // width_us - BUCKETS:
            buckets.add(memory, at + _RING, BUCKETS, number, value)
        return NOT_JUDGED
    newest = newest_us // width_us if newest_us else number - BUCKETS
    buckets.roll(memory, at + _RING, BUCKETS, newest, number)
    buckets.add(memory, at + _RING, BUCKETS, number, value)
    memory[at + _NEWEST_US] = time_us
    if number > newest:
        found, median = _median(memory, at, number)
        memory[at + _DRIFT] = median - memory[at + _BASELINE] if found >= ENOUGH else _NAN
    return memory[at + _DRIFT], memory[at + _BASELINE], _NAN, _NAN, _NAN
