"""What the two roles may do and see, on both kinds of server."""

from __future__ import annotations

import importlib.resources
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, LiteralString

import psycopg
import pytest
from msgspec.structs import replace
from psycopg import sql
from psycopg.conninfo import make_conninfo

from alerts.incident import Exercise, IncidentState
from devices import Kind
from storage.archive import count_readings
from storage.archive.history import incident_values
from storage.sql import queries
from tests.archive.conftest import NOW_US, Running, append, batch, block, readings
from tests.support.incident import incident

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alerts.incident import Incident
    from devices import Registry
    from storage.journal import Journal
    from tests.support.postgres import Database
    from tests.support.timescale import TimescaleDatabase

    AnyDatabase = Database | TimescaleDatabase

pytestmark = pytest.mark.real

ROLES = (importlib.resources.files("storage.sql") / "roles.sql").read_bytes()
S = 1_000_000
MINUTE = timedelta(minutes=1)
EVENT = datetime.now(UTC).replace(hour=4, minute=0, second=0, microsecond=0) - timedelta(days=1)
EVENT_US = round(EVENT.timestamp()) * S
FALL = incident(
    at_us=EVENT_US,
    id="FA110001",
    device="shuibei/watch-1",
    kind=Kind.WATCH,
    rule_id="watch.fall",
    metric="heart_rate",
    unit="/min",
    value=171.0,
    what_en="heart rate 171/min",
    building="5",
    floor="2",
    unit_name="201",
)
SERIES: LiteralString = """
    SELECT metric, time, last
    FROM board.series(%s, NULL, NULL, '{heart_rate,battery_pct}', now() - INTERVAL '3 days', now())
    ORDER BY metric, time
"""


@pytest.fixture
def stored(either_database: AnyDatabase) -> AnyDatabase:
    """Return a database with an elder's watch: a heart rate and a battery every ten minutes of two hours."""
    with psycopg.connect(either_database.dsn, autocommit=True) as connection:
        connection.execute(ROLES)
        connection.execute(
            "INSERT INTO vigil.devices (site, name, kind, profile, grid, building, floor, unit, latitude, longitude,"
            " gateway, lifecycle)"
            " VALUES ('shuibei', 'watch-1', 'watch', 'watch', 'g1', '5', '2', '201', 22.5, 114.1, '', 'verified')"
        )
        connection.execute(
            "INSERT INTO vigil.channels (device_id, metric, unit)"
            " VALUES (1, 'heart_rate', '/min'), (1, 'battery_pct', '%')"
        )
        connection.execute(
            "INSERT INTO vigil.readings SELECT channel, %s + n * INTERVAL '10 minutes', 100 * channel + n, 0"
            " FROM generate_series(1, 2) AS channel, generate_series(-6, 5) AS n",
            [EVENT],
        )
        connection.execute(
            "INSERT INTO vigil.latest SELECT DISTINCT ON (channel_id) * FROM vigil.readings"
            " ORDER BY channel_id, time DESC"
        )
    return either_database


@pytest.fixture
def reader(stored: AnyDatabase) -> Iterator[psycopg.Connection]:
    """Return a connection that is Grafana's."""
    with psycopg.connect(stored.dsn, autocommit=True) as connection:
        connection.execute("SET ROLE vigil_reader")
        yield connection


def put(connection: psycopg.Connection, about: Incident) -> None:
    """Store `about` as the owner, on a connection of the reader's."""
    connection.execute("RESET ROLE")
    connection.execute(queries["put_incident"], incident_values(about))
    connection.execute("SET ROLE vigil_reader")


def closed(about: Incident) -> Incident:
    return replace(about, state=IncidentState.RESOLVED, closed_us=EVENT_US + 1800 * S, revision=about.revision + 1)


def heart_rates(reader: psycopg.Connection, level: str = "raw") -> list[datetime]:
    return [time for metric, time, _ in reader.execute(SERIES, [level]).fetchall() if metric == "heart_rate"]


# ── the reader ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_reader_may_read_every_view_of_the_boards(reader: psycopg.Connection) -> None:
    views = reader.execute("SELECT viewname FROM pg_views WHERE schemaname = 'board'").fetchall()
    assert len(views) >= 10
    for (view,) in views:
        reader.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier("board", view))).fetchall()
    for level, rows in (("raw", 12), ("1m", 12), ("1h", 2), ("1d", 1)):
        assert len(reader.execute(SERIES, [level]).fetchall()) == rows, "the battery is nobody's secret"


