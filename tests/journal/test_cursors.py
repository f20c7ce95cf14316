from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from storage.journal import JournalLimits, Lane
from tests.journal.entries import control, everything, telemetry, until

if TYPE_CHECKING:
    from storage.journal import Journal
    from tests.journal.conftest import OpenJournal

FILES = JournalLimits(tail_bytes=0)


async def offsets(journal: Journal) -> list[int]:
    return [record.offset for record in await everything(journal)]


async def test_what_every_cursor_and_the_checkpoint_passed_is_deleted(open_journal: OpenJournal) -> None:
    journal = await open_journal(limits=FILES, cursors=("archive", "mirror"))
    await journal.append([control() if i % 2 else telemetry() for i in range(10)])
    await journal.move_cursor("archive", 8)
    await journal.checkpoint(6, {})
    await journal.append([control()])
    assert await offsets(journal) == list(range(1, 12)), "the mirror has read nothing"
    await journal.move_cursor("mirror", 9)
    await until(lambda: sum(journal.counters.deleted_bytes.values()) == 6 * 65)
    assert await offsets(journal) == list(range(7, 12))
    await journal.checkpoint(11, {})
    await until(lambda: sum(journal.counters.deleted_bytes.values()) == 8 * 65)
    assert await offsets(journal) == [9, 10, 11]
    assert journal.counters.live_bytes == {Lane.CONTROL: 2 * 65, Lane.TELEMETRY: 65}


async def test_without_a_checkpoint_nothing_is_deleted(open_journal: OpenJournal) -> None:
    journal = await open_journal(limits=FILES, cursors=("archive",))
    await journal.append([control() for _ in range(3)])
    await journal.move_cursor("archive", 3)
    await journal.append([])
    assert await offsets(journal) == [1, 2, 3]


async def test_a_cursor_and_what_it_left_are_there_after_a_restart(open_journal: OpenJournal) -> None:
    journal = await open_journal(limits=FILES, cursors=("archive",))
    await journal.append([telemetry() for _ in range(5)])
    await journal.checkpoint(5, {})
    await journal.move_cursor("archive", 2)
    await journal.close()
    journal = await open_journal(limits=FILES)
    assert journal.cursors() == {"archive": 2}, "a reader who is away holds back deletion too"
    await until(lambda: journal.counters.live_bytes[Lane.TELEMETRY] == 3 * 65)
    assert await offsets(journal) == [3, 4, 5]


async def test_a_cursor_does_not_move_back(open_journal: OpenJournal) -> None:
    journal = await open_journal(cursors=("archive",))
    await journal.append([control() for _ in range(5)])
    await journal.move_cursor("archive", 4)
    await journal.move_cursor("archive", 2)
    assert journal.cursors() == {"archive": 4}


async def test_a_cursor_does_not_move_beyond_the_head(open_journal: OpenJournal) -> None:
    journal = await open_journal(cursors=("archive",))
    await journal.append([control()])
    with pytest.raises(ValueError, match="journal ends at 1"):
        await journal.move_cursor("archive", 2)
    assert journal.cursors() == {"archive": 0}


async def test_a_reader_who_knows_of_records_that_the_disk_forgot_may_say_so(open_journal: OpenJournal) -> None:
    journal = await open_journal(limits=FILES, cursors=("archive",))
    last = (await journal.append([telemetry()]))[-1].offset
    await journal.close()
    journal = await open_journal(limits=FILES)
    await journal.move_cursor("archive", last + 1_000)
    new = await journal.append([telemetry()])
    assert await journal.read(last + 1_000, 1 << 20) == new, "new records come after whatever it can have seen"


async def test_an_unknown_cursor_comes_to_be_and_holds_back(open_journal: OpenJournal) -> None:
    journal = await open_journal(limits=FILES)
    await journal.append([control() for _ in range(3)])
    await journal.move_cursor("tool", 1)
    await journal.checkpoint(3, {})
    await until(lambda: journal.counters.deleted_bytes[Lane.CONTROL] == 65)
    assert await offsets(journal) == [2, 3]


async def test_the_lag_is_told_in_seconds(open_journal: OpenJournal) -> None:
    times = iter([10_000_000, 15_000_000, 15_000_000, 15_000_000])
    journal = await open_journal(clock_us=lambda: next(times), cursors=("archive",))
    assert journal.cursor_lags_s() == {"archive": 0.0}
    await journal.append([telemetry()])
    await journal.append([telemetry()])
    assert journal.cursor_lags_s() == {"archive": 5.0}
    await journal.move_cursor("archive", 1)
    assert journal.cursor_lags_s() == {"archive": 5.0}
    await journal.move_cursor("archive", 2)
    assert journal.cursor_lags_s() == {"archive": 0.0}
