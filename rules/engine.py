"""The engine: folds blocks of readings into changes. It knows no clock; the fold's time is an argument.

The changes of one step come in this order:
1. devices heard again, by device row;
2. what readings bring about, in order of evaluation (`kernels.evaluation_waves`), rules as the profile has them, a hold
   that ran out before its reading first;
3. holds that ran out by now, by channel and rule;
4. devices silent for too long, by device row, the shortest silence first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rules.compiler import compile_rules
from rules.counters import RulesCounters
from rules.drafts import changes_of
from rules.instances import Instances, Live
from rules.kernels import State
from rules.reader import Reader
from rules.roster import Roster
from rules.silence import Silence
from rules.snapshot import RestoreReport, Snapshot, decode, encode

if TYPE_CHECKING:
    from devices.batch import ReadingBatch
    from devices.registry import Registry
    from rules.drafts import Draft
    from rules.model import Change, RuleSet

__all__ = ["Engine"]


class Engine:
    """Folds readings into changes, for the devices of `registry` and by `rules`.

    Raises KeyError where a rule reads a metric that its profile has not.
    """

    def __init__(self, registry: Registry, rules: RuleSet) -> None:
        self.counters = RulesCounters()
        self._plan = compile_rules(rules, registry.profiles)
        self._instances = Instances(self._plan)
        self._silence = Silence(self._plan)
        self._roster = Roster(registry, self._plan)
        self._reader = Reader(self._plan, self._instances, self.counters)
        self._kind_of = {rule.id: rule.kind for rule in rules.rules}
        self._now_us = 0

    # ── folding ──────────────────────────────────────────────────────────────────────────────────────────────────

    def sync(self, now_us: int) -> None:
        """Take up what the registry gained or changed since the last call; `step` does so by itself.

        The silence of a device that was not watched before is counted from here. State is kept where channel and rule
        stay; a rule that leaves a channel while it holds says nothing: whoever opened its incident closes it.
        """
        self._set_clock(now_us)
        if not self._roster.is_current:
            self.counters.syncs += 1
            self.counters.instances_reset += self._roster.sync(self._instances, self._silence, now_us)

    def step(self, batch: ReadingBatch, now_us: int) -> list[Change]:
        """Fold one block in and return what changes, in the module's order; an empty block is a tick.

        now_us: the fold's time, µs since the epoch. A reading's time beyond it counts as it. Where it is before that of
                the last step, so does every time in the state
        Raises ValueError where a reading is of a channel that the registry has not applied.
        """
        self.sync(now_us)
        self.counters.steps += 1
        self.counters.readings += len(batch)
        changes = self._read(batch, now_us) if len(batch) else []
        changes += self._run_out(now_us)
        changes += self._silence.check(now_us)
        for change in changes:
            self.counters.count(self._kind_of[change.rule_id], change)
        return changes

    def resume(self, now_us: int) -> None:
        """Say that nobody listened between the last step and `now_us`: that time counts as no device's silence."""
        self._silence.heard_us += max(now_us - self._now_us, 0)
        self._set_clock(now_us)

    def _set_clock(self, now_us: int) -> None:
        if now_us < self._now_us:
            self.counters.clock_set_back += 1
            self._instances.bound(now_us)
            self._silence.bound(now_us)
        self._now_us = now_us

    def _read(self, batch: ReadingBatch, now_us: int) -> list[Change]:
        devices = self._roster.devices_of(batch.channel)
        changes = self._silence.hear(devices, now_us)
        return changes + self._said(self._reader.read(batch, now_us))

    def _run_out(self, now_us: int) -> list[Change]:
        rows = self._instances.due(now_us)
        if not len(rows):
            return []
        draft = self._reader.ran_out(rows, np.arange(len(rows), dtype=np.intp))
        self._instances.state[rows] = State.HOLDS
        return self._said([draft])

    def _said(self, drafts: list[Draft]) -> list[Change]:
        return changes_of(drafts, self._plan, self._roster.channel_device)

    # ── looking in ───────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def n_instances(self) -> int:
        """Rule instances on channels."""
        return len(self._instances)

    def count(self, *states: State) -> int:
        """Return how many instances on channels are in one of `states`; `IDLE` is not for asking."""
        return self._instances.count(*states)

    @property
    def n_silent(self) -> int:
        """Devices of which a no-data rule says that nothing was heard for too long."""
        return int(np.count_nonzero(self._silence.silent))

    # ── state ────────────────────────────────────────────────────────────────────────────────────────────────────

    def snapshot(self) -> bytes:
        """Return the whole state; `restore` takes it. Equal states give equal bytes."""
        live = self._instances.live()
        silent_device, silent_rule = self._silence.live()
        return encode(
            Snapshot(
                now_us=self._now_us,
                second=self._silence.second,
                rules=tuple(rule.id for rule in self._plan.rules),
                newest_us=self._instances.newest_us[: self._instances.n_channels].tobytes(),
                heard_us=self._silence.heard_us[: self._silence.n_devices].tobytes(),
                channel=live.channel.tobytes(),
                rule=live.rule.tobytes(),
                state=live.state.tobytes(),
                since_us=live.since_us.tobytes(),
                clear_us=live.clear_us.tobytes(),
                value=live.value.tobytes(),
                silent_device=silent_device.tobytes(),
                silent_rule=silent_rule.tobytes(),
            )
        )

    def restore(self, data: bytes) -> RestoreReport:
        """Fill a fresh engine, whose registry holds what it held then, from a snapshot; rules may be others now.

        State goes on where the rule id is still on that channel or device; the rest is dropped and reported.
        Raises ValueError where the engine has already run, or the bytes are damaged or of an unknown version.
        """
        if self.counters.steps or self._instances.n_channels:
            raise ValueError("restore wants a fresh engine")
        snapshot = decode(data)
        self.sync(snapshot.now_us)
        self._silence.second = snapshot.second
        newest_us = np.frombuffer(snapshot.newest_us, "<i8")
        heard_us = np.frombuffer(snapshot.heard_us, "<i8")
        self._instances.extend(len(newest_us))
        self._silence.extend(len(heard_us))
        self._instances.newest_us[: len(newest_us)] = newest_us
        self._silence.heard_us[: len(heard_us)] = heard_us
        row_of = np.array([self._plan.row_of.get(name, -1) for name in snapshot.rules], np.int32)
        live = Live(
            channel=np.frombuffer(snapshot.channel, "<i4"),
            rule=row_of[np.frombuffer(snapshot.rule, "<i4")],
            state=np.frombuffer(snapshot.state, "u1"),
            since_us=np.frombuffer(snapshot.since_us, "<i8"),
            clear_us=np.frombuffer(snapshot.clear_us, "<i8"),
            value=np.frombuffer(snapshot.value, "<f8"),
        )
        silent_device = np.frombuffer(snapshot.silent_device, "<i4")
        silent_rule = row_of[np.frombuffer(snapshot.silent_rule, "<i4")]
        kept = self._instances.put(live.select(live.rule >= 0))
        kept += self._silence.put(silent_device[silent_rule >= 0], silent_rule[silent_rule >= 0])
        gone = tuple(name for name in snapshot.rules if name not in self._plan.row_of)
        return RestoreReport(kept, gone, len(live) + len(silent_rule) - kept)
