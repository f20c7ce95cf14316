"""What a migration would do to a database, found out without changing anything."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import psycopg
from psycopg.conninfo import conninfo_to_dict

from storage.sql.migration import CONNECTION, check_server, migrations, standing_of
from storage.sql.query import queries

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["MigrationPlan", "Step", "Touched", "plan", "read_step"]

_HEAD: Final = re.compile(r"(?:--.*\n)+")
_COMMENT: Final = re.compile(r"--.*$", re.MULTILINE)
_FUNCTION: Final = re.compile(r"CREATE (?:OR REPLACE )?FUNCTION.*?\$\$.*?\$\$", re.DOTALL)
_COLUMNSTORE: Final = re.compile(r"ALTER TABLE vigil\.\w+ SET \(timescaledb")
_CHANGES: Final = re.compile(r"ALTER TABLE (?:ONLY )?vigil\.(\w+)")
_INDEXES: Final = re.compile(r"CREATE (?:UNIQUE )?INDEX \w+ ON vigil\.(\w+)")
_ROWS: Final = re.compile(r"(?:UPDATE|INSERT INTO|DELETE FROM) vigil\.(\w+)")


@dataclass(frozen=True, slots=True)
class Step:
    """One migration that is owed.

    does, costs:     the first line of its file, and what that says of the time it takes; the latter may be empty
    changes:         tables that nobody reads or writes while it runs
    indexes:         tables that are read, and not written, while an index of them is built
    rows:            tables of which it changes rows
    Tables that earlier steps, or it itself, will make are not named.
    """

    name: str
    does: str
    costs: str
    changes: tuple[str, ...]
    indexes: tuple[str, ...]
    rows: tuple[str, ...]

    @property
    def tables(self) -> tuple[str, ...]:
        """All of them, each once."""
        return tuple(dict.fromkeys((*self.changes, *self.indexes, *self.rows)))


@dataclass(frozen=True, slots=True)
class Touched:
    """A table that is there and that a migration has to do with; bytes with its partitions and indexes."""

    name: str
    bytes: int


@dataclass(frozen=True, slots=True)
class MigrationPlan:
    """What `migrate` would do.

    server:  version of PostgreSQL
    timescaledb: version of the extension; empty without it
    user, owner: who would do it, and whose the schema is, empty where there is none
    applied: migrations that are done
    steps:   those that are owed, in order
    tables:  what they have to do with, the largest first
    fault:   why it cannot be done; empty where it can
    doubt:   what would be missing afterwards; empty where nothing would
    """

    server: str
    timescaledb: str
    user: str
    owner: str
    applied: tuple[str, ...]
    steps: tuple[Step, ...]
    tables: tuple[Touched, ...]
    fault: str
    doubt: str


def plan(dsn: str) -> MigrationPlan:
    """Return what `migrate` would do to the database.

    Raises MigrationError where the server is too old, or nothing is to be found out by this user; psycopg.Error.
    """
    known = migrations()
    with psycopg.connect(**{**CONNECTION, **conninfo_to_dict(dsn)}) as connection:
        connection.read_only = True
        check_server(connection)
        standing = standing_of(connection)
        timescale = connection.execute(queries["timescaledb_version"]).fetchone()
        steps = [
            read_step(name, text, has_timescaledb=timescale is not None)
            for name, text in known.items()
            if name not in standing.applied
        ]
        sizes = _sizes(connection, [table for step in steps for table in step.tables])
        return MigrationPlan(
            server=str(connection.info.parameter_status("server_version")),
            timescaledb=timescale[0] if timescale else "",
            user=standing.user,
            owner=standing.owner,
            applied=tuple(sorted(standing.applied)),
            steps=tuple(_of_what_is_there(step, sizes) for step in steps),
            tables=tuple(Touched(*item) for item in sorted(sizes.items(), key=lambda item: -item[1])),
            fault=standing.fault(known),
            doubt=standing.doubt,
        )


def read_step(name: str, text: str, *, has_timescaledb: bool) -> Step:
    """Return what the text of a migration says in its first comment, and does; of tables, all that it names."""
    head = _HEAD.match(text)
    said = [line.removeprefix("--").strip() for line in head[0].splitlines()] if head else []
    body = _COMMENT.sub("", _FUNCTION.sub("", text))
    if not has_timescaledb:
        body = _COLUMNSTORE.sub("", body)
    return Step(
        name, said[0] if said else "", " ".join(said[1:]), *(_found(p, body) for p in (_CHANGES, _INDEXES, _ROWS))
    )


def _found(pattern: re.Pattern[str], text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(pattern.findall(text)))


def _of_what_is_there(step: Step, sizes: Mapping[str, int]) -> Step:
    def there(tables: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(table for table in tables if table in sizes)

    return Step(step.name, step.does, step.costs, there(step.changes), there(step.indexes), there(step.rows))


def _sizes(connection: psycopg.Connection, tables: list[str]) -> dict[str, int]:
    return dict(connection.execute(queries["table_sizes"], [tables]).fetchall())
