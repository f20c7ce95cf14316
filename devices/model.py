"""What a device is, where it hangs, and where it is in its life."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Device", "Kind", "Lifecycle", "device_key"]


class Kind(StrEnum):
    """What a device watches."""

    SMOKE = "smoke"
    GAS = "gas"
    CO = "co"
    HYDRANT = "hydrant"
    TANK = "tank"
    WATCH = "watch"
    TILT = "tilt"
    GATEWAY = "gateway"
    """Forwards what other devices say; its own silence is theirs."""
    SERVICE = "service"
    """Vigil itself: its own troubles are readings like any others."""
    EXTERNAL = "external"
    """Another system, whose alerts Vigil takes in; no device of a ledger."""
    UNKNOWN = "unknown"
    """Heard, but in no ledger."""


class Lifecycle(StrEnum):
    """Where a device is between the ledger and the bin."""

    UNREGISTERED = "unregistered"
    """Heard before anybody registered it: its alarms page, its readings wait under quarantine."""
    REGISTERED = "registered"
    INSTALLED = "installed"
    VERIFIED = "verified"
    MAINTENANCE = "maintenance"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class Device:
    """One device of one site.

    site, name:  the two topic levels it publishes under (`vigil/v1/<site>/<name>/…`); together they are its key
    profile:     name of the profile that says what it measures (`devices/profiles/<profile>.toml`)
    grid, building, floor, unit: where it hangs; "" where not known
    latitude, longitude: degrees WGS 84, or None
    gateway:     `name` of the device of the same site that forwards its messages, or ""
    """

    site: str
    name: str
    kind: Kind
    profile: str
    grid: str = ""
    building: str = ""
    floor: str = ""
    unit: str = ""
    latitude: float | None = None
    longitude: float | None = None
    gateway: str = ""
    lifecycle: Lifecycle = Lifecycle.REGISTERED

    @property
    def key(self) -> str:
        """`site/name`, unique over all sites."""
        return device_key(self.site, self.name)

    @property
    def place(self) -> str:
        """Where it hangs, as a person would say it, widest first."""
        parts = [self.site]
        if self.grid:
            parts.append(f"grid {self.grid}")
        if self.building:
            parts.append(f"building {self.building}")
        if self.floor:
            parts.append(f"floor {self.floor}")
        if self.unit:
            parts.append(self.unit)
        return ", ".join(parts)


def device_key(site: str, name: str) -> str:
    """Return the key of the device `name` of `site`."""
    return f"{site}/{name}"
