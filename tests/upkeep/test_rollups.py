"""Rollups on plain PostgreSQL are what a loop makes of the readings, whatever comes when, and whatever dies."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.upkeep import Level
from tests.upkeep.conftest import (
    DAY,
    HOUR,
    MINUTE,
    NOW,
    SETTINGS,
    Clock,
    Journal,
    Rounds,
    assert_exact,
    interrupted,
    terminate,
    view,
)

if TYPE_CHECKING:
    from tests.support.postgres import Database

pytestmark = [pytest.mark.real, pytest.mark.partitions]

SECOND = timedelta(seconds=1)
MICROSECOND = timedelta(microseconds=1)


def watermark(database: Database, level: Level) -> datetime | None:
    found: datetime | None = database.value(
        "SELECT CASE WHEN isfinite(watermark) THEN watermark END FROM vigil.rollup_progress WHERE level = %s", level
    )
    return found


def late(database: Database) -> list[tuple[int, datetime]]:
    return database.rows("SELECT channel_id, hour FROM vigil.late_readings ORDER BY 1, 2")


def counts(database: Database, level: str) -> list[tuple[int, int]]:
    """Return how many buckets of how many readings are stored."""
    return database.rows(f"SELECT count(*), coalesce(sum(count), 0)::int FROM vigil.readings_{level}_rows")


# ── what is rolled up, and when ──────────────────────────────────────────────────────────────────────────────────────


def test_what_is_archived_is_stored_by_the_minute_the_hour_and_the_day(
    database: Database, reader: psycopg.Connection, clock: Clock, journal: Journal, rounds: Rounds
) -> None:
    clock.now = NOW + 13 * HOUR  # 01:00 of the next day
    journal.store([(channel, NOW - 5 * HOUR + i * 10 * MINUTE, i / 4) for channel in (1, 2) for i in range(100)])
    rounds.go()
    assert watermark(database, Level.MINUTE) == clock.now - 2 * MINUTE
    assert watermark(database, Level.HOUR) == NOW + 12 * HOUR
    assert watermark(database, Level.DAY) == NOW + 12 * HOUR
    assert counts(database, "1m") == [(200, 200)]
    assert counts(database, "1h") == [(34, 200)]
    assert counts(database, "1d") == [(2, 200)]
    assert_exact(reader)


def test_the_newest_readings_show_before_they_are_stored(
    database: Database, reader: psycopg.Connection, clock: Clock, journal: Journal, rounds: Rounds
) -> None:
    journal.store([(1, NOW - MINUTE, 1.0), (1, NOW, 2.0), (1, NOW + HOUR, 4.0), (1, NOW + 300 * DAY, 8.0)])
    rounds.go()
    assert counts(database, "1m") == [(0, 0)]
    assert_exact(reader)
    clock.now += HOUR + 5 * MINUTE
    journal.store()
    rounds.go()
    assert counts(database, "1m") == [(3, 3)]
    assert_exact(reader)


def test_a_bucket_says_what_its_readings_were(
    database: Database, reader: psycopg.Connection, journal: Journal, rounds: Rounds
) -> None:
    at = NOW - HOUR
    values = [3.0, 1.0, None, 4.0, -1.5, None]
    journal.store([(7, at + i * SECOND, value) for i, value in enumerate(values)])
    journal.store([(8, at, None)])
    rounds.go()
    assert counts(database, "1m") == [(1, 4)]
    for level in Level:
        ((key, bucket),) = view(reader, level).items()
        assert key == (7, at if level is not Level.DAY else at.replace(hour=0))
        assert bucket == (-1.5, 4.0, 1.625, -1.5, 4, at, at + 4 * SECOND, 6.5)


def test_a_reading_without_a_value_that_comes_last_is_not_the_last(
    reader: psycopg.Connection, journal: Journal, rounds: Rounds
) -> None:
    journal.store([(1, NOW - HOUR, 5.0), (1, NOW - HOUR + SECOND, None)])
    rounds.go()
    assert view(reader, Level.MINUTE)[1, NOW - HOUR].last == 5.0
    assert_exact(reader)


def test_buckets_are_those_of_utc_in_any_session(database: Database, journal: Journal, rounds: Rounds) -> None:
    journal.store(
        [(1, datetime(2026, 11, 18, 23, 59, 59, tzinfo=UTC), 1.0), (1, datetime(2026, 11, 19, tzinfo=UTC), 2.0)]
    )
    rounds.go()
    with psycopg.connect(database.dsn) as connection:
        connection.execute("SET timezone = 'Asia/Kolkata'")
        for level in Level:
            found = connection.execute(f"SELECT bucket FROM vigil.readings_{level} ORDER BY 1")
            assert [(bucket + DAY).astimezone(UTC).day for (bucket,) in found] == [19, 20]


def test_values_whose_sum_no_number_holds_stop_nothing(
    database: Database, reader: psycopg.Connection, journal: Journal, rounds: Rounds
) -> None:
    at = NOW - 3 * HOUR
    most = 1.7976931348623157e308
    journal.store([(1, at + i * SECOND, most) for i in range(3)])
    journal.store([(2, at, 1.0), (2, at + SECOND, -most), *((3, NOW - i * SECOND, -most) for i in range(2))])
    rounds.go()
    assert rounds.upkeep.counters.failures == 0
    assert counts(database, "1h") == [(2, 5)]
    for level in Level:
        bucket = view(reader, level)[1, at - (at - NOW.replace(hour=0)) % level.width]
        assert (bucket.minimum, bucket.maximum, bucket.last, bucket.readings) == (most, most, most, 3)
    assert view(reader, Level.MINUTE)[3, NOW - MINUTE].minimum == -most


def test_nothing_is_closed_while_no_archive_says_how_far_it_is(
    database: Database, clock: Clock, journal: Journal, rounds: Rounds
) -> None:
    journal.store([(1, NOW - DAY, 1.0)])
    with Journal(database.dsn, "an-earlier-version", clock):
        rounds.go()
        assert watermark(database, Level.MINUTE) is None
        database.execute("UPDATE vigil.journal_position SET updated = now() - INTERVAL '11 minutes'")
        rounds.go()
        assert watermark(database, Level.MINUTE) is None
        journal.store()
        rounds.go()
    assert watermark(database, Level.MINUTE) == NOW - 2 * MINUTE


def test_the_slowest_archive_says_what_is_closed(
    database: Database, reader: psycopg.Connection, clock: Clock, journal: Journal, rounds: Rounds
) -> None:
    with Journal(database.dsn, "journal-b", clock) as slow:
        clock.now = NOW - 3 * HOUR
        slow.store([(1, NOW - 4 * HOUR, 1.0)])
        clock.now = NOW
        journal.store([(2, NOW - HOUR, 2.0)])
        rounds.go()
        assert watermark(database, Level.MINUTE) == NOW - 3 * HOUR - 2 * MINUTE
        slow.store([(1, NOW - 2 * HOUR, 3.0)])  # its backlog is not late
        assert late(database) == []
        rounds.go()
    assert watermark(database, Level.MINUTE) == NOW - 2 * MINUTE
    assert_exact(reader)


def test_a_journal_whose_clock_is_ahead_closes_nothing_that_is_to_come(
    database: Database, clock: Clock, journal: Journal, rounds: Rounds
) -> None:
    clock.now = NOW + 5 * HOUR
    journal.store()
    clock.now = NOW
    rounds.go()
    assert watermark(database, Level.MINUTE) == NOW - 2 * MINUTE


# ── what comes late ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_a_clock_that_was_ahead_has_closed_is_opened_again(
    database: Database, reader: psycopg.Connection, journal: Journal, rounds: Rounds, clock: Clock
) -> None:
    journal.store([(1, NOW - 2 * HOUR, 1.0)])
    clock.now = NOW + 365 * DAY
    journal.store()
    rounds.go()
    assert counts(database, "1h") == [(1, 1)]
    clock.now = NOW + MINUTE
    rounds.go()
    journal.store([(1, NOW - 2 * HOUR + MINUTE, 2.0), (1, NOW + SECOND, 3.0)])  # the first is late, the second is not
    assert database.rows("SELECT channel_id, hour FROM vigil.late_readings") == [(1, NOW - 2 * HOUR)]
    rounds.go()
    assert_exact(reader)
    clock.now = NOW + DAY
    journal.store([(1, clock.now, 4.0)])
    rounds.go()
    assert counts(database, "1h") == [(2, 3)]
    assert_exact(reader)


def test_what_comes_late_is_rolled_up_anew(
    database: Database, reader: psycopg.Connection, journal: Journal, rounds: Rounds
) -> None:
    journal.store([(channel, NOW - 30 * HOUR + i * 20 * MINUTE, 1.0) for channel in (1, 2) for i in range(90)])
    rounds.go()
    journal.store([(1, NOW - 26 * HOUR + SECOND, 9.0), (1, NOW - 5 * MINUTE, -9.0), (3, NOW - 29 * HOUR, 5.0)])
    assert len(late(database)) == 3
    assert_exact(reader, but_for_late=True)
    rounds.go()
    assert late(database) == []
    assert rounds.upkeep.counters.rolled_late == 3
    assert view(reader, Level.DAY)[1, NOW - 36 * HOUR].maximum == 9.0
    assert_exact(reader)


def test_a_late_duplicate_changes_nothing(reader: psycopg.Connection, journal: Journal, rounds: Rounds) -> None:
    at = NOW - 26 * HOUR
    journal.store([(1, at, 1.0)])
    rounds.go()
    journal.store([(1, at, 99.0)])
    rounds.go()
    assert view(reader, Level.HOUR)[1, at].last == 1.0
    assert_exact(reader)


def test_what_comes_from_a_day_long_past_is_rolled_up_too(
    database: Database, reader: psycopg.Connection, journal: Journal, rounds: Rounds
) -> None:
    journal.store([(1, NOW - HOUR, 1.0)])
    rounds.go()
    journal.store(
        [(1, NOW - 3 * DAY, 1.0), (1, NOW - 500 * DAY, 2.0), (2, datetime(2003, 2, 28, 23, 59, tzinfo=UTC), 3.0)]
    )
    rounds.go()
    assert late(database) == []
    assert_exact(reader)


def test_a_clock_that_was_never_set_makes_no_partitions(
    database: Database, reader: psycopg.Connection, journal: Journal, rounds: Rounds
) -> None:
    before_set = [(1, datetime(1970, 1, 1, tzinfo=UTC) + i * DAY, 1.0) for i in range(50)]
    journal.store(before_set[:25])
    rounds.go()
    journal.store([*before_set, (1, NOW - 30 * HOUR, 1.0)])
    rounds.go()
    assert rounds.upkeep.counters.forgotten_late == 50
    assert late(database) == []
    assert counts(database, "1d") == [(1, 1)]
    made = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'vigil.readings_1m_rows'::regclass"
    assert database.value(made) == 3  # yesterday, today and tomorrow
    assert_exact(reader)


def test_late_hours_far_apart_are_taken_a_week_at_a_time(
    database: Database, reader: psycopg.Connection, journal: Journal, rounds: Rounds
) -> None:
    journal.store([(1, NOW - HOUR, 1.0)])
    rounds.go()
    journal.store([(channel, NOW - i * 50 * HOUR, float(i)) for i in range(1, 61) for channel in (1, 2)])
    assert len(late(database)) == 120
    rounds.go()
    assert late(database) == []
    assert_exact(reader)


def test_an_hour_that_an_archive_is_just_noting_is_left_to_the_next_round(
    database: Database, reader: psycopg.Connection, journal: Journal, rounds: Rounds
) -> None:
    at = NOW - 5 * HOUR
    journal.store([(1, at, 1.0), (2, at, 1.0)])
    rounds.go()
    journal.store([(1, at + SECOND, 2.0), (2, at + SECOND, 2.0)])
    journal.begin()
    journal.put([(1, at + 2 * SECOND, 3.0)])
    assert rounds.upkeep.round() >= 1.0  # it did not wait
    assert late(database) == [(1, at)]
    journal.commit()
    assert late(database) == [(1, at)]
    rounds.go()
    assert late(database) == []
    assert_exact(reader)


# ── what was there before ────────────────────────────────────────────────────────────────────────────────────────────


def test_an_old_database_is_rolled_up_from_its_first_reading_on_an_hour_at_a_time(
    database: Database, reader: psycopg.Connection, journal: Journal, rounds: Rounds
) -> None:
    begins = NOW - 40 * DAY - 7 * MINUTE
    journal.store([(1, begins + i * 25 * MINUTE, 1.0) for i in range(200)])
    journal.store([(1, NOW - 2 * DAY + i * 25 * MINUTE, 1.0) for i in range(50)])
    journal.store([(1, NOW - 800 * DAY, 5.0), (1, NOW - 799 * DAY, 5.0)])
    inserted: list[str] = []
    rounds.upkeep.round()  # closes, and is done with it: so that only the rolling up is heard below
    database.execute("UPDATE vigil.rollup_progress SET watermark = '-infinity'")
    database.execute("TRUNCATE vigil.readings_1m_rows, vigil.readings_1h_rows, vigil.readings_1d_rows")
    interrupted(rounds.upkeep._session.connection, inserted.append)
    rounds.go()
    pieces = [statement for statement in inserted if "INSERT INTO vigil.readings_1m_rows" in statement]
    assert 4 * 24 < len(pieces) < 8 * 24 + 2 * 24  # days without readings are left out
    assert_exact(reader)
    assert counts(database, "1d") == [(8, 252)]


def test_a_long_way_back_is_gone_in_rounds_and_told(database: Database, clock: Clock, journal: Journal) -> None:
    journal.store([(1, NOW - 3 * DAY + i * HOUR, 1.0) for i in range(70)])
    with Rounds(database.dsn, clock, replace(SETTINGS, round_s=0.0)) as rounds:
        assert rounds.upkeep.round() == 0.0
        assert watermark(database, Level.MINUTE) is None


# ── whatever dies ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_link_cut_before_any_statement_leaves_nothing_out(
    database: Database, reader: psycopg.Connection, clock: Clock, journal: Journal
) -> None:
    """Cut the connection before the first statement, then before the second, and so on until a round comes through."""
    journal.store([(1, NOW - 26 * HOUR + i * 10 * MINUTE, float(i)) for i in range(30)])
    with Rounds(database.dsn, clock) as rounds:
        rounds.go()
    cuts = 0
    while True:
        clock.now += 61 * MINUTE
        journal.store([(2, clock.now - HOUR, 1.0), (1, NOW - 25 * HOUR + cuts * SECOND, 2.0)])
        said = 0

        def cut(_: str, at: int = cuts) -> None:
            nonlocal said
            if said == at:
                terminate(database)
            said += 1

        with Rounds(database.dsn, clock) as rounds:
            rounds.upkeep._session.open()
            interrupted(rounds.upkeep._session.connection, cut)
            rounds.upkeep.round()
            assert_exact(reader, but_for_late=True)
            rounds.go()
            assert_exact(reader)
            if rounds.upkeep.counters.failures == 0:
                break
        cuts += 1
    assert cuts > 20


# ── all of it at once ────────────────────────────────────────────────────────────────────────────────────────────────

EVENING = NOW.replace(hour=23, minute=20)
TIMES = st.one_of(
    st.integers(-150, 150).map(lambda i: EVENING + i * MINUTE),
    st.integers(-60, 60).map(lambda i: EVENING + i * SECOND),
    st.sampled_from(
        [
            *(EVENING + i * HOUR for i in (-25, -13, -5, -1, 1)),
            *(NOW.replace(hour=0) + i * MICROSECOND for i in (-1, 0, 1)),
            NOW - 410 * DAY,
            datetime(2000, 1, 1, tzinfo=UTC),
            datetime(1999, 12, 31, 23, 59, tzinfo=UTC),
            datetime(1, 1, 1, tzinfo=UTC),
            NOW + 6 * DAY,
            NOW + 3000 * DAY,
        ]
    ),
)
READINGS = st.lists(
    st.tuples(st.integers(1, 3), TIMES, st.one_of(st.none(), st.integers(-100, 100).map(lambda i: i / 4))),
    min_size=1,
    max_size=6,
)
ACTS = st.one_of(
    st.tuples(st.just("begin"), st.integers(0, 1)),
    st.tuples(st.just("put"), st.integers(0, 1), READINGS),
    st.tuples(st.just("put"), st.integers(0, 1), READINGS),
    st.tuples(st.just("commit"), st.integers(0, 1)),
    st.tuples(st.just("give up"), st.integers(0, 1)),
    st.tuples(st.just("wait"), st.sampled_from([SECOND, MINUTE, 7 * MINUTE, HOUR])),
    st.tuples(st.just("look")),
)


class World:
    """Two archives whose statements fall between those of the upkeep."""

    def __init__(
        self, reader: psycopg.Connection, journals: list[Journal], clock: Clock, acts: list[tuple[object, ...]]
    ) -> None:
        self._reader = reader
        self._journals = journals
        self._clock = clock
        self.acts = acts

    def act(self, *_: object) -> None:
        """Do the next act; one that cannot be done now is left out."""
        if not self.acts:
            return
        match self.acts.pop(0):
            case ("wait", timedelta() as how_long):
                self._clock.now += how_long
            case ("look",):
                assert_exact(self._reader, but_for_late=True)
            case (str() as what, int() as whose, *given):
                journal = self._journals[whose]
                try:
                    self._write(journal, what, given)
                except psycopg.errors.LockNotAvailable:  # the upkeep, or the other one, has it
                    journal.give_up()

    def end(self) -> None:
        while self.acts:
            self.act()
        for journal in self._journals:
            if journal.is_writing:
                journal.commit()

    def _write(self, journal: Journal, what: str, given: list[Any]) -> None:
        if what == "begin" and not journal.is_writing:
            journal.begin()
        elif what == "put" and journal.is_writing:
            journal.put(given[0])
        elif what == "put":
            journal.store(given[0])
        elif what == "commit" and journal.is_writing:
            journal.commit()
        elif what == "give up" and journal.is_writing:
            journal.give_up()


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(acts=st.lists(ACTS, max_size=60))
def test_rollups_are_what_a_loop_makes_of_the_readings_whatever_falls_between_what(
    database: Database, reader: psycopg.Connection, acts: list[tuple[object, ...]]
) -> None:
    for table in ("readings", "readings_1m_rows", "readings_1h_rows", "readings_1d_rows", "late_readings"):
        reader.execute(f"DELETE FROM vigil.{table}")
    reader.execute("DELETE FROM vigil.journal_position")
    reader.execute("UPDATE vigil.rollup_progress SET watermark = '-infinity', closing = '-infinity'")
    clock = Clock(EVENING)
    with ExitStack() as stack:
        journals = [
            stack.enter_context(Journal(database.dsn, name, clock, lock_timeout="20ms")) for name in ("one", "two")
        ]
        world = World(reader, journals, clock, list(acts))
        rounds = stack.enter_context(Rounds(database.dsn, clock))
        rounds.upkeep._session.open()
        connection = rounds.upkeep._session.connection
        connection.execute("SET lock_timeout = '20ms'")
        for _ in range(2):  # the fleet is at work
            for journal in journals:
                journal.store()
        interrupted(connection, world.act)
        for _ in range(8):
            rounds.upkeep.round()
            world.act()
        world.end()
        for later in (0 * HOUR, HOUR):
            clock.now += later
            for journal in journals:
                journal.store()
            rounds.go()
            assert not late(database)
            assert_exact(reader)
