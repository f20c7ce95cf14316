"""Rules that judge the value itself: alarm, threshold, range, fault."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from alerts.conditions.reading import label, reading
from alerts.text import Text, number, quantity
from devices.profile import MetricType
from rules.model import Comparison

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alerts.finding import Finding
    from rules.model import AlarmTerms, FaultTerms, RangeTerms, ThresholdTerms

__all__ = ["alarm", "fault", "outside", "threshold"]

_SIGN: Final[Mapping[Comparison, str]] = {
    Comparison.AT_LEAST: "≥",
    Comparison.ABOVE: ">",
    Comparison.AT_MOST: "≤",
    Comparison.BELOW: "<",
}
_SET_AT: Final = 0.5

_REPORTS: Final = Text("the device itself reports “{label}”", "设备自身上报“{label}”")
_REPORTS_NO_MORE: Final = Text("the device reports “{label}” no more", "设备不再上报“{label}”")

_SET: Final = Text("“{label}” is set", "“{label}”为“是”")
_NOT_SET: Final = Text("“{label}” is not set", "“{label}”为“否”")
_LIMIT: Final = Text("{reading} (limit {bound})", "{reading}（限值 {bound}）")
_CLEAR: Final = Text("{reading} (limit {bound}, clear {clear})", "{reading}（限值 {bound}，恢复值 {clear}）")

_ABOVE: Final = Text("{reading}, above {range}", "{reading}，高于允许范围 {range}")
_BELOW: Final = Text("{reading}, below {range}", "{reading}，低于允许范围 {range}")
_WITHIN: Final = Text("{reading}, within {range} again", "{reading}，恢复在 {range} 之内")

_BEYOND_SENSOR: Final = Text(
    "{reading} is outside what the sensor can say ({range}): sensor fault",
    "{reading} 超出传感器量程（{range}）：传感器故障",
)
_ERROR_CODE: Final = Text(
    "{reading} is an error code of the sensor, no measurement: sensor fault",
    "{reading} 为传感器错误码，并非测量值：传感器故障",
)
_SOUND: Final = Text("{reading}, a sound reading again", "{reading}，读数恢复正常")


def alarm(_: AlarmTerms, finding: Finding) -> Text:
    """Say what the device itself says."""
    return (_REPORTS if finding.change.holds else _REPORTS_NO_MORE).fill(label=label(finding))


def threshold(terms: ThresholdTerms, finding: Finding) -> Text:
    """Say the value and the limit; where it ended, the level at which it did."""
    change, metric = finding.change, finding.metric
    if metric is not None and metric.type is MetricType.FLAG:
        is_set = change.value is not None and change.value >= _SET_AT
        return (_SET if is_set else _NOT_SET).fill(label=label(finding))
    bound = f"{_SIGN[terms.comparison]} {quantity(terms.limit, finding.unit)}"
    if change.holds or terms.clear == terms.limit:
        return _LIMIT.fill(reading=reading(finding, beside=terms.limit), bound=bound)
    clear = f"{'<' if terms.comparison.upward else '>'} {quantity(terms.clear, finding.unit)}"
    return _CLEAR.fill(reading=reading(finding, beside=terms.clear), bound=bound, clear=clear)


def outside(terms: RangeTerms, finding: Finding) -> Text:
    """Say the value, the range, and on which side of it the value is."""
    change = finding.change
    if not change.holds:
        wanted = _range(terms.clear_low, terms.clear_high, finding.unit)
        return _WITHIN.fill(reading=reading(finding), range=wanted)
    is_above = change.value is not None and change.value > terms.high
    said = reading(finding, beside=terms.high if is_above else terms.low)
    return (_ABOVE if is_above else _BELOW).fill(reading=said, range=_range(terms.low, terms.high, finding.unit))


def fault(_: FaultTerms, finding: Finding) -> Text:
    """Say what the sensor cannot mean: a value out of its range, or an error code."""
    change, metric = finding.change, finding.metric
    low, high = (metric.minimum, metric.maximum) if metric else (None, None)
    bounds = _range(low, high, finding.unit)
    if change.holds:
        is_code = metric is not None and change.value in metric.errors
        return (_ERROR_CODE if is_code else _BEYOND_SENSOR).fill(reading=reading(finding), range=bounds)
    return (_SOUND if low is None and high is None else _WITHIN).fill(reading=reading(finding), range=bounds)


def _range(low: float | None, high: float | None, unit: str) -> str:
    if low is None or high is None:
        return f"≤ {quantity(high, unit)}" if low is None else f"≥ {quantity(low, unit)}"
    return f"{number(low)} … {quantity(high, unit)}"
