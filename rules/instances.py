"""The state of every rule instance (one rule on one channel), in flat arrays that grow with the registry.

The instances of a channel lie side by side, in the order of its panel. A channel that gets another panel gets a new run
at the end and takes along the state of the rules that stay; the old run lies waste until `compact`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from rules.compiler import NO_PANEL
from rules.kernels import State, ran_out, spread

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rules.compiler import Plan

__all__ = ["NEVER_US", "Instances", "Live", "grown"]

_Scalar = TypeVar("_Scalar", bound=np.generic)

NEVER_US = -1
"""The time of the newest reading where there was none."""

WASTE_ALLOWED = 1024
"""So many abandoned rows are let lie, however few are in use."""


@dataclass(frozen=True, slots=True)
class Live:
    """The instances that are not idle: all the state there is. Each array is (n,).

    channel, rule: int32    unique together
    state:         uint8    of `State`
    since_us:      int64    when the breach began
    clear_us:      int64    when the clear level began, 0 where not clearing
    value:         float64  the last value in breach, 0 where not pending
    """

    channel: NDArray[np.int32]
    rule: NDArray[np.int32]
    state: NDArray[np.uint8]
    since_us: NDArray[np.int64]
    clear_us: NDArray[np.int64]
    value: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.channel)

    def select(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> Live:
        """Return those that `rows` (mask or indices) names, in that order."""
        return Live(
            self.channel[rows],
            self.rule[rows],
            self.state[rows],
            self.since_us[rows],
            self.clear_us[rows],
            self.value[rows],
        )


class Instances:
    """Channel rows index `panel`, `start`, `busy`, `newest_us`; instance rows index the arrays named as in `Live`.

    panel:     (channels,) int16  row of the plan's panels
    start:     (channels,) intp   first instance row
    busy:      (channels,) bool   some instance of the channel is not idle
    newest_us: (channels,) int64  time of the newest known reading, `NEVER_US` where none
    Arrays are longer than what is used; rows beyond are blank.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.n_channels = 0
        self.panel: NDArray[np.int16] = np.zeros(0, np.int16)
        self.start: NDArray[np.intp] = np.zeros(0, np.intp)
        self.busy: NDArray[np.bool_] = np.zeros(0, np.bool_)
        self.newest_us: NDArray[np.int64] = np.zeros(0, np.int64)
        self._clear_instances()

    def _clear_instances(self) -> None:
        self._used = 0
        self._waste = 0
        self.channel: NDArray[np.int32] = np.zeros(0, np.int32)
        self.rule: NDArray[np.int32] = np.zeros(0, np.int32)
        self.state: NDArray[np.uint8] = np.zeros(0, np.uint8)
        self.since_us: NDArray[np.int64] = np.zeros(0, np.int64)
        self.clear_us: NDArray[np.int64] = np.zeros(0, np.int64)
        self.value: NDArray[np.float64] = np.zeros(0, np.float64)
        self._queued: NDArray[np.bool_] = np.zeros(0, np.bool_)
        self._queue: NDArray[np.intp] = np.zeros(0, np.intp)
        self._due_us = 0

    def __len__(self) -> int:
        return self._used - self._waste

    # ── growing ──────────────────────────────────────────────────────────────────────────────────────────────────

    def extend(self, n_channels: int) -> None:
        """Make room for channel rows up to `n_channels`; new ones have no panel."""
        self.n_channels = max(self.n_channels, n_channels)
        self.panel = grown(self.panel, n_channels, NO_PANEL)
        self.start = grown(self.start, n_channels, 0)
        self.busy = grown(self.busy, n_channels, fill=False)
        self.newest_us = grown(self.newest_us, n_channels, NEVER_US)

    def place(self, channels: NDArray[np.intp], panels: NDArray[np.int16]) -> int:
        """Give `channels` (unique, rising) other `panels`, and return how many live instances that ended.

        The state of a rule that both panels have is kept.
        """
        live = self._live_of(channels[self.busy[channels]])
        self._abandon(channels)
        self.panel[channels] = panels
        self._allocate(channels)
        ended = len(live) - self.put(live)
        if self._waste > max(WASTE_ALLOWED, len(self)):
            self.compact()
        return ended

    def compact(self) -> None:
        """Lay all runs end to end again, in order of channel rows."""
        live = self.live()
        self._clear_instances()
        self._allocate(np.flatnonzero(self.panel[: self.n_channels]))
        self.put(live)

    def _abandon(self, channels: NDArray[np.intp]) -> None:
        _, rows = spread(self.start[channels], self._plan.panel_count[self.panel[channels]])
        self.state[rows] = State.IDLE
        self.channel[rows] = -1
        self.busy[channels] = False
        self._waste += len(rows)

    def _allocate(self, channels: NDArray[np.intp]) -> None:
        panels = self.panel[channels]
        count = self._plan.panel_count[panels]
        begin, end = self._used, self._used + int(count.sum())
        self.start[channels] = begin + np.cumsum(count) - count
        self.channel = grown(self.channel, end, -1)
        self.rule = grown(self.rule, end, 0)
        self.state = grown(self.state, end, State.IDLE)
        self.since_us = grown(self.since_us, end, 0)
        self.clear_us = grown(self.clear_us, end, 0)
        self.value = grown(self.value, end, 0.0)
        self._queued = grown(self._queued, end, fill=False)
        owner, element = spread(self._plan.panel_start[panels], count)
        self.channel[begin:end] = channels[owner]
        self.rule[begin:end] = self._plan.panel_rule[element]
        self._used = end

    # ── state in and out ─────────────────────────────────────────────────────────────────────────────────────────

    def live(self) -> Live:
        """Return what is not idle, in order of channel and rule row."""
        return self._live_of(np.flatnonzero(self.busy[: self.n_channels]))

    def _live_of(self, channels: NDArray[np.intp]) -> Live:
        _, rows = spread(self.start[channels], self._plan.panel_count[self.panel[channels]])
        rows = rows[self.state[rows] != State.IDLE]
        state = self.state[rows]
        return Live(
            self.channel[rows],
            self.rule[rows],
            state,
            self.since_us[rows],
            np.where(state == State.CLEARING, self.clear_us[rows], 0),
            np.where(state == State.PENDING, self.value[rows], 0.0),
        )

    def put(self, live: Live) -> int:
        """Set the state of those of `live` whose channel has such an instance, and return how many have."""
        row = self._find(live.channel, live.rule)
        found = row >= 0
        row, live = row[found], live.select(found)
        self.state[row] = live.state
        self.since_us[row] = live.since_us
        self.clear_us[row] = live.clear_us
        self.value[row] = live.value
        self.busy[live.channel] = True
        self.wait(row[live.state == State.PENDING])
        return len(live)

    def _find(self, channel: NDArray[np.int32], rule: NDArray[np.int32]) -> NDArray[np.intp]:
        """Return the row of the instance of each `rule` on each `channel`, -1 where there is none."""
        found = np.full(len(channel), -1, np.intp)
        panel = self.panel[channel]
        start, count = self.start[channel], self._plan.panel_count[panel]
        for nth in range(int(count.max(initial=0))):
            row = np.where(nth < count, start + nth, 0)
            match = (nth < count) & (self.rule[row] == rule)
            found[match] = row[match]
        return found

    def count(self, *states: State) -> int:
        """Return how many instances are in one of `states`, none of them `IDLE`."""
        return int(np.isin(self.state[: self._used], states).sum())

    # ── the queue of pending holds ───────────────────────────────────────────────────────────────────────────────

    def wait(self, rows: NDArray[np.intp]) -> None:
        """Remember that `rows` (unique) became pending; a tick then asks only what waits."""
        if not len(rows):
            return
        due_us = int((self.since_us[rows] + self._plan.hold_us[self.rule[rows]]).min())
        self._due_us = min(self._due_us, due_us) if len(self._queue) else due_us
        rows = rows[~self._queued[rows]]
        self._queued[rows] = True
        self._queue = np.concatenate((self._queue, rows))

    def due(self, now_us: int) -> NDArray[np.intp]:
        """Take the pending instances whose hold has run out at `now_us`, in order of channel and rule row."""
        if not len(self._queue) or now_us < self._due_us:
            return self._queue[:0]
        queue, pending = self._queue, self.state[self._queue] == State.PENDING
        hold_us = self._plan.hold_us[self.rule[queue]]
        due = ran_out(self.state[queue], self.since_us[queue], hold_us, now_us)
        stays = pending & ~due
        self._queued[queue[~stays]] = False
        self._queue = queue[stays]
        self._due_us = int((self.since_us[self._queue] + hold_us[stays]).min(initial=np.iinfo(np.int64).max))
        rows = queue[due]
        return rows[np.lexsort((self.rule[rows], self.channel[rows]))]

    def bound(self, now_us: int) -> None:
        """Bring every time in the state that lies after `now_us` back to it: the fold's clock was set back."""
        for times in (self.newest_us, self.since_us, self.clear_us):
            np.minimum(times, now_us, out=times)
        self._due_us = min(self._due_us, now_us)


def grown(array: NDArray[_Scalar], n: int, fill: object) -> NDArray[_Scalar]:
    """Return `array` itself where it has `n` rows (its last axis), else a longer copy whose new rows are `fill`."""
    size = array.shape[-1]
    if n <= size:
        return array
    longer = np.full((*array.shape[:-1], max(n, 2 * size)), fill, array.dtype)
    longer[..., :size] = array
    return longer
