"""Channels: the names that a history uses against the rows of a registry, which grows as devices are first heard.

What a device was before its first reading is not known, so its silence counts from about there: it is registered at the
beginning of the stretch of time in which its first reading came.
"""

from __future__ import annotations

import heapq
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING

import numpy as np

from devices import Device, Lifecycle, RegistryChange, device_key
from service.backtest.history import HistoryFault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from devices import ChannelRow, DeviceRow, Registry
    from service.backtest.history import Chunk, History

__all__ = ["Channels"]

NAMED = 5
_NO_ROW = -1
_IN_SERVICE = {Lifecycle.MAINTENANCE, Lifecycle.RETIRED}


class Channels:
    """Finds the channel row of every reading.

    ledger:  devices by `site/name`; maintenance and retirement are of today, so all of these count as in service
    profile: for devices that are not in it; None where such a one is a fault
    site:    only devices of this site; "" for all
    """

    def __init__(
        self,
        registry: Registry,
        history: History,
        ledger: Mapping[str, Device],
        *,
        profile: str | None = None,
        site: str = "",
    ) -> None:
        self._registry = registry
        self._history = history
        self._ledger = ledger
        self._profile = profile
        self._site = site
        self._rows: NDArray[np.int32] = np.zeros((0, 0), np.int32)
        self._wanted: NDArray[np.bool_] = np.zeros(0, np.bool_)
        self._waiting: list[tuple[int, int, RegistryChange]] = []
        self._order = count()

    def rows(self, chunk: Chunk) -> tuple[Chunk, NDArray[np.int32]]:
        """Return the readings of wanted devices, and the channel row of each, (n,) int32.

        What is new gets its rows here, and is there once `register` says so.
        Raises HistoryFault where a device has no profile.
        """
        self._grow()
        if not self._wanted.all():
            wanted = self._wanted[chunk.device]
            chunk = chunk if wanted.all() else chunk.select(wanted)
        # One flat look-up is three times as fast as one by two indices.
        pairs = chunk.device.astype(np.int64) * self._rows.shape[1] + chunk.metric
        rows = self._rows.reshape(-1)[pairs]
        if len(rows) and rows.min() == _NO_ROW:
            new = np.flatnonzero(rows == _NO_ROW)
            found, first = np.unique(pairs[new], return_index=True)
            self._plan(found, chunk.arrival_us[new[first]])
            rows = self._rows.reshape(-1)[pairs]
        return chunk, rows

    def register(self, until_us: int) -> None:
        """Let the registry have the devices and channels that are first heard before `until_us`."""
        devices: list[DeviceRow] = []
        channels: list[ChannelRow] = []
        while self._waiting and self._waiting[0][0] < until_us:
            _, _, change = heapq.heappop(self._waiting)
            devices += change.devices
            channels += change.channels
        if devices or channels:
            self._registry.apply(RegistryChange(tuple(devices), tuple(channels)))

    def _grow(self) -> None:
        """Make room for the names that the history has by now."""
        n_devices, n_metrics = len(self._history.devices), len(self._history.metrics)
        if self._rows.shape == (n_devices, n_metrics):
            return
        known_devices, known_metrics = self._rows.shape
        rows = np.full((n_devices, n_metrics), _NO_ROW, np.int32)
        rows[:known_devices, :known_metrics] = self._rows
        self._rows = rows
        new = self._history.devices.all()[len(self._wanted) :]
        wanted = [not self._site or key.startswith(f"{self._site}/") for key in new]
        self._wanted = np.concatenate([self._wanted, np.array(wanted, np.bool_)])

    def _plan(self, pairs: NDArray[np.int64], first_us: NDArray[np.int64]) -> None:
        """Give rows to the channels `pairs`, none of which has one, first heard at `first_us`."""
        device, metric = np.divmod(pairs, self._rows.shape[1])
        keys, metrics = self._history.devices.all(), self._history.metrics.all()
        new = [code for code in dict.fromkeys(device.tolist()) if self._registry.device_row(keys[code]) is None]
        devices = self._devices([keys[code] for code in new])
        heard_us: dict[int, int] = {}
        for code, us in zip(device.tolist(), first_us.tolist(), strict=True):
            heard_us[code] = min(heard_us.get(code, us), us)
        for code, known in zip(new, devices, strict=True):
            self._wait(heard_us[code], self._registry.plan_registration([*self._gateway(known), known]))
        for code, metric_code, us in zip(device.tolist(), metric.tolist(), first_us.tolist(), strict=True):
            row = self._registry.device_row(keys[code])
            if row is None:
                raise LookupError(f"{keys[code]} was planned above")
            channel = self._registry.channel(row, metrics[metric_code])
            if channel is None:
                planned = self._registry.plan_channel(row, metrics[metric_code])
                self._wait(us, RegistryChange((), (planned,)))
                channel = planned.row
            self._rows[code, metric_code] = channel

    def _wait(self, first_us: int, change: RegistryChange) -> None:
        heapq.heappush(self._waiting, (first_us, next(self._order), change))

    def _devices(self, keys: list[str]) -> list[Device]:
        """Return the devices of `keys` as they are to be watched. Raises HistoryFault where one has no profile."""
        profiles = self._registry.profiles
        if self._profile is not None and self._profile not in profiles:
            raise HistoryFault(f"no profile {self._profile!r}; there are {', '.join(profiles)}")
        strange = [key for key in keys if key not in self._ledger and (self._profile is None or key.count("/") != 1)]
        lost = [key for key in keys if key in self._ledger and self._ledger[key].profile not in profiles]
        if lost:
            raise HistoryFault(
                f"{self._ledger[lost[0]].profile!r}, the profile of {_listed(lost)}, is not loaded; "
                f"wanted it in devices.profiles of the settings"
            )
        if strange:
            raise HistoryFault(
                f"nothing says what kind of device {_listed(strange)} is; wanted site/name, and a ledger (--ledger) "
                f"that has it or one profile for all (--profile)"
            )
        return [self._device(key) for key in keys]

    def _gateway(self, device: Device) -> list[Device]:
        """Return the gateway of `device`, which may never say anything itself, where it has no row yet."""
        key = device_key(device.site, device.gateway)
        if not device.gateway or key not in self._ledger or self._registry.device_row(key) is not None:
            return []
        return self._devices([key])

    def _device(self, key: str) -> Device:
        device = self._ledger.get(key)
        if device is None:
            site, _, name = key.partition("/")
            profile = self._profile or ""
            return Device(site, name, self._registry.profiles[profile].kind, profile)
        return replace(device, lifecycle=Lifecycle.REGISTERED) if device.lifecycle in _IN_SERVICE else device


def _listed(keys: list[str]) -> str:
    shown = ", ".join(keys[:NAMED])
    return f"{shown} and {len(keys) - NAMED} more" if len(keys) > NAMED else shown
