"""A small town, rules about its devices, and what happens there as text.

`0 s fire a; 30 s fire b, off fire a; 200 s → 30 s confirmed a [2 of 3] (a b); 60 s off confirmed a [1 of 3] (b)`: on
the left steps, each at our own time, with what its block says; on the right what is concluded, in order.

| on the left | |
|---|---|
| `0 s fire a` | the rule `x.fire` is raised on device a; `0 s` alone is a tick |
| `again fire a`, `off fire a` | it is said again; it ceases |
| `late fire a`, `fire a @ 5 s` | the reading was late; it was measured at 5 s |
| `a to unit 2`, `a is retired` | the registry changes before the block |
| `back to 5 s` | our own clock is set back |
| `restart` | the state goes through a snapshot |

On the right `(a b)` are the members, `[2 of 3]` measure and reference; `since 5 s` is said where it is not the time.
The files of `scenarios/town/` hold lines by kind of rule; their rules are tables as an author writes them.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from devices import Device, Kind, Lifecycle, Metric, MetricType, Profile
from rules.conclusions import Conclusions
from rules.loader import load_rules
from rules.model import (
    RELATION_KINDS,
    AlarmClass,
    AlarmTerms,
    Change,
    Comparison,
    CompositeTerms,
    NeighbourhoodTerms,
    NoDataTerms,
    Rule,
    Scope,
    Severity,
    ThresholdTerms,
    Timing,
)
from rules.ruleset import RuleSet

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from rules.model import Terms

SECOND = 1_000_000

METRICS = {
    "flag": Metric("flag", MetricType.FLAG, "", "Flag", "标志"),
    "event": Metric("event", MetricType.EVENT, "", "Event", "事件"),
    "level": Metric("level", MetricType.GAUGE, "m", "Level", "液位"),
}
PROFILES = {name: Profile(name, Kind.SMOKE, name, name, 30.0, METRICS, (), "x.toml") for name in ("x", "y")}


def rule(what: str, terms: Terms, metric: str = "", **others: object) -> Rule:
    profile, _, _ = what.rpartition(".")
    given = {
        "id": what if profile else f"x.{what}",
        "profile": profile or "x",
        "metric": metric,
        "severity": Severity.ALARM,
        "alarm_class": AlarmClass.PROPERTY,
        "name_en": what,
        "name_zh": what,
        "source": "test",
        "terms": terms,
        **others,
    }
    return Rule(**given)  # type: ignore[arg-type]


FIRE = rule("fire", AlarmTerms(), "flag", alarm_class=AlarmClass.LIFE_SAFETY)
GAS = rule("gas", ThresholdTerms(Comparison.AT_LEAST, 10.0, 5.0), "level")
SOS = rule("sos", AlarmTerms(), "event")
CANCEL = rule("cancel", AlarmTerms(), "event")
LATCHED = rule("latched", AlarmTerms(latched=True), "flag")
DEAD = rule("dead", NoDataTerms(60.0))
OPEN = rule("y.open", AlarmTerms(), "flag")
BASE = (FIRE, GAS, SOS, CANCEL, LATCHED, DEAD, OPEN)

_WRITTEN: Mapping[str, Mapping[str, object]] = {
    "x.fire": {"kind": "alarm", "metric": "flag", "class": "life-safety"},
    "x.gas": {"kind": "threshold", "metric": "level", "at_least": 10.0, "clear": 5.0},
    "x.sos": {"kind": "alarm", "metric": "event"},
    "x.cancel": {"kind": "alarm", "metric": "event"},
    "x.latched": {"kind": "alarm", "metric": "flag", "latched": True},
    "x.dead": {"kind": "no_data", "after": "60 s"},
    "y.open": {"kind": "alarm", "metric": "flag"},
}
"""`BASE` as an author writes it."""


def around(
    what: str, *rules: str, scope: Scope = Scope.UNIT, at_least: int = 2, within_s: float = 60.0, **rest: Any
) -> Rule:
    share, radius_m = float(rest.pop("share", 0.0)), float(rest.pop("radius_m", 0.0))
    terms = NeighbourhoodTerms(_ids(rules), scope, at_least, within_s, share, radius_m)
    return rule(what, terms, **rest)


def together(
    what: str,
    all_of: Sequence[str] = (),
    any_of: Sequence[str] = (),
    none_of: Sequence[str] = (),
    then: Sequence[str] = (),
    within_s: float = 0.0,
    scope: Scope = Scope.DEVICE,
    hold_s: float = 0.0,
    **rest: Any,
) -> Rule:
    terms = CompositeTerms(_ids(all_of), _ids(any_of), _ids(none_of), _ids(then), within_s, scope)
    return rule(what, terms, timing=Timing(hold_s), **rest)


def _ids(rules: Iterable[str]) -> tuple[str, ...]:
    return tuple(what if "." in what else f"x.{what}" for what in rules)


def device(name: str, profile: str = "x", **where: object) -> Device:
    given = {"building": "1", "floor": "1", "unit": "1", "grid": "g", "gateway": "gw", **where}
    return Device("site", name, Kind.SMOKE, profile, **given)  # type: ignore[arg-type]


HOME = (
    device("a", latitude=22.5000, longitude=114.0),
    device("b", latitude=22.5009, longitude=114.0),
    device("c", latitude=22.5018, longitude=114.0),
    device("d", unit="2", latitude=22.5027, longitude=114.0),
    device("e", unit="2", floor="2", latitude=22.51, longitude=114.0),
    device("f", building="2"),
    device("g", building="2", grid="h", gateway="hw"),
    device("y", "y"),
)
"""a, b, c are one home, d the next one on their floor, e on the next floor; from a to d they hang 100 m apart."""


FOLDER = Path(__file__).parent / "scenarios" / "town"


@dataclass(frozen=True)
class TownScenario:
    """One line of a file, and the rules that it is about."""

    kind: str
    rules: RuleSet
    line: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.line}"


def town_scenarios() -> Iterator[TownScenario]:
    """Yield every line of every file."""
    for file in sorted(FOLDER.glob("*.toml")):
        for scenario in tomllib.loads(file.read_text(encoding="utf-8"))["scenario"]:
            rules = read(scenario["rules"])
            for line in scenario["lines"]:
                yield TownScenario(file.stem, rules, line)


def read(tables: Mapping[str, Mapping[str, object]]) -> RuleSet:
    """Return the rules of the town and those of `tables` by name, read as any author's."""
    every = {**{one.id: _WRITTEN[one.id] for one in BASE}, **{f"x.{name}": table for name, table in tables.items()}}
    common = {"severity": "alarm", "class": "property", "source": "test"}
    written = [
        {**common, "id": rule_id, "name": {"en": rule_id, "zh": rule_id}, **table} for rule_id, table in every.items()
    ]
    profiles = {
        name: replace(one, rules=tuple(table for table in written if table["id"].startswith(f"{name}.")))  # type: ignore[attr-defined]
        for name, one in PROFILES.items()
    }
    return load_rules(profiles)


