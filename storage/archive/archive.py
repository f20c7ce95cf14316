"""The archive: a reader of the journal that stores what it reads, as often as it takes, each record once.

The position in the database is the truth: it moves in the transaction that stores the records. The journal's cursor
follows it and only says what the journal may forget. Nothing waits for the archive: with the database away the journal
grows, and the archive catches up.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Never, ParamSpec, TypeVar

import numpy as np
import psycopg
import structlog

from storage.archive.backoff import Backoff
from storage.archive.counters import ArchiveCounters
from storage.archive.haul import gather, refusal, without_channels
from storage.archive.names import Names, all_names, names_of_change, names_of_rows
from storage.archive.trouble import Trouble, trouble_of
from storage.archive.writer import Writer
from storage.journal.store import OPENING_BITS

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices import Registry
    from rules import RuleSet
    from storage.archive.haul import Haul
    from storage.journal import Journal, Record

__all__ = ["Archive", "ArchiveSettings"]

CURSOR = "archive"
DEVICES_AT_ONCE = 250
DEVICES_A_TRANSACTION = 20_000
CHANNELS_AT_ONCE = 10_000
CUT_AFTER_S = 5.0

_log = structlog.get_logger()
_P = ParamSpec("_P")
_R = TypeVar("_R")


@dataclass(frozen=True, slots=True)
class ArchiveSettings:
    """Bounds of the archive.

    readings_at_once, records_at_once, bytes_at_once: per transaction; bytes of bodies, so that a city's ledger, which
                       has no readings, is not held in memory at once
    read_bytes:        asked of the journal at once
    pause_s:           s to let records gather after a transaction that took all there were
    idle_s:            s after which the position moves over records that hold nothing to store
    cursor_s:          s between moves of the journal's cursor
    latest_s:          s between writings of the newest reading of each channel
    latest_behind_s:   the same while it catches up, when they are not the newest anyway
    unknown_channel_s: s to wait for the registry to apply a channel whose readings are there already
    backoff_first_s, backoff_max_s: s between attempts to reach the database, doubling, with jitter
    """

    readings_at_once: int = 20_000
    records_at_once: int = 5_000
    bytes_at_once: int = 1 << 20
    read_bytes: int = 1 << 20
    pause_s: float = 0.25
    idle_s: float = 10.0
    cursor_s: float = 1.0
    latest_s: float = 10.0
    latest_behind_s: float = 60.0
    unknown_channel_s: float = 10.0
    backoff_first_s: float = 0.1
    backoff_max_s: float = 10.0


class Archive:
    """Stores the journal's records in a database.

    reach:    returns the DSN of the migrated database; called on the archive's thread before every connection, may take
              its time, and raises psycopg.OperationalError where the database is not to be had now
    registry: names the channels; it holds everything up to the journal's head when `run` begins, and follows it
    rules:    returns the rules in force; asked at the first connection, since the database may not know them; of
              changes the journal tells
    clock_us: µs since the epoch
    """

    def __init__(
        self,
        reach: Callable[[], str],
        journal: Journal,
        registry: Registry,
        *,
        rules: Callable[[], RuleSet] | None = None,
        counters: ArchiveCounters | None = None,
        settings: ArchiveSettings | None = None,
        clock_us: Callable[[], int] = lambda: time.time_ns() // 1000,
    ) -> None:
        self._journal = journal
        self._registry = registry
        self._rules = rules
        self.counters = counters or ArchiveCounters()
        self._settings = settings or ArchiveSettings()
        self._clock_us = clock_us
        self._began_us = clock_us()
        self._writer = Writer(reach, journal.id, registry.profiles)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="vigil-archive")
        self._backoff = Backoff(self._settings.backoff_first_s, self._settings.backoff_max_s)
        self._ahead: deque[Record] = deque()
        self._is_behind = False
        self._is_synced = False
        self._trouble: str | None = None
        self._stored_at = 0.0
        self._cursor_at = 0.0
        self._latest_at = float("-inf")

    @property
    def lag_records(self) -> int:
        """Records of the journal that were not looked at yet, at least: offsets jump whenever a journal is opened."""
        head, read_to = self._journal.head, self.counters.read_to
        same_opening = head >> OPENING_BITS == read_to >> OPENING_BITS
        return max(0, head - read_to) if same_opening or read_to > head else max(1, head % (1 << OPENING_BITS))

    def lag_s(self, now_us: int) -> float:
        """Return how long ago the oldest record that waits was appended, at most, s; 0 where none waits.

        What an earlier run left waiting counts from our own start.
        """
        since_us = max(self.counters.read_to_us, self._began_us)
        return max(0.0, (now_us - since_us) / 1e6) if self.lag_records else 0.0

    async def run(self) -> Never:
        """Archive until cancelled; then the transaction under way is finished, or cut and rolled back.

        Raises what is a bug of ours; no trouble of the database ends it.
        """
        if CURSOR not in self._journal.cursors():
            await self._journal.move_cursor(CURSOR, 0)  # from now on the journal forgets nothing we have not stored
        try:
            while True:
                try:
                    if not self._writer.is_open:
                        await self._connect()
                    await self._round()
                except psycopg.Error as error:
                    await self._fail(error)
        finally:
            await self._call(self._writer.close)
            self._thread.shutdown()

    # ── the round ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _round(self) -> None:
        """Store what the journal holds next; where that was all, let more gather."""
        records = await self._next()
        if records:
            await self._store(records)
        is_all = not records or (not self._ahead and self._journal.head <= self.counters.read_to)
        await self._write_latest(self._settings.latest_s if is_all else self._settings.latest_behind_s)
        self._backoff.reset()
        self._trouble = None
        self.counters.database_up = True
        if is_all and self._is_behind:
            self._is_behind = False
            _log.info("archive.caught_up", position=self.counters.position)
        await self._move_cursor()
        if is_all:
            await asyncio.sleep(self._settings.pause_s)

    async def _next(self) -> list[Record]:
        """Take the records of one transaction: up to its bounds, or what there is; one record at least."""
        taken: list[Record] = []
        readings = size = 0
        while len(taken) < self._settings.records_at_once:
            if not self._ahead and not await self._read(taken[-1].offset if taken else self.counters.read_to):
                break
            readings += self._ahead[0].readings
            size += len(self._ahead[0].body)
            if taken and (readings > self._settings.readings_at_once or size > self._settings.bytes_at_once):
                break
            taken.append(self._ahead.popleft())
        return taken

    async def _read(self, after: int) -> bool:
        if self._journal.head <= after:
            return False
        self._ahead.extend(await self._journal.read(after, self._settings.read_bytes))
        return bool(self._ahead)

    # ── storing ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _store(self, records: list[Record]) -> None:
        """Store `records`. Where the database will not have them, find the one that it refuses and set that aside."""
        haul = await self._call(gather, records)
        try:
            await self._write(haul)
        except psycopg.Error as error:
            if trouble_of(error) is not Trouble.DATA:
                raise
            await self._isolate(records, str(error).strip())

    async def _isolate(self, records: list[Record], why: str) -> None:
        if len(records) > 1:
            middle = len(records) // 2
            await self._store(records[:middle])
            await self._store(records[middle:])
            return
        (record,) = records
        _log.error("archive.record_refused", offset=record.offset, kind=record.kind.name, why=why)
        await self._write(refusal(record, why))

    async def _write(self, haul: Haul) -> None:
        """Store one haul, trying again while others are in the way."""
        if haul.is_idle and time.monotonic() - self._stored_at < self._settings.idle_s:
            self._note_read(haul)
            return
        haul, names = await self._named(haul)
        backoff = Backoff(self._settings.backoff_first_s, self._settings.backoff_max_s)
        started = time.monotonic()
        stored = None
        while stored is None:
            try:
                stored = await self._call(self._writer.write, haul, names, self._clock_us())
            except psycopg.Error as error:
                if trouble_of(error) is not Trouble.CONTENTION or not self._writer.is_open:
                    raise
                self.counters.retries += 1
                _log.info("archive.retried", sqlstate=error.sqlstate)
                await asyncio.sleep(backoff.next_s())
        self._stored_at = time.monotonic()
        counters = self.counters
        counters.seconds += self._stored_at - started
        counters.rows += stored.rows
        counters.duplicates += stored.duplicates
        counters.staged += stored.was_staged
        counters.late_hours += stored.late_hours
        counters.transactions += 1
        counters.set_aside += haul.set_aside
        counters.position = haul.offset
        self._note_read(haul)
        if haul.set_aside:
            _log.error("archive.set_aside", number=haul.set_aside, up_to_offset=haul.offset)

    def _note_read(self, haul: Haul) -> None:
        self.counters.records += haul.records
        self.counters.blocks += haul.blocks
        self.counters.read_to = haul.offset
        self.counters.read_to_us = haul.time_us

    async def _named(self, haul: Haul) -> tuple[Haul, Names]:
        """Return the names that the database has to learn before `haul`.

        The registry applies a change right after the journal has it, so readings of a new channel may be here a moment
        before their name. Readings whose name does not come are set aside.
        """
        names = Names()
        for change in haul.changes:
            names.add(names_of_change(change, self._registry))
        unknown = self._writer.channels.unknown(haul.readings.channel)
        unknown = np.setdiff1d(unknown, [channel.row for channel in names.channels])
        deadline = time.monotonic() + self._settings.unknown_channel_s
        while len(unknown):
            found = names_of_rows(unknown, self._registry)
            names.add(found)
            unknown = np.setdiff1d(unknown, [channel.row for channel in found.channels])
            if len(unknown) and time.monotonic() > deadline:
                haul = without_channels(haul, unknown)
                break
            if len(unknown):
                await asyncio.sleep(self._settings.pause_s)
        return haul, names

    async def _write_latest(self, every_s: float) -> None:
        """Write down the newest readings now and then, whether there is more to store or not."""
        if self._writer.latest.has_pending and time.monotonic() - self._latest_at >= every_s:
            self.counters.latest += await self._call(self._writer.write_latest, self._clock_us())
            self._latest_at = time.monotonic()

    async def _move_cursor(self) -> None:
        """Tell the journal how far it may forget; seldom, since it makes each move durable."""
        now = time.monotonic()
        position = self.counters.position
        if position > self._journal.cursors()[CURSOR] and now - self._cursor_at >= self._settings.cursor_s:
            self._cursor_at = now
            await self._journal.move_cursor(CURSOR, position)

    # ── the connection ───────────────────────────────────────────────────────────────────────────────────────────────

    async def _connect(self) -> None:
        """Connect, take up the position, and make sure that the database knows every device."""
        position = await self._call(self._writer.open)
        if position != self.counters.position or not self._is_synced:
            # The first connection, or another database than the one we knew: find out what it has.
            self._is_synced = False
            self._writer.forget()
            await self._register_all()
            if self._rules is not None:
                await self._call(self._writer.put_rules, self._rules())
            await self._fill_latest()
            position = await self._fitted(position)
        self._is_synced = True
        self._ahead.clear()
        self.counters.position = self.counters.read_to = position
        self.counters.connections += 1
        self._is_behind = self._is_behind or self._journal.head > position

    async def _register_all(self) -> None:
        """Make the database know the whole registry, letting others have the loop every few hundred devices."""
        names = Names()
        for more in all_names(self._registry, DEVICES_AT_ONCE):
            names.add(more)
            if len(names.devices) >= DEVICES_A_TRANSACTION:
                await self._call(self._writer.register, names)
                names = Names()
            await asyncio.sleep(0)
        if names:
            await self._call(self._writer.register, names)

    async def _fill_latest(self) -> None:
        """Find the newest readings that were stored, and not written down when that archive ended, in pieces."""
        now_us = self._clock_us()
        since, last = await self._call(self._writer.unfilled_latest, now_us)
        for after in range(0, last, CHANNELS_AT_ONCE):
            await self._call(self._writer.fill_latest, since, after, after + CHANNELS_AT_ONCE, now_us)

    async def _fitted(self, position: int) -> int:
        """Return where to read on: `position`, or where that does not fit the journal, the nearest that does."""
        passed = self._journal.cursors()[CURSOR]
        if position > self._journal.head:
            # The journal was put back to an older state. What it has beyond the cursor may be new; if not, the readings
            # are found to be duplicates.
            return await self._note_gap(passed + 1, position, "journal_went_back", read_on=passed)
        if position < passed:
            # The database is new, or was put back: the journal may have forgotten what the other one stored.
            held = await self._journal.read(position, 1)
            last = min(held[0].offset - 1, passed) if held else passed
            if last > position:
                return await self._note_gap(position + 1, last, "database_went_back", read_on=last)
        return position

    async def _note_gap(self, first: int, last: int, reason: str, read_on: int) -> int:
        _log.error("archive.gap", first_offset=first, last_offset=last, reason=reason)
        await self._call(self._writer.note_gap, first, last, reason, self._clock_us(), read_on)
        return read_on

    async def _fail(self, error: psycopg.Error) -> None:
        """Note that the database is away, say so where it is news, and wait a while."""
        self.counters.failures += 1
        self.counters.database_up = False
        trouble = error.sqlstate or type(error).__name__
        if trouble != self._trouble:
            self._trouble = trouble
            _log.warning("archive.database_unreachable", reason=str(error).strip(), sqlstate=error.sqlstate)
        self._is_behind = True
        await self._call(self._writer.close)
        await asyncio.sleep(self._backoff.next_s())

    async def _call(self, function: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> _R:
        """Run `function` in the archive's thread; where we are cancelled it ends first, if need be by a cut link."""
        future = asyncio.get_running_loop().run_in_executor(self._thread, partial(function, *args, **kwargs))
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            done, _ = await asyncio.wait({future}, timeout=CUT_AFTER_S)
            if not done:
                self._writer.cut()
                await asyncio.wait({future})
            future.exception()
            raise
