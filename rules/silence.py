"""The watch over silence: which devices gave no sign of life for too long, in the fold's time.

- *A sign of life* is a reading newer than all of its device before. It counts from its event time, and from now where
  that is ahead: of a day's samples that come at once the newest counts, a reading without a time by its arrival. One
  that is old already has its age, so a gateway that sends its cache makes no dead device look alive. A message that the
  broker had retained, and one that says `offline`, are none.
- *Too long* is the rule's `after_s`; with `periods`, so many reporting periods as learned (`rules.periods`) where that
  is sooner, and never sooner than `at_least_s`.
- *Gateways*: `rules.gateways`. A sign of life is one of the gateway that forwarded it as well. Time in which a gateway
  was said to be silent is no silence of what is behind it, but for what was said before.
- It is looked at in the first step of each whole second, so its time is up at most 1 s before it is said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from rules.compiled import plain
from rules.compiler import key_of
from rules.gateways import chains, decide, due, pass_over_absence, silent_behind
from rules.hearing import AWAY, HELD, HIDDEN, LISTENER, NEVER_US, NEW, TERMS, settle, take_in, terms_of
from rules.instances import grown
from rules.model import Change
from rules.silence_state import fill, state_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from rules.hearing import Bools, Ints, Records
    from rules.model import Rule
    from rules.silence_state import SilenceState

__all__ = ["Silence"]

_SECOND_US = 1_000_000
_NOT_YET = -1


class _Planned(Protocol):
    """What silence wants of the plan: the effective rules by row, of which there may be more later."""

    @property
    def rules(self) -> Sequence[Rule]: ...


class Silence:
    """Devices are columns, the no-data rules of a device rows: the shortest silence first, l of them at most.

    of:      (n,) LISTENER
    wait_us: (l, n) int64  the silence to wait for; `NEVER_US` where there is no such rule
    rule:    (l, n) int32  rule row, -1 where there is none
    holds:   (l, n) bool
    due_us:  (n,) int64    no rule of the device is due before; `NEVER_US` where it is hidden
    awaited: (n,) int32    the gateway that must be heard or be due before the device is looked at again, -1 for none
    second:  the whole second of fold time of the last check, -1 before the first
    Arrays are longer than what is used; rows beyond are blank. Device rows that are given must be below `n_devices`.
    """

    def __init__(self, plan: _Planned) -> None:
        self._plan = plan
        self.of: Records = np.zeros(0, LISTENER)
        self.wait_us: Ints = np.zeros((1, 0), np.int64)
        self.rule: NDArray[np.int32] = np.zeros((1, 0), np.int32)
        self.holds: Bools = np.zeros((1, 0), np.bool_)
        self.due_us: Ints = np.zeros(0, np.int64)
        self.awaited: NDArray[np.int32] = np.zeros(0, np.int32)
        self.second = _NOT_YET
        self.n_devices = 0
        self._terms: Records = np.zeros(0, TERMS)
        self._alike: NDArray[np.int32] = np.zeros(1, np.int32)
        self._behind: NDArray[np.int32] = np.zeros(0, np.int32)
        self._is_gateway: Bools = np.zeros(0, np.bool_)
        self._found: NDArray[np.intp] = np.zeros(0, np.intp)
        self._back: NDArray[np.int32] = np.zeros(0, np.int32)
        self._before_us: Ints = np.zeros(0, np.int64)

    # ── who is watched ───────────────────────────────────────────────────────────────────────────────────────────

    def extend(self, n_devices: int) -> None:
        """Make room for device rows up to `n_devices`; new ones are not watched."""
        self.n_devices = max(self.n_devices, n_devices)
        self.of = grown(self.of, n_devices, NEW)
        self.wait_us = grown(self.wait_us, n_devices, NEVER_US)
        self.rule = grown(self.rule, n_devices, -1)
        self.holds = grown(self.holds, n_devices, fill=False)
        self.due_us = grown(self.due_us, n_devices, NEVER_US)
        self.awaited = grown(self.awaited, n_devices, -1)
        self._behind = grown(self._behind, n_devices, -1)
        self._is_gateway = grown(self._is_gateway, n_devices, fill=False)
        self._found = grown(self._found, n_devices, 0)
        self._back = grown(self._back, n_devices, 0)
        self._before_us = grown(self._before_us, n_devices, 0)

    def watch(self, devices: NDArray[np.intp], rules: Sequence[int], now_us: int) -> int:
        """Watch `devices` by the rule rows `rules` from now on, and return how many rules that held this ended.

        The silence of a device begins now where it was not watched before; what a rule that stays had said, stays.
        A gateway that is no longer watched, or no longer said to be silent, hides nobody from now on.
        """
        self._take_rules(len(rules))
        watched = self.rule[0, devices] >= 0
        away = devices[(self.of["marks"][devices] & AWAY) != 0]
        self.of["heard_us"][devices[~watched]] = now_us
        level, nth = np.nonzero(self.holds[:, devices])
        holders = devices[nth]
        held = self.rule[level, holders]
        self.rule[:, devices] = -1
        self.holds[:, devices] = False
        for place, row in enumerate(rules):
            self.rule[place, devices] = row
        kept = self._put(holders, held)
        self._settle(devices)
        self._mark(away, self.of["heard_us"][away], now_us)
        return len(holders) - kept

    def place_behind(self, devices: NDArray[np.intp], gateways: NDArray[np.int32]) -> None:
        """Put `devices` behind `gateways`, device rows, -1 for none. A gateway in a circle is none."""
        if (self._behind[devices] == gateways).all():
            return
        self._behind[devices] = gateways
        gateway, depth = chains(self._behind)
        self.of["gateway"] = gateway
        self.of["depth"] = depth
        self._is_gateway[:] = False
        self._is_gateway[gateway[gateway >= 0]] = True
        self.due_us[(self.of["marks"] & HIDDEN) != 0] = 0
        self.awaited[:] = -1

    def _take_rules(self, levels: int) -> None:
        """Make room for so many rules of a device, and take up the terms of rules that are new."""
        more = levels - len(self.rule)
        if more > 0:
            self.wait_us = np.pad(self.wait_us, ((0, more), (0, 0)), constant_values=NEVER_US)
            self.rule = np.pad(self.rule, ((0, more), (0, 0)), constant_values=-1)
            self.holds = np.pad(self.holds, ((0, more), (0, 0)), constant_values=False)
        if len(self._terms) < len(self._plan.rules):
            self._terms = np.array([terms_of(rule) for rule in self._plan.rules], TERMS)
            first: dict[bytes, int] = {}
            alike = [first.setdefault(key_of(rule), row) for row, rule in enumerate(self._plan.rules)]
            self._alike = np.array(alike, np.int32)

    def _settle(self, devices: NDArray[np.intp]) -> None:
        """Take up the rules and periods of `devices`; the next check looks at them."""
        settle(self.of, devices, self.rule, self._terms, self.wait_us, self.due_us)
        self.due_us[devices] = 0
        self.awaited[:] = -1

    # ── folding ──────────────────────────────────────────────────────────────────────────────────────────────────

    def hear(
        self, devices: NDArray[np.int32], time_us: NDArray[np.int64], flags: NDArray[np.uint8], now_us: int
    ) -> list[Change]:
        """Take in one block as signs of life; return what ceases, in order of device row and level.

        devices: (n,) int32  device row of each reading, in any order, repeated
        time_us: (n,) int64  event time
        flags:   (n,) uint8  of `Flag`
        """
        back, before_us = self._back, self._before_us
        n_back = take_in(
            plain(devices),
            plain(time_us),
            plain(flags),
            now_us,
            self.of,
            self.rule,
            self._terms,
            self.wait_us,
            self.due_us,
            back,
            before_us,
        )
        if not n_back:
            return []
        order = np.argsort(back[:n_back])
        return self._cease(back[:n_back][order].astype(np.intp), before_us[:n_back][order], now_us)

    def _cease(self, rows: NDArray[np.intp], before_us: Ints, now_us: int) -> list[Change]:
        """End what holds on `rows`, unique and rising, that were away and are heard, where that was recent enough."""
        holds = self.holds[:, rows]
        ceases = holds & (now_us - self.of["heard_us"][rows] < self.wait_us[:, rows])
        self.holds[:, rows] = holds & ~ceases
        self._mark(rows, before_us, now_us)
        nth, level = np.nonzero(ceases.T)
        return self._changes(rows[nth], level, before_us[nth], now_us, holds=False)

    def _mark(self, rows: NDArray[np.intp], before_us: Ints, now_us: int) -> None:
        """Mark again `rows`, that were away: as held, or as hidden where a rule is due still.

        before_us: of each, from where its silence counted. If it is a gateway, that was its absence
        """
        holds = self.holds[:, rows]
        silent = now_us - self.of["heard_us"][rows] >= self.wait_us[:, rows]
        hidden = (self.of["marks"][rows] & HIDDEN).astype(bool) & (silent & ~holds).any(axis=0)
        held = holds.any(axis=0)
        self.of["marks"][rows] = hidden * np.uint8(HIDDEN) | held * np.uint8(HELD)
        self.due_us[rows] = 0
        decides = self._is_gateway[rows] & (held | ~hidden)
        if decides.any():
            before_us_of = np.full(self.n_devices, NEVER_US)
            before_us_of[rows[decides]] = before_us[decides]
            pass_over_absence(self.n_devices, now_us, self.of, before_us_of, self.due_us)

    def check(self, now_us: int) -> list[Change]:
        """Return what begins to hold, in order of device row and level; looks in a whole second's first step."""
        second = now_us // _SECOND_US
        if second == self.second:
            return []
        self.second = second
        n_due = due(
            self.n_devices,
            now_us,
            self.of,
            self.rule,
            self.wait_us,
            self.holds,
            self.due_us,
            self.awaited,
            self._found,
        )
        if not n_due:
            return []
        rows = self._found[:n_due]
        held = self.holds[:, rows]
        if not decide(rows, now_us, self.of, self.rule, self.wait_us, self.holds, self.due_us):
            return []
        nth, level = np.nonzero((self.holds[:, rows] & ~held).T)
        begins = rows[nth]
        return self._changes(begins, level, self.of["heard_us"][begins], now_us, holds=True)

    def _members(self, begins: NDArray[np.intp], now_us: int) -> Mapping[int, tuple[int, ...]]:
        """Return the silent devices behind each of `begins` that is a gateway and has any, rising."""
        gateways = begins[self._is_gateway[begins]]
        if not len(gateways):
            return {}
        device = np.empty(self.n_devices, np.int32)
        gateway = np.empty(self.n_devices, np.int32)
        n = silent_behind(self.n_devices, now_us, self.of, self.wait_us, self._mask(gateways), device, gateway)
        order = np.argsort(gateway[:n], kind="stable")
        owners, starts = np.unique(gateway[:n][order], return_index=True)
        members = np.split(device[:n][order], starts[1:])
        return {owner: tuple(rows.tolist()) for owner, rows in zip(owners.tolist(), members, strict=False)}

    def resume(self, elapsed_us: int) -> None:
        """Say that nobody listened for so long: that time counts as no device's silence."""
        self.of["heard_us"] += elapsed_us

    def bound(self, now_us: int) -> None:
        """Bring every time that lies after `now_us` back to it: the fold's clock was set back."""
        for name in ("heard_us", "newest_us", "spoke_us"):
            np.minimum(self.of[name], now_us, out=self.of[name])
        np.minimum(self.of["began_s"], now_us // _SECOND_US, out=self.of["began_s"])
        self.due_us[:] = 0

    # ── looking in ───────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def n_silent(self) -> int:
        """Devices of which a no-data rule says that nothing was heard for too long."""
        return int(np.count_nonzero(self.of["marks"] & HELD))

    @property
    def n_hidden(self) -> int:
        """Devices that are silent for too long behind a silent gateway, which is said instead."""
        return int(np.count_nonzero(self.of["marks"] & HIDDEN))

    # ── state in and out ─────────────────────────────────────────────────────────────────────────────────────────

    def live(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Return the device and rule rows of what holds, (n,) int32 each, in order of device row and level."""
        device, level = np.nonzero(self.holds[:, : self.n_devices].T)
        return device.astype(np.int32), self.rule[level, device]

    def snapshot(self) -> SilenceState:
        """Return the whole state but for what the registry and the rules say; `restore` takes it."""
        used = slice(0, self.n_devices)
        return state_of(self.second, self.of[used], self.rule[0, used] >= 0, *self.live())

    def restore(self, state: SilenceState, row_of: NDArray[np.int32]) -> int:
        """Take over `state`, once devices are watched and placed as now, and return how many of what held still holds.

        row_of: (r,) int32  the rule row of each rule row in `state`, -1 where that rule is gone
        """
        n = len(state.heard_us) // LISTENER["heard_us"].itemsize
        self.extend(n)
        self.second = state.second
        fill(self.of[:n], state)
        hidden = np.frombuffer(state.hidden_device, "<i4")
        self.of["marks"][hidden[self.rule[0, hidden] >= 0]] |= HIDDEN
        rule = row_of[np.frombuffer(state.silent_rule, "<i4")]
        kept = self._put(np.frombuffer(state.silent_device, "<i4")[rule >= 0], rule[rule >= 0])
        self._settle(np.arange(n))
        return kept

    def _put(self, devices: NDArray[np.integer], rules: NDArray[np.int32]) -> int:
        """Let each of `rules` hold on its device, where it watches it; return how many do."""
        watched = self.rule[:, devices]
        level, nth = np.nonzero((watched >= 0) & (self._alike[watched] == self._alike[rules]))
        self.holds[level, devices[nth]] = True
        self.of["marks"][devices[nth]] |= HELD
        return len(nth)

    def _mask(self, devices: NDArray[np.intp]) -> Bools:
        mask = np.zeros(self.n_devices, np.bool_)
        mask[devices] = True
        return mask

    def _changes(
        self, rows: NDArray[np.intp], level: NDArray[np.intp], since_us: Ints, now_us: int, *, holds: bool
    ) -> list[Change]:
        """Return a change for each of `rows` under its rule of `level`."""
        rules = self._plan.rules
        members = self._members(rows, now_us) if holds else {}
        return [
            Change(
                row,
                -1,
                rules[rule],
                holds,
                False,
                False,
                now_us,
                since,
                measure=(now_us - since) / 1e6,
                reference=period_s or None,
                members=members.get(row, ()),
            )
            for row, rule, since, period_s in zip(
                rows.tolist(),
                self.rule[level, rows].tolist(),
                since_us.tolist(),
                self.of["usual_s"][rows].tolist(),
                strict=True,
            )
        ]
