"""What the journal holds: entries that come in, records that come out, gaps where records are no more."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "MAX_BODY_BYTES",
    "RECORD_OVERHEAD_BYTES",
    "Checkpoint",
    "Entry",
    "Gap",
    "GapReason",
    "Lane",
    "Record",
    "RecordKind",
    "checksum",
]

RECORD_OVERHEAD_BYTES = 64
"""What a record costs besides its body, as the quotas count it."""
MAX_BODY_BYTES = 64 << 20

_HEADER = struct.Struct("<qqBqq")


class RecordKind(IntEnum):
    """What a record's body is; its owner knows how to read it."""

    TICK = 0
    """Time passed. The body is empty."""
    BLOCK = 1
    """`storage.journal.block`."""
    REGISTRY = 2
    COMMAND = 3
    EVENT = 4
    QUARANTINE = 5
    GAP = 6
    """A `Gap`, written by the journal itself."""
    RULES = 7
    """The rules in force from here on."""
    DIRECTORY = 8
    """The people, rotas and chains in force from here on."""


class Lane(IntEnum):
    """Which of the two files a record is in."""

    CONTROL = 0
    """Alarms, commands, registry, events, quarantine, gaps: never shed."""
    TELEMETRY = 1
    """Telemetry blocks and ticks: the oldest are shed where the quota is reached."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What somebody wants recorded. `readings` is the number of readings in the body, for counting losses."""

    kind: RecordKind
    lane: Lane
    body: bytes
    readings: int = 0

    @property
    def size(self) -> int:
        """Bytes, as the quotas count them."""
        return len(self.body) + RECORD_OVERHEAD_BYTES


@dataclass(frozen=True, slots=True)
class Record:
    """An entry that is committed.

    offset:  its place: strictly increasing over both lanes, with holes
    time_us: when it was appended, µs since the epoch; never falls as the offset rises
    """

    offset: int
    time_us: int
    kind: RecordKind
    lane: Lane
    body: bytes
    readings: int


class GapReason(StrEnum):
    """Why records are not there."""

    SHED = "shed"
    """Telemetry reached its quota and the oldest had to go, read or not."""
    CORRUPT = "corrupt"
    """The record, or the page that it is on, does not match its checksum."""
    MISSING = "missing"
    """The telemetry file was gone when the journal was opened; nobody knows how much it held."""


class Gap(msgspec.Struct, frozen=True):
    """The body of a GAP record: records `first_offset … last_offset` of one lane that no reader will see (again).

    first_us, last_us: when they were appended, µs since the epoch; 0 where not known
    records, readings: how many they were; 0 where not known
    """

    reason: GapReason
    lane: Lane
    first_offset: int
    last_offset: int
    first_us: int
    last_us: int
    records: int
    readings: int


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state of the fold after the record at `offset`, as named parts."""

    offset: int
    parts: Mapping[str, bytes]


def checksum(fields: tuple[int, int, int, int, int], body_crc: int) -> int:
    """Return the CRC-32 of a record.

    fields:   offset, time_us, kind, readings, total (as in `storage.journal.lane.Row`)
    body_crc: CRC-32 of the body
    Raises struct.error where a field is no integer of its width.

    The body comes first, so that its CRC can be taken before the offset is known.
    """
    return zlib.crc32(_HEADER.pack(*fields), body_crc)
