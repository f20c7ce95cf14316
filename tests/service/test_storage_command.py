"""`vigil migrate` and `vigil storage` as an operator meets them."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from typer.testing import CliRunner, Result

from service.cli.app import app
from storage.sql import migrate, migrations

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.postgres import Database

pytestmark = pytest.mark.real

PASSWORD = "守望 pass'word"


@pytest.fixture
def vigil(tmp_path: Path) -> Callable[..., Result]:
    """Return what runs a command; its data would be in an empty folder."""

    def run(*words: str, **environment: str) -> Result:
        given = {"VIGIL_DATA_DIR": str(tmp_path / "data"), "COLUMNS": "250", **environment}
        return CliRunner().invoke(app, [*words], env=given)

    return run


@pytest.fixture
def older(empty_database: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    """Return a database of the release before storage was kept up."""
    with monkeypatch.context() as earlier:
        known = dict(list(migrations().items())[:5])
        earlier.setattr("storage.sql.migration.migrations", lambda: known)
        migrate(empty_database.dsn)
    return empty_database


def said(result: Result) -> str:
    assert result.exception is None, result.exception
    return result.output


# ── migrate ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_plan_is_printed_and_nothing_is_done_until_it_is_asked_for(
    vigil: Callable[..., Result], older: Database
) -> None:
    printed = said(vigil("migrate", "--plan", "--dsn", older.dsn))
    assert f"{len(migrations()) - 5} migrations are owed:" in printed
    assert "0006_storage.sql" in printed
    assert "neither read nor written meanwhile: journal_position (" in printed
    assert older.value("SELECT count(*) FROM vigil.schema_migrations") == 5
    found = json.loads(said(vigil("migrate", "--plan", "--json", "--dsn", older.dsn)))
    assert [step["name"] for step in found["steps"]] == list(migrations())[5:]
    assert said(vigil("migrate", "--dsn", older.dsn)).split() == list(migrations())[5:]
    assert said(vigil("migrate", "--dsn", older.dsn)) == "The schema is up to date.\n"
    assert f"all {len(migrations())} migrations are applied" in said(vigil("migrate", "--plan", "--dsn", older.dsn))


def test_the_owner_of_the_settings_migrates_and_the_writer_does_not(
    vigil: Callable[..., Result], older: Database
) -> None:
    environment = {"VIGIL_DATABASE__DSN": "host=192.0.2.1 connect_timeout=1", "VIGIL_DATABASE__OWNER_DSN": older.dsn}
    assert said(vigil("migrate", **environment)).split() == list(migrations())[5:]


def test_the_plan_of_an_embedded_database_that_was_never_started_starts_none(
    vigil: Callable[..., Result], tmp_path: Path
) -> None:
    assert said(vigil("migrate", "--plan")).startswith("There is no database yet")
    assert not (tmp_path / "data").exists()
    assert "there is no database in" in str(vigil("storage", "status").exception)
    assert not (tmp_path / "data").exists()


def test_json_is_of_the_plan_alone(vigil: Callable[..., Result]) -> None:
    assert vigil("migrate", "--json").exit_code == 2


# ── status ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_status_says_how_large_and_how_old_history_is(vigil: Callable[..., Result], database: Database) -> None:
    database.execute("SELECT vigil.ensure_readings_day('2026-11-21')")
    database.execute("INSERT INTO vigil.readings VALUES (1, '2026-11-21 08:00+00', 1.5, 0)")
    database.execute("INSERT INTO vigil.journal_position VALUES ('j1', 7, now(), now())")
    printed = said(vigil("storage", "status", "--dsn", database.dsn))
    assert "PostgreSQL" in printed
    assert "90 days" in printed
    assert "j1" in printed
    found = json.loads(said(vigil("storage", "status", "--json", "--dsn", database.dsn)))
    relations = {one["name"]: one for one in found["relations"]}
    assert relations["readings"]["bytes"] > 0
    assert [one["position"] for one in found["journals"]] == [7]
    assert found["roles"] == {"vigil_writer": True, "vigil_reader": True}


def test_the_status_of_an_older_schema_says_what_to_do(vigil: Callable[..., Result], older: Database) -> None:
    assert "see `vigil migrate --plan`" in str(vigil("storage", "status", "--dsn", older.dsn).exception)


# ── grant ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def login() -> str:
    """Return a name that no role has; it needs quotes."""
    return f"vigil_test-{uuid.uuid4().hex[:8]}"


def test_a_reader_reads_boards_and_nothing_else(vigil: Callable[..., Result], database: Database, login: str) -> None:
    words = ("storage", "grant", login, "--reader", "--dsn", database.dsn)
    assert "was made; it is a vigil_reader" in said(vigil(*words, VIGIL_STORAGE_PASSWORD=PASSWORD))
    kept = database.value("SELECT rolpassword FROM pg_authid WHERE rolname = %s", login)
    assert kept.startswith("SCRAM-SHA-256$"), "the password itself never reaches the server"
    with psycopg.connect(make_conninfo(database.dsn, user=login, password=PASSWORD), autocommit=True) as grafana:
        assert grafana.execute("SELECT count(*) FROM board.devices").fetchall() == [(0,)]
        settings = grafana.execute(
            "SELECT current_setting('timezone'), current_setting('statement_timeout'),"
            " current_setting('default_transaction_read_only')"
        )
        assert settings.fetchall() == [("Asia/Shanghai", "30s", "on")]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            grafana.execute("SELECT * FROM vigil.readings")
    assert "keeps its password" in said(vigil(*words))
    assert database.value("SELECT rolpassword FROM pg_authid WHERE rolname = %s", login) == kept
    refused = vigil("storage", "status", "--dsn", make_conninfo(database.dsn, user=login, password=PASSWORD))
    assert "vigil_writer" in str(refused.exception)


def test_a_writer_writes_and_does_not_change_the_schema(
    vigil: Callable[..., Result], database: Database, login: str
) -> None:
    said(vigil("storage", "grant", login, "--writer", "--dsn", database.dsn, VIGIL_STORAGE_PASSWORD=""))
    with psycopg.connect(make_conninfo(database.dsn, user=login), autocommit=True) as writer:
        writer.execute("INSERT INTO vigil.latest VALUES (1, now(), 1.0, 0)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            writer.execute("ALTER TABLE vigil.latest ADD note text")
    printed = said(vigil("storage", "status", "--dsn", make_conninfo(database.dsn, user=login)))
    assert "readings" in printed


def test_a_new_login_is_asked_for_its_password_twice(database: Database, login: str) -> None:
    words = ["storage", "grant", login, "--reader", "--dsn", database.dsn]
    result = CliRunner().invoke(app, words, input="first\nfirst\n")
    assert "was made" in said(result)
    assert "first" not in result.output
    assert database.value("SELECT rolpassword IS NOT NULL FROM pg_authid WHERE rolname = %s", login) is True


def test_the_statements_are_printed_for_whoever_may_not_run_them_here(vigil: Callable[..., Result], login: str) -> None:
    given = {"VIGIL_DATABASE__DSN": "host=192.0.2.1 dbname=city", "VIGIL_STORAGE_PASSWORD": PASSWORD}
    printed = said(vigil("storage", "grant", login, "--reader", "--sql", **given))
    assert printed.splitlines()[:2] == [f'CREATE ROLE "{login}" LOGIN;', f'GRANT "vigil_reader" TO "{login}";']
    assert f'ALTER ROLE "{login}" IN DATABASE "city" SET' in printed
    assert PASSWORD not in printed


def test_whoever_may_not_make_roles_hears_what_would_help(
    vigil: Callable[..., Result], database: Database, login: str
) -> None:
    said(vigil("storage", "grant", login, "--writer", "--dsn", database.dsn, VIGIL_STORAGE_PASSWORD=""))
    own = make_conninfo(database.dsn, user=login)
    refused = vigil("storage", "grant", f"{login}-2", "--reader", "--dsn", own, VIGIL_STORAGE_PASSWORD="x")
    assert "wanted somebody who may make roles" in str(refused.exception)
    assert "those of its own system user" in str(vigil("storage", "grant", login, "--reader").exception)
    assert vigil("storage", "grant", login).exit_code == 2
    assert vigil("storage", "grant", login, "--reader", "--writer").exit_code == 2


def test_what_is_refused_ends_without_a_traceback(older: Database) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "service.cli", "storage", "status", "--dsn", older.dsn],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 4
    assert "Traceback" not in ended.stderr
    assert "vigil migrate" in ended.stderr
