"""Scenarios: incidents as scripts, so that what happened, where and when is known, and what should be said of it.

A script is data: for each device curves over the seconds since the beginning, and the moments at which the device
itself raises something. What should be found is worked out from the profiles' raw rule tables and the
readings that will be sent, without the rule engine, so that the engine can be held against it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from devices import Kind
from simulator.truth import Truth, expected_rules

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Collection, Mapping

    from devices import Device, Profile
    from simulator.fleet import Fleet

__all__ = ["Incident", "Part", "Raise", "ScenarioKind", "write_incident"]

DURATION_S = 60.0
SAMPLE_S = 2.0
"""How often a device in an incident reports: it measures faster once something changes."""


class ScenarioKind(StrEnum):
    """The incidents there are."""

    GAS_LEAK = "gas leak"
    KITCHEN_FIRE = "kitchen fire"
    HYDRANT_BURST = "hydrant burst"
    TANK_LEAK = "tank leak"
    ELDER_SOS = "elder's SOS"


@dataclass(frozen=True, slots=True)
class Raise:
    """A device raises a flag or an event by itself, on the alarm lane, `at_s` after the beginning.

    A flag stays up until the incident ends; an event (`momentary`) is said once and never set back.
    """

    metric: str
    at_s: float
    momentary: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """What one device does in an incident.

    row:    position in the fleet
    curves: metric → ((s, value), …), straight in between, in the metric's unit; other metrics stay healthy
    """

    row: int
    curves: Mapping[str, tuple[tuple[float, float], ...]]
    raises: tuple[Raise, ...] = ()

    def values(self, since_s: float) -> dict[str, float]:
        """Return what is out of the ordinary `since_s` after the beginning: curves, and the flags that are up."""
        found = {
            metric: round(float(np.interp(since_s, [s for s, _ in points], [value for _, value in points])), 3)
            for metric, points in self.curves.items()
        }
        found |= {flag.metric: 1 for flag in self.raises if not flag.momentary and since_s >= flag.at_s}
        return found


@dataclass(frozen=True, slots=True)
class Incident:
    """One incident: its parts, when it began, and what should be found."""

    parts: tuple[Part, ...]
    starts_us: int
    truth: Truth

    @property
    def ends_us(self) -> int:
        """When all devices are back to normal, µs since the epoch."""
        return self.starts_us + int(DURATION_S * 1e6)


def write_incident(
    kind: ScenarioKind,
    fleet: Fleet,
    profiles: Mapping[str, Profile],
    rng: random.Random,
    *,
    starts_us: int,
    taken: Collection[int] = (),
) -> Incident | None:
    """Write an incident of `kind` on devices that are not `taken`; None where the fleet has none left for it."""
    free = [row for row in range(len(fleet)) if row not in taken]
    parts = _SCRIPTS[kind](fleet, free, rng)
    if not parts:
        return None
    times = np.arange(0.0, DURATION_S, SAMPLE_S)
    devices = [fleet.devices[part.row] for part in parts]
    expected = [
        (device.key, rule)
        for part, device in zip(parts, devices, strict=True)
        for rule in expected_rules(
            profiles[device.profile], times, [part.values(t) for t in times], {up.metric for up in part.raises}
        )
    ]
    truth = Truth(
        what=_STORIES[kind],
        kind=kind.value,
        devices=tuple(device.key for device in devices),
        place=devices[0].place,
        starts_us=starts_us,
        expected=tuple(expected),
    )
    return Incident(parts, starts_us, truth)


# ── the scripts ──────────────────────────────────────────────────────────────────────────────────────────────────────

_STORIES: Mapping[ScenarioKind, str] = {
    ScenarioKind.GAS_LEAK: "gas escapes in a kitchen, is aired, and the detector falls silent",
    ScenarioKind.KITCHEN_FIRE: "a pan catches fire: the kitchen's smoke detector, then a second one close by",
    ScenarioKind.HYDRANT_BURST: "a pipe bursts and a hydrant loses its pressure until the main is switched over",
    ScenarioKind.TANK_LEAK: "a fire-water tank runs out to below half and is refilled",
    ScenarioKind.ELDER_SOS: "an elder presses SOS, with a racing heart",
}


def _of_kind(fleet: Fleet, free: list[int], kind: Kind) -> list[int]:
    return [row for row in free if fleet.devices[row].kind is kind]


def _one(fleet: Fleet, free: list[int], kind: Kind, rng: random.Random) -> list[int]:
    rows = _of_kind(fleet, free, kind)
    return [rng.choice(rows)] if rows else []


def _gas_leak(fleet: Fleet, free: list[int], rng: random.Random) -> tuple[Part, ...]:
    peak = rng.uniform(30, 40)
    curve = ((0, 1.0), (3, 6.0), (7, 12.0), (20, peak), (35, peak), (50, 4.0), (DURATION_S, 0.5))
    return tuple(Part(row, {"gas_lel": curve}, (Raise("gas", 8.0),)) for row in _one(fleet, free, Kind.GAS, rng))


def _kitchen_fire(fleet: Fleet, free: list[int], rng: random.Random) -> tuple[Part, ...]:
    """Set off two smoke detectors of one home, where there are such homes, else of one stairwell.

    A home whose kitchen has a gas detector is taken first: it sees a little, below every limit.
    """
    pairs = _neighbours(fleet, _of_kind(fleet, free, Kind.SMOKE))
    if not pairs:
        return ()
    gas_of = {_home(fleet.devices[row]): row for row in _of_kind(fleet, free, Kind.GAS)}
    first, second = rng.choice([pair for pair in pairs if _home(fleet.devices[pair[0]]) in gas_of] or pairs)
    near = ((0, 0.0), (2, 0.15), (25, 1.2), (40, 0.6), (DURATION_S, 0.01))
    far = ((0, 0.0), (12, 0.12), (35, 0.7), (50, 0.4), (DURATION_S, 0.01))
    parts = [
        Part(first, {"density_db_m": near}, (Raise("smoke", 2.0),)),
        Part(second, {"density_db_m": far}, (Raise("smoke", rng.uniform(10.0, 14.0)),)),
    ]
    gas = gas_of.get(_home(fleet.devices[first]))
    if gas is not None:
        parts.append(Part(gas, {"gas_lel": ((0, 1.0), (15, 3.5), (40, 2.0), (DURATION_S, 0.5))}))
    return tuple(parts)


def _hydrant_burst(fleet: Fleet, free: list[int], rng: random.Random) -> tuple[Part, ...]:
    lowest = rng.uniform(0.04, 0.07)
    curve = ((0, 0.28), (4, 0.12), (8, lowest), (40, lowest), (50, 0.2), (DURATION_S, 0.3))
    return tuple(
        Part(
            row,
            {"pressure_mpa": curve, "loop_ma": tuple((s, 4.0 + 10.0 * mpa) for s, mpa in curve)},
            (Raise("pressure_low", 4.0),),
        )
        for row in _one(fleet, free, Kind.HYDRANT, rng)
    )


def _tank_leak(fleet: Fleet, free: list[int], rng: random.Random) -> tuple[Part, ...]:
    lowest = rng.uniform(38, 45)
    curve = ((0, 98.0), (4, 88.0), (25, lowest), (40, lowest), (DURATION_S, 98.0))
    return tuple(
        Part(
            row,
            {"level_pct": curve, "loop_ma": tuple((s, 4.0 + 16.0 * pct / 150.0) for s, pct in curve)},
            (Raise("level_low", 4.0),),
        )
        for row in _one(fleet, free, Kind.TANK, rng)
    )


def _elder_sos(fleet: Fleet, free: list[int], rng: random.Random) -> tuple[Part, ...]:
    curve = ((0, 96.0), (6, 118.0), (40, 124.0), (DURATION_S, 88.0))
    return tuple(
        Part(row, {"heart_rate": curve}, (Raise("sos", 1.0, momentary=True),))
        for row in _one(fleet, free, Kind.WATCH, rng)
    )


_SCRIPTS: Mapping[ScenarioKind, Callable[[Fleet, list[int], random.Random], tuple[Part, ...]]] = {
    ScenarioKind.GAS_LEAK: _gas_leak,
    ScenarioKind.KITCHEN_FIRE: _kitchen_fire,
    ScenarioKind.HYDRANT_BURST: _hydrant_burst,
    ScenarioKind.TANK_LEAK: _tank_leak,
    ScenarioKind.ELDER_SOS: _elder_sos,
}


def _neighbours(fleet: Fleet, rows: list[int]) -> list[tuple[int, int]]:
    """Return pairs of one home, or where there are none, of one floor."""
    for place in (_home, _floor):
        groups: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
        for row in rows:
            groups[place(fleet.devices[row])].append(row)
        pairs = [(group[0], group[1]) for group in groups.values() if len(group) > 1]
        if pairs:
            return pairs
    return []


def _floor(device: Device) -> tuple[str, ...]:
    return device.grid, device.building, device.floor


def _home(device: Device) -> tuple[str, ...]:
    return *_floor(device), device.unit
