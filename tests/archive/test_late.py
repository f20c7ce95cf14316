"""Readings that come after their time was rolled up: their hours are noted in the transaction that stores them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, LiteralString

import numpy as np
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.archive.late import HOUR_US, late_hours
from storage.archive.rows import FIRST_STORABLE_US, LAST_STORABLE_US
from storage.journal import Entry, Lane, RecordKind
from storage.sql import queries
from tests.archive.conftest import NOW_US, SETTINGS, Running, append, batch, becomes, block, readings

if TYPE_CHECKING:
    from devices import Registry
    from storage.journal import Journal
    from tests.support.postgres import Database

EVENT = datetime(2026, 11, 22, 4, tzinfo=UTC)  # NOW_US
HOUR = timedelta(hours=1)
NOTED: LiteralString = (
    "SELECT name, metric, hour FROM vigil.late_readings JOIN vigil.channels USING (channel_id)"
    " JOIN vigil.devices USING (device_id) ORDER BY name, metric, hour"
)
READ_TO: LiteralString = "SELECT read_to FROM vigil.journal_position"
WAITING: LiteralString = (
    "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s"
    " AND datname = current_database() AND wait_event_type = 'Lock'"
)


def close(database: Database, at: datetime) -> None:
    database.execute("UPDATE vigil.rollup_progress SET closing = %s WHERE level = '1m'", at)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([0, 1, 7, 2**31 - 1]),
            st.one_of(
                st.sampled_from([FIRST_STORABLE_US, LAST_STORABLE_US, 0, -1, HOUR_US, HOUR_US - 1]),
                st.integers(NOW_US - 3 * HOUR_US, NOW_US + 3 * HOUR_US),
            ),
        ),
        max_size=30,
    ),
    st.one_of(st.just(NOW_US), st.integers(FIRST_STORABLE_US, LAST_STORABLE_US)),
)
def test_late_hours_are_those_one_would_find_reading_by_reading(rows: list[tuple[int, int]], closing_us: int) -> None:
    channel_id, time_us = np.array([row[0] for row in rows], np.int32), np.array([row[1] for row in rows], np.int64)
    wanted = sorted({(channel, at // HOUR_US) for channel, at in rows if at < closing_us})
    found = late_hours(channel_id, time_us, closing_us)
    assert (found is None) == (not wanted)
    if found is not None:
        assert list(zip(found.channel_id.tolist(), found.hour.tolist(), strict=True)) == wanted


@pytest.mark.real
async def test_nothing_is_noted_while_nothing_is_closed(
    database: Database, journal: Journal, registry: Registry
) -> None:
    await append(journal, block(batch([0, 2], [0, NOW_US], [1.0, 2.0])))
    async with Running(database, journal, registry) as running:
        await running.catches_up()
        assert running.archive.counters.late_hours == 0
    assert database.rows(NOTED) == []


@pytest.mark.real
async def test_the_hours_of_late_readings_are_noted_once_each(
    database: Database, journal: Journal, registry: Registry
) -> None:
    close(database, EVENT)
    late = [NOW_US - 1, NOW_US - 2, NOW_US - HOUR_US, NOW_US - HOUR_US - 1, NOW_US, NOW_US + 5]
    await append(
        journal, block(batch([0] * 6, late, [1.0] * 6)), block(batch([2, 3], [NOW_US - 1, NOW_US], [1.0, 1.0]))
    )
    async with Running(database, journal, registry) as running:
        await running.catches_up()
        noted = [
            ("gas-0000", "gas_lel", EVENT - 2 * HOUR),
            ("gas-0000", "gas_lel", EVENT - HOUR),
            ("gas-0001", "gas_lel", EVENT - HOUR),
        ]
        assert database.rows(NOTED) == noted
        # A duplicate key makes the transaction go through the staging table; what it brings late is noted as well.
        again = [NOW_US - 1, NOW_US - 3, NOW_US - 5 * HOUR_US]
        await append(journal, block(batch([0] * 3, again, [1.0, 2.0, 3.0])))
        await running.catches_up()
        assert running.archive.counters.staged == 1
    assert database.rows(NOTED) == [("gas-0000", "gas_lel", EVENT - 5 * HOUR), *noted]


@pytest.mark.real
async def test_an_archive_that_waits_for_whoever_closes_sees_what_was_closed(
    database: Database, journal: Journal, registry: Registry
) -> None:
    async with Running(database, journal, registry) as running:
        await append(journal, block(readings(20)))
        await running.catches_up()
        with psycopg.connect(database.dsn) as upkeep:
            upkeep.execute("SELECT FROM vigil.journal_position FOR UPDATE")
            await append(journal, block(batch([0], [NOW_US - 1], [1.0])))
            await becomes(lambda: database.value(WAITING, "vigil archive"))
            upkeep.execute("UPDATE vigil.rollup_progress SET closing = %s WHERE level = '1m'", [EVENT])
        await running.catches_up()
    assert database.rows(NOTED) == [("gas-0000", "gas_lel", EVENT - HOUR)]


@pytest.mark.real
async def test_whoever_takes_a_noted_hour_away_waits_for_the_archive_that_notes_it_again(database: Database) -> None:
    """Or it would roll the hour up without our readings, and nobody would do it again."""
    database.execute("INSERT INTO vigil.late_readings VALUES (1, %s)", EVENT)

    def take() -> tuple[int, int]:
        with psycopg.connect(database.dsn, autocommit=True, application_name="upkeep") as connection:
            taken = connection.execute("DELETE FROM vigil.late_readings").rowcount
            ((stored,),) = connection.execute("SELECT count(*) FROM vigil.readings").fetchall()
            return taken, stored

    with psycopg.connect(database.dsn) as archive:
        archive.execute("INSERT INTO vigil.readings VALUES (1, %s, 1.0, 0)", [EVENT])
        archive.execute(queries["note_late"], [[1], [NOW_US // HOUR_US]])
        taking = asyncio.create_task(asyncio.to_thread(take))
        await becomes(lambda: taking.done() or database.value(WAITING, "upkeep"))
        assert not taking.done()
    assert await taking == (1, 1)


@pytest.mark.real
async def test_the_position_says_up_to_which_time_the_journal_is_archived(
    database: Database, journal: Journal, registry: Registry
) -> None:
    async with Running(database, journal, registry, replace(SETTINGS, idle_s=0.0)) as running:
        (stored,) = await append(journal, block(readings(20)))
        await running.catches_up()
        assert database.value(READ_TO) == at(stored.time_us)
        *_, tick = await append(journal, *(Entry(RecordKind.TICK, Lane.TELEMETRY, b"") for _ in range(3)))
        await running.catches_up()
        assert database.value(READ_TO) == at(tick.time_us)


def at(time_us: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time_us)
