"""The schema on TimescaleDB: chunks, columnstore, rollups, policies, late data. Policies run where a test runs them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, LiteralString

import psycopg
import pytest

from bench.compression import measure_density
from storage.archive import count_readings
from storage.sql import migrate, migrations, queries
from tests.archive.conftest import NOW_US, Running, append, batch, block, readings

if TYPE_CHECKING:
    from devices import Registry
    from storage.journal import Journal
    from tests.support.timescale import TimescaleDatabase

pytestmark = pytest.mark.real

LEVELS: tuple[LiteralString, ...] = ("1m", "1h", "1d")
# Six channels, every ten minutes, up to this minute and `days` back; a value is a whole number of quarters.
FILL: LiteralString = """
    INSERT INTO vigil.readings
    SELECT channel, time, (extract(epoch FROM time)::bigint / 60 + channel) %% 41 / 4.0, 0
    FROM generate_series(1, 6) AS channel,
        generate_series(date_trunc('hour', now()) - %s * INTERVAL '1 day', now(), INTERVAL '10 minutes') AS time
"""
CHUNKS: LiteralString = """
    SELECT count(*) FILTER (WHERE is_compressed), count(*) FILTER (WHERE NOT is_compressed)
    FROM timescaledb_information.chunks WHERE hypertable_name = 'readings'
