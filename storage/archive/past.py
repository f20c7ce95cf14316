"""The past: what the archive holds, read back for whoever tries rules on it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import psycopg
from psycopg.rows import dict_row

from alerts.evidence.line import Line
from alerts.evidence.recent import SignedLine
from devices import Device, Kind, Lifecycle
from storage.archive.history import as_time
from storage.sql import queries

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from numpy.typing import NDArray

__all__ = ["Past", "PastChannel", "PastReadings", "VerifiedIncident", "open_past"]

DAY_US: Final = 86_400_000_000
BYTES_AT_ONCE: Final = 1 << 22

_POSTGRES_EPOCH_US: Final = 946_684_800_000_000  # 2000-01-01
_HEADER_BYTES: Final = 19
"""The signature, no flags, and an extension of no length."""
_END: Final = b"\xff\xff"

# A row is the number of its fields, then each field behind its length in bytes; none is null.
_ROW = np.dtype(
    [
        ("fields", ">i2"),
        ("channel_bytes", ">i4"),
        ("channel", ">i4"),
        ("time_bytes", ">i4"),
        ("time", ">i8"),
        ("value_bytes", ">i4"),
        ("value", ">f8"),
    ]
)


class PastChannel(NamedTuple):
    """A channel id of the database, and what it stands for; `device` is `site/name`."""

    channel_id: int
    device: str
    metric: str


class PastReadings(NamedTuple):
    """n readings in order of time, those of one time in order of their channel.

    channel_id: (n,) int32
    time_us:    (n,) int64   µs since the epoch
    value:      (n,) float64 0.0 where not known
    known:      (n,) bool
    """

    channel_id: NDArray[np.int32]
    time_us: NDArray[np.int64]
    value: NDArray[np.float64]
    known: NDArray[np.bool_]


class VerifiedIncident(NamedTuple):
    """What people said of one incident; `outcome` as in `alerts.Outcome`, times of the event."""

    device: str
    rule_id: str
    began: datetime
    ended: datetime
    outcome: str


@contextmanager
def open_past(dsn: str) -> Iterator[Past]:
    """Connect to the database of an archive, to read it as it is now. Raises psycopg.Error."""
    with psycopg.connect(dsn) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        connection.execute(queries["open_history"])
        yield Past(connection)


class Past:
    """What the archive holds; all of its methods raise psycopg.Error.

    `site` is one site, or "" for all.
    """

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    def timeline(self, incident: str) -> list[SignedLine]:
        """Return the lines of an incident's timeline that are in its chain, oldest first."""
        rows = self._connection.execute(queries["incident_timeline"], {"incident": incident}).fetchall()
        fields = Line.__struct_fields__
        return [SignedLine(Line(**dict(zip(fields, row[:-1], strict=True))), row[-1]) for row in rows]

    def devices(self, site: str = "") -> list[Device]:
        """Return the devices as they are now, in the order in which they came."""
        with self._connection.cursor(row_factory=dict_row) as cursor:
            rows = cursor.execute(queries["history_devices"], {"site": site}).fetchall()
        return [Device(**{**row, "kind": Kind(row["kind"]), "lifecycle": Lifecycle(row["lifecycle"])}) for row in rows]

    def channels(self, site: str = "") -> list[PastChannel]:
        """Return the channels in order of their ids."""
        rows = self._connection.execute(queries["history_channels"], {"site": site})
        return [PastChannel(*row) for row in rows.fetchall()]

    def verified(self, from_us: int, to_us: int, site: str = "") -> list[VerifiedIncident]:
        """Return the incidents of a time that somebody has judged, in order of the event."""
        span = {"from": as_time(from_us), "to": as_time(to_us), "site": site}
        return [
            VerifiedIncident(*row) for row in self._connection.execute(queries["verified_incidents"], span).fetchall()
        ]

    def readings(self, from_us: int, to_us: int, site: str = "") -> Iterator[PastReadings]:
        """Read from `from_us` on and before `to_us`, a UTC day at a time: no more than that is sorted at once."""
        start = from_us
        while start < to_us:
            end = min(start - start % DAY_US + DAY_US, to_us)
            yield from self._day(start, end, site)
            start = end

    def _day(self, from_us: int, to_us: int, site: str) -> Iterator[PastReadings]:
        span = {"from": as_time(from_us), "to": as_time(to_us), "site": site}
        with self._connection.cursor() as cursor, cursor.copy(queries["copy_history"], span) as copy:
            skipped = _HEADER_BYTES
            # psycopg hands out row after row; to keep them apart until the end would cost five times as much.
            rows = bytearray()
            for row in copy:
                rows += row
                if len(rows) >= BYTES_AT_ONCE:
                    whole = len(rows) - (len(rows) - skipped) % _ROW.itemsize
                    yield _decoded(bytes(rows[skipped:whole]))
                    del rows[:whole]
                    skipped = 0
            body = bytes(rows[skipped:]).removesuffix(_END)
            if body:
                yield _decoded(body)


def _decoded(body: bytes) -> PastReadings:
    """Read rows of a binary COPY. Source: "Binary Format" under COPY in the manual of PostgreSQL."""
    rows = np.frombuffer(body, _ROW)
    value = rows["value"].astype(np.float64)
    known = ~np.isnan(value)
    value[~known] = 0.0
    return PastReadings(
        rows["channel"].astype(np.int32), rows["time"].astype(np.int64) + _POSTGRES_EPOCH_US, value, known
    )
