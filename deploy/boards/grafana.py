"""Grafana 11.6 as far as queries go: what SQL it makes of a generated board, and what it asks of the answer.

A query passes through three hands, and the words here are theirs:
- the page replaces `$name`, `${name}`, `${name:format}` by the variables' values, and `__interval`, `__from` and so on;
  `All` stands for the values of all options, or for the variable's own `allValue`, which is put in as it is;
- the server replaces what the page left of `$__interval`, and then every macro `$__name(…)`, whose arguments end at the
  first closing bracket;
- what comes back becomes a table, or series: the column called `time` holds the time, text makes labels, and rows of
  several series must be in order of time.

Source: docs of Grafana 11.6, "PostgreSQL query editor: macros" and "Variable syntax: advanced variable format options",
and its code: macros of the PostgreSQL data source, the scenes library's format registry and multi-value variables.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = [
    "ALL",
    "Board",
    "GrafanaError",
    "Query",
    "QueryKind",
    "Range",
    "Value",
    "Variable",
    "check_frame",
    "interval_ms",
    "interval_of",
    "on_the_page",
    "on_the_server",
    "options",
    "value_of",
    "written",
]

DEFAULT_POINTS: Final = 1_000
"""A panel asks for as many points as it is wide; a board's widest is about so many pixels."""

Value = str | tuple[str, ...]
ALL: Final = "$__all"
"""The value of a variable when everything is chosen."""


class GrafanaError(Exception):
    """What Grafana would show in a panel's corner instead of data."""


class QueryKind(StrEnum):
    """Who asks."""

    PANEL = "panel"
    VARIABLE = "variable"
    ANNOTATION = "annotation"
    ALERT = "alert"


@dataclass(frozen=True, slots=True)
class Range:
    """The time that a board shows, both ends belong to it."""

    start: datetime
    end: datetime

    @property
    def ms(self) -> int:
        """How long it is."""
        return round((self.end - self.start).total_seconds() * 1000)


@dataclass(frozen=True, slots=True)
class Query:
    """One SQL statement as it stands in a board or an alert rule.

    place:        uid of the board or of the alert rule
    name:         title of the panel and id of the query, or name of the variable or annotation
    format:       `table` or `time_series`; what an annotation or a variable asks for is a table
    least:        the least interval that its panel wants, or its data source
    points:       how many points its panel asks for at most
    panel:        the panel's type, "" where there is none
    """

    place: str
    name: str
    kind: QueryKind
    sql: str
    format: str = "table"
    least: str = "1s"
    points: int = DEFAULT_POINTS
    panel: str = ""

    @property
    def id(self) -> str:
        """What a test calls it."""
        return f"{self.place}/{self.kind}/{self.name}"


@dataclass(frozen=True, slots=True)
class Variable:
    """One choice that a board offers.

    query:  the SQL of its options, or "" where `given` has them
    all_value: what stands for all in the place of all options, "" for those
    """

    name: str
    type: str
    query: str = ""
    given: tuple[str, ...] = ()
    multi: bool = False
    include_all: bool = False
    all_value: str = ""
    current: Value = ""
    regex: str = ""


@dataclass(frozen=True, slots=True)
class Board:
    """One dashboard: its variables in order, and all that it asks of the history."""

    uid: str
    title: str
    variables: tuple[Variable, ...]
    queries: tuple[Query, ...]
    json: Mapping[str, Any] = field(repr=False, compare=False, default_factory=dict)


# ── the page ─────────────────────────────────────────────────────────────────────────────────────────────────────────

_VARIABLE: Final = re.compile(r"\$(\w+)|\[\[(\w+?)(?::(\w+))?\]\]|\$\{(\w+)(?:\.([^:^}]+))?(?::([^}]+))?\}")
_DUE: Final = (
    (10, 1), (15, 10), (35, 20), (75, 50), (150, 100), (350, 200), (750, 500), (1_500, 1_000), (3_500, 2_000),
    (7_500, 5_000), (12_500, 10_000), (17_500, 15_000), (25_000, 20_000), (45_000, 30_000), (90_000, 60_000),
    (210_000, 120_000), (450_000, 300_000), (750_000, 600_000), (1_050_000, 900_000), (1_500_000, 1_200_000),
    (2_700_000, 1_800_000), (5_400_000, 3_600_000), (9_000_000, 7_200_000), (16_200_000, 10_800_000),
    (32_400_000, 21_600_000), (86_400_000, 43_200_000), (604_800_000, 86_400_000), (1_814_400_000, 604_800_000),
    (3_628_800_000, 2_592_000_000),
)  # fmt: skip
"""An interval below the one becomes the other, ms."""
_YEAR_MS: Final = 31_536_000_000
_UNITS_MS: Final = {
    "ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000, "y": _YEAR_MS,
}  # fmt: skip


