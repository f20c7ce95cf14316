"""The source: alarm blocks, what people and deliveries say, telemetry blocks and ticks, in that order of precedence."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from alerts import encode_command, encode_directory
from ingest import Lane
from rules import encode_rules
from service.shard import RESUMED, stepped
from storage.journal import Entry, RecordKind, StoredBlock, decode_block, encode_block
from storage.journal import Lane as JournalLane

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from alerts import Command, Directory
    from devices import ReadingBatch, RegistryChange
    from ingest import Batcher, Block
    from rules import RuleSet
    from service.clock import ServiceClock
    from service.shard import Effects, Fact
    from storage.journal import Record

__all__ = ["PipelineEnded", "Source", "Work"]

TICK_S = 1.0
# What people and deliveries may have waiting; a caller beyond it waits for its turn.
WAITING_COMMANDS = 10_000

_JOURNAL_LANE = {Lane.ALARM: JournalLane.CONTROL, Lane.TELEMETRY: JournalLane.TELEMETRY}


class PipelineEnded(Exception):
    """What was handed in is not folded any more: the pipeline has ended, and says itself why."""


@dataclass(slots=True)
class Work:
    """One group of entries for the journal, and what they say.

    entries, facts: of equal length; the facts are folded after the entries are committed
    committed:      called with the records as soon as they are; the broker is acknowledged here
    folded:         called with each fact's effects, for whoever waits for an answer
    """

    entries: tuple[Entry, ...]
    facts: tuple[Fact, ...]
    committed: Callable[[list[Record]], None]
    folded: Callable[[list[Effects]], None]


def _nothing(_: object) -> None:
    """Nobody waits for this."""


class Source:
    """Merges the two lanes of ingest with commands and time; iterate over it to get the work.

    acknowledge:    called with a block once it is in the journal
    clock:          where it sees that the wall clock was set forward, and follows it once the journal says so
    block_s:        how long the oldest telemetry message may wait for its block to fill, s
    block_readings: when a telemetry block is full
    """

    def __init__(
        self,
        batchers: Mapping[Lane, Batcher],
        acknowledge: Callable[[Block], None],
        clock: ServiceClock,
        *,
        block_s: float,
        block_readings: int,
    ) -> None:
        self._batchers = batchers
        self._acknowledge = acknowledge
        self._clock = clock
        self._block_s = block_s
        self._block_readings = block_readings
        self._commands: deque[Work] = deque()
        self._woken = asyncio.Event()
        self._room = asyncio.Semaphore(WAITING_COMMANDS)
        self._telemetry_opened: float | None = None
        self._closed = False
        self._abandoned = False
        self._owed: set[asyncio.Future[Effects]] = set()

    @property
    def waiting(self) -> int:
        """What people, deliveries and the service itself have handed in, and the pipeline has not taken yet."""
        return len(self._commands)

    # ── what comes in ────────────────────────────────────────────────────────────────────────────────────────────

    def wake(self) -> None:
        """Say that a batcher has something."""
        self._woken.set()

    async def command(self, command: Command) -> Effects:
        """Journal and fold a command; return what followed from it. It has happened once this returns."""
        entry = Entry(RecordKind.COMMAND, JournalLane.CONTROL, encode_command(command))
        return await self._submit(entry, command)

    async def register(self, change: RegistryChange) -> None:
        """Journal and apply a planned change of the registry."""
        entry = Entry(RecordKind.REGISTRY, JournalLane.CONTROL, msgspec.msgpack.encode(change))
        await self._submit(entry, change)

    async def change_rules(self, rules: RuleSet) -> Effects:
        """Journal the rules that are in force from here on, and go on with them."""
        return await self._submit(Entry(RecordKind.RULES, JournalLane.CONTROL, encode_rules(rules)), rules)

    async def change_directory(self, directory: Directory) -> Effects:
        """Journal the people who are asked from here on, and go on with them."""
        entry = Entry(RecordKind.DIRECTORY, JournalLane.CONTROL, encode_directory(directory))
        return await self._submit(entry, directory)

    async def resume(self) -> None:
        """Journal that we listen again from now on: what was not heard before is nobody's silence."""
        await self._submit(Entry(RecordKind.TICK, JournalLane.CONTROL, RESUMED), RESUMED)

    async def report(self, batch: ReadingBatch) -> None:
        """Journal and fold readings of our own, such as a trouble of the service."""
        body = encode_block(batch, Lane.ALARM)
        entry = Entry(RecordKind.BLOCK, JournalLane.CONTROL, body, len(batch))
        await self._submit(entry, decode_block(body))

    async def barrier(self) -> None:
        """Return when all alarms and commands that came before are folded."""
        await self._submit(Entry(RecordKind.TICK, JournalLane.CONTROL, b""), b"")

    def abandon(self) -> None:
        """Say that nothing is folded any more: whoever waits for an answer gets PipelineEnded, and whoever comes."""
        self._abandoned = True
        for answer in self._owed:
            if not answer.done():
                answer.set_exception(PipelineEnded("the pipeline has ended"))

    def close(self) -> None:
        """End the iteration once everything that was handed in is out."""
        self._closed = True
        self._woken.set()

    async def _submit(self, entry: Entry, fact: Fact) -> Effects:
        if self._abandoned:
            raise PipelineEnded("the pipeline has ended")
        answer: asyncio.Future[Effects] = asyncio.get_running_loop().create_future()
        self._owed.add(answer)
        answer.add_done_callback(self._owed.discard)

        def folded(effects: list[Effects]) -> None:
            if not answer.done():
                answer.set_result(effects[0])

        async with self._room:
            self._commands.append(Work((entry,), (fact,), _nothing, folded))
            self._woken.set()
            return await answer

    # ── what goes out ────────────────────────────────────────────────────────────────────────────────────────────

    async def __aiter__(self) -> AsyncIterator[Work]:
        """Yield each kind of work in turn, alarms first, so that none can starve another."""
        alarms, telemetry = self._batchers[Lane.ALARM], self._batchers[Lane.TELEMETRY]
        loop = asyncio.get_running_loop()
        last = loop.time()
        while True:
            idle = True
            if alarms.opened_us is not None:
                yield self._block(alarms)
                idle = False
            if self._commands:
                yield self._waiting_commands()
                idle = False
            if telemetry.opened_us is not None and (self._is_due(telemetry) or self._closed):
                yield self._block(telemetry)
                idle = False
            if idle and self._closed:
                return
            # Whatever else goes on, timers and silences are looked at once a second.
            if loop.time() - last >= TICK_S:
                yield self._tick()
                last = loop.time()
            elif idle:
                await self._wait(last + TICK_S)

    def _tick(self) -> Work:
        """Tell the time; where the wall clock was set forward, say so first, and only then follow it."""
        ahead_us = self._clock.ahead_us
        if not ahead_us:
            return _TICK
        body = stepped(ahead_us)
        entry = Entry(RecordKind.TICK, JournalLane.CONTROL, body)
        return Work((entry,), (body,), lambda _: self._clock.step(ahead_us), _nothing)

    def _is_due(self, batcher: Batcher) -> bool:
        """Say whether the oldest message has waited long enough, or the block is full."""
        if batcher.pending >= self._block_readings:
            return True
        if self._telemetry_opened is None:
            self._telemetry_opened = asyncio.get_running_loop().time()
        return asyncio.get_running_loop().time() - self._telemetry_opened >= self._block_s

    async def _wait(self, tick_at: float) -> None:
        """Wait until somebody hands something in, a block is due, or the next tick is."""
        until = tick_at
        if self._telemetry_opened is not None:
            until = min(until, self._telemetry_opened + self._block_s)
        loop = asyncio.get_running_loop()
        timer = loop.call_at(until, self._woken.set)
        try:
            await self._woken.wait()
        finally:
            timer.cancel()
        self._woken.clear()

    def _block(self, batcher: Batcher) -> Work:
        block = batcher.take()
        if block.lane is Lane.TELEMETRY:
            self._telemetry_opened = None
        entries: list[Entry] = []
        facts: list[Fact] = []
        if block.discovered:
            entries.append(Entry(RecordKind.REGISTRY, JournalLane.CONTROL, msgspec.msgpack.encode(block.discovered)))
            facts.append(block.discovered)
        if block.quarantine:
            entries.append(Entry(RecordKind.QUARANTINE, JournalLane.CONTROL, msgspec.msgpack.encode(block.quarantine)))
            facts.append(block.quarantine)
        packet_id, digest = block.deliveries.packet_id, block.deliveries.digest
        if len(block.batch) or len(packet_id):
            body = encode_block(block.batch, block.lane, packet_id, digest)
            entries.append(Entry(RecordKind.BLOCK, _JOURNAL_LANE[block.lane], body, len(block.batch)))
            facts.append(StoredBlock(block.batch, block.lane, packet_id, digest))
        return Work(tuple(entries), tuple(facts), lambda _: self._acknowledge(block), _nothing)

    def _waiting_commands(self) -> Work:
        """Join all that waits into one group, for one commit."""
        waiting = list(self._commands)
        self._commands.clear()

        def folded(effects: list[Effects]) -> None:
            for work, effect in zip(waiting, effects, strict=True):
                work.folded([effect])

        return Work(
            tuple(work.entries[0] for work in waiting), tuple(work.facts[0] for work in waiting), _nothing, folded
        )


_TICK = Work((Entry(RecordKind.TICK, JournalLane.TELEMETRY, b""),), (b"",), _nothing, _nothing)
