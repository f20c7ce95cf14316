"""The boards on a city: `python -m bench.panels` asks every panel of a database with a month of 100,000 channels.

Each query is asked as Grafana would, of the month and by the role that Grafana has, with another site and device each
time; what is printed is how long the database took. It takes about ten minutes and 15 GB of disk.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import psycopg
from rich.console import Console
from rich.table import Table

from bench.city import City, fill_city
from deploy.boards import grafana
from deploy.boards.grafana_files import boards
from storage.embedded import EmbeddedPostgres

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from deploy.boards.grafana import Board, Query, Value

__all__ = ["measure_panels"]

CHANNELS = 100_000
DAYS = 30
TIMES = 20
GOAL_S = 1.0

_notes = Console(stderr=True)


class Asked(NamedTuple):
    """How long one query took, s, each time."""

    query: Query
    seconds: list[float]

    @property
    def p95_s(self) -> float:
        """The time that one asking in twenty exceeds."""
        return float(np.percentile(self.seconds, 95))


async def measure_panels(channels: int = CHANNELS, days: int = DAYS, times: int = TIMES) -> dict[str, float]:
    """Return the p95 of the slowest query and the median of all, s, and how many are slower than the goal."""
    with tempfile.TemporaryDirectory(prefix="vigil-panels-") as name:
        directory = Path(name)
        directory.chmod(0o755)  # the database's user must reach its own folder in it
        database = EmbeddedPostgres(directory / "postgres")
        await asyncio.to_thread(database.start)
        try:
            return await asyncio.to_thread(_measure, database.dsn(), channels, days, times)
        finally:
            await asyncio.to_thread(database.stop)


def _measure(dsn: str, channels: int, days: int, times: int) -> dict[str, float]:
    _notes.print(f"filling {days} days of {channels:,} channels …")
    began = time.monotonic()
    city = fill_city(dsn, channels, days)
    _notes.print(f"  {time.monotonic() - began:.0f} s; every panel, {times} times …")
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SET ROLE vigil_reader")
        connection.execute("SET timezone = 'UTC'")
        asked = [asked for board in boards() for asked in ask_board(connection, board, city, times)]
    _show(asked)
    return {
        "panels": float(len(asked)),
        "panels_p95_s": max(one.p95_s for one in asked),
        "panels_p95_median_s": float(np.median([one.p95_s for one in asked])),
        "panels_too_slow": float(sum(one.p95_s > GOAL_S for one in asked)),
    }


def ask_board(connection: psycopg.Connection, board: Board, city: City, times: int) -> Iterator[Asked]:
    """Ask each query of `board` so many times, each with other choices of its variables."""
    shown = grafana.Range(city.now - timedelta(days=city.days), city.now)
    rng = random.Random(1)
    choices = [_choices(connection, board, shown, rng) for _ in range(times)]
    for query in board.queries:
        seconds = []
        for values in choices:
            statement = grafana.written(query, values, shown).encode()
            began = time.perf_counter()
            connection.execute(statement).fetchall()
            seconds.append(time.perf_counter() - began)
        yield Asked(query, seconds)


def _choices(
    connection: psycopg.Connection, board: Board, shown: grafana.Range, rng: random.Random
) -> Mapping[str, Value]:
    """Return a value of each variable: one of its options, or all where the board opens with all."""
    values: dict[str, Value] = {}
    for variable in board.variables:
        offered = list(variable.given)
        if variable.query:
            query = grafana.Query(board.uid, variable.name, grafana.QueryKind.VARIABLE, variable.query)
            cursor = connection.execute(grafana.written(query, values, shown).encode())
            columns = [column.name for column in cursor.description or ()]
            offered = list(grafana.options(variable, columns, cursor.fetchall()))
        is_all = variable.current in {grafana.ALL, (grafana.ALL,)} or not offered
        chosen: Value = grafana.ALL if is_all else rng.choice(offered)
        if variable.multi and not is_all and isinstance(chosen, str):
            chosen = (chosen,)
        values[variable.name] = grafana.value_of(variable, chosen, offered)
    return values


def _show(asked: list[Asked]) -> None:
    table = Table(title="slowest queries")
    for column in ("board", "query", "median, ms", "p95, ms"):
        table.add_column(column, justify="right" if "ms" in column else "left")
    for one in sorted(asked, key=lambda one: -one.p95_s)[:15]:
        median_ms = float(np.median(one.seconds)) * 1e3
        table.add_row(one.query.place, one.query.name, f"{median_ms:.1f}", f"{one.p95_s * 1e3:.1f}")
    _notes.print(table)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--channels", type=int, default=CHANNELS)
    parser.add_argument("--days", type=int, default=DAYS)
    parser.add_argument("--times", type=int, default=TIMES, help="how often each query is asked")
    options = parser.parse_args()
    figures = asyncio.run(measure_panels(options.channels, options.days, options.times))
    print(json.dumps({name: round(value, 4) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
