from __future__ import annotations

import asyncio
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.journal import FailureReason, Journal, JournalBusy, JournalFailed, JournalLimits, Lane, Record, RecordKind
from storage.journal.batch import Group, arrange
from tests.journal.entries import control, everything, telemetry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.journal.conftest import OpenJournal
    from tests.journal.failing_disk import FailingDisk


@contextmanager
def one_commit(journal: Journal, disk: FailingDisk) -> Iterator[None]:
    """Whatever is submitted within is committed together."""
    disk.free.clear()
    syncs = disk.syncs
    journal.submit([control(b"plug")])
    while disk.syncs == syncs:
        time.sleep(0.001)
    yield
    disk.free.set()


async def test_records_are_numbered_in_the_order_of_their_entries(open_journal: OpenJournal) -> None:
    journal = await open_journal()
    first = await journal.append([control(b"a"), telemetry(b"b", 7), control(b"c")])
    second = await journal.append([telemetry(b"d")])
    assert [(r.offset, r.body, r.lane, r.readings) for r in first + second] == [
        (1, b"a", Lane.CONTROL, 0),
        (2, b"b", Lane.TELEMETRY, 7),
        (3, b"c", Lane.CONTROL, 0),
        (4, b"d", Lane.TELEMETRY, 1),
    ]
    assert journal.head == 4
    assert await everything(journal) == first + second


async def test_a_group_may_be_empty(open_journal: OpenJournal) -> None:
    journal = await open_journal()
    assert await journal.append([]) == []
    assert journal.head == 0


async def test_time_never_falls_though_the_clock_does(open_journal: OpenJournal) -> None:
    times = iter([50, 20, 60])
    journal = await open_journal(clock_us=lambda: next(times))
    records = [(await journal.append([control()]))[0] for _ in range(3)]
    assert [record.time_us for record in records] == [50, 50, 60]
    assert journal.counters.clock_behind_us == 0


async def test_a_clock_behind_the_journal_is_shown(open_journal: OpenJournal) -> None:
    times = iter([50, 20])
    journal = await open_journal(clock_us=lambda: next(times))
    await journal.append([control()])
    await journal.append([control()])
    assert journal.counters.clock_behind_us == 30


async def test_time_does_not_fall_over_a_restart_that_finds_no_records(open_journal: OpenJournal) -> None:
    journal = await open_journal(clock_us=lambda: 5_000)
    records = await journal.append([control()])
    await journal.checkpoint(records[-1].offset, {})
    while journal.counters.live_bytes[Lane.CONTROL]:
        await journal.append([])
    await journal.close()
    journal = await open_journal(clock_us=lambda: 10)
    assert (await journal.append([control()]))[0].time_us == 5_000


async def test_an_offset_is_never_given_out_twice(open_journal: OpenJournal) -> None:
    journal = await open_journal()
    seen = (await journal.append([control(), telemetry()]))[-1].offset
    for _ in range(3):
        await journal.close()
        journal = await open_journal()
        offset = (await journal.append([telemetry()]))[0].offset
        assert offset > seen + 1, "an opening takes up well beyond what it can see"
        seen = offset


async def test_many_submissions_share_one_commit(open_journal: OpenJournal, disk: FailingDisk) -> None:
    journal = await open_journal()
    with one_commit(journal, disk):
        futures = [journal.submit([telemetry(b"%d" % i)]) for i in range(500)]
    await asyncio.gather(*futures)
    assert sum(journal.counters.commits[Lane.TELEMETRY].buckets) == 1
    assert [record.body for record in (await everything(journal))[1:]] == [b"%d" % i for i in range(500)]


async def test_futures_are_done_in_the_order_of_their_offsets(open_journal: OpenJournal) -> None:
    journal = await open_journal()
    done: list[int] = []

    def note(future: asyncio.Future[list[Record]]) -> None:
        done.extend(record.offset for record in future.result())

    groups = [[telemetry()], [control()], [control(), telemetry()], [control()], [telemetry()], [control()]]
    futures = [journal.submit(groups[i % 6]) for i in range(120)]
    for future in futures:
        future.add_done_callback(note)
    await asyncio.gather(*futures)
    assert done == sorted(done)
    assert len(done) == 140


@pytest.mark.parametrize("tail_bytes", [0, 1 << 20])
async def test_who_is_cancelled_is_not_answered_but_recorded(open_journal: OpenJournal, tail_bytes: int) -> None:
    journal = await open_journal(limits=JournalLimits(tail_bytes=tail_bytes))
    future = journal.submit([control(b"gone")])
    future.cancel()
    await journal.append([control(b"next")])
    assert [record.body for record in await everything(journal)] == [b"gone", b"next"]


@given(st.lists(st.sampled_from(["c", "t", "m"]), max_size=12))
def test_alarms_overtake_telemetry_and_nothing_else(letters: list[str]) -> None:
    kinds = {"c": (control(),), "t": (telemetry(),), "m": (control(), telemetry())}
    loop = asyncio.new_event_loop()
    groups = [Group(kinds[letter], (0,) * len(kinds[letter]), loop.create_future()) for letter in letters]
    loop.close()
    place = {id(group): i for i, group in enumerate(groups)}
    early, late = ([place[id(group)] for group in part] for part in arrange(groups))
    order = early + late
    assert sorted(order) == list(range(len(letters)))
    assert all(letters[i] == "c" for i in early)
    for with_telemetry in ("tm", "cm"):  # each lane keeps its order
        lane = [i for i in order if letters[i] in with_telemetry]
        assert lane == sorted(lane)
    first_mixed = letters.index("m") if "m" in letters else len(letters)
    assert [i for i, letter in enumerate(letters) if letter == "c" and i < first_mixed] == early


