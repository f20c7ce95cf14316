"""Rollups on plain PostgreSQL: what lies before the watermark is stored, and what comes late for it is made anew.

Why no reading is left out, whatever dies when: docs/decisions/0018.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from storage.upkeep.level import Level, floor
from storage.upkeep.sql import queries

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import psycopg

__all__ = [
    "EARLIEST",
    "Piece",
    "Progress",
    "close_minutes",
    "forget_late",
    "make_partitions",
    "next_piece",
    "progress",
    "reopen_future",
    "roll_late",
    "roll_up",
]

EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""Readings from before are not rolled up: they come from clocks that were never set, and each day takes a partition."""
AHEAD: Final = timedelta(days=1)
"""Partitions are made so long before they are needed."""


class Progress(NamedTuple):
    """How far rollups are.

    watermark: by level; None where nothing is rolled up yet
    closing:   readings from before it are late; None before there was one
    """

    watermark: Mapping[Level, datetime | None]
    closing: datetime | None


class Piece(NamedTuple):
    """What is rolled up next. start: None where nothing is yet; until: how far it may go by now."""

    level: Level
    start: datetime | None
    until: datetime


def progress(connection: psycopg.Connection) -> Progress:
    """Return how far rollups are."""
    rows = connection.execute(queries["progress"]).fetchall()
    closing = next((closing for level, _, closing in rows if level == Level.MINUTE), None)
    return Progress({Level(level): watermark for level, watermark, _ in rows}, closing)


def close_minutes(connection: psycopg.Connection, now: datetime, grace_s: float) -> datetime | None:
    """Close what all archives at work have passed, but for the grace; return up to when, None where nobody can say.

    From its commit on, archives note what comes from before.
    """
    grace = timedelta(seconds=grace_s)
    reopen_future(connection, now, floor(now - grace, Level.MINUTE.width))
    (archived_to,) = connection.execute(queries["archived_to"]).fetchone() or (None,)
    if archived_to is None:
        return None
    closing = floor(min(archived_to, now) - grace, Level.MINUTE.width)
    before = progress(connection).closing
    if before is not None and before >= closing:
        return before
    with connection.transaction():
        connection.execute(queries["lock_positions"])
        connection.execute(queries["close"], [closing])
    return closing


def reopen_future(connection: psycopg.Connection, now: datetime, at: datetime) -> None:
    """Where more was closed than `now` allows, open it again from `at` on: a clock was ahead, and is right again.

    Else all that is measured until then would be late, and its hours rolled up anew with every reading.
    """
    closing = progress(connection).closing
    if closing is not None and closing > now + AHEAD:
        with connection.transaction():
            connection.execute(queries["lock_positions"])
            connection.execute(queries["reopen"], {"at": at})


def make_partitions(connection: psycopg.Connection, now: datetime) -> None:
    """Make the partitions that are needed now and soon."""
    for level in Level:
        for at in sorted({level.partition_start(now), level.partition_start(now + AHEAD)}):
            _ensure_partition(connection, level, at)


def next_piece(found: Progress) -> Piece | None:
    """Return what is to be rolled up next, the coarsest first; None where all is that can be."""
    target = found.closing
    owed = None
    for level in Level:
        if target is None:
            break
        until = floor(target, level.width)
        start = found.watermark[level]
        if start is None or start < until:
            owed = Piece(level, start, until)
        target = start
    return owed


def roll_up(connection: psycopg.Connection, is_over: Callable[[], bool]) -> bool:
    """Roll up what is closed, a piece a transaction, until `is_over`; return whether that was all."""
    while piece := next_piece(progress(connection)):
        if is_over():
            return False
        _roll_piece(connection, piece)
    return True


def forget_late(connection: psycopg.Connection, now: datetime) -> int:
    """Forget late hours that are not rolled up anew; return of how many channels.

    Where readings are dropped, what is left of an hour would take the place of all of it.
    """
    return connection.execute(queries["forget_late"], {"now": now, "earliest": EARLIEST}).rowcount


def roll_late(connection: psycopg.Connection, limit: int) -> int:
    """Roll up anew hours into which readings came late, `limit` of them at most; return of how many.

    Those that an archive holds this very moment are left for the next time.
    """
    watermark, _ = progress(connection)
    if (minutes := watermark[Level.MINUTE]) is None:
        return 0
    with connection.transaction():
        late = connection.execute(queries["take_late"], {"until": minutes, "limit": limit}).fetchall()
        if not late:
            return 0
        hours = {hour for _, hour in late}
        given = {
            "channels": [channel for channel, _ in late],
            "hours": [hour for _, hour in late],
            "from": floor(min(hours), Level.DAY.width),
            "to": floor(max(hours), Level.DAY.width) + Level.DAY.width,
        }
        for level in Level:
            if (until := watermark[level]) is not None:
                for at in sorted({level.partition_start(hour) for hour in hours if hour < until}):
                    _ensure_partition(connection, level, at)
                connection.execute(queries[level.late_query], {**given, "until": until})
    return len(late)


def _roll_piece(connection: psycopg.Connection, piece: Piece) -> None:
    """Roll up one piece and move the watermark behind it, all or nothing; past what holds nothing at all."""
    level, start, until = piece
    if start is not None:
        # The newest pages are not in the index on time yet: without it they are read whole.
        connection.execute(queries["summarize_new"], [level.source_partition(start)])
    with connection.transaction():
        if start is None:
            end = _next_source(connection, level, EARLIEST, until)
        else:
            _ensure_partition(connection, level, start)
            end = min(floor(start, level.piece) + level.piece, until)
            rows = connection.execute(queries[level.query], {"from": start, "to": end}).rowcount
            if not rows and end < until:
                end = _next_source(connection, level, end, until)
        connection.execute(queries["move_watermark"], [end, level])


def _next_source(connection: psycopg.Connection, level: Level, start: datetime, until: datetime) -> datetime:
    """Return from where on there may be something to roll up again, at the bound of a piece; `until` at the latest."""
    given = {"parent": level.source, "from": start, "to": until}
    (found,) = connection.execute(queries["next_partition"], given).fetchone() or (None,)
    bounds = [until] if found is None else [until, found]
    if level is Level.MINUTE:
        (stray,) = connection.execute(queries["next_stray"], given).fetchone() or (None,)
        bounds += [] if stray is None else [stray]
    earliest = min(bounds)
    return until if earliest == until else max(start, floor(earliest, level.piece))


def _ensure_partition(connection: psycopg.Connection, level: Level, at: datetime) -> None:
    connection.execute(queries["ensure_rollup_partition"], [level, at])