def milliseconds(interval: str) -> int:
    """Return the ms of an interval as Grafana writes it: `30s`, `1m`, `>1h`. Raises GrafanaError."""
    found = re.fullmatch(r">?\s*(\d+)(ms|[smhdwy])?", interval)
    if found is None:
        raise GrafanaError(f"error parsing interval {interval}")
    return int(found[1]) * _UNITS_MS[found[2] or "s"]


def interval_ms(shown: Range, points: int, least: str) -> int:
    """Return the interval between points, ms: the range over the points, rounded, and not less than `least`."""
    exact = shown.ms / points
    rounded = next((rounded for below, rounded in _DUE if exact < below), _YEAR_MS)
    return max(rounded, milliseconds(least))


def in_words(ms: int) -> str:
    """Return an interval as `$__interval` shows it: in its largest whole unit."""
    for unit in ("y", "d", "h", "m", "s"):
        if ms >= _UNITS_MS[unit]:
            return f"{ms // _UNITS_MS[unit]}{unit}"
    return f"{ms}ms"


def _sqlstring(value: Value) -> str:
    escaped = [one.replace('"', '\\"').replace("'", "''") for one in ((value,) if isinstance(value, str) else value)]
    return ",".join(f"'{one}'" for one in escaped)


_FORMATS: Final[Mapping[str, Callable[[Value], str]]] = {
    "sqlstring": _sqlstring,
    "raw": lambda value: value if isinstance(value, str) else ",".join(value),
    "csv": lambda value: value if isinstance(value, str) else ",".join(value),
    "text": lambda value: value if isinstance(value, str) else " + ".join(value),
}


class _AsItIs(str):
    """A variable's own value for all: no format touches it."""

    __slots__ = ()


def value_of(variable: Variable, chosen: Value, its_options: Sequence[str]) -> Value:
    """Return what stands for a choice in a query."""
    is_all = chosen == ALL or (isinstance(chosen, tuple) and ALL in chosen)
    if is_all:
        return _AsItIs(variable.all_value) if variable.all_value else tuple(its_options)
    return chosen


