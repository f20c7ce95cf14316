"""What a rule makes of a value, as closed intervals: one shape for every kind that reads a metric."""

from __future__ import annotations

from math import inf, nextafter
from typing import TYPE_CHECKING

import msgspec

from devices.profile import MetricType
from rules.model import AlarmTerms, Comparison, FaultTerms, RangeTerms, ThresholdTerms

if TYPE_CHECKING:
    from devices.profile import Metric
    from rules.model import Rule, Terms

__all__ = ["SET_AT", "Limits", "above", "below", "levels_of", "limits_of", "physical_range", "withheld_range"]

SET_AT = 0.5
"""A flag or event is set at this value and above."""


class Limits(msgspec.Struct, frozen=True):
    """The levels of a measure under one rule, and the values that it is made of; all bounds belong to their interval.

    A value outside given_low … given_high is withheld from the rule. A measure <= breach_at_most or >= breach_at_least
    is in breach, one in clear_low … clear_high is clear, and the rest lie between: the hysteresis. For the kinds of
    `limits_of` the measure is the value. An interval that nothing is in has its low bound above its high bound.
    """

    breach_at_most: float = -inf
    breach_at_least: float = inf
    clear_low: float = -inf
    clear_high: float = inf
    given_low: float = -inf
    given_high: float = inf


def physical_range(metric: Metric) -> tuple[float, float]:
    """Return what the sensor can say: the metric's range, 0 … 1 for flags and events, unbounded where none is given."""
    if metric.type is not MetricType.GAUGE:
        return 0.0, 1.0
    low, high = metric.minimum, metric.maximum
    return -inf if low is None else low, inf if high is None else high


def withheld_range(metric: Metric) -> tuple[float, float]:
    """Return `given_low` and `given_high` of a rule on `metric` that is neither an alarm nor a fault rule.

    A value of a gauge outside of what it can say is a fault, never a low or a high one. A flag is never withheld:
    whatever it says is the device's word.
    """
    return physical_range(metric) if metric.type is MetricType.GAUGE else (-inf, inf)


def limits_of(rule: Rule, metric: Metric) -> Limits:
    """Return the limits of an alarm, threshold, range or fault rule on `metric`.

    The metric's error codes are no interval: whoever asks for limits adds `metric.errors`.
    Raises ValueError for other kinds.
    """
    return levels_of(rule.terms, metric)


def levels_of(terms: Terms, metric: Metric) -> Limits:
    """Return `limits_of` a rule with these terms; bounds that do not belong move by one ulp.

    A flag or event is in breach from `SET_AT` on. An event, and what is latched, has no clear level.
    """
    match terms:
        case AlarmTerms(latched=latched):
            if latched or metric.type is MetricType.EVENT:
                return Limits(breach_at_least=SET_AT, clear_low=inf, clear_high=-inf)
            return Limits(breach_at_least=SET_AT, clear_high=below(SET_AT))
        case FaultTerms():
            low, high = physical_range(metric)
            return Limits(below(low), above(high), clear_low=low, clear_high=high)
        case ThresholdTerms(comparison, limit, clear):
            return _threshold(comparison, limit, clear, metric)
        case RangeTerms(low, high, clear_low, clear_high):
            return Limits(below(low), above(high), clear_low, clear_high, *withheld_range(metric))
        case _:
            raise ValueError(f"a rule of kind {terms.kind} has limits of its measure, not of the value")


def _threshold(comparison: Comparison, limit: float, clear: float, metric: Metric) -> Limits:
    given = withheld_range(metric)
    match comparison:
        case Comparison.AT_LEAST:
            return Limits(-inf, limit, -inf, below(clear), *given)
        case Comparison.ABOVE:
            return Limits(-inf, above(limit), -inf, clear if clear == limit else below(clear), *given)
        case Comparison.AT_MOST:
            return Limits(limit, inf, above(clear), inf, *given)
        case Comparison.BELOW:
            return Limits(below(limit), inf, clear if clear == limit else above(clear), inf, *given)


def below(value: float) -> float:
    """Return the largest float below `value`."""
    return nextafter(value, -inf)


def above(value: float) -> float:
    """Return the smallest float above `value`."""
    return nextafter(value, inf)
