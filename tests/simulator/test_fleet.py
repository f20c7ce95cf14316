"""The simulated communities."""

from __future__ import annotations

from collections import Counter

import pytest

from devices import Kind, Registry
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
