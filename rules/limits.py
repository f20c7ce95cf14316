"""What a rule makes of a value, as closed intervals: one shape for alarm, threshold and fault rules."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, nextafter
from typing import TYPE_CHECKING

from devices.profile import MetricType
from rules.model import Comparison, RuleKind

if TYPE_CHECKING:
    from devices.profile import Metric
    from rules.model import Rule

__all__ = ["SET_AT", "Limits", "limits_of", "physical_range"]

SET_AT = 0.5
"""A flag or event is set at this value and above."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The levels of a value under one rule; all bounds belong to their interval.

    A value outside given_low … given_high is withheld from the rule. Of the others, one <= breach_at_most or
    >= breach_at_least is in breach, one in clear_low … clear_high is clear, and the rest lie between: the hysteresis.
    An interval that nothing is in has its low bound above its high bound.
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


def limits_of(rule: Rule, metric: Metric) -> Limits:
    """Return the limits of an alarm, threshold or fault rule on `metric`; bounds that do not belong move by one ulp.

    A flag is never withheld: whatever it says at or above `SET_AT` is the device's word. An event has no clear level.
    """
    match rule.kind:
        case RuleKind.ALARM if metric.type is MetricType.EVENT:
            return Limits(breach_at_least=SET_AT, clear_low=inf, clear_high=-inf)
        case RuleKind.ALARM:
            return Limits(breach_at_least=SET_AT, clear_high=_below(SET_AT))
        case RuleKind.FAULT:
            low, high = physical_range(metric)
            return Limits(_below(low), _above(high), clear_low=low, clear_high=high)
        case RuleKind.THRESHOLD if rule.comparison is not None and rule.limit is not None:
            return _threshold(rule.comparison, rule.limit, rule.limit if rule.clear is None else rule.clear, metric)
    raise ValueError(f"rule {rule.id} of kind {rule.kind} reads no values, or lacks its limit")


def _threshold(comparison: Comparison, limit: float, clear: float, metric: Metric) -> Limits:
    low, high = physical_range(metric) if metric.type is MetricType.GAUGE else (-inf, inf)
    match comparison:
        case Comparison.AT_LEAST:
            return Limits(-inf, limit, -inf, _below(clear), low, high)
        case Comparison.ABOVE:
            return Limits(-inf, _above(limit), -inf, clear if clear == limit else _below(clear), low, high)
        case Comparison.AT_MOST:
            return Limits(limit, inf, _above(clear), inf, low, high)
        case Comparison.BELOW:
            return Limits(_below(limit), inf, clear if clear == limit else _above(clear), inf, low, high)


def _below(value: float) -> float:
    return nextafter(value, -inf)


def _above(value: float) -> float:
    return nextafter(value, inf)
