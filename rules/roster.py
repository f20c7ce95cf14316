"""The roster: what the engine knows of the registry, and how it takes up what is new there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from devices.model import device_key
from rules.compiler import COVERAGE, NO_PANEL, Coverage
from rules.layout import NONE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from devices.model import Device
    from devices.registry import Registry
    from rules.compiler import Plan
    from rules.conclusions import Conclusions
    from rules.instances import Instances
    from rules.ruleset import RuleSet
    from rules.silence import Silence

__all__ = ["Roster"]

_WatchedAs = tuple[str, Coverage, tuple[int, ...]]
"""Profile, coverage, selection of overrides: devices alike in these are watched by the same rules."""


class Roster:
    """Tells instances, silence and conclusions which device is watched by which rules, as the registry changes."""

    def __init__(self, registry: Registry, rules: RuleSet, plan: Plan) -> None:
        self._registry = registry
        self._rules = rules
        self._plan = plan
        self._version = 0
        self._watched_as: dict[int, _WatchedAs] = {}
        self._shared: dict[_WatchedAs, _WatchedAs] = {}
        self._children: dict[str, set[int]] = {}
        self._behind: dict[int, int] = {}

    @property
    def is_current(self) -> bool:
        """Whether the registry is as it was at the last `sync`."""
        return self._version == self._registry.version

    def devices_of(self, channel: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return the device row of each `channel` (n,), n >= 1.

        Raises ValueError where a channel is not applied.
        """
        known = self._registry.channel_device
        if channel.max() >= len(known):
            raise ValueError(f"a reading of channel {channel.max()}; the registry has {len(known)}")
        devices = known[channel]
        if devices.min() == NONE:
            raise ValueError(f"a reading of channel {channel[devices.argmin()]}, which is planned but not yet applied")
        return devices

    def sync(self, instances: Instances, silence: Silence, conclusions: Conclusions, now_us: int) -> int:
        """Bring all three up to the registry; return how many instances that were not idle lost their rule.

        Planned rows count only once they are applied, so a replay takes up the same.
        """
        registry = self._registry
        touched = [
            (row, device)
            for row in registry.touched_since(self._version)
            if (device := registry.device(row)) is not None
        ]
        self._version = registry.version
        instances.extend(registry.n_channels)
        silence.extend(registry.n_devices)
        groups: dict[_WatchedAs, list[int]] = {}
        moved = set()
        for row, device in touched:
            watched_as = self._shared_key(device)
            groups.setdefault(watched_as, []).append(row)
            if self._watched_as.get(row) is not watched_as:
                self._watched_as[row] = watched_as
                moved.add(row)
        ended = self._place(groups, instances)
        for watched_as, rows in groups.items():
            others = np.array([row for row in rows if row in moved], np.intp)
            if len(others):
                ended += silence.watch(others, self._plan.watching(*watched_as).silences, now_us)
        self._place_behind_gateways(touched, silence)
        conclusions.sync(touched)
        return ended

    def _shared_key(self, device: Device) -> _WatchedAs:
        key = (device.profile, COVERAGE[device.lifecycle], self._rules.selection(device))
        return self._shared.setdefault(key, key)

    def _place(self, groups: dict[_WatchedAs, list[int]], instances: Instances) -> int:
        """Give the channels of the touched devices their panels."""
        found: list[NDArray[np.intp]] = []
        panels_found: list[NDArray[np.int32]] = []
        applied = self._registry.channel_device
        for watched_as, rows in groups.items():
            panels = self._plan.watching(*watched_as).panels
            for metric, channels in self._registry.channels_by_metric(rows).items():
                here = channels[applied[channels] != NONE]
                found.append(here)
                panels_found.append(np.full(len(here), panels.get(metric, NO_PANEL), np.int32))
        if not found:
            return 0
        channels, wanted = np.concatenate(found), np.concatenate(panels_found)
        other = np.flatnonzero(instances.channels["panel"][channels] != wanted)
        other = other[np.argsort(channels[other])]
        return instances.place(channels[other], wanted[other])

    def _place_behind_gateways(self, touched: list[tuple[int, Device]], silence: Silence) -> None:
        """Tell which gateway each device is behind; a gateway may be registered after those behind it."""
        behind: dict[int, int] = {}
        for row, device in touched:
            if device.gateway:
                gateway = device_key(device.site, device.gateway)
                self._children.setdefault(gateway, set()).add(row)
                behind[row] = self._applied_row(gateway)
            elif row in self._behind:
                behind[row] = NONE
            if self._children:
                behind.update(dict.fromkeys(self._children_of(device.key), row))
        if behind:
            self._behind.update(behind)
            rows = sorted(behind)
            silence.place_behind(np.array(rows, np.intp), np.array([behind[row] for row in rows], np.int32))

    def _children_of(self, gateway: str) -> list[int]:
        """Return the rows of the devices that are behind `gateway` as they are registered now."""
        return [
            row
            for row in self._children.get(gateway, ())
            if (device := self._registry.device(row)) is not None and device_key(device.site, device.gateway) == gateway
        ]

    def _applied_row(self, key: str) -> int:
        row = self._registry.device_row(key)
        return NONE if row is None or self._registry.device(row) is None else row
