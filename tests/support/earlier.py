"""Databases that earlier versions made: through every migration, each version storing rows of its own.

The rows stand in `schemas/`, a file a migration. `all_rows` and `faults_of_rollups` say what a database holds.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, LiteralString, Protocol

import psycopg
from psycopg import sql

from storage.sql import migrate, migrations

if TYPE_CHECKING:
    import pytest

__all__ = ["LEVELS", "NAMES", "SCHEMAS", "Reached", "all_rows", "faults_of_rollups", "in_order", "live_up_to"]


class Reached(Protocol):
    """Whatever says how to connect."""

    @property
    def dsn(self) -> str: ...


SCHEMAS = Path(__file__).with_name("schemas")
NAMES = tuple(migrations())
LEVELS: dict[str, LiteralString] = {"1m": "1 minute", "1h": "1 hour", "1d": "1 day"}

TABLES: LiteralString = """
    SELECT relname FROM pg_class
    WHERE relnamespace = 'vigil'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
    AND relname <> 'schema_migrations' ORDER BY 1
"""
# What is wrong with a rollup; all values are eighths, so that their sums are exact.
FAULTS_OF_A_ROLLUP = sql.SQL("""
    WITH wanted AS (
        SELECT channel_id, date_bin({width}, time, 'epoch') AS bucket, min(value), max(value),
            sum(value) / count(*) AS mean, (array_agg(value ORDER BY time DESC))[1] AS last, count(*),
            min(time) AS first_time, max(time) AS last_time, sum(value)
        FROM vigil.readings WHERE value IS NOT NULL GROUP BY 1, 2
    ), found AS (
        SELECT channel_id, bucket, min, max, mean, last, count, first_time, last_time, sum FROM {rollup}
    )
    (SELECT 'lacks', * FROM (SELECT * FROM wanted EXCEPT SELECT * FROM found) AS lacking)
    UNION ALL (SELECT 'has', * FROM (SELECT * FROM found EXCEPT SELECT * FROM wanted) AS extra)
""")


def live_up_to(newest: str, database: Reached, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bring `database` through every version up to the migration `newest`; each stores its rows."""
    for number in range(NAMES.index(newest) + 1):
        known = {name: text for name, text in migrations().items() if name in NAMES[: number + 1]}
        with monkeypatch.context() as earlier:
            earlier.setattr("storage.sql.migration.migrations", lambda known=known: known)
            migrate(database.dsn)
        with psycopg.connect(database.dsn, autocommit=True) as connection:
            connection.execute((SCHEMAS / f"{NAMES[number][:4]}.sql").read_bytes())


def all_rows(database: Reached) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of every table of ours."""
    with psycopg.connect(database.dsn) as connection:
        tables = [table for (table,) in connection.execute(TABLES)]
        return {
            table: [
                row
                for (row,) in connection.execute(
                    sql.SQL("SELECT to_jsonb(rows) FROM {} AS rows").format(sql.Identifier("vigil", table))
                )
            ]
            for table in tables
        }


def in_order(rows: list[dict[str, Any]]) -> list[str]:
    return sorted(json.dumps(row, sort_keys=True) for row in rows)


def faults_of_rollups(database: Reached) -> dict[str, list[tuple[Any, ...]]]:
    with psycopg.connect(database.dsn) as connection:
        return {
            level: connection.execute(
                FAULTS_OF_A_ROLLUP.format(width=sql.Literal(width), rollup=sql.Identifier("vigil", f"readings_{level}"))
            ).fetchall()
            for level, width in LEVELS.items()
        }
