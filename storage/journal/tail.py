"""The newest records, kept in memory: a reader who keeps up reads no file and waits for no thread."""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import TYPE_CHECKING

from storage.journal.record import RECORD_OVERHEAD_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from storage.journal.record import Record

__all__ = ["Tail"]

MAX_RECORDS = 4096


class Tail:
    """All committed records after `floor`, or the newest of them that fit into `max_bytes`."""

    def __init__(self, floor: int, max_bytes: int) -> None:
        self._floor = floor
        self._max_bytes = max_bytes
        self._records: deque[Record] = deque()
        self._size = 0

    def extend(self, records: Iterable[Record]) -> None:
        """Add what was committed, in order of offset."""
        for record in records:
            self._records.append(record)
            self._size += len(record.body) + RECORD_OVERHEAD_BYTES
        while self._records and (self._size > self._max_bytes or len(self._records) > MAX_RECORDS):
            oldest = self._records.popleft()
            self._size -= len(oldest.body) + RECORD_OVERHEAD_BYTES
            self._floor = oldest.offset

    def forget(self, through: int) -> None:
        """Drop what is no longer in the files, and all before it."""
        while self._records and self._records[0].offset <= through:
            oldest = self._records.popleft()
            self._size -= len(oldest.body) + RECORD_OVERHEAD_BYTES
        self._floor = max(self._floor, through)

    def read(self, after: int, max_bytes: int, kinds: int) -> list[Record] | None:
        """Return what comes after the offset `after` as `read_page` would, or None where that began before the tail."""
        if after < self._floor:
            return None
        newer = 0
        for record in reversed(self._records):
            if record.offset <= after:
                break
            newer += 1
        found: list[Record] = []
        size = 0
        for record in islice(self._records, len(self._records) - newer, None):
            if not (kinds >> record.kind) & 1:
                continue
            if found and size + len(record.body) > max_bytes:
                break
            found.append(record)
            size += len(record.body)
        return found
