"""The journal as the event loop sees it."""

from __future__ import annotations

import asyncio
import time
import zlib
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

from storage.journal.batch import Group
from storage.journal.counters import JournalCounters
from storage.journal.errors import FailureReason, JournalBusy, JournalFailed
from storage.journal.lane import ALL_KINDS
from storage.journal.record import MAX_BODY_BYTES
from storage.journal.requests import Close, Load, Move, Read, Save
from storage.journal.store import Store
from storage.journal.tail import Tail
from storage.journal.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from storage.journal.limits import JournalLimits
    from storage.journal.record import Checkpoint, Entry, Record, RecordKind
    from storage.journal.store import Batch
    from storage.journal.writer import Answers

__all__ = ["Journal"]


def _clock_us() -> int:
    return time.time_ns() // 1000


class Journal:
    """A durable, ordered log of records, a checkpoint of what was made of them, and the places of its readers.

    `await Journal.open(…)` makes one. All methods are for the loop that opened it.

    A group of entries is committed whole or not at all in each lane, control first. A crash between the two leaves the
    control entries of a group alone: the group was never acknowledged, and its number is a hole among the offsets.

    GAP records are appended by the journal itself, so a live fold does not see them where a replay does.
    """

    def __init__(self, limits: JournalLimits) -> None:
        self.limits = limits
        self.counters = JournalCounters()
        self._writer: Writer
        self._store: Store
        self._tail: Tail
        self._head = 0
        self._failure: JournalFailed | None = None
        self._ended = asyncio.Event()
        self._queued_bytes = 0

    @classmethod
    async def open(
        cls,
        directory: Path,
        limits: JournalLimits,
        clock_us: Callable[[], int] = _clock_us,
        cursors: Iterable[str] = (),
    ) -> Self:
        """Open the journal in `directory`, or make one.

        clock_us: returns µs since the epoch; called on the journal's thread
        cursors:  readers that must exist; a new one starts at 0 and holds back deletion from there
        Raises JournalInUse where somebody has it open, JournalCorrupt where a file is not what it must be,
        JournalFailed or OSError where the system does not let us.
        """
        journal = cls(limits)
        opened: asyncio.Future[Store] = asyncio.get_running_loop().create_future()
        names = tuple(cursors)
        journal._writer = Writer(
            lambda: Store(directory, limits, clock_us, journal.counters, names),
            opened,
            journal._deliver,
            journal._end,
            limits.telemetry_bytes,
        )
        journal._writer.start()
        try:
            journal._store = await opened
        except asyncio.CancelledError:
            journal._writer.ask(Close())
            raise
        journal._tail = Tail(journal._store.head, limits.tail_bytes)
        journal._head = journal._store.head
        return journal

    # ── what it says of itself ───────────────────────────────────────────────────────────────────────────────────

    @property
    def id(self) -> str:
        """The journal's own name, a UUID in hex, made when it was first opened."""
        return self._store.journal_id

    @property
    def head(self) -> int:
        """The newest offset at and below which everything is committed; a cursor may move there."""
        return self._head

    @property
    def failure(self) -> JournalFailed | None:
        """Why it refuses work, or None while it does not."""
        return self._failure

    @property
    def control_nearly_full(self) -> bool:
        """Whether the control lane holds 90 % of its quota or more. It goes on beyond it, as long as the disk does."""
        return self.counters.control_nearly_full

    def cursors(self) -> Mapping[str, int]:
        """Return each cursor's offset: all up to it is done with."""
        return MappingProxyType({name: place.offset for name, place in dict(self._store.cursors.places).items()})

    def cursor_lags_s(self) -> Mapping[str, float]:
        """Return how much older than the newest record each cursor's place is, s; 0 where it has passed all."""
        places = dict(self._store.cursors.places)
        return {name: self._store.lag_us(place) / 1e6 for name, place in places.items()}

    # ── appending ────────────────────────────────────────────────────────────────────────────────────────────────

    async def append(self, entries: Sequence[Entry]) -> list[Record]:
        """Append a group of entries and return its records once they are durable.

        Raises as `submit`. Who is cancelled while waiting does not know whether it was appended.
        """
        return await self.submit(entries)

    def submit(self, entries: Sequence[Entry]) -> asyncio.Future[list[Record]]:
        """Append a group of entries; the future has its records, in their order, once they are durable.

        Futures are done in the order of their records' offsets. That is the order of submission, but that a group of
        control entries alone may overtake groups of telemetry entries alone (`batch.arrange`).
        The future raises JournalFailed where the commit, or one before it, failed.
        Raises JournalBusy where too much waits already; ValueError where a body is above 64 MiB, or the telemetry of
        the group is above the whole quota.
        """
        answer: asyncio.Future[list[Record]] = asyncio.get_running_loop().create_future()
        group = Group(tuple(entries), tuple(zlib.crc32(entry.body) for entry in entries), answer)
        size = group.size
        for entry in entries:
            if len(entry.body) > MAX_BODY_BYTES:
                raise ValueError(f"{entry.kind.name} entry of {len(entry.body)} bytes; wanted {MAX_BODY_BYTES} or less")
        if group.telemetry_size > self.limits.telemetry_bytes:
            raise ValueError(f"telemetry of {group.telemetry_size} bytes at once; quota {self.limits.telemetry_bytes}")
        if self._queued_bytes and self._queued_bytes + size > self.limits.queued_bytes:
            raise JournalBusy(f"{self._queued_bytes} bytes wait for their commit; limit {self.limits.queued_bytes}")
        self._queued_bytes += size
        answer.add_done_callback(lambda _: self._dequeue(size))
        self._ask(group, answer)
        return answer

    # ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def read(self, after: int, max_bytes: int, kinds: Collection[RecordKind] | None = None) -> list[Record]:
        """Return the records that follow the offset `after`, in order; none where there are none.

        max_bytes: of bodies; one record is returned even if it is larger, and fewer may be returned than would fit
        kinds:     which to return; None for all
        What does not match its checksum is left out, and a GAP record follows. Raises JournalFailed.
        """
        wanted = ALL_KINDS if kinds is None else sum(1 << kind for kind in set(kinds))
        if self._failure is None:
            found = self._tail.read(after, max_bytes, wanted)
            if found is not None:
                return found
        answer: asyncio.Future[list[Record]] = asyncio.get_running_loop().create_future()
        self._ask(Read(after, max_bytes, wanted, answer), answer)
        return await answer

    async def move_cursor(self, name: str, offset: int) -> None:
        """Say that the reader `name` is done with everything up to `offset`; return once that is durable.

        What all cursors and the checkpoint have passed is deleted afterwards. A cursor does not move back: asked to, it
        stays. An unknown one comes to be. Raises ValueError for an offset that is still to be given out, JournalFailed.
        """
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._ask(Move(name, offset, answer), answer)
        await answer

    # ── the checkpoint ───────────────────────────────────────────────────────────────────────────────────────────

    async def checkpoint(self, offset: int, parts: Mapping[str, bytes]) -> None:
        """Replace the checkpoint with the state after the record at `offset`; return once that is durable.

        Parts that are not named stay as they were. Appends go on meanwhile.
        Raises ValueError where `offset` is before the last checkpoint or still to be given out, JournalFailed.
        """
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._ask(Save(offset, dict(parts), answer), answer)
        await answer

    async def last_checkpoint(self) -> Checkpoint | None:
        """Return the checkpoint, or None before the first. Raises JournalCorrupt where it is damaged, JournalFailed."""
        answer: asyncio.Future[Checkpoint | None] = asyncio.get_running_loop().create_future()
        self._ask(Load(answer), answer)
        return await answer

    # ── the end ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def close(self) -> None:
        """Finish what was asked, let go of the files, and refuse more. Closing again does nothing."""
        self._writer.ask(Close())
        await self._ended.wait()

    async def closed(self) -> None:
        """Wait for the end. Raises JournalFailed where it was not `close` that ended it."""
        await self._ended.wait()
        if self._failure is not None and self._failure.reason is not FailureReason.CLOSED:
            raise self._failure

    def _ask(self, request: Group | Move | Read | Save | Load, answer: asyncio.Future[Any]) -> None:
        if self._failure is None:
            self._writer.ask(request)
        else:
            answer.set_exception(JournalFailed(self._failure.reason, self._failure.detail))

    # ── called from the thread, on the loop ──────────────────────────────────────────────────────────────────────

    def _deliver(self, answers: Answers, batch: Batch | None) -> None:
        if batch is not None and batch.records:
            if batch.shed is not None:
                self._tail.forget(batch.shed.last_offset)
            self._tail.extend(batch.records)
            self._head = batch.records[-1].offset
        for future, result in answers:
            if future.done():
                continue
            if isinstance(result, BaseException):
                future.set_exception(result)
            else:
                future.set_result(result)

    def _end(self, failure: JournalFailed | None) -> None:
        self.counters.failed = failure is not None
        self._failure = failure or JournalFailed(FailureReason.CLOSED, "the journal is closed")
        for answer in self._writer.waiting():
            answer.set_exception(JournalFailed(self._failure.reason, self._failure.detail))
        self._ended.set()

    def _dequeue(self, size: int) -> None:
        self._queued_bytes -= size
