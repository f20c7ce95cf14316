"""The reader: what the readings of one block do to the rule instances.

A reading that no rule can mind costs one comparison: its value is *quiet* under every rule of its channel, and nothing
on the channel is busy. Only the others are attended to, rule by rule.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from devices.batch import Flag
from rules import kernels
from rules.drafts import Draft, Phase
from rules.kernels import Level, State

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from devices.batch import ReadingBatch
    from rules.compiler import Plan
    from rules.counters import RulesCounters
    from rules.instances import Instances

__all__ = ["Reader"]

# As plain bytes: looking up an enum's member costs more than comparing a hundred of them.
_LATE = np.uint8(Flag.LATE)
_IDLE, _PENDING, _HOLDS = np.uint8(State.IDLE), np.uint8(State.PENDING), np.uint8(State.HOLDS)
_WITHHELD, _BREACH = np.uint8(Level.WITHHELD), np.uint8(Level.BREACH)
_RAN_OUT, _READ = np.uint8(Phase.RAN_OUT), np.uint8(Phase.READ)


class Reader:
    """Reads blocks into `instances`, and counts what it looked at."""

    def __init__(self, plan: Plan, instances: Instances, counters: RulesCounters) -> None:
        self._plan = plan
        self._instances = instances
        self._counters = counters

    def read(self, batch: ReadingBatch, now_us: int) -> list[Draft]:
        """Fold the readings in; times are brought within 0 … `now_us`."""
        instances, plan = self._instances, self._plan
        channel = batch.channel.astype(np.intp)
        time_us = np.minimum(np.maximum(batch.time_us, 0), now_us)
        panel = instances.panel[channel]
        quiet = (batch.value >= plan.quiet_low[panel]) & (batch.value <= plan.quiet_high[panel])
        instances.busy[channel[batch.known & ~quiet]] = True
        busy = instances.busy[channel]
        others = np.flatnonzero(batch.known & ~busy)
        np.maximum.at(instances.newest_us, channel[others], time_us[others])
        rows = np.flatnonzero(batch.known & busy)
        self._counters.unknown += len(batch) - len(others) - len(rows)
        self._counters.attended += len(rows)
        if not len(rows):
            return []
        channel, time_us, value = channel[rows], time_us[rows], batch.value[rows]
        late = (batch.flags[rows] & _LATE) != 0
        drafts: list[Draft] = []
        for reading, slot in kernels.evaluation_waves(channel, time_us, late):
            drafts += self._evaluate(channel[reading], time_us[reading], value[reading], late[reading], slot)
        return drafts

    def _evaluate(
        self,
        channels: NDArray[np.intp],
        times_us: NDArray[np.int64],
        values: NDArray[np.float64],
        flagged: NDArray[np.bool_],
        slots: NDArray[np.intp],
    ) -> list[Draft]:
        """Advance every instance of `channels` (k,), each named once and none without a rule, by its reading."""
        instances, plan = self._instances, self._plan
        count = plan.panel_count[instances.panel[channels]]
        reading, row = kernels.spread(instances.start[channels], count)
        before_us = instances.newest_us[channels]
        lates = flagged | (times_us < before_us)
        instances.newest_us[channels] = np.maximum(before_us, times_us)

        # From here on one element is one pair.
        rule, time_us, value, late = instances.rule[row], times_us[reading], values[reading], lates[reading]
        level = kernels.levels(value, plan.bounds[:, rule])
        turned = kernels.turn(
            instances.state[row],
            level,
            late,
            since_us=instances.since_us[row],
            clear_us=instances.clear_us[row],
            hold_us=plan.hold_us[rule],
            clear_hold_us=plan.clear_hold_us[rule],
            repeats=plan.repeats[rule],
            time_us=time_us,
            newest_us=before_us[reading],
        )
        drafts = []
        expired = np.flatnonzero(turned.expired)
        if len(expired):
            drafts.append(self.ran_out(row[expired], slots[reading[expired]]))
        said = np.flatnonzero(turned.changed | turned.repeated)
        if len(said):
            drafts.append(
                Draft(
                    slot=slots[reading[said]],
                    row=row[said],
                    phase=np.full(len(said), _READ, np.uint8),
                    channel=instances.channel[row[said]],
                    rule=rule[said],
                    holds=turned.state[said] >= _HOLDS,
                    repeated=turned.repeated[said],
                    late=late[said],
                    time_us=time_us[said],
                    since_us=turned.since_us[said],
                    value=value[said],
                )
            )
        pending = (turned.state == _PENDING) & (level == _BREACH) & ~late
        instances.state[row] = turned.state
        instances.since_us[row] = turned.since_us
        instances.clear_us[row] = turned.clear_us
        instances.value[row[pending]] = value[pending]
        instances.wait(row[pending])
        instances.busy[channels] = np.logical_or.reduceat(turned.state != _IDLE, np.cumsum(count) - count)
        self._counters.late += int(np.count_nonzero(lates))
        self._counters.evaluations += len(row)
        self._counters.withheld += int(np.count_nonzero(level == _WITHHELD))
        return drafts

    def ran_out(self, row: NDArray[np.intp], slot: NDArray[np.intp]) -> Draft:
        """Say that the holds of instance rows `row` (n,), still as they were, ran out: each at its own time."""
        instances = self._instances
        rule, since_us = instances.rule[row], instances.since_us[row]
        return Draft(
            slot=slot,
            row=row,
            phase=np.full(len(row), _RAN_OUT, np.uint8),
            channel=instances.channel[row],
            rule=rule,
            holds=np.ones(len(row), np.bool_),
            repeated=np.zeros(len(row), np.bool_),
            late=np.zeros(len(row), np.bool_),
            time_us=since_us + self._plan.hold_us[rule],
            since_us=since_us,
            value=instances.value[row],
        )
