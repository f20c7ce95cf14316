"""The upkeep on TimescaleDB: its policies roll up, and we see to what they do not look at any more."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from storage.upkeep import Level, Retention, read_status, refresh
from storage.upkeep.status import RelationKind
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
    look,
    view,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import psycopg

    from storage.upkeep import UpkeepCounters, UpkeepSettings
    from tests.support.timescale import TimescaleDatabase
    from tests.upkeep.conftest import Reading
    from tests.upkeep.naive import Bucket

pytestmark = pytest.mark.real


class Storage:
    """A database that takes one connection at a time: archives and upkeep come one after the other."""

    def __init__(self, database: TimescaleDatabase) -> None:
        self.database = database
        self.clock = Clock()

    def store(self, readings: Sequence[Reading]) -> None:
        with Journal(self.database.dsn, "journal-a", self.clock) as journal:
            journal.store(readings)

    def keep_up(self, settings: UpkeepSettings = SETTINGS) -> UpkeepCounters:
        with Rounds(self.database.dsn, self.clock, settings) as rounds:
            rounds.go()
            assert rounds.upkeep.counters.failures == 0
            return rounds.upkeep.counters

    def refresh(self, start: datetime, end: datetime) -> None:
        """Do what the policies do."""
        for level in Level:
            self.database.execute(
                f"CALL refresh_continuous_aggregate('vigil.readings_{level}', %s::timestamptz, %s::timestamptz)",
                start,
                end,
            )

    def late(self) -> list[tuple[int, datetime]]:
        return self.database.rows("SELECT channel_id, hour FROM vigil.late_readings ORDER BY 2, 1")

    def view(self, level: Level) -> dict[tuple[int, datetime], Bucket]:
        with look(self.database.dsn) as reader:
            return view(reader, level)

    def assert_exact(self) -> None:
        with look(self.database.dsn) as reader:
            assert_exact(reader)


@pytest.fixture
def storage(timescale_database: TimescaleDatabase) -> Storage:
    return Storage(timescale_database)


def test_what_comes_later_than_the_policies_look_is_refreshed(storage: Storage) -> None:
    readings = [(channel, NOW - 6 * DAY + i * 30 * MINUTE, float(i)) for channel in (1, 2) for i in range(200)]
    storage.store(readings)
    storage.refresh(NOW - 10 * DAY, NOW)
    storage.keep_up()
    storage.store([(1, NOW - 5 * DAY + MINUTE, 99.0), (3, NOW - 4 * DAY, -99.0), (2, NOW - 61 * HOUR, 5.0)])
    assert len(storage.late()) == 3
    assert (1, (NOW - 5 * DAY).replace(hour=0)) in storage.view(Level.DAY)
    assert storage.view(Level.DAY)[1, (NOW - 5 * DAY).replace(hour=0)].maximum < 99
    assert storage.keep_up().rolled_late == 3
    assert storage.late() == []
    assert storage.view(Level.DAY)[1, (NOW - 5 * DAY).replace(hour=0)].maximum == 99
    storage.assert_exact()


def test_what_comes_while_the_policies_look_is_left_to_them(storage: Storage) -> None:
    storage.keep_up()
    storage.store([(1, NOW - 59 * HOUR, 1.0)])
    assert storage.late() == []


def test_an_old_database_is_refreshed_from_its_first_chunk_on(storage: Storage) -> None:
    storage.store([(1, NOW - 9 * DAY + i * 7 * HOUR, float(i)) for i in range(30)])
    storage.refresh(NOW - 3 * DAY, NOW)  # the policies come first, and are told of nothing before
    assert len(storage.view(Level.DAY)) < 9
    storage.keep_up()
    storage.assert_exact()
    assert storage.late() == []


def test_an_outage_of_all_of_us_leaves_no_hole(storage: Storage) -> None:
    storage.store([(1, NOW - DAY, 1.0)])
    storage.refresh(NOW - 3 * DAY, NOW)
    storage.keep_up()
    storage.clock.now += 9 * DAY
    storage.store([(1, NOW + i * 5 * HOUR, 1.0) for i in range(40)])  # the broker's backlog, before the upkeep is there
    storage.refresh(storage.clock.now - 3 * DAY, storage.clock.now)
    assert len(storage.view(Level.DAY)) < 9
    storage.keep_up()
    storage.assert_exact()


def test_a_refresh_that_dies_is_done_again(storage: Storage) -> None:
    storage.store([(1, NOW - 6 * DAY, 1.0)])
    storage.refresh(NOW - 10 * DAY, NOW)
    storage.keep_up()
    storage.store([(1, NOW - 6 * DAY + MINUTE, 9.0)])
    with Rounds(storage.database.dsn, storage.clock) as rounds:
        rounds.upkeep._session.open()

        refresh_one = refresh._refresh

        def die(connection: psycopg.Connection, level: Level, *given: datetime, by_force: bool = False) -> None:
            if level is Level.HOUR:
                connection.close()
            refresh_one(connection, level, *given, by_force=by_force)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(refresh, "_refresh", die)
            rounds.upkeep.round()
        assert rounds.upkeep.counters.failures == 1
    assert storage.late() == [(-1, NOW - 6 * DAY)]
    storage.keep_up()
    storage.assert_exact()
    assert storage.late() == []


def test_a_late_hour_whose_minutes_are_dropped_is_made_of_all_its_readings(storage: Storage) -> None:
    at = NOW - 30 * DAY
    storage.store([(channel, at + i * MINUTE, 1.0) for channel in (1, 2) for i in range(0, 60, 10)])
    storage.store([(1, NOW - DAY, 3.0)])
    storage.refresh(at - DAY, NOW)
    settings = replace(SETTINGS, retention=replace(FOR_EVER, readings=60 * DAY, minutes=7 * DAY))
    storage.keep_up(settings)
    storage.database.execute("SELECT drop_chunks('vigil.readings_1m', %s::timestamptz)", NOW - 7 * DAY)
    assert len(storage.view(Level.MINUTE)) == 1
    storage.store([(1, at + 5 * MINUTE, 9.0)])
    storage.keep_up(settings)
    for level in (Level.HOUR, Level.DAY):
        buckets = storage.view(level)
        assert sorted((bucket.readings, bucket.total) for bucket in buckets.values()) == [(1, 3.0), (6, 6.0), (7, 15.0)]


def test_what_comes_for_readings_that_are_dropped_leaves_their_rollups(storage: Storage) -> None:
    at = NOW - 30 * DAY
    storage.store([(1, at + i * MINUTE, 1.0) for i in range(3)])
    storage.refresh(at - DAY, NOW)
    settings = replace(SETTINGS, retention=replace(FOR_EVER, readings=20 * DAY))
    storage.keep_up(settings)
    storage.database.execute("SELECT drop_chunks('vigil.readings', %s::timestamptz)", NOW - 20 * DAY)
    storage.store([(1, at + 9 * MINUTE, 5.0)])
    assert storage.keep_up(settings).forgotten_late == 1
    assert [bucket.total for bucket in storage.view(Level.HOUR).values()] == [3.0]


def test_retention_becomes_policies_once_a_connection(storage: Storage, capsys: pytest.CaptureFixture[str]) -> None:
    policies = (
        "SELECT count(*), min((config ->> 'drop_after')::interval) FROM timescaledb_information.jobs"
        " WHERE proc_name = 'policy_retention'"
    )
    storage.keep_up(replace(SETTINGS, retention=replace(Retention(), readings=50 * DAY)))
    assert storage.database.rows(policies) == [(3, timedelta(days=30))]
    assert "readings kept for 50 days" in capsys.readouterr().out
    storage.keep_up(replace(SETTINGS, retention=replace(Retention(), readings=50 * DAY)))
    assert "retention_changed" not in capsys.readouterr().out
    storage.keep_up()
    assert storage.database.rows(policies) == [(0, None)]


def test_status_says_what_is_compressed_and_when_policies_worked(storage: Storage) -> None:
    storage.store([(1, NOW - 6 * DAY + i * HOUR, 1.0) for i in range(48)])
    storage.refresh(NOW - 10 * DAY, NOW)
    storage.keep_up(replace(SETTINGS, retention=Retention()))
    storage.database.execute(
        "SELECT compress_chunk(show_chunks('vigil.readings', older_than => %s::timestamptz))", NOW - 5 * DAY
    )
    with look(storage.database.dsn) as reader:
        status = read_status(reader, NOW)
    assert status.storage_kind == "timescaledb"
    assert status.timescaledb
    readings = next(one for one in status.relations if one.name == "readings")
    assert (readings.kind, readings.parts, readings.compressed) == (RelationKind.HYPERTABLE, 3, 1)
    assert readings.before_bytes
    assert readings.after_bytes
    assert readings.oldest == (NOW - 6 * DAY).replace(hour=0)
    assert readings.keep == timedelta(days=90)
    assert {one.level for one in status.rollups} == set(Level)
    minutes = next(one for one in status.relations if one.name == "readings_1m")
    assert (minutes.kind, minutes.parts, minutes.keep) == (RelationKind.HYPERTABLE, 1, timedelta(days=30))
    assert minutes.bytes > 0
    assert {one.name for one in status.relations} >= {"readings_1h", "readings_1d", "incidents"}
