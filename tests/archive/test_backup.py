"""Backup and restore by the very commands of docs/storage.md, on both kinds of server.

Of plain PostgreSQL a live database, while an archive stores. The TimescaleDB of the tests has one session, so there the
archive stands still for the copy, and `createdb` and the extension's background workers were never tried.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, LiteralString

import psycopg
import pytest
from psycopg import sql

from storage.embedded import EmbeddedPostgres
from storage.journal import Journal, JournalLimits
from storage.sql import migrate
from tests.archive.conftest import NOW_US, Running, append, batch, becomes, block, readings
from tests.support.earlier import LEVELS, NAMES, all_rows, faults_of_rollups, in_order, live_up_to

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devices import Registry
    from tests.support.postgres import Database
    from tests.support.timescale import TimescaleDatabase, TimescaleServer

    AnyDatabase = Database | TimescaleDatabase

pytestmark = [pytest.mark.real, pytest.mark.partitions]

PAGE = Path(__file__).parents[2] / "docs" / "storage.md"
RIGHTS: LiteralString = """
    SELECT relnamespace::regnamespace::text, relname, relacl::text FROM pg_class
    WHERE relnamespace IN ('vigil'::regnamespace, 'board'::regnamespace) AND relkind IN ('r', 'p', 'v')
    AND NOT relispartition
    UNION ALL SELECT 'function', proname, proacl::text FROM pg_proc
    WHERE pronamespace IN ('vigil'::regnamespace, 'board'::regnamespace)
    UNION ALL SELECT 'schema', nspname, nspacl::text FROM pg_namespace WHERE nspname IN ('vigil', 'board')
    ORDER BY 1, 2, 3
"""
JOBS: LiteralString = """
    SELECT proc_name, hypertable_name, schedule_interval, config - 'mat_hypertable_id' - 'hypertable_id'
    FROM timescaledb_information.jobs WHERE hypertable_name IS NOT NULL ORDER BY 1, 2
"""
CHUNKS: LiteralString = """
    SELECT hypertable_name, range_start, is_compressed FROM timescaledb_information.chunks ORDER BY 1, 2
"""
ARCHIVED = frozenset({"readings", "devices", "channels", "journal_position", "latest", "late_readings"})
"""Tables that an archive writes while the copy is made."""
STORED: LiteralString = "SELECT count(*), sum(value) FROM vigil.readings WHERE flags = 0 AND channel_id > %s"


def commands(heading: str) -> list[str]:
    """Return the lines of the shell commands under `heading` of the page."""
    _, _, section = PAGE.read_text("utf-8").partition(f"\n## {heading}\n")
    section, _, _ = section.partition("\n## ")
    _, _, text = section.partition("```sh\n")
    text, _, _ = text.partition("```")
    assert text, heading
    return text.splitlines()


class Shell:
    """Runs commands of the page, in a directory of its own, with PostgreSQL's programs at hand."""

    def __init__(self, directory: Path, programs: Path) -> None:
        self._directory = directory
        self._programs = programs

    def run(self, *lines: str, **variables: str) -> str:
        """Run them one after the other; return what they said. Fails where one of them does."""
        path = f"{self._programs}{os.pathsep}{os.environ['PATH']}"
        said = []
        for line in lines:
            done = subprocess.run(
                ["bash", "-c", line],
                cwd=self._directory,
                env={"PATH": path, **variables},
                check=False,
                capture_output=True,
                text=True,
                timeout=120,
            )
            assert done.returncode == 0, f"{line}\n{done.stderr}"
            said.append(done.stdout + done.stderr)
        return "".join(said)


@pytest.fixture
def shell(tmp_path: Path, programs: Path) -> Shell:
    directory = tmp_path / "backup"
    directory.mkdir()
    return Shell(directory, programs)


@pytest.fixture
def new_server(open_directory: Path) -> Iterator[EmbeddedPostgres]:
    """Return another server, on which nothing was ever restored and no role of ours is."""
    with EmbeddedPostgres(open_directory / "restored" / "postgresql") as server:
        with psycopg.connect(server.dsn("postgres"), autocommit=True) as connection:
            connection.execute("DROP DATABASE vigil")
        yield server


class Restored:
    """A database by its DSN."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn

    def rows(self, query: LiteralString, *parameters: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.dsn) as connection:
            return connection.execute(query, parameters).fetchall()


def with_history(database: AnyDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fill every table of `database`, as all versions did."""
    live_up_to(NAMES[-2], database, monkeypatch)
    migrate(database.dsn)


def holds_the_same(restored: Restored | TimescaleDatabase, before: dict[str, list[dict[str, Any]]]) -> None:
    after = all_rows(restored)
    assert after.keys() == before.keys()
    for table, rows in before.items():
        assert in_order(after[table]) == in_order(rows), table
    assert faults_of_rollups(restored) == {level: [] for level in LEVELS}


