"""What every test of the upkeep needs: a fleet that archives as the archive does, and the views to compare."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
import psycopg
import pytest

from storage.archive.late import late_hours
from storage.sql import queries
from storage.upkeep import Level, Retention, Upkeep, UpkeepSettings
from storage.upkeep.level import floor
from tests.upkeep.naive import EPOCH, Bucket, rolled_up

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.support.postgres import Database

MINUTE: Final = timedelta(minutes=1)
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
NOW: Final = datetime(2026, 11, 20, 12, tzinfo=UTC)
FOR_EVER: Final = Retention(**dict.fromkeys(Retention.__dataclass_fields__, None))
SETTINGS: Final = UpkeepSettings(retention=FOR_EVER, backoff_first_s=0.01, backoff_max_s=0.05)

SET: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""What is older comes from clocks that were never set, and is not rolled up."""

Reading = tuple[int, datetime, float | None]
"""Channel, time, value."""


class Clock:
    """The time that the upkeep is told, and that journals have."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def us(self) -> int:
        return (self.now - EPOCH) // timedelta(microseconds=1)


class Journal:
    """One archive, statement by statement, as storage/archive/writer.py does it."""

    def __init__(self, dsn: str, name: str, clock: Clock, *, lock_timeout: str = "5s") -> None:
        self.name = name
        self._clock = clock
        self._connection = psycopg.connect(dsn)
        self._connection.execute("SELECT set_config('lock_timeout', %s, false)", [lock_timeout])
        self._connection.execute("SET timezone = 'UTC'")
        (kind,) = self._connection.execute("SELECT vigil.storage_kind()").fetchone() or ("",)
        self._has_partitions = kind == "partitions"
        self._connection.execute(queries["begin_position"], [name])
        self._connection.commit()
        self._closing_us: int | None = None
        self.is_writing = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def begin(self) -> None:
        """Claim the position, and learn from when on readings are late."""
        self._connection.execute(queries["claim_position"], [self.name])
        (self._closing_us,) = self._connection.execute(queries["closing"]).fetchone() or (None,)
        self.is_writing = True

    def put(self, readings: Sequence[Reading]) -> None:
        """Store `readings` and note which of them are late."""
        times_us = np.array([(time - EPOCH) // timedelta(microseconds=1) for _, time, _ in readings], np.int64)
        channels = np.array([channel for channel, _, _ in readings], np.int32)
        late = None if self._closing_us is None else late_hours(channels, times_us, self._closing_us)
        if late is not None:
            self._connection.execute(queries["note_late"], [late.channel_id.tolist(), late.hour.tolist()])
        with self._connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO vigil.readings VALUES (%s, %s, %s, 0) ON CONFLICT (channel_id, time) DO NOTHING", readings
            )

    def commit(self) -> None:
        """Move the position to this moment."""
        self._connection.execute(queries["move_position"], [1, self._clock.now, self.name])
        self._connection.commit()
        self.is_writing = False

    def give_up(self) -> None:
        self._connection.rollback()
        self.is_writing = False

    def store(self, readings: Sequence[Reading] = ()) -> None:
        """Do all of it."""
        if self._has_partitions:
            self.ensure_days(readings)
        self.begin()
        if readings:
            self.put(readings)
        self.commit()

    def ensure_days(self, readings: Sequence[Reading]) -> None:
        for day in sorted({time.date() for _, time, _ in readings}):
            if -400 <= (day - self._clock.now.date()).days <= 7:
                self._connection.execute(queries["ensure_readings_day"], [day])
                self._connection.commit()


class Rounds:
    """An upkeep whose rounds a test calls one by one, on the test's own thread."""

    def __init__(self, dsn: str, clock: Clock, settings: UpkeepSettings = SETTINGS) -> None:
        self.upkeep = Upkeep(lambda: dsn, settings=settings, clock_us=clock.us)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.upkeep.close()

    def go(self, *, at_most: int = 50) -> None:
        """Go round until there is nothing left to do now."""
        for _ in range(at_most):
            if self.upkeep.round() >= 1.0:
                return
        raise AssertionError(f"still not done after {at_most} rounds")


def interrupted(connection: psycopg.Connection, before: Callable[[str], None]) -> None:
    """Call `before` with each statement that `connection` runs from now on, before it does; not of BEGIN and COMMIT."""

    class Interrupted(psycopg.Cursor):
        def execute(self, query: Any, *given: Any, **named: Any) -> Self:
            before(query.decode() if isinstance(query, bytes) else str(query))
            return super().execute(query, *given, **named)

    connection.cursor_factory = Interrupted


def look(dsn: str) -> psycopg.Connection:
    """Connect as somebody does who looks at the history."""
    return psycopg.connect(dsn, autocommit=True, options="-c timezone=UTC")


def view(reader: psycopg.Connection, level: Level) -> dict[tuple[int, datetime], Bucket]:
    """Return what a view of rollups shows."""
    rows = reader.execute(
        "SELECT channel_id, bucket, min, max, mean, last, count, first_time, last_time, sum"
        f" FROM vigil.readings_{level}"
    ).fetchall()
    found = {(row[0], row[1]): Bucket(*row[2:]) for row in rows}
    assert len(found) == len(rows), "a bucket is shown twice"
    return found


def assert_exact(reader: psycopg.Connection, *, but_for_late: bool = False) -> None:
    """Compare every level with the loop; where wanted, leave out the buckets that are owed."""
    readings = reader.execute("SELECT channel_id, time, value FROM vigil.readings WHERE time >= %s", [SET]).fetchall()
    late = reader.execute("SELECT channel_id, hour FROM vigil.late_readings").fetchall() if but_for_late else []
    for level in Level:
        owed = {(channel, floor(hour, level.width)) for channel, hour in late}
        if level is Level.MINUTE:
            owed = {(channel, hour + i * MINUTE) for channel, hour in late for i in range(60)}
        wanted, shown = (
            {key: bucket for key, bucket in buckets.items() if key not in owed and key[1] >= SET}
            for buckets in (rolled_up(readings, level.width), view(reader, level))
        )
        assert shown == wanted, level


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def rounds(database: Database, clock: Clock) -> Iterator[Rounds]:
    """Return an upkeep that keeps everything for ever."""
    with Rounds(database.dsn, clock) as rounds:
        yield rounds


@pytest.fixture
def journal(database: Database, clock: Clock) -> Iterator[Journal]:
    with Journal(database.dsn, "journal-a", clock) as journal:
        yield journal


@pytest.fixture
def reader(database: Database) -> Iterator[psycopg.Connection]:
    with look(database.dsn) as reader:
        yield reader


def terminate(database: Database) -> None:
    """Cut the upkeep's connection."""
    with suppress(psycopg.Error):
        database.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'vigil upkeep' AND datname = current_database()"
        )