def test_a_reader_may_do_nothing_else(reader: psycopg.Connection) -> None:
    assert reader.execute(
        "SELECT has_schema_privilege('vigil', 'USAGE'), has_schema_privilege('vigil', 'CREATE'),"
        " has_schema_privilege('board', 'CREATE')"
    ).fetchall() == [(False, False, False)]
    # Whatever has our name or may hold our rows: chunks and rollups of TimescaleDB lie in a schema that all may use.
    assert (
        reader.execute(
            "SELECT relnamespace::regnamespace::text, relname FROM pg_class"
            " WHERE relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND ("
            "  relnamespace = 'vigil'::regnamespace"
            "  OR relnamespace::regnamespace::text = '_timescaledb_internal' AND relname ~ '^(compress)?_.*[0-9]')"
            " AND CASE relkind WHEN 'S' THEN has_sequence_privilege(oid, 'USAGE, SELECT, UPDATE') ELSE"
            "  has_table_privilege(oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')"
            "  OR has_any_column_privilege(oid, 'SELECT, INSERT, UPDATE, REFERENCES') END"
        ).fetchall()
        == []
    )
    assert (
        reader.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'board'::regnamespace"
            " AND has_table_privilege(oid, 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')"
        ).fetchall()
        == []
    )
    assert (
        reader.execute(
            "SELECT proname FROM pg_proc WHERE pronamespace = 'vigil'::regnamespace"
            " AND has_function_privilege(oid, 'EXECUTE')"
        ).fetchall()
        == []
    )


def test_a_reader_is_refused(reader: psycopg.Connection) -> None:
    refused: tuple[LiteralString, ...] = (
        "SELECT * FROM vigil.readings",
        "SELECT * FROM vigil.measurements",
        "SELECT * FROM vigil.readings_1m",
        "INSERT INTO vigil.late_readings VALUES (1, now())",
        "DELETE FROM board.gaps",
        "UPDATE board.archive SET position = 0",
        "SELECT vigil.drop_expired(now())",
        "CREATE TABLE board.mine (a int)",
        "CREATE TABLE public.mine (a int)",
        "CREATE SCHEMA mine",
    )
    for statement in refused:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute(statement)


# ── elders ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_elders_readings_and_place_are_hidden_while_nothing_is_open(reader: psycopg.Connection) -> None:
    for level in ("raw", "1m", "1h", "1d"):
        assert heart_rates(reader, level) == []
    assert reader.execute("SELECT metric FROM board.latest").fetchall() == [("battery_pct",)]
    assert reader.execute(
        "SELECT device, grid, building, floor, unit, latitude, longitude, state FROM board.devices"
    ).fetchall() == [("shuibei/watch-1", "g1", "", "", "", None, None, "normal")]
    assert reader.execute("SELECT DISTINCT building, floor FROM board.channels").fetchall() == [("", "")]


def test_an_elders_readings_are_seen_from_half_an_hour_before_what_is_open(reader: psycopg.Connection) -> None:
    put(reader, FALL)
    assert heart_rates(reader) == [EVENT + 10 * n * MINUTE for n in range(-3, 6)]
    assert heart_rates(reader, "1m") == [EVENT + 10 * n * MINUTE for n in range(-3, 6)]
    assert heart_rates(reader, "1h") == [EVENT], "the hour before it is half from before"
    assert heart_rates(reader, "1d") == []
    assert reader.execute("SELECT metric, value FROM board.latest ORDER BY 1").fetchall() == [
        ("battery_pct", 205.0),
        ("heart_rate", 105.0),
    ]
    assert reader.execute("SELECT building, floor, unit, latitude, state FROM board.devices").fetchall() == [
        ("5", "2", "201", 22.5, "alarm")
    ]
    assert reader.execute(
        "SELECT building, floor, unit_name, place, latitude, value, what_en, is_open FROM board.incidents"
    ).fetchall() == [("5", "2", "201", FALL.place, 22.5, 171.0, "heart rate 171/min", True)]


