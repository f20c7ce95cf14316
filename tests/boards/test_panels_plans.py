"""What a panel asks of forty days of readings opens the partitions of its time, and of the level that it wants, alone.

The database counts by itself what each transaction has scanned (`pg_stat_xact_user_tables`); a plan's text would not
do, since readings are found inside of the function `board.series`, and what is left out there shows only as it runs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import psycopg
import pytest

from deploy.boards.grafana import ALL, Range
from storage.archive.history import incident_values
from storage.sql import queries
from tests.boards.asking import answer, name_of, settle
from tests.boards.conftest import read_only
from tests.boards.test_panels_queries import ASKED
from tests.support.incident import gas
from tests.support.postgres import TEMPLATE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from deploy.boards.grafana import Board, Query, Value
    from tests.support.postgres import Server

pytestmark = pytest.mark.partitions

DAYS: Final = 40
METRICS: Final = {
    "smoke": ("density_db_m", "battery_pct", "smoke"),
    "gas": ("gas_lel", "life_left_d", "gas"),
    "hydrant": ("pressure_mpa", "loop_ma", "battery_pct"),
    "tank": ("level_pct", "loop_ma", "battery_pct"),
    "watch": ("battery_pct", "fault"),
    "tilt": ("tilt_x_deg", "tilt_y_deg", "battery_pct"),
}
"""What one device of each kind says every half an hour."""
LEVELS: Final = {"readings": "raw", "readings_1m_rows": "1m", "readings_1h_rows": "1h", "readings_1d_rows": "1d"}
BELOW: Final = {"1m": "raw", "1h": "1m", "1d": "1h"}
PARTITION: Final = re.compile(r"(readings|readings_1[mhd]_rows)_(\d{8})")
RANGES: Final = (
    (timedelta(), timedelta(minutes=15)),
    (timedelta(), timedelta(hours=6)),
    (timedelta(days=9, hours=3), timedelta(minutes=10)),
    (timedelta(days=9, hours=3), timedelta(hours=6)),
    (timedelta(days=3), timedelta(days=12)),
    (timedelta(days=1), timedelta(days=30)),
    (timedelta(), timedelta(days=800)),
)
"""How long ago a range ends, and how long it is: every level, new and old."""
LOOKS_BACK: Final = re.compile(r"INTERVAL '(\d+) days'")


@dataclass(frozen=True, slots=True)
class Long:
    """Forty days. incidents: one that is days old and one that is new."""

    dsn: str
    reader: psycopg.Connection
    now: datetime
    incidents: tuple[str, ...]


@pytest.fixture(scope="session")
def long(server: Server) -> Iterator[Long]:
    """Return a database with forty days of readings, rolled up."""
    if server.has_timescale:
        pytest.skip("the server has TimescaleDB, and this is about the partitions of plain PostgreSQL")
    server.start()
    database = server.create(TEMPLATE)
    now = datetime.now(UTC)
    with psycopg.connect(database.dsn, autocommit=True) as owner:
        owner.execute("SET search_path = vigil, public")
        for kind, metrics in METRICS.items():
            owner.execute(
                "WITH device AS (INSERT INTO devices (site, name, kind, profile, grid, building, floor, unit, gateway, "
                "lifecycle) VALUES ('shuibei', %(kind)s || '-1', %(kind)s, %(kind)s, '', '', '', '', '', 'verified') "
                "RETURNING device_id) INSERT INTO channels (device_id, metric, unit) "
                "SELECT device_id, unnest(%(metrics)s::text[]), '' FROM device",
                {"kind": kind, "metrics": list(metrics)},
            )
        for day in range(-1, DAYS + 1):
            owner.execute(queries["ensure_readings_day"], [(now - timedelta(days=day)).date()])
        owner.execute(
            "INSERT INTO readings SELECT channel_id, time, 50 + channel_id, 0 FROM channels, "
            "generate_series(%s::timestamptz, %s, INTERVAL '30 minutes') AS time",
            [now - timedelta(days=DAYS), now],
        )
        owner.execute(
            "INSERT INTO latest SELECT DISTINCT ON (channel_id) * FROM readings ORDER BY channel_id, time DESC"
        )
        incidents = [
            gas(id=f"INC{number:05}", at_us=round((now - ago).timestamp() * 1e6), device="shuibei/gas-1")
            for number, ago in enumerate((timedelta(days=9), timedelta(minutes=20)))
        ]
        for incident in incidents:
            owner.execute(queries["put_incident"], incident_values(incident))
        old = incidents[0]
        owner.execute("UPDATE incidents SET closed = raised + INTERVAL '5 min' WHERE incident_id = %s", [old.id])
        closed = now.replace(minute=0, second=0, microsecond=0)
        for level, width, until in (
            ("1m", "1 minute", now),
            ("1h", "1 hour", closed),
            ("1d", "1 day", closed.replace(hour=0)),
        ):
            for day in range(DAYS + 1):
                owner.execute("SELECT ensure_rollup_partition(%s, %s)", [level, now - timedelta(days=day)])
            owner.execute(
                f"INSERT INTO readings_{level}_rows SELECT channel_id, date_bin('{width}', time, 'epoch') AS bucket, "
                "min(value), max(value), avg(value), max(value), count(*), min(time), max(time), sum(value) "
                "FROM readings WHERE time < %s GROUP BY channel_id, bucket".encode(),
                [until],
            )
            owner.execute("UPDATE rollup_progress SET watermark = %s WHERE level = %s", [until, level])
        owner.execute("ANALYZE")
    with read_only(database.dsn) as reader:
        yield Long(database.dsn, reader, now, tuple(incident.id for incident in incidents))
    server.drop(database)


class Scans:
    """Counts what a transaction scans from here on; the database's own counts may hold what came before it."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection
        self._before = self._counts()

    def _counts(self) -> dict[str, int]:
        return dict(
            self._connection.execute(
                "SELECT relname, coalesce(seq_scan, 0) + coalesce(idx_scan, 0) FROM pg_stat_xact_user_tables "
                "WHERE schemaname = 'vigil'"
            ).fetchall()
        )

    def parts(self) -> list[tuple[str, datetime]]:
        """Return (level, beginning) of the partitions of readings that were scanned.

        What is older or newer than all partitions has none of its own, and a time that reaches so far scans that, too.
        """
        names = [name for name, count in self._counts().items() if count > self._before.get(name, 0)]
        parts = [part for name in names if (part := PARTITION.fullmatch(name))]
        return [(LEVELS[part[1]], datetime.strptime(part[2], "%Y%m%d").replace(tzinfo=UTC)) for part in parts]


