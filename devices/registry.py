"""The registry: device keys and channels against the dense rows that arrays are indexed by.

Rows are given out when a change is *planned* and become visible when it is *applied*. Between the two the change is
committed to the journal, so a replay gives every device and channel the row that it had. Rows are never used again.
"""

from __future__ import annotations

import sys
from array import array
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from devices.model import Device, Kind, Lifecycle

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from devices.profile import Profile

__all__ = ["ChannelRow", "DeviceRow", "Registry", "RegistryChange"]

SNAPSHOT_VERSION = 2
UNKNOWN_PROFILE = "unknown"

_NO_ROWS: Mapping[str, int] = {}


def _sharing(device: Device) -> Device:
    """Return `device` with one copy of the texts that many devices have: a city's ledger repeats a few thousand."""
    return replace(
        device,
        site=sys.intern(device.site),
        profile=sys.intern(device.profile),
        grid=sys.intern(device.grid),
        building=sys.intern(device.building),
        floor=sys.intern(device.floor),
        unit=sys.intern(device.unit),
    )


class DeviceRow(msgspec.Struct, frozen=True, array_like=True):
    """A device as it stands from this change on, and its row."""

    row: int
    device: Device


class ChannelRow(msgspec.Struct, frozen=True, array_like=True):
    """A channel's row, its device's row, and the metric it carries."""

    row: int
    device_row: int
    metric: str


class RegistryChange(msgspec.Struct, frozen=True):
    """What a registration or a discovery adds or replaces; applying it twice is applying it once."""

    devices: tuple[DeviceRow, ...] = ()
    channels: tuple[ChannelRow, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.devices or self.channels)


class _Snapshot(msgspec.Struct, frozen=True, array_like=True):
    """A registry as columns: a record for each of a million channels would take more memory than the registry itself.

    metrics:                     the metrics' names, each once
    channel, device_row, metric: (n,) int32 channel row, its device's row, place in `metrics`; native byte order
    """

    devices: tuple[DeviceRow, ...]
    metrics: tuple[str, ...]
    channel: bytes
    device_row: bytes
    metric: bytes


