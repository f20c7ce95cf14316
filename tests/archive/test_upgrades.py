"""From every earlier schema to the newest: every row is there and means what it meant, on both kinds of server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, LiteralString

import psycopg
import pytest
from psycopg import sql

from storage.sql import migrate
from storage.upkeep import Retention, Upkeep, UpkeepSettings
from tests.support.earlier import LEVELS, NAMES, SCHEMAS, all_rows, faults_of_rollups, in_order, live_up_to

if TYPE_CHECKING:
    from tests.support.postgres import Database
    from tests.support.timescale import TimescaleDatabase

    AnyDatabase = Database | TimescaleDatabase

pytestmark = pytest.mark.real

EARLIER = NAMES[:-1]

# What a later version calls otherwise: columns, and words in a column.
COLUMNS = {("incidents", "acknowledged"): "accepted", ("incidents", "acknowledged_by"): "accepted_by"}
WORDS = {
    ("incidents", "state"): {"acknowledged": "accepted"},
    ("incident_events", "kind"): {"acknowledged": "accepted"},
    ("notifications", "status"): {"delivered": "handed"},
    ("notification_events", "status"): {"delivered": "handed"},
}


def test_every_earlier_schema_has_its_rows() -> None:
    assert [path.stem for path in sorted(SCHEMAS.glob("*.sql"))] == [name[:4] for name in EARLIER]


@pytest.mark.parametrize("newest", EARLIER)
def test_a_database_of_an_earlier_schema_loses_nothing(
    newest: str, either_empty_database: AnyDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = either_empty_database
    live_up_to(newest, old, monkeypatch)
    before = all_rows(old)
    assert [table for table, rows in before.items() if not rows] == [], "every table of that schema has rows"
    assert migrate(old.dsn) == list(NAMES[NAMES.index(newest) + 1 :])
    after = all_rows(old)
    for table, rows in before.items():
        wanted = [as_called_now(table, row) for row in rows]
        assert in_order(wanted) == in_order([{name: row[name] for name in wanted[0]} for row in after[table]]), table
    says_who_took_it_up(newest, old)
    boards_show_it(newest, old)
    can_be_rolled_up(old)


def as_called_now(table: str, row: dict[str, Any]) -> dict[str, Any]:
    """Return `row` of an earlier version in the words of this one."""
    return {
        COLUMNS.get((table, name), name): WORDS.get((table, name), {}).get(value, value)
        if isinstance(value, str)
        else value
        for name, value in row.items()
    }


# ── what it means ────────────────────────────────────────────────────────────────────────────────────────────────────


def says_who_took_it_up(newest: str, database: AnyDatabase) -> None:
    """What was one person's acknowledgement is the first acceptance."""
    taken = database.rows(
        "SELECT incident_id, acceptances -> 0 ->> 'by', (acceptances -> 0 ->> 'time')::timestamptz = accepted"
        " FROM vigil.incidents WHERE accepted IS NOT NULL AND incident_id < 'AAAA0006' ORDER BY 1"
    )
    wanted = [("AAAA0002", "li", True), ("AAAA0003", "wang", True), ("AAAA0005", "li", True)]
    assert taken == wanted[: {"0001": 0, "0002": 0, "0003": 2}.get(newest[:4], 3)]


def boards_show_it(newest: str, database: AnyDatabase) -> None:
    assert database.rows("SELECT device, count(*) FROM vigil.measurements GROUP BY 1 ORDER BY 1") == [
        ("gas-1", 579),
        ("watch-1", 2),
    ]
    assert database.value("SELECT count(*) FROM vigil.quarantined_measurements") == 1
    with psycopg.connect(database.dsn) as connection:
        views = [name for (name,) in connection.execute("SELECT viewname FROM pg_views WHERE schemaname = 'board'")]
        assert len(views) >= 10
        for name in views:
            connection.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier("board", name)))
    series: LiteralString = (
        "SELECT count(*) FROM board.series(%s, '{shuibei}', NULL, ARRAY[%s], now() - INTERVAL '20 days', now())"
    )
    for level, count in (("raw", 576), ("1m", 576), ("1h", 96), ("1d", 4)):
        assert database.value(series, level, "gas_lel") == count, "the stranger's are hidden"
    assert database.value(series, "raw", "heart_rate") == (1 if newest >= "0005" else 0)
    assert database.value("SELECT count(*) FROM board.timeline") == database.value(
        "SELECT count(*) FROM vigil.timeline JOIN vigil.incidents USING (incident_id)"
        " WHERE what <> 'audit' AND (incidents.kind <> 'watch' OR closed IS NULL)"
    )


def can_be_rolled_up(database: AnyDatabase) -> None:
    """The rollups are right before anything is stored of them, and after."""
    assert faults_of_rollups(database) == {level: [] for level in LEVELS}
    roll_up(database)
    assert faults_of_rollups(database) == {level: [] for level in LEVELS}


def roll_up(database: AnyDatabase) -> None:
    """Let the upkeep do all there is to do, beside an archive that is at work; nothing expires."""
    database.execute("INSERT INTO vigil.journal_position VALUES ('at-work', 1, now(), now())")
    settings = UpkeepSettings(Retention(None, None, None, None, None, None, None), every_s=1.0)
    upkeep = Upkeep(lambda: database.dsn, settings=settings)
    while upkeep.round() == 0.0:
        pass
    upkeep.close()
    assert upkeep.counters.failures == 0
    assert upkeep.counters.late_hours <= 1, "the hour that is about to become late"
