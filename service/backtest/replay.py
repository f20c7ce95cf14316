"""The replay: a history through an engine, as it would have been folded live.

Readings are folded in the order in which they came (in order of time, where that is all that is known), in blocks that
never reach over the end of a step, which is a stretch of `step_s` of the history's time. How readings are divided into
blocks changes nothing that a rule says of them; only what goes by the clock is looked at no sooner than the end of a
step. So an alarm about silence may come up to a step later than live, and a silence that is less than a step longer
than what its rule waits for may be missed; where the rule waits for learned periods, each of them may be a step off.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from devices import ReadingBatch
from rules.model import NoDataTerms
from rules.repeats import NEVER_READ_US, first_readings
from service.backtest.times import SECOND_US

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from numpy.typing import NDArray

    from devices import Registry
    from rules import Change, Engine, RuleSet
    from service.backtest.channels import Channels
    from service.backtest.history import Chunk, History

__all__ = ["Replay", "Tally", "default_step_s"]

BLOCK: Final = 65_536
LONGEST_STEP_S: Final = 15.0
"""Less than what `rules.periods` takes for one report."""
STEPS_A_SILENCE: Final = 20
STEPS_AHEAD: Final = 5
"""Devices are registered so many steps ahead of their first reading, together: a quarter of the shortest silence."""
HOLE_S: Final = 3_600.0


def default_step_s(rules: RuleSet, profiles: Collection[str]) -> float:
    """Return a step that is short beside every silence that a rule of `profiles` waits for: 1 s to 15 s."""
    silences = [
        min(rule.terms.after_s, rule.terms.at_least_s or rule.terms.after_s)
        for rule in rules.rules
        if isinstance(rule.terms, NoDataTerms) and rule.profile in profiles
    ]
    shortest = min(silences, default=STEPS_A_SILENCE * LONGEST_STEP_S)
    return min(max(shortest // STEPS_A_SILENCE, 1.0), LONGEST_STEP_S)


@dataclass(slots=True)
class Tally:
    """How far a replay is, and what it has met.

    first_us, last_us: arrival of the first and the last reading, None before there is one
    repeats:    readings left out because their channel had said that time already
    holes:      (from, to) in µs in which nothing came from any device for an hour or more
    share:      of the history, 0 … 1
    """

    readings: int = 0
    unknown: int = 0
    repeats: int = 0
    steps: int = 0
    first_us: int | None = None
    last_us: int | None = None
    share: float = 0.0
    holes: list[tuple[int, int]] = field(default_factory=list)


class Replay:
    """One history through one engine.

    take:    is given the changes of each step, and the step's time where the history knows when readings came
    go_on:   asked before each block; the replay ends where it says no
    step_s:  >= 1
    """

    def __init__(
        self,
        history: History,
        registry: Registry,
        engine: Engine,
        channels: Channels,
        *,
        take: Callable[[list[Change], int | None], None],
        go_on: Callable[[Tally], bool],
        step_s: float,
    ) -> None:
        self.tally = Tally()
        self._history = history
        self._registry = registry
        self._engine = engine
        self._channels = channels
        self._take = take
        self._go_on = go_on
        self.step_s = max(step_s, 1.0)
        self._step_us = round(self.step_s * SECOND_US)
        self._now_us = 0
        self._newest_us: NDArray[np.int64] = np.zeros(0, np.int64)

    def run(self) -> Tally:
        """Fold all of it, or until told to stop. Raises HistoryFault."""
        for raw in self._history.chunks():
            chunk, rows = self._channels.rows(raw)
            chunk, rows = self._without_repeats(chunk, rows)
            for block, now_us in self._blocks(chunk.arrival_us):
                if not self._go_on(self.tally):
                    return self.tally
                self._fold(chunk, rows, block, now_us)
            self.tally.share = raw.share
        self._go_on(self.tally)
        return self.tally

    def _without_repeats(self, chunk: Chunk, rows: NDArray[np.int32]) -> tuple[Chunk, NDArray[np.int32]]:
        known_rows = len(self._newest_us)
        if known_rows < self._registry.n_channels:
            self._newest_us = np.concatenate(
                [self._newest_us, np.full(self._registry.n_channels - known_rows, NEVER_READ_US)]
            )
        is_first = np.empty(len(rows), np.bool_)
        repeats = first_readings(rows, chunk.time_us, self._newest_us, is_first)
        if not repeats:
            return chunk, rows
        self.tally.repeats += repeats
        return chunk.select(is_first), rows[is_first]

    def _blocks(self, arrival_us: NDArray[np.int64]) -> Iterator[tuple[slice, int]]:
        """Cut n readings where a step ends, and where a block is full; return each block with the time of its fold.

        That is the end of the step where the step has no more to come, else the arrival of the block's last reading.
        """
        if not len(arrival_us):
            return
        step = arrival_us // self._step_us
        ends = [*(np.flatnonzero(step[1:] != step[:-1]) + 1).tolist(), len(arrival_us)]
        start = 0
        for end in ends:
            while start < end:
                stop = min(start + BLOCK, end)
                is_whole = stop == end < len(arrival_us)
                last = stop - 1
                yield slice(start, stop), int((step[last] + 1) * self._step_us if is_whole else arrival_us[last])
                start = stop

    def _fold(self, chunk: Chunk, rows: NDArray[np.int32], block: slice, now_us: int) -> None:
        tally = self.tally
        first_us, last_us = int(chunk.arrival_us[block.start]), int(chunk.arrival_us[block.stop - 1])
        self._wait_until(first_us)
        self._channels.register(last_us + STEPS_AHEAD * self._step_us)
        time_us = chunk.time_us[block]
        if self._history.arrives:
            time_us = np.minimum(time_us, chunk.arrival_us[block])  # as ingest does with a clock that is ahead
        known = chunk.known[block]
        batch = ReadingBatch(rows[block], time_us, chunk.value[block], known, np.zeros(len(known), np.uint8), last_us)
        self._step(batch, now_us)
        tally.readings += len(batch)
        tally.unknown += len(batch) - int(np.count_nonzero(known))
        tally.first_us = first_us if tally.first_us is None else tally.first_us
        tally.last_us = last_us

    def _wait_until(self, first_us: int) -> None:
        """Let the time pass in which nothing came: a tick at the end of every step of it."""
        last_us = self.tally.last_us
        if last_us is None:
            return
        if first_us - last_us >= HOLE_S * SECOND_US:
            self.tally.holes.append((last_us, first_us))
        for step in range(self._now_us // self._step_us + 1, first_us // self._step_us + 1):
            now_us = step * self._step_us
            self._step(ReadingBatch.empty(now_us), now_us)

    def _step(self, batch: ReadingBatch, now_us: int) -> None:
        self._now_us = now_us
        changes = self._engine.step(batch, now_us)
        self.tally.steps += 1
        if changes:
            self._take(changes, now_us if self._history.arrives else None)
