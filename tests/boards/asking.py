"""Asking a board's queries as a person at Grafana would: with what is chosen at its top, over a range of time."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from deploy.boards.grafana import (
    ALL,
    GrafanaError,
    Query,
    QueryKind,
    Range,
    check_frame,
    interval_of,
    options,
    value_of,
    written,
)
from storage.sql import parse_queries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import psycopg

    from deploy.boards.grafana import Board, Value
    from tests.boards.facts import Facts, Row

__all__ = ["TRUTHS", "Asked", "Truth", "answer", "compare", "name_of", "settle", "truth"]

BOARDS: Final = Path(__file__).parents[2] / "deploy" / "boards"
PUT_IN: Final = re.compile(r"@[a-z_]+|\\\('any'\\\)")
"""What a board's module puts into a query before it is a board's: words after an @, and the list of kinds."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a query is asked with.

    values:   variable → the values that are chosen, all of them written out
    every_ms: the interval between points
    now:      about now
    put_in:   what the board's module put in the places of the query's @words; `any` for the list of kinds
    """

    facts: Facts
    values: Mapping[str, tuple[str, ...]]
    shown: Range
    every_ms: int
    now: datetime
    put_in: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, variable: str) -> tuple[str, ...]:
        return self.values[variable]

    def during(self, at: datetime | None) -> bool:
        """Say whether `at` is in the range of time, as `$__timeFilter` does."""
        return at is not None and self.shown.start <= at <= self.shown.end

    def age_s(self, at: datetime) -> float:
        """Return how long ago `at` was."""
        return (self.now - at).total_seconds()

    @property
    def level(self) -> str:
        """The level of readings that boards choose for the interval."""
        for level, from_ms in (("1d", 43_200_000), ("1h", 1_800_000), ("1m", 60_000)):
            if self.every_ms >= from_ms:
                return level
        return "raw"


@dataclass(frozen=True, slots=True)
class Truth:
    """What a query must find.

    rows:  every row that it must return, in any order
    order: what must not fall from one row to the next; None where the order is of no account
    near:  columns that go by the clock, and by how much they may differ
    limit: rows that it returns at most; of more the first by `order` are wanted
    """

    rows: Callable[[Asked], Iterable[Row]]
    order: Callable[[Row], Any] | None = None
    near: Mapping[str, float] = field(default_factory=dict)
    limit: int = 10_000


TRUTHS: Final[dict[str, Truth]] = {}
"""By file and name of the query: `district.open_now`."""


def truth(
    *names: str,
    order: Callable[[Row], Any] | None = None,
    near: Mapping[str, float] | None = None,
    limit: int = 10_000,
) -> Callable[[Callable[[Asked], Iterable[Row]]], Callable[[Asked], Iterable[Row]]]:
    """Note that the decorated function says what the queries `names` must find."""

    def note(rows: Callable[[Asked], Iterable[Row]]) -> Callable[[Asked], Iterable[Row]]:
        for name in names:
            assert name not in TRUTHS, f"two truths of {name}"
            TRUTHS[name] = Truth(rows, order, near or {}, limit)
        return rows

    return note


# ── names ────────────────────────────────────────────────────────────────────────────────────────────────────────────


class _Written(NamedTuple):
    """A query as it is written: `words` are those that its board's module puts something in the place of, in order."""

    name: str
    words: tuple[str, ...]
    pattern: re.Pattern[str]


def _written() -> list[_Written]:
    found = []
    for file in sorted(BOARDS.glob("*.sql")):
        for name, body in parse_queries(file.read_text("utf-8")).items():
            text = re.escape(body.decode().strip().removesuffix(";").rstrip())
            words = tuple(word.strip("@\\()'") for word in PUT_IN.findall(text))
            found.append(_Written(f"{file.stem}.{name}", words, re.compile(PUT_IN.sub("(.*?)", text), re.DOTALL)))
    return found


_WRITTEN: Final = _written()


def name_of(sql: str) -> tuple[str, Mapping[str, str]]:
    """Return the file and name of a board's query, and what its module put in. Raises LookupError."""
    for one in _WRITTEN:
        if found := one.pattern.fullmatch(sql.strip()):
            return one.name, dict(zip(one.words, found.groups(), strict=True))
    raise LookupError(f"no file of deploy/boards has this query: {sql[:300]}")


def all_names() -> list[str]:
    """Return the names of all queries that are written for boards."""
    return [one.name for one in _WRITTEN]


