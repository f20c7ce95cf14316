"""The condition of any rule: what its kind has to say, and what is said of all alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from alerts.conditions import course, level, relation, silence
from alerts.text import NOTHING, WORTH_SAYING_S, Text, span
from devices.model import Lifecycle
from rules.model import RuleKind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from alerts.finding import Finding

__all__ = ["condition"]

_WORDS: Final[Mapping[RuleKind, Callable[[Any, Finding], Text]]] = {
    RuleKind.ALARM: level.alarm,
    RuleKind.THRESHOLD: level.threshold,
    RuleKind.RANGE: level.outside,
    RuleKind.FAULT: level.fault,
    RuleKind.RATE: course.rate,
    RuleKind.DOSE: course.dose,
    RuleKind.FLATLINE: course.flatline,
    RuleKind.BASELINE: course.baseline,
    RuleKind.INACTIVITY: course.inactivity,
    RuleKind.DRIFT: course.drift,
    RuleKind.FORECAST: course.forecast,
    RuleKind.NO_DATA: silence.silence,
    RuleKind.NEIGHBOURHOOD: relation.neighbourhood,
    RuleKind.COMPOSITE: relation.composite,
}
_SAY_THEIR_TIME: Final = {RuleKind.FLATLINE, RuleKind.INACTIVITY, RuleKind.NO_DATA}
"""Kinds whose own words say how long; of the others the breach's length is said beside."""

_FOR: Final = Text(" for {held}", "，已持续{held}")
_AFTER: Final = Text(", after {held}", "，此前持续{held}")
_OFTEN: Final = Text(", {count} times within {within} (limit {count})", "，{within}内{count}次（限值{count}次）")
_LATE: Final = Text(", measured {ago} before it reached us", "，该读数迟到{ago}")
_UNREGISTERED: Final = Text(
    "; the device is UNREGISTERED: no ledger says where it hangs", "；该设备未登记：台账中没有其位置"
)


def condition(finding: Finding) -> Text:
    """Say what was measured, against which limit and for how long, or how that ended.

    A reading that came late is called so, and a device that is in no ledger too.
    """
    change, rule = finding.change, finding.rule
    said = _WORDS[rule.kind](rule.terms, finding)
    if rule.kind not in _SAY_THEIR_TIME and not (change.holds and rule.kind is RuleKind.DOSE):
        said = said.and_then(_lasted(finding))
    if rule.timing.count > 1 and change.holds and not change.repeated:
        within = span(rule.timing.count_within_s)
        said = said.and_then(_OFTEN.fill(count=rule.timing.count, within=within))
    delay_s = (finding.now_us - change.time_us) / 1e6
    if change.late and delay_s > WORTH_SAYING_S:
        said = said.and_then(_LATE.fill(ago=span(delay_s)))
    if finding.device.lifecycle is Lifecycle.UNREGISTERED:
        said = said.and_then(_UNREGISTERED)
    return said


def _lasted(finding: Finding) -> Text:
    if finding.lasted_s < WORTH_SAYING_S:
        return NOTHING
    return (_FOR if finding.change.holds else _AFTER).fill(held=span(finding.lasted_s))
