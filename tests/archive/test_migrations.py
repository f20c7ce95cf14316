from __future__ import annotations

import importlib.resources
import threading
from typing import TYPE_CHECKING, Any, LiteralString

import psycopg
import pytest

from storage.sql import MigrationError, migrate, migrations, parse_queries

if TYPE_CHECKING:
    from tests.support.postgres import Database

pytestmark = pytest.mark.real

CATALOGUE: tuple[LiteralString, ...] = (
    """
    SELECT c.relname, c.relkind, coalesce(obj_description(c.oid, 'pg_class'), ''), a.attname,
        format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,
        coalesce(col_description(c.oid, a.attnum), '')
    FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
    WHERE c.relnamespace = 'vigil'::regnamespace ORDER BY c.relname, a.attnum
    """,
    """
    SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
    FROM pg_constraint WHERE connamespace = 'vigil'::regnamespace ORDER BY 1, 2
    """,
    "SELECT indexdef FROM pg_indexes WHERE schemaname = 'vigil' ORDER BY 1",
    "SELECT viewname, definition FROM pg_views WHERE schemaname = 'vigil' ORDER BY 1",
    """
    SELECT pg_get_functiondef(oid), obj_description(oid, 'pg_proc')
    FROM pg_proc WHERE pronamespace = 'vigil'::regnamespace ORDER BY 1
    """,
    "SELECT inhparent::regclass::text, inhrelid::regclass::text FROM pg_inherits ORDER BY 1, 2",
)


def catalogue(database: Database) -> list[list[tuple[Any, ...]]]:
    return [database.rows(query) for query in CATALOGUE]


def test_all_migrations_together_make_the_schema(database: Database, empty_database: Database) -> None:
    schema = (importlib.resources.files("storage.sql") / "schema.sql").read_text("utf-8")
    with psycopg.connect(empty_database.dsn) as connection:
        connection.execute(schema.encode())
    assert catalogue(database) == catalogue(empty_database)
    assert len(catalogue(database)[0]) > 100


def test_every_table_and_view_says_what_it_is(database: Database) -> None:
    silent = database.rows(
        "SELECT relname FROM pg_class WHERE relnamespace = 'vigil'::regnamespace AND relkind IN ('r', 'p', 'v')"
        " AND obj_description(oid, 'pg_class') IS NULL"
    )
    assert silent == []


def test_a_migrated_database_owes_nothing(empty_database: Database) -> None:
    assert migrate(empty_database.dsn) == list(migrations())
    assert migrate(empty_database.dsn) == []


def test_two_services_that_migrate_at_once_apply_each_migration_once(empty_database: Database) -> None:
    applied: list[str] = []
    threads = [threading.Thread(target=lambda: applied.extend(migrate(empty_database.dsn))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert applied == list(migrations())


def test_a_failed_migration_leaves_those_before_it(empty_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    first, *_ = migrations().items()
    broken = {first[0]: first[1], "0002_broken.sql": "CREATE TABLE vigil.half (a int); SELECT 1 / 0;"}
    monkeypatch.setattr("storage.sql.migration.migrations", lambda: broken)
    with pytest.raises(psycopg.errors.DivisionByZero):
        migrate(empty_database.dsn)
    monkeypatch.undo()
    assert empty_database.value("SELECT to_regclass('vigil.half')") is None
    assert migrate(empty_database.dsn) == list(migrations())[1:]


def test_incidents_stored_before_a_migration_are_kept(
    empty_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    early = dict(list(migrations().items())[:3])
    monkeypatch.setattr("storage.sql.migration.migrations", lambda: early)
    migrate(empty_database.dsn)
    monkeypatch.undo()
    empty_database.execute(
        "INSERT INTO vigil.incidents SELECT 'A1B2C3D4', 's/d', 's', '', 's', 's', NULL, NULL, 'gas', false, 'gas.high',"
        " 'Gas', '燃气', 'alarm', 'life-safety', 'gas', '气', 'gas_lel', 'ppm', 12, 10, '', 'raised', true, false,"
        " now(), now(), now(), now(), 0, NULL, '', NULL, '', NULL, '', 1"
    )
    migrate(empty_database.dsn)
    assert empty_database.rows("SELECT value, rule_kind, members, members_count FROM vigil.incidents") == [
        (12.0, None, [], 0)
    ]


def test_what_was_stored_as_acknowledged_and_delivered_is_called_what_it_is_now(
    empty_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    early = dict(list(migrations().items())[:4])
    monkeypatch.setattr("storage.sql.migration.migrations", lambda: early)
    migrate(empty_database.dsn)
    monkeypatch.undo()
    empty_database.execute(
        "INSERT INTO vigil.incidents SELECT name, 's/d', 's', '', 's', 's', NULL, NULL, 'gas', false, 'gas.high',"
        " 'Gas', '燃气', 'alarm', 'life-safety', 'gas', '气', 'gas_lel', 'ppm', 12, 10, '', state, true, false,"
        " at, at, at, at, 0, taken, by, NULL, '', NULL, '', 2"
        " FROM (VALUES ('A', 'acknowledged', '2026-11-22 04:00+00'::timestamptz, 'li'), ('B', 'raised', NULL, ''))"
        " AS v (name, state, taken, by), (SELECT '2026-11-22 03:00+00'::timestamptz) AS t (at)"
    )
    empty_database.execute(
        "INSERT INTO vigil.incident_events"
        " VALUES ('A-2', 'A', 2, 'acknowledged', '2026-11-22 04:00+00', 'li', 'x', 'y')"
    )
    empty_database.execute(
        "INSERT INTO vigil.notifications VALUES ('N', 'A', 'duty', 'sms', 'delivered', '2026-11-22 03:01+00', 1, 'ok')"
    )
    empty_database.execute(
        "INSERT INTO vigil.notification_events VALUES ('N', '2026-11-22 03:01+00', 'delivered', 1, 'ok')"
    )
    migrate(empty_database.dsn)
    assert empty_database.rows(
        "SELECT incident_id, state, accepted_by, acceptances -> 0 ->> 'by', jsonb_array_length(acceptances),"
        " (acceptances -> 0 ->> 'time')::timestamptz = accepted, exercise, rating"
        " FROM vigil.incidents ORDER BY incident_id"
    ) == [("A", "accepted", "li", "li", 1, True, None, None), ("B", "raised", "", None, 0, None, None, None)]
    assert empty_database.rows("SELECT what, kind, who, via FROM vigil.timeline ORDER BY time") == [
        ("notification", "handed", "duty", "sms"),
        ("incident", "accepted", "li", ""),
    ]
    assert empty_database.value("SELECT status FROM vigil.notifications") == "handed"


def test_a_database_of_a_newer_version_is_left_alone(database: Database) -> None:
    database.execute("INSERT INTO vigil.schema_migrations (name) VALUES ('9999_from_the_future.sql')")
    with pytest.raises(MigrationError, match="9999_from_the_future"):
        migrate(database.dsn)


def test_queries_are_found_by_name_without_their_comments() -> None:
    text = "-- Head.\n\n-- first_one --\n-- What it does.\nSELECT 1;\n\n-- second --\nSELECT 2\n-- kept\n+ 1;\n"
    assert parse_queries(text) == {"first_one": b"SELECT 1;", "second": b"SELECT 2\n-- kept\n+ 1;"}


def test_two_queries_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="same"):
        parse_queries("-- same --\nSELECT 1;\n-- same --\nSELECT 2;\n")
