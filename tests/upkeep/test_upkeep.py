"""The upkeep as a whole: who does it, what it survives, what it clears away, and what it says."""

from __future__ import annotations

import asyncio
import contextlib
import re
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import psycopg
import pytest
from prometheus_client import CollectorRegistry
from psycopg.conninfo import make_conninfo

from storage.sql import migrate
from storage.upkeep import Level, Retention, Upkeep, UpkeepCounters, UpkeepMetrics, read_status
from storage.upkeep.rollup import roll_late
from storage.upkeep.sql import queries
from storage.upkeep.status import RelationKind
from tests.archive.conftest import becomes
from tests.upkeep.conftest import (
    DAY,
    FOR_EVER,
    HOUR,
    MINUTE,
    NOW,
    SETTINGS,
    Clock,
    Journal,
    Rounds,
    assert_exact,
    terminate,
    view,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.postgres import Database, Server

pytestmark = pytest.mark.real

FAST = replace(SETTINGS, every_s=0.02)
PARTITIONS = pytest.mark.partitions


@contextlib.asynccontextmanager
async def running(upkeep: Upkeep) -> AsyncIterator[asyncio.Task[None]]:
    """Run `upkeep` until the end of the block; it may not end before."""
    task = asyncio.create_task(upkeep.run())
    try:
        yield task
        assert not task.done()
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def past_partitions(database: Database, parent: str) -> list[str]:
    """Return the partitions of days before today."""
    return [
        name
        for (name,) in database.rows(
            "SELECT relname FROM pg_inherits JOIN pg_class ON oid = inhrelid WHERE inhparent = %s::regclass ORDER BY 1",
            f"vigil.{parent}",
        )
        if re.fullmatch(r"\d{8}", name[-8:]) and name[-8:] < f"{NOW:%Y%m%d}"
    ]


# ── who does it ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_one_service_at_a_time_keeps_up_a_database_and_another_takes_over(
    database: Database, clock: Clock
) -> None:
    first, second = (Upkeep(lambda: database.dsn, settings=FAST, clock_us=clock.us) for _ in range(2))
    async with running(second):
        async with running(first):
            await becomes(lambda: first.counters.has_lock or second.counters.has_lock)
            holder, other = (first, second) if first.counters.has_lock else (second, first)
            seen = holder.counters.rounds
            await becomes(lambda: holder.counters.rounds > seen + 3)
            assert not other.counters.has_lock
            assert other.counters.rounds == 0
        await becomes(lambda: second.counters.has_lock)
        await becomes(lambda: second.counters.rounds > 3)
    assert first.counters.failures == second.counters.failures == 0


async def test_it_waits_for_a_database_that_is_away_or_not_migrated(empty_database: Database, clock: Clock) -> None:
    upkeep = Upkeep(lambda: empty_database.dsn, settings=FAST, clock_us=clock.us)
    async with running(upkeep):
        await becomes(lambda: upkeep.counters.failures >= 3)
        await asyncio.to_thread(migrate, empty_database.dsn)
        await becomes(lambda: upkeep.counters.last_success_s == clock.us() / 1e6)


async def test_a_server_that_goes_and_comes_back_is_kept_up_again(
    server: Server, database: Database, clock: Clock
) -> None:
    upkeep = Upkeep(lambda: database.dsn, settings=FAST, clock_us=clock.us)
    async with running(upkeep):
        await becomes(lambda: upkeep.counters.last_success_s)
        await asyncio.to_thread(server.stop)
        await becomes(lambda: upkeep.counters.failures >= 2)
        assert not upkeep.counters.has_lock
        rounds = upkeep.counters.rounds
        await asyncio.to_thread(server.start)
        await becomes(lambda: upkeep.counters.rounds > rounds)
        assert upkeep.counters.has_lock


