"""The newest reading of each channel: which one it is, when it is written down, and what a crash costs."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any, LiteralString

import numpy as np
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.archive.latest import AHEAD_US, ChannelReadings, Latest
from storage.archive.writer import Writer
from storage.sql import queries
from tests.archive.conftest import NOW_US, PROFILES, SETTINGS, Running, append, batch, becomes, block, readings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devices import Registry
    from storage.journal import Journal
    from tests.support.postgres import Database

S = 1_000_000
DAY_US = 86_400 * S
SOON = replace(SETTINGS, latest_s=0.0)
ONCE = replace(SETTINGS, latest_s=3600.0)
"""The first reading is written down at once, and those after it an hour later."""
NEWEST: LiteralString = (
    "SELECT name, metric, value, flags, (extract(epoch FROM time) * 1000000)::bigint FROM vigil.latest"
    " JOIN vigil.channels USING (channel_id) JOIN vigil.devices USING (device_id) ORDER BY name, metric"
)

Reading = tuple[int, int, float | None, int]
"""Channel id, µs, value, flags."""


# ── which one ────────────────────────────────────────────────────────────────────────────────────────────────────────


def by_channel(rows: Sequence[Reading]) -> ChannelReadings:
    rows = sorted(rows, key=lambda row: row[0])
    return ChannelReadings(
        np.array([row[0] for row in rows], np.int32),
        np.array([row[1] for row in rows], np.int64),
        np.array([0.0 if row[2] is None else row[2] for row in rows], np.float64),
        np.array([row[2] is not None for row in rows], np.bool_),
        np.array([row[3] for row in rows], np.uint8),
    )


def pending(latest: Latest) -> list[Reading]:
    channel_id, time_us, value, known, flags = (column.tolist() for column in latest.pending())
    return [
        (channel, at, one if is_known else None, bits)
        for channel, at, one, is_known, bits in zip(channel_id, time_us, value, known, flags, strict=True)
    ]


READINGS = st.lists(
    st.tuples(
        st.sampled_from([1, 2, 3, 5000]),
        st.sampled_from([-2 * AHEAD_US, -S, 0, S, AHEAD_US, AHEAD_US + 1, 400 * DAY_US]).map(
            lambda after: NOW_US + after
        ),
        st.one_of(st.none(), st.floats(allow_nan=False)),
        st.integers(0, 127),
    ),
    max_size=20,
)


@given(st.lists(st.tuples(READINGS, st.sampled_from([NOW_US, NOW_US - 2 * AHEAD_US]), st.booleans()), max_size=6))
def test_it_is_what_one_would_find_reading_by_reading(hauls: list[tuple[list[Reading], int, bool]]) -> None:
    latest = Latest()
    newest: dict[int, Reading] = {}
    unwritten: set[int] = set()
    for rows, now_us, is_written in hauls:
        latest.note(by_channel(rows), now_us)
        here: dict[int, Reading] = {}
        for row in rows:
            if row[1] <= now_us + AHEAD_US and (row[0] not in here or row[1] > here[row[0]][1]):
                here[row[0]] = row
        for channel, row in here.items():
            held = newest.get(channel)
            if held is None or row[1] > held[1] or held[1] > now_us + AHEAD_US:
                newest[channel] = row
                unwritten.add(channel)
        assert pending(latest) == [newest[channel] for channel in sorted(unwritten)]
        assert latest.has_pending == bool(unwritten)
        if is_written:
            latest.written()
            unwritten.clear()
    latest.forget()
    assert pending(latest) == []


@pytest.mark.real
async def test_the_newest_reading_of_each_channel_is_there_by_its_event_time(
    database: Database, journal: Journal, registry: Registry
) -> None:
    async with Running(database, journal, registry, SOON) as running:
        await append(journal, block(batch([0, 1, 0], [NOW_US, NOW_US, NOW_US + 5 * S], [1.0, 20.0, 2.0], [0, 1, 8])))
        await running.catches_up()
        late = batch([0, 1, 2], [NOW_US + 4 * S, NOW_US + S, NOW_US], [3.0, None, 4.0])
        await append(journal, block(late), block(batch([0], [NOW_US + 5 * S], [5.0])))
        await running.catches_up()
        await becomes(lambda: len(database.rows(NEWEST)) == 3)
    assert database.rows(NEWEST) == [
        ("gas-0000", "gas_lel", 2.0, 8, NOW_US + 5 * S),
        ("gas-0000", "temp_c", None, 0, NOW_US + S),
        ("gas-0001", "gas_lel", 4.0, 0, NOW_US),
    ]


@pytest.mark.real
async def test_a_reading_from_the_future_hides_none_that_comes_after_it(
    database: Database, journal: Journal, registry: Registry
) -> None:
    # Our clock was wrong once.
    database.execute("INSERT INTO vigil.latest SELECT id, '2036-01-01', 9.0, 0 FROM generate_series(1, 20) AS id")
    async with Running(database, journal, registry, SOON) as running:
        await append(journal, block(batch([0, 2, 2], [NOW_US, NOW_US, NOW_US + 10 * DAY_US], [1.0, 2.0, 3.0])))
        await running.catches_up()
        await becomes(lambda: running.archive.counters.latest == 2)
    assert [row[:4] for row in database.rows(NEWEST) if row[2] != 9.0] == [
        ("gas-0000", "gas_lel", 1.0, 0),
        ("gas-0001", "gas_lel", 2.0, 0),
    ]
    assert database.value("SELECT count(*) FROM vigil.readings") == 3


# ── when ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.real
async def test_it_is_written_now_and_then_and_not_with_each_transaction(
    database: Database, journal: Journal, registry: Registry
) -> None:
    async with Running(database, journal, registry, ONCE) as running:
        for number in range(5):
            await append(journal, block(readings(20, 20 * number)))
            await running.catches_up()
        await becomes(lambda: running.archive.counters.latest)
        assert running.archive.counters.latest == 20
        assert database.value("SELECT max(value) FROM vigil.latest") == 19.0


@pytest.mark.real
async def test_while_the_archive_catches_up_it_is_written_less_often(
    database: Database, journal: Journal, registry: Registry
) -> None:
    await append(journal, *(block(readings(20, 20 * number)) for number in range(10)))
    settings = replace(SETTINGS, readings_at_once=20, latest_s=0.0, latest_behind_s=3600.0)
    async with Running(database, journal, registry, settings) as running:
        await running.catches_up()
        counters = running.archive.counters
        await becomes(lambda: counters.latest >= 40)
        assert (counters.transactions, counters.latest) == (10, 40), "after the first and after the last of them"
    assert database.value("SELECT min(value) FROM vigil.latest") == 180.0


@pytest.mark.real
async def test_what_is_pending_is_written_where_nothing_more_comes(
    database: Database, journal: Journal, registry: Registry
) -> None:
    async with Running(database, journal, registry, replace(SETTINGS, latest_s=0.2)) as running:
        await append(journal, block(readings(20)))
        await becomes(lambda: running.archive.counters.latest == 20)
        await append(journal, block(readings(20, 20)))
        await running.catches_up()
        await becomes(lambda: running.archive.counters.latest == 40)
    assert database.value("SELECT min(value) FROM vigil.latest") == 20.0


@pytest.mark.real
def test_what_could_not_be_written_is_written_by_the_next_connection(database: Database) -> None:
    writer = Writer(lambda: database.dsn, "j", PROFILES)
    writer.open()
    writer.latest.note(by_channel([(1, NOW_US, 1.5, 0), (2, NOW_US, None, 8)]), NOW_US)
    writer.cut()
    with pytest.raises(psycopg.OperationalError):
        writer.write_latest(NOW_US)
    writer.open()
    assert [writer.write_latest(NOW_US) for _ in range(2)] == [2, 0]
    writer.close()
    assert database.rows("SELECT channel_id, value, flags FROM vigil.latest ORDER BY 1") == [(1, 1.5, 0), (2, None, 8)]


# ── after a crash ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.real
async def test_an_archive_that_died_leaves_nothing_unwritten_to_the_next(
    database: Database, journal: Journal, registry: Registry
) -> None:
    async with Running(database, journal, registry, ONCE) as running:
        await append(journal, block(readings(20)))
        await becomes(lambda: running.archive.counters.latest == 20)
        hours_ago = batch([0, 2], [NOW_US - 3600 * S, NOW_US + 9 * S], [-1.0, 77.0])
        await append(journal, block(hours_ago), block(readings(10, 20)))
        await running.catches_up()
    assert database.value("SELECT max(value) FROM vigil.latest") == 19.0
    async with Running(database, journal, registry, ONCE) as running:
        await becomes(lambda: running.archive.counters.connections)
    assert database.rows(NEWEST) == newest_stored(database)
    assert database.value("SELECT max(value) FROM vigil.latest") == 77.0


@pytest.mark.real
async def test_a_database_that_had_no_such_table_gets_the_newest_of_the_last_week(
    database: Database, journal: Journal, registry: Registry
) -> None:
    days_ago = batch([0, 0, 1, 2], [NOW_US - d * DAY_US for d in (3, 5, 6, 9)], [1.0, 2.0, 3.0, 4.0])
    await append(journal, block(days_ago))
    async with Running(database, journal, registry, ONCE) as running:
        await running.catches_up()
    database.execute("TRUNCATE vigil.latest")
    async with Running(database, journal, registry, ONCE) as running:
        await becomes(lambda: running.archive.counters.connections)
    assert [row[2] for row in database.rows(NEWEST)] == [1.0, 3.0]


@pytest.mark.real
@pytest.mark.partitions
def test_the_look_for_it_opens_the_partitions_of_those_days_alone(database: Database) -> None:
    for day in range(1, 31):
        database.execute(f"SELECT vigil.ensure_readings_day('2026-11-{day:02}')")
    database.execute("INSERT INTO vigil.latest VALUES (1, '2026-11-21 12:00+00', 1.0, 0)")
    writer = Writer(lambda: database.dsn, "j", PROFILES)
    with contextlib.closing(writer):
        writer.open()
        since, last = writer.unfilled_latest(NOW_US)
    assert (since.isoformat(), last) == ("2026-11-20T12:00:00+00:00", 0)
    bounds: dict[str, Any] = {"since": since, "until": "2026-11-22 04:10+00", "after": 0, "to": 10_000}
    with psycopg.connect(database.dsn) as connection:
        plan = "\n".join(line for (line,) in connection.execute(b"EXPLAIN " + queries["fill_latest"], bounds))
    opened = {word for word in plan.replace("_pkey", "").split() if word.startswith("readings_2026")}
    assert opened == {"readings_20261120", "readings_20261121", "readings_20261122"}


def newest_stored(database: Database) -> list[tuple[Any, ...]]:
    return database.rows(
        "SELECT DISTINCT ON (name, metric) name, metric, value, flags, (extract(epoch FROM time) * 1000000)::bigint"
        " FROM vigil.readings JOIN vigil.channels USING (channel_id) JOIN vigil.devices USING (device_id)"
        " ORDER BY name, metric, time DESC"
    )