def may_be_read_as_before(restored: Restored | TimescaleDatabase, rights: list[tuple[Any, ...]]) -> None:
    assert restored.rows(RIGHTS) == rights
    with psycopg.connect(restored.dsn) as connection:
        connection.execute("SET ROLE vigil_reader")
        assert len(connection.execute("SELECT * FROM board.devices").fetchall()) >= 3
        connection.execute(
            "SELECT * FROM board.series('1h', NULL, NULL, '{gas_lel}', now() - INTERVAL '9 days', now())"
        )
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT * FROM vigil.readings")


def test_the_page_has_all_commands() -> None:
    assert [line.split()[0] for line in commands("Backing up")] == ["pg_dumpall", "pg_dump"]
    assert [line.split()[0] for line in commands("Restoring on plain PostgreSQL")] == [
        "psql",
        "createdb",
        "pg_restore",
        "psql",
    ]
    assert commands("Restoring on TimescaleDB")[:2] == commands("Restoring on plain PostgreSQL")[:2]


# ── plain PostgreSQL ─────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_live_database_is_copied_while_the_archive_stores_and_goes_on_elsewhere(
    empty_database: Database,
    new_server: EmbeddedPostgres,
    shell: Shell,
    journal: Journal,
    registry: Registry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    live = empty_database
    with_history(live, monkeypatch)
    (first_channel,) = live.rows("SELECT max(channel_id) FROM vigil.channels")[0]
    quiet = {table: rows for table, rows in all_rows(live).items() if table not in ARCHIVED}
    async with Running(live, journal, registry) as running:
        counters = running.archive.counters
        copying = asyncio.create_task(asyncio.to_thread(shell.run, *commands("Backing up"), SOURCE=live.dsn))
        number = 0
        while not copying.done():
            await append(journal, block(readings(100, number)))
            number += 100
            await becomes(lambda: counters.rows > number - 1000)  # noqa: B023 - it is asked at once
        await copying
        during = counters.rows
        await append(journal, block(readings(100, number)))
        number += 100
        await running.catches_up()
    assert 100 < during < number

    target = Restored(new_server.dsn("vigil"))
    shell.run(*commands("Restoring on plain PostgreSQL"), SERVER=new_server.dsn("postgres"), TARGET=target.dsn)
    after = all_rows(target)
    for table, rows in quiet.items():
        assert in_order(after[table]) == in_order(rows), table
    assert faults_of_rollups(target) == {level: [] for level in LEVELS}
    # It is of one moment: the readings are those of the records up to the position, each record having a hundred.
    ((position,),) = target.rows("SELECT position FROM vigil.journal_position WHERE journal_id = %s", journal.id)
    records = [record for record in await journal.read(0, 1 << 30) if record.offset <= position]
    copied = 100 * sum(1 for record in records if record.readings)
    assert target.rows(STORED, first_channel) == [(copied, sum(range(copied)) if copied else None)]
    assert copied < number
    may_be_read_as_before(target, live.rows(RIGHTS))

    assert migrate(target.dsn) == []
    async with Running(target, journal, registry) as running:
        await running.catches_up()
        assert running.archive.counters.duplicates == 0
    assert target.rows(STORED, first_channel) == live.rows(STORED, first_channel) == [(number, sum(range(number)))]
    assert target.rows("SELECT count(*) FROM vigil.gaps WHERE journal_id = %s", journal.id) == [(0,)]


async def test_what_the_journal_has_forgotten_since_the_copy_is_a_gap(
    database: Database, new_server: EmbeddedPostgres, shell: Shell, registry: Registry, tmp_path: Path
) -> None:
    journal = await Journal.open(tmp_path / "forgetful", JournalLimits(tail_bytes=0), cursors=("archive",))
    async with Running(database, journal, registry) as running:
        await append(journal, *(block(readings(10, 10 * i)) for i in range(5)))
        await running.catches_up()
        shell.run(*commands("Backing up"), SOURCE=database.dsn)
        await append(journal, *(block(readings(10, 10 * i)) for i in range(5, 10)))
        await running.catches_up()
        await becomes(lambda: journal.cursors()["archive"] == journal.head)
    await journal.checkpoint(8, {})  # from now on records 1 to 8 may be forgotten
    await append(journal, block(readings(10, 100)))
    async with Running(database, journal, registry) as running:
        await running.catches_up()
        await becomes(lambda: journal.cursors()["archive"] == journal.head)
    target = Restored(new_server.dsn("vigil"))
    shell.run(*commands("Restoring on plain PostgreSQL"), SERVER=new_server.dsn("postgres"), TARGET=target.dsn)
    async with Running(target, journal, registry) as running:
        await becomes(lambda: running.archive.counters.position == journal.head)
    assert target.rows("SELECT reason, first_offset, last_offset FROM vigil.gaps") == [("database_went_back", 6, 8)]
    assert target.rows("SELECT count(*), sum(value) FROM vigil.readings") == [
        (80, sum(range(50)) + sum(range(80, 110)))
    ]
    await journal.close()