class Town:
    """Conclusions, and devices by name; its steps are played from text."""

    def __init__(self, *rules: Rule, devices: Sequence[Device] = HOME, rule_set: RuleSet | None = None) -> None:
        self.rules = rule_set or RuleSet.of((*BASE, *rules))
        self.by_id = {one.id: one for one in self.rules.rules}
        self.devices = list(devices)
        self.conclusions = Conclusions(self.rules, PROFILES)
        self.conclusions.sync(enumerate(self.devices))
        self.only_relations = True

    def row(self, name: str) -> int:
        return next(row for row, one in enumerate(self.devices) if one.name == name)

    def play(self, line: str) -> tuple[str, str]:
        """Return what `line` expects and what was concluded."""
        given, _, expected = line.partition("→")
        said: list[str] = []
        for step in given.split(";"):
            said += [self.told(change) for change in self.step(step.strip())]
        return expected.strip(), "; ".join(said) or "nothing"

    def step(self, text: str) -> list[Change]:
        if found := re.match(r"back to ([\d.]+) s$", text):
            self.conclusions.bound(_us(found[1]))
            return []
        if text == "restart":
            self.restart()
            return []
        found = re.match(r"(?:tick )?([\d.]+) s ?(.*)$", text)
        assert found, f"cannot read {text!r}"
        now_us = _us(found[1])
        changes = [one for part in found[2].split(",") if part.strip() and (one := self._read(part.strip(), now_us))]
        said = self.conclusions.step(changes, now_us)
        return [one for one in said if one.rule.kind in RELATION_KINDS or not self.only_relations]

    def _read(self, text: str, now_us: int) -> Change | None:
        if found := re.match(r"(\w+) to (\w+) ?(\S*)$", text):
            value = found[3] if found[2] not in {"latitude", "longitude"} else float(found[3]) if found[3] else None
            self.change(found[1], **{found[2]: value})
            return None
        if found := re.match(r"(\w+) is (\w+)$", text):
            self.change(found[1], lifecycle=Lifecycle(found[2]))
            return None
        found = re.match(r"(late )?(again |off )?([\w.-]+) (\w+)(?: @ ([\d.]+) s)?$", text)
        assert found, f"cannot read {text!r}"
        at_us = _us(found[5]) if found[5] else now_us
        which = self.in_force(found[3] if "." in found[3] else f"x.{found[3]}", self.row(found[4]))
        return Change(
            self.row(found[4]),
            -1,
            which,
            holds=found[2] != "off ",
            repeated=found[2] == "again ",
            late=bool(found[1]),
            time_us=at_us,
            since_us=at_us,
        )

    def restart(self, rule_set: RuleSet | None = None) -> list[str]:
        """Go on with the state from a snapshot, under other rules where any are given; return what was dropped."""
        data = self.conclusions.snapshot()
        self.rules = rule_set or self.rules
        self.by_id = {one.id: one for one in self.rules.rules}
        self.conclusions = Conclusions(self.rules, PROFILES)
        self.conclusions.sync(enumerate(self.devices))
        dropped = list(self.conclusions.restore(data))
        if rule_set is None:
            assert self.conclusions.snapshot() == data
        return dropped

    def in_force(self, rule_id: str, row: int) -> Rule:
        selection = self.rules.selection(self.devices[row])
        in_force = self.rules.in_force(self.by_id[rule_id].profile, selection)
        return next(one for one in in_force if one.id == rule_id)

    def change(self, name: str, **what: object) -> None:
        row = self.row(name)
        self.devices[row] = replace(self.devices[row], **what)  # type: ignore[arg-type]
        self.conclusions.sync([(row, self.devices[row])])

    def told(self, change: Change) -> str:
        names = [self.devices[row].name for row in change.members]
        parts = [
            f"{change.time_us / SECOND:.12g} s",
            *(["late"] if change.late else []),
            *(["again"] if change.repeated else ["off"] if not change.holds else []),
            change.rule.id.removeprefix("x."),
            self.devices[change.device_row].name,
        ]
        if change.reference is not None:
            parts.append(f"[{change.measure:g} of {change.reference:g}]")
        if change.rule.kind in RELATION_KINDS:
            parts.append(f"({' '.join(names)})")
        if change.holds and not change.repeated and change.since_us != change.time_us:
            parts.append(f"since {change.since_us / SECOND:.12g} s")
        return " ".join(parts)


def _us(seconds: str) -> int:
    return round(float(seconds) * SECOND)
