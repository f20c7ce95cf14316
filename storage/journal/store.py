"""The journal as its thread sees it: what one commit, one read, one deletion does to the two files.

Nothing here waits, and nothing here catches what a failed commit raises: whoever drives it stops.
"""

from __future__ import annotations

import time
import zlib
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import apsw
import msgspec
import structlog

from storage.journal.batch import arrange
from storage.journal.checkpoints import CHUNK_BYTES, Checkpoints
from storage.journal.cursors import Cursor, Cursors
from storage.journal.files import damage_advice, open_files
from storage.journal.lane import ROWS_A_STATEMENT, SCHEMA_NAMES, LaneFile
from storage.journal.lock import DirectoryLock
from storage.journal.page import read_page
from storage.journal.record import Entry, Gap, GapReason, Lane, Record, RecordKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from storage.journal.batch import Group
    from storage.journal.counters import JournalCounters
    from storage.journal.lane import Prefix, Row
    from storage.journal.limits import JournalLimits
    from storage.journal.page import Page
    from storage.journal.record import Checkpoint

__all__ = ["Batch", "Store"]

# So much is shed at once, as a part of the quota, that gaps are few; and deleted at once, that nobody waits long.
SHED_PART: Final = 64
DELETE_BYTES: Final = 4 << 20
# A log is folded into its file when it holds so much.
FOLD_BYTES: Final = 4 << 20
# What a commit costs in its log besides the bodies, at a guess.
COMMIT_BYTES: Final = 16 << 10
NEARLY_FULL: Final = 0.9
# The upper half of an offset counts how often the journal was opened. So no offset is ever given out twice, even if a
# disk that lied about an fsync, or a lost file, took the newest records with it after a reader had passed them.
OPENING_BITS: Final = 32

_log = structlog.get_logger()


@dataclass(slots=True)
class Batch:
    """What one turn commits. Offsets rise through `early`, `late`, then the gaps."""

    early: list[tuple[Group, list[Record]]]
    late: list[tuple[Group, list[Record]]]
    records: list[Record]
    rows: dict[Lane, list[Row]]
    moves: dict[str, Cursor]
    shed: Prefix | None


