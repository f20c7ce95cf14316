"""The state of every rule instance (one rule on one channel): records that come to be when there is what to keep.

The instances of a channel lie side by side, in the order of its panel. A channel that gets another panel takes along
the state of the rules that stay. What is left behind lies waste until `compact`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from rules import fold
from rules.compiled import compiled, plain
from rules.compiler import NO_PANEL
from rules.kernels import CLEARING, HOLDS, IDLE, PENDING, State
from rules.layout import CHANNEL, DRAFT, FOREVER_US, INSTANCE, NEVER_US, NONE, Tally

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from devices.batch import ReadingBatch
    from rules.compiler import Plan

    Records = NDArray[np.void]

__all__ = ["Instances", "Live", "grown", "spread"]

_Scalar = TypeVar("_Scalar", bound=np.generic)

WASTE_ALLOWED = 1024
"""So many abandoned rows, and words, are let lie, however few are in use."""

_FIGURES = ("value", "measured", "reference", "low", "high")


@dataclass(frozen=True, slots=True)
class Live:
    """The instances that are not idle or remember something: all the state there is, in order of channel and panel.

    records: (n,) `layout.INSTANCE`; what means nothing in its state is 0, and `memory` is a place in `words`
    words:   float64, the memory of all, end to end
    """

    records: Records
    words: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.records)


class Instances:
    """The state, written by the fold.

    channels: (c,) `layout.CHANNEL` by channel row
    records:  `layout.INSTANCE`; those with channel `NONE` are waste
    memory:   float64 words
    queue:    int32 rows that wait for a hold to run out
    tally:    (len(Tally),) int64
    Arrays are longer than what is used; rows beyond are blank.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.n_channels = 0
        self.channels: Records = np.zeros(0, CHANNEL)
        self.tally: NDArray[np.int64] = np.zeros(len(Tally), np.int64)
        self._drafts: Records = np.empty(0, DRAFT)
        self._room: NDArray[np.int64] = np.zeros(3, np.int64)
        self._clear()

    def _clear(self) -> None:
        self.records: Records = np.zeros(0, INSTANCE)
        self.memory: NDArray[np.float64] = np.zeros(0)
        self.queue: NDArray[np.int32] = np.zeros(0, np.int32)
        self.tally[[Tally.INSTANCES, Tally.ABANDONED, Tally.WORDS, Tally.WORDS_ABANDONED, Tally.QUEUE]] = 0
        self.tally[Tally.DUE_US] = FOREVER_US

    def __len__(self) -> int:
        return int(self.tally[Tally.INSTANCES] - self.tally[Tally.ABANDONED])

    @property
    def nbytes(self) -> int:
        """Bytes in use."""
        used = self.tally[Tally.INSTANCES] * (INSTANCE.itemsize + self.queue.itemsize)
        return int(self.n_channels * CHANNEL.itemsize + used + self.tally[Tally.WORDS] * self.memory.itemsize)

    # ── folding ──────────────────────────────────────────────────────────────────────────────────────────────────

    def read(self, batch: ReadingBatch, is_late: NDArray[np.bool_], now_us: int, zone_us: int) -> Records:
        """Fold the readings in; return the drafts (`layout.DRAFT`) as things happened, good until the next call."""
        plan = self._plan
        channel, value, known = plain(batch.channel), plain(batch.value), plain(batch.known)
        fold.needs(channel, value, known, self.channels, plan.panels, self._room)
        pairs, instances, words = self._room.tolist()
        self._reserve(instances, words)
        if len(self._drafts) < pairs * fold.DRAFTS_A_PAIR:
            self._drafts = np.empty(2 * pairs * fold.DRAFTS_A_PAIR, DRAFT)
        fold.bring_in(channel, self.channels, self.records, self.memory, plan.panels)
        n_drafts = fold.fold(
            channel,
            plain(batch.time_us),
            value,
            known,
            is_late,
            now_us,
            zone_us,
            self.channels,
            self.records,
            self.memory,
            plan.panels,
            plan.panel_rule,
            plan.records,
            plan.parameters,
            self.queue,
            self.tally,
            self._drafts,
        )
        if self._is_mostly_waste():
            self.compact()
        return self._drafts[:n_drafts]

    def run_out(self, now_us: int) -> Records:
        """Let the holds run out that are due, and return the drafts in order of channel and panel."""
        if now_us < self.tally[Tally.DUE_US]:
            return np.empty(0, DRAFT)
        drafts = np.empty(int(self.tally[Tally.QUEUE]), DRAFT)
        n_drafts = fold.ended_holds(now_us, self.records, self._plan.records, self.queue, self.tally, drafts)
        drafts = drafts[:n_drafts]
        return drafts[np.lexsort((drafts["row"], drafts["channel"]))]

    # ── growing ──────────────────────────────────────────────────────────────────────────────────────────────────

    def extend(self, n_channels: int) -> None:
        """Make room for channel rows up to `n_channels`; new ones have no panel."""
        self.n_channels = max(self.n_channels, n_channels)
        blank = np.array((NEVER_US, NO_PANEL, NONE, 0), CHANNEL)
        self.channels = grown(self.channels, n_channels, blank)

    def _reserve(self, instances: int, words: int) -> None:
        """Make room for so many more instances and words."""
        rows = int(self.tally[Tally.INSTANCES]) + instances
        self.records = grown(self.records, rows, np.zeros((), INSTANCE))
        self.queue = grown(self.queue, len(self.records), NONE)
        self.memory = grown(self.memory, int(self.tally[Tally.WORDS]) + words, 0.0)

    def place(self, channels: NDArray[np.intp], panels: NDArray[np.int32]) -> int:
        """Give `channels` (unique, rising) other `panels`, and return how many instances not idle that ended.

        The state of a rule that both panels have, or that decides like it, is kept.
        """
        live = self._live_of(channels)
        keys = [self._plan.keys[rule] for rule in live.records["rule"].tolist()]
        self._abandon(channels)
        self.channels["panel"][channels] = panels
        ended = _not_idle(live.records) - self.put(live, keys)
        words, words_abandoned = self.tally[Tally.WORDS], self.tally[Tally.WORDS_ABANDONED]
        if self._is_mostly_waste() or words_abandoned > max(WASTE_ALLOWED, words - words_abandoned):
            self.compact()
        return ended

    def _is_mostly_waste(self) -> bool:
        return bool(self.tally[Tally.ABANDONED] > max(WASTE_ALLOWED, len(self)))

    def compact(self) -> None:
        """Lay all that is kept end to end again, in order of channel rows."""
        live = self.live()
        keys = [self._plan.keys[rule] for rule in live.records["rule"].tolist()]
        self.channels["start"] = NONE
        self.channels["busy"] = 0
        self._clear()
        self.put(live, keys)

    def _abandon(self, channels: NDArray[np.intp]) -> None:
        channels = channels[self.channels["start"][channels] != NONE]
        rows = self._rows_of(channels)
        self.records["channel"][rows] = NONE
        self.channels["start"][channels] = NONE
        self.channels["busy"][channels] = 0
        self.tally[Tally.ABANDONED] += len(rows)
        self.tally[Tally.WORDS_ABANDONED] += self._plan.records["words"][self.records["rule"][rows]].sum()

    # ── state in and out ─────────────────────────────────────────────────────────────────────────────────────────

    def live(self) -> Live:
        """Return what is not idle or remembers something."""
        return self._live_of(np.flatnonzero(self.channels["start"][: self.n_channels] != NONE))

    def _rows_of(self, channels: NDArray[np.intp]) -> NDArray[np.intp]:
        at = self.channels[channels]
        return spread(at["start"].astype(np.intp), self._plan.panels["count"][at["panel"]].astype(np.intp))[1]

    def _live_of(self, channels: NDArray[np.intp]) -> Live:
        rows = self._rows_of(channels[self.channels["start"][channels] != NONE])
        rows = rows[(self.records["state"][rows] != IDLE) | (self.records["memory"][rows] != NONE)]
        records = self.records[rows]
        words = self._plan.records["words"][records["rule"]].astype(np.intp)
        _, places = spread(records["memory"].astype(np.intp), words)
        _blank_what_means_nothing(records)
        records["memory"] = np.where(words > 0, np.cumsum(words) - words, NONE)
        return Live(records, self.memory[places])

    def put(self, live: Live, keys: Sequence[bytes]) -> int:
        """Set the state of those of `live` whose channel has a rule of their key; return how many not idle have.

        keys: by record, of `Plan.keys`
        """
        records = live.records
        nth = self._place_in_panel(records["channel"].astype(np.intp), _interned(keys, self._plan.keys))
        found = np.flatnonzero(nth >= 0)
        if not len(found):
            return 0
        records, nth = records[found], nth[found]
        self.begin(np.unique(records["channel"]).astype(np.intp))
        rows = self.channels["start"][records["channel"]] + nth
        words = self._plan.records["words"][self.records["rule"][rows]].astype(np.intp)
        words[records["memory"] == NONE] = 0
        _, source = spread(records["memory"].astype(np.intp), words)
        _, target = spread(self.records["memory"][rows].astype(np.intp), words)
        self.memory[target] = live.words[source]
        for name in ("since_us", "due_us", "last_us", "state", *_FIGURES):
            self.records[name][rows] = records[name]
        measuring = self._plan.panels["measuring"][self.channels["panel"][records["channel"]]]
        busy = records["channel"][(records["state"] != IDLE) & (nth >= measuring)]
        np.add.at(self.channels["busy"], busy, 1)
        self._wait(rows[records["state"] == PENDING])
        return _not_idle(records)

    def begin(self, channels: NDArray[np.intp]) -> None:
        """Give those of `channels` that have none the instances of their panels, all idle."""
        channels = channels[self.channels["start"][channels] == NONE]
        panels = self._plan.panels[self.channels["panel"][channels]]
        self._reserve(int(panels["count"].sum()), int(panels["words"].sum()))
        _begin_all(
            channels,
            self.channels,
            self._plan.panels,
            self.records,
            self._plan.panel_rule,
            self._plan.records,
            self.memory,
            self.tally,
        )

    def _place_in_panel(self, channels: NDArray[np.intp], wanted: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return the place in its channel's panel of the rule whose key is `wanted`, -1 where there is none."""
        keys = _interned(self._plan.keys, self._plan.keys)
        panels = self._plan.panels[self.channels["panel"][channels]]
        found = np.full(len(channels), -1, np.intp)
        for nth in range(int(panels["count"].max(initial=0))):
            has = panels["count"] > nth
            rule = self._plan.panel_rule[np.where(has, panels["start"] + nth, 0)]
            match = has & (keys[rule] == wanted) & (wanted >= 0)
            found[match] = nth
        return found

    def _wait(self, rows: NDArray[np.intp]) -> None:
        due_us = self.records["due_us"][rows]
        rows = rows[(due_us != FOREVER_US) & ~self.records["queued"][rows]]
        first = int(self.tally[Tally.QUEUE])
        self.queue[first : first + len(rows)] = rows
        self.records["queued"][rows] = True
        self.tally[Tally.QUEUE] += len(rows)
        self.tally[Tally.DUE_US] = min(self.tally[Tally.DUE_US], due_us.min(initial=FOREVER_US))

    def count(self, *states: State) -> int:
        """Return how many instances are in one of `states`, none of them `IDLE`."""
        used = self.records[: self.tally[Tally.INSTANCES]]
        return int((np.isin(used["state"], states) & (used["channel"] != NONE)).sum())

    def bound(self, now_us: int) -> None:
        """Bring every time in the state that lies after `now_us` back to it: the fold's clock was set back."""
        np.minimum(self.channels["newest_us"], now_us, out=self.channels["newest_us"])
        used = self.records[: self.tally[Tally.INSTANCES]]
        _bring_back(now_us, used, self._plan.records, self.memory)
        self.tally[Tally.DUE_US] = min(self.tally[Tally.DUE_US], now_us)


# ── over all records ─────────────────────────────────────────────────────────────────────────────────────────────────


def _blank_what_means_nothing(records: Records) -> None:
    """Make equal states equal bytes."""
    state = records["state"]
    records["since_us"][state == IDLE] = 0
    waits_not = (state == IDLE) | (state == HOLDS)
    records["last_us"][waits_not] = NEVER_US
    records["due_us"][waits_not] = 0
    for name in _FIGURES:
        records[name][state != PENDING] = 0.0
    records["queued"] = False


def _not_idle(records: Records) -> int:
    return int(np.count_nonzero(records["state"] != IDLE))


def _interned(keys: Sequence[bytes], known: Sequence[bytes]) -> NDArray[np.intp]:
    """Return each of `keys` as the place where it is first in `known`, -1 where it is not."""
    place = {key: len(known) - 1 - nth for nth, key in enumerate(reversed(known))}
    return np.fromiter((place.get(key, -1) for key in keys), np.intp, len(keys))


@compiled
def _begin_all(
    rows: NDArray[np.intp],
    channels: Records,
    panels: Records,
    records: Records,
    panel_rule: NDArray[np.int32],
    rules: Records,
    memory: NDArray[np.float64],
    tally: NDArray[np.int64],
) -> None:
    for row in rows:
        at = channels[row]
        fold.begin(row, at, panels[at.panel], records, panel_rule, rules, memory, tally)


@compiled
def _bring_back(now_us: int, records: Records, rules: Records, memory: NDArray[np.float64]) -> None:
    """Bring the times of `records` and their memory back to `now_us`; what was waited for is waited for as long."""
    for nth in range(records.shape[0]):
        one = records[nth]
        rule = rules[one.rule]
        if one.state == PENDING and one.due_us != FOREVER_US:
            one.due_us -= max(one.since_us - now_us, 0)
        elif one.state == CLEARING:
            one.due_us = min(one.due_us, now_us + rule.clear_hold_us)
        one.since_us = min(one.since_us, now_us)
        one.last_us = min(one.last_us, now_us)
        for word in range(rule.times):
            memory[one.memory + word] = min(memory[one.memory + word], float(now_us))


def spread(start: NDArray[np.intp], count: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Lay the runs start … start + count end to end.

    start, count: (n,) intp
    Returns (owner, element), each (count.sum(),) intp: which run, and the element of it.
    """
    owner = np.repeat(np.arange(len(count), dtype=np.intp), count)
    shift = start - np.cumsum(count) + count
    return owner, np.arange(len(owner), dtype=np.intp) + shift[owner]


def grown(array: NDArray[_Scalar], n: int, fill: object) -> NDArray[_Scalar]:
    """Return `array` itself where it has `n` rows (its last axis), else a longer copy whose new rows are `fill`."""
    size = array.shape[-1]
    if n <= size:
        return array
    longer = np.full((*array.shape[:-1], max(n, size + size // 2)), fill, array.dtype)
    longer[..., :size] = array
    return longer
