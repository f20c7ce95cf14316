"""A real PostgreSQL for tests: one embedded server for the whole run, a fresh migrated database for each test.

Fixtures: `server` is the running server, which a test may `stop` and `start`; `database` is a database of its own,
cloned from a migrated template, with a `dsn`; `empty_database` is one without the schema. Databases stay until the
server goes: to drop one takes a checkpoint, and so longer than most tests.
"""

from __future__ import annotations

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

from storage.embedded import EmbeddedPostgres, EmbeddedPostgresError
from storage.sql import migrate

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Database", "Server", "database", "empty_database", "open_directory", "server"]

TEMPLATE = "vigil_template"


class Server:
    """The embedded server of this test run: `stop` ends it, `start` brings it back with all its databases."""

    def __init__(self, directory: Path) -> None:
        self.postgres = EmbeddedPostgres(directory / "postgresql")
        self.is_running = False

    def start(self) -> None:
        if not self.is_running:
            self.postgres.start()
            self.is_running = True

    def stop(self) -> None:
        if self.is_running:
            self.postgres.stop()
            self.is_running = False

    def kill(self) -> None:
        """End the server as a power cut would."""
        self._end(signal.SIGKILL)

    def discard(self) -> None:
        """End the server at once, where nobody wants its data any more."""
        self._end(signal.SIGQUIT)  # "immediate shutdown": it still gives back its shared memory

    def _end(self, how: signal.Signals) -> None:
        if self.is_running and self.postgres.pid is not None:
            os.kill(self.postgres.pid, how)
        self.stop()

    def create(self, template: str) -> Database:
        database = Database(self, f"test_{uuid.uuid4().hex[:12]}")
        self._execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(database.name), sql.Identifier(template))
        )
        return database

    def _execute(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.postgres.dsn("postgres"), autocommit=True) as connection:
            connection.execute(statement)


class Database:
    """One database. `dsn` holds while the server is stopped, too."""

    def __init__(self, server: Server, name: str) -> None:
        self.name = name
        self.dsn = server.postgres.dsn(name)

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
    server = Server(open_directory)
    try:
        server.start()
    except EmbeddedPostgresError as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))
    template = server.postgres.dsn(TEMPLATE)
    server.postgres.create_database(TEMPLATE)
    migrate(template)
    yield server
    server.discard()


@pytest.fixture
def database(server: Server) -> Database:
    """Return a fresh migrated database; its server runs when the test begins."""
    server.start()
    return server.create(TEMPLATE)


@pytest.fixture
def empty_database(server: Server) -> Database:
    """Return a fresh database without the schema."""
    server.start()
    return server.create("template1")
