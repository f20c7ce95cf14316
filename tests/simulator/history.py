"""A history of a fleet, on a registry of its own, read into plain columns."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from devices import ReadingBatch, Registry
from devices.profile_loader import load_profiles
from simulator.history import History

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulator import Fleet

PROFILES = load_profiles()
BEGIN_US = 1_793_980_800_000_000
"""A midnight in China."""
HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US


@dataclass(frozen=True)
class Told:
    """What a history said."""

    registry: Registry
    blocks: list[tuple[int, ReadingBatch]]
    history: History

    @cached_property
    def _columns(self) -> tuple[NDArray[np.int32], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Channels, rising, with event times and fold's times (s since the beginning), and values."""
        whole = ReadingBatch.concat([block for _, block in self.blocks])
        now_us = np.repeat([now for now, _ in self.blocks], [len(block) for _, block in self.blocks])
        order = np.argsort(whole.channel, kind="stable")
        times, ats = ((us[order] - BEGIN_US) / 1e6 for us in (whole.time_us, now_us))
        return whole.channel[order], times, ats, whole.value[order]

    def of(self, row: int, metric: str) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return event times, fold's times (s since the beginning), and values of one channel, in order of arrival."""
        channel, times, ats, values = self._columns
        wanted = self.registry.channels_of(row)[metric]
        its = slice(*np.searchsorted(channel, [wanted, wanted + 1]).tolist())
        return times[its], ats[its], values[its]


def registered(fleet: Fleet) -> Registry:
    registry = Registry(PROFILES)
    registry.apply(registry.plan_registration(fleet.devices))
    return registry


def history(fleet: Fleet, **options: Any) -> tuple[Registry, History]:
    registry = registered(fleet)
    channels = [registry.channels_of(row) for row in range(len(fleet))]
    return registry, History(fleet, channels, begin_us=BEGIN_US, **options)


def tell(fleet: Fleet, days: float, *, every_s: float = 60.0, **options: Any) -> Told:
    registry, told = history(fleet, **options)
    return Told(registry, list(told.blocks(BEGIN_US + round(days * DAY_US), every_s)), told)
