"""Stories: the incidents that the live simulation plays, each a script that casts devices and says what they do."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from devices import Kind
from simulator.courses import HYDRANT_FULL_MPA, TANK_FULL_PCT
from simulator.part import DURATION_S, Part, Raise

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping

    from devices import Device
    from simulator.fleet import Fleet

__all__ = ["STORIES", "ScenarioKind", "Story"]

BURST_M = 300.0
"""Hydrants on one burst main lie within so many metres of the first."""
BURST_HYDRANTS = 5
GATEWAY_LOST_S = 240.0
"""Long enough for three missed reports."""
CO_HEATING_S = 240.0
"""Long enough for a whole dose of 300 ppm, which EN 50291 gives 3 min."""


class ScenarioKind(StrEnum):
    """The incidents there are."""

    GAS_LEAK = "gas leak"
    KITCHEN_FIRE = "kitchen fire"
    HYDRANT_BURST = "hydrant burst"
    TANK_LEAK = "tank leak"
    ELDER_SOS = "elder's SOS"
    MAIN_BURST = "main burst"
    CO_HEATING = "CO while heating"
    TANK_DRAINING = "tank draining"
    BROKEN_WIRE = "broken wire"
    ELDER_FALL = "elder's fall"
    GATEWAY_LOST = "gateway lost"


@dataclass(frozen=True, slots=True)
class Story:
    """One kind of incident.

    what:    in words
    cast:    returns the parts on free devices; none where the fleet has none left for it
    lasts_s: until all devices are back to normal
    """

    what: str
    cast: Callable[[Fleet, list[int], random.Random], tuple[Part, ...]]
    lasts_s: float = DURATION_S


def _loop(curve: tuple[tuple[float, float], ...], full: float) -> tuple[tuple[float, float], ...]:
    """Return what a transmitter draws along `curve`, mA: 4 … 20 for 0 … `full`."""
    return tuple((s, 4.0 + 16.0 * value / full) for s, value in curve)


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
        Part(row, {"pressure_mpa": curve, "loop_ma": _loop(curve, HYDRANT_FULL_MPA)}, (Raise("pressure_low", 4.0),))
        for row in _one(fleet, free, Kind.HYDRANT, rng)
    )


def _tank_leak(fleet: Fleet, free: list[int], rng: random.Random) -> tuple[Part, ...]:
    lowest = rng.uniform(38, 45)
    curve = ((0, 98.0), (4, 88.0), (25, lowest), (40, lowest), (DURATION_S, 98.0))
    return tuple(
        Part(row, {"level_pct": curve, "loop_ma": _loop(curve, TANK_FULL_PCT)}, (Raise("level_low", 4.0),))
        for row in _one(fleet, free, Kind.TANK, rng)
    )


def _elder_sos(fleet: Fleet, free: list[int], rng: random.Random) -> tuple[Part, ...]:
    curve = ((0, 96.0), (6, 118.0), (40, 124.0), (DURATION_S, 88.0))
    return tuple(
        Part(row, {"heart_rate": curve}, (Raise("sos", 1.0, momentary=True),))
        for row in _one(fleet, free, Kind.WATCH, rng)
    )


def _main_burst(fleet: Fleet, free: list[int], rng: random.Random) -> tuple[Part, ...]:
    """Let five hydrants fall together to well above every limit: only that they fall together tells of it."""
    hydrants = _of_kind(fleet, free, Kind.HYDRANT)
    around = [[other for other in hydrants if fleet.metres(row, other) <= BURST_M] for row in hydrants]
    streets = [rows[:BURST_HYDRANTS] for rows in around if len(rows) >= BURST_HYDRANTS]
    parts = []
    for row in rng.choice(streets) if streets else ():
        begins, lost = rng.uniform(0, 8), rng.uniform(0.1, 0.12)
        level = 0.28
        curve = ((0, level), (begins, level), (begins + 12, level - lost), (48, level - lost), (DURATION_S, level))
        parts.append(Part(row, {"pressure_mpa": curve, "loop_ma": _loop(curve, HYDRANT_FULL_MPA)}))
    return tuple(parts)


def _co_heating(fleet: Fleet, free: list[int], rng: random.Random) -> tuple[Part, ...]:
    peak = rng.uniform(450, 600)
    curve = ((0, 5.0), (10, 320.0), (40, peak), (210, peak), (CO_HEATING_S, 20.0))
    return tuple(Part(row, {"co_ppm": curve}, (Raise("co", 150.0),)) for row in _one(fleet, free, Kind.CO, rng))


def _tank_draining(fleet: Fleet, free: list[int], rng: random.Random) -> tuple[Part, ...]:
    lowest = rng.uniform(90.5, 91.5)
    curve = ((0, 100.0), (40, lowest), (DURATION_S, lowest))
    return tuple(
        Part(row, {"level_pct": curve, "loop_ma": _loop(curve, TANK_FULL_PCT)})
        for row in _one(fleet, free, Kind.TANK, rng)
    )


def _broken_wire(fleet: Fleet, free: list[int], rng: random.Random) -> tuple[Part, ...]:
    """Draw nothing on the loop; the gauge says what its converter makes of that: less than no pressure."""
    nothing = -HYDRANT_FULL_MPA / 4
    curves = {"loop_ma": ((0.0, 0.0), (DURATION_S, 0.0)), "pressure_mpa": ((0.0, nothing), (DURATION_S, nothing))}
    return tuple(Part(row, curves) for row in _one(fleet, free, Kind.HYDRANT, rng))


def _elder_fall(fleet: Fleet, free: list[int], rng: random.Random) -> tuple[Part, ...]:
    curve = ((0, 84.0), (4, 104.0), (DURATION_S, 92.0))
    return tuple(
        Part(row, {"heart_rate": curve}, (Raise("fall", 2.0, momentary=True),))
        for row in _one(fleet, free, Kind.WATCH, rng)
    )


def _gateway_lost(fleet: Fleet, free: list[int], rng: random.Random) -> tuple[Part, ...]:
    offline = {"online": ((0.0, 0.0), (GATEWAY_LOST_S, 0.0))}
    return tuple(Part(row, offline, lost=True) for row in _one(fleet, free, Kind.GATEWAY, rng))


STORIES: Mapping[ScenarioKind, Story] = {
    ScenarioKind.GAS_LEAK: Story("gas escapes in a kitchen, is aired, and the detector falls silent", _gas_leak),
    ScenarioKind.KITCHEN_FIRE: Story(
        "a pan catches fire: the kitchen's smoke detector, then a second one close by", _kitchen_fire
    ),
    ScenarioKind.HYDRANT_BURST: Story(
        "a pipe bursts and a hydrant loses its pressure until the main is switched over", _hydrant_burst
    ),
    ScenarioKind.TANK_LEAK: Story("a fire-water tank runs out to below half and is refilled", _tank_leak),
    ScenarioKind.ELDER_SOS: Story("an elder presses SOS, with a racing heart", _elder_sos),
    ScenarioKind.MAIN_BURST: Story(
        "a main bursts: several hydrants of one neighbourhood lose pressure together", _main_burst
    ),
    ScenarioKind.CO_HEATING: Story(
        "a water heater burns without air: CO fills a flat until a window is opened", _co_heating, CO_HEATING_S
    ),
    ScenarioKind.TANK_DRAINING: Story(
        "a fire-water tank loses a tenth of its water within a minute: a valve was left open", _tank_draining
    ),
    ScenarioKind.BROKEN_WIRE: Story(
        "the wire of a pressure gauge breaks: it says less than no pressure, and is not to be believed", _broken_wire
    ),
    ScenarioKind.ELDER_FALL: Story("an elder falls and does not get up to cancel the alarm", _elder_fall),
    ScenarioKind.GATEWAY_LOST: Story(
        "a gateway loses its connection, and nothing more is heard of what is behind it", _gateway_lost, GATEWAY_LOST_S
    ),
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
