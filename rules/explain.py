"""Explaining: which rules are in force on a device, what they say, and where each figure comes from."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import msgspec

from devices.toml_lines import line_of
from rules.authoring.relations import heard_by
from rules.compiler import COVERAGE, Coverage
from rules.model import AlarmClass, RuleKind, RuleMode, Severity
from rules.words import figures_of, words_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from devices.model import Device
    from devices.profile import Profile
    from rules.model import Rule
    from rules.ruleset import Override, RuleSet, Window

__all__ = ["ExplainedRule", "Explanation", "Figure", "explain", "override_text", "window_text"]


class Figure(msgspec.Struct, frozen=True):
    """One figure of a rule.

    key:    of the rule's TOML table
    value:  with its unit
    origin: `file:line`, or why it is so where nobody gave it
    """

    key: str
    value: str
    origin: str


class ExplainedRule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule as it is in force.

    says:      in words, with units
    origin:    `file:line` of the rule
    replaces:  `file:line` of the shipped rule that it stands in for, or ""
    watches:   whether it watches the device where that is in its life; True where there is no device
    overrides: those that made it what it is; for a whole profile, those that make it otherwise somewhere
    windows:   maintenance windows, current and to come, in which it is silent
    feeds:     ids of the rules that hear it: relations, and those that are not raised while it holds
    """

    id: str
    kind: RuleKind
    severity: Severity
    alarm_class: AlarmClass
    mode: RuleMode
    name_en: str
    name_zh: str
    says: str
    figures: tuple[Figure, ...]
    source: str
    origin: str
    replaces: str = ""
    watches: bool = True
    schedule: str = ""
    signed_by: str = ""
    overrides: tuple[str, ...] = ()
    windows: tuple[str, ...] = ()
    feeds: tuple[str, ...] = ()


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """What watches a device, or any device of a profile.

    device, place, lifecycle, coverage: "" where it is about a profile
    switched_off: rules that overrides take away here, and where
    """

    profile: str
    rules: tuple[ExplainedRule, ...]
    device: str = ""
    place: str = ""
    lifecycle: str = ""
    coverage: str = ""
    switched_off: tuple[str, ...] = ()


_COVERAGE_TEXT = {
    Coverage.ALL: "all rules",
    Coverage.READINGS: "all rules but those of its silence",
    Coverage.LIFE_SAFETY: "only life-safety rules, and not those of its silence",
    Coverage.NONE: "no rule",
}


def explain(rules: RuleSet, profile: Profile, device: Device | None = None, now_us: int = 0) -> Explanation:
    """Return what watches `device`, or, without one, any device of `profile` that no override is about.

    now_us: µs since the epoch; windows that ended before are left out
    """
    selection = () if device is None else rules.selection(device)
    coverage = Coverage.ALL if device is None else COVERAGE[device.lifecycle]
    in_force = rules.in_force(profile.name, selection)
    explained = tuple(
        ExplainedRule(
            id=rule.id,
            kind=rule.kind,
            severity=rule.severity,
            alarm_class=rule.alarm_class,
            mode=rule.mode,
            name_en=rule.name_en,
            name_zh=rule.name_zh,
            says=words_of(rule, profile.metrics.get(rule.metric)),
            figures=tuple(_figures(rule, profile)),
            source=rule.source,
            origin=rule.origins.get("id", profile.origin),
            replaces=rule.origins.get("replaces", ""),
            watches=_watches(rule, coverage),
            schedule=_schedule_text(rule, rules),
            signed_by=rule.signed_by,
            overrides=tuple(_overrides(rule.id, rules, None if device is None else selection)),
            windows=tuple(_windows(rule, rules, device, now_us)),
            feeds=tuple(_feeds(rule.id, rules, in_force)),
        )
        for rule in in_force
    )
    left = {rule.id for rule in in_force}
    off = tuple(
        f"{rule.id}: {', '.join(_overrides(rule.id, rules, selection))}"
        for rule in rules.by_profile.get(profile.name, ())
        if rule.id not in left
    )
    if device is None:
        return Explanation(profile=profile.name, rules=explained)
    return Explanation(
        profile=profile.name,
        rules=explained,
        device=device.key,
        place=device.place,
        lifecycle=device.lifecycle,
        coverage=_COVERAGE_TEXT[coverage],
        switched_off=off,
    )