"""


def run_jobs(database: TimescaleDatabase, policy: LiteralString) -> None:
    """Do what the background workers would: run every job of `policy`."""
    with psycopg.connect(database.dsn, autocommit=True) as connection:
        jobs = connection.execute(
            "SELECT job_id FROM timescaledb_information.jobs WHERE proc_name = %s ORDER BY job_id", [policy]
        ).fetchall()
        assert jobs, policy
        for (job,) in jobs:
            connection.execute("CALL run_job(%s)", [job])


def refresh(database: TimescaleDatabase, *, since: str | None = None, until: str | None = None) -> None:
    with psycopg.connect(database.dsn, autocommit=True) as connection:
        for level in LEVELS:
            connection.execute(
                f"CALL refresh_continuous_aggregate('vigil.readings_{level}', %s::timestamptz, %s::timestamptz)",
                [since, until],
            )


def rollups(database: TimescaleDatabase) -> list[list[tuple[Any, ...]]]:
    """Return every level, up to this moment."""
    return [database.rows(f"SELECT * FROM vigil.readings_{level} ORDER BY channel_id, bucket") for level in LEVELS]


# ── hypertables ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_readings_are_a_hypertable_of_daily_chunks(empty_timescale_database: TimescaleDatabase) -> None:
    database = empty_timescale_database
    assert migrate(database.dsn) == list(migrations())
    assert migrate(database.dsn) == []
    assert database.value("SELECT vigil.storage_kind()") == "timescaledb"
    assert database.rows("SELECT relkind = 'p' FROM pg_class WHERE oid = 'vigil.readings'::regclass") == [(False,)]
    assert database.rows(
        "SELECT column_name, time_interval FROM timescaledb_information.dimensions WHERE hypertable_name = 'readings'"
    ) == [("time", timedelta(days=1))]


def test_a_query_of_a_day_looks_at_the_chunks_of_that_day_alone(timescale_database: TimescaleDatabase) -> None:
    timescale_database.execute(FILL, 9)
    for query in (
        "SELECT * FROM vigil.readings WHERE channel_id = 1 AND time BETWEEN %s AND %s",
        "SELECT * FROM vigil.readings_1m WHERE channel_id = 1 AND bucket BETWEEN %s AND %s",
    ):
        today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        plan = "\n".join(
            line
            for (line,) in timescale_database.rows(
                f"EXPLAIN {query}", today - timedelta(days=4), today - timedelta(days=3, minutes=10)
            )
        )
        chunks = {word for word in plan.split() if word.startswith("_hyper_1_")}
        assert len({name.split("_chunk")[0] for name in chunks}) == 1, plan


async def test_the_archive_stores_each_reading_once(
    timescale_database: TimescaleDatabase, journal: Journal, registry: Registry
) -> None:
    async with Running(timescale_database, journal, registry) as running:
        await append(journal, *(block(readings(1000, 1000 * i)) for i in range(5)))
        await running.catches_up()
        assert running.archive.counters.staged == 0
        again = batch([0, 0, 2], [NOW_US, NOW_US + 20_000, NOW_US + 7], [99.0, 98.0, 97.0])
        await append(journal, block(again), block(readings(10, 5000)), block(again))
        await running.catches_up()
        counters = running.archive.counters
        assert (counters.rows, counters.duplicates, counters.failures, counters.retries) == (5011, 5, 0, 0)
    assert count_readings(timescale_database.dsn) == 5011
    assert timescale_database.value("SELECT sum(value) FROM vigil.readings") == sum(range(5010)) + 97.0


def test_a_device_is_shown_once_registered(timescale_database: TimescaleDatabase) -> None:
    timescale_database.execute(FILL, 1)
    timescale_database.execute(
        "INSERT INTO vigil.devices (site, name, kind, profile, grid, building, floor, unit, gateway, lifecycle)"
        " VALUES ('a', 'b', 'gas', 'gas', '', '', '', '', '', 'unregistered')"
    )
    timescale_database.execute("INSERT INTO vigil.channels (device_id, metric, unit) VALUES (1, 'gas_lel', '%LEL')")
    of_one = timescale_database.value("SELECT count(*) FROM vigil.readings WHERE channel_id = 1")
    assert timescale_database.value("SELECT count(*) FROM vigil.measurements") == 0
    assert timescale_database.value("SELECT count(*) FROM vigil.quarantined_measurements") == of_one
    timescale_database.execute("UPDATE vigil.devices SET lifecycle = 'registered'")
    assert timescale_database.value("SELECT count(*) FROM vigil.measurements") == of_one


# ── the columnstore ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_chunks_are_compressed_when_late_readings_have_come(timescale_database: TimescaleDatabase) -> None:
    timescale_database.execute(FILL, 9)
    before = timescale_database.rows("SELECT * FROM vigil.readings ORDER BY channel_id, time")
    run_jobs(timescale_database, "policy_compression")
    newest: LiteralString = (
        "SELECT now() - max(range_end) FROM timescaledb_information.chunks"
        " WHERE hypertable_name = 'readings' AND is_compressed"
    )
    assert timedelta(days=3) <= timescale_database.value(newest) < timedelta(days=4)
    assert timescale_database.rows(CHUNKS) == [(6, 4)]
    assert timescale_database.rows("SELECT * FROM vigil.readings ORDER BY channel_id, time") == before


def test_late_readings_find_their_place_in_a_compressed_chunk(timescale_database: TimescaleDatabase) -> None:
    timescale_database.execute(FILL, 9)
    refresh(timescale_database)
    run_jobs(timescale_database, "policy_compression")
    before = count_readings(timescale_database.dsn)
    with psycopg.connect(timescale_database.dsn, autocommit=True) as connection:
        connection.execute(queries["stage_readings"])
        stored = []
        for _ in range(2):
            with connection.transaction():
                # Of every channel a reading that is there, and one a second later that is not.
                connection.execute(
                    "INSERT INTO staged_readings"
                    " SELECT channel, date_trunc('hour', now()) - INTERVAL '6 days' + s, 50, 8"
                    " FROM generate_series(1, 6) AS channel, unnest('{0 s,1 s}'::interval[]) AS s"
                )
                stored.append(connection.execute(queries["insert_staged_readings"]).rowcount)
        assert stored == [6, 0]
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute(
                "INSERT INTO vigil.readings VALUES (1, date_trunc('hour', now()) - INTERVAL '6 days', 9, 0)"
            )
    assert count_readings(timescale_database.dsn) == before + 6
    assert timescale_database.value("SELECT count(*) FROM vigil.readings WHERE value = 50") == 6
    run_jobs(timescale_database, "policy_compression")
    assert count_readings(timescale_database.dsn) == before + 6
    assert (
        timescale_database.value("SELECT count(*) FROM (SELECT DISTINCT channel_id, time FROM vigil.readings) AS d")
        == before + 6
    )


async def test_the_archive_stores_late_readings_into_compressed_chunks(
    timescale_database: TimescaleDatabase, journal: Journal, registry: Registry
) -> None:
    async with Running(timescale_database, journal, registry) as running:
        await append(journal, block(readings(1000)))
        await running.catches_up()
    timescale_database.execute("SELECT compress_chunk(show_chunks('vigil.readings'))")
    async with Running(timescale_database, journal, registry) as running:
        await append(journal, block(readings(1000, 500)))  # half of them are there
        await running.catches_up()
        counters = running.archive.counters
        assert (counters.rows, counters.duplicates, counters.failures) == (500, 500, 0)
    assert timescale_database.value("SELECT sum(value) FROM vigil.readings") == sum(range(1500))


def test_a_reading_of_a_simulated_fleet_takes_a_tenth_in_the_columnstore(
    timescale_database: TimescaleDatabase, record_property: Any
) -> None:
    density = measure_density(timescale_database.dsn, devices=100)
    record_property("bytes_a_reading_raw", density.raw)
    record_property("bytes_a_reading_compressed", density.compressed)
    assert density.readings > 50_000
    assert 60 < density.raw < 150
    assert density.compressed < density.raw / 8


# ── rollups ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_rollups_are_the_same_before_and_after_they_are_stored(timescale_database: TimescaleDatabase) -> None:
    timescale_database.execute(FILL, 9)
    timescale_database.execute("UPDATE vigil.readings SET value = NULL WHERE channel_id = 6")
    before = rollups(timescale_database)
    assert [len(level) for level in before] == [
        timescale_database.value(
            "SELECT count(DISTINCT (channel_id, date_bin(%s, time, 'epoch'))) FROM vigil.readings"
            " WHERE value IS NOT NULL",
            width,
        )
        for width in (timedelta(minutes=1), timedelta(hours=1), timedelta(days=1))
    ]
    refresh(timescale_database)
    assert rollups(timescale_database) == before
    run_jobs(timescale_database, "policy_refresh_continuous_aggregate")
    assert rollups(timescale_database) == before
    run_jobs(timescale_database, "policy_compression")
    assert rollups(timescale_database) == before


def test_rollups_know_readings_that_have_just_come(timescale_database: TimescaleDatabase) -> None:
    timescale_database.execute(FILL, 2)
    refresh(timescale_database, until="now")
    timescale_database.execute(
        "INSERT INTO vigil.readings VALUES (7, now(), 1.25, 0), (7, now() + INTERVAL '1 us', 3.75, 0)"
    )
    for level in LEVELS:
        assert timescale_database.rows(
            f"SELECT min, max, mean, last, count, sum FROM vigil.readings_{level} WHERE channel_id = 7"
        ) == [(1.25, 3.75, 2.5, 3.75, 2, 5.0)]


def test_the_refresh_policies_take_up_what_came_within_three_days(timescale_database: TimescaleDatabase) -> None:
    timescale_database.execute(FILL, 9)
    refresh(timescale_database)
    late: LiteralString = (
        "INSERT INTO vigil.readings SELECT 1, date_trunc('hour', now()) - %s::interval + INTERVAL '7 s', 1000, 8"
    )
    top: LiteralString = "SELECT count(*) FROM vigil.readings_{} WHERE max = 1000"
    timescale_database.execute(late, timedelta(days=2))
    timescale_database.execute(late, timedelta(days=6))
    run_jobs(timescale_database, "policy_refresh_continuous_aggregate")
    assert timescale_database.value(top.format("1m")) == 1
    assert timescale_database.value(top.format("1h")) == 1
    refresh(timescale_database)
    assert [timescale_database.value(top.format(level)) for level in LEVELS] == [2, 2, 2]


def test_history_from_before_the_rollups_is_owed_by_the_hour(
    empty_timescale_database: TimescaleDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = empty_timescale_database
    with monkeypatch.context() as earlier:
        known = dict(list(migrations().items())[:5])
        earlier.setattr("storage.sql.migration.migrations", lambda: known)
        migrate(database.dsn)
    database.execute(FILL, 9)
    migrate(database.dsn)
    ((channels, first, last, hours),) = database.rows(
        "SELECT array_agg(DISTINCT channel_id), min(hour), max(hour), count(*) FROM vigil.late_readings"
    )
    assert channels == [0]
    assert first <= database.value("SELECT min(time) FROM vigil.readings")
    assert timedelta(hours=60) <= datetime.now(UTC) - last < timedelta(hours=61, minutes=5)
    assert hours == (last - first) // timedelta(hours=1) + 1


# ── what is kept ─────────────────────────────────────────────────────────────────────────────────────────────────────

KEPT: LiteralString = """
    SELECT hypertable_name, (config ->> 'drop_after')::interval FROM timescaledb_information.jobs
    WHERE proc_name = 'policy_retention' ORDER BY job_id