class Store:
    """The open files. `head`: at and below it, everything is committed."""

    def __init__(
        self,
        directory: Path,
        limits: JournalLimits,
        clock_us: Callable[[], int],
        counters: JournalCounters,
        cursors: Iterable[str],
    ) -> None:
        """Open the files. Raises JournalInUse, JournalCorrupt, OSError, apsw.Error."""
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = DirectoryLock.take(directory)
        try:
            files = open_files(directory)
        except BaseException:
            self._lock.release()
            raise
        self._directory = directory
        self._limits = limits
        self._clock_us = clock_us
        self._counters = counters
        self.journal_id = files.journal_id
        self._connection = files.connection
        try:
            self._lanes = {lane: _open_lane(files.connection, lane, directory) for lane in Lane}
            self._checkpoints = Checkpoints(files.connection)
            self.cursors = Cursors(files.connection, cursors)
        except BaseException:
            self.abandon()
            raise
        newest = [lane.last_offset for lane in self._lanes.values()]
        newest += [self._checkpoints.offset, *(place.offset for place in self.cursors.places.values())]
        self.head = max(newest)
        self._next = 1 if files.created else ((self.head >> OPENING_BITS) + 1) << OPENING_BITS
        self._last_us = max(self._checkpoints.time_us, *(lane.last_time_us for lane in self._lanes.values()))
        self._gaps: list[Gap] = []
        self._reported: set[tuple[Lane, int]] = set()
        self._log_bytes = dict.fromkeys(Lane, 0)
        if files.telemetry_missing:
            _log.error("storage.journal_telemetry_missing", after=self._passed(), before=self._next)
            self._gaps.append(
                Gap(GapReason.MISSING, Lane.TELEMETRY, self._passed() + 1, self._next - 1, 0, self._last_us, 0, 0)
            )
        self._count_live()

    # ── appending ────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def owes_gaps(self) -> bool:
        """Say whether there are gaps to record though nobody appends."""
        return bool(self._gaps)

    @property
    def end(self) -> int:
        """The last offset that is given out or never will be; a reader may say that it has come so far."""
        return self._next - 1

    @property
    def checkpoint_offset(self) -> int:
        """The standing checkpoint's offset, 0 where there is none."""
        return self._checkpoints.offset

    def plan(self, groups: Sequence[Group], moves: Mapping[str, int]) -> Batch:
        """Give offsets and a time to what is to be committed, and say what telemetry must go for it."""
        now_us = self._clock_us()
        self._counters.clock_behind_us = max(0, self._last_us - now_us)
        self._last_us = max(self._last_us, now_us)
        telemetry = self._lanes[Lane.TELEMETRY]
        shed = None
        over = telemetry.live_bytes + sum(group.telemetry_size for group in groups) - self._limits.telemetry_bytes
        if over > 0:
            shed = self._oldest(telemetry, telemetry.last_offset, max(over, self._limits.telemetry_bytes // SHED_PART))
        gaps, self._gaps = self._gaps, []
        if shed is not None:
            gaps.append(shed.gap())
        batch = Batch([], [], [], {lane: [] for lane in Lane}, {}, shed)
        for ordered, numbered in zip(arrange(groups), (batch.early, batch.late), strict=True):
            for group in ordered:
                numbered.append((group, self._number(group.entries, group.body_crcs, batch)))
        for gap in gaps:
            body = msgspec.msgpack.encode(gap)
            self._number([Entry(RecordKind.GAP, Lane.CONTROL, body)], [zlib.crc32(body)], batch)
            self._counters.gaps[gap.reason] += 1
            _log.warning("storage.journal_gap", **msgspec.structs.asdict(gap) | {"lane": gap.lane.name})
        batch.moves = {name: Cursor(offset, self._time_at(offset)) for name, offset in moves.items()}
        return batch

    def commit_control(self, batch: Batch) -> None:
        """Make the control records and the cursors' moves durable."""
        self._commit(Lane.CONTROL, batch.rows[Lane.CONTROL], batch.moves)
        for name, place in batch.moves.items():
            self.cursors.moved(name, place)

    def commit_telemetry(self, batch: Batch) -> None:
        """Delete what is shed, the gap being durable already, and make the telemetry records durable."""
        if batch.shed is not None and self._delete(self._lanes[Lane.TELEMETRY], batch.shed):
            self._counters.sheds += 1
            self._counters.shed_records += batch.shed.records
            self._counters.shed_readings += batch.shed.readings
        self._commit(Lane.TELEMETRY, batch.rows[Lane.TELEMETRY], {})
        self.head = self.end if batch.records else self.head
        self._count_live()

    def _number(self, entries: Sequence[Entry], body_crcs: Sequence[int], batch: Batch) -> list[Record]:
        records = []
        for entry, body_crc in zip(entries, body_crcs, strict=True):
            record = Record(self._next, self._last_us, entry.kind, entry.lane, entry.body, entry.readings)
            batch.rows[entry.lane].append(self._lanes[entry.lane].row(record, body_crc))
            records.append(record)
            self._next += 1
        batch.records += records
        return records

    def _commit(self, lane: Lane, rows: list[Row], moves: Mapping[str, Cursor]) -> None:
        if not (rows or moves):
            return
        started = time.perf_counter()
        file = self._lanes[lane]
        one_statement = not moves and len(rows) <= ROWS_A_STATEMENT
        try:
            with nullcontext() if one_statement else self._connection:
                file.insert(rows)
                for name, place in moves.items():
                    self.cursors.move(name, place)
        except apsw.CorruptError as error:
            raise damage_advice(self._directory, lane, str(error)) from error
        if rows:
            file.inserted(rows)
            size = sum(len(row[6]) for row in rows)
            self._counters.commits[lane].add(time.perf_counter() - started)
            self._counters.records[lane] += len(rows)
            self._counters.bytes[lane] += size
            self._log_bytes[lane] += size
        self._log_bytes[lane] += COMMIT_BYTES

    def _time_at(self, offset: int) -> int:
        return max(file.time_at(offset) or 0 for file in self._lanes.values())

    # ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────

    def read(self, after: int, max_bytes: int, kinds: int) -> Page:
        """Read a page; what is damaged in it is recorded as a gap with the next commit, once in each opening."""
        page = read_page(self._lanes.values(), after, max_bytes, kinds)
        for damage in page.damages:
            key = (damage.lane, damage.first_offset)
            if key not in self._reported:
                self._reported.add(key)
                self._gaps.append(damage.gap())
        return page

    def load_checkpoint(self) -> Checkpoint | None:
        """Return the standing checkpoint. Raises JournalCorrupt where it does not match its checksums."""
        try:
            return self._checkpoints.load()
        except apsw.CorruptError as error:
            raise damage_advice(self._directory, Lane.CONTROL, str(error)) from error

    # ── making room ──────────────────────────────────────────────────────────────────────────────────────────────

    def save_checkpoint(self, offset: int, parts: Mapping[str, bytes]) -> Iterator[bool]:
        """Replace the checkpoint in small steps; see `Checkpoints.save`."""
        for durable in self._checkpoints.save(offset, self._last_us, parts):
            self._log_bytes[Lane.CONTROL] += CHUNK_BYTES
            yield durable
        self._counters.checkpoints += 1
        self._counters.checkpoint_bytes += sum(len(body) for body in parts.values())

    def delete_passed(self) -> bool:
        """Delete some of what every cursor and the checkpoint have passed; say whether there is more of it."""
        passed = self._passed()
        for lane, file in self._lanes.items():
            prefix = self._oldest(file, passed, DELETE_BYTES) if file.first_offset <= passed else None
            if prefix is not None and self._delete(file, prefix):
                self._counters.deleted_bytes[lane] += prefix.size
                self._count_live()
                return True
        return False

    def _oldest(self, file: LaneFile, through: int, size: int) -> Prefix | None:
        """Return what to delete to gain `size` bytes, nothing beyond the offset `through`; None if nothing can be."""
        if not file.first_offset or self._counters.undeletable[file.lane]:
            return None
        try:
            return file.prefix(through, size)
        except apsw.CorruptError as error:
            self._give_up_deleting(file.lane, error)
            return None

    def _delete(self, file: LaneFile, prefix: Prefix) -> bool:
        """Delete the oldest records in a transaction of their own; say whether they are gone."""
        try:
            file.delete(prefix)
        except apsw.CorruptError as error:
            self._give_up_deleting(file.lane, error)
            return False
        self._log_bytes[file.lane] += COMMIT_BYTES
        return True

    def _give_up_deleting(self, lane: Lane, error: apsw.CorruptError) -> None:
        """Let a lane with a damaged page grow, beyond its quota if need be: readers step over it, and alarms go on."""
        self._counters.undeletable[lane] = 1
        _log.error("storage.journal_undeletable", detail=str(damage_advice(self._directory, lane, str(error))))

    def fold(self) -> None:
        """Fold each log that has grown into its file."""
        for lane, size in self._log_bytes.items():
            if size >= FOLD_BYTES:
                started = time.perf_counter()
                self._connection.wal_checkpoint(SCHEMA_NAMES[lane], apsw.SQLITE_CHECKPOINT_PASSIVE)
                self._log_bytes[lane] = 0
                self._counters.folds.add(time.perf_counter() - started)

    def close(self) -> None:
        """Fold both logs and let go of the files."""
        for schema in SCHEMA_NAMES.values():
            self._connection.wal_checkpoint(schema, apsw.SQLITE_CHECKPOINT_TRUNCATE)
        self.abandon()

    def abandon(self) -> None:
        """Let go of the files and leave them as they are, for the next open to recover from."""
        try:
            self._connection.close()
        finally:
            self._lock.release()

    def lag_us(self, place: Cursor) -> int:
        """Return how much older than the newest record the place of a cursor is, µs."""
        first_us = min((file.first_us for file in self._lanes.values() if file.first_us), default=self._last_us)
        return 0 if place.offset >= self.head else self._last_us - max(first_us, place.time_us)

    def _passed(self) -> int:
        """Return the offset that all cursors and the checkpoint have passed."""
        passed = self.cursors.passed()
        return self._checkpoints.offset if passed is None else min(self._checkpoints.offset, passed)

    def _count_live(self) -> None:
        for lane, file in self._lanes.items():
            self._counters.live_bytes[lane] = file.live_bytes
        self._counters.control_nearly_full = (
            self._lanes[Lane.CONTROL].live_bytes >= NEARLY_FULL * self._limits.control_bytes
        )


def _open_lane(connection: apsw.Connection, lane: Lane, directory: Path) -> LaneFile:
    try:
        return LaneFile(connection, lane)
    except apsw.CorruptError as error:
        raise damage_advice(directory, lane, str(error)) from error