async def test_it_ends_soon_though_the_database_does_not_answer(
    database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.upkeep.upkeep.CUT_AFTER_S", 0.05)
    monkeypatch.setitem(queries, "set_retention", b"SELECT pg_sleep(60), %(class)s, %(keep)s::interval")
    upkeep = Upkeep(lambda: database.dsn, settings=FAST, clock_us=clock.us)
    task = asyncio.create_task(upkeep.run())
    asleep = (
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'vigil upkeep'"
        " AND datname = current_database() AND wait_event = 'PgSleep'"
    )
    await becomes(lambda: database.value(asleep))
    task.cancel()
    done, _ = await asyncio.wait({task}, timeout=20)
    assert done
    assert task.cancelled()
    await becomes(lambda: not database.value(asleep))


async def test_a_bug_of_ours_ends_it(database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.upkeep.upkeep.read_status", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        await asyncio.wait_for(Upkeep(lambda: database.dsn, settings=FAST, clock_us=clock.us).run(), 20)


@PARTITIONS
def test_a_duty_that_fails_keeps_none_from_being_done(database: Database, clock: Clock, journal: Journal) -> None:
    journal.store([(1, NOW - 100 * DAY, 1.0), (1, NOW - HOUR, 2.0)])
    with Rounds(database.dsn, clock, replace(SETTINGS, retention=Retention())) as rounds:
        database.execute("ALTER TABLE vigil.readings_1m_rows RENAME TO elsewhere")
        assert rounds.upkeep.round() == SETTINGS.every_s
        counters = rounds.upkeep.counters
        assert counters.failures >= 1
        assert counters.last_success_s == 0
        assert counters.relations
        assert database.value("SELECT keep FROM vigil.retention WHERE class = 'minutes'") == timedelta(days=30)
        database.execute("ALTER TABLE vigil.elsewhere RENAME TO readings_1m_rows")
        rounds.go()
        assert counters.last_success_s == clock.us() / 1e6
        assert counters.has_lock


@PARTITIONS
def test_a_lock_in_the_way_is_waited_for_not_long_and_comes_round_again(
    database: Database, clock: Clock, journal: Journal, reader: psycopg.Connection
) -> None:
    journal.store([(1, NOW - HOUR, 1.0)])
    with Rounds(database.dsn, clock) as rounds, psycopg.connect(database.dsn) as other:
        rounds.go()
        clock.now += HOUR
        journal.store()
        rounds.upkeep._session.connection.execute("SET lock_timeout = '50ms'")
        other.execute("LOCK TABLE vigil.journal_position")  # as a migration may
        assert rounds.upkeep.round() < 1.0
        assert rounds.upkeep.counters.retries >= 1
        other.rollback()
        rounds.go()
        assert rounds.upkeep.counters.failures == 0
        assert_exact(reader)


@PARTITIONS
def test_a_writer_may_do_all_of_it(
    database: Database, clock: Clock, journal: Journal, reader: psycopg.Connection
) -> None:
    journal.store([(1, NOW - i * DAY - HOUR, 1.0) for i in (0, 1, 2, 100)])
    as_writer = make_conninfo(database.dsn, options="-c role=vigil_writer")
    with Rounds(as_writer, clock, replace(SETTINGS, retention=Retention(), retention_s=0.0)) as rounds:
        rounds.go()
        journal.store([(1, NOW - DAY, 1.0)])
        rounds.go()
        assert rounds.upkeep.counters.failures == 0
        assert rounds.upkeep.counters.rolled_late == 1
        assert rounds.upkeep.counters.dropped > 0
    assert len(view(reader, Level.HOUR)) == 5


# ── what is cleared away ─────────────────────────────────────────────────────────────────────────────────────────────


def kept(days: int) -> timedelta:
    return timedelta(days=days)


@pytest.mark.parametrize(
    ("given", "faults"),
    [
        ({"readings": kept(6)}, "readings: wanted 7 days at least, or for ever"),
        ({"shadow": timedelta(hours=23)}, "shadow: wanted 1 days at least, or for ever"),
        ({"hours": kept(60)}, "hours: wanted as long as readings at least"),
        ({"readings": None}, "hours: wanted as long as readings at least"),
        ({"minutes": None}, "hours: wanted as long as minutes at least"),
        ({"days": kept(400)}, "days: wanted as long as hours at least"),
        (
            {"audit": timedelta(0), "minutes": kept(1)},
            "audit: wanted 1 days at least, or for ever; minutes: wanted 7 days at least, or for ever",
        ),
    ],
)
def test_retention_that_makes_no_sense_is_refused(given: dict[str, timedelta | None], faults: str) -> None:
    with pytest.raises(ValueError, match="wanted") as refused:
        Retention(**given)
    assert sorted(str(refused.value).split("; ")) == sorted(faults.split("; "))


@PARTITIONS
def test_what_is_expired_is_dropped_and_its_rollups_stay(
    database: Database, clock: Clock, journal: Journal, reader: psycopg.Connection
) -> None:
    retention = replace(FOR_EVER, readings=kept(20), minutes=kept(10), hours=kept(400))
    readings = [(1, NOW - i * DAY, float(i)) for i in (1, 9, 11, 19, 21, 500)]
    journal.store(readings)
    with Rounds(database.dsn, clock, replace(SETTINGS, retention=retention)) as rounds:
        rounds.go()
        counters = rounds.upkeep.counters
        hours = view(reader, Level.HOUR)
        assert past_partitions(database, "readings") == [f"readings_{NOW - i * DAY:%Y%m%d}" for i in (19, 11, 9, 1)]
        assert database.value("SELECT count(*) FROM vigil.readings_default") == 0
        assert {bucket for _, bucket in view(reader, Level.MINUTE)} == {NOW - i * DAY for i in (1, 9)}
        assert {bucket for _, bucket in hours} == {NOW - i * DAY for i in (1, 9, 11, 19, 21)}
        assert len(view(reader, Level.DAY)) == 6
        assert counters.dropped == 1 + 4 + 1
        # What comes for a time that is dropped already makes nothing smaller.
        journal.store([(1, NOW - 21 * DAY - MINUTE, 99.0), (2, NOW - 21 * DAY, 99.0)])
        rounds.go()
        assert view(reader, Level.HOUR) == hours
        assert counters.forgotten_late == 2


@PARTITIONS
def test_what_comes_late_without_end_is_not_rolled_up_without_end(
    database: Database, clock: Clock, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Rounds(database.dsn, clock) as rounds:
        journal.store([(1, NOW - HOUR, 0.0)])
        rounds.go()
        rolled = 0

        def and_another(connection: psycopg.Connection, limit: int) -> int:
            nonlocal rolled
            found = roll_late(connection, limit)
            rolled += found
            journal.store([(1, NOW - HOUR - rolled * MINUTE, 1.0)])
            return found

        monkeypatch.setattr("storage.upkeep.upkeep.roll_late", and_another)
        journal.store([(1, NOW - HOUR + MINUTE, 1.0)])
        assert rounds.upkeep.round() == SETTINGS.every_s
        assert rolled == 1
        assert rounds.upkeep.counters.late_hours == 1


@PARTITIONS
def test_a_late_hour_whose_minutes_are_dropped_is_made_of_all_its_readings(
    database: Database, clock: Clock, journal: Journal, reader: psycopg.Connection
) -> None:
    at = NOW - 15 * DAY
    journal.store([(1, at + i * MINUTE, 1.0) for i in range(0, 60, 10)])
    retention = replace(FOR_EVER, readings=kept(20), minutes=kept(10))
    with Rounds(database.dsn, clock, replace(SETTINGS, retention=retention, retention_s=0.0)) as rounds:
        rounds.go()
        assert view(reader, Level.MINUTE) == {}
        journal.store([(1, at + 5 * MINUTE, 9.0)])
        rounds.go()
        for level in (Level.HOUR, Level.DAY):
            ((_, bucket),) = view(reader, level).items()
            assert (bucket.readings, bucket.total, bucket.maximum) == (7, 15.0, 9.0)


@PARTITIONS
def test_rollups_outlive_readings_that_were_dropped_before_they_were_to_be_kept_longer(
    database: Database, clock: Clock, journal: Journal, reader: psycopg.Connection
) -> None:
    at = NOW - 15 * DAY
    journal.store([(1, at + i * MINUTE, 1.0) for i in range(3)])
    retention = replace(FOR_EVER, readings=kept(10), minutes=kept(10))
    with Rounds(database.dsn, clock, replace(SETTINGS, retention=retention)) as rounds:
        rounds.go()
    before = view(reader, Level.HOUR), view(reader, Level.DAY)
    with Rounds(database.dsn, clock) as rounds:
        rounds.go()
        journal.store([(1, at + 9 * MINUTE, 5.0)])
        rounds.go()
    assert (view(reader, Level.HOUR), view(reader, Level.DAY)) == before


@PARTITIONS
def test_nothing_is_dropped_before_it_is_rolled_up(database: Database, clock: Clock, journal: Journal) -> None:
    journal.store([(1, NOW - 30 * DAY, 1.0)])
    settings = replace(SETTINGS, retention=replace(FOR_EVER, readings=kept(10)), round_s=0.0, retention_s=0.0)
    with Rounds(database.dsn, clock, settings) as rounds:
        rounds.upkeep.round()
        assert len(past_partitions(database, "readings")) == 1
        rounds.upkeep._settings = replace(settings, round_s=20.0)
        rounds.go()
        assert past_partitions(database, "readings") == []


@PARTITIONS
def test_dropping_that_a_reader_keeps_from_its_lock_is_tried_again_at_the_next_round(
    database: Database, clock: Clock, journal: Journal
) -> None:
    journal.store([(1, NOW - 30 * DAY, 1.0)])
    settings = replace(SETTINGS, retention=replace(FOR_EVER, readings=kept(10)))
    with Rounds(database.dsn, clock, settings) as rounds, psycopg.connect(database.dsn) as reader:
        rounds.upkeep._session.open()
        rounds.upkeep._session.connection.execute("SET lock_timeout = '50ms'")
        reader.execute("SELECT count(*) FROM vigil.readings")  # an export of hours
        rounds.upkeep.round()
        assert rounds.upkeep.counters.retries == 1
        assert len(past_partitions(database, "readings")) == 1
        reader.rollback()
        rounds.go()
        assert past_partitions(database, "readings") == []


# ── what it says ─────────────────────────────────────────────────────────────────────────────────────────────────────


@PARTITIONS
def test_status_says_how_each_relation_is_stored_and_how_far_rollups_are(
    database: Database, clock: Clock, journal: Journal, reader: psycopg.Connection
) -> None:
    journal.store([(1, NOW - 3 * DAY, 1.0), (1, NOW - HOUR, 2.0)])
    database.execute("INSERT INTO vigil.latest VALUES (1, %s, 2.0, 0)", NOW - HOUR)
    with Rounds(database.dsn, clock, replace(SETTINGS, retention=Retention())) as rounds:
        rounds.go()
        journal.store([(1, NOW - DAY, 9.0)])
        database.execute("ANALYZE")
        status = read_status(reader, NOW)
    by_name = {one.name: one for one in status.relations}
    assert [one.name for one in status.relations][:4] == ["readings", "readings_1m", "readings_1h", "readings_1d"]
    assert status.storage_kind == "partitions"
    assert status.timescaledb is None
    assert "0006_storage.sql" in status.migrations
    readings, minutes, incidents = by_name["readings"], by_name["readings_1m"], by_name["incidents"]
    assert (readings.kind, readings.rows) == (RelationKind.PARTITIONS, 3)
    assert readings.bytes > 0
    assert readings.parts >= 3
    assert readings.oldest == (NOW - 3 * DAY).replace(hour=0)
    assert readings.newest == NOW - HOUR
    assert readings.keep == timedelta(days=90)
    assert minutes.newest == NOW - 2 * MINUTE
    assert (incidents.kind, incidents.keep, incidents.oldest) == (RelationKind.TABLE, None, None)
    assert {one.level: one.lag_s for one in status.rollups} == {"1m": 60.0, "1h": 0.0, "1d": 0.0}
    assert status.late_hours == 1
    assert [(one.journal_id, one.read_to) for one in status.journals] == [("journal-a", NOW)]
    assert status.roles.keys() == {"vigil_writer", "vigil_reader"}


@PARTITIONS
def test_metrics_show_the_last_round_without_asking_the_database(
    database: Database, clock: Clock, journal: Journal
) -> None:
    registry = CollectorRegistry()
    counters = UpkeepCounters()
    UpkeepMetrics(registry, counters)
    assert registry.get_sample_value("vigil_upkeep_rollup_lag_seconds", {"level": "1d"}) == 0.0
    journal.store([(1, NOW - 3 * DAY, 1.0)])
    upkeep = Upkeep(lambda: database.dsn, settings=SETTINGS, counters=counters, clock_us=clock.us)
    upkeep.round()
    clock.now += 2 * HOUR
    journal.store([(1, NOW - 2 * DAY, 1.0)])
    upkeep._settings = replace(SETTINGS, round_s=-1.0)
    upkeep.round()
    upkeep.close()
    wanted = {
        ("vigil_upkeep_rounds_total", None): 2,
        ("vigil_upkeep_failures_total", None): 0,
        ("vigil_upkeep_partitions_dropped_total", None): 0,
        ("vigil_upkeep_is_ours", None): 0,
        ("vigil_upkeep_late_hours", None): 0,
        ("vigil_upkeep_last_success_timestamp_seconds", None): clock.us() / 1e6,
        ("vigil_upkeep_rollup_lag_seconds", "1h"): 7200.0,
        ("vigil_storage_oldest_timestamp_seconds", "readings"): (NOW - 3 * DAY).replace(hour=0).timestamp(),
        ("vigil_storage_parts", "readings_1d"): 1,
    }
    for (name, label), value in wanted.items():
        labels = {} if label is None else {"level" if "lag" in name else "relation": label}
        assert registry.get_sample_value(name, labels) == value, name
    assert (registry.get_sample_value("vigil_storage_bytes", {"relation": "readings"}) or 0) > 0


def test_the_first_trouble_of_a_kind_is_told_and_not_the_next(
    database: Database, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    upkeep = Upkeep(lambda: database.dsn, settings=FAST, clock_us=clock.us)
    upkeep.round()
    for _ in range(3):
        terminate(database)
        upkeep.round()
    upkeep.close()
    assert capsys.readouterr().out.count("upkeep.failed") <= 3
