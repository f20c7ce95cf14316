"""Relations: whether a raw neighbourhood or composite table comes to hold, given where other rules do."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from devices.units import seconds_in
from simulator.fleet import metres_between

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from devices import Device

    Rule = Mapping[str, object]
    Held = Mapping[str, list[Device]]

__all__ = ["RELATIONS", "relates", "seconds"]

RELATIONS: Final = frozenset({"neighbourhood", "composite"})
"""The kinds about what other rules say; they are expected of an incident, not of one of its devices."""


def relates(rule: Rule, held: Held, lasts_s: float) -> bool:
    """Say whether the relation `rule` comes to hold in an incident.

    held: rule id → the devices on which it holds
    What holds is taken to hold together, from its beginning to the end of the incident; a share of a place's devices
    is not looked at.
    """
    return _together(rule, held) if rule["kind"] == "neighbourhood" else _composed(rule, held, lasts_s)


def seconds(rule: Rule, key: str) -> float:
    """Return a duration of a raw table, given as `key` with its unit or as `key_s`; 0.0 where it is not given."""
    return seconds_in(str(rule[key])) if key in rule else float(str(rule.get(f"{key}_s", 0.0)))


def _together(rule: Rule, held: Held) -> bool:
    scope, at_least = str(rule["scope"]), int(str(rule["at_least"]))
    heard = {device.key: device for name in _ids(rule, "rules") for device in _on(name, held)}.values()
    if scope == "radius":
        reach = float(str(rule["radius_m"]))
        return any(sum(metres_between(one, other) <= reach for other in heard) >= at_least for one in heard)
    return any(sum(_place(one, scope) == place for one in heard) >= at_least for place in _places(heard, scope))


def _composed(rule: Rule, held: Held, lasts_s: float) -> bool:
    if seconds(rule, "hold") >= lasts_s:
        return False
    scope = str(rule.get("scope", "device"))
    every, any_of, none = _ids(rule, "all") + _ids(rule, "then"), _ids(rule, "any"), _ids(rule, "none")
    heard = [device for name in every + any_of for device in _on(name, held)]
    return any(
        all(_in_place(name, held, scope, place) for name in every)
        and (not any_of or any(_in_place(name, held, scope, place) for name in any_of))
        and not any(_in_place(name, held, scope, place) for name in none)
        for place in _places(heard, scope)
    )


def _ids(rule: Rule, key: str) -> list[str]:
    given = rule.get(key, ())
    return [str(name) for name in given] if isinstance(given, list) else []


def _on(name: str, held: Held) -> list[Device]:
    """Return the devices on which the rules that `name` (an id, or a pattern) is about hold."""
    about = [one for one in held if one == name or one.startswith(f"{name}.") or fnmatchcase(one, name)]
    return [device for one in about for device in held[one]]


def _places(devices: Iterable[Device], scope: str) -> set[tuple[str, ...]]:
    return {_place(device, scope) for device in devices}


def _in_place(name: str, held: Held, scope: str, place: tuple[str, ...]) -> bool:
    return any(_place(device, scope) == place for device in _on(name, held))


def _place(device: Device, scope: str) -> tuple[str, ...]:
    building = (device.site, device.grid, device.building)
    return {
        "device": (device.key,),
        "unit": (*building, device.floor, device.unit),
        "floor": (*building, device.floor),
        "building": building,
        "grid": (device.site, device.grid),
        "site": (device.site,),
        "gateway": (device.site, device.gateway),
    }[scope]