class Registry:
    """Every device and channel that Vigil has heard of.

    profiles: the loaded profiles by name; must hold `unknown`
    """

    def __init__(self, profiles: Mapping[str, Profile]) -> None:
        self.profiles = profiles
        self._touched = array("i")
        self._device_rows: dict[str, int] = {}
        self._devices: list[Device | None] = []
        # A device's channels are mostly one run of rows in its profile's order: `first` and a layout that all devices
        # of the profile share. What came later, or apart, is in `strays`.
        self._first: list[int] = []
        self._layouts: list[Mapping[str, int]] = []
        self._shared: dict[tuple[str, ...], Mapping[str, int]] = {}
        self._strays: dict[int, dict[str, int]] = {}
        self._channel_device = np.full(1024, -1, np.int32)
        self._channel_metric: list[str] = []

    # ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def version(self) -> int:
        """Grows with every applied change, so that readers know when to look again, and from where."""
        return len(self._touched)

    def touched_since(self, version: int) -> list[int]:
        """Return the rows of the devices that were changed or gained channels since `version`, each once, rising."""
        return sorted(set(self._touched[version:]))

    @property
    def n_devices(self) -> int:
        """Device rows given out."""
        return len(self._devices)

    @property
    def n_channels(self) -> int:
        """Channel rows given out."""
        return len(self._channel_metric)

    @property
    def channel_device(self) -> NDArray[np.int32]:
        """(n_channels,) int32 device row of each channel row; -1 where the channel is planned but not yet applied."""
        return self._channel_device[: self.n_channels]

    def device_row(self, key: str) -> int | None:
        """Return the row of the device `key` (`site/name`), planned or applied, or None."""
        return self._device_rows.get(key)

    def device(self, row: int) -> Device | None:
        """Return the device of `row`, or None while its change is only planned."""
        return self._devices[row]

    def devices(self) -> Iterator[tuple[int, Device]]:
        """Iterate over (row, device) of all applied devices, in order of row."""
        return ((row, device) for row, device in enumerate(self._devices) if device is not None)

    def channels_of(self, device_row: int) -> Mapping[str, int]:
        """Return metric → channel row of one device, planned channels included."""
        first = self._first[device_row]
        channels = {metric: first + place for metric, place in self._layouts[device_row].items()}
        channels.update(self._strays.get(device_row, _NO_ROWS))
        return channels

    def channels_by_metric(self, device_rows: Iterable[int]) -> dict[str, NDArray[np.intp]]:
        """Return metric → the channel rows of these devices that carry it, planned ones included, in no order."""
        firsts: dict[int, list[int]] = {}
        layouts: dict[int, Mapping[str, int]] = {}
        strays: dict[str, list[int]] = {}
        for row in device_rows:
            layout = self._layouts[row]
            layouts[id(layout)] = layout
            firsts.setdefault(id(layout), []).append(self._first[row])
            for metric, channel in self._strays.get(row, _NO_ROWS).items():
                if metric not in layout:  # it was applied again, in another run
                    strays.setdefault(metric, []).append(channel)
        found: dict[str, list[NDArray[np.intp]]] = {}
        for key, layout in layouts.items():
            first = np.array(firsts[key], np.intp)
            for metric, place in layout.items():
                found.setdefault(metric, []).append(first + place)
        for metric, channels in strays.items():
            found.setdefault(metric, []).append(np.array(channels, np.intp))
        return {metric: np.concatenate(parts) for metric, parts in found.items()}

    def channel(self, device_row: int, metric: str) -> int | None:
        """Return the channel row of one metric of one device, planned ones included, or None."""
        place = self._layouts[device_row].get(metric)
        if place is not None:
            return self._first[device_row] + place
        return self._strays.get(device_row, _NO_ROWS).get(metric)

    def metric(self, channel: int) -> str:
        """Return the metric that the channel row carries."""
        return self._channel_metric[channel]

    def profile_of(self, device: Device) -> Profile:
        """Return the device's profile."""
        return self.profiles[device.profile]

    # ── planning ─────────────────────────────────────────────────────────────────────────────────────────────────

    def plan_registration(self, devices: Iterable[Device]) -> RegistryChange:
        """Give rows to `devices` and to the metrics of their profiles; a known key keeps its rows.

        Raises KeyError where a device names a profile that is not loaded; nothing is planned then.
        """
        devices = tuple(devices)
        for device in devices:
            if device.profile not in self.profiles:
                raise KeyError(f"device {device.key}: no profile {device.profile!r}; there are {sorted(self.profiles)}")
        device_rows: list[DeviceRow] = []
        channel_rows: list[ChannelRow] = []
        for device in devices:
            row = self._reserve_device(device.key)
            device_rows.append(DeviceRow(row, device))
            metrics = tuple(m for m in self.profiles[device.profile].metrics if self.channel(row, m) is None)
            first = self.n_channels
            self._extend_channels(first + len(metrics))
            self._lay(row, first, metrics)
            channel_rows.extend(ChannelRow(first + place, row, metric) for place, metric in enumerate(metrics))
        return RegistryChange(tuple(device_rows), tuple(channel_rows))

    def plan_discovery(self, site: str, name: str) -> RegistryChange:
        """Give a row to a device that is in no ledger but was heard."""
        return self.plan_registration(
            [Device(site, name, Kind.UNKNOWN, UNKNOWN_PROFILE, lifecycle=Lifecycle.UNREGISTERED)]
        )

    def plan_channel(self, device_row: int, metric: str) -> ChannelRow:
        """Give a row to a metric that the device's profile does not name; a known one keeps its row."""
        row = self.channel(device_row, metric)
        if row is None:
            row = self.n_channels
            self._extend_channels(row + 1)
            self._lay(device_row, row, (metric,))
        return ChannelRow(row, device_row, metric)

    # ── applying ─────────────────────────────────────────────────────────────────────────────────────────────────

    def apply(self, change: RegistryChange) -> None:
        """Make a committed change visible. A discovery does not undo a registration that was committed before it."""
        self._apply_devices(change.devices)
        rows = [(channel.row, channel.device_row, channel.metric) for channel in change.channels]
        self._apply_channels(rows)

    def snapshot(self) -> bytes:
        """Return everything applied as bytes; `restore` takes them."""
        channel = np.flatnonzero(self.channel_device >= 0).astype(np.int32)
        places: dict[str, int] = {}
        metric = np.fromiter(
            (places.setdefault(self._channel_metric[row], len(places)) for row in channel), np.int32, len(channel)
        )
        snapshot = _Snapshot(
            tuple(DeviceRow(row, device) for row, device in self.devices()),
            tuple(places),
            channel.tobytes(),
            self.channel_device[channel].tobytes(),
            metric.tobytes(),
        )
        return bytes([SNAPSHOT_VERSION]) + msgspec.msgpack.encode(snapshot)

    def restore(self, snapshot: bytes) -> None:
        """Fill an empty registry from a snapshot.

        Raises ValueError where the snapshot is of a version that this program does not read, or the registry is not
        empty.
        """
        if self._devices:
            raise ValueError("restore wants an empty registry")
        if not snapshot or snapshot[0] != SNAPSHOT_VERSION:
            raise ValueError(f"registry snapshot of version {snapshot[:1]!r}; wanted {SNAPSHOT_VERSION}")
        stored = msgspec.msgpack.decode(memoryview(snapshot)[1:], type=_Snapshot)
        columns = (np.frombuffer(column, np.int32) for column in (stored.channel, stored.device_row, stored.metric))
        self._apply_devices(stored.devices)
        row, device_row, metric = (column.tolist() for column in columns)
        self._apply_channels(zip(row, device_row, (stored.metrics[m] for m in metric), strict=True))

    def _apply_devices(self, devices: Iterable[DeviceRow]) -> None:
        for row, device in ((d.row, d.device) for d in devices):
            self._extend_devices(row + 1)
            if device.profile == UNKNOWN_PROFILE and self._devices[row] is not None:
                continue  # a discovery that was on its way while somebody registered the device
            self._device_rows[device.key] = row
            self._devices[row] = _sharing(device)
            self._touched.append(row)

    def _apply_channels(self, rows: Iterable[tuple[int, int, str]]) -> None:
        """Apply (row, device row, metric), run by run: neighbours of one device are laid out together."""
        first, owner, metrics = 0, -1, list[str]()
        for row, device_row, metric in rows:
            if device_row != owner or row != first + len(metrics):
                self._apply_run(owner, first, metrics)
                first, owner, metrics = row, device_row, []
            metrics.append(metric)
        self._apply_run(owner, first, metrics)

    def _apply_run(self, device_row: int, first: int, metrics: Sequence[str]) -> None:
        if not metrics:
            return
        self._extend_devices(device_row + 1)
        self._extend_channels(first + len(metrics))
        self._channel_device[first : first + len(metrics)] = device_row
        self._lay(device_row, first, metrics)
        self._touched.append(device_row)

    def _lay(self, device_row: int, first: int, metrics: Sequence[str]) -> None:
        """Note that the device's `metrics` have the rows from `first` on."""
        names = tuple(map(sys.intern, metrics))
        self._channel_metric[first : first + len(names)] = names
        layout = self._shared.setdefault(names, {name: place for place, name in enumerate(names)})
        if not self._layouts[device_row]:
            self._first[device_row], self._layouts[device_row] = first, layout
        elif self._first[device_row] != first or self._layouts[device_row] is not layout:
            strays = self._strays.setdefault(device_row, {})
            strays.update((name, first + place) for place, name in enumerate(names))

    # ── rows ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _reserve_device(self, key: str) -> int:
        row = self._device_rows.get(key)
        if row is None:
            row = len(self._devices)
            self._extend_devices(row + 1)
            self._device_rows[key] = row
        return row

    def _extend_devices(self, n: int) -> None:
        while len(self._devices) < n:
            self._devices.append(None)
            self._first.append(0)
            self._layouts.append(_NO_ROWS)

    def _extend_channels(self, n: int) -> None:
        self._channel_metric.extend([""] * (n - self.n_channels))
        if n > len(self._channel_device):
            grown = np.full(max(n, 2 * len(self._channel_device)), -1, np.int32)
            grown[: len(self._channel_device)] = self._channel_device
            self._channel_device = grown
