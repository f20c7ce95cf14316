"""What the archive survives: servers that stop, links that break, databases and journals put back, its own death."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import TYPE_CHECKING, LiteralString

import psycopg
import pytest

from devices import QuarantineReport, Reason, Registry
from storage.archive import ArchiveSettings, count_readings
from storage.journal import Journal, JournalLimits, RecordKind
from tests.archive.conftest import NOW_US, SETTINGS, Running, append, becomes, block, control, readings

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.postgres import Database, Server

pytestmark = pytest.mark.real

TERMINATE: LiteralString = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE application_name = 'vigil archive' AND datname = current_database()"
)
WAITING: LiteralString = (
    "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'vigil archive'"
    " AND datname = current_database() AND wait_event_type = 'Lock'"
)
ALL = sum(range(20_000))


def stored(database: Database) -> tuple[int, float]:
    ((count, total),) = database.rows("SELECT count(*), coalesce(sum(value), 0) FROM vigil.readings")
    return count, total


@pytest.mark.parametrize("how", ["stop", "kill"])
async def test_a_server_that_goes_and_comes_back_has_everything_once(
    how: str, server: Server, database: Database, journal: Journal, registry: Registry
) -> None:
    settings = ArchiveSettings(readings_at_once=500, pause_s=0.01, backoff_first_s=0.01, backoff_max_s=0.1)
    async with Running(database, journal, registry, settings) as running:
        counters = running.archive.counters
        await append(journal, *(block(readings(100, 100 * i)) for i in range(100)))
        await becomes(lambda: counters.rows >= 1000)
        await asyncio.to_thread(getattr(server, how))
        await append(journal, *(block(readings(100, 100 * i)) for i in range(100, 200)))
        await becomes(lambda: counters.failures >= 2)
        assert not counters.database_up
        assert 100 <= running.archive.lag_records <= 200
        await asyncio.to_thread(server.start)
        await running.catches_up()
        await becomes(lambda: counters.database_up)
        assert counters.connections >= 2
    assert stored(database) == (20_000, ALL)


async def test_a_transaction_that_dies_between_copy_and_commit_leaves_nothing_and_is_done_again(
    database: Database, journal: Journal, registry: Registry
) -> None:
    async with Running(database, journal, registry) as running:
        await append(journal, block(readings(10)))
        await running.catches_up()
        with psycopg.connect(database.dsn) as other:
            # A trigger on the last statement before the commit holds the transaction there, its rows copied.
            other.execute(
                "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS"
                " $$ BEGIN PERFORM pg_advisory_xact_lock(1); RETURN new; END $$"
            )
            other.execute(
                "CREATE TRIGGER wait BEFORE UPDATE ON vigil.journal_position FOR EACH ROW EXECUTE FUNCTION wait()"
            )
            other.commit()
            other.execute("SELECT pg_advisory_lock(1)")
            other.commit()
            await append(journal, block(readings(90, 10)))
            await becomes(lambda: database.value(WAITING))
            assert stored(database)[0] == 10
            database.execute(TERMINATE)
            await becomes(lambda: running.archive.counters.failures)
            assert stored(database)[0] == 10
        await running.catches_up()
        assert running.archive.counters.duplicates == 0
    assert stored(database) == (100, sum(range(100)))


async def test_a_commit_whose_answer_is_lost_is_not_done_twice(
    database: Database, journal: Journal, registry: Registry
) -> None:
    report = QuarantineReport({Reason.NOT_JSON: 5})
    async with Running(database, journal, registry) as running:
        await append(journal, block(readings(10)))
        await running.catches_up()
        database.execute(
            "CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN PERFORM pg_sleep(0.5); RETURN new; END $$"
        )
        database.execute(
            "CREATE CONSTRAINT TRIGGER dawdle AFTER UPDATE ON vigil.journal_position"
            " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION dawdle()"
        )
        await journal.append([control(RecordKind.QUARANTINE, report), block(readings(90, 10))])
        committing: LiteralString = (
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'vigil archive'"
            " AND datname = current_database() AND query = 'COMMIT' AND state = 'active'"
        )
        await becomes(lambda: database.value(committing))
        running.archive._writer.cut()
        await running.catches_up()
        assert running.archive.counters.failures >= 1
        assert running.archive.counters.duplicates == 0
    assert stored(database) == (100, sum(range(100)))
    assert database.rows("SELECT reason, count FROM vigil.quarantine_counts") == [("not_json", 5)]


async def test_the_lag_grows_from_the_start_while_the_database_was_never_reached(
    server: Server, database: Database, registry: Registry, tmp_path: Path
) -> None:
    before = await Journal.open(tmp_path / "waiting", JournalLimits(), clock_us=lambda: NOW_US - 3_000_000)
    await append(before, *(block(readings(10, 10 * i)) for i in range(5)))
    await before.close()
    journal = await Journal.open(tmp_path / "waiting", JournalLimits(), cursors=("archive",))
    server.stop()
    async with Running(database, journal, registry) as running:
        await becomes(lambda: running.archive.counters.failures)
        assert running.archive.lag_s(NOW_US + 5_000_000) == 5.0
        assert running.archive.lag_records == 5
        server.start()
        await running.catches_up()
        assert running.archive.lag_s(NOW_US + 5_000_000) == 0.0
    await journal.close()


async def test_what_another_service_stored_meanwhile_is_not_stored_again(
    database: Database, journal: Journal, registry: Registry
) -> None:
    async with Running(database, journal, registry) as running:
        await append(journal, block(readings(10)))
        await running.catches_up()
        database.execute("UPDATE vigil.journal_position SET position = position + 1")
        await append(journal, block(readings(10, 10)), block(readings(10, 20)))
        await running.catches_up()
        assert running.archive.counters.failures == 1
    assert stored(database) == (20, sum(range(10)) + sum(range(20, 30)))


async def test_a_new_database_gets_what_an_old_journal_still_holds_and_shows_the_gap(
    database: Database, server: Server, registry: Registry, tmp_path: Path
) -> None:
    journal = await Journal.open(tmp_path / "forgetful", JournalLimits(tail_bytes=0), cursors=("archive",))
    async with Running(database, journal, registry) as running:
        await append(journal, *(block(readings(10, 10 * i)) for i in range(10)))
        await running.catches_up()
        await becomes(lambda: journal.cursors()["archive"] == journal.head)
    await journal.checkpoint(5, {})  # from now on records 1 to 5 may be forgotten
    await append(journal, block(readings(10, 100)))
    async with Running(database, journal, registry) as running:
        await running.catches_up()
        await becomes(lambda: journal.cursors()["archive"] == journal.head)
    (first, *_) = await journal.read(0, 1)
    assert first.offset == 6
    other = server.create("vigil_template")
    for _ in range(2):
        async with Running(other, journal, registry) as running:
            await becomes(lambda: running.archive.counters.position == journal.head)
    assert stored(other) == (60, sum(range(50, 110)))
    assert other.value("SELECT count(*) FROM vigil.channels") == 20
    assert other.rows("SELECT reason, first_offset, last_offset FROM vigil.gaps") == [("database_went_back", 1, 5)]
    await journal.close()


async def test_an_old_database_takes_a_new_journal_from_its_beginning(
    database: Database, journal: Journal, registry: Registry, tmp_path: Path
) -> None:
    await append(journal, *(block(readings(10, 10 * i)) for i in range(10)))
    async with Running(database, journal, registry) as running:
        await running.catches_up()
    new = await Journal.open(tmp_path / "new", JournalLimits(), cursors=("archive",))
    try:
        await append(new, block(readings(20, 90)))
        async with Running(database, new, registry) as running:
            await running.catches_up()
            assert running.archive.counters.duplicates == 10
    finally:
        await new.close()
    assert stored(database) == (110, sum(range(110)))
    assert database.rows("SELECT reason FROM vigil.gaps") == []
    assert database.value("SELECT count(*) FROM vigil.journal_position") == 2


async def test_a_journal_that_was_put_back_is_read_from_its_cursor(
    database: Database, journal: Journal, registry: Registry
) -> None:
    await append(journal, *(block(readings(10, 10 * i)) for i in range(5)))
    database.execute("INSERT INTO vigil.journal_position VALUES (%s, 1000, now())", journal.id)
    async with Running(database, journal, registry) as running:
        await becomes(lambda: running.archive.counters.position == journal.head)
    assert stored(database) == (50, sum(range(50)))
    assert database.rows("SELECT reason, first_offset, last_offset FROM vigil.gaps") == [("journal_went_back", 1, 1000)]


async def test_a_cancelled_archive_ends_soon_and_leaves_whole_transactions(
    database: Database, journal: Journal, registry: Registry
) -> None:
    settings = ArchiveSettings(readings_at_once=1000, pause_s=0.01)
    await append(journal, *(block(readings(1000, 1000 * i)) for i in range(20)))
    for rows in (1000, 5000, 9000):
        async with Running(database, journal, registry, settings) as running:
            await becomes(lambda rows=rows: stored(database)[0] >= rows)  # type: ignore[misc]
        count, total = stored(database)
        assert count % 1000 == 0
        assert total == sum(range(count))
    async with Running(database, journal, registry, settings) as running:
        await running.catches_up()
    assert stored(database) == (20_000, ALL)


async def test_a_cancelled_archive_does_not_wait_for_a_database_that_hangs(
    database: Database, journal: Journal, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.archive.archive.CUT_AFTER_S", 0.2)
    async with Running(database, journal, registry) as running:
        await append(journal, block(readings(10)))
        await running.catches_up()
        with psycopg.connect(database.dsn) as other:
            other.execute("LOCK TABLE vigil.readings IN ACCESS EXCLUSIVE MODE")
            await append(journal, block(readings(10, 10)))
            await becomes(lambda: database.value(WAITING))
            started = time.monotonic()
            await running.__aexit__()
            assert time.monotonic() - started < 5
    assert stored(database) == (10, 45)


ARCHIVER = """
import asyncio, sys
from pathlib import Path
from devices import Registry
from storage.archive import Archive, ArchiveSettings
from storage.journal import Journal, JournalLimits
from tests.archive.conftest import NOW_US, PROFILES
import msgspec

