"""Rollups on TimescaleDB: its policies look three days back; what comes later is refreshed here.

An hour that leaves what is looked at is refreshed once more, as if something had come late for it: so no outage of the
policies, or of all of us, leaves a hole.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Final

from storage.upkeep.level import Level, floor
from storage.upkeep.rollup import progress, reopen_future
from storage.upkeep.sql import queries

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import psycopg

__all__ = ["LOOKED_BACK", "close_hours", "refresh_late"]

LOOKED_BACK: Final = timedelta(hours=60)
"""Readings older than this are late: half a day less than what the policies of migration 0006 look back."""
HOURS_AT_ONCE: Final = 24


def close_hours(connection: psycopg.Connection, now: datetime) -> None:
    """Close the hours that the policies are about to look at no more, and note them as late.

    From its commit on, archives note what comes from before.
    """
    closing = floor(now - LOOKED_BACK, Level.HOUR.width)
    reopen_future(connection, now, closing)
    before = progress(connection).closing
    if before is not None and before >= closing:
        return
    with connection.transaction():
        connection.execute(queries["lock_positions"])
        connection.execute(queries["close"], [closing])
        connection.execute(queries["note_closed"], {"from": before, "to": closing})


def refresh_late(connection: psycopg.Connection, now: datetime) -> int:
    """Refresh the rollups of some hours into which readings came late; return of how many hours. Autocommit is wanted.

    The hours are marked first, and the marks taken away last: a refresh that dies is done again.
    """
    wanted = {"now": now, "until": floor(now - LOOKED_BACK, Level.HOUR.width), "limit": HOURS_AT_ONCE}
    found: list[tuple[datetime, bool]] = connection.execute(queries["late_hours"], wanted).fetchall()
    hours = [hour for hour, _ in found]
    if hours:
        connection.execute(queries["mark_late"], {"hours": hours})
        for start, end, by_force in _stretches(found):
            _refresh(connection, Level.MINUTE, start, end, by_force=by_force)
            _refresh(connection, Level.HOUR, start, end)
        for day in sorted({floor(hour, Level.DAY.width) for hour in hours}):
            _refresh(connection, Level.DAY, day, day + Level.DAY.width)
        connection.execute(queries["clear_late"], {"hours": hours})
    return len(hours)


def _stretches(hours: Sequence[tuple[datetime, bool]]) -> list[tuple[datetime, datetime, bool]]:
    """Return where hours begin and end that follow each other and are refreshed in the same way."""
    width = Level.HOUR.width
    numbered = groupby(enumerate(hours), lambda pair: (pair[1][0] - pair[0] * width, pair[1][1]))
    runs = [[hour for _, hour in run] for _, run in numbered]
    return [(run[0][0], run[-1][0] + width, run[0][1]) for run in runs]


def _refresh(
    connection: psycopg.Connection, level: Level, start: datetime, end: datetime, *, by_force: bool = False
) -> None:
    connection.execute(queries["refresh"], [f"vigil.readings_{level}", start, end, by_force])
