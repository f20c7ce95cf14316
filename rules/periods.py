"""The learned reporting period: how far apart a device is usually heard, in 18 bytes of memory.

What it must stand: reports that go missing, bursts (an alarm is repeated every 30 s for as long as nobody answers), a
day's samples packed into a few messages, a watch that is off every night, and a test on the day of installation, after
which a detector says nothing for a day.

The period is the `_QUANTILE` of the intervals, followed as they come: one above it moves it up a little, one below it
moves it down a little less, in proportion, so that minutes and days are learned in the same number of intervals; a step
never goes beyond the interval that caused it, so a device that keeps its time is learned exactly. It is not the mean,
since one day off would move that by a day; nor the least, which the first burst would set.

- *Weight.* An interval of a quarter of the period or more counts as one, however long it was: a night off weighs as
  much as a report that was lost. A shorter one counts by its length, so that all that is heard within a quarter weighs
  as much as one interval: ten minutes of alarms are 3 % of one beside a heartbeat of 24 h.
- *Bursts.* What is heard within `BURST_US` of the first message is the same report.
- *Doubt.* An interval of more than `_FAR` periods is a loss or a night off, or else what was learned was a burst. It
  raises the doubt by `_DOUBTS`, every ordinary interval lowers it by one, and with the third in a row, or nearly so,
  learning starts again. While there is doubt, nothing counts as learned.
- *Learned* is what has `_ENOUGH` intervals, comparable to the period, that took a day or more, and is not in doubt.
  A device that reports twice a day is learned in three days, one that reports every minute in one.

Sources: the step is the recursive quantile of L. Tierney, "A space-efficient recursive procedure for estimating a
quantile of an unknown distribution", SIAM J. Sci. Stat. Comput. 4 (1983), with a gain that stays; steps in proportion
instead of by one as in Q. Ma, S. Muthukrishnan and M. Sandler, "Frugal streaming for estimating quantiles" (2013).
Weight and doubt are ours.
"""

from __future__ import annotations

from typing import Final

from rules.compiled import compiled

__all__ = ["BURST_US", "is_learned", "next_period"]

BURST_US: Final = 20_000_000
"""µs; the fastest sensors of the profiles report once a minute, and a report of several messages takes seconds."""

_QUANTILE: Final = 0.75
"""With one report in ten lost it is still the period; at 0.9 it would be two."""
_GAIN: Final = 0.1
"""Up by 7.5 % at most, down by 2.5 %: a period that changed is followed in tens of intervals, a loss is hardly seen."""
_COMPARABLE: Final = 0.25
"""An interval of so much of the period weighs as one, and counts towards learning."""
_FAR: Final = 4.0
"""Three reports lost one after the other; at one in ten that happens once in a thousand."""
_DOUBTS: Final = 6
_TOO_MANY_DOUBTS: Final = 3 * _DOUBTS - 3
"""The third far interval, with three ordinary ones among them: two wake-ups a day of two messages each are known for
what they are, and nights between days of ten reports are not."""
_ENOUGH: Final = 5
_SPAN_S: Final = 86_400
_MOST: Final = 255


@compiled
def next_period(period_s: float, intervals: int, doubt: int, interval_s: float) -> tuple[float, int, int, bool]:
    """Take in one interval.

    period_s:   as learned so far, s; of no meaning where `intervals` is 0
    intervals:  comparable ones taken in, 0 … 255
    doubt:      0 … `_TOO_MANY_DOUBTS` - 1
    interval_s: s between two reports, > 0
    Returns the new (period_s, intervals, doubt), and whether learning starts with this interval.
    """
    if intervals == 0:
        return interval_s, 1, 0, True
    if interval_s > _FAR * period_s:
        doubt += _DOUBTS
        if doubt >= _TOO_MANY_DOUBTS:
            return interval_s, 1, 0, True
    elif interval_s >= _COMPARABLE * period_s:
        doubt = max(doubt - 1, 0)
        intervals = min(intervals + 1, _MOST)
    gain = max(_GAIN, 1.0 / intervals)
    if interval_s > period_s:
        return min(period_s * (1.0 + _QUANTILE * gain), interval_s), intervals, doubt, False
    weight = min(interval_s / (_COMPARABLE * period_s), 1.0)
    return max(period_s * (1.0 - (1.0 - _QUANTILE) * gain * weight), interval_s), intervals, doubt, False


@compiled
def is_learned(intervals: int, doubt: int, span_s: int) -> bool:
    """Say whether the period may be relied on.

    span_s: s from the report with which learning began to the last one
    """
    return intervals >= _ENOUGH and doubt == 0 and span_s >= _SPAN_S
