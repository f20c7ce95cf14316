"""Simulated fleets: the devices of a community, and as many made-up ones as a load test wants."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from devices import Device, Kind, Lifecycle

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

__all__ = ["EXTRA_COUNTS", "SHUIBEI_COUNTS", "Fleet", "metres_between", "shuibei_fleet", "synthetic_fleet"]

SHUIBEI_COUNTS = {Kind.SMOKE: 747, Kind.GAS: 93, Kind.HYDRANT: 83, Kind.TANK: 41, Kind.WATCH: 41}
"""What the community of Shuibei really has."""

EXTRA_COUNTS = {Kind.CO: 24, Kind.TILT: 24, Kind.GATEWAY: 6}
"""What it has not, so that every kind can be tried there."""

SHUIBEI_CENTRE = (22.5735, 114.1235)
"""Degrees WGS 84: Shuibei, Luohu, Shenzhen."""

GRID_COLUMNS = 4
GRIDS = 12
GRID_STEP_DEG = 0.0018
"""About 200 m: twelve grids make a community of 800 m by 600 m."""
BUILDINGS_PER_GRID = 4
HOMES_WITH_TWO_SMOKE = 300
HOMES_PER_FLOOR = 4
ROOF_TANK_FLOORS = 10
METRE_DEG = 9e-6

DEVICES_PER_GRID = 1000
DEVICES_PER_BUILDING = 50
DEVICES_PER_FLOOR = 5


@dataclass(frozen=True, slots=True)
class Fleet:
    """The devices of one site; their order is their order in every array of the simulator."""

    site: str
    devices: tuple[Device, ...]

    def __len__(self) -> int:
        return len(self.devices)

    def of_kind(self, kind: Kind) -> tuple[int, ...]:
        """Return the positions of the devices of `kind`."""
        return tuple(row for row, device in enumerate(self.devices) if device.kind is kind)

    def metres(self, row: int, other: int) -> float:
        """Return how far two devices are apart; infinity where it is not known of both where they are."""
        return metres_between(self.devices[row], self.devices[other])


def metres_between(one: Device, other: Device) -> float:
    """Return how far two devices are apart, for places of a town; infinity where it is not known of both."""
    if one.latitude is None or one.longitude is None or other.latitude is None or other.longitude is None:
        return math.inf
    north = one.latitude - other.latitude
    east = (one.longitude - other.longitude) * math.cos(math.radians(one.latitude))
    return math.hypot(north, east) / METRE_DEG


@dataclass(frozen=True, slots=True)
class _Building:
    grid: str
    number: str
    floors: int
    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class _Home:
    building: _Building
    floor: int
    unit: str


def shuibei_fleet(seed: int = 0, *, extended: bool = False) -> Fleet:
    """Return the Shuibei fleet: always the same for one seed, and the same names for every seed.

    extended: with `EXTRA_COUNTS` at its end: CO detectors in kitchens with gas, tilt sensors on buildings, and gateways
              in the first grids, which forward what the smoke detectors of their grid say

    Homes have a smoke detector in the kitchen and one in the hall (so a kitchen fire is seen twice), stairwells have
    one on a floor; gas detectors hang in kitchens that have smoke detectors; hydrants stand outdoors; tanks are on
    high roofs and in basements; an elder's watch is listed at the elder's home. Every device reports by itself over
    NB-IoT, as they do there, so none has a gateway unless the fleet is extended.
    """
    rng = random.Random(f"shuibei-{seed}")  # noqa: S311 - a made-up town, not a secret
    buildings = list(_buildings(rng))
    homes = [
        _Home(building, floor, f"{floor}{home:02d}")
        for building in buildings
        for floor in range(1, building.floors + 1)
        for home in range(1, HOMES_PER_FLOOR + 1)
    ]
    rng.shuffle(homes)
    watched = homes[:HOMES_WITH_TWO_SMOKE]
    stairwells = [(building, floor) for building in buildings for floor in range(1, building.floors + 1)]
    rng.shuffle(stairwells)

    smoke = [_at(home.building, rng, floor=str(home.floor), unit=home.unit) for home in watched for _ in range(2)]
    smoke += [
        _at(building, rng, floor=str(floor), unit="stairwell")
        for building, floor in stairwells[: SHUIBEI_COUNTS[Kind.SMOKE] - len(smoke)]
    ]
    places = {
        Kind.SMOKE: smoke,
        Kind.GAS: [
            _at(home.building, rng, floor=str(home.floor), unit=home.unit)
            for home in watched[: SHUIBEI_COUNTS[Kind.GAS]]
        ],
        Kind.HYDRANT: [_outdoors(buildings[i % len(buildings)], rng) for i in range(SHUIBEI_COUNTS[Kind.HYDRANT])],
        Kind.TANK: [
            _at(building, rng, unit="roof tank" if building.floors >= ROOF_TANK_FLOORS else "basement tank")
            for building in buildings[: SHUIBEI_COUNTS[Kind.TANK]]
        ],
        Kind.WATCH: [
            _at(home.building, rng, floor=str(home.floor), unit=home.unit)
            for home in rng.sample(homes, SHUIBEI_COUNTS[Kind.WATCH])
        ],
    }
    devices = _devices(places)
    if extended:
        devices = [*_behind_gateways(devices), *_devices(_extra_places(buildings, watched, seed))]
    return Fleet("shuibei", tuple(devices))


def synthetic_fleet(n: int, site: str = "load", seed: int = 0) -> Fleet:
    """Return `n` devices in Shuibei's mix of kinds, evenly mixed, with places; always the same for one seed."""
    rng = random.Random(f"synthetic-{site}-{seed}")  # noqa: S311 - as above
    kinds = [kind for kind, count in SHUIBEI_COUNTS.items() for _ in range(count)]
    rng.shuffle(kinds)
    latitude, longitude = SHUIBEI_CENTRE
    return Fleet(
        site,
        tuple(
            Device(
                site,
                f"{(kind := kinds[i % len(kinds)])}-{i + 1:06d}",
                kind,
                kind.value,
                grid=f"{i // DEVICES_PER_GRID + 1:03d}",
                building=f"{i // DEVICES_PER_BUILDING % (DEVICES_PER_GRID // DEVICES_PER_BUILDING) + 1}",
                floor=f"{i // DEVICES_PER_FLOOR % (DEVICES_PER_BUILDING // DEVICES_PER_FLOOR) + 1}",
                unit=f"{i % DEVICES_PER_FLOOR + 1}",
                latitude=round(latitude + rng.uniform(-0.2, 0.2), 6),
                longitude=round(longitude + rng.uniform(-0.2, 0.2), 6),
                lifecycle=Lifecycle.VERIFIED,
            )
            for i in range(n)
        ),
    )


