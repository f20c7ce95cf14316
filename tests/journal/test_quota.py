from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from storage.journal import Gap, GapReason, JournalFailed, JournalLimits, Lane
from storage.journal.record import RECORD_OVERHEAD_BYTES
from tests.journal.entries import control, everything, gaps, telemetry

if TYPE_CHECKING:
    from tests.journal.conftest import OpenJournal
    from tests.journal.failing_disk import FailingDisk

BODY = b"x" * (1_000 - RECORD_OVERHEAD_BYTES)
TEN = JournalLimits(telemetry_bytes=10_000)


async def test_nothing_is_shed_up_to_the_last_byte_of_the_quota(open_journal: OpenJournal) -> None:
    journal = await open_journal(limits=TEN, cursors=("archive",))
    for _ in range(10):
        await journal.append([telemetry(BODY)])
    assert journal.counters.live_bytes[Lane.TELEMETRY] == 10_000
    assert journal.counters.sheds == 0
    assert len(await everything(journal)) == 10


@pytest.mark.parametrize("tail_bytes", [0, 1 << 20])
async def test_beyond_it_the_oldest_telemetry_goes_and_a_gap_says_so(
    open_journal: OpenJournal, tail_bytes: int
) -> None:
    limits = JournalLimits(telemetry_bytes=10_000, tail_bytes=tail_bytes)
    times = iter(range(1_000, 2_000, 10))
    journal = await open_journal(limits=limits, clock_us=lambda: next(times), cursors=("archive",))
    for _ in range(5):
        await journal.append([telemetry(BODY, readings=3)])
        await journal.append([telemetry(BODY, readings=4), control(b"kept")])
    await journal.append([telemetry(b"one byte more")])
    expected = Gap(GapReason.SHED, Lane.TELEMETRY, 1, 1, 1_000, 1_000, records=1, readings=3)
    assert await gaps(journal) == [expected]
    assert journal.counters.gaps[GapReason.SHED] == 1
    assert (journal.counters.sheds, journal.counters.shed_records, journal.counters.shed_readings) == (1, 1, 3)
    await journal.append([telemetry(BODY + BODY)])
    shed = (await gaps(journal))[1]
    assert (shed.first_offset, shed.last_offset, shed.records, shed.readings) == (2, 4, 2, 7)
    assert journal.counters.live_bytes[Lane.TELEMETRY] <= 10_000
    found = await everything(journal)
    assert [record.body for record in found].count(b"kept") == 5
    assert [record.offset for record in found if record.lane is Lane.TELEMETRY] == [5, 7, 8, 10, 11, 13, 14, 16, 18]
    await journal.close()
    journal = await open_journal(limits=limits)
    assert await everything(journal) == found
    assert len(await gaps(journal)) == 2


async def test_much_is_shed_at_once_so_that_gaps_are_few(open_journal: OpenJournal) -> None:
    journal = await open_journal(limits=JournalLimits(telemetry_bytes=640_000))
    await journal.append([telemetry(BODY) for _ in range(640)])
    for _ in range(10):
        await journal.append([telemetry(BODY)])
    assert journal.counters.sheds == 1
    assert journal.counters.shed_records == 10


async def test_telemetry_is_shed_though_neither_cursor_nor_checkpoint_passed_it(open_journal: OpenJournal) -> None:
    journal = await open_journal(limits=TEN, cursors=("archive",))
    await journal.append([telemetry(BODY) for _ in range(10)])
    await journal.checkpoint(3, {})
    await journal.append([telemetry(BODY) for _ in range(10)])
    assert [record.offset for record in await everything(journal)] == list(range(11, 22))
    assert journal.cursors() == {"archive": 0}


async def test_the_gap_is_durable_before_what_it_tells_of_is_gone(open_journal: OpenJournal, disk: FailingDisk) -> None:
    journal = await open_journal(limits=TEN)
    kept = await journal.append([telemetry(BODY) for _ in range(10)])
    disk.syncs_fail = "telemetry.db-wal"
    with pytest.raises(JournalFailed):
        await journal.append([telemetry(BODY)])
    await journal.close()
    disk.syncs_fail = ""
    journal = await open_journal(limits=TEN)
    assert [gap.first_offset for gap in await gaps(journal)] == [1]
    assert kept[1] in await everything(journal), "what was not acknowledged may be there or not; the rest must be"


async def test_control_is_never_shed_and_says_when_it_is_nearly_full(open_journal: OpenJournal) -> None:
    journal = await open_journal(limits=JournalLimits(control_bytes=10_000))
    shown = []
    for _ in range(14):
        await journal.append([control(BODY)])
        shown.append(journal.control_nearly_full)
    assert shown == [False] * 8 + [True] * 6
    assert len(await everything(journal)) == 14
    assert await gaps(journal) == []


async def test_a_reopened_journal_knows_how_much_it_holds(open_journal: OpenJournal) -> None:
    journal = await open_journal(limits=TEN)
    await journal.append([*(telemetry(BODY) for _ in range(10)), control(b"abc")])
    await journal.append([telemetry(BODY) for _ in range(3)])
    live = dict(journal.counters.live_bytes)
    await journal.close()
    assert (await open_journal(limits=TEN)).counters.live_bytes == live
    assert live[Lane.TELEMETRY] == 10_000
