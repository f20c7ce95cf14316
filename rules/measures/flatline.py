"""Flatline: how long a value has been exactly the same, which no live sensor says for long.

Source: docs/standards.md, section 12 (a gauge whose raw value is the same for more than 7 d is stuck).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rules.compiled import compiled
from rules.limits import Limits
from rules.measures.memory import NOT_JUDGED, SECOND_US, Memory

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rules.model import FlatlineTerms

__all__ = ["limits", "measure", "memory", "parameters"]

_NAN: Final = float("nan")

# Words of memory. Times first, 0 where there was none.
_LAST_US: Final = 0
"""The newest reading."""
_SINCE_US: Final = 1
"""Where the flat stretch begins."""
_VALUE: Final = 2
_SAMPLES: Final = 3
"""Readings known to be in the stretch."""
_WORDS: Final = 4


def parameters(terms: FlatlineTerms) -> tuple[float, ...]:
    """Return how many readings a flatline needs."""
    return (float(terms.samples),)


def limits(terms: FlatlineTerms) -> Limits:
    """Return the limits of the time without a change: in breach from `after_s` on, clear at 0."""
    return Limits(breach_at_least=terms.after_s, clear_high=0.0)


def memory(terms: FlatlineTerms) -> Memory:  # noqa: ARG001  # every measure is asked the same
    """Return room for two times, the value and the number of readings."""
    return Memory(_WORDS, 2)


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
    """Say for how long the value has been the same.

    memory:  (m,) float64  written from word `at` on, as `memory` says
    p:       (8,) float64  as `parameters` says
    time_us: event time of the reading, µs since the epoch; below 1 counts as 1
    value:   in the metric's unit, finite; the same only where exactly equal
    late, zone_us: not used
    Returns (measure, NaN, NaN, NaN, NaN): s from the first to the newest reading of the flat stretch, once it has as
    many readings as wanted, else 0.0. Silence alone is no flatline: only a reading lengthens it.

    A reading of the newest one's time and value is that reading again; with another value it takes its place. A late
    reading within the stretch and equal to it counts as one of its readings, and is judged as the whole stretch. One
    that differs shows that the stretch is younger: it begins at that reading, and only the newest is known to be in it.
    A late one at or before the beginning changes nothing, for what lay between is not known. Neither of these two is
    judged: all are NaN.
    """
    time_us = max(time_us, 1)
    last_us = memory[at + _LAST_US]
    same = last_us != 0.0 and value == memory[at + _VALUE]
    if time_us < last_us:
        if time_us <= memory[at + _SINCE_US]:
            return NOT_JUDGED
        if not same:
            memory[at + _SINCE_US] = time_us
            memory[at + _SAMPLES] = 1.0
            return NOT_JUDGED
        memory[at + _SAMPLES] += 1.0
    elif not same:
        memory[at + _LAST_US] = time_us
        memory[at + _SINCE_US] = time_us
        memory[at + _VALUE] = value
        memory[at + _SAMPLES] = 1.0
    elif time_us > last_us:
        memory[at + _LAST_US] = time_us
        memory[at + _SAMPLES] += 1.0
    if memory[at + _SAMPLES] < p[0]:
        return 0.0, _NAN, _NAN, _NAN, _NAN
    return (memory[at + _LAST_US] - memory[at + _SINCE_US]) / SECOND_US, _NAN, _NAN, _NAN, _NAN
