"""Every query of every board runs, gives what its panel needs, and says what is true of the town."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import pytest

from deploy.boards.grafana import ALL, Range
from deploy.boards.grafana_files import alerts, boards
from tests.boards import (  # noqa: F401 - they say what is true
    truth_choices,
    truth_classes,
    truth_devices,
    truth_district,
    truth_incident,
    truth_response,
    truth_service,
    truth_site,
)
from tests.boards.asking import TRUTHS, all_names, answer, asked, compare, name_of, settle
from tests.boards.facts import Facts
from tests.boards.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import psycopg

    from deploy.boards.grafana import Board, Query, Value
    from tests.boards.conftest import Town

BOARDS: Final = boards()
ALERTS: Final = alerts()
ASKED: Final = [(board, query) for board in BOARDS for query in board.queries]
HOURS: Final = {"half an hour": 0.5, "six hours": 6.0, "three days": 72.0, "thirty days": 720.0, "two years": 17_520.0}
PLACES: Final[tuple[Mapping[str, Value], ...]] = (
    {"site": ALL, "grid": ALL, "building": ALL},
    {"site": ("shuibei",), "grid": ("01",), "building": ("1",)},
    {"site": ("shuibei", "cuizhu"), "grid": ("02", "03", "A"), "building": ALL},
    {"site": ("yongji",), "grid": ALL, "building": ALL},
)
"""What is chosen at the top of a board: all, one, many, and a site of which nothing was ever heard."""


DEVICES: Final = (
    *("shuibei/smoke-3", "shuibei/smoke-8", "shuibei/smoke-13", "shuibei/smoke-21", "shuibei/smoke-23"),
    *("shuibei/gas-1", "shuibei/gas-2", "shuibei/gas-4", "shuibei/co-1", "shuibei/hydrant-1", "shuibei/hydrant-3"),
    *("shuibei/tank-1", "shuibei/tank-2", "shuibei/watch-1", "shuibei/watch-3", "shuibei/tilt-1"),
    *("cuizhu/smoke-4", "cuizhu/gas-1", "cuizhu/tank-1", "cuizhu/watch-1"),
)
"""Devices that have something to show, one by one."""
FOUND: Final[dict[str, int]] = {}
"""How many rows were compared of each query."""


def choices(board: Board, world: World) -> Iterator[Mapping[str, Value]]:
    """Yield what a person may choose on a board: every place; where it has such a choice, every device or incident."""
    names = {variable.name for variable in board.variables}
    if "incident" in names:
        yield from ({"incident": one} for one in [*world.incidents, "NOSUCHID"])
        return
    yield from PLACES
    if "device" in names:
        for key in DEVICES:
            site, _, device = key.partition("/")
            yield {"site": (site,), "grid": ALL, "building": ALL, "device": (device,)}


def ranges(end: datetime) -> list[Range]:
    """Return the times that are looked at: short and long ones until now, one in between, and the week to come."""
    return [
        *(Range(end - timedelta(hours=hours), end) for hours in HOURS.values()),
        Range(end - timedelta(hours=60), end - timedelta(hours=40, minutes=13)),
        Range(end - timedelta(hours=30), end + timedelta(days=7)),
    ]


def test_there_are_boards() -> None:
    assert len(BOARDS) >= 10


@pytest.mark.parametrize("name", all_names())
def test_every_query_that_is_written_is_asked(name: str) -> None:
    used = {name_of(query.sql)[0] for _, query in ASKED} | {name_of(query.sql)[0] for query, _ in ALERTS}
    assert name in used


@pytest.mark.parametrize("query", [*(query for _, query in ASKED), *(query for query, _ in ALERTS)], ids=lambda q: q.id)
def test_somebody_has_said_what_every_query_must_find(query: Query) -> None:
    assert name_of(query.sql)[0] in TRUTHS


@pytest.mark.parametrize(("board", "query"), ASKED, ids=[query.id for _, query in ASKED])
def test_a_board_says_what_is_true(town: Town, board: Board, query: Query) -> None:
    name, put_in = name_of(query.sql)
    done = set()
    FOUND.setdefault(name, 0)
    for chosen in choices(board, town.world):
        for shown in ranges(town.world.end):
            values = town.settled(board, chosen, shown)
            relevant = {one: value for one, value in values.items() if f"${{{one}:" in query.sql}
            key = repr((relevant, shown if "$__" in query.sql else None))
            if key in done:
                continue
            done.add(key)
            found = answer(town.reader, query, values, shown)
            given = asked(town.facts, query, values, shown, datetime.now(UTC), put_in)
            try:
                FOUND[name] += compare(found, TRUTHS[name], given)
            except AssertionError as error:
                raise AssertionError(f"{name}, {relevant}, {shown.start} to {shown.end}: {error}") from None


def test_every_board_had_something_to_show() -> None:
    """What finds nothing in the whole town is not tested by it. Of queries that did not run nothing is said."""
    assert not [name for name, rows in FOUND.items() if not rows]


@pytest.mark.parametrize(("board", "query"), ASKED, ids=[query.id for _, query in ASKED])
def test_a_board_of_nothing_says_so(town: Town, nothing: psycopg.Connection, board: Board, query: Query) -> None:
    name, put_in = name_of(query.sql)
    facts = Facts(World(town.world.end_us, town.world.rules))
    for shown in ranges(town.world.end)[:1]:
        values = settle(nothing, board, {}, shown)
        found = answer(nothing, query, values, shown)
        compare(found, TRUTHS[name], asked(facts, query, values, shown, datetime.now(UTC), put_in))


@pytest.mark.parametrize(("query", "looks_back_s"), ALERTS, ids=[query.id for query, _ in ALERTS])
def test_an_alert_rule_says_what_is_true(town: Town, query: Query, looks_back_s: int) -> None:
    name, put_in = name_of(query.sql)
    now = datetime.now(UTC)
    shown = Range(now - timedelta(seconds=looks_back_s), now)
    found = answer(town.reader, query, {}, shown)
    compare(found, TRUTHS[name], asked(town.facts, query, {}, shown, now, put_in))


@pytest.mark.parametrize(("query", "looks_back_s"), ALERTS, ids=[query.id for query, _ in ALERTS])
def test_an_alert_rule_finds_nothing_where_there_is_nothing(
    nothing: psycopg.Connection, query: Query, looks_back_s: int
) -> None:
    now = datetime.now(UTC)
    assert answer(nothing, query, {}, Range(now - timedelta(seconds=looks_back_s), now)).rows == []


def test_every_truth_is_of_a_query_that_there_is() -> None:
    assert set(TRUTHS) <= set(all_names())
