"""One turn's reading: both lanes merged by offset, each record checked, damage set apart."""

from __future__ import annotations

import heapq
from contextlib import ExitStack, closing
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from storage.journal.lane import Damage
from storage.journal.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterable

    from storage.journal.lane import LaneFile

__all__ = ["Page", "read_page"]

# Appends wait while a turn reads, so one turn reads no more than this.
PAGE_BYTES: Final = 8 << 20
PAGE_RECORDS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Page:
    """What one turn read.

    after:   where to go on reading
    is_end:  there was no more
    damages: what could not be read on the way
    """

    records: list[Record]
    after: int
    is_end: bool
    damages: list[Damage]


def read_page(lanes: Iterable[LaneFile], after: int, max_bytes: int, kinds: int) -> Page:
    """Read what comes after the offset `after`, in order.

    max_bytes: of bodies; one record is returned even if it is larger
    kinds:     bit 1 << kind is set for each kind that is wanted
    """
    records: list[Record] = []
    damages: list[Damage] = []
    size = 0
    max_bytes = min(max_bytes, PAGE_BYTES)
    with ExitStack() as stack:
        scans = [stack.enter_context(closing(file.scan(after, kinds))) for file in lanes]
        for seen, item in enumerate(heapq.merge(*scans, key=attrgetter("offset"))):
            if seen == PAGE_RECORDS:
                return Page(records, after, is_end=False, damages=damages)
            if isinstance(item, Record):
                if records and size + len(item.body) > max_bytes:
                    return Page(records, after, is_end=False, damages=damages)
                records.append(item)
                size += len(item.body)
            elif isinstance(item, Damage):
                damages.append(item)
            after = item.offset
    return Page(records, after, is_end=True, damages=damages)
