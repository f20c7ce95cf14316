"""Inhibition: an open incident hides those that it explains.

What is hidden is no state of its own: it follows from the incidents that are open, so it survives a restart.

| never hidden | since |
|---|---|
| what is more severe than its source | the source does not tell how bad it is |
| life safety, by anything else | a dead gateway explains no fire |
| life safety, by what a silence keeps from being told | nobody would hear of either |
| itself, and what hides it, be it by a chain | nobody would hear of any of them |
| anything, by a source whose condition has ended | it may be a new danger |
| anything, by a field that either of the two does not have | two devices without a building share none |

A person's acceptance of a source changes nothing: it is open as long as it is not resolved.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from itertools import islice
from typing import TYPE_CHECKING, Final

from alerts.noise.danger import RANK, Danger
from alerts.response_event import ResponseKind
from devices.model import Kind
from rules.model import AlarmClass, RuleKind, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["DEFAULT_INHIBITIONS", "Condition", "Equal", "Inhibition", "Inhibitions"]

DEEPEST: Final = 8
"""So many may hide each other in a chain."""
TRIED: Final = 32
"""So many sources of one target are looked at, the oldest first; beyond that it is told."""
SORTS_KEPT: Final = 10_000

_Key = tuple[str, ...]
_Sort = tuple[Kind, str, RuleKind | None, AlarmClass, Severity]


class Equal(StrEnum):
    """What source and target have in common."""

    SITE = "site"
    GRID = "grid"
    BUILDING = "building"
    FLOOR = "floor"
    UNIT_NAME = "unit_name"
    DEVICE = "device"
    KIND = "kind"
    GATEWAY = "gateway"
    """The target hangs on the source, or on the same gateway where the source is none."""
    MEMBERS = "members"
    """The target's device is the source's, or one of the first 50 that have a part in it."""


@dataclass(frozen=True, slots=True)
class Condition:
    """Which incidents are meant: those that have all that is given; () means any.

    rules: ids, `prefix.*` or `*.suffix`
    """

    kinds: tuple[Kind, ...] = ()
    classes: tuple[AlarmClass, ...] = ()
    rules: tuple[str, ...] = ()
    rule_kinds: tuple[RuleKind, ...] = ()
    min_severity: Severity = Severity.ADVISORY

    def is_met_by(self, danger: Danger) -> bool:
        """Say whether the incident is meant."""
        return (
            (not self.kinds or danger.kind in self.kinds)
            and (not self.classes or danger.alarm_class in self.classes)
            and (not self.rule_kinds or danger.rule_kind in self.rule_kinds)
            and RANK[danger.severity] >= RANK[self.min_severity]
            and (not self.rules or any(fnmatchcase(danger.rule_id, pattern) for pattern in self.rules))
        )


@dataclass(frozen=True, slots=True)
class Inhibition:
    """One rule: an open `source` hides each `target` that has the same in all fields of `equal`, which is not empty."""

    name: str
    source: Condition
    target: Condition
    equal: tuple[Equal, ...]


_NO_DATA: Final = Condition(
    classes=(AlarmClass.TROUBLE, AlarmClass.SUPERVISORY), rules=("*.no-data", "*.no-data-long", "*.offline")
)
_DETECTORS: Final = (Kind.SMOKE, Kind.GAS, Kind.CO, Kind.HYDRANT, Kind.TANK, Kind.TILT)
"""No watches: two people who press SOS are two people."""

DEFAULT_INHIBITIONS: Final = (
    Inhibition(
        "gateway",
        Condition(kinds=(Kind.GATEWAY,), rules=("*.no-data", "*.offline")),
        _NO_DATA,
        (Equal.SITE, Equal.GATEWAY),
    ),
    Inhibition(
        "confirmed",
        Condition(rule_kinds=(RuleKind.NEIGHBOURHOOD,), classes=(AlarmClass.LIFE_SAFETY,)),
        Condition(kinds=_DETECTORS, classes=(AlarmClass.LIFE_SAFETY,)),
        (Equal.SITE, Equal.KIND, Equal.MEMBERS),
    ),
    Inhibition(
        "fire",
        Condition(kinds=(Kind.SMOKE,), classes=(AlarmClass.LIFE_SAFETY,)),
        Condition(classes=(AlarmClass.TROUBLE,)),
        (Equal.SITE, Equal.MEMBERS),
    ),
    Inhibition(
        "burst",
        Condition(kinds=(Kind.HYDRANT,), rule_kinds=(RuleKind.NEIGHBOURHOOD,)),
        Condition(classes=(AlarmClass.SUPERVISORY,)),
        (Equal.SITE, Equal.KIND, Equal.MEMBERS),
    ),
    Inhibition(
        "building",
        Condition(rules=("*.many-silent",)),
        _NO_DATA,
        (Equal.SITE, Equal.BUILDING),
    ),
)
"""In force unless the settings say `default_inhibitions = false`; docs say them in words."""


@dataclass(slots=True)
class _Roles:
    """In which rules, by place, an incident of one sort is a source and a target."""

    source: tuple[int, ...]
    target: tuple[int, ...]


@dataclass(slots=True)
class Inhibitions:
    """The rules, and the open incidents that are sources of any."""

    rules: Sequence[Inhibition]
    _sources: dict[tuple[int, _Key], list[tuple[int, str]]] = field(default_factory=dict)
    _roles: dict[_Sort, _Roles] = field(default_factory=dict)

    def clear(self) -> None:
        """Forget every source."""
        self._sources.clear()

    def add(self, danger: Danger) -> None:
        """Take an open incident up as a source of whatever it is one of."""
        for place in self._keys(danger):
            insort(self._sources.setdefault(place, []), (danger.order, danger.id))

    def remove(self, danger: Danger) -> None:
        """Take it away; it is as it was when it was added."""
        entry = (danger.order, danger.id)
        for place in self._keys(danger):
            entries = self._sources[place]
            del entries[bisect_left(entries, entry)]
            if not entries:
                del self._sources[place]

    def could_hide(self, source: Danger, target: Danger) -> bool:
        """Say whether any rule makes the one a source of the other, however bad they are."""
        return any(
            key in _source_keys(self.rules[number], source)
            for number in self._roles_of(source).source
            if number in self._roles_of(target).target and (key := _target_key(self.rules[number], target)) is not None
        )

    def source_of(self, target: Danger, dangers: Mapping[str, Danger]) -> Danger | None:
        """Return the oldest of the open `dangers` that hides `target`, by the first rule that has one; None if none."""
        for number in self._roles_of(target).target:
            key = _target_key(self.rules[number], target)
            if key is None:
                continue
            for _, name in islice(self._sources.get((number, key), ()), TRIED):
                source = dangers[name]
                if _may_hide(source, target) and _is_free_of(target, source, dangers):
                    return source
        return None

    def _roles_of(self, danger: Danger) -> _Roles:
        sort = (danger.kind, danger.rule_id, danger.rule_kind, danger.alarm_class, danger.severity)
        roles = self._roles.get(sort)
        if roles is None:
            if len(self._roles) >= SORTS_KEPT:
                self._roles.clear()
            roles = _Roles(
                tuple(number for number, rule in enumerate(self.rules) if rule.source.is_met_by(danger)),
                tuple(number for number, rule in enumerate(self.rules) if rule.target.is_met_by(danger)),
            )
            self._roles[sort] = roles
        return roles

    def _keys(self, danger: Danger) -> list[tuple[int, _Key]]:
        return [
            (number, key)
            for number in self._roles_of(danger).source
            for key in _source_keys(self.rules[number], danger)
        ]


def _may_hide(source: Danger, target: Danger) -> bool:
    if not source.holds or RANK[source.severity] < RANK[target.severity]:
        return False
    return not target.is_life_safety or (source.is_life_safety and source.kept is not ResponseKind.SILENCED)


def _is_free_of(target: Danger, source: Danger, dangers: Mapping[str, Danger]) -> bool:
    """Say whether `source` is not `target`, nor hidden by it, be it through others."""
    at: Danger | None = source
    for _ in range(DEEPEST):
        if at is None or at.id == target.id:
            return at is None
        at = dangers.get(at.by) if at.kept is ResponseKind.INHIBITED else None
    return at is None


def _source_keys(rule: Inhibition, danger: Danger) -> list[_Key]:
    fixed = _fixed(rule, danger, _OF_SOURCE)
    if fixed is None:
        return []
    if Equal.MEMBERS not in rule.equal:
        return [fixed]
    return [(*fixed, device) for device in dict.fromkeys((danger.device, *danger.members))]


def _target_key(rule: Inhibition, danger: Danger) -> _Key | None:
    fixed = _fixed(rule, danger, _OF_TARGET)
    if fixed is None or Equal.MEMBERS not in rule.equal:
        return fixed
    return (*fixed, danger.device)


def _fixed(rule: Inhibition, danger: Danger, of: Mapping[Equal, Callable[[Danger], str]]) -> _Key | None:
    """Return what the incident has in the fields of `equal` but for the members; None where it has nothing in one."""
    key = tuple(of[name](danger) for name in rule.equal if name is not Equal.MEMBERS)
    return key if all(key) else None


def _gateway_of_source(danger: Danger) -> str:
    return danger.device.partition("/")[2] if danger.kind is Kind.GATEWAY else danger.gateway


_OF_TARGET: Final[Mapping[Equal, Callable[[Danger], str]]] = {
    Equal.SITE: lambda danger: danger.site,
    Equal.GRID: lambda danger: danger.grid,
    Equal.BUILDING: lambda danger: danger.building,
    Equal.FLOOR: lambda danger: danger.floor,
    Equal.UNIT_NAME: lambda danger: danger.unit_name,
    Equal.DEVICE: lambda danger: danger.device,
    Equal.KIND: lambda danger: danger.kind,
    Equal.GATEWAY: lambda danger: danger.gateway,
}
_OF_SOURCE: Final[Mapping[Equal, Callable[[Danger], str]]] = {**_OF_TARGET, Equal.GATEWAY: _gateway_of_source}
