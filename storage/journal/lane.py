"""The records of one lane, in one file: appended at the end, read in order, deleted from the front.

All SQL on records is here. `LANE` stands for the name under which the lane's file is attached.
"""

from __future__ import annotations

import struct
import zlib
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import apsw

from storage.journal.record import RECORD_OVERHEAD_BYTES, Gap, GapReason, Lane, Record, RecordKind, checksum

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

__all__ = ["ALL_KINDS", "SCHEMA_NAMES", "Damage", "LaneFile", "Prefix", "Row", "Unwanted"]

Row = tuple[int, int, int, int, int, int, bytes]
"""offset, time_us, kind, readings, total (bytes of the lane up to and with this record, ever), checksum, body"""

SCHEMA_NAMES: Final = {Lane.CONTROL: "main", Lane.TELEMETRY: "telemetry"}
ALL_KINDS: Final = sum(1 << kind for kind in RecordKind)
ROWS_A_STATEMENT: Final = 64
# A damaged end of a file is looked past for so many records before the file is given up.
SOUND_WITHIN: Final = 64
# A damaged row's own offset is believed if it is not further than this beyond the last sound one.
PLAUSIBLE: Final = 1 << 32

# One statement is one transaction, and hands the interpreter's lock over once.
_INSERT = "insert into LANE.record (offset, time_us, kind, readings, total, checksum, body) values "
_SCAN = """
select offset, time_us, kind, readings, total, checksum, case when (?1 >> kind) & 1 then body end
from LANE.record where offset >= ?2 order by offset"""  # `>` would look for the one before, on a page not asked for
_KEY_FROM = "select offset from LANE.record where offset >= ? order by offset limit 1"
_FIRST = "select offset, time_us, kind, readings, total, checksum, body from LANE.record order by offset limit ?"
_LAST = "select offset, time_us, kind, readings, total, checksum, body from LANE.record order by offset desc limit ?"
_TIME_AT = "select time_us from LANE.record where offset <= ? order by offset desc limit 1"
_PREFIX_END = f"""
select offset from (
  select offset, sum(length(body) + {RECORD_OVERHEAD_BYTES}) over (order by offset) as running
  from LANE.record where offset <= ?1)
where running >= ?2 order by offset limit 1"""  # noqa: S608 - a constant of ours
_PREFIX = f"""
select min(offset), max(offset), min(time_us), max(time_us), count(*), coalesce(sum(readings), 0),
  coalesce(sum(length(body) + {RECORD_OVERHEAD_BYTES}), 0)
from LANE.record where offset <= ?"""  # noqa: S608 - a constant of ours
_DELETE = "delete from LANE.record where offset <= ?"


@dataclass(frozen=True, slots=True)
class Damage:
    """Records that cannot be read. `offset` is where they stand in the order, the others are as in `Gap`."""

    lane: Lane
    offset: int
    first_offset: int
    last_offset: int
    time_us: int
    readings: int

    def gap(self) -> Gap:
        """Return what to record about it."""
        records = 1 if self.first_offset == self.last_offset else 0
        where = (self.lane, self.first_offset, self.last_offset, self.time_us, self.time_us)
        return Gap(GapReason.CORRUPT, *where, records=records, readings=self.readings)


@dataclass(frozen=True, slots=True)
class Unwanted:
    """A record of a kind that was not asked for."""

    offset: int


@dataclass(frozen=True, slots=True)
class Prefix:
    """The oldest records of a lane: what deleting through `last_offset` would take."""

    lane: Lane
    first_offset: int
    last_offset: int
    first_us: int
    last_us: int
    records: int
    readings: int
    size: int

    def gap(self) -> Gap:
        """Return what to record about shedding it."""
        where = (self.lane, self.first_offset, self.last_offset, self.first_us, self.last_us)
        return Gap(GapReason.SHED, *where, records=self.records, readings=self.readings)


