"""The watch over silence: which devices were not heard for too long, by arrival, in the fold's time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rules.instances import grown
from rules.kernels import overdue
from rules.model import Change

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from rules.compiler import Plan

__all__ = ["Silence"]

_NEVER = np.iinfo(np.int64).max
_SECOND_US = 1_000_000
_NOT_YET = -1


class Silence:
    """Devices are columns, the no-data rules of a device rows: the shortest silence first, l of them at most.

    heard_us: (n,) int64    when the device was last heard, or began to be watched
    after_us: (l, n) int64  the silence to wait for; the largest int64 where there is no such rule
    rule:     (l, n) int32  rule row, -1 where there is none
    holds:    (l, n) bool
    silent:   (n,) bool     some rule of the device holds
    second:   the whole second of fold time of the last check, -1 before the first
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        levels = max((len(rows) for rows in plan.silences.values()), default=0)
        self.heard_us: NDArray[np.int64] = np.zeros(0, np.int64)
        self.after_us: NDArray[np.int64] = np.zeros((levels, 0), np.int64)
        self.rule: NDArray[np.int32] = np.zeros((levels, 0), np.int32)
        self.holds: NDArray[np.bool_] = np.zeros((levels, 0), np.bool_)
        self.silent: NDArray[np.bool_] = np.zeros(0, np.bool_)
        self.second = _NOT_YET
        self.n_devices = 0

    def extend(self, n_devices: int) -> None:
        """Make room for device rows up to `n_devices`; new ones are not watched."""
        self.n_devices = max(self.n_devices, n_devices)
        self.heard_us = grown(self.heard_us, n_devices, 0)
        self.after_us = grown(self.after_us, n_devices, _NEVER)
        self.rule = grown(self.rule, n_devices, -1)
        self.holds = grown(self.holds, n_devices, fill=False)
        self.silent = grown(self.silent, n_devices, fill=False)

    def watch(self, devices: NDArray[np.intp], rules: Sequence[int], now_us: int) -> int:
        """Watch `devices` by the rule rows `rules` from now on, and return how many rules that held this ended.

        The silence of a device begins now where it was not watched before; what a rule that stays had said, stays.
        """
        watched = (self.rule[:, devices] >= 0).any(axis=0)
        self.heard_us[devices[~watched]] = now_us
        held = [self.rule[level, devices[self.holds[level, devices]]] for level in range(len(self.rule))]
        holders = [devices[self.holds[level, devices]] for level in range(len(self.rule))]
        self.rule[:, devices] = -1
        self.after_us[:, devices] = _NEVER
        self.holds[:, devices] = False
        self.silent[devices] = False
        for level, row in enumerate(rules):
            self.rule[level, devices] = row
            self.after_us[level, devices] = round((self._plan.rules[row].after_s or 0.0) * 1_000_000)
        kept = sum(self.put(device, rule) for device, rule in zip(holders, held, strict=True))
        return sum(len(device) for device in holders) - kept

    def hear(self, devices: NDArray[np.int32], now_us: int) -> list[Change]:
        """Note that `devices` (not unique) were heard; return what ceases, in order of device row and level."""
        changes: list[Change] = []
        back = self.silent[devices]
        if back.any():
            silent = np.unique(devices[back])
            changes = self._changes(self._pairs(self.holds[:, silent], silent), now_us, holds=False)
            self.holds[:, silent] = False
            self.silent[silent] = False
        self.heard_us[devices] = now_us
        return changes

    def check(self, now_us: int) -> list[Change]:
        """Return what begins to hold, in order of device row and level; looks in a whole second's first step."""
        second = now_us // _SECOND_US
        if second == self.second:
            return []
        self.second = second
        used = slice(0, self.n_devices)
        due = overdue(now_us, self.heard_us[used], self.after_us[:, used], self.holds[:, used])
        if not due.any():
            return []
        self.holds[:, used] |= due
        self.silent[used] |= due.any(axis=0)
        return self._changes(self._pairs(due, np.arange(self.n_devices)), now_us, holds=True)

    def bound(self, now_us: int) -> None:
        """Bring every time that lies after `now_us` back to it: the fold's clock was set back."""
        np.minimum(self.heard_us, now_us, out=self.heard_us)

    def put(self, devices: NDArray[np.generic], rules: NDArray[np.int32]) -> int:
        """Let each of `rules` hold on its device, where it watches it; return how many do."""
        match = self.rule[:, devices] == rules
        level, nth = np.nonzero(match)
        self.holds[level, devices[nth]] = True
        self.silent[devices[nth]] = True
        return len(nth)

    def live(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Return the device and rule rows of what holds, (n,) int32 each, in order of device row and level."""
        pairs = self._pairs(self.holds[:, : self.n_devices], np.arange(self.n_devices))
        device, level = pairs
        return device.astype(np.int32), self.rule[level, device]

    def _pairs(
        self, mask: NDArray[np.bool_], devices: NDArray[np.generic]
    ) -> tuple[NDArray[np.generic], NDArray[np.intp]]:
        nth, level = np.nonzero(mask.T)
        return devices[nth], level

    def _changes(
        self, pairs: tuple[NDArray[np.generic], NDArray[np.intp]], now_us: int, *, holds: bool
    ) -> list[Change]:
        device, level = pairs
        return [
            Change(
                device_row=row,
                channel=-1,
                rule_id=self._plan.rules[rule].id,
                holds=holds,
                repeated=False,
                late=False,
                time_us=now_us,
                since_us=since_us,
                value=None,
            )
            for row, rule, since_us in zip(
                device.tolist(), self.rule[level, device].tolist(), self.heard_us[device].tolist(), strict=True
            )
        ]
