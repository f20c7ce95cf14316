"""The registry: device keys and channels against the dense rows that arrays are indexed by.

Rows are given out when a change is *planned* and become visible when it is *applied*. Between the two the change is
committed to the journal, so a replay gives every device and channel the row that it had. Rows are never used again.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from devices.model import Device, Kind, Lifecycle

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from numpy.typing import NDArray

    from devices.profile import Profile

__all__ = ["ChannelRow", "DeviceRow", "Registry", "RegistryChange"]

SNAPSHOT_VERSION = 2
UNKNOWN_PROFILE = "unknown"


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
    version:  grows with every applied change, so that readers know when to look again
    """

    def __init__(self, profiles: Mapping[str, Profile]) -> None:
        self.profiles = profiles
        self.version = 0
        self._device_rows: dict[str, int] = {}
        self._devices: list[Device | None] = []
        self._metric_rows: list[dict[str, int]] = []
        self._channel_device = np.full(1024, -1, np.int32)
        self._channel_metric: list[str] = []

    # ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────

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
        return self._metric_rows[device_row]

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
            known = self._metric_rows[row]
            channel_rows.extend(
                ChannelRow(self._reserve_channel(row, metric), row, metric)
                for metric in self.profiles[device.profile].metrics
                if metric not in known
            )
        return RegistryChange(tuple(device_rows), tuple(channel_rows))

    def plan_discovery(self, site: str, name: str) -> RegistryChange:
        """Give a row to a device that is in no ledger but was heard."""
        return self.plan_registration(
            [Device(site, name, Kind.UNKNOWN, UNKNOWN_PROFILE, lifecycle=Lifecycle.UNREGISTERED)]
        )

    def plan_channel(self, device_row: int, metric: str) -> ChannelRow:
        """Give a row to a metric that the device's profile does not name; a known one keeps its row."""
        row = self._metric_rows[device_row].get(metric)
        return ChannelRow(self._reserve_channel(device_row, metric) if row is None else row, device_row, metric)

    # ── applying ─────────────────────────────────────────────────────────────────────────────────────────────────

    def apply(self, change: RegistryChange) -> None:
        """Make a committed change visible. A discovery does not undo a registration that was committed before it."""
        self._apply_devices(change.devices)
        for channel in change.channels:
            self._apply_channel(channel.row, channel.device_row, sys.intern(channel.metric))
        self.version += 1

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
        for row, device_row, metric in zip(*columns, strict=True):
            self._apply_channel(int(row), int(device_row), stored.metrics[metric])
        self.version += 1

    def _apply_devices(self, devices: Iterable[DeviceRow]) -> None:
        for row, device in ((d.row, d.device) for d in devices):
            self._extend_devices(row + 1)
            if device.lifecycle is Lifecycle.UNREGISTERED and self._devices[row] is not None:
                continue  # a discovery that was on its way while somebody registered the device
            self._device_rows[device.key] = row
            self._devices[row] = device

    def _apply_channel(self, row: int, device_row: int, metric: str) -> None:
        self._extend_devices(device_row + 1)
        self._extend_channels(row + 1)
        self._channel_device[row] = device_row
        self._channel_metric[row] = metric
        self._metric_rows[device_row][metric] = row

    # ── rows ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _reserve_device(self, key: str) -> int:
        row = self._device_rows.get(key)
        if row is None:
            row = len(self._devices)
            self._extend_devices(row + 1)
            self._device_rows[key] = row
        return row

    def _reserve_channel(self, device_row: int, metric: str) -> int:
        row = self.n_channels
        self._extend_channels(row + 1)
        self._channel_metric[row] = metric
        self._metric_rows[device_row][metric] = row
        return row

    def _extend_devices(self, n: int) -> None:
        while len(self._devices) < n:
            self._devices.append(None)
            self._metric_rows.append({})

    def _extend_channels(self, n: int) -> None:
        self._channel_metric.extend([""] * (n - self.n_channels))
        if n > len(self._channel_device):
            grown = np.full(max(n, 2 * len(self._channel_device)), -1, np.int32)
            grown[: len(self._channel_device)] = self._channel_device
            self._channel_device = grown
