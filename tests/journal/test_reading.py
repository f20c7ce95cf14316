from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

import pytest

from storage.journal import JournalLimits, Lane, Record, RecordKind
from tests.journal.entries import control, everything, telemetry

if TYPE_CHECKING:
    from tests.journal.conftest import OpenJournal

pytestmark = pytest.mark.parametrize("tail_bytes", [0, 3_000, 1 << 20], ids=["files", "both", "memory"])


async def test_both_lanes_are_read_as_one(open_journal: OpenJournal, tail_bytes: int) -> None:
    journal = await open_journal(limits=JournalLimits(tail_bytes=tail_bytes))
    rng = random.Random(1)
    records = []
    for i in range(100):
        make = rng.choice([control, telemetry])
        records += await journal.append([make(b"%d" % i)])
    assert await everything(journal, max_bytes=20) == records
    assert await journal.read(40, 1 << 20) == records[40:]


async def test_a_page_holds_what_fits_and_at_least_one(open_journal: OpenJournal, tail_bytes: int) -> None:
    journal = await open_journal(limits=JournalLimits(tail_bytes=tail_bytes))
    await journal.append([control(b"x" * 10), telemetry(b"x" * 10), control(b"x" * 50)])
    assert [record.offset for record in await journal.read(0, 20)] == [1, 2]
    assert [record.offset for record in await journal.read(0, 19)] == [1]
    assert [record.offset for record in await journal.read(2, 20)] == [3]
    assert await journal.read(3, 20) == []


async def test_only_the_kinds_that_are_wanted_are_returned(open_journal: OpenJournal, tail_bytes: int) -> None:
    journal = await open_journal(limits=JournalLimits(tail_bytes=tail_bytes))
    await journal.append([control(kind=kind) for kind in RecordKind] + [telemetry()])
    wanted = {RecordKind.BLOCK, RecordKind.EVENT}
    assert [record.offset for record in await journal.read(0, 1 << 20, wanted)] == [2, 5, len(RecordKind) + 1]
    assert await journal.read(0, 1 << 20, set()) == []


async def test_a_wanted_record_is_found_behind_many_others(
    open_journal: OpenJournal, tail_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.journal.page.PAGE_RECORDS", 7)
    journal = await open_journal(limits=JournalLimits(tail_bytes=tail_bytes))
    await journal.append([telemetry(b"%d" % i) for i in range(100)] + [control(b"here")])
    assert [record.body for record in await journal.read(0, 1 << 20, {RecordKind.COMMAND})] == [b"here"]
    assert len(await everything(journal)) == 101
    if not tail_bytes:
        assert len(await journal.read(0, 1 << 20)) == 7, "appends wait no longer than for a page"


async def test_a_reader_misses_nothing_while_both_lanes_are_written(open_journal: OpenJournal, tail_bytes: int) -> None:
    journal = await open_journal(limits=JournalLimits(tail_bytes=tail_bytes))
    rng = random.Random(2)
    appended: list[Record] = []
    entries = {"c": [control(b"c" * 100)], "t": [telemetry(b"t" * 900)], "m": [control(b"m"), telemetry(b"m" * 50)]}

    async def write() -> None:
        for _ in range(60):
            appended.extend(await journal.append(entries[rng.choice("ctm")]))

    async def read() -> list[Record]:
        found: list[Record] = []
        while not (done := all(writer.done() for writer in writers)) or found[-1].offset < journal.head:
            records = await journal.read(found[-1].offset if found else 0, rng.randrange(1, 5_000))
            found += records
            if not records and not done:
                await asyncio.sleep(0)
        return found

    writers = [asyncio.create_task(write()) for _ in range(5)]
    found = await read()
    assert found == sorted(appended, key=lambda record: record.offset)
    assert {record.lane for record in found} == set(Lane)
