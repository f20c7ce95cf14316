"""Places as people say them: where a device hangs, and the wider place that devices have in common."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from alerts.text import Text, quantity
from rules.model import Scope

if TYPE_CHECKING:
    from devices.model import Device

__all__ = ["common_place", "place_zh"]


def place_zh(device: Device) -> str:
    """Return where the device hangs, in Chinese; `Device.place` says it in English."""
    named = (("网格", device.grid), ("楼栋", device.building), ("楼层", device.floor), ("", device.unit))
    return "，".join([device.site, *(f"{word}{value}" for word, value in named if value)])


def common_place(scope: Scope, device: Device, radius_m: float = 0.0) -> Text:
    """Say the place of `scope` that `device` is in, as it follows “in” and “在”."""
    match scope:
        case Scope.FLOOR:
            device = replace(device, unit="")
        case Scope.BUILDING:
            device = replace(device, unit="", floor="")
        case Scope.GRID:
            device = replace(device, unit="", floor="", building="")
        case Scope.SITE:
            device = replace(device, unit="", floor="", building="", grid="")
        case _:
            pass
    here = Text(device.place, place_zh(device))
    if scope is Scope.RADIUS:
        far = quantity(radius_m, "m")
        return Text("the {far} around {here}", "{here}周围 {far}").fill(far=far, here=here)
    if scope is Scope.GATEWAY:
        return Text("what hangs on gateway {name}", "网关 {name} 下").fill(name=device.gateway or device.name)
    return here