def test_an_elders_readings_are_hidden_again_once_it_is_closed(reader: psycopg.Connection) -> None:
    put(reader, FALL)
    put(reader, closed(FALL))
    assert heart_rates(reader) == []
    assert reader.execute("SELECT metric FROM board.latest").fetchall() == [("battery_pct",)]
    ((shown,),) = reader.execute("SELECT to_jsonb(incidents)::text FROM board.incidents").fetchall()
    for secret in ("171", "201", "22.5", "114.1", FALL.place, FALL.place_zh):
        assert secret not in shown
    assert reader.execute("SELECT * FROM board.timeline").fetchall() == []


def test_a_device_in_no_ledger_may_be_an_elders(reader: psycopg.Connection) -> None:
    reader.execute("RESET ROLE")
    reader.execute("UPDATE vigil.devices SET kind = 'unknown', profile = 'unknown', lifecycle = 'unregistered'")
    reader.execute("SET ROLE vigil_reader")
    assert heart_rates(reader) == []
    assert reader.execute("SELECT metric FROM board.latest").fetchall() == [("battery_pct",)]
    put(reader, replace(FALL, kind=Kind.UNKNOWN, unregistered=True))
    assert len(heart_rates(reader)) == 9


def test_of_two_open_incidents_the_earlier_opens_the_view(reader: psycopg.Connection) -> None:
    put(reader, FALL)
    put(reader, replace(FALL, id="FA110002", event_us=EVENT_US + 1200 * S))
    put(reader, closed(FALL))
    assert heart_rates(reader) == [EVENT + 10 * n * MINUTE for n in range(-1, 6)]


def test_a_drill_opens_nothing(reader: psycopg.Connection) -> None:
    put(reader, replace(FALL, exercise=Exercise.DRILL))
    assert heart_rates(reader) == []
    assert reader.execute("SELECT building, state FROM board.devices").fetchall() == [("", "normal")]


def test_a_device_that_nobody_knows_is_hidden_like_an_elders(reader: psycopg.Connection) -> None:
    reader.execute("RESET ROLE")
    reader.execute("UPDATE vigil.devices SET kind = 'unknown', profile = 'unknown', lifecycle = 'unregistered'")
    reader.execute("SET ROLE vigil_reader")
    assert heart_rates(reader) == []
    assert reader.execute("SELECT building, latitude FROM board.devices").fetchall() == [("", None)]
    put(reader, replace(FALL, kind=Kind.UNKNOWN, unregistered=True))
    assert heart_rates(reader) == [EVENT + 10 * n * MINUTE for n in range(-3, 6)]


def test_another_devices_incident_opens_nothing(reader: psycopg.Connection) -> None:
    put(reader, replace(FALL, device="shuibei/watch-2"))
    assert heart_rates(reader) == []


def test_a_function_that_tells_what_it_is_given_is_given_no_hidden_row(reader: psycopg.Connection) -> None:
    put(reader, FALL)
    put(reader, closed(FALL))
    told: list[str] = []
    reader.add_notice_handler(lambda notice: told.append(notice.message_primary or ""))
    reader.execute(
        "CREATE FUNCTION pg_temp.spy(seen anyelement) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS"
        " $$ BEGIN RAISE NOTICE '%', seen; RETURN true; END $$"
    )
    shown: dict[LiteralString, int] = {
        "SELECT FROM board.latest WHERE pg_temp.spy(latest)": 1,
        "SELECT FROM board.devices WHERE pg_temp.spy(devices)": 1,
        "SELECT FROM board.incidents WHERE pg_temp.spy(incidents)": 1,
        "SELECT FROM board.timeline WHERE pg_temp.spy(timeline)": 0,
        "SELECT FROM board.series('raw', NULL, NULL, '{heart_rate}', now() - INTERVAL '3 days', now()) AS rows"
        " WHERE pg_temp.spy(rows)": 0,
        "SELECT FROM board.latest AS a JOIN board.latest AS b ON pg_temp.spy(a) AND pg_temp.spy(b)": 2,
    }
    for query, seen in shown.items():
        told.clear()
        reader.execute(query)
        assert len(told) == seen, query
        for secret in ("105", "171", "22.5", "201"):
            assert secret not in "".join(told)


def test_a_condition_that_fails_on_a_hidden_value_does_not_tell_it(reader: psycopg.Connection) -> None:
    probe: LiteralString = "SELECT * FROM board.latest WHERE 1 / (value - 105)::int > 0"
    reader.execute(probe)
    put(reader, FALL)
    with pytest.raises(psycopg.errors.DivisionByZero):
        reader.execute(probe)


