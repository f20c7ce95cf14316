"""The engine: folds blocks of readings into changes. It knows no clock; the fold's time is an argument.

The changes of one step come in this order, before schedules and relations (`rules.conclusions`) have their say:
1. devices heard again, by device row;
2. what readings bring about, in order of arrival; of one reading, rules that measure first, else in the order of the
   profile; of one rule, a hold that ran out before its reading first;
3. holds that ran out by now, by channel and rule;
4. devices silent for too long, by device row, the shortest silence first.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from devices.batch import Flag, ReadingBatch
from rules.compiler import Plan, key_of, rule_of_key
from rules.conclusions import Conclusions
from rules.counters import RulesCounters
from rules.drafts import changes_of
from rules.instances import Instances
from rules.layout import FOREVER_US, NONE
from rules.roster import Roster
from rules.ruleset import RuleSet
from rules.silence import Silence
from rules.silence_trial import play_silence
from rules.snapshot import (
    ReloadReport,
    RestoreReport,
    Snapshot,
    columns_of,
    decode,
    encode,
    live_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devices.registry import Registry
    from rules.kernels import State
    from rules.model import Change, Rule

__all__ = ["Engine", "compile_kernels"]

_LATE = np.uint8(Flag.LATE)
_HOUR_US = 3_600_000_000


class Engine:
    """Folds readings into changes, for the devices of `registry` and by `rules`.

    Raises KeyError where a rule reads a metric that its profile has not.
    """

    def __init__(self, registry: Registry, rules: RuleSet) -> None:
        self.counters = RulesCounters()
        self._registry = registry
        self._now_us = 0
        self._take_up(rules)

    def _take_up(self, rules: RuleSet) -> None:
        self.rules = rules
        self._plan = Plan(rules, self._registry.profiles)
        self._instances = Instances(self._plan)
        self._silence = Silence(self._plan)
        self._conclusions = Conclusions(rules, self._registry.profiles)
        self._roster = Roster(self._registry, rules, self._plan)
        self._zone = ZoneInfo(rules.timezone)
        self._zone_hour, self._zone_us = -1, 0

    # ── folding ──────────────────────────────────────────────────────────────────────────────────────────────────

    def sync(self, now_us: int) -> None:
        """Take up what the registry gained or changed since the last call; `step` does so by itself.

        The silence of a device that was not watched before is counted from here. State is kept where channel and rule
        stay; a rule that leaves a channel while it holds says nothing: whoever opened its incident closes it.
        """
        self._set_clock(now_us)
        if not self._roster.is_current:
            self.counters.syncs += 1
            ended = self._roster.sync(self._instances, self._silence, self._conclusions, now_us)
            self.counters.instances_reset += ended

    def step(self, batch: ReadingBatch, now_us: int) -> list[Change]:
        """Fold one block in and return what changes; an empty block is a tick.

        now_us: the fold's time, µs since the epoch. A reading's time beyond it counts as it. Where it is before that of
                the last step, so does every time in the state
        Raises ValueError where a reading is of a channel that the registry has not applied.
        """
        self.sync(now_us)
        self.counters.steps += 1
        self.counters.readings += len(batch)
        found = self._read(batch, now_us) if len(batch) else []
        found += self._said(self._instances.run_out(now_us))
        found += self._silence.check(now_us)
        changes = self._conclusions.step(found, now_us)
        for change in changes:
            self.counters.count(change)
        return changes

    def resume(self, now_us: int) -> None:
        """Say that nobody listened between the last step and `now_us`: that time counts as no device's silence."""
        self._silence.resume(max(now_us - self._now_us, 0))
        self._set_clock(now_us)

    def _set_clock(self, now_us: int) -> None:
        if now_us < self._now_us:
            self.counters.clock_set_back += 1
            self._instances.bound(now_us)
            self._silence.bound(now_us)
            self._conclusions.bound(now_us)
        self._now_us = now_us

    def _read(self, batch: ReadingBatch, now_us: int) -> list[Change]:
        devices = self._roster.devices_of(batch.channel)
        changes = self._silence.hear(devices, batch.time_us, batch.flags, now_us)
        is_late = (batch.flags & _LATE) != 0
        drafts = self._instances.read(batch, is_late, now_us, self._utc_offset_us(now_us))
        self.counters.take(self._instances.tally)
        return changes + self._said(drafts)

    def _said(self, drafts: np.ndarray[tuple[int], np.dtype[np.void]]) -> list[Change]:
        return changes_of(drafts, self._plan, self._registry.channel_device)

    def _utc_offset_us(self, now_us: int) -> int:
        """Return how far local time is ahead of UTC; looked up once an hour."""
        hour = now_us // _HOUR_US
        if hour != self._zone_hour:
            offset = datetime.fromtimestamp(hour * 3600, self._zone).utcoffset()
            self._zone_hour, self._zone_us = hour, 0 if offset is None else round(offset.total_seconds() * 1e6)
        return self._zone_us

    # ── looking in ───────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def n_instances(self) -> int:
        """Rule instances on channels that have something to keep."""
        return len(self._instances)

    @property
    def nbytes(self) -> int:
        """Bytes of state of channels and their rules."""
        return self._instances.nbytes

    def count(self, *states: State) -> int:
        """Return how many instances on channels are in one of `states`; `IDLE` is not for asking."""
        return self._instances.count(*states)

    @property
    def n_silent(self) -> int:
        """Devices of which a no-data rule says that nothing was heard for too long."""
        return self._silence.n_silent

    # ── state ────────────────────────────────────────────────────────────────────────────────────────────────────

    def snapshot(self) -> bytes:
        """Return the whole state; `restore` takes it. Equal states give equal bytes."""
        applied = np.flatnonzero(self._registry.channel_device >= 0)
        live, silence = self._instances.live(), self._silence.snapshot()
        silent_rule = np.frombuffer(silence.silent_rule, "<i4")
        rows = sorted({*live.records["rule"].tolist(), *silent_rule.tolist()})
        keys = sorted({self._plan.keys[row] for row in rows})  # rows may share one: which came first says nothing
        place = {key: nth for nth, key in enumerate(keys)}
        place_of = np.zeros(len(self._plan.rules), np.int32)
        place_of[rows] = [place[self._plan.keys[row]] for row in rows]
        live.records["rule"] = place_of[live.records["rule"]]
        return encode(
            Snapshot(
                now_us=self._now_us,
                keys=tuple(keys),
                newest_us=self._instances.channels["newest_us"][: applied.max(initial=-1) + 1].tobytes(),
                instances=columns_of(live),
                words=live.words.tobytes(),
                silence=msgspec.structs.replace(silence, silent_rule=place_of[silent_rule].tobytes()),
                conclusions=self._conclusions.snapshot(),
            )
        )

    def restore(self, data: bytes) -> RestoreReport:
        """Fill a fresh engine, whose registry holds what it held then, from a snapshot; rules may be others now.

        State goes on where the channel or device has a rule of the same id that decides alike; the rest is dropped and
        reported. Raises ValueError where the engine has already run, or the bytes are damaged or of an unknown version.
        """
        if self.counters.steps or self._instances.n_channels:
            raise ValueError("restore wants a fresh engine")
        return self._restore(decode(data, self.rules.by_id))

    def _restore(self, snapshot: Snapshot) -> RestoreReport:
        self.sync(snapshot.now_us)
        newest_us = np.frombuffer(snapshot.newest_us, "<i8")
        self._instances.extend(len(newest_us))
        self._instances.channels["newest_us"][: len(newest_us)] = newest_us
        live = live_of(snapshot)
        kept = self._instances.put(live, [snapshot.keys[place] for place in live.records["rule"].tolist()])
        row_of = {key: row for row, key in enumerate(self._plan.keys)}
        kept += self._silence.restore(
            snapshot.silence, np.array([row_of.get(key, NONE) for key in snapshot.keys], np.int32)
        )
        dropped_relations = self._conclusions.restore(snapshot.conclusions) if snapshot.conclusions else ()
        used = {*live.records["rule"].tolist(), *np.frombuffer(snapshot.silence.silent_rule, "<i4").tolist()}
        gone = [rule_of_key(snapshot.keys[place]) for place in used if snapshot.keys[place] not in row_of]
        was_live = int(np.count_nonzero(live.records["state"])) + len(snapshot.silence.silent_rule) // 4
        return RestoreReport(kept, tuple(sorted({*gone, *dropped_relations})), was_live - kept)

    def reload(self, rules: RuleSet, now_us: int) -> ReloadReport:
        """Go on with other rules. State goes on where the rule is still there and decides alike.

        What it says is what was reset: an incident whose rule is gone or decides otherwise is left to a person, or is
        raised again by the new rule.
        """
        self.sync(now_us)
        before, snapshot = self.rules, decode(self.snapshot(), {})
        self._take_up(rules)
        restored = self._restore(snapshot)
        self.counters.reloads += 1
        old, new = _variants(before), _variants(rules)
        both = old.keys() & new.keys()
        changed = {rule for rule in both if old[rule].keys() != new[rule].keys()}
        return ReloadReport(
            added=tuple(sorted(new.keys() - old.keys())),
            removed=tuple(sorted(old.keys() - new.keys())),
            changed=tuple(sorted(changed)),
            reworded=tuple(sorted(rule for rule in both - changed if old[rule] != new[rule])),
            kept=restored.kept,
            reset=restored.dropped_instances,
        )


def _variants(rules: RuleSet) -> Mapping[str, Mapping[bytes, Rule]]:
    """Return rule id → what decides → the rule, of all that may be in force somewhere."""
    found: dict[str, dict[bytes, Rule]] = {}
    for rule in (*rules.rules, *(variant.rule for variant in rules.variants if variant.rule is not None)):
        found.setdefault(rule.id, {})[key_of(rule)] = rule
    return found


def compile_kernels() -> None:
    """Have the machine code of all kernels made, or read it where it is kept: the first step does it otherwise."""
    plan = Plan(RuleSet(()), {})
    instances = Instances(plan)
    instances.extend(1)
    instances.read(ReadingBatch.empty(0), np.zeros(0, np.bool_), 0, 0)
    instances.run_out(FOREVER_US)
    instances.bound(0)
    instances.begin(np.zeros(0, np.intp))
    play_silence()