def on_the_page(sql: str, values: Mapping[str, Value], shown: Range, every_ms: int) -> str:
    """Return `sql` with its variables replaced. Raises GrafanaError where a name or a format is not known."""
    known: dict[str, Value] = {
        **values,
        "__interval": in_words(every_ms),
        "__interval_ms": str(every_ms),
        "__from": str(round(shown.start.timestamp() * 1000)),
        "__to": str(round(shown.end.timestamp() * 1000)),
        "__range_ms": str(shown.ms),
        "__range_s": str(shown.ms // 1000),
    }

    def put(found: re.Match[str]) -> str:
        name, form = found[1] or found[2] or found[4], found[3] or found[6]
        if name not in known:
            if found[1]:
                return found[0]  # a macro, or a dollar of PostgreSQL's
            raise GrafanaError(f"no variable {name!r}")
        value = known[name]
        if isinstance(value, _AsItIs):
            return value
        if form is None and not name.startswith("__"):
            raise GrafanaError(
                f"${name} without a format: how it is quoted depends on whether it may have several values"
            )
        if form is not None and form not in _FORMATS:
            raise GrafanaError(f"no format {form!r}")
        return _FORMATS[form or "raw"](value)

    return _VARIABLE.sub(put, sql)


# ── the server ───────────────────────────────────────────────────────────────────────────────────────────────────────

_MACRO: Final = re.compile(r"\$([_a-zA-Z0-9]+)\(([^)]*)\)")


def on_the_server(sql: str, shown: Range, every_ms: int, *, timescaledb: bool = False) -> str:
    """Return `sql` with its macros expanded. Raises GrafanaError as the server would."""
    sql = sql.replace("$__interval_ms", str(every_ms)).replace("$__interval", in_words(every_ms))
    start, end = _instant(shown.start), _instant(shown.end)

    def expand(found: re.Match[str]) -> str:
        name, arguments = found[1], [one.strip(" ") for one in found[2].split(",")]
        match name:
            case "__timeFilter":
                return f"{arguments[0]} BETWEEN '{start}' AND '{end}'"
            case "__timeFrom":
                return f"'{start}'"
            case "__timeTo":
                return f"'{end}'"
            case "__timeGroup" | "__timeGroupAlias":
                column, *given = arguments
                if len(given) != 1:  # a third one fills gaps, which is refused since 8.0 for what tests can see
                    raise GrafanaError(f"macro {name} needs time column and interval and optional fill value")
                seconds = milliseconds(given[0].strip("'")) / 1000
                is_alias = name == "__timeGroupAlias" or sql[found.end() : found.end() + 1] == ","
                group = (
                    f"time_bucket('{seconds:.3f}s',{column})"
                    if timescaledb
                    else f"floor(extract(epoch from {column})/{seconds:g})*{seconds:g}"
                )
                return f'{group} AS "time"' if is_alias else group
            case _:
                raise GrafanaError(f'unknown macro "{name}"')

    return _MACRO.sub(expand, sql)


def _instant(at: datetime) -> str:
    text = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f").rstrip("0").rstrip(".")
    return f"{text}Z"


def interval_of(query: Query, shown: Range) -> int:
    """Return the interval between the points of a query, ms."""
    if query.kind is QueryKind.VARIABLE:
        return 1_000  # it has no points; the server's own
    return interval_ms(shown, query.points, query.least)


def written(query: Query, values: Mapping[str, Value], shown: Range, *, timescaledb: bool = False) -> str:
    """Return the statement that reaches the database."""
    every_ms = interval_of(query, shown)
    page = on_the_page(query.sql, values, shown, every_ms)
    return on_the_server(page, shown, every_ms, timescaledb=timescaledb)


def options(variable: Variable, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> tuple[str, ...]:
    """Return the values that a variable offers, of what its query found.

    Where there are columns `__text` and `__value`, those; else all cells. Of the same text the first is taken.
    """
    pairs: dict[str, str] = {}
    if {"__text", "__value"} <= set(columns):
        text, value = columns.index("__text"), columns.index("__value")
        for row in rows:
            pairs.setdefault(str(row[text]), str(row[value]))
    else:
        for place in range(len(columns)):
            for row in rows:
                pairs.setdefault(str(row[place]), str(row[place]))
    if variable.regex:
        pattern = re.compile(variable.regex.strip("/"))
        pairs = {text: value for text, value in pairs.items() if pattern.search(text)}
    return tuple(pairs.values())


# ── what comes back ──────────────────────────────────────────────────────────────────────────────────────────────────

_NUMERIC_OIDS: Final = {20, 21, 23, 700, 701, 1700}
_TIME_OIDS: Final = {1114, 1184, 1082}
_TEXT_OIDS: Final = {18, 19, 25, 1042, 1043, 705}
_BOOLEAN_OID: Final = 16
ROW_LIMIT: Final = 1_000_000


def check_frame(query: Query, columns: Sequence[str], types: Sequence[int], rows: Sequence[Sequence[object]]) -> None:
    """Say whether Grafana can draw an answer. Raises GrafanaError with what it would say, or would draw wrongly."""
    if len(set(columns)) < len(columns):
        raise GrafanaError(f"two columns of one name: {list(columns)}")
    odd = {
        name: oid
        for name, oid in zip(columns, types, strict=True)
        if oid not in _NUMERIC_OIDS | _TIME_OIDS | _TEXT_OIDS | {_BOOLEAN_OID}
    }
    if odd:
        raise GrafanaError(f"columns of types that a frame has as text at best: {odd}")
    if query.format == "time_series" and query.kind is QueryKind.PANEL:
        _check_series(columns, types, rows)
    if query.kind is QueryKind.ALERT:
        numbers = sum(oid in _NUMERIC_OIDS for oid in types)
        if numbers != 1 or any(oid in _TIME_OIDS for oid in types):
            raise GrafanaError("an alert rule's table has labels and one number: no time, no second number")
    if query.kind is QueryKind.ANNOTATION and columns.count("time") != 1:
        raise GrafanaError("an annotation has no column `time`")


def _check_series(columns: Sequence[str], types: Sequence[int], rows: Sequence[Sequence[object]]) -> None:
    if "time" not in columns:
        raise GrafanaError("db has no time column: time column is missing")
    place = columns.index("time")
    if types[place] not in _TIME_OIDS | _NUMERIC_OIDS:
        raise GrafanaError("the column `time` is no time")
    if not any(oid in _NUMERIC_OIDS for at, oid in enumerate(types) if at != place):
        raise GrafanaError("no numeric column: nothing to draw")
    times: list[Any] = [row[place] for row in rows]
    if any(one is None for one in times):
        raise GrafanaError("time column with null")
    if any(oid in _TEXT_OIDS for oid in types) and any(later < earlier for earlier, later in pairwise(times)):
        raise GrafanaError("long series must be sorted ascending by time to be converted")