"""


def test_policies_are_what_the_table_says_and_asked_again_change_nothing(
    timescale_database: TimescaleDatabase,
) -> None:
    applied = timescale_database.rows("SELECT vigil.apply_policies()")
    assert len(applied) == 3, "days are kept for ever"
    assert [keep for _, keep in timescale_database.rows(KEPT)] == timescale_database.rows(
        "SELECT array_agg(keep ORDER BY array_position('{readings,minutes,hours}', class)) FROM vigil.retention"
        " WHERE class IN ('readings', 'minutes', 'hours')"
    )[0][0]
    assert timescale_database.rows("SELECT vigil.apply_policies()") == []
    timescale_database.execute("UPDATE vigil.retention SET keep = '10 days' WHERE class = 'readings'")
    timescale_database.execute("UPDATE vigil.retention SET keep = NULL WHERE class = 'hours'")
    assert timescale_database.rows("SELECT vigil.apply_policies()") == [
        ("readings kept for 10 days",),
        ("readings_1h kept for ever",),
    ]
    assert timescale_database.rows("SELECT vigil.apply_policies()") == []
    assert sorted(keep for _, keep in timescale_database.rows(KEPT)) == [timedelta(days=10), timedelta(days=30)]


def test_old_chunks_are_dropped_and_their_rollups_stay(timescale_database: TimescaleDatabase) -> None:
    timescale_database.execute(FILL, 14)
    refresh(timescale_database)
    run_jobs(timescale_database, "policy_compression")
    before = rollups(timescale_database)
    timescale_database.execute("UPDATE vigil.retention SET keep = '7 days' WHERE class = 'readings'")
    timescale_database.rows("SELECT vigil.apply_policies()")
    run_jobs(timescale_database, "policy_retention")
    oldest = timescale_database.value("SELECT now() - min(time) FROM vigil.readings")
    assert timedelta(days=7) <= oldest <= timedelta(days=8)
    run_jobs(timescale_database, "policy_refresh_continuous_aggregate")
    assert rollups(timescale_database) == before


def test_what_is_expired_of_the_rest_is_deleted(timescale_database: TimescaleDatabase) -> None:
    shadow: LiteralString = (
        "INSERT INTO vigil.rule_shadow SELECT %s, 's/d', 'r', 'r', 'r', 'rate', 'warning', 'property', true, false,"
        " false, at, at, at, 'm', '', 1, 1, '', '' FROM (SELECT now() - %s::interval) AS t (at)"
    )
    timescale_database.execute(shadow, "old", timedelta(days=91))
    timescale_database.execute(shadow, "new", timedelta(days=89))
    timescale_database.execute(FILL, 9)
    before = count_readings(timescale_database.dsn)
    assert timescale_database.rows("SELECT vigil.drop_expired(now())") == []
    assert timescale_database.rows("SELECT shadow_id FROM vigil.rule_shadow") == [("new",)]
    assert count_readings(timescale_database.dsn) == before, "chunks are left to the policies"