async def main(directory, dsn, snapshot):
    registry = Registry(PROFILES)
    registry.restore(Path(snapshot).read_bytes())
    journal = await Journal.open(Path(directory), JournalLimits(), cursors=("archive",))
    settings = ArchiveSettings(readings_at_once=100, pause_s=0.01)
    await Archive(lambda: dsn, journal, registry, settings=settings, clock_us=lambda: NOW_US).run()

asyncio.run(main(*sys.argv[1:]))
"""


async def test_a_killed_archive_goes_on_where_its_last_commit_was(
    database: Database, registry: Registry, tmp_path: Path
) -> None:
    directory = tmp_path / "journal"
    journal = await Journal.open(directory, JournalLimits(), cursors=("archive",))
    report = QuarantineReport({Reason.NOT_JSON: 1})
    for i in range(200):
        await journal.append([block(readings(100, 100 * i)), control(RecordKind.QUARANTINE, report)])
    await journal.close()
    snapshot = tmp_path / "registry"
    snapshot.write_bytes(registry.snapshot())
    for i in range(3):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", ARCHIVER, directory, database.dsn, snapshot
        )
        try:
            await becomes(lambda i=i: stored(database)[0] > 5000 * i)  # type: ignore[misc]
        finally:
            process.kill()
            await process.wait()
    journal = await Journal.open(directory, JournalLimits(), cursors=("archive",))
    async with Running(database, journal, registry, SETTINGS) as running:
        await running.catches_up()
        assert running.archive.counters.duplicates == 0
        assert running.archive.counters.staged == 0
    await journal.close()
    assert stored(database) == (20_000, ALL)
    assert count_readings(database.dsn) == 20_000
    assert database.value("SELECT count FROM vigil.quarantine_counts") == 200
