"""Which partitions a rollup, a late hour and a look at a view open: those they need, however many there are."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from storage.upkeep import Level
from storage.upkeep.sql import queries
from tests.support.postgres import TEMPLATE
from tests.upkeep.conftest import DAY, HOUR, NOW, Clock, Journal, Rounds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.postgres import Database

pytestmark = [pytest.mark.real, pytest.mark.partitions]

DAYS = (*range(9), 40)


@pytest.fixture(scope="module")
def months(server: Any) -> Database:
    """Return a database with readings of this week and of a month ago, rolled up to two minutes ago."""
    server.start()
    database: Database = server.create(TEMPLATE)
    clock = Clock()
    with Journal(database.dsn, "journal-a", clock) as journal, Rounds(database.dsn, clock) as rounds:
        journal.ensure_days([(1, NOW - i * DAY, None) for i in DAYS])
        for i in DAYS:
            database.execute(
                "INSERT INTO vigil.readings SELECT channel, time, 1.0, 0 FROM generate_series(1, 20) AS channel,"
                " generate_series(%s, %s, INTERVAL '30 minutes') AS time",
                NOW - (i + 1) * DAY + HOUR,
                NOW - i * DAY,
            )
        journal.store()
        rounds.go()
        database.execute("ANALYZE")
    return database


@pytest.fixture
def asking(months: Database) -> Iterator[psycopg.Connection]:
    """Return a connection as the upkeep's, whose changes are rolled back."""
    with psycopg.connect(months.dsn, cursor_factory=psycopg.ClientCursor) as connection:
        connection.execute(queries["open_upkeep"])
        yield connection
        connection.rollback()


def opened(connection: psycopg.Connection, query: bytes, parameters: dict[str, object]) -> set[str]:
    """Return the partitions of readings and rollups that `query` reads."""
    ((((plan,),),),) = (connection.execute(b"EXPLAIN (ANALYZE, FORMAT json) " + query, parameters).fetchall(),)
    found: set[str] = set()
    waiting: list[dict[str, Any]] = [plan["Plan"]]
    while waiting:
        node = waiting.pop()
        waiting += node.get("Plans", [])
        name = node.get("Relation Name", "")
        if name.startswith("readings") and "Scan" in node["Node Type"] and node["Actual Loops"]:
            found.add(name)
    return found


def day(i: int) -> str:
    return f"{NOW - i * DAY:%Y%m%d}"


@pytest.mark.parametrize(
    ("level", "partition"),
    [
        (Level.MINUTE, f"readings_{day(5)}"),
        (Level.HOUR, f"readings_1m_rows_{day(5)}"),
        (Level.DAY, "readings_1h_rows_20261101"),
    ],
)
def test_a_piece_reads_one_partition(asking: psycopg.Connection, level: Level, partition: str) -> None:
    start = (NOW - 5 * DAY).replace(hour=0 if level is Level.DAY else 7)
    read = opened(asking, queries[level.query], {"from": start, "to": start + level.piece})
    assert read == {partition}


def test_late_hours_read_the_days_they_lie_in(asking: psycopg.Connection) -> None:
    hours = [NOW - 7 * DAY, NOW - 5 * DAY + HOUR, NOW - 5 * DAY]
    first, last = ((NOW - i * DAY).replace(hour=0) for i in (7, 4))
    given = {"channels": [1, 2, 3], "hours": hours, "until": NOW, "from": first, "to": last}
    read = opened(asking, queries[Level.MINUTE.late_query], given)
    assert {name for name in read if "rows" not in name} == {f"readings_{day(i)}" for i in (7, 5)}
    assert {name for name in read if "rows" in name} <= {f"readings_1m_rows_{day(i)}" for i in (7, 6, 5)}
    assert opened(asking, queries[Level.HOUR.late_query], given) == {f"readings_1m_rows_{day(i)}" for i in (7, 5)}
    assert opened(asking, queries[Level.DAY.late_query], given) == {"readings_1h_rows_20261101"}


@pytest.mark.parametrize("of", ["channel_id = 7 AND ", ""], ids=["one channel", "all channels"])
@pytest.mark.parametrize(
    ("level", "since", "stored"),
    [
        (Level.MINUTE, timedelta(days=2), {f"readings_1m_rows_{day(i)}" for i in range(3)}),
        (Level.HOUR, timedelta(days=6), {"readings_1h_rows_20261101"}),
        (Level.DAY, timedelta(days=39), {"readings_1d_rows_20260101"}),
    ],
)
def test_a_view_reads_what_is_stored_and_of_its_source_what_is_not(
    asking: psycopg.Connection, of: str, level: Level, since: timedelta, stored: set[str]
) -> None:
    query = f"SELECT * FROM vigil.readings_{level} WHERE {of}bucket >= %(since)s AND bucket < %(until)s"
    read = opened(asking, query.encode(), {"since": NOW - since, "until": NOW + HOUR})
    newest = {f"readings_{day(0)}"}
    below = {
        Level.MINUTE: newest,
        Level.HOUR: newest | {f"readings_1m_rows_{day(0)}"},
        Level.DAY: newest | {f"readings_1m_rows_{day(0)}", "readings_1h_rows_20261101"},
    }
    ahead = {name for name in read if name[-8:] > day(0) or name == "readings_default"}
    assert read - ahead == stored | below[level]
