"""`roles.sql` on a real PostgreSQL: Vigil migrates and archives without a superuser, and Grafana only reads."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import TYPE_CHECKING, LiteralString

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from storage.embedded import EmbeddedPostgres
from storage.sql import migrate
from tests.deploy.composition import ROOT, composed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.real

ROLES = ROOT / "deploy" / "postgresql" / "roles.sql"
ADMINISTRATOR = "postgres"
ENVIRONMENT = composed()["services"]["timescaledb"]["environment"]


def execute(dsn: str, statement: LiteralString) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(statement)


@pytest.fixture(scope="module")
def dsn(open_directory: Path, programs: Path) -> Iterator[str]:
    """Return an administrator's way to a database on a server of our own: roles belong to the whole server."""
    server = EmbeddedPostgres(open_directory / "with roles", bin_dir=programs)
    server.start()
    try:
        execute(server.dsn("postgres"), "CREATE ROLE postgres SUPERUSER LOGIN")
        administrator = make_conninfo(server.dsn("postgres"), user=ADMINISTRATOR)
        # The embedded server's own administrator has the name that Vigil has on other servers.
        execute(administrator, "ALTER ROLE vigil RENAME TO nobody_here")
        execute(administrator, "CREATE DATABASE site")
        yield make_conninfo(administrator, dbname="site")
    finally:
        if server.pid is not None:
            os.kill(server.pid, signal.SIGQUIT)  # nobody wants its data any more
        server.stop()


def run_roles(dsn: str, programs: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    # As the entrypoint of the container does.
    return subprocess.run(
        [programs / "psql", "--no-psqlrc", "--dbname", dsn, "--file", ROLES],
        env={"PATH": os.environ["PATH"]} | environment,
        check=False,
        capture_output=True,
        text=True,
    )


def test_after_it_each_role_may_do_its_own_and_nothing_else(dsn: str, programs: Path) -> None:
    for _ in range(2):  # it may be run again
        done = run_roles(dsn, programs, **ENVIRONMENT)
        assert done.returncode == 0, done.stderr
    owner, vigil, grafana = (make_conninfo(dsn, user=name) for name in ("vigil_owner", "vigil", "grafana"))
    assert migrate(owner)
    done = run_roles(dsn, programs, **ENVIRONMENT)
    assert done.returncode == 0, done.stderr

    assert migrate(vigil) == []
    with psycopg.connect(vigil) as connection:
        connection.execute("CREATE TEMP TABLE staged (channel_id integer)")
        connection.execute("DELETE FROM vigil.latest WHERE channel_id < 0")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("ALTER TABLE vigil.devices ADD COLUMN mine integer")
    with psycopg.connect(grafana, autocommit=True) as connection:
        assert connection.execute("SELECT count(*) FROM board.devices").fetchone() is not None
        assert connection.execute("SHOW statement_timeout").fetchone() == ("30s",)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT * FROM vigil.incidents")
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            connection.execute("CREATE TEMP TABLE mine (n integer)")
        connection.execute("SET default_transaction_read_only = off")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("CREATE TEMP TABLE mine (n integer)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("CREATE TABLE public.mine (n integer)")


def test_no_role_is_a_superuser_and_each_has_the_password_of_the_environment(dsn: str, programs: Path) -> None:
    assert run_roles(dsn, programs, **ENVIRONMENT).returncode == 0
    with psycopg.connect(dsn) as connection:
        found = connection.execute(
            "SELECT rolname, rolsuper, rolcreaterole, rolcreatedb, rolcanlogin, rolpassword LIKE 'SCRAM-SHA-256$%%' "
            "FROM pg_authid WHERE rolname IN ('vigil_owner', 'vigil', 'grafana') ORDER BY 1",
            (),
        ).fetchall()
    may_log_in_only = (False, False, False, True, True)
    assert found == [(name, *may_log_in_only) for name in ("grafana", "vigil", "vigil_owner")]


def test_without_a_password_nothing_is_done(dsn: str, programs: Path) -> None:
    for name in ("VIGIL_OWNER_PASSWORD", "VIGIL_DATABASE_PASSWORD", "GRAFANA_DATABASE_PASSWORD"):
        lacking = {key: value for key, value in ENVIRONMENT.items() if key != name}
        assert len(lacking) == len(ENVIRONMENT) - 1
        assert run_roles(dsn, programs, **lacking).returncode != 0
