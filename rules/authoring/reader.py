"""The reader of one rule: what every kind has, its terms and its timing; the keys that each kind may have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from devices.profile import MetricType
from devices.units import duration_text
from rules.authoring import levels, measures, relations
from rules.authoring.bounds import PERIOD
from rules.authoring.raw import DURATIONS
from rules.authoring.table import Table
from rules.authoring.unless import read_unless
from rules.model import (
    RELATION_KINDS,
    AlarmClass,
    Comparison,
    Rule,
    RuleKind,
    RuleMode,
    Severity,
    Timing,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from devices.profile import Metric, Profile
    from rules.authoring.faults import Faults
    from rules.authoring.names import Names
    from rules.authoring.raw import RawRule
    from rules.model import Terms

__all__ = ["COMMON_KEYS", "GAPS", "KEYS", "MOST_COUNT", "read_rule"]

GAPS: Final = 3
"""A breach goes on in so many reporting periods of silence, unless lives are at stake or the rule says otherwise."""

MOST_COUNT: Final = 64
"""So many readings `count` may ask for: each is remembered."""

COMMON_KEYS = frozenset(
    {"id", "kind", "severity", "class", "name", "source", "mode", "schedule", "unless", "signed_by", "enabled"}
)
_TIMING = frozenset({"hold", "clear_hold", "gap", "count", "count_within"})

_OWN: Mapping[RuleKind, frozenset[str]] = {
    RuleKind.ALARM: _TIMING | {"metric", "latched"},
    RuleKind.THRESHOLD: _TIMING | {"metric", "clear"} | set(Comparison),
    RuleKind.RANGE: _TIMING | {"metric", "low", "high", "clear_low", "clear_high"},
    RuleKind.FAULT: _TIMING | {"metric"},
    RuleKind.RATE: _TIMING | {"metric", "rises_by", "falls_by", "within", "clear"},
    RuleKind.DOSE: _TIMING | {"metric", "bands", "clear", "recovery"},
    RuleKind.FLATLINE: _TIMING | {"metric", "after", "samples"},
    RuleKind.BASELINE: _TIMING | {"metric", "direction", "deviations", "clear", "least", "learn"},
    RuleKind.INACTIVITY: _TIMING | {"metric", "chance", "at_least_for", "learn", "until_learned"},
    RuleKind.DRIFT: _TIMING | {"metric", "drifts_by", "direction", "clear", "window", "baseline"},
    RuleKind.FORECAST: _TIMING | {"metric", "rises_to", "falls_to", "within", "window", "reset_by", "clear", "clear_s"},
    RuleKind.NO_DATA: frozenset({"after", "periods", "at_least_for"}),
    RuleKind.NEIGHBOURHOOD: frozenset({"rules", "scope", "at_least", "share", "within", "radius_m"}),
    RuleKind.COMPOSITE: frozenset({"all", "any", "none", "then", "within", "scope", "hold"}),
}

KEYS: Mapping[RuleKind, frozenset[str]] = {
    kind: (COMMON_KEYS - ({"unless"} if kind in RELATION_KINDS else set()))
    | own
    | {f"{key}_s" for key in own & DURATIONS}
    for kind, own in _OWN.items()
}
"""The keys that a rule of each kind may have."""

_ON_ANY_TYPE = frozenset({RuleKind.ALARM, RuleKind.THRESHOLD, RuleKind.FAULT, RuleKind.INACTIVITY})
"""Kinds that are for more than gauges, or say themselves what for."""

_ON_A_METRIC: Mapping[RuleKind, Callable[[Table, Metric, float], Terms | None]] = {
    RuleKind.ALARM: lambda table, metric, _: levels.alarm(table, metric),
    RuleKind.THRESHOLD: lambda table, metric, _: levels.threshold(table, metric),
    RuleKind.RANGE: lambda table, metric, _: levels.range_(table, metric),
    RuleKind.FAULT: lambda table, metric, _: levels.fault(table, metric),
    RuleKind.RATE: measures.rate,
    RuleKind.DOSE: measures.dose,
    RuleKind.FLATLINE: lambda table, _, reporting_s: measures.flatline(table, reporting_s),
    RuleKind.BASELINE: lambda table, metric, _: measures.baseline(table, metric),
    RuleKind.INACTIVITY: lambda table, _, reporting_s: measures.inactivity(table, reporting_s),
    RuleKind.DRIFT: measures.drift,
    RuleKind.FORECAST: measures.forecast,
}


def read_rule(raw: RawRule, names: Names, faults: Faults) -> Rule | None:
    """Return the rule of `raw`, on or off, or None where it has a fault; `names` are the ids that it may name."""
    table = Table(raw.table, raw.place, raw.who, faults)
    profile = raw.profile
    kind = table.choice("kind", RuleKind)
    if kind is not None:
        table.refuse_others(KEYS[kind], f"a rule of kind {kind.value!r}")
    table.flag("enabled", default=True)
    _check_id(table, profile)
    name_en, name_zh = _names(table)
    severity, alarm_class = table.choice("severity", Severity), table.choice("class", AlarmClass)
    mode = table.choice("mode", RuleMode, RuleMode.LIVE)
    schedule, signed_by = table.text("schedule", default=""), table.text("signed_by", default="")
    source = table.text("source", "where its figures come from")
    metric = _metric(table, profile) if kind in _ON_A_METRIC else None
    terms = _terms(kind, table, raw.id, profile, metric, names)
    timing = _timing(kind, table, profile, metric, is_life_safety=alarm_class is AlarmClass.LIFE_SAFETY)
    unless = () if kind in RELATION_KINDS else read_unless(table, raw.id, names)
    if alarm_class is AlarmClass.LIFE_SAFETY:
        _check_signed(table, raw)
    if not table.sound or terms is None or severity is None or alarm_class is None or mode is None:
        return None
    return Rule(
        id=raw.id,
        profile=profile.name,
        metric="" if metric is None else metric.name,
        severity=severity,
        alarm_class=alarm_class,
        name_en=name_en,
        name_zh=name_zh,
        source=source,
        terms=terms,
        timing=timing,
        mode=mode,
        schedule=schedule,
        unless=unless,
        signed_by=signed_by,
        origins=_origins(raw),
    )


def _terms(
    kind: RuleKind | None, table: Table, own: str, profile: Profile, metric: Metric | None, names: Names
) -> Terms | None:
    match kind:
        case RuleKind.NO_DATA:
            return measures.no_data(table, profile.reporting_s)
        case RuleKind.NEIGHBOURHOOD:
            return relations.neighbourhood(table, own, names)
        case RuleKind.COMPOSITE:
            return relations.composite(table, own, names)
    if kind is None or metric is None:
        return None
    if metric.type is not MetricType.GAUGE and kind not in _ON_ANY_TYPE:
        table.say("metric", f"{metric.name!r} is of type {metric.type}", "a gauge")
        return None
    return _ON_A_METRIC[kind](table, metric, profile.reporting_s)


def _timing(
    kind: RuleKind | None, table: Table, profile: Profile, metric: Metric | None, *, is_life_safety: bool
) -> Timing:
    """Return how long and how often; where a key is wrong, that is said and anything stands for it."""
    if kind is None:
        return Timing()
    hold_s = table.duration("hold", 0.0) or 0.0 if "hold" in _OWN[kind] else 0.0
    if "gap" not in _OWN[kind]:
        return Timing(hold_s)
    clear_hold_s = table.duration("clear_hold", 0.0) or 0.0
    return Timing(
        hold_s,
        clear_hold_s,
        _gap(table, profile, is_life_safety=is_life_safety),
        *_count(table, profile, metric, hold_s),
    )


def _gap(table: Table, profile: Profile, *, is_life_safety: bool) -> float | None:
    if table.values.get("gap") == "none":
        return None
    gap_s = table.duration("gap", None if is_life_safety else GAPS * profile.reporting_s)
    if table.has("gap") and gap_s is not None and gap_s < profile.reporting_s:
        key = table.form("gap")
        wrong = f"{table.shown(key)} is shorter than {PERIOD}: no breach would last"
        table.say(key, wrong, f"'none', or at least {duration_text(profile.reporting_s)}")
    return gap_s


def _count(table: Table, profile: Profile, metric: Metric | None, hold_s: float) -> tuple[int, float]:
    if not table.has("count") and not table.has("count_within"):
        return 0, 0.0
    count = table.count("count", 2, MOST_COUNT)
    within_s = table.duration("count_within", wanted="the time in which they must come")
    if count is None or within_s is None:
        return 0, 0.0
    if hold_s:
        table.say("count", "count and hold are both given", "one of them")
    needed_s = (count - 1) * profile.reporting_s
    if metric is not None and metric.type is MetricType.GAUGE and within_s < needed_s:
        key = table.form("count_within")
        wrong = f"{table.shown(key)} is too short for {count} reports, one in {duration_text(profile.reporting_s)}"
        table.say(key, wrong, f"at least {duration_text(needed_s)}")
    return count, within_s


def _check_signed(table: Table, raw: RawRule) -> None:
    """Let no danger to life keep hours, or be withheld, unless somebody signs for just that."""
    for key, wrong in (
        ("schedule", "a danger to life does not keep hours"),
        ("unless", "a danger to life would be silent while another rule holds"),
    ):
        if table.values.get(key) and not raw.is_signed_with(key):
            table.say(key, wrong, f"no {key}, or `signed_by` beside it: who answers for it")


# ── what every kind has ──────────────────────────────────────────────────────────────────────────────────────────────


def _check_id(table: Table, profile: Profile) -> None:
    prefix = f"{profile.name}."
    name = table.text("id", f"'{prefix}<what>'")
    if name and (not name.startswith(prefix) or name == prefix):
        table.say("id", f"the id does not begin with its profile {profile.name!r}", f"'{prefix}<what>'")
    elif not set(name).isdisjoint("*?[] "):
        table.say("id", f"id = {name!r} has a space or a mark of a pattern", f"'{prefix}<what>' without")


def _names(table: Table) -> tuple[str, str]:
    match table.values.get("name"):
        case {"en": str(en), "zh": str(zh), **rest} if en.strip() and zh.strip() and not rest:
            return en, zh
        case name:
            table.say("name", "no `name`" if name is None else f"name = {name!r}", '{ en = "…", zh = "…" }')
            return "", ""


def _metric(table: Table, profile: Profile) -> Metric | None:
    value = table.values.get("metric")
    metric = profile.metrics.get(value) if isinstance(value, str) else None
    if metric is None:
        if value is None and table.values.get("kind") == RuleKind.FAULT:
            table.say("", "a fault rule, and no metric of the profile has a range", "a metric with minimum or maximum")
        else:
            wrong = "no `metric`" if value is None else f"metric = {value!r}"
            table.say("metric", wrong, f"one of {', '.join(profile.metrics)}")
    return metric


def _origins(raw: RawRule) -> dict[str, str]:
    """Return the place of each key, and, under "replaces", that of the shipped rule that it stands in for."""
    found = {"id": raw.place("id")}
    found |= {key: place for key, place in raw.places.items() if key and not key.startswith("name.")}
    if raw.replaces:
        found["replaces"] = raw.replaces
    return found
