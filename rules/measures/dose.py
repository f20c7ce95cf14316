"""Exposure dose: concentration against time, in bands, as standards for carbon monoxide give it.

Source: EN 50291 (300 ppm: alarm within 3 min; 100 ppm: after 10 to 40 min; 50 ppm: 60 to 90 min; 30 ppm: not before
120 min), docs/standards.md, section 5. It gives them for one concentration at a time; that shares add up is ours.
"""

from __future__ import annotations

from math import inf, isfinite
from typing import TYPE_CHECKING, Final

from rules.compiled import compiled
from rules.limits import Limits
from rules.measures.memory import SECOND_US, Memory

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rules.model import DoseTerms

__all__ = ["BANDS", "limits", "measure", "memory", "parameters"]

BANDS: Final = 3
"""So many bands a rule may have."""

_MINUTE_US: Final = 60 * SECOND_US
_WHOLE: Final = 1.0 - 1e-9
"""A dose that rounding keeps just below 1 is whole: 360 times 10 s of 1 h must not take 360 samples and one more."""

_NAN: Final = float("nan")

# Parameters: the clear level and the recovery, then at_least and within of each band.
_CLEAR: Final = 0
_RECOVERY_US: Final = 1
_FIRST_BAND: Final = 2
_END: Final = _FIRST_BAND + 2 * BANDS

# Words of memory. Times first, 0 where there was none.
_LAST_US: Final = 0
"""The newest reading."""
_SINCE_US: Final = 1
"""The first reading since which all, up to the newest, were in the same band."""
_LATE_US: Final = 2
"""The late reading that came last."""
_DOSE: Final = 3
_VALUE: Final = 4
"""Value of the newest reading."""
_LATE_DOSE: Final = 5
"""What the minute of the last late reading has given to the dose."""
_WORDS: Final = 6


def parameters(terms: DoseTerms) -> tuple[float, ...]:
    """Return the clear level, the recovery, µs, and of each of three bands at_least and within, µs.

    Bands that are not given are infinite; a time of 0 counts as 1 µs. Raises ValueError where there are more bands.
    """
    if len(terms.bands) > BANDS:
        raise ValueError(f"a dose rule has {len(terms.bands)} bands; wanted at most {BANDS}")
    figures = [terms.clear, max(1.0, terms.recovery_s * SECOND_US)]
    for band in terms.bands:
        figures += [band.at_least, max(1.0, band.within_s * SECOND_US)]
    return (*figures, *[inf] * (_END - len(figures)))


def limits(terms: DoseTerms) -> Limits:  # noqa: ARG001  # every measure is asked the same
    """Return the limits of the dose: in breach from a whole one on, clear at none."""
    return Limits(breach_at_least=_WHOLE, clear_high=0.0)


def memory(terms: DoseTerms) -> Memory:  # noqa: ARG001  # every measure is asked the same
    """Return room for three times, the dose, the newest value, and what a late minute gave."""
    return Memory(_WORDS, 3)


@compiled
def _within_us(p: NDArray[np.float64], value: float) -> float:
    """Return the time in which `value` makes a whole dose: that of the highest band it reaches, infinite for none."""
    within_us = inf
    for band in range(_FIRST_BAND, _END, 2):
        if value >= p[band]:
            within_us = p[band + 1]
    return within_us


@compiled
def _add_late(memory: NDArray[np.float64], at: int, p: NDArray[np.float64], time_us: int, value: float) -> None:
    """Add the minute of a late reading, less what was counted for it already."""
    counted = 0.0
    if time_us >= memory[at + _SINCE_US]:
        counted = _MINUTE_US / _within_us(p, memory[at + _VALUE])
    if int(memory[at + _LATE_US]) // _MINUTE_US == time_us // _MINUTE_US:
        counted = max(counted, memory[at + _LATE_DOSE])
    given = max(counted, _MINUTE_US / _within_us(p, value))
    memory[at + _DOSE] += given - counted
    memory[at + _LATE_DOSE] = given
    memory[at + _LATE_US] = time_us


@compiled
def measure(
    memory: NDArray[np.float64],
    at: int,
    p: NDArray[np.float64],
    time_us: int,
    value: float,
    late: bool,
    zone_us: int,  # noqa: ARG001  # every measure is given the same
) -> tuple[float, float, float, float, float]:
    """Say what share of a whole dose has been taken in.

    memory:  (m,) float64  written from word `at` on, as `memory` says
    p:       (8,) float64  as `parameters` says
    time_us: event time of the reading, µs since the epoch; below 1 counts as 1
    value:   concentration in the metric's unit, finite
    late:    whether the channel has a newer reading
    zone_us: not used
    Returns (measure, NaN, NaN, NaN, due_us): the dose, 1.0 for a whole one, while `value` is not below the clear level,
    else 0.0; and when it will be whole if `value` stays, µs since the epoch, NaN where `value` is in no band, the dose
    is whole already, or the reading is late.

    The last value counts until another is known, through any silence: a sensor lost in mid-exposure must still alarm.
    So from reading to reading the dose grows by the time between over the time of the highest band that the earlier one
    reached, beginning at the earlier reading's own moment. After a value below the clear level it goes back, from 1 at
    most, by the time between over the recovery; what is left counts when the exposure resumes. Between the clear level
    and the first band it stays. A reading of the newest one's time takes its place.
    A late reading adds one minute of its band, less what is known to be counted for its time: the band of the newest
    readings if it falls among these, and what other late ones of its minute gave, if none of another minute came in
    between. So it never takes away; and an exposure that is over and is sent again may count twice.
    """
    time_us = max(time_us, 1)
    last_us = memory[at + _LAST_US]
    if time_us < last_us:
        _add_late(memory, at, p, time_us, value)
    else:
        before = memory[at + _VALUE]
        if last_us == 0.0:
            memory[at + _SINCE_US] = time_us
        elif before < p[_CLEAR]:
            memory[at + _DOSE] = max(0.0, min(1.0, memory[at + _DOSE]) - (time_us - last_us) / p[_RECOVERY_US])
        else:
            memory[at + _DOSE] += (time_us - last_us) / _within_us(p, before)
        if _within_us(p, value) != _within_us(p, before):
            memory[at + _SINCE_US] = time_us
        memory[at + _LAST_US] = time_us
        memory[at + _VALUE] = value
    dose = memory[at + _DOSE]
    within_us = _within_us(p, value)
    due_us = _NAN
    if not late and dose < _WHOLE and isfinite(within_us):
        due_us = time_us + round((1.0 - dose) * within_us)
    return dose if value >= p[_CLEAR] else 0.0, _NAN, _NAN, _NAN, due_us
