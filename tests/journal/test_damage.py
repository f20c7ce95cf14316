from __future__ import annotations

import asyncio
import random
import shutil
from typing import TYPE_CHECKING

import apsw
import pytest

from storage.journal import GapReason, Journal, JournalCorrupt, JournalFailed, JournalInUse, JournalLimits, Lane, Record
from tests.journal.entries import control, everything, gaps, telemetry, until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.journal.conftest import OpenJournal

FILES = JournalLimits(tail_bytes=0)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Record]]:
    """A journal of 60 records of both lanes, the second half of them in the logs, as a kill would leave it."""
    return asyncio.run(_fill(tmp_path_factory.mktemp("filled")))


async def _fill(directory: Path) -> tuple[Path, list[Record]]:
    rng = random.Random(3)
    records: list[Record] = []
    for half in range(2):
        journal = await Journal.open(directory / "live", FILES, lambda: 1_000_000)
        for i in range(30):
            body = rng.randbytes(rng.choice([20, 700, 9_000, 50_000]))
            records += await journal.append([control(body) if i % 3 == 0 else telemetry(body, 5)])
        if half:
            shutil.copytree(directory / "live", directory / "killed")
        await journal.close()
    return directory / "killed", records


async def test_two_journals_in_one_directory_are_one_too_many(open_journal: OpenJournal, tmp_path: Path) -> None:
    journal = await open_journal()
    holder = (tmp_path / "journal.lock").read_text().strip()
    with pytest.raises(JournalInUse, match=f"in use by process {holder}"):
        await open_journal()
    assert len(await journal.append([control()])) == 1
    await journal.close()
    assert len(await (await open_journal()).append([control()])) == 1


@pytest.mark.parametrize("name", ["control.db", "telemetry.db"])
async def test_a_file_that_is_no_database_is_refused_by_name(
    open_journal: OpenJournal, tmp_path: Path, name: str
) -> None:
    await (await open_journal()).close()
    (tmp_path / name).write_bytes(b"a shopping list" * 1_000)
    with pytest.raises(JournalCorrupt, match=rf"{name}: .*not a database; (move|restore)"):
        await open_journal()


@pytest.mark.parametrize("name", ["control.db", "telemetry.db"])
async def test_a_database_that_is_no_journal_is_refused(open_journal: OpenJournal, tmp_path: Path, name: str) -> None:
    other = apsw.Connection(str(tmp_path / name))
    other.execute("create table shopping (item text)")
    other.close()
    with pytest.raises(JournalCorrupt, match=rf"{name}: a database, but not a journal's"):
        await open_journal()


async def test_a_journal_of_another_format_is_refused(open_journal: OpenJournal, tmp_path: Path) -> None:
    await (await open_journal()).close()
    other = apsw.Connection(str(tmp_path / "control.db"))
    other.pragma("user_version", 9)
    other.close()
    with pytest.raises(JournalCorrupt, match="of format 9; this program reads 1"):
        await open_journal()


async def test_files_of_two_journals_are_refused(tmp_path: Path) -> None:
    for name in ("one", "two"):
        journal = await Journal.open(tmp_path / name, FILES)
        await journal.append([control(), telemetry()])
        await journal.close()
    shutil.copy(tmp_path / "two" / "telemetry.db", tmp_path / "one" / "telemetry.db")
    with pytest.raises(JournalCorrupt, match=r"telemetry\.db: of journal \w+, while control\.db is of \w+"):
        await Journal.open(tmp_path / "one", FILES)


async def test_telemetry_without_its_control_file_is_refused(open_journal: OpenJournal, tmp_path: Path) -> None:
    journal = await open_journal()
    await journal.append([telemetry()])
    await journal.close()
    for name in ("control.db", "control.db-wal"):
        (tmp_path / name).unlink()
    with pytest.raises(JournalCorrupt, match=r"control\.db: missing or empty, though telemetry\.db holds records"):
        await open_journal()


async def test_a_journal_that_was_never_finished_being_made_is_made(open_journal: OpenJournal, tmp_path: Path) -> None:
    await (await open_journal()).close()
    for name in ("control.db", "control.db-wal"):
        (tmp_path / name).unlink()
    assert len(await (await open_journal()).append([control(), telemetry()])) == 2


async def test_without_its_telemetry_file_it_goes_on_and_says_what_is_missing(
    open_journal: OpenJournal, tmp_path: Path
) -> None:
    journal = await open_journal(cursors=("archive",))
    alarm = await journal.append([control(b"alarm"), telemetry(), telemetry()])
    await journal.checkpoint(1, {})
    await journal.move_cursor("archive", 1)
    await journal.close()
    for name in ("telemetry.db", "telemetry.db-wal"):
        (tmp_path / name).unlink()
    journal = await open_journal()
    new = await journal.append([telemetry()])
    (gap,) = await gaps(journal)
    assert (gap.reason, gap.lane, gap.first_offset) == (GapReason.MISSING, Lane.TELEMETRY, 2)
    assert alarm[-1].offset <= gap.last_offset < new[0].offset
    assert journal.counters.gaps[GapReason.MISSING] == 1
    await journal.close()
    assert len(await gaps(await open_journal())) == 1


