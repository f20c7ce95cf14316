"""The town in a database, once a run, and connections to it as Grafana makes them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.boards.asking import settle
from tests.boards.facts import Facts
from tests.boards.stored import play
from tests.support.postgres import TEMPLATE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from deploy.boards.grafana import Board, Range, Value
    from tests.boards.world import World
    from tests.support.postgres import Server

READER = "vigil_reader"


@dataclass(frozen=True, slots=True)
class Town:
    """The town's truth, and its database. reader: a connection as Grafana has one, which changes nothing."""

    world: World
    facts: Facts
    dsn: str
    reader: psycopg.Connection
    _settled: dict[str, dict[str, Value]] = field(default_factory=dict)

    def settled(self, board: Board, chosen: Mapping[str, Value], shown: Range) -> dict[str, Value]:
        """Return the values of a board's variables; each choice is made once."""
        key = repr((board.uid, chosen, shown))
        if key not in self._settled:
            self._settled[key] = settle(self.reader, board, chosen, shown)
        return self._settled[key]


def read_only(dsn: str) -> psycopg.Connection:
    """Connect as a reader of the boards."""
    connection = psycopg.connect(dsn, autocommit=True)
    connection.execute("SET TimeZone = 'UTC'; SET default_transaction_read_only = on; SET statement_timeout = '20s'")
    connection.execute(f"SET ROLE {READER}".encode())
    return connection


@pytest.fixture(scope="session")
def town(server: Server, open_directory: Path) -> Iterator[Town]:
    """Return the town, played up to this minute, in a database that no test changes."""
    server.start()
    database = server.create(TEMPLATE)
    world = play(database.dsn, open_directory / "town")
    with read_only(database.dsn) as reader:
        yield Town(world, Facts(world), database.dsn, reader)
    server.drop(database)


@pytest.fixture(scope="session")
def nothing(server: Server) -> Iterator[psycopg.Connection]:
    """Return a reader's connection to a database in which there is nothing."""
    server.start()
    database = server.create(TEMPLATE)
    with read_only(database.dsn) as reader:
        yield reader
    server.drop(database)
