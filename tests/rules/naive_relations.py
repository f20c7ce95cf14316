"""What the oracle of conclusions takes rules and devices for: obvious functions, with nothing shared."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from devices import Kind, Lifecycle
from rules.model import NeighbourhoodTerms, Rule, RuleKind, Scope

if TYPE_CHECKING:
    from devices import Device

RELATIONS = (RuleKind.NEIGHBOURHOOD, RuleKind.COMPOSITE)


def micro(seconds: float) -> int:
    return round(seconds * 1_000_000)


def hold(rule: Rule) -> int:
    return micro(rule.timing.hold_s)


def terms(rule: Rule) -> Any:
    return rule.terms


def window(rule: Rule) -> int:
    if isinstance(rule.terms, NeighbourhoodTerms):
        return micro(rule.terms.within_s)
    return micro(max(terms(rule).within_s, rule.timing.hold_s) + 60)


def keeps(rule: Rule) -> bool:
    return window(rule) > 0 if isinstance(rule.terms, NeighbourhoodTerms) else bool(terms(rule).then)


def heard_by(rule: Rule) -> tuple[str, ...]:
    its = terms(rule)
    return its.rules if isinstance(its, NeighbourhoodTerms) else (*its.all_of, *its.any_of, *its.none_of, *its.then)


def heard_in_order(rule: Rule) -> tuple[str, ...]:
    its = terms(rule)
    return its.rules if isinstance(its, NeighbourhoodTerms) else (*its.all_of, *its.any_of, *its.then, *its.none_of)


def is_part(rule: Rule, name: str) -> bool:
    return isinstance(rule.terms, NeighbourhoodTerms) or name not in terms(rule).none_of


def alike(one: Rule | None, other: Rule | None) -> bool:
    return one is not None and other is not None and one.decides_like(other)


def covers(device: Device, rule: Rule) -> bool:
    if device.lifecycle is Lifecycle.RETIRED:
        return False
    if device.lifecycle is Lifecycle.MAINTENANCE:
        return rule.is_life_safety and rule.kind is not RuleKind.NO_DATA
    return device.lifecycle is not Lifecycle.UNREGISTERED or rule.kind is not RuleKind.NO_DATA


def place_of(scope: Scope, device: Device) -> tuple[str, ...] | None:  # noqa: PLR0911  # a line a scope
    if scope is Scope.DEVICE:
        return (device.site, device.name)
    if scope is Scope.UNIT and device.unit:
        return (device.site, device.building, device.floor, device.unit)
    if scope is Scope.FLOOR and device.floor and device.building:
        return (device.site, device.building, device.floor)
    if scope is Scope.BUILDING and device.building:
        return (device.site, device.building)
    if scope is Scope.GRID and device.grid:
        return (device.site, device.grid)
    if scope is Scope.SITE:
        return (device.site,)
    if scope is Scope.GATEWAY and device.kind is Kind.GATEWAY:
        return (device.site, device.name)
    if scope is Scope.GATEWAY and device.gateway:
        return (device.site, device.gateway)
    if scope is Scope.RADIUS and device.latitude is not None and device.longitude is not None:
        return ()
    return None


def apart_m(one: Device, other: Device) -> float:
    """Haversine."""
    assert one.latitude is not None
    assert other.latitude is not None
    north, south = math.radians(one.latitude), math.radians(other.latitude)
    east = math.radians((other.longitude or 0.0) - (one.longitude or 0.0))
    square = math.sin((north - south) / 2) ** 2 + math.cos(north) * math.cos(south) * math.sin(east / 2) ** 2
    return 2 * 6_371_008.8 * math.asin(math.sqrt(square))


def joined(sets: list[set[int]]) -> list[set[int]]:
    for one in sets:
        for other in sets:
            if one is not other and one & other:
                return joined([one | other, *(rest for rest in sets if rest is not one and rest is not other)])
    return sets
