from __future__ import annotations

import dataclasses
import importlib.resources
import threading
import uuid
from typing import TYPE_CHECKING, Any, LiteralString

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from storage.sql import MigrationError, migrate, migrations, parse_queries, plan
from storage.sql.migration import LOCK, Standing
from storage.sql.migration_plan import read_step

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.postgres import Database
    from tests.support.timescale import TimescaleDatabase

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


# ── beside others ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def up_to(empty_database: Database, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], Database]:
    """Return what brings the database to the schema of so many migrations, and no further."""

    def bring(number: int) -> Database:
        with monkeypatch.context() as earlier:
            known = dict(list(migrations().items())[:number])
            earlier.setattr("storage.sql.migration.migrations", lambda: known)
            migrate(empty_database.dsn)
        return empty_database

    return bring


def test_where_nothing_is_owed_nobody_is_waited_for(database: Database) -> None:
    with psycopg.connect(database.dsn) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        other.execute("LOCK TABLE vigil.incidents, vigil.readings IN ACCESS EXCLUSIVE MODE")
        assert migrate(database.dsn) == []


def test_who_comes_while_a_migration_waits_is_served_between_its_attempts(up_to: Callable[[int], Database]) -> None:
    database = up_to(5)
    said: list[str] = []
    served: list[object] = []
    with psycopg.connect(database.dsn, application_name="a long report") as report:
        report.execute("SELECT FROM vigil.journal_position")

        def say(text: str) -> None:
            said.append(text)
            served.append(database.value("SELECT count(*) FROM vigil.journal_position"))
            report.commit()

        assert migrate(database.dsn, say=say) == list(migrations())[5:]
    assert served == [0]
    assert said[0].startswith("0006_storage.sql: waits, since others use what it changes: ")
    assert "a long report, process" in said[0]


def test_a_migration_that_never_gets_its_locks_gives_up_and_has_done_nothing(up_to: Callable[[int], Database]) -> None:
    database = up_to(5)
    with psycopg.connect(database.dsn, application_name="a long report") as report:
        report.execute("SELECT FROM vigil.journal_position")
        with pytest.raises(MigrationError, match=r"0006_storage\.sql: gave up after 0 s, .*a long report"):
            migrate(database.dsn, patience_s=0)
        assert database.value("SELECT count(*) FROM vigil.schema_migrations") == 5
        assert database.value("SELECT to_regclass('vigil.latest')") is None
    assert migrate(database.dsn) == list(migrations())[5:]


# ── rights ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def login_of(database: Database, *, member_of: str = "") -> str:
    """Make a role that may connect and nothing else, and return how it does."""
    name = f"vigil_test_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(database.dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(name)))
        if member_of:
            connection.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(member_of), sql.Identifier(name)))
    return make_conninfo(database.dsn, user=name)


def test_a_writer_may_look_and_where_something_is_owed_hears_who_may_do_it(up_to: Callable[[int], Database]) -> None:
    database = up_to(len(migrations()))
    writer = login_of(database, member_of="vigil_writer")
    assert migrate(writer) == []
    database.execute("DELETE FROM vigil.schema_migrations WHERE name LIKE '0007%%'")
    owner = database.value("SELECT current_user")
    with pytest.raises(MigrationError, match=f"the schema belongs to {owner}, .*run `vigil migrate` as {owner}"):
        migrate(writer)
    assert f"belongs to {owner}" in plan(writer).fault


def test_a_stranger_hears_that_nothing_is_his(database: Database, empty_database: Database) -> None:
    with pytest.raises(MigrationError, match=r"may not even see .*vigil_writer"):
        migrate(login_of(database))
    with pytest.raises(MigrationError, match=r"there is no schema yet, and .* as its owner"):
        migrate(login_of(empty_database))


def test_an_owner_who_may_not_make_roles_grants_those_that_are_there(empty_database: Database) -> None:
    dsn = login_of(empty_database)
    owner = psycopg.conninfo.conninfo_to_dict(dsn)["user"]
    with psycopg.connect(empty_database.dsn, autocommit=True) as connection:
        connection.execute(
            sql.SQL("ALTER DATABASE {} OWNER TO {}").format(
                sql.Identifier(empty_database.name), sql.Identifier(str(owner))
            )
        )
    assert migrate(dsn) == list(migrations())
    granted = "SELECT has_table_privilege('vigil_reader', 'board.devices', 'SELECT')"
    assert empty_database.value(granted) is True


