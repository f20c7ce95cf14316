"""The compiler: rules as arrays, and which of them watch which channel and device.

Channels that the same rules watch share one *panel*. The registry is taken up by groups of devices, never by channel.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from devices.model import Lifecycle
from rules.limits import Limits, limits_of
from rules.model import AlarmClass, RuleKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from devices.profile import Profile
    from rules.model import Rule, RuleSet

__all__ = ["COVERAGE", "NO_PANEL", "Coverage", "Plan", "compile_rules"]

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
class Plan:
    """The rules of all profiles as arrays; rule rows are those of `rules`, r of them, panels p.

    bounds:                 (6, r) float64  the fields of `Limits`
    hold_us, clear_hold_us: (r,) int64
    repeats:                (r,) bool       whether a breach of what holds already is said again
    panel_start, panel_count: (p,) intp     each panel's run of `panel_rule`, rule rows in rising order
    panel_rule:             (k,) int32
    quiet_low, quiet_high:  (p,) float64    a value within is under no rule of the panel in breach or withheld
    channels:               (profile, coverage) → metric → panel
    silences:               profile → no-data rule rows, shortest silence first
    """

    rules: tuple[Rule, ...]
    row_of: Mapping[str, int]
    bounds: NDArray[np.float64]
    hold_us: NDArray[np.int64]
    clear_hold_us: NDArray[np.int64]
    repeats: NDArray[np.bool_]
    panel_start: NDArray[np.intp]
    panel_count: NDArray[np.intp]
    panel_rule: NDArray[np.int32]
    quiet_low: NDArray[np.float64]
    quiet_high: NDArray[np.float64]
    channels: Mapping[tuple[str, Coverage], Mapping[str, int]]
    silences: Mapping[str, tuple[int, ...]]


def compile_rules(rules: RuleSet, profiles: Mapping[str, Profile]) -> Plan:
    """Return `rules` as arrays. Raises KeyError where a rule reads a metric that its profile has not."""
    limits = [_limits(rule, profiles) for rule in rules.rules]
    bounds = np.array([[getattr(limit, field.name) for limit in limits] for field in fields(Limits)], np.float64)
    panels: dict[tuple[int, ...], int] = {(): NO_PANEL}
    row_of = {rule.id: row for row, rule in enumerate(rules.rules)}
    channels: dict[tuple[str, Coverage], dict[str, int]] = {}
    for profile, its_rules in rules.by_profile.items():
        for coverage in (Coverage.ALL, Coverage.READINGS, Coverage.LIFE_SAFETY):
            by_metric = _rows_by_metric(its_rules, coverage, row_of)
            channels[profile, coverage] = {
                metric: panels.setdefault(rows, len(panels)) for metric, rows in by_metric.items()
            }
    count = np.array([len(rows) for rows in panels], np.intp)
    quiet = np.array([_quiet(limits[row] for row in rows) for rows in panels], np.float64)
    return Plan(
        rules=rules.rules,
        row_of=row_of,
        bounds=bounds,
        hold_us=np.array([_us(rule.hold_s) for rule in rules.rules], np.int64),
        clear_hold_us=np.array([_us(rule.clear_hold_s) for rule in rules.rules], np.int64),
        repeats=np.array([rule.kind is RuleKind.ALARM for rule in rules.rules], np.bool_),
        panel_start=np.cumsum(count) - count,
        panel_count=count,
        panel_rule=np.array([row for rows in panels for row in rows], np.int32),
        quiet_low=quiet[:, 0],
        quiet_high=quiet[:, 1],
        channels=channels,
        silences={profile: _silences(its_rules, row_of) for profile, its_rules in rules.by_profile.items()},
    )


def _limits(rule: Rule, profiles: Mapping[str, Profile]) -> Limits:
    return Limits() if rule.kind is RuleKind.NO_DATA else limits_of(rule, profiles[rule.profile].metrics[rule.metric])


def _rows_by_metric(rules: Iterable[Rule], coverage: Coverage, row_of: Mapping[str, int]) -> dict[str, tuple[int, ...]]:
    by_metric: dict[str, tuple[int, ...]] = {}
    for rule in rules:
        if rule.kind is RuleKind.NO_DATA:
            continue
        if coverage is Coverage.LIFE_SAFETY and rule.alarm_class is not AlarmClass.LIFE_SAFETY:
            continue
        by_metric[rule.metric] = (*by_metric.get(rule.metric, ()), row_of[rule.id])
    return by_metric


def _quiet(limits: Iterable[Limits]) -> tuple[float, float]:
    low, high = -np.inf, np.inf
    for limit in limits:
        low = max(low, float(np.nextafter(limit.breach_at_most, np.inf)), limit.given_low)
        high = min(high, float(np.nextafter(limit.breach_at_least, -np.inf)), limit.given_high)
    return low, high


def _silences(rules: Iterable[Rule], row_of: Mapping[str, int]) -> tuple[int, ...]:
    silent = [rule for rule in rules if rule.kind is RuleKind.NO_DATA]
    return tuple(row_of[rule.id] for rule in sorted(silent, key=lambda rule: rule.after_s or 0.0))


def _us(seconds: float) -> int:
    return round(seconds * 1_000_000)
