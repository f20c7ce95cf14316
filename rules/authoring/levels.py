"""The terms of the kinds that judge the value itself: alarm, threshold, range, fault."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.profile import MetricType
from rules.authoring.bounds import reach, say_beyond
from rules.authoring.raw import can_be_withheld
from rules.limits import levels_of, physical_range
from rules.model import AlarmTerms, Comparison, FaultTerms, RangeTerms, ThresholdTerms

if TYPE_CHECKING:
    from devices.profile import Metric
    from rules.authoring.table import Table

__all__ = ["alarm", "fault", "range_", "threshold"]


def alarm(table: Table, metric: Metric) -> AlarmTerms:
    """Return the terms of a rule on the device's own word."""
    if metric.type is MetricType.GAUGE:
        table.say("metric", f"an alarm rule on the gauge {metric.name!r}", "a flag or an event, or kind = 'threshold'")
    if metric.type is MetricType.EVENT:
        for key in ("hold", "clear_hold"):
            if table.has(key):
                table.say(table.form(key), f"{key} on the event {metric.name!r}, which does not last", "none")
    terms = AlarmTerms(latched=table.flag("latched", default=False))
    if terms.latched and table.has("clear_hold"):
        table.say(table.form("clear_hold"), "what is latched does not cease by itself", "no clear_hold")
    return terms


def threshold(table: Table, metric: Metric) -> ThresholdTerms | None:
    """Return the terms of a limit; None where they are wrong."""
    given = [comparison for comparison in Comparison if comparison in table.values]
    if len(given) != 1:
        table.say("", f"limits given: {', '.join(given) or 'none'}", f"exactly one of {', '.join(Comparison)}")
    limits = [table.amount(comparison, metric) for comparison in given]
    clear = table.amount("clear", metric)
    if len(limits) != 1 or limits[0] is None:
        return None
    terms = ThresholdTerms(given[0], limits[0], limits[0] if clear is None else clear)
    if metric.type is MetricType.EVENT:
        table.say("metric", f"a threshold on the event {metric.name!r}", "a gauge, or kind = 'alarm'")
        return None
    if metric.type is MetricType.FLAG and terms.comparison.upward and not (table.has("hold") or table.has("count")):
        table.say("metric", f"a threshold on the flag {metric.name!r} without hold or count", "kind = 'alarm'")
    _check_threshold(table, metric, terms)
    return terms


def _check_threshold(table: Table, metric: Metric, terms: ThresholdTerms) -> None:
    limit, clear = terms.limit, terms.clear
    if clear > limit if terms.comparison.upward else clear < limit:
        side = "at or below" if terms.comparison.upward else "at or above"
        table.say("clear", f"{table.shown('clear')} is on the wrong side of the limit", f"{side} {limit:g}")
        return
    low, high = physical_range(metric)
    limits = levels_of(terms, metric)
    if not low <= limit <= high or not (limits.breach_at_least <= high or limits.breach_at_most >= low):
        say_beyond(table, terms.comparison, metric, "a limit")
    elif max(low, limits.clear_low) > min(high, limits.clear_high):
        key = "clear" if table.has("clear") else terms.comparison
        table.say(key, f"it could never cease: no reading is clear of {clear:g}", f"a clear level {reach(metric)}")


def range_(table: Table, metric: Metric) -> RangeTerms | None:
    """Return the terms of two limits; None where they are wrong."""
    low, high = (table.amount(key, metric, wanted="both limits") for key in ("low", "high"))
    clear_low, clear_high = table.amount("clear_low", metric), table.amount("clear_high", metric)
    if low is None or high is None:
        return None
    clear_low, clear_high = low if clear_low is None else clear_low, high if clear_high is None else clear_high
    if not low < high:
        table.say("low", f"{table.shown('low')} is not below {table.shown('high')}", f"below {high:g}")
    elif not low <= clear_low <= clear_high <= high:
        key = "clear_high" if table.has("clear_high") and clear_low <= high else "clear_low"
        table.say(key, f"{table.shown(key)} is no clear level", f"{low:g} ≤ clear_low ≤ clear_high ≤ {high:g}")
    least, most = physical_range(metric)
    if low <= least or low > most:
        say_beyond(table, "low", metric, "a limit with readings below it,")
    if high >= most or high < least:
        say_beyond(table, "high", metric, "a limit with readings above it,")
    return RangeTerms(low, high, clear_low, clear_high)


def fault(table: Table, metric: Metric) -> FaultTerms:
    """Return the terms of a rule on what the sensor cannot mean."""
    if not can_be_withheld(metric):
        wanted = "a metric with minimum, maximum or errors"
        table.say("metric", f"{metric.name!r} has no range to be outside of", wanted)
    return FaultTerms()