def excluded(parts: Collection[tuple[str, datetime]], level: str, shown: Range, rolled_up: datetime) -> list[str]:
    """Return the partitions that a query of `level` over a time had no business with.

    What is not rolled up yet it may take from the level below, and that from the one below it.
    """
    wrong = []
    for its_level, begins in parts:
        widths = {
            "raw": timedelta(days=1),
            "1m": timedelta(days=1),
            "1h": timedelta(days=31),
            "1d": timedelta(days=366),
        }
        ends = begins + widths[its_level]
        is_own = its_level == level and begins <= shown.end and ends > shown.start
        is_below = ends > rolled_up - timedelta(days=1) and its_level in _below(level)
        if not (is_own or is_below):
            wrong.append(f"{its_level} of {begins:%Y-%m-%d}")
    return wrong


def _below(level: str) -> list[str]:
    found = []
    while level in BELOW:
        level = BELOW[level]
        found.append(level)
    return found


def choices(long: Long, board: Board) -> Iterator[Mapping[str, Value]]:
    names = {variable.name for variable in board.variables}
    kind = board.uid.removeprefix("vigil-")
    if "incident" in names:
        yield from ({"incident": incident} for incident in long.incidents)
    elif "device" in names:
        yield {"site": ("shuibei",), "grid": ALL, "building": ALL, "device": (f"{kind}-1",)}
    else:
        yield {}


def level_of(query: Query, shown: Range) -> str:
    """Return the level that a query means, as it is written."""
    every_ms = shown.ms / query.points
    fixed = re.search(r"board\.series\(\s*'(1[mhd])'", query.sql)
    if fixed:
        return fixed[1]
    return "1d" if every_ms >= 32_400_000 else "1h" if every_ms >= 1_500_000 else "1m" if every_ms >= 45_000 else "raw"


ABOUT_READINGS: Final = list(
    {
        name_of(query.sql)[0]: (board, query)
        for board, query in reversed(ASKED)
        if "board.series" in query.sql and board.uid != "vigil-watch"
    }.values()
)
"""Each query once, with the first metric that it is asked about."""


@pytest.mark.parametrize(("board", "query"), ABOUT_READINGS, ids=[query.id for _, query in ABOUT_READINGS])
def test_a_query_reads_the_partitions_of_its_time_and_level_alone(long: Long, board: Board, query: Query) -> None:
    read = 0
    for chosen in choices(long, board):
        for ago, lasts in RANGES:
            shown = Range(long.now - ago - lasts, long.now - ago)
            values = settle(long.reader, board, chosen, shown)
            with long.reader.transaction(force_rollback=True):
                scans = Scans(long.reader)
                answer(long.reader, query, values, shown)
                parts = scans.parts()
            read += len(parts)
            if "incident" in chosen:  # it takes the time of the incident, whatever is shown
                event = long.now - (timedelta(days=9) if chosen["incident"] == long.incidents[0] else timedelta())
                wrong = excluded(parts, "raw", Range(event - timedelta(hours=2), event + timedelta(hours=2)), long.now)
            else:
                back = max((int(days) for days in LOOKS_BACK.findall(query.sql)), default=0)
                reach = Range(shown.start - timedelta(days=back), shown.end)
                if "now() - INTERVAL" in query.sql:
                    reach = Range(long.now - timedelta(days=back), long.now)
                wrong = excluded(parts, level_of(query, shown), reach, long.now)
            assert not wrong, f"{shown.start} to {shown.end}: {wrong}"
    assert read, "it read nothing at all"


def test_what_is_not_about_readings_reads_none(long: Long) -> None:
    for board, query in ASKED:
        if "board.series" not in query.sql:
            shown = Range(long.now - timedelta(days=30), long.now)
            values = settle(long.reader, board, next(choices(long, board)), shown)
            with long.reader.transaction(force_rollback=True):
                scans = Scans(long.reader)
                answer(long.reader, query, values, shown)
                assert scans.parts() == [], query.id


def test_the_check_sees_what_does_not_leave_out(long: Long) -> None:
    with psycopg.connect(long.dsn) as owner:
        scans = Scans(owner)
        owner.execute("SELECT count(*) FROM vigil.readings WHERE value > 0").fetchall()
        parts = scans.parts()
    assert len(parts) > DAYS - 1
    hour = Range(long.now - timedelta(hours=1), long.now)
    assert len(excluded(parts, "raw", hour, long.now)) >= DAYS - 2
