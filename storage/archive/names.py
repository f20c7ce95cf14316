"""What devices and channels are called: taken from the registry as it is, written down as the database takes it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from devices import Device, Profile, Registry, RegistryChange

__all__ = ["ChannelName", "Names", "all_names", "channel_columns", "device_columns", "names_of_change", "names_of_rows"]

NAME_CHARACTERS = 200
"""Two of them fit into an index entry, which takes 2,704 bytes, at four bytes a character."""


class ChannelName(NamedTuple):
    """A channel row, and what it stands for."""

    row: int
    device: Device
    metric: str


@dataclass(slots=True)
class Names:
    """Devices and channels that the database is to know; of two that tell of one, the later is right."""

    devices: list[Device] = field(default_factory=list)
    channels: list[ChannelName] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.devices or self.channels)

    def add(self, more: Names) -> None:
        """Take up what `more` tells."""
        self.devices += more.devices
        self.channels += more.channels


def names_of_change(change: RegistryChange, registry: Registry) -> Names:
    """Return what a REGISTRY record tells, with devices as the record has them: records are taken in order.

    A channel whose device is neither in the record nor applied is left out.
    """
    told = {entry.row: entry.device for entry in change.devices}
    named = (
        (channel, told.get(channel.device_row) or _device(registry, channel.device_row)) for channel in change.channels
    )
    return Names(
        list(told.values()),
        [ChannelName(channel.row, device, channel.metric) for channel, device in named if device is not None],
    )


def names_of_rows(rows: NDArray[np.int32], registry: Registry) -> Names:
    """Return the names of those of `rows` that the registry has applied, and their devices."""
    applied = registry.channel_device
    devices: dict[int, Device] = {}
    channels = []
    for row in rows.tolist():
        device_row = int(applied[row]) if row < len(applied) else -1
        device = _device(registry, device_row)
        if device is not None:
            devices[device_row] = device
            channels.append(ChannelName(row, device, registry.metric(row)))
    return Names(list(devices.values()), channels)


def all_names(registry: Registry, devices_at_once: int) -> Iterator[Names]:
    """Yield everything that the registry has applied, so many devices at once."""
    names = Names()
    for device_row, device in registry.devices():
        names.devices.append(device)
        names.channels += [ChannelName(row, device, metric) for metric, row in registry.channels_of(device_row).items()]
        if len(names.devices) == devices_at_once:
            yield names
            names = Names()
    if names:
        yield names


def device_columns(device: Device) -> tuple[str | float | None, ...]:
    """Return the columns of `device`, in the order of `stage_devices`; the first two are its key."""
    return (
        storable_name(device.site),
        storable_name(device.name),
        device.kind.value,
        storable_name(device.profile),
        storable_name(device.grid),
        storable_name(device.building),
        storable_name(device.floor),
        storable_name(device.unit),
        device.latitude,
        device.longitude,
        storable_name(device.gateway),
        device.lifecycle.value,
    )


def channel_columns(channel: ChannelName, profiles: Mapping[str, Profile]) -> tuple[int | str, ...]:
    """Return the columns of `channel`, in the order of `stage_channels`."""
    device = channel.device
    profile = profiles.get(device.profile)
    metric = profile.metrics.get(channel.metric) if profile else None
    return (
        channel.row,
        storable_name(device.site),
        storable_name(device.name),
        storable_name(channel.metric),
        storable_name(metric.unit) if metric else "",
    )


@lru_cache(maxsize=4096)
def storable_name(text: str) -> str:
    """Return `text` as PostgreSQL takes it into an index: without NUL, and where it is too long, cut and marked."""
    if "\0" in text:
        text = text.replace("\0", "\N{REPLACEMENT CHARACTER}")
    if len(text) > NAME_CHARACTERS:
        mark = hashlib.blake2b(text.encode(), digest_size=6).hexdigest()
        text = f"{text[: NAME_CHARACTERS - len(mark) - 1]}…{mark}"
    return text


def _device(registry: Registry, row: int) -> Device | None:
    return registry.device(row) if 0 <= row < registry.n_devices else None
