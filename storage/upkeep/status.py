"""How storage stands: what `vigil storage status` prints, and where the upkeep has its figures from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from storage.upkeep.level import Level
from storage.upkeep.sql import queries

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime, timedelta

    import psycopg

__all__ = [
    "JournalStatus",
    "RelationKind",
    "RelationStatus",
    "RollupStatus",
    "StorageStatus",
    "count_late",
    "read_rollups",
    "read_status",
]


class RelationKind(StrEnum):
    """How a relation is stored."""

    HYPERTABLE = "hypertable"
    PARTITIONS = "partitions"
    TABLE = "table"


@dataclass(frozen=True, slots=True)
class RelationStatus:
    """One class of history.

    bytes:        on disk, indexes and all
    parts:        partitions or chunks; 0 for a table
    compressed:   chunks that are compressed
    before_bytes, after_bytes: what those took before, and take now; None where none is compressed
    rows:         about how many, as the planner knows them
    oldest:       where its oldest part begins, or the time of its oldest row; None where it is empty
    newest:       the time of its newest row, for rollups up to where they are stored; None where nobody can tell
    keep:         how long it is kept; None for ever
    """

    name: str
    kind: RelationKind
    bytes: int
    parts: int = 0
    compressed: int = 0
    before_bytes: int | None = None
    after_bytes: int | None = None
    rows: int = 0
    oldest: datetime | None = None
    newest: datetime | None = None
    keep: timedelta | None = None


@dataclass(frozen=True, slots=True)
class RollupStatus:
    """One level of rollups.

    watermark: up to where it is stored; None where nothing is, and on TimescaleDB, which does not say
    lag_s:     s by which that is behind what is archived; on TimescaleDB, s since its policy last did its work
    """

    level: Level
    watermark: datetime | None
    lag_s: float


@dataclass(frozen=True, slots=True)
class JournalStatus:
    """Up to where one journal is archived.

    read_to: journal time of its newest archived record; None before there was one
    updated: when that was stored
    """

    journal_id: str
    position: int
    read_to: datetime | None
    updated: datetime


@dataclass(frozen=True, slots=True)
class StorageStatus:
    """How storage stands.

    storage_kind: timescaledb or partitions
    timescaledb:  its version; None without it
    migrations:   those that made the schema, oldest first
    late_hours:   hours of channels that wait to be rolled up anew
    roles:        whether each of the roles is there
    """

    server_version: str
    storage_kind: str
    timescaledb: str | None
    migrations: tuple[str, ...]
    relations: tuple[RelationStatus, ...]
    rollups: tuple[RollupStatus, ...]
    journals: tuple[JournalStatus, ...]
    late_hours: int
    roles: dict[str, bool]


_CLASSES: Final = {
    "readings": "readings",
    "readings_1m": "minutes",
    "readings_1h": "hours",
    "readings_1d": "days",
    "incidents": "incidents",
    "rule_shadow": "shadow",
}
_SPANS: Final = {"incidents": "incident_span", "rule_shadow": "shadow_span"}


def read_status(connection: psycopg.Connection, now: datetime) -> StorageStatus:
    """Ask the database how storage stands. Raises psycopg.Error."""
    version, timescaledb, migrations = _row(connection, "server")
    (kind,) = _row(connection, "storage_kind")
    rollups = read_rollups(connection, now)
    relations = _relations(connection, rollups, is_timescale=kind == "timescaledb")
    order = list(_CLASSES)
    return StorageStatus(
        version,
        kind,
        timescaledb,
        tuple(migrations),
        tuple(
            sorted(relations, key=lambda one: (order.index(one.name) if one.name in order else len(order), one.name))
        ),
        tuple(rollups),
        tuple(JournalStatus(*row) for row in connection.execute(queries["journals"]).fetchall()),
        count_late(connection),
        dict(connection.execute(queries["roles"]).fetchall()),
    )


def count_late(connection: psycopg.Connection) -> int:
    """Ask the database how many hours of channels wait to be rolled up anew."""
    return int(_row(connection, "count_late")[0])


def _relations(
    connection: psycopg.Connection, rollups: Iterable[RollupStatus], *, is_timescale: bool
) -> Iterator[RelationStatus]:
    keep: dict[str, timedelta | None] = dict(connection.execute(queries["retention"]).fetchall())
    kept = {name: keep.get(_CLASSES.get(name, "")) for name in _CLASSES}
    newest: dict[str, datetime | None] = {f"readings_{one.level}": one.watermark for one in rollups}
    newest["readings"] = _row(connection, "newest_reading")[0]
    if is_timescale:
        for name, size, parts, rows, oldest, before, after, compressed in connection.execute(queries["chunk_figures"]):
            yield RelationStatus(
                *(name, RelationKind.HYPERTABLE, size, parts, compressed, before, after, rows, oldest),
                *(newest.get(name), kept.get(name)),
            )
    else:
        for parent, size, parts, rows, oldest in connection.execute(queries["partition_figures"]):
            name = parent.removesuffix("_rows")
            yield RelationStatus(
                name,
                RelationKind.PARTITIONS,
                size,
                parts,
                rows=rows,
                oldest=oldest,
                newest=newest.get(name),
                keep=kept.get(name),
            )
    for name, size, rows in connection.execute(queries["table_figures"]).fetchall():
        oldest, latest = _row(connection, _SPANS[name]) if name in _SPANS else (None, None)
        yield RelationStatus(
            name, RelationKind.TABLE, size, rows=rows, oldest=oldest, newest=latest, keep=kept.get(name)
        )


def read_rollups(connection: psycopg.Connection, now: datetime) -> list[RollupStatus]:
    """Ask the database how far each level is."""
    if _row(connection, "storage_kind")[0] == "timescaledb":
        ages_s: dict[str, float] = dict(connection.execute(queries["refresh_ages"]).fetchall())
        return [RollupStatus(level, None, ages_s.get(f"readings_{level}", 0.0)) for level in Level]
    (archived_to,) = _row(connection, "archived_to")
    rows = {level: watermark for level, watermark, _ in connection.execute(queries["progress"]).fetchall()}
    until = archived_to or now
    found = []
    for level in Level:
        watermark = rows[level]
        # A bucket that is not whole yet is not behind.
        behind_s = (until - watermark - level.width).total_seconds() if watermark and archived_to else 0.0
        found.append(RollupStatus(level, watermark, max(0.0, behind_s)))
    return found


def _row(connection: psycopg.Connection, name: str) -> tuple[Any, ...]:
    return connection.execute(queries[name]).fetchone() or (None,)
