"""The fold's state at an offset, in the control file: one checkpoint at a time, changed all at once.

A part may be tens of megabytes, and an alarm must not wait for it. So parts are first written as chunks, each in a
transaction of its own, beside those of the standing checkpoint; then one small transaction makes them the checkpoint;
then the old chunks are deleted, one at a time. What a crash leaves of an unfinished one goes at the next open.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import apsw

from storage.journal.record import Checkpoint

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["CHECKPOINT_SCHEMA", "CHUNK_BYTES", "Checkpoints"]

CHUNK_BYTES = 1 << 20

CHECKPOINT_SCHEMA = """
create table main.checkpoint (
  one     integer primary key check (one = 1),
  offset  integer not null,
  time_us integer not null   -- the journal's time when it was made: no later record has an earlier one
) strict;
create table main.chunk (
  id   integer primary key,
  body blob not null
) strict;
create table main.part (
  name        text primary key,
  first_chunk integer not null,
  chunks      integer not null,
  checksum    integer not null   -- CRC-32 of the chunks' bodies in their order
) strict"""
_STANDING = "select offset, time_us from main.checkpoint"
_PARTS = "select name, first_chunk, chunks, checksum from main.part order by name"
_CHUNKS = "select body from main.chunk where id >= ?1 and id < ?1 + ?2 order by id"
_NEXT_CHUNK = "select coalesce(max(id), 0) + 1 from main.chunk"
_ADD_CHUNK = "insert into main.chunk values (?, ?)"
_SWITCH = """
insert into main.checkpoint values (1, ?, ?)
on conflict (one) do update set offset = excluded.offset, time_us = excluded.time_us"""
_SWITCH_PART = """
insert into main.part values (?, ?, ?, ?)
on conflict (name) do update set
  first_chunk = excluded.first_chunk, chunks = excluded.chunks, checksum = excluded.checksum"""
_DELETE_CHUNK = "delete from main.chunk where id = ?"
_DELETE_ORPHANS = """
delete from main.chunk
where not exists (select 1 from main.part where id >= first_chunk and id < first_chunk + chunks)"""


@dataclass(frozen=True, slots=True)
class _Part:
    first_chunk: int
    chunks: int
    checksum: int


class Checkpoints:
    """The standing checkpoint.

    offset, time_us: of the standing checkpoint, 0 where there is none
    """

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        standing: tuple[int, int] | None = connection.execute(_STANDING).get
        self.offset, self.time_us = standing or (0, 0)
        connection.execute(_DELETE_ORPHANS)
        self._parts = {name: _Part(*where) for name, *where in connection.execute(_PARTS)}
        self._next_chunk: int = connection.execute(_NEXT_CHUNK).get

    def save(self, offset: int, time_us: int, parts: Mapping[str, bytes]) -> Iterator[bool]:
        """Replace the checkpoint, one transaction a step; yields True from when it is durable.

        Parts that are not named stay as they were.
        """
        written: dict[str, _Part] = {}
        for name, body in parts.items():
            first = self._next_chunk
            for start in range(0, len(body), CHUNK_BYTES):
                self._connection.execute(_ADD_CHUNK, (self._next_chunk, body[start : start + CHUNK_BYTES]))
                self._next_chunk += 1
                yield False
            written[name] = _Part(first, self._next_chunk - first, zlib.crc32(body))
        replaced = [self._parts[name] for name in written if name in self._parts]
        with self._connection:
            self._connection.execute(_SWITCH, (offset, time_us))
            for name, part in written.items():
                self._connection.execute(_SWITCH_PART, (name, part.first_chunk, part.chunks, part.checksum))
        self._parts.update(written)
        self.offset, self.time_us = offset, time_us
        yield True
        for part in replaced:
            for chunk in range(part.first_chunk, part.first_chunk + part.chunks):
                self._connection.execute(_DELETE_CHUNK, (chunk,))
                yield True

    def load(self) -> Checkpoint | None:
        """Return the standing checkpoint, or None before the first.

        Raises apsw.CorruptError where a part does not match its checksum.
        """
        if not self._connection.execute(_STANDING).get:
            return None
        parts = {name: self._load_part(name, part) for name, part in self._parts.items()}
        return Checkpoint(self.offset, parts)

    def _load_part(self, name: str, part: _Part) -> bytes:
        chunks = self._connection.execute(_CHUNKS, (part.first_chunk, part.chunks))
        body = b"".join(row[0] for row in chunks)
        if zlib.crc32(body) != part.checksum:
            raise apsw.CorruptError(f"part {name!r} of the checkpoint does not match its checksum")
        return body
