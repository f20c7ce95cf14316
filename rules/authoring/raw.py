"""Raw rules: `[[rules]]` tables as they are written, with the place of every key, and changed by overrides."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from devices.profile import MetricType
from rules.model import AlarmClass, Comparison, RuleKind, RuleMode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from devices.profile import Metric, Profile
    from devices.toml_lines import Place
    from rules.authoring.faults import Faults

__all__ = [
    "DURATIONS",
    "RawRule",
    "can_be_withheld",
    "guards_lives",
    "one_per_metric",
    "places_of_each",
    "raw_rules",
    "say_if_silenced",
]

DURATIONS = frozenset(
    {
        "after",
        "at_least_for",
        "baseline",
        "clear_hold",
        "count_within",
        "gap",
        "hold",
        "learn",
        "recovery",
        "until_learned",
        "window",
        "within",
    }
)
"""Keys that hold a duration, as `clear` of a forecast does: as they stand a text ("5 min"), with `_s` seconds."""

_INSTEAD = (
    *(frozenset({key, f"{key}_s"}) for key in (*sorted(DURATIONS), "clear")),
    frozenset(str(comparison) for comparison in Comparison),
    frozenset({"rises_by", "falls_by"}),
    frozenset({"rises_to", "falls_to"}),
)
"""Keys of which a rule has one: an override that gives one takes the others away."""


@dataclass(frozen=True, slots=True)
class RawRule:
    """One rule as it is written.

    id:       its own id; `family` is the id as written: they differ where a fault rule stands for one per metric
    places:   key, dotted where nested ("bands.0.within") → `file:line`; "" is the table
    changed:  keys that overrides gave
    by:       `file:line` of the last override, "" where there is none
    replaces: `file:line` of the shipped rule that it stands in for, "" where there is none
    """

    profile: Profile
    id: str
    family: str
    table: Mapping[str, object]
    places: Mapping[str, str]
    changed: frozenset[str] = frozenset()
    by: str = ""
    replaces: str = ""

    @property
    def is_on(self) -> bool:
        """Whether it is in force."""
        return self.table.get("enabled") is not False

    @property
    def who(self) -> str:
        """How messages call it: as it is written, so that one fault of a rule that stands for several is one."""
        return f"rule {self.id!r} as overridden" if self.by else f"rule {self.family!r}"

    def place(self, key: str = "") -> str:
        """Return where `key` is given, or, of one that is not, its table; the override, where there is one."""
        if self.by and key.partition(".")[0] not in self.changed:
            return self.by
        return place_in(self.places, key)

    def is_signed_with(self, key: str) -> bool:
        """Say whether somebody signs for what `key` does: not for an override who signed for the rule before it."""
        return bool(self.table.get("signed_by")) and ("signed_by" in self.changed or key not in self.changed)

    def overridden(self, changes: Mapping[str, object], places: Mapping[str, str]) -> RawRule:
        """Return it with `changes`, given at `places`."""
        gone = {other for group in _INSTEAD if group & changes.keys() for other in group} | changes.keys()
        return replace(
            self,
            table={**{key: value for key, value in self.table.items() if key not in gone}, **changes},
            places={
                **{key: place for key, place in self.places.items() if key.partition(".")[0] not in gone},
                **{key: place for key, place in places.items() if key.partition(".")[0] in changes},
            },
            changed=(self.changed - gone) | changes.keys(),
            by=places[""],
        )

    def instead_of(self, other: RawRule) -> RawRule:
        """Return it as what stands in for `other`."""
        return replace(self, replaces=other.place("id"))


def raw_rules(profile: Profile) -> list[RawRule]:
    """Return the rules of the file of `profile`."""
    places = places_of_each(profile.lines, "rules", profile.origin)
    found = []
    for nth, table in enumerate(profile.rules):
        written = table.get("id")
        name = written if isinstance(written, str) else str(nth + 1)
        found.append(RawRule(profile, name, name, table, places.get(nth, {"": profile.origin})))
    return found


def places_of_each(lines: Mapping[Place, int], array: str, origin: str) -> dict[str | int, dict[str, str]]:
    """Return, for each table of `array` by its index, its places: dotted key → `file:line`, "" for the table."""
    found: dict[str | int, dict[str, str]] = {}
    for place, line in lines.items():
        if len(place) > 1 and place[0] == array:
            found.setdefault(place[1], {})[".".join(str(part) for part in place[2:])] = f"{origin}:{line}"
    return found


def place_in(places: Mapping[str, str], key: str) -> str:
    """Return the place of `key`, or of what holds it."""
    while key and key not in places:
        key = key.rpartition(".")[0]
    return places[key]


def one_per_metric(raw: RawRule) -> Iterator[RawRule]:
    """Return the rules that `raw` stands for: a fault rule without a metric is one on each metric that can have one."""
    metrics = [metric.name for metric in raw.profile.metrics.values() if can_be_withheld(metric)]
    if raw.table.get("kind") != RuleKind.FAULT or "metric" in raw.table or not metrics:
        yield raw
        return
    for metric in metrics:
        name = f"{raw.id}.{metric}"
        yield replace(raw, id=name, table={**raw.table, "id": name, "metric": metric})


def can_be_withheld(metric: Metric) -> bool:
    """Say whether a reading of `metric` can be a fault rather than a figure."""
    return metric.type is MetricType.GAUGE and not (
        metric.minimum is None and metric.maximum is None and not metric.errors
    )


def guards_lives(table: Mapping[str, object]) -> bool:
    """Say whether the rule of `table` tells people of a danger to life."""
    return (
        table.get("class") == AlarmClass.LIFE_SAFETY
        and table.get("mode", RuleMode.LIVE) == RuleMode.LIVE
        and table.get("enabled") is not False
    )


def say_if_silenced(raw: RawRule, before: RawRule, faults: Faults) -> None:
    """Let nobody take a danger to life out of hearing unless somebody signs for it.

    raw: what stands in for `before`, or what an override makes of it
    """
    if not guards_lives(before.table) or guards_lives(raw.table):
        return
    key = next((key for key in ("enabled", "mode", "class") if raw.table.get(key) != before.table.get(key)), "")
    if not raw.is_signed_with(key):
        faults.say(
            raw.place(key),
            raw.who,
            "it guards lives, and would be silent",
            "`signed_by`: who answers for it, and why",
        )