# ── asking ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Answer:
    """What a database found."""

    columns: tuple[str, ...]
    types: tuple[int, ...]
    rows: list[tuple[Any, ...]]

    def named(self) -> list[Row]:
        """Return the rows by column."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


def run(connection: psycopg.Connection, statement: str) -> Answer:
    """Ask a database. Numbers of any type are floats to Grafana."""
    with connection.cursor() as cursor:
        cursor.execute(statement.encode())
        described = cursor.description or ()
        return Answer(
            tuple(column.name for column in described),
            tuple(column.type_code for column in described),
            [tuple(float(cell) if isinstance(cell, Decimal) else cell for cell in row) for row in cursor],
        )


def answer(
    connection: psycopg.Connection,
    query: Query,
    values: Mapping[str, Value],
    shown: Range,
    *,
    timescaledb: bool = False,
) -> Answer:
    """Ask as Grafana does, and see that it can draw what comes. Raises GrafanaError or psycopg.Error."""
    found = run(connection, written(query, values, shown, timescaledb=timescaledb))
    check_frame(query, found.columns, found.types, found.rows)
    return found


def settle(connection: psycopg.Connection, board: Board, wanted: Mapping[str, Value], shown: Range) -> dict[str, Value]:
    """Return the values of a board's variables where a person wants `wanted`, as far as there are such options.

    One after the other, as the later ones' options depend on the earlier ones. Who wants nothing has all, or the first.
    """
    values: dict[str, Value] = {}
    for variable in board.variables:
        offered: tuple[str, ...] = variable.given
        if variable.type == "query":
            query = Query(board.uid, variable.name, QueryKind.VARIABLE, variable.query)
            found = answer(connection, query, values, shown)
            offered = options(variable, found.columns, found.rows)
        if not offered and not variable.all_value:
            raise GrafanaError(f"${variable.name} offers nothing: IN () is no SQL")
        first: Value = ALL if variable.include_all else offered[0]
        chosen = wanted.get(variable.name, first)
        if chosen == ALL:
            chosen = first
        elif isinstance(chosen, tuple):
            chosen = tuple(one for one in chosen if one in offered) or first
            if not variable.multi and isinstance(chosen, tuple):
                chosen = chosen[0]
        elif chosen not in offered and variable.name != "incident":  # a link may bring any incident
            chosen = first
        values[variable.name] = value_of(variable, chosen, offered)
    return values


def asked(
    facts: Facts,
    query: Query,
    values: Mapping[str, Value],
    shown: Range,
    now: datetime,
    put_in: Mapping[str, str] | None = None,
) -> Asked:
    """Return what a truth goes by."""
    plain = {name: (value,) if isinstance(value, str) else tuple(value) for name, value in values.items()}
    return Asked(facts, plain, shown, interval_of(query, shown), now, put_in or {})


# ── comparing ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _plain(value: Any) -> Any:
    """Return a value as a key: numbers as floats of nine digits, for sums that differ in the last bit."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float):
        number = float(value)
        return number if number == 0 or not math.isfinite(number) else float(f"{number:.9g}")
    return value


def _difference(one: Any, other: Any) -> float:
    if one is None or other is None:
        return 0.0 if one is other else math.inf
    difference = one - other
    return abs(difference.total_seconds() if isinstance(difference, timedelta) else float(difference))


def compare(found: Answer, wanted: Truth, given: Asked) -> int:
    """Compare an answer with the truth and return how many rows there were. Raises AssertionError where they differ."""
    rows = list(wanted.rows(given))
    columns = set(found.columns)
    for row in rows:
        assert row.keys() == columns, f"columns {sorted(columns)}; the truth has {sorted(row)}"
    order = wanted.order
    ours = found.named()
    if order is not None:
        keys = [order(row) for row in ours]
        assert keys == sorted(keys), "not in order"
        rows.sort(key=order)
    assert len(ours) <= wanted.limit, f"{len(ours)} rows; wanted at most {wanted.limit}"
    if len(rows) > wanted.limit:
        assert order is not None, "more rows than the limit, and no order that says which"
        assert len(ours) == wanted.limit
        last = order(rows[wanted.limit - 1])  # of equal ones at the end any may have been taken
        rows, ours = ([row for row in these if order(row) < last] for these in (rows, ours))
    _compare_rows(ours, rows, wanted.near)
    return len(rows)


def _compare_rows(ours: Sequence[Row], theirs: Sequence[Row], near: Mapping[str, float]) -> None:
    def key(row: Row) -> tuple[tuple[str, Any], ...]:
        return tuple((name, _plain(row[name])) for name in sorted(row) if name not in near)

    found, wanted = Counter(map(key, ours)), Counter(map(key, theirs))
    if found != wanted:
        missing = [dict(one) for one in list((wanted - found).elements())[:3]]
        extra = [dict(one) for one in list((found - wanted).elements())[:3]]
        raise AssertionError(f"{len(ours)} rows, the truth has {len(theirs)};\n lacking: {missing}\n not so: {extra}")
    pairs: defaultdict[tuple[tuple[str, Any], ...], tuple[list[Row], list[Row]]] = defaultdict(lambda: ([], []))
    for place, these in enumerate((ours, theirs)):
        for row in these:
            pairs[key(row)][place].append(row)
    for sides in pairs.values():
        for one, other in zip(*(sorted(side, key=lambda row: _nearly(row, near)) for side in sides), strict=True):
            for name, tolerance in near.items():
                assert _difference(one[name], other[name]) <= tolerance, (
                    f"{name} is {one[name]}; the truth is {other[name]}\n in {one}\n the truth: {other}"
                )


def _nearly(row: Row, near: Mapping[str, float]) -> tuple[Any, ...]:
    """Return what orders rows that are alike but for what goes by the clock, so that each meets its own."""
    return tuple((row[name] is not None, row[name]) if row[name] is not None else (False, 0) for name in near)