@pytest.mark.parametrize("lane", list(Lane))
async def test_a_record_that_does_not_match_its_checksum_is_stepped_over_and_reported(
    open_journal: OpenJournal, tmp_path: Path, lane: Lane
) -> None:
    entry = {Lane.CONTROL: control(b"c" * 99), Lane.TELEMETRY: telemetry(b"t" * 99, 7)}[lane]
    journal = await open_journal(limits=FILES)
    records = await journal.append([entry] * 5)
    await journal.close()
    name = {Lane.CONTROL: "control.db", Lane.TELEMETRY: "telemetry.db"}[lane]
    other = apsw.Connection(str(tmp_path / name))
    other.execute("update record set body = zeroblob(99) where offset in (2, 3)")
    other.execute("update record set time_us = time_us + 1 where offset = 5")
    other.close()
    journal = await open_journal(limits=FILES)
    sound = [records[0], records[3]]
    assert (await everything(journal))[:2] == sound
    assert (await everything(journal))[:2] == sound
    found = await gaps(journal)
    assert [(gap.reason, gap.lane, gap.first_offset, gap.last_offset, gap.records) for gap in found] == [
        (GapReason.CORRUPT, lane, 2, 2, 1),
        (GapReason.CORRUPT, lane, 3, 3, 1),
        (GapReason.CORRUPT, lane, 5, 5, 1),
    ]
    assert [gap.readings for gap in found] == [records[1].readings] * 3
    assert journal.counters.gaps[GapReason.CORRUPT] == 3


@pytest.mark.parametrize("seed", range(16))
async def test_a_torn_log_costs_only_its_end(tmp_path: Path, filled: tuple[Path, list[Record]], seed: int) -> None:
    killed, records = filled
    shutil.copytree(killed, tmp_path, dirs_exist_ok=True)
    rng = random.Random(seed)
    lane = rng.choice(list(Lane))
    log = tmp_path / {Lane.CONTROL: "control.db-wal", Lane.TELEMETRY: "telemetry.db-wal"}[lane]
    content = bytearray(log.read_bytes())
    at = rng.randrange(len(content))
    if seed % 2:
        content[at] ^= 1 + rng.randrange(255)
    else:
        del content[at:]
    log.write_bytes(content)
    journal = await Journal.open(tmp_path, FILES)
    found = await everything(journal)
    assert [r for r in found if r.lane is not lane] == [r for r in records if r.lane is not lane]
    ours = [r for r in records if r.lane is lane]
    survived = [r for r in found if r.lane is lane]
    assert survived == ours[: len(survived)]
    assert len(survived) >= len([r for r in ours if r.offset < 1 << 32]), "the first opening was folded in"
    new = await journal.append([control(), telemetry()])
    assert new[0].offset > records[-1].offset
    assert await everything(journal) == [*found, *new]
    await journal.close()


@pytest.mark.parametrize("seed", range(24))
async def test_damage_in_a_file_is_never_returned_and_never_crashes(
    tmp_path: Path, filled: tuple[Path, list[Record]], seed: int
) -> None:
    killed, records = filled
    shutil.copytree(killed, tmp_path, dirs_exist_ok=True)
    rng = random.Random(seed)
    file = tmp_path / rng.choice(["control.db", "telemetry.db"])
    content = bytearray(file.read_bytes())
    if seed % 3 == 0:
        start = rng.randrange(len(content))
        content[start : start + 4096] = rng.randbytes(len(content[start : start + 4096]))
    elif seed % 3 == 1:
        for _ in range(rng.choice([1, 20])):
            content[rng.randrange(len(content))] ^= 1 + rng.randrange(255)
    else:
        del content[rng.randrange(len(content)) :]
    file.write_bytes(content)
    written = {record.offset: record for record in records}
    try:
        journal = await Journal.open(tmp_path, FILES, lambda: 1_000_000)
        try:
            found = await everything(journal)
            assert [record.offset for record in found] == sorted({record.offset for record in found})
            assert all(record == written[record.offset] for record in found)
            new = await journal.append([control(b"new"), telemetry(b"new")])
            lost = len(records) - len(found)
            assert bool(await gaps(journal)) or not lost or file.name == "control.db"
            assert (await everything(journal))[-len(new) :][0].offset >= found[-1].offset if found else True
        finally:
            await journal.close()
    except (JournalCorrupt, JournalFailed):
        pass  # said clearly; a person must look


async def test_a_damaged_page_costs_its_records_and_room_but_no_alarm(
    open_journal: OpenJournal, tmp_path: Path
) -> None:
    journal = await open_journal(limits=FILES, cursors=("archive",))
    records = await journal.append([telemetry(b"t" * 1_000) for _ in range(200)])
    await journal.close()
    file = tmp_path / "telemetry.db"
    content = bytearray(file.read_bytes())
    leaves = [at for at in range(0, len(content), 16384) if content[at] == 13]
    content[leaves[len(leaves) // 2]] = 255
    file.write_bytes(content)

    journal = await open_journal(limits=FILES)
    found = await everything(journal)
    await journal.append([])
    (gap,) = await gaps(journal)
    assert gap.reason is GapReason.CORRUPT
    assert 5 < gap.last_offset - gap.first_offset < 20, "a page holds about fifteen of them"
    missing = range(gap.first_offset, gap.last_offset + 1)
    assert [r for r in found if r.lane is Lane.TELEMETRY] == [r for r in records if r.offset not in missing]

    await journal.checkpoint(200, {})
    await journal.move_cursor("archive", 200)
    await until(lambda: journal.counters.undeletable[Lane.TELEMETRY] == 1)
    assert [record.body for record in await journal.append([control(b"alarm"), telemetry()])] == [b"alarm", b"t"]
    await journal.close()

    journal = await open_journal(limits=JournalLimits(telemetry_bytes=100_000))
    assert len(await journal.append([telemetry()])) == 1, "rather beyond the quota than no more"
    assert journal.counters.undeletable[Lane.TELEMETRY] == 1
