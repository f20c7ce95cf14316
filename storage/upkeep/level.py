"""The levels of rollups."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

__all__ = ["Level", "floor"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)


class Level(StrEnum):
    """A level of rollups, the finest first; each is made of the one before, the finest of readings."""

    MINUTE = "1m"
    HOUR = "1h"
    DAY = "1d"

    @property
    def width(self) -> timedelta:
        """How long its buckets are."""
        return _WIDTHS[self]

    @property
    def piece(self) -> timedelta:
        """How much of its source is rolled up in one transaction; whole buckets."""
        return max(self.width, _HOUR)

    @property
    def query(self) -> str:
        """The name of the query that rolls up a time."""
        return _QUERIES[self]

    @property
    def late_query(self) -> str:
        """The name of the query that rolls up anew where readings came late."""
        return _LATE_QUERIES[self]

    @property
    def source(self) -> str:
        """The partitioned table that it is made of."""
        return _SOURCES[self]

    def source_partition(self, at: datetime) -> str:
        """Return the name of the partition of `source` in which `at` lies."""
        day = f"{at:%Y%m}01" if self is Level.DAY else f"{at:%Y%m%d}"
        return f"{self.source}_{day}"

    def partition_start(self, at: datetime) -> datetime:
        """Return where its partition with `at` begins: a day of minutes, a month of hours, a year of days."""
        day = floor(at, _DAY)
        match self:
            case Level.MINUTE:
                return day
            case Level.HOUR:
                return day.replace(day=1)
            case Level.DAY:
                return day.replace(month=1, day=1)


_WIDTHS: Final = {Level.MINUTE: timedelta(minutes=1), Level.HOUR: _HOUR, Level.DAY: _DAY}
_QUERIES: Final = {Level.MINUTE: "roll_minutes", Level.HOUR: "roll_hours", Level.DAY: "roll_days"}
_LATE_QUERIES: Final = {
    Level.MINUTE: "roll_late_minutes",
    Level.HOUR: "roll_late_hours",
    Level.DAY: "roll_late_days",
}
_SOURCES: Final = {Level.MINUTE: "readings", Level.HOUR: "readings_1m_rows", Level.DAY: "readings_1h_rows"}


def floor(at: datetime, width: timedelta) -> datetime:
    """Return where the bucket of UTC that `at` falls in begins."""
    return at - (at - _EPOCH) % width
