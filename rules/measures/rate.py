"""Rate of change: how far a value rose above the lowest, or fell below the highest, of a window of time.

Source: burst and leak rules, docs/standards.md, section 12. That the window is in buckets of event time is ours: one
sample a second and one a minute cost the same memory.
"""

from __future__ import annotations

from math import ceil, inf, nextafter
from typing import TYPE_CHECKING, Final

from rules.compiled import compiled
from rules.limits import Limits
from rules.measures.memory import NOT_JUDGED, SECOND_US, Memory
from rules.model import Direction

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rules.model import RateTerms

__all__ = ["BUCKETS", "limits", "measure", "memory", "parameters"]

BUCKETS: Final = 8
"""Buckets of `within_s`. The window is the bucket of the reading and so many before it."""

_KEPT: Final = BUCKETS + 1
_ROUNDING: Final = 1e-9
"""0.35 less 0.30 is a little below 0.05 in binary: a change that misses its limit by this share of it reaches it."""

_NAN: Final = float("nan")
_EMPTY: Final = inf

# Words of memory: a time in the newest bucket (0 where there is none), then the lowest of the newest bucket, of the one
# before it, and so on; where a fall is looked for, of the values with their sign turned.
_NEWEST_US: Final = 0
_LOWEST: Final = 1


def parameters(terms: RateTerms) -> tuple[float, ...]:
    """Return 1.0 for a rise or -1.0 for a fall, and the width of a bucket, µs.

    Raises ValueError where the terms look both ways: that is two rules.
    """
    if terms.direction is Direction.BOTH:
        raise ValueError("a rate rule looks for a rise or for a fall; wanted up or down")
    sign = 1.0 if terms.direction is Direction.UP else -1.0
    return sign, float(max(1, ceil(terms.within_s * SECOND_US / BUCKETS)))


def limits(terms: RateTerms) -> Limits:
    """Return the limits of the change: in breach from `by` on, clear below `clear`, both up to rounding."""
    by = terms.by * (1.0 - _ROUNDING)
    clear = nextafter(terms.clear * (1.0 - _ROUNDING), -inf)
    if terms.direction is Direction.UP:
        return Limits(breach_at_least=by, clear_high=clear)
    return Limits(breach_at_most=-by, clear_low=-clear)


def memory(terms: RateTerms) -> Memory:  # noqa: ARG001  # every measure is asked the same
    """Return room for one time and the lowest of each bucket."""
    return Memory(_LOWEST + _KEPT, 1)


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
    """Say how far `value` is from the extreme of the window that ends with its bucket.

    memory:  (m,) float64  written from word `at` on, as `memory` says
    p:       (8,) float64  as `parameters` says
    time_us: event time of the reading, µs since the epoch; below 1 counts as 1
    value:   in the metric's unit, finite
    late, zone_us: not used
    Returns (measure, reference, NaN, NaN, NaN), in the metric's unit: the change, >= 0 for a rise and <= 0 for a fall,
    and the extreme. All are NaN where the reading is older than all that is kept.

    A bucket is `time_us // width_us`, width_us = within_s / 8 rounded up. Kept are the bucket of the newest reading and
    the 8 before it. The window is the bucket of the reading and the 8 before it, as far as they are kept; so it is
    `within_s` to 9/8 of it long, and other readings of the same bucket belong to it even if they are a little newer.
    Readings of equal time are all in their bucket. A late reading joins its bucket and is judged as of its own time; a
    bucket that is no longer kept takes nothing in. Silence only empties the window: after more than that the first
    reading is its own extreme, and the change is 0. Where our clock is set back, the newest bucket becomes that of now,
    and the others stay so many buckets before it.
    """
    sign = p[0]
    width_us = int(p[1])
    lowest = at + _LOWEST
    time_us = max(time_us, 1)
    bucket = time_us // width_us
    if memory[at + _NEWEST_US] == 0.0:
        memory[at + _NEWEST_US] = time_us
        for age in range(_KEPT):
            memory[lowest + age] = _EMPTY
    newest = int(memory[at + _NEWEST_US]) // width_us
    if bucket > newest:
        passed = bucket - newest
        for age in range(_KEPT - 1, -1, -1):
            memory[lowest + age] = memory[lowest + age - passed] if age >= passed else _EMPTY
        memory[at + _NEWEST_US] = time_us
        newest = bucket
    own_age = newest - bucket
    if own_age >= _KEPT:
        return NOT_JUDGED
    turned = sign * value
    memory[lowest + own_age] = min(memory[lowest + own_age], turned)
    least = turned
    for age in range(own_age, _KEPT):
        least = min(least, memory[lowest + age])
    extreme = sign * least
    return value - extreme, extreme, _NAN, _NAN, _NAN
