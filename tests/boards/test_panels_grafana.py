"""Our Grafana writes the SQL that Grafana writes, and refuses what Grafana would not draw."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from deploy.boards.grafana import (
    ALL,
    GrafanaError,
    Query,
    QueryKind,
    Range,
    Variable,
    check_frame,
    interval_ms,
    on_the_page,
    on_the_server,
    options,
    value_of,
)
from tests.boards.asking import name_of

START: Final = datetime(2018, 4, 12, 18, 0, tzinfo=UTC)
SHOWN: Final = Range(START, START + timedelta(minutes=5))
TEXT, NUMBER, TIME, INTERVAL = 25, 701, 1184, 1186
SITE: Final = Variable("site", "query", multi=True, include_all=True)


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("$__timeFilter(raised)", "raised BETWEEN '2018-04-12T18:00:00Z' AND '2018-04-12T18:05:00Z'"),
        ("$__timeFrom()", "'2018-04-12T18:00:00Z'"),
        ("$__timeTo()", "'2018-04-12T18:05:00Z'"),
        ("GROUP BY $__timeGroup(time, '5m')", "GROUP BY floor(extract(epoch from time)/300)*300"),
        ("$__timeGroup(time,5m), x", 'floor(extract(epoch from time)/300)*300 AS "time", x'),
        ("$__timeGroupAlias(time, $__interval)", 'floor(extract(epoch from time)/60)*60 AS "time"'),
        ("$__interval_ms / 1000, '$__interval'", "60000 / 1000, '1m'"),
    ],
)
def test_macros_become_what_the_server_makes_of_them(written: str, sent: str) -> None:
    assert on_the_server(written, SHOWN, 60_000) == sent


def test_with_timescaledb_a_group_is_a_time_bucket() -> None:
    assert on_the_server("$__timeGroup(time, 1h)", SHOWN, 1, timescaledb=True) == "time_bucket('3600.000s',time)"


@pytest.mark.parametrize("written", ["$__unknown(x)", "$__timeGroup(time)", "$__timeGroup(time, often)"])
def test_what_is_no_macro_is_refused(written: str) -> None:
    with pytest.raises(GrafanaError):
        on_the_server(written, SHOWN, 60_000)


def test_variables_are_quoted_for_sql_and_macros_left_to_the_server() -> None:
    sql = "site IN (${site:sqlstring}) AND grid IN (${grid:sqlstring}) AND $__timeFilter(time)"
    page = on_the_page(sql, {"site": ("a'b", "c"), "grid": "01"}, SHOWN, 60_000)
    assert page == "site IN ('a''b','c') AND grid IN ('01') AND $__timeFilter(time)"


@pytest.mark.parametrize("sql", ["${nobody:sqlstring}", "$site", "${site}", "${site:loud}"])
def test_what_is_not_known_or_not_quoted_is_refused(sql: str) -> None:
    with pytest.raises(GrafanaError):
        on_the_page(sql, {"site": ("a",)}, SHOWN, 60_000)


def test_all_stands_for_every_option_or_for_its_own_words() -> None:
    assert value_of(SITE, ALL, ["a", "b"]) == ("a", "b")
    own = Variable("site", "query", multi=True, include_all=True, all_value="SELECT site FROM board.devices")
    page = on_the_page("IN (${site:sqlstring})", {"site": value_of(own, ALL, ["a"])}, SHOWN, 1)
    assert page == "IN (SELECT site FROM board.devices)"


def test_options_are_the_column_of_values_once_for_each_text() -> None:
    rows = [("1", "one"), ("2", "two"), ("3", "two")]
    assert options(SITE, ["__value", "__text"], rows) == ("1", "2")
    assert options(SITE, ["site"], [("a",), ("b",), ("a",)]) == ("a", "b")


@pytest.mark.parametrize(
    ("hours", "least", "every_ms"),
    [(0.25, "1s", 1_000), (6, "1s", 20_000), (6, "1m", 60_000), (72, "1s", 300_000), (720, "1s", 1_800_000)],
)
def test_the_interval_is_the_range_over_a_thousand_points_rounded(hours: float, least: str, every_ms: int) -> None:
    assert interval_ms(Range(START, START + timedelta(hours=hours)), 1000, least) == every_ms


def series(kind: QueryKind = QueryKind.PANEL) -> Query:
    return Query("board", "panel", kind, "SELECT", "time_series")


@pytest.mark.parametrize(
    ("columns", "types", "rows"),
    [
        (["at", "value"], [TIME, NUMBER], []),
        (["time", "name"], [TIME, TEXT], []),
        (["time", "value"], [TIME, INTERVAL], []),
        (["time", "value", "value"], [TIME, NUMBER, NUMBER], []),
        (["time", "value"], [TIME, NUMBER], [(None, 1.0)]),
        (["time", "metric", "value"], [TIME, TEXT, NUMBER], [(SHOWN.end, "a", 1.0), (SHOWN.start, "a", 1.0)]),
    ],
    ids=["no time", "no number", "an interval", "a name twice", "a time of null", "not in order"],
)
def test_what_cannot_be_drawn_over_time_is_refused(
    columns: list[str], types: list[int], rows: list[tuple[object, ...]]
) -> None:
    with pytest.raises(GrafanaError):
        check_frame(series(), columns, types, rows)


def test_what_can_be_drawn_is_not_refused() -> None:
    rows = [(SHOWN.start, "a", 1.0), (SHOWN.start, "b", None), (SHOWN.end, "a", 2.0)]
    check_frame(series(), ["time", "metric", "value"], [TIME, TEXT, NUMBER], rows)


def test_an_alert_rule_has_one_number_a_row() -> None:
    alert = Query("rule", "A", QueryKind.ALERT, "SELECT", "table")
    check_frame(alert, ["site", "value"], [TEXT, NUMBER], [])
    for columns, types in ((["site"], [TEXT]), (["a", "b"], [NUMBER, NUMBER]), (["value", "at"], [NUMBER, TIME])):
        with pytest.raises(GrafanaError):
            check_frame(alert, columns, types, [])


def test_a_query_of_nobody_is_not_taken_for_one_of_a_board() -> None:
    with pytest.raises(LookupError):
        name_of("SELECT 1")
