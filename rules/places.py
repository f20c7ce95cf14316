"""Places: which devices belong together.

| scope | the place of a device |
|---|---|
| device | itself |
| unit | its unit, with the floor and building that are given: a village house has neither |
| floor | its floor of its building; without both there is none, for a third floor of nothing is no place |
| building, grid, site | its own |
| gateway | the gateway that forwards it; a gateway's own place is what is behind it, and itself |
| radius | everywhere: `rules.clusters` says who is near whom |

All but device and radius lie within one site. What a device does not say makes no place: two without a unit share none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from devices.model import Kind
from rules.model import Scope

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from devices.model import Device

__all__ = ["EVERYWHERE", "PLACES", "Place"]

Place = tuple[str, ...]
"""A place's name among those of its scope."""

EVERYWHERE: Place = ()


def _unit(device: Device) -> Place | None:
    return (device.site, device.building, device.floor, device.unit) if device.unit else None


def _floor(device: Device) -> Place | None:
    return (device.site, device.building, device.floor) if device.building and device.floor else None


def _building(device: Device) -> Place | None:
    return (device.site, device.building) if device.building else None


def _grid(device: Device) -> Place | None:
    return (device.site, device.grid) if device.grid else None


def _gateway(device: Device) -> Place | None:
    gateway = device.name if device.kind is Kind.GATEWAY else device.gateway
    return (device.site, gateway) if gateway else None


def _radius(device: Device) -> Place | None:
    return None if device.latitude is None or device.longitude is None else EVERYWHERE


PLACES: Final[Mapping[Scope, Callable[[Device], Place | None]]] = {
    Scope.DEVICE: lambda device: (device.site, device.name),
    Scope.UNIT: _unit,
    Scope.FLOOR: _floor,
    Scope.BUILDING: _building,
    Scope.GRID: _grid,
    Scope.SITE: lambda device: (device.site,),
    Scope.GATEWAY: _gateway,
    Scope.RADIUS: _radius,
}
"""By scope, what names the place of a device; None where it has none."""