async def test_no_reading_of_tomorrow_waits_for_a_copy_that_is_under_way(
    database: Database, journal: Journal, registry: Registry
) -> None:
    async with Running(database, journal, registry) as running:
        await append(journal, block(readings(1)))
        await running.catches_up()
    with psycopg.connect(database.dsn) as copy:  # what pg_dump does first, and keeps to its end
        tables = copy.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'vigil'::regnamespace AND relkind IN ('r', 'p')"
        ).fetchall()
        names = sql.SQL(", ").join(sql.Identifier("vigil", name) for (name,) in tables)
        copy.execute(sql.SQL("LOCK TABLE {} IN ACCESS SHARE MODE").format(names))
        async with Running(database, journal, registry) as running:
            days = [NOW_US + 86_400_000_000 * day for day in range(3)]
            await append(journal, block(batch([2, 2, 2], days, [1.0, 2.0, 3.0])))
            await running.catches_up(deadline_s=5)
            assert running.archive.counters.failures == 0
    assert database.value("SELECT count(*) FROM vigil.readings_default") == 0


async def test_nothing_waits_for_a_copy_that_lasts_over_midnight(
    database: Database, journal: Journal, registry: Registry
) -> None:
    late_us = NOW_US + 12 * 3_600_000_000
    async with Running(database, journal, registry) as running:
        await append(journal, block(readings(1)))
        await running.catches_up()
        with psycopg.connect(database.dsn) as copy:
            copy.execute("LOCK TABLE vigil.readings_default IN ACCESS SHARE MODE")
            running.archive._clock_us = lambda: NOW_US + 86_400_000_000
            await append(journal, block(batch([2], [late_us], [1.0])))
            await running.catches_up(deadline_s=5)
            assert (running.archive.counters.retries, running.archive.counters.failures) == (0, 0)
        made: LiteralString = "SELECT to_regclass('vigil.readings_20261125') IS NOT NULL"
        assert not database.value(made)
        running.archive._writer._early_at = float("-inf")  # a minute later
        await append(journal, block(batch([2], [late_us + 1], [1.0])))
        await running.catches_up()
        assert database.value(made)


# ── TimescaleDB ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_timescaledb_comes_back_with_chunks_rollups_policies_and_roles(
    empty_timescale_database: TimescaleDatabase,
    timescale_server: TimescaleServer,
    shell: Shell,
    journal: Journal,
    registry: Registry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    live = empty_timescale_database
    with_history(live, monkeypatch)
    async with Running(live, journal, registry) as running:
        await append(journal, block(readings(1000)))
        await running.catches_up()
    with psycopg.connect(live.dsn, autocommit=True) as connection:
        connection.execute("SELECT vigil.apply_policies()")
        for level in LEVELS:
            connection.execute(f"CALL refresh_continuous_aggregate('vigil.readings_{level}', NULL, NULL)")
        for (job,) in connection.execute(
            "SELECT job_id FROM timescaledb_information.jobs WHERE proc_name = 'policy_compression'"
        ).fetchall():
            connection.execute("CALL run_job(%s)", [job])
    before, chunks, jobs, rights = all_rows(live), live.rows(CHUNKS), live.rows(JOBS), live.rows(RIGHTS)
    assert {is_compressed for *_, is_compressed in chunks} == {True, False}
    shell.run(*commands("Backing up"), SOURCE=live.dsn)

    target = timescale_server.open()
    steps = [line for line in commands("Restoring on TimescaleDB") if not line.startswith("createdb")]
    shell.run(*steps, SERVER=target.dsn, TARGET=target.dsn)
    holds_the_same(target, before)
    assert target.rows(CHUNKS) == chunks
    assert target.rows(JOBS) == jobs
    may_be_read_as_before(target, rights)

    assert migrate(target.dsn) == []
    async with Running(target, journal, registry) as running:
        await append(journal, block(readings(1000, 500)))
        await running.catches_up()
        assert running.archive.counters.duplicates == 500
    with psycopg.connect(target.dsn, autocommit=True) as connection:
        for (job,) in connection.execute(
            "SELECT job_id FROM timescaledb_information.jobs WHERE hypertable_name IS NOT NULL"
        ).fetchall():
            connection.execute("CALL run_job(%s)", [job])
    assert target.rows("SELECT count(*) FROM vigil.readings WHERE time < now() - INTERVAL '2 years'") == [(0,)]
    assert target.rows("SELECT count(*) FROM vigil.readings") == [(len(before["readings"]) - 1 + 500,)]
    timescale_server.close(target)
