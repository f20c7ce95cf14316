"""The loader of rules: the `[[rules]]` tables of every profile, and every fault of all of them at once."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from devices.profile import Metric, MetricType, Profile
from rules.limits import limits_of, physical_range
from rules.model import AlarmClass, Comparison, Rule, RuleKind, RuleSet, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from enum import StrEnum

__all__ = ["RuleFaults", "load_rules"]

_Choice = TypeVar("_Choice", bound="StrEnum")

_COMMON = frozenset({"id", "kind", "severity", "class", "name", "source"})
_KEYS = {
    RuleKind.ALARM: _COMMON | {"metric"},
    RuleKind.THRESHOLD: _COMMON | {"metric", "clear", "hold_s", "clear_hold_s"} | set(Comparison),
    RuleKind.FAULT: _COMMON | {"metric"},
    RuleKind.NO_DATA: _COMMON | {"after_s"},
}
LONGEST_S = 366 * 86_400
"""The longest time that a rule may wait for."""

_UPWARD = frozenset({Comparison.AT_LEAST, Comparison.ABOVE})


class RuleFaults(Exception):  # it is the list of faults, not one error
    """Everything that is wrong with the rules: each fault with its file and rule, what was wrong, what was wanted."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


def load_rules(profiles: Mapping[str, Profile]) -> RuleSet:
    """Return the rules of all profiles.

    A fault rule without `metric` stands for one rule on every metric that has a range: its id gains `.<metric>`.
    Raises RuleFaults with every fault of every profile.
    """
    faults: list[str] = []
    rules: list[Rule] = []
    for _, profile in sorted(profiles.items()):
        tables = [_RuleTable(profile, number, table, faults) for number, table in enumerate(profile.rules, 1)]
        found = [rule for table in tables for rule in table.read()]
        faults += _uncovered(profile, found)
        rules += found
    origins = {profile.name: profile.origin for profile in profiles.values()}
    faults += [
        f"{origins[rule.profile]}: rule {rule.id!r}: the id is given more than once; wanted one that no other rule has"
        for rule in _repeated(rules)
    ]
    if faults:
        raise RuleFaults(faults)
    return RuleSet.of(rules)


def _repeated(rules: list[Rule]) -> list[Rule]:
    times = Counter(rule.id for rule in rules)
    return list({rule.id: rule for rule in rules if times[rule.id] > 1}.values())


def _uncovered(profile: Profile, rules: list[Rule]) -> Iterable[str]:
    """Return a fault for each metric whose readings could be withheld from a threshold without anybody being told."""
    covered = {rule.metric for rule in rules if rule.kind is RuleKind.FAULT}
    for rule in rules:
        if rule.kind is RuleKind.THRESHOLD and rule.metric not in covered and _has_range(profile.metrics[rule.metric]):
            yield (
                f"{profile.origin}: rule {rule.id!r}: {rule.metric!r} has a range, and no fault rule tells when a "
                f"reading lies outside; wanted a rule of kind 'fault' on it"
            )
            covered.add(rule.metric)


def _has_range(metric: Metric) -> bool:
    return metric.minimum is not None or metric.maximum is not None