def override_text(override: Override) -> str:
    """Return whom an override is about, and where it stands."""
    named = (("site", override.site), ("grid", override.grid), ("device", override.device))
    about = ", ".join(f"{word} {name}" for word, name in named if name)
    return f"{about} ({override.origin})"


def window_text(window: Window, timezone: str) -> str:
    """Return when a maintenance window is, in `timezone`, who asked for it, why, and where it stands."""
    start, end = (
        datetime.fromtimestamp(us / 1e6, ZoneInfo(timezone)).strftime("%Y-%m-%d %H:%M")
        for us in (window.from_us, window.to_us)
    )
    signed = f", signed by {window.signed_by}" if window.signed_by else ""
    return f"{start} … {end}, {window.by}: {window.reason}{signed} ({window.origin})"


def _figures(rule: Rule, profile: Profile) -> Iterator[Figure]:
    if rule.kind is RuleKind.FAULT:
        yield from _range_figures(profile, rule.metric)
    for key, value in figures_of(rule, profile.metrics.get(rule.metric)):
        origin = rule.origins.get(key) or rule.origins.get(f"{key}_s")
        if origin is None and key == "gap" and not rule.is_life_safety:
            origin = f"default, by reporting_s ({profile.origin}:{line_of(profile.lines, ('reporting_s',))})"
        yield Figure(key, value, origin or "default")


def _range_figures(profile: Profile, metric_name: str) -> Iterator[Figure]:
    """Yield what a sensor can say, which is given with its metric."""
    metric = profile.metrics[metric_name]
    codes = ", ".join(f"{code:g}" for code in metric.errors) or None
    for key, value in (("minimum", metric.minimum), ("maximum", metric.maximum), ("errors", codes)):
        if value is not None:
            line = line_of(profile.lines, ("metrics", metric_name, key))
            shown = value if isinstance(value, str) else f"{value:g}"
            yield Figure(key, f"{shown} {metric.unit}", f"{profile.origin}:{line}")


def _overrides(rule_id: str, rules: RuleSet, selection: tuple[int, ...] | None) -> Iterator[str]:
    """Yield the overrides of a rule, of `selection` where that is given."""
    for row, override in enumerate(rules.overrides):
        if rule_id in override.rules and (selection is None or row in selection):
            yield override_text(override)


def _feeds(rule_id: str, rules: RuleSet, in_force: Iterable[Rule]) -> Iterator[str]:
    """Yield the relations that hear a rule, and those of `in_force` that name it in `unless`."""
    yield from (other.id for other in rules.relations if rule_id in heard_by(other))
    yield from (other.id for other in in_force if rule_id in other.unless)


def _watches(rule: Rule, coverage: Coverage) -> bool:
    match coverage:
        case Coverage.ALL:
            return True
        case Coverage.READINGS:
            return rule.kind is not RuleKind.NO_DATA
        case Coverage.LIFE_SAFETY:
            return rule.is_life_safety and rule.kind is not RuleKind.NO_DATA
        case Coverage.NONE:
            return False


def _schedule_text(rule: Rule, rules: RuleSet) -> str:
    origin = next((schedule.origin for schedule in rules.schedules if schedule.name == rule.schedule), "")
    return f"{rule.schedule} ({origin})" if origin else rule.schedule


def _windows(rule: Rule, rules: RuleSet, device: Device | None, now_us: int) -> Iterator[str]:
    for window in rules.windows:
        if window.to_us <= now_us or (rule.is_life_safety and not window.signed_by):
            continue
        if (not window.rules or rule.id in window.rules) and (device is None or _is_about(window, device)):
            yield window_text(window, rules.timezone)


def _is_about(window: Window, device: Device) -> bool:
    return (
        window.site in ("", device.site)
        and window.grid in ("", device.grid)
        and window.building in ("", device.building)
        and window.device in ("", device.name)
    )