# ── the town ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Place:
    grid: str
    building: str
    floor: str
    unit: str
    latitude: float
    longitude: float


def _devices(places: Mapping[Kind, Sequence[_Place]]) -> list[Device]:
    return [
        Device(
            "shuibei",
            f"{kind}-{number:04d}",
            kind,
            kind.value,
            grid=place.grid,
            building=place.building,
            floor=place.floor,
            unit=place.unit,
            latitude=place.latitude,
            longitude=place.longitude,
            lifecycle=Lifecycle.VERIFIED,
        )
        for kind, its_places in places.items()
        for number, place in enumerate(its_places, 1)
    ]


def _extra_places(buildings: list[_Building], watched: list[_Home], seed: int) -> dict[Kind, list[_Place]]:
    rng = random.Random(f"shuibei-extra-{seed}")  # noqa: S311 - as above
    return {
        Kind.CO: [
            _at(home.building, rng, floor=str(home.floor), unit=home.unit) for home in watched[: EXTRA_COUNTS[Kind.CO]]
        ],
        Kind.TILT: [_at(building, rng, unit="outer wall") for building in buildings[: EXTRA_COUNTS[Kind.TILT]]],
        Kind.GATEWAY: [
            _at(buildings[grid * BUILDINGS_PER_GRID], rng, unit="roof") for grid in range(EXTRA_COUNTS[Kind.GATEWAY])
        ],
    }


def _behind_gateways(devices: Iterable[Device]) -> Iterator[Device]:
    gateway_of = {f"{grid:02d}": f"{Kind.GATEWAY}-{grid:04d}" for grid in range(1, EXTRA_COUNTS[Kind.GATEWAY] + 1)}
    for device in devices:
        gateway = gateway_of.get(device.grid, "") if device.kind is Kind.SMOKE else ""
        yield replace(device, gateway=gateway)


def _buildings(rng: random.Random) -> Iterator[_Building]:
    for grid in range(GRIDS):
        row, column = divmod(grid, GRID_COLUMNS)
        south = SHUIBEI_CENTRE[0] + (row - GRIDS / GRID_COLUMNS / 2) * GRID_STEP_DEG
        west = SHUIBEI_CENTRE[1] + (column - GRID_COLUMNS / 2) * GRID_STEP_DEG
        for number in range(BUILDINGS_PER_GRID):
            yield _Building(
                f"{grid + 1:02d}",
                f"{grid * BUILDINGS_PER_GRID + number + 1}",
                rng.choice((6, 7, 7, 8, 11, 18)),
                south + (number // 2 + rng.uniform(0.3, 0.7)) * GRID_STEP_DEG / 2,
                west + (number % 2 + rng.uniform(0.3, 0.7)) * GRID_STEP_DEG / 2,
            )


def _at(building: _Building, rng: random.Random, *, unit: str, floor: str = "") -> _Place:
    latitude, longitude = _near(building, rng, metres=8)
    return _Place(building.grid, building.number, floor, unit, latitude, longitude)


def _outdoors(building: _Building, rng: random.Random) -> _Place:
    latitude, longitude = _near(building, rng, metres=30)
    return _Place(building.grid, "", "", f"street by building {building.number}", latitude, longitude)


def _near(building: _Building, rng: random.Random, metres: float) -> tuple[float, float]:
    reach = metres * METRE_DEG
    return (
        round(building.latitude + rng.uniform(-reach, reach), 6),
        round(building.longitude + rng.uniform(-reach, reach), 6),
    )
