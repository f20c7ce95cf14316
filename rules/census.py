"""The census: which rules watch each device, and which relations it belongs to.

Devices alike in profile, coverage and overrides have one *standing*; it is made when the first of them comes.

A relation is about the devices that one of its rules watches, whatever profile it is named after; which variant, the
overrides for the device decide. A device under maintenance belongs only to what guards lives, a retired one to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rules.compiler import COVERAGE, Coverage, key_of
from rules.model import RELATION_KINDS, RuleKind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from devices.model import Device, Lifecycle
    from rules.model import Rule
    from rules.relation import Relation
    from rules.ruleset import RuleSet

__all__ = ["Census", "Standing"]


class Standing(NamedTuple):
    """What devices have in common.

    rules:     rule id → the rule as it watches them; of a relation, as they belong to it
    relations: by order of the relation; None where they do not belong to it
    """

    rules: Mapping[str, Rule]
    relations: tuple[Relation | None, ...]

    def goes_on(self, rule_id: str, after: Standing) -> bool:
        """Say whether what this rule said of a device stays true as the device comes to stand as in `after`."""
        before, now = self.rules.get(rule_id), after.rules.get(rule_id)
        return before is now or (before is not None and now is not None and key_of(before) == key_of(now))


class Census:
    """Knows the devices by row.

    relations: in their order
    basis:     by order of the relation, ids of the rules that read something, heard through whatever relations
    variant:   the relation of a rule as it is in force
    """

    def __init__(
        self,
        rules: RuleSet,
        relations: Sequence[Rule],
        basis: Sequence[frozenset[str]],
        variant: Callable[[Rule], Relation],
    ) -> None:
        self._rules = rules
        self._relations = relations
        self._basis = basis
        self._variant = variant
        self._devices: list[Device | None] = []
        self._standings: list[Standing | None] = []
        self._known: dict[tuple[str, Coverage, tuple[int, ...]], Standing] = {}
        self._usual: dict[tuple[str, Lifecycle, str, str], Standing] = {}
        self._named = {(override.site, override.device) for override in rules.overrides if override.device}

    def device(self, row: int) -> Device | None:
        """Return the device of `row`, None where none is known."""
        return self._devices[row] if row < len(self._devices) else None

    def standing(self, row: int) -> Standing | None:
        """Return the standing of the device of `row`, None where none is known."""
        if row >= len(self._standings):
            return None
        standing = self._standings[row]
        if standing is None and (device := self._devices[row]) is not None:
            standing = self._standings[row] = self.standing_of(device)
        return standing

    def put(self, row: int, device: Device) -> None:
        """Take down the device of `row` as it is now."""
        missing = row + 1 - len(self._devices)
        if missing > 0:
            self._devices.extend([None] * missing)
            self._standings.extend([None] * missing)
        self._devices[row] = device
        self._standings[row] = None

    def standing_of(self, device: Device) -> Standing:
        """Return how `device` stands."""
        if self._named and ((device.site, device.name) in self._named or ("", device.name) in self._named):
            return self._stand(device)
        key = (device.profile, device.lifecycle, device.site, device.grid)
        found = self._usual.get(key)
        if found is None:
            found = self._usual[key] = self._stand(device)
        return found

    def _stand(self, device: Device) -> Standing:
        key = (device.profile, COVERAGE[device.lifecycle], self._rules.selection(device))
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._made(*key)
        return found

    def _made(self, profile: str, coverage: Coverage, selection: tuple[int, ...]) -> Standing:
        found = {
            rule.id: rule
            for rule in self._rules.in_force(profile, selection)
            if rule.kind not in RELATION_KINDS and _covers(coverage, rule)
        }
        relations: list[Relation | None] = []
        for rule, basis in zip(self._relations, self._basis, strict=True):
            here = None if basis.isdisjoint(found) else self._in_force(rule, selection)
            if here is not None and _covers(coverage, here):
                found[here.id] = here
                relations.append(self._variant(here))
            else:
                relations.append(None)
        return Standing(found, tuple(relations))

    def _in_force(self, rule: Rule, selection: tuple[int, ...]) -> Rule | None:
        found = self._rules.in_force(rule.profile, selection)
        return next((one for one in found if one.id == rule.id), None)


def _covers(coverage: Coverage, rule: Rule) -> bool:
    """Say whether `rule` is for devices of this coverage."""
    match coverage:
        case Coverage.ALL:
            return True
        case Coverage.READINGS:
            return rule.kind is not RuleKind.NO_DATA
        case Coverage.LIFE_SAFETY:
            return rule.kind is not RuleKind.NO_DATA and rule.is_life_safety
        case Coverage.NONE:
            return False
