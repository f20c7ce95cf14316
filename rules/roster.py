"""The roster: what the engine knows of the registry, and how it takes up what is new there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rules.compiler import COVERAGE, NO_PANEL, Coverage
from rules.instances import grown

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from devices.model import Device
    from devices.registry import Registry
    from rules.compiler import Plan
    from rules.instances import Instances
    from rules.silence import Silence

__all__ = ["Roster"]

_NOT_APPLIED = -1


class Roster:
    """The devices and channels taken up so far.

    channel_device: (channels,) int32  device row of each channel row, -1 where not applied; longer than what is used
    """

    def __init__(self, registry: Registry, plan: Plan) -> None:
        self._registry = registry
        self._plan = plan
        self._version: int | None = None
        self._devices: list[Device | None] = []
        self._n_channels = 0
        self.channel_device: NDArray[np.int32] = np.zeros(0, np.int32)

    @property
    def is_current(self) -> bool:
        """Whether the registry is as it was at the last `sync`."""
        return self._version == self._registry.version

    def devices_of(self, channel: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return the device row of each `channel` (n,), n >= 1.

        Raises ValueError where a channel is not applied.
        """
        if channel.max() >= self._n_channels:
            raise ValueError(f"a reading of channel {channel.max()}; the registry has {self._n_channels}")
        devices = self.channel_device[channel]
        if devices.min() == _NOT_APPLIED:
            raise ValueError(f"a reading of channel {channel[devices.argmin()]}, which is planned but not yet applied")
        return devices

    def sync(self, instances: Instances, silence: Silence, now_us: int) -> int:
        """Bring `instances` and `silence` up to the registry; return how many live instances lost their rule.

        Planned rows count only once they are applied, so a replay takes up the same.
        """
        gained = self._take_channels()
        changed = sorted({*self._take_devices(), *gained})
        instances.extend(self._n_channels)
        silence.extend(len(self._devices))
        self._version = self._registry.version
        wanted = instances.panel[: self._n_channels].copy()
        ended = 0
        for (profile, coverage), rows in self._grouped(changed).items():
            panels = self._plan.channels.get((profile, coverage), {})
            channels_of = [self._registry.channels_of(row) for row in rows]
            for metric in dict.fromkeys(metric for channels in channels_of for metric in channels):
                channels = np.fromiter((channels.get(metric, -1) for channels in channels_of), np.intp, len(rows))
                channels = channels[(channels >= 0) & (channels < self._n_channels)]
                wanted[channels[self.channel_device[channels] != _NOT_APPLIED]] = panels.get(metric, NO_PANEL)
            silences = self._plan.silences.get(profile, ()) if coverage is Coverage.ALL else ()
            ended += silence.watch(np.array(rows, np.intp), silences, now_us)
        moved = np.flatnonzero(wanted != instances.panel[: self._n_channels])
        return ended + instances.place(moved, wanted[moved])

    def _take_channels(self) -> list[int]:
        """Take up the channels applied since, and return the rows of their devices."""
        now = self._registry.channel_device
        self.channel_device = grown(self.channel_device, len(now), _NOT_APPLIED)
        new = np.flatnonzero(now != self.channel_device[: len(now)])
        self._n_channels = max(self._n_channels, int(new.max(initial=-1)) + 1)
        self.channel_device[new] = now[new]
        gained: list[int] = np.unique(now[new]).tolist()
        self._devices.extend([None] * (max(gained, default=-1) + 1 - len(self._devices)))
        return gained

    def _take_devices(self) -> list[int]:
        """Return the rows of devices that are new, or whose profile or coverage is another."""
        known = self._devices
        others = [
            (row, device) for row, device in self._registry.devices() if row >= len(known) or device is not known[row]
        ]
        known.extend([None] * (max((row + 1 for row, _ in others), default=0) - len(known)))
        changed = []
        for row, device in others:
            before, known[row] = known[row], device
            if before is None or _watched_as(before) != _watched_as(device):
                changed.append(row)
        return changed

    def _grouped(self, rows: list[int]) -> dict[tuple[str, Coverage], list[int]]:
        groups: dict[tuple[str, Coverage], list[int]] = {}
        for row in rows:
            device = self._devices[row]
            if device is not None:
                groups.setdefault(_watched_as(device), []).append(row)
        return groups


def _watched_as(device: Device) -> tuple[str, Coverage]:
    return device.profile, COVERAGE[device.lifecycle]
