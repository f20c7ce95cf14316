"""Devices as people and topics name them."""

from __future__ import annotations

from devices import Device, Kind, Lifecycle, device_key


def test_a_device_is_known_by_its_site_and_name() -> None:
    device = Device("shuibei", "smoke-0001", Kind.SMOKE, "smoke")
    assert device.key == "shuibei/smoke-0001" == device_key("shuibei", "smoke-0001")
    assert device.lifecycle is Lifecycle.REGISTERED


def test_a_place_is_said_widest_first_and_without_what_is_not_known() -> None:
    device = Device("shuibei", "smoke-0001", Kind.SMOKE, "smoke", "01", "1", "5", "502")
    assert device.place == "shuibei, grid 01, building 1, floor 5, 502"
    assert Device("shuibei", "h", Kind.HYDRANT, "hydrant", unit="street").place == "shuibei, street"
    assert Device("shuibei", "x", Kind.UNKNOWN, "unknown").place == "shuibei"
