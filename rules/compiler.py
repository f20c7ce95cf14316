"""The compiler: rules as records, and which of them watch which channel and device.

Channels that the same rules watch share one *panel*. Rules, panels and what leads to them are made when a device first
asks for them, and kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from devices.model import Lifecycle
from rules.layout import FOREVER_US, PANEL, PARAMETERS, RULE
from rules.limits import limits_of, withheld_range
from rules.measures.table import MEASURES, Code
from rules.model import AlarmClass, Rule, RuleKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from devices.profile import Metric, Profile
    from rules.limits import Limits
    from rules.ruleset import RuleSet

__all__ = ["COVERAGE", "NO_PANEL", "Coverage", "Plan", "Watching", "key_of", "rule_of_key"]

NO_PANEL = 0
"""The panel of a channel that no rule watches."""


class Coverage(StrEnum):
    """Which rules of its profile watch a device."""

    ALL = "all"
    READINGS = "readings"
    """All but its silence."""
    LIFE_SAFETY = "life_safety"
    """Only what is about lives, and not its silence."""
    NONE = "none"


COVERAGE: Mapping[Lifecycle, Coverage] = {
    Lifecycle.UNREGISTERED: Coverage.READINGS,
    Lifecycle.REGISTERED: Coverage.ALL,
    Lifecycle.INSTALLED: Coverage.ALL,
    Lifecycle.VERIFIED: Coverage.ALL,
    Lifecycle.MAINTENANCE: Coverage.LIFE_SAFETY,
    Lifecycle.RETIRED: Coverage.NONE,
}


@dataclass(frozen=True, slots=True)
class Watching:
    """The rules that watch devices of one profile, coverage and selection of overrides.

    panels:   metric → panel
    silences: rows of the no-data rules, shortest silence first
    """

    panels: Mapping[str, int]
    silences: tuple[int, ...]


_UNWATCHED = Watching({}, ())


class Plan:
    """The rules as the fold reads them. Rule rows are those of `rules`; both only ever grow.

    rules:      each rule as it is in force somewhere
    keys:       by rule row: rows whose state may go on under one another share a key
    records:    (r,) `layout.RULE`, one by rule row
    parameters: (r, PARAMETERS) float64
    panels:     (p,) `layout.PANEL`
    panel_rule: (k,) int32 rule rows, each panel's side by side
    Arrays are replaced as they grow.
    """

    def __init__(self, rules: RuleSet, profiles: Mapping[str, Profile]) -> None:
        self.rules: list[Rule] = []
        self.keys: list[bytes] = []
        self.records: NDArray[np.void] = np.zeros(0, RULE)
        self.parameters: NDArray[np.float64] = np.zeros((0, PARAMETERS))
        self.panels: NDArray[np.void] = np.zeros(0, PANEL)
        self.panel_rule: NDArray[np.int32] = np.zeros(0, np.int32)
        self._set = rules
        self._profiles = profiles
        self._row_of: dict[int, int] = {}
        self._panel_of: dict[tuple[int, ...], int] = {}
        self._watching: dict[tuple[str, Coverage, tuple[int, ...]], Watching] = {}
        self._panel(())

    def watching(self, profile: str, coverage: Coverage, selection: tuple[int, ...]) -> Watching:
        """Return what watches the devices of `profile` that just the overrides `selection` are about.

        Raises KeyError where a rule reads a metric that its profile has not.
        """
        if coverage is Coverage.NONE:
            return _UNWATCHED
        key = (profile, coverage, selection)
        found = self._watching.get(key)
        if found is None:
            found = self._watching[key] = self._watch(*key)
        return found

    def _watch(self, profile: str, coverage: Coverage, selection: tuple[int, ...]) -> Watching:
        by_metric: dict[str, list[int]] = {}
        silences: list[tuple[float, int]] = []
        for rule in self._set.in_force(profile, selection):
            if rule.kind is RuleKind.NO_DATA:
                if coverage is Coverage.ALL:
                    silences.append((rule.terms.after_s, self._row(rule)))  # type: ignore[union-attr]
            elif rule.metric and (coverage is not Coverage.LIFE_SAFETY or rule.alarm_class is AlarmClass.LIFE_SAFETY):
                by_metric.setdefault(rule.metric, []).append(self._row(rule))
        return Watching(
            {metric: self._panel(self._measuring_first(rows)) for metric, rows in by_metric.items()},
            tuple(row for _, row in sorted(silences, key=lambda silence: silence[0])),
        )

    def _measuring_first(self, rows: list[int]) -> tuple[int, ...]:
        return tuple(sorted(rows, key=lambda row: self.records["measure"][row] == Code.VALUE))

    # ── rows ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _row(self, rule: Rule) -> int:
        """Return the row of `rule`; the rule set keeps its rules, so each is told by its identity."""
        row = self._row_of.get(id(rule))
        if row is None:
            row = self._row_of[id(rule)] = len(self.rules)
            self.rules.append(rule)
            self.keys.append(key_of(rule))
            record, parameters = _record(rule, self._profiles)
            self.records = np.append(self.records, record)
            self.parameters = np.vstack((self.parameters, parameters))
        return row

    def _panel(self, rows: tuple[int, ...]) -> int:
        panel = self._panel_of.get(rows)
        if panel is None:
            panel = self._panel_of[rows] = len(self.panels)
            self.panels = np.append(self.panels, _panel(self.records[list(rows)], len(self.panel_rule)))
            self.panel_rule = np.append(self.panel_rule, np.array(rows, np.int32))
        return panel


_ENCODER = msgspec.msgpack.Encoder(order="sorted")


def key_of(rule: Rule) -> bytes:
    """Return what tells rules apart whose state may not go on under one another."""
    measure = MEASURES.get(rule.kind)
    words = measure.memory(rule.terms).words if measure else 0
    return _ENCODER.encode((rule.id, rule.metric, rule.terms, rule.timing, words))


def rule_of_key(key: bytes) -> str:
    """Return the id of the rule whose key it is."""
    rule_id: str = msgspec.msgpack.decode(key)[0]
    return rule_id


def _record(rule: Rule, profiles: Mapping[str, Profile]) -> tuple[NDArray[np.void], NDArray[np.float64]]:
    record = np.zeros(1, RULE)
    parameters = np.zeros(PARAMETERS)
    timing = rule.timing
    record["hold_us"], record["clear_hold_us"] = _us(timing.hold_s), _us(timing.clear_hold_s)
    record["gap_us"] = FOREVER_US if timing.gap_s is None else _us(timing.gap_s)
    record["count"], record["count_within_us"] = timing.count if timing.count > 1 else 0, _us(timing.count_within_s)
    record["repeats"], record["fault"] = rule.kind is RuleKind.ALARM, rule.kind is RuleKind.FAULT
    record["errors"] = np.nan
    record["words"] = record["times"] = record["count"]
    if rule.kind is RuleKind.NO_DATA:
        return record, parameters
    metric = profiles[rule.profile].metrics[rule.metric]
    record["errors"][0, : len(metric.errors)] = metric.errors
    _put(record, _limits(rule, metric))
    measure = MEASURES.get(rule.kind)
    if measure is not None:
        figures = measure.parameters(rule.terms)
        parameters[: len(figures)] = figures
        memory = measure.memory(rule.terms)
        record["measure"] = measure.code
        record["words"] += memory.words
        record["times"] += memory.times
    return record, parameters


def _limits(rule: Rule, metric: Metric) -> Limits:
    measure = MEASURES.get(rule.kind)
    if measure is None:
        return limits_of(rule, metric)
    low, high = withheld_range(metric)
    return msgspec.structs.replace(measure.limits(rule.terms), given_low=low, given_high=high)


def _put(record: NDArray[np.void], limits: Any) -> None:
    for name in ("breach_at_most", "breach_at_least", "clear_low", "clear_high", "given_low", "given_high"):
        record[name] = getattr(limits, name)


def _panel(records: NDArray[np.void], start: int) -> NDArray[np.void]:
    """Return the panel of the rules of `records`, whose rows begin at `start` of `panel_rule`."""
    panel = np.zeros(1, PANEL)
    low, high = _quiet(records)
    panel["quiet_low"], panel["quiet_high"] = low, high
    panel["start"], panel["count"] = start, len(records)
    panel["measuring"] = np.count_nonzero(records["measure"] != Code.VALUE)
    panel["words"] = records["words"].sum()
    panel["keeps"] = panel["words"] > 0
    return panel


def _quiet(records: NDArray[np.void]) -> tuple[float, float]:
    """Return the widest interval of sound values that are in breach of no rule of `records` that judges the value."""
    low, high = -np.inf, np.inf
    for record in records:
        low, high = max(low, float(record["given_low"])), min(high, float(record["given_high"]))
        if record["measure"] == Code.VALUE:
            low = max(low, float(np.nextafter(record["breach_at_most"], np.inf)))
            high = min(high, float(np.nextafter(record["breach_at_least"], -np.inf)))
    errors = [float(code) for record in records for code in record["errors"] if low <= code <= high]
    return (np.inf, -np.inf) if errors else (low, high)


def _us(seconds: float) -> int:
    return round(seconds * 1_000_000)
