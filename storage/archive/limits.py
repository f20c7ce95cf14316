"""The rules in force as rows of a table, with the levels of a value that each of them draws."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from rules.model import Direction, FaultTerms, ForecastTerms, RangeTerms, ThresholdTerms
from storage.archive.history import storable_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from devices import Metric, Profile
    from rules import Rule, RuleSet
    from rules.model import Terms

__all__ = ["Levels", "RuleRow", "levels", "rule_rows"]

RuleRow = tuple[Any, ...]
"""The columns of `copy_rules`, in its order."""


class Levels(NamedTuple):
    """Levels of a value, in the unit of its metric; None where the rule has no such level.

    low, high:             below the one and above the other lies what is dangerous
    clear_low, clear_high: between them it is over
    """

    low: float | None = None
    high: float | None = None
    clear_low: float | None = None
    clear_high: float | None = None


def levels(terms: Terms, metric: Metric | None) -> Levels:
    """Return the figures of a rule that are levels of the value it reads, as people wrote them.

    A fault rule has what the sensor can say, a forecast the level that is to be reached. The other kinds judge
    something else than the value: a change, a time, a chance.
    """
    match terms:
        case ThresholdTerms(comparison, limit, clear):
            return Levels(high=limit, clear_high=clear) if comparison.upward else Levels(low=limit, clear_low=clear)
        case RangeTerms(low, high, clear_low, clear_high):
            return Levels(low, high, clear_low, clear_high)
        case FaultTerms() if metric is not None:
            return Levels(metric.minimum, metric.maximum, metric.minimum, metric.maximum)
        case ForecastTerms(direction, level):
            return Levels(high=level) if direction is Direction.UP else Levels(low=level)
        case _:
            return Levels()


def rule_rows(rules: RuleSet, profiles: Mapping[str, Profile]) -> list[RuleRow]:
    """Return a row for each rule as it is anywhere, and one for each place where overrides make it otherwise.

    Rules whose profile or metric is not among `profiles` are left out, as the engine leaves them out. Where overrides
    meet, their row is for the site, grid and device that all of them are about: no two rows of a rule have one scope.
    """
    rules = rules.fitting(profiles)
    return [*_as_anywhere(rules, profiles), *_otherwise(rules, profiles)]


def _as_anywhere(rules: RuleSet, profiles: Mapping[str, Profile]) -> Iterator[RuleRow]:
    for rule in rules.rules:
        yield _row(rule, ("", "", ""), profiles)


def _otherwise(rules: RuleSet, profiles: Mapping[str, Profile]) -> Iterator[RuleRow]:
    for variant in rules.variants:
        overrides = [rules.overrides[row] for row in variant.overrides]
        # Each says the same of a site, a grid or a device, or nothing: else no device could be under all of them.
        scope = (
            max(override.site for override in overrides),
            max(override.grid for override in overrides),
            max(override.device for override in overrides),
        )
        if variant.rule is not None:
            yield _row(variant.rule, scope, profiles)
        elif variant.rule_id in rules.by_id:
            yield _row(rules.by_id[variant.rule_id], scope, profiles, is_on=False)


def _row(rule: Rule, scope: tuple[str, str, str], profiles: Mapping[str, Profile], *, is_on: bool = True) -> RuleRow:
    metric = profiles[rule.profile].metrics.get(rule.metric)
    texts = (
        *(rule.profile, rule.metric, rule.kind.value, rule.severity.value, rule.alarm_class.value, rule.mode.value),
        *(rule.name_en, rule.name_zh),
    )
    return (
        *(storable_text(text) for text in (rule.id, *scope)),
        is_on,
        *(storable_text(text) for text in texts),
        *levels(rule.terms, metric),
        rule.timing.hold_s,
        metric.unit if metric is not None else "",
        storable_text(rule.source),
    )