async def test_an_alarm_is_safe_before_the_telemetry_beside_it(open_journal: OpenJournal, disk: FailingDisk) -> None:
    journal = await open_journal()
    with one_commit(journal, disk):
        block = journal.submit([telemetry()])
        alarm = journal.submit([control(b"alarm")])
        disk.syncs_fail = "telemetry.db-wal"
    assert [record.body for record in await alarm] == [b"alarm"]
    with pytest.raises(JournalFailed, match="io_error"):
        await block
    await journal.close()
    disk.syncs_fail = ""
    journal = await open_journal()
    assert b"alarm" in [record.body for record in await everything(journal)]


async def test_what_may_build_upon_a_group_waits_for_all_of_it(open_journal: OpenJournal, disk: FailingDisk) -> None:
    journal = await open_journal()
    with one_commit(journal, disk):
        registered = journal.submit([control(b"registered"), telemetry()])
        alarm = journal.submit([control(b"alarm of what was registered")])
        disk.syncs_fail = "telemetry.db-wal"
    for future in (registered, alarm):
        with pytest.raises(JournalFailed):
            await future


async def test_after_a_failed_commit_nothing_is_acknowledged(open_journal: OpenJournal, disk: FailingDisk) -> None:
    journal = await open_journal()
    kept = await journal.append([control(b"kept"), telemetry(b"kept")])
    disk.full = "control.db-wal"
    checkpoint = asyncio.create_task(journal.checkpoint(1, {"a": b"a"}))
    move = asyncio.create_task(journal.move_cursor("archive", 1))
    await asyncio.sleep(0)
    futures = [journal.submit([entry]) for entry in (control(), telemetry(), control())]
    waiters: list[asyncio.Future[list[Record]] | asyncio.Future[None]] = [*futures, checkpoint, move]
    for waiting in waiters:
        with pytest.raises(JournalFailed) as failed:
            await waiting
        assert failed.value.reason is FailureReason.DISK_FULL
    disk.full = ""  # there is room again, but nobody knows what of the failed commit is on the disk
    with pytest.raises(JournalFailed, match="disk_full"):
        await journal.append([control()])
    with pytest.raises(JournalFailed, match="disk_full"):
        await journal.read(0, 1)
    with pytest.raises(JournalFailed, match="disk_full"):
        await journal.closed()
    assert journal.failure is not None
    assert journal.counters.failed
    await journal.close()
    journal = await open_journal()
    assert (await everything(journal))[:2] == kept
    assert len(await journal.append([control()])) == 1


async def test_every_commit_is_synced_before_it_is_acknowledged(open_journal: OpenJournal, disk: FailingDisk) -> None:
    journal = await open_journal()
    for entry in (control(), telemetry()):
        before = disk.syncs
        await journal.append([entry])
        assert disk.syncs > before


async def test_a_closed_journal_has_done_what_was_asked_and_refuses_more(open_journal: OpenJournal) -> None:
    journal = await open_journal()
    future = journal.submit([control(b"last")])
    await journal.close()
    assert [record.body for record in await future] == [b"last"]
    with pytest.raises(JournalFailed, match="closed"):
        await journal.append([control()])
    await journal.closed()
    await journal.close()


async def test_too_much_at_once_is_refused_and_room_comes_back(tmp_path: Path) -> None:
    journal = await Journal.open(tmp_path, JournalLimits(queued_bytes=1_000))
    first = journal.submit([control(b"x" * 5_000)])  # alone it may be larger than the bound, or it would never fit
    with pytest.raises(JournalBusy, match="5064 bytes wait"):
        journal.submit([control()])
    await first
    assert len(await journal.append([control()])) == 1
    await journal.close()


async def test_a_group_beyond_the_whole_quota_is_refused(open_journal: OpenJournal) -> None:
    journal = await open_journal(limits=JournalLimits(telemetry_bytes=1_000))
    with pytest.raises(ValueError, match="quota 1000"):
        await journal.append([telemetry(b"x" * 937)])
    assert len(await journal.append([telemetry(b"x" * 936)])) == 1


async def test_a_journal_keeps_its_name(open_journal: OpenJournal) -> None:
    journal = await open_journal()
    name = journal.id
    await journal.close()
    assert (await open_journal()).id == name


async def test_kinds_are_kept(open_journal: OpenJournal) -> None:
    journal = await open_journal(limits=JournalLimits(tail_bytes=0))
    await journal.append([control(kind=kind) for kind in RecordKind])
    assert [record.kind for record in await everything(journal)] == list(RecordKind)


async def test_a_bug_ends_the_journal_instead_of_leaving_people_waiting(open_journal: OpenJournal) -> None:
    def broken_clock() -> int:
        raise ZeroDivisionError

    journal = await open_journal(clock_us=broken_clock)
    with pytest.raises(JournalFailed, match=r"bug.*ZeroDivisionError"):
        await journal.append([control()])
    with pytest.raises(JournalFailed, match="bug") as failed:
        await journal.closed()
    assert isinstance(failed.value.__cause__, ZeroDivisionError)


async def test_a_directory_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError):
        await Journal.open(tmp_path / "file" / "journal", JournalLimits())
