"""A city's month in a database: 100,000 channels in 100 sites, made by the database itself.

Readings of the newest day and a half, minutes of the same, hours and days of a month; the incidents of that month with
their timelines, and the rules that Vigil ships. Partitions are filled before they have an index, which is three times
as fast.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import TYPE_CHECKING

import psycopg

from storage.sql import migrate, parse_queries

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["City", "fill_city"]

CHANNELS_A_SITE = 999
INCIDENTS = 50_000
RAW_DAYS = 2

_ONCE = (
    "make_devices",
    "make_channels",
    "make_latest",
    "make_incidents",
    "make_lines",
    "make_notifications",
    "make_notification_events",
    "make_responses",
    "move_watermarks",
)
_QUERIES = {
    name: body.decode() for name, body in parse_queries((files("bench") / "city.sql").read_text("utf-8")).items()
}


@dataclass(frozen=True, slots=True)
class City:
    """What was made.

    now:   the end of the history
    sites: how many; each of 333 devices with three channels
    days:  of hours and days; readings and minutes are of the newest `RAW_DAYS`
    """

    now: datetime
    sites: int
    days: int

    @property
    def channels(self) -> int:
        """How many there are."""
        return self.sites * CHANNELS_A_SITE


@dataclass(frozen=True, slots=True)
class _Piece:
    """A partition: its parent, its rows' time column and query, and the time it holds; `every` for rollups."""

    parent: str
    query: str
    opens: datetime
    closes: datetime
    every: timedelta | None = None
    count: int = 1

    @property
    def name(self) -> str:
        return f"{self.parent}_{self.opens:%Y%m%d}"


def fill_city(dsn: str, channels: int = 100_000, days: int = 30) -> City:
    """Migrate the database and fill it; some minutes and 15 GB for 100,000 channels. Raises psycopg.Error."""
    migrate(dsn)
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    city = City(now, max(1, channels // CHANNELS_A_SITE), days)
    given = {
        "sites": city.sites,
        "channels": city.channels,
        "now": now,
        "incidents": INCIDENTS,
        "minute": now - timedelta(minutes=3),
    }
    with psycopg.connect(dsn, autocommit=True) as connection:
        for name in _ONCE:
            connection.execute(_QUERIES[name].encode(), given)
    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(_fill, dsn, piece, city, given) for piece in _pieces(city)]:
            done.result()
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE)")
    return city


def _pieces(city: City) -> list[_Piece]:
    """Return the partitions, the largest first."""
    today = city.now.replace(hour=0)
    first = today - timedelta(days=city.days)
    months = sorted({(first + timedelta(days=day)).replace(day=1) for day in range(city.days + 1)})
    years = sorted({month.replace(month=1) for month in months})
    raw = [today - timedelta(days=day) for day in range(RAW_DAYS)]
    a_day = timedelta(days=1)
    return [
        *(
            _Piece("readings_1h_rows", "make_rollup", month, _next_month(month), timedelta(hours=1), 4)
            for month in months
        ),
        *(_Piece("readings", "make_day", day, day + a_day) for day in raw),
        *(_Piece("readings_1m_rows", "make_rollup", day, day + a_day, timedelta(minutes=15)) for day in raw),
        *(
            _Piece("readings_1d_rows", "make_rollup", year, year.replace(year=year.year + 1), a_day, 96)
            for year in years
        ),
    ]


def _fill(dsn: str, piece: _Piece, city: City, given: Mapping[str, object]) -> None:
    start = max(piece.opens, city.now.replace(hour=0) - timedelta(days=city.days))
    span = {"from": start, "to": min(piece.closes, city.now), "every": piece.every, "count": piece.count}
    column = "time" if piece.parent == "readings" else "bucket"
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SET synchronous_commit = off")
        connection.execute("SET maintenance_work_mem = '512MB'")
        connection.execute("SET max_parallel_maintenance_workers = 0")
        connection.execute(f"CREATE TABLE vigil.{piece.name} (LIKE vigil.{piece.parent})".encode())
        connection.execute(_QUERIES[piece.query].format(partition=piece.name).encode(), {**given, **span})
        connection.execute(f"ALTER TABLE vigil.{piece.name} ADD PRIMARY KEY (channel_id, {column})".encode())
        connection.execute(
            f"CREATE INDEX ON vigil.{piece.name} USING brin ({column}) WITH (pages_per_range = 32)".encode()
        )
        connection.execute(
            f"ALTER TABLE vigil.{piece.parent} ATTACH PARTITION vigil.{piece.name}"
            f" FOR VALUES FROM ('{piece.opens.isoformat()}') TO ('{piece.closes.isoformat()}')".encode()
        )


def _next_month(month: datetime) -> datetime:
    return (month + timedelta(days=32)).replace(day=1)
