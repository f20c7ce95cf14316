"""The simulated communities."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace

import pytest

from devices import Device, Kind, Registry
from devices.profile_loader import load_profiles
from simulator import Fleet, shuibei_fleet, synthetic_fleet
from simulator.fleet import SHUIBEI_CENTRE


def test_shuibei_has_the_devices_that_the_community_has() -> None:
    fleet = shuibei_fleet(seed=1)
    assert Counter(device.kind for device in fleet.devices) == {
        Kind.SMOKE: 747,
        Kind.GAS: 93,
        Kind.HYDRANT: 83,
        Kind.TANK: 41,
        Kind.WATCH: 41,
    }
    assert len({device.key for device in fleet.devices}) == len(fleet) == 1005
    assert {device.site for device in fleet.devices} == {fleet.site} == {"shuibei"}
    assert len({device.grid for device in fleet.devices}) == 12


def test_the_extended_community_has_the_same_devices_first_and_some_of_every_other_kind() -> None:
    plain, extended = shuibei_fleet(seed=1), shuibei_fleet(seed=1, extended=True)
    assert [replace(device, gateway="") for device in extended.devices[: len(plain)]] == list(plain.devices)
    more = Counter(device.kind for device in extended.devices[len(plain) :])
    assert more == {Kind.CO: 24, Kind.TILT: 24, Kind.GATEWAY: 6}
    homes = {(d.building, d.floor, d.unit) for d in extended.devices if d.kind is Kind.GAS}
    assert all((d.building, d.floor, d.unit) in homes for d in extended.devices if d.kind is Kind.CO)


def test_each_gateway_of_the_extended_community_forwards_for_the_smoke_detectors_of_its_grid() -> None:
    fleet = shuibei_fleet(seed=1, extended=True)
    behind = Counter((d.gateway, d.kind, d.grid) for d in fleet.devices if d.gateway)
    assert len(behind) == 6
    for (gateway, kind, grid), n in behind.items():
        (device,) = [d for d in fleet.devices if d.name == gateway]
        assert (device.kind, device.grid, kind) == (Kind.GATEWAY, grid, Kind.SMOKE)
        assert n >= 30
    assert max(behind.values()) >= 60


def test_distances_are_those_on_the_ground() -> None:
    here, east, north = (
        Device("s", name, Kind.HYDRANT, "hydrant", latitude=lat, longitude=lon)
        for name, lat, lon in (("a", 22.5735, 114.1235), ("b", 22.5735, 114.1333), ("c", 22.5825, 114.1235))
    )
    fleet = Fleet("s", (here, east, north, replace(here, name="d", latitude=None)))
    assert fleet.metres(0, 1) == pytest.approx(1006, rel=0.01)
    assert fleet.metres(0, 2) == pytest.approx(1000, rel=0.01)
    assert fleet.metres(0, 0) == 0
    assert fleet.metres(0, 3) == math.inf


def test_one_seed_is_one_community_and_another_seed_moves_the_same_names() -> None:
    assert shuibei_fleet(seed=1) == shuibei_fleet(seed=1)
    one, other = shuibei_fleet(seed=1), shuibei_fleet(seed=2)
    assert one != other
    assert [device.name for device in one.devices] == [device.name for device in other.devices]


def test_shuibei_lies_within_a_kilometre_of_its_centre() -> None:
    for device in shuibei_fleet(seed=3).devices:
        assert device.latitude is not None
        assert device.longitude is not None
        assert abs(device.latitude - SHUIBEI_CENTRE[0]) < 0.009
        assert abs(device.longitude - SHUIBEI_CENTRE[1]) < 0.009


def test_every_gas_detector_hangs_in_a_home_with_two_smoke_detectors() -> None:
    fleet = shuibei_fleet(seed=4)
    homes = Counter((d.building, d.floor, d.unit) for d in fleet.devices if d.kind is Kind.SMOKE)
    gas = [fleet.devices[row] for row in fleet.of_kind(Kind.GAS)]
    assert len(gas) == 93
    assert all(homes[d.building, d.floor, d.unit] == 2 for d in gas)


@pytest.mark.parametrize("fleet", [shuibei_fleet(seed=5), synthetic_fleet(2000)], ids=["shuibei", "synthetic"])
def test_the_registry_takes_every_device_with_its_profile(fleet: Fleet) -> None:
    profiles = load_profiles()
    registry = Registry(profiles)
    registry.apply(registry.plan_registration(fleet.devices))
    assert registry.n_devices == len(fleet)
    assert all(profiles[device.profile].kind is device.kind for device in fleet.devices)


def test_a_synthetic_fleet_has_as_many_devices_as_asked_and_is_stable() -> None:
    fleet = synthetic_fleet(3000, site="city", seed=7)
    assert fleet == synthetic_fleet(3000, site="city", seed=7)
    assert len({device.key for device in fleet.devices}) == 3000
    assert {device.site for device in fleet.devices} == {"city"}
    assert synthetic_fleet(100, site="city", seed=7).devices == fleet.devices[:100]