class _RuleTable:
    """One `[[rules]]` table being read; what is wrong goes to `faults`, and then there is no rule."""

    def __init__(self, profile: Profile, number: int, table: Mapping[str, object], faults: list[str]) -> None:
        self._profile = profile
        self._table = table
        self._faults = faults
        self._sound = True
        name = table.get("id", number)
        self._where = f"{profile.origin}: rule {name!r}"

    def read(self) -> list[Rule]:
        """Return the rule, the rules that it stands for, or nothing where it has a fault."""
        kind = self._choice("kind", RuleKind)
        if kind is not None:
            self._refuse_unknown_keys(kind)
        name_en, name_zh = self._names()
        rule = Rule(
            id=self._id(),
            profile=self._profile.name,
            kind=kind or RuleKind.ALARM,
            metric="",
            severity=self._choice("severity", Severity) or Severity.ADVISORY,
            alarm_class=self._choice("class", AlarmClass) or AlarmClass.TROUBLE,
            name_en=name_en,
            name_zh=name_zh,
            source=self._text("source", "where its figures come from"),
        )
        rules = self._of_kind(kind, rule)
        return rules if self._sound else []

    def _of_kind(self, kind: RuleKind | None, rule: Rule) -> list[Rule]:
        match kind:
            case RuleKind.ALARM:
                return self._alarm(rule)
            case RuleKind.THRESHOLD:
                return self._threshold(rule)
            case RuleKind.FAULT:
                return self._fault(rule)
            case RuleKind.NO_DATA:
                return self._no_data(rule)
            case None:
                return []

    # ── kinds ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _alarm(self, rule: Rule) -> list[Rule]:
        metric = self._metric()
        if metric is None:
            return []
        if metric.type is MetricType.GAUGE:
            self._say(f"an alarm rule on the gauge {metric.name!r}", "a flag or an event, or kind = 'threshold'")
        return [replace(rule, metric=metric.name)]

    def _fault(self, rule: Rule) -> list[Rule]:
        if "metric" in self._table:
            metric = self._metric()
            if metric is None:
                return []
            if not _has_range(metric):
                self._say(f"{metric.name!r} has no range to be outside of", "a metric with minimum or maximum")
            return [replace(rule, metric=metric.name)]
        ranged = [metric.name for metric in self._profile.metrics.values() if _has_range(metric)]
        if not ranged:
            self._say("a fault rule, and no metric of the profile has a range", "a metric with minimum or maximum")
        return [replace(rule, id=f"{rule.id}.{metric}", metric=metric) for metric in ranged]

    def _no_data(self, rule: Rule) -> list[Rule]:
        if "after_s" not in self._table:
            self._say("no `after_s`", "the silence to wait for, s")
            return []
        after_s = self._duration("after_s")
        if after_s <= self._profile.reporting_s:
            self._say(
                f"after_s = {after_s:g} is no longer than the profile's reporting period",
                f"more than {self._profile.reporting_s:g} s",
            )
        return [replace(rule, after_s=after_s)]

    def _threshold(self, rule: Rule) -> list[Rule]:
        metric = self._metric()
        comparisons = [comparison for comparison in Comparison if comparison in self._table]
        if len(comparisons) != 1:
            given = ", ".join(comparisons) or "none"
            self._say(f"limits given: {given}", f"exactly one of {', '.join(Comparison)}")
        limits = [self._number(comparison) for comparison in comparisons]
        clear = self._number("clear")
        hold_s, clear_hold_s = self._duration("hold_s"), self._duration("clear_hold_s")
        if metric is None or len(limits) != 1 or limits[0] is None:
            return []
        limit = limits[0]
        clear = limit if clear is None else clear
        rule = replace(
            rule,
            metric=metric.name,
            comparison=comparisons[0],
            limit=limit,
            clear=clear,
            hold_s=hold_s,
            clear_hold_s=clear_hold_s,
        )
        self._check_type(rule, metric)
        self._check_levels(rule, metric, limit, clear)
        return [rule]

    def _check_type(self, rule: Rule, metric: Metric) -> None:
        """Let a threshold on a flag stand only where an alarm rule cannot say the same: unset, or set for a while."""
        if metric.type is MetricType.EVENT:
            self._say(f"a threshold on the event {metric.name!r}", "a gauge, or kind = 'alarm'")
        if metric.type is MetricType.FLAG and rule.comparison in _UPWARD and rule.hold_s == 0:
            self._say(f"a threshold on the flag {metric.name!r} without hold_s", "kind = 'alarm'")

    def _check_levels(self, rule: Rule, metric: Metric, limit: float, clear: float) -> None:
        upward = rule.comparison in _UPWARD
        if clear > limit if upward else clear < limit:
            side = "at or below" if upward else "at or above"
            self._say(f"clear = {clear:g} is on the wrong side of the limit", f"{side} {limit:g}")
            return
        low, high = physical_range(metric)
        limits = limits_of(rule, metric)
        reach = f"within {low:g} … {high:g} {metric.unit}".rstrip()
        if not low <= limit <= high or not (limits.breach_at_least <= high or limits.breach_at_most >= low):
            self._say(f"{rule.comparison} = {limit:g} is beyond what the sensor can say", f"a limit {reach}")
        elif max(low, limits.clear_low) > min(high, limits.clear_high):
            self._say(f"it could never cease: no reading is clear of {clear:g}", f"a clear level {reach}")

    # ── keys ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _say(self, wrong: str, wanted: str) -> None:
        self._faults.append(f"{self._where}: {wrong}; wanted {wanted}")
        self._sound = False

    def _refuse_unknown_keys(self, kind: RuleKind) -> None:
        wanted = _KEYS[kind]
        for key in self._table:
            if key not in wanted:
                self._say(f"{key!r} is no key of a rule of kind {kind.value!r}", f"only {', '.join(sorted(wanted))}")

    def _id(self) -> str:
        name = self._text("id", f"'{self._profile.name}.<what>'")
        prefix = f"{self._profile.name}."
        if name and (not name.startswith(prefix) or name == prefix):
            self._say(f"the id does not begin with its profile {self._profile.name!r}", f"'{prefix}<what>'")
        return name

    def _text(self, key: str, wanted: str) -> str:
        value = self._table.get(key)
        if isinstance(value, str) and value.strip():
            return value
        self._say(f"no `{key}`" if value is None else f"{key} = {value!r}", wanted)
        return ""

    def _names(self) -> tuple[str, str]:
        match self._table.get("name"):
            case {"en": str(en), "zh": str(zh), **rest} if en.strip() and zh.strip() and not rest:
                return en, zh
            case name:
                wrong = "no `name`" if name is None else f"name = {name!r}"
                self._say(wrong, '{ en = "…", zh = "…" }')
                return "", ""

    def _choice(self, key: str, choices: type[_Choice]) -> _Choice | None:
        value = self._table.get(key)
        if isinstance(value, str) and value in set(choices):
            return choices(value)
        self._say(f"no `{key}`" if value is None else f"{key} = {value!r}", f"one of {', '.join(choices)}")
        return None

    def _metric(self) -> Metric | None:
        value = self._table.get("metric")
        metric = self._profile.metrics.get(value) if isinstance(value, str) else None
        if metric is None:
            wrong = "no `metric`" if value is None else f"metric = {value!r}"
            self._say(wrong, f"one of {', '.join(self._profile.metrics)}")
        return metric

    def _number(self, key: str) -> float | None:
        """Return a finite number, or None where there is none; anything else is a fault."""
        value = self._table.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            self._say(f"{key} = {value!r}", "a finite number")
            return None
        return float(value)

    def _duration(self, key: str) -> float:
        value = self._number(key) or 0.0
        if not 0 <= value <= LONGEST_S:
            self._say(f"{key} = {value:g}", f"0 … {LONGEST_S} s")
        return value