def test_what_an_administrator_migrates_still_belongs_to_the_owner(empty_database: Database) -> None:
    dsn = login_of(empty_database)
    owner = str(psycopg.conninfo.conninfo_to_dict(dsn)["user"])
    given = {"database": sql.Identifier(empty_database.name), "owner": sql.Identifier(owner)}
    with psycopg.connect(empty_database.dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("GRANT CREATE ON DATABASE {database} TO {owner}").format(**given))
        connection.execute(sql.SQL("CREATE SCHEMA vigil AUTHORIZATION {owner}").format(**given))
    assert migrate(empty_database.dsn) == list(migrations())
    owners = """
        SELECT DISTINCT pg_get_userbyid(of) FROM (
            SELECT relowner AS of, relnamespace AS schema FROM pg_class
            UNION ALL SELECT proowner, pronamespace FROM pg_proc
            UNION ALL SELECT nspowner, oid FROM pg_namespace
        ) AS made WHERE schema IN ('vigil'::regnamespace, 'board'::regnamespace)
    """
    assert empty_database.rows(owners) == [(owner,)]
    with psycopg.connect(dsn) as connection:
        assert connection.execute("SELECT vigil.ensure_rollup_partition('1m', now())").fetchone() == (True,)


def test_a_role_that_nobody_could_make_is_told() -> None:
    lacking = Standing(
        user="li",
        owner="li",
        may_change=True,
        may_create_roles=False,
        has_boards=True,
        is_granted=True,
        lacking_roles=("vigil_reader",),
        applied=frozenset(migrations()),
    )
    assert lacking.doubt.startswith("the role vigil_reader is not there, and li may not make roles: ")
    assert lacking.fault(migrations()) == ""
    assert not lacking.owes_roles
    assert dataclasses.replace(lacking, may_create_roles=True).owes_roles
    assert not dataclasses.replace(lacking, may_create_roles=True, may_change=False).owes_roles


def test_what_a_restore_left_without_rights_gets_them_again(database: Database) -> None:
    database.execute("REVOKE ALL ON ALL TABLES IN SCHEMA board FROM vigil_reader")
    database.execute("REVOKE ALL ON SCHEMA board FROM vigil_reader")
    assert migrate(database.dsn) == []
    assert database.value("SELECT has_schema_privilege('vigil_reader', 'board', 'USAGE')") is True
    assert database.value("SELECT has_table_privilege('vigil_reader', 'board.devices', 'SELECT')") is True


# ── plans ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_plan_says_what_is_owed_and_changes_nothing(up_to: Callable[[int], Database]) -> None:
    database = up_to(5)
    before = catalogue(database)
    found = plan(database.dsn)
    assert catalogue(database) == before
    assert [step.name for step in found.steps] == list(migrations())[5:]
    assert found.applied == tuple(list(migrations())[:5])
    assert (found.user, found.fault, found.doubt) == (found.owner, "", "")
    (storage, boards, *_) = found.steps
    assert "index on every partition of readings" in storage.costs
    assert {"journal_position", "readings"} <= set(storage.tables) <= {table.name for table in found.tables}
    assert storage.rows == (), "the tables that it fills are its own"
    assert boards.indexes == ("incidents", "response_events")
    assert all(table.bytes > 0 for table in found.tables)


def test_the_plan_of_a_database_without_a_schema_touches_no_table(empty_database: Database) -> None:
    found = plan(empty_database.dsn)
    assert [step.name for step in found.steps] == list(migrations())
    assert found.tables == ()
    assert found.owner == ""


def test_the_plan_of_a_migrated_database_is_empty(database: Database) -> None:
    assert plan(database.dsn).steps == ()


def test_the_plan_of_a_database_with_timescaledb_says_so(
    empty_timescale_database: TimescaleDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as earlier:
        known = dict(list(migrations().items())[:5])
        earlier.setattr("storage.sql.migration.migrations", lambda: known)
        migrate(empty_timescale_database.dsn)
    found = plan(empty_timescale_database.dsn)
    assert found.timescaledb.startswith("2.")
    assert "readings" in found.steps[0].changes, "a columnstore is made of it"


def test_every_migration_says_in_its_first_line_what_it_does() -> None:
    for name, text in migrations().items():
        step = read_step(name, text, has_timescaledb=False)
        assert step.does.endswith("."), name


def test_what_a_migration_does_to_tables_is_read_from_its_statements() -> None:
    text = (
        "-- It does this.\n-- It takes that.\n\n-- ALTER TABLE vigil.commented ADD x int;\n"
        "ALTER TABLE vigil.a ADD x int; ALTER TABLE vigil.h SET (timescaledb.enable_columnstore);\n"
        "CREATE UNIQUE INDEX a_x ON vigil.b (x); UPDATE vigil.c SET x = 1; DELETE FROM vigil.c;\n"
        "CREATE FUNCTION vigil.f() RETURNS void LANGUAGE sql AS $$ DELETE FROM vigil.not_now $$;\n"
    )
    step = read_step("0009.sql", text, has_timescaledb=False)
    assert (step.does, step.costs) == ("It does this.", "It takes that.")
    assert (step.changes, step.indexes, step.rows) == (("a",), ("b",), ("c",))
    assert step.tables == ("a", "b", "c")
    assert read_step("0009.sql", text, has_timescaledb=True).changes == ("a", "h")


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
