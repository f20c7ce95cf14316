"""Entries by the handful, and readings of a whole journal."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import msgspec

from storage.journal import Entry, Gap, Lane, RecordKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from storage.journal import Journal, Record

DEADLINE_S = 20.0


def control(body: bytes = b"c", kind: RecordKind = RecordKind.COMMAND) -> Entry:
    return Entry(kind, Lane.CONTROL, body)


def telemetry(body: bytes = b"t", readings: int = 1) -> Entry:
    return Entry(RecordKind.BLOCK, Lane.TELEMETRY, body, readings)


async def everything(journal: Journal, max_bytes: int = 1 << 20) -> list[Record]:
    """Read from the start to the end."""
    found: list[Record] = []
    while records := await journal.read(found[-1].offset if found else 0, max_bytes):
        found += records
    return found


async def gaps(journal: Journal) -> list[Gap]:
    return [
        msgspec.msgpack.decode(record.body, type=Gap) for record in await journal.read(0, 1 << 20, {RecordKind.GAP})
    ]


async def until(condition: Callable[[], bool]) -> None:
    """Wait until the journal's thread has come to it."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        await asyncio.sleep(0.002)