class LaneFile:
    """One lane on the journal's connection.

    live_bytes:   size of the records that are there
    first_offset: of the oldest record, or 0 where there is none
    first_us:     when the oldest record was appended that this opening saw first, µs, or 0
    last_offset, last_time_us: of the newest record that was ever seen here
    """

    def __init__(self, connection: apsw.Connection, lane: Lane) -> None:
        self.lane = lane
        self._connection = connection
        schema = SCHEMA_NAMES[lane]
        self._scan, self._key_from, self._time_at, self._prefix_end, self._prefix, self._delete = (
            sql.replace("LANE", schema) for sql in (_SCAN, _KEY_FROM, _TIME_AT, _PREFIX_END, _PREFIX, _DELETE)
        )
        oldest, _ = self._soundest(_FIRST.replace("LANE", schema))
        newest, damaged = self._soundest(_LAST.replace("LANE", schema))
        self.first_offset = self.last_offset = self.last_time_us = self.first_us = self._total = self.live_bytes = 0
        if oldest and newest:
            self.first_offset, self.first_us = oldest[:2]
            self.last_offset = max(newest[0], *(key for key in damaged if key < newest[0] + PLAUSIBLE), 0)
            self.last_time_us = newest[1]
            self._total = newest[4]
            self.live_bytes = newest[4] - oldest[4] + _size(oldest)

    # ── appending ────────────────────────────────────────────────────────────────────────────────────────────────

    def row(self, record: Record, body_crc: int) -> Row:
        """Return the row of a record that comes next in this lane."""
        self._total += len(record.body) + RECORD_OVERHEAD_BYTES
        fields = (record.offset, record.time_us, int(record.kind), record.readings, self._total)
        return (*fields, checksum(fields, body_crc), record.body)

    def insert(self, rows: Sequence[Row]) -> None:
        """Append rows, in order of offset."""
        for start in range(0, len(rows), ROWS_A_STATEMENT):
            some = rows[start : start + ROWS_A_STATEMENT]
            self._connection.execute(_insert(self.lane, len(some)), [value for row in some for value in row])

    def inserted(self, rows: Sequence[Row]) -> None:
        """Take note that these rows are committed."""
        self.live_bytes += sum(_size(row) for row in rows)
        self.last_offset = rows[-1][0]
        self.last_time_us = rows[-1][1]
        self.first_offset = self.first_offset or rows[0][0]
        self.first_us = self.first_us or rows[0][1]

    # ── deleting ─────────────────────────────────────────────────────────────────────────────────────────────────

    def prefix(self, through: int, size: int) -> Prefix | None:
        """Return the oldest records up to offset `through`, no more of them than make up `size` bytes, or None."""
        end = self._connection.execute(self._prefix_end, (through, size)).get
        facts = self._connection.execute(self._prefix, (through if end is None else end,)).get
        prefix = Prefix(self.lane, *facts)
        return prefix if prefix.records else None

    def delete(self, prefix: Prefix) -> None:
        """Delete the oldest records, in a transaction of its own."""
        self._connection.execute(self._delete, (prefix.last_offset,))
        self.live_bytes -= prefix.size
        self.first_offset = self._connection.execute(self._key_from, (0,)).get or 0

    # ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────

    def scan(self, after: int, kinds: int) -> Generator[Record | Damage | Unwanted, None, None]:
        """Yield what comes after the offset `after`, in order; close the iterator to let go of the file.

        kinds: bit 1 << kind is set for each kind that is wanted
        """
        while after < self.last_offset:
            cursor = self._connection.cursor()
            try:
                for row in cursor.execute(self._scan, (kinds, after + 1)):
                    if row[6] is None:
                        if row[0] > after:
                            after = row[0]
                            yield Unwanted(after)
                    elif (record := self._record(row)) is not None and record.offset > after:
                        after = record.offset
                        yield record
                    else:
                        yield self._damaged(row, after)
            except apsw.CorruptError:
                first, last = self._unreadable(after)
                yield Damage(self.lane, after + 1, first, last, 0, 0)
                after = last
            else:
                return
            finally:
                cursor.close()

    def time_at(self, offset: int) -> int | None:
        """Return the time of the newest record at or before `offset`, µs, or None where there is none to be read."""
        with suppress(apsw.CorruptError):
            time_us: int | None = self._connection.execute(self._time_at, (offset,)).get
            return time_us
        return None

    def _record(self, row: tuple[Any, ...]) -> Record | None:
        """Return the record of a row whose values are what was written, or None."""
        *fields, crc, body = row
        try:
            if crc != checksum(tuple(fields), zlib.crc32(body)):
                return None
        except (TypeError, struct.error):  # a damaged page may hold other types, or numbers out of range
            return None
        offset, time_us, kind, readings, _ = fields
        return Record(offset, time_us, RecordKind(kind), self.lane, body, readings)

    def _damaged(self, row: tuple[Any, ...], after: int) -> Damage:
        """Say what is known of a row that does not match its checksum; its own offset may be wrong as well."""
        offset = row[0] if after < row[0] <= self.last_offset else after + 1
        time_us = row[1] if isinstance(row[1], int) and 0 <= row[1] <= self.last_time_us else 0
        readings = row[3] if isinstance(row[3], int) and 0 <= row[3] <= len(row[6]) else 0
        return Damage(self.lane, after + 1, offset, offset, time_us, readings)

    def _unreadable(self, after: int) -> tuple[int, int]:
        """Return the first and last offset after `after` that cannot be read, galloping over the damaged pages."""
        start = after + 1
        if (offset := self._key(start)) is not None:
            return offset, offset  # the key can be read, the body cannot
        step = 1
        while self._key(start + step) is None:
            if start + step > self.last_offset:
                return start, self.last_offset
            step *= 2
        damaged, sound = start + step // 2, start + step
        while sound - damaged > 1:
            middle = (damaged + sound) // 2
            if self._key(middle) is None:
                damaged = middle
            else:
                sound = middle
        return start, damaged

    def _key(self, start: int) -> int | None:
        """Return the first offset from `start` on, or None where the file cannot say or has none."""
        try:
            offset: int | None = self._connection.execute(self._key_from, (start,)).get
        except apsw.CorruptError:
            return None
        return offset

    def _soundest(self, sql: str) -> tuple[tuple[Any, ...] | None, list[int]]:
        """Return the first sound row that `sql` selects, if any, and the offsets of the damaged rows before it.

        Raises apsw.CorruptError where it selects rows, but no sound one.
        """
        damaged: list[int] = []
        for row in self._connection.execute(sql, (SOUND_WITHIN,)):
            if self._record(row) is not None:
                return row, damaged
            damaged.append(row[0])
        if damaged:
            raise apsw.CorruptError(f"none of the outermost {SOUND_WITHIN} records matches its checksum")
        return None, []


def _size(row: tuple[Any, ...]) -> int:
    return len(row[6]) + RECORD_OVERHEAD_BYTES


@cache
def _insert(lane: Lane, n: int) -> str:
    return _INSERT.replace("LANE", SCHEMA_NAMES[lane]) + ",".join(["(?,?,?,?,?,?,?)"] * n)