def test_a_reader_cannot_put_operators_of_its_own_into_the_owners_functions(reader: psycopg.Connection) -> None:
    told: list[str] = []
    reader.add_notice_handler(lambda notice: told.append(notice.message_primary or ""))
    reader.execute(
        "CREATE FUNCTION pg_temp.spy(a text, b text) RETURNS boolean LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE NOTICE '% as %', a, current_user; RETURN true; END $$"
    )
    reader.execute("CREATE OPERATOR pg_temp.= (FUNCTION = pg_temp.spy, LEFTARG = text, RIGHTARG = text)")
    reader.execute("CREATE TEMP TABLE channels (channel_id int, site text, name text, metric text, visible_from date)")
    reader.execute("SET search_path TO pg_temp, board, pg_catalog")
    assert heart_rates(reader) == []
    assert told == []


# ── the writer ───────────────────────────────────────────────────────────────────────────────────────────────────────


class Login:
    """A login in a role, for as long as the test runs."""

    def __init__(self, database: AnyDatabase, role: str) -> None:
        name, password = f"vigil_test_{uuid.uuid4().hex[:12]}", uuid.uuid4().hex
        with psycopg.connect(database.dsn, autocommit=True) as connection:
            connection.execute(ROLES)
            connection.execute(
                sql.SQL("CREATE ROLE {} LOGIN PASSWORD {} IN ROLE {}").format(
                    sql.Identifier(name), password, sql.Identifier(role)
                )
            )
        self.dsn = make_conninfo(database.dsn, user=name, password=password)


async def test_the_archive_works_as_a_writer(
    either_database: AnyDatabase, journal: Journal, registry: Registry
) -> None:
    writer = Login(either_database, "vigil_writer")
    async with Running(writer, journal, registry) as running:
        await append(journal, block(readings(1000)))
        await running.catches_up()
        await append(journal, block(readings(10)), block(batch([0, 2], [NOW_US - 86_400 * S, NOW_US + 7], [1.0, 2.0])))
        await running.catches_up()
        counters = running.archive.counters
        assert (counters.rows, counters.duplicates, counters.failures, counters.set_aside) == (1002, 10, 0, 0)
    assert count_readings(writer.dsn) == 1002
    assert either_database.value("SELECT count(*) FROM vigil.devices") == 10


def test_a_writer_cannot_change_the_schema(either_database: AnyDatabase) -> None:
    refused: tuple[LiteralString, ...] = (
        "CREATE TABLE vigil.mine (a int)",
        "CREATE TABLE board.mine (a int)",
        "CREATE SCHEMA mine",
        "DROP TABLE vigil.readings",
        "DROP TABLE vigil.incidents",
        "TRUNCATE vigil.audit_events",
        "ALTER TABLE vigil.readings ADD COLUMN a int",
        "CREATE INDEX ON vigil.latest (time)",
        "CREATE OR REPLACE FUNCTION vigil.storage_kind() RETURNS text LANGUAGE sql AS $$ SELECT 'mine' $$",
        "CREATE OR REPLACE VIEW board.gaps AS SELECT 1",
        "DELETE FROM vigil.schema_migrations",
        "CREATE ROLE vigil_test_other",
    )
    writer = Login(either_database, "vigil_writer")
    with psycopg.connect(writer.dsn, autocommit=True) as connection:
        for statement in refused:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)


def test_granting_anew_changes_nothing(either_database: AnyDatabase) -> None:
    rights: LiteralString = (
        "SELECT relnamespace::regnamespace::text, relname, relacl::text FROM pg_class"
        " WHERE relnamespace IN ('vigil'::regnamespace, 'board'::regnamespace) AND relkind <> 'i'"
        " UNION ALL SELECT 'function', proname, proacl::text FROM pg_proc"
        " WHERE pronamespace IN ('vigil'::regnamespace, 'board'::regnamespace) ORDER BY 1, 2, 3"
    )
    found = []
    for _ in range(2):
        with psycopg.connect(either_database.dsn, autocommit=True) as connection:
            connection.execute(ROLES)
        found.append(either_database.rows(rights))
    assert found[0] == found[1]
