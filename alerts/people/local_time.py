"""Local time: when the wall clock of a time zone first shows a time.

Wall clocks skip hours and repeat them. A time that is skipped is taken to be when the clock jumps over it, one that is
shown twice is taken to be the first. So times of a day are in the order in which they are written, whatever the
clock does: shifts that join on paper join in fact, nobody's is left out, and nobody has one twice.

Days are ordinals (`datetime.date.toordinal`), minutes count from midnight.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

__all__ = ["DAY_US", "MINUTES_A_DAY", "MINUTE_US", "LocalTime", "weekday_of"]

MINUTE_US: Final = 60_000_000
MINUTES_A_DAY: Final = 24 * 60
DAY_US: Final = MINUTES_A_DAY * MINUTE_US
"""µs of a day without a clock change."""
_SECOND_US: Final = 1_000_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY: Final = _EPOCH.toordinal()
_NO_TIME: Final = timedelta(0)


class LocalTime:
    """The wall clock of one time zone. timezone: an IANA name, which must be known to this machine."""

    def __init__(self, timezone: str) -> None:
        self._zone = ZoneInfo(timezone)

    def shown(self, us: int) -> datetime:
        """Return what the clock shows at a time, µs since the epoch."""
        return (_EPOCH + timedelta(microseconds=us)).astimezone(self._zone)

    def day_of(self, us: int) -> int:
        """Return the day that the calendar shows at a time, µs since the epoch."""
        return self.shown(us).toordinal()

    def moment_us(self, day: int, minute: int) -> int:
        """Return when the clock first shows `minute` of `day` or later, µs since the epoch.

        minute: may be beyond the day's end
        """
        day += minute // MINUTES_A_DAY
        minute %= MINUTES_A_DAY
        wall = datetime.combine(date.fromordinal(day), datetime.min.time(), self._zone) + timedelta(minutes=minute)
        wall_us = (day - _EPOCH_DAY) * DAY_US + minute * MINUTE_US
        before_us, after_us = _offset_us(wall), _offset_us(wall.replace(fold=1))
        if after_us <= before_us:  # it is shown, be it once or twice; PEP 495
            return wall_us - before_us
        return self._jump_us(wall_us - after_us, wall_us - before_us)

    def instant_us(self, wall: datetime) -> int:
        """Return when the clock first shows `wall` (naive) or later; of one with an offset, when it is; µs."""
        if wall.tzinfo is not None:
            return (wall - _EPOCH) // timedelta(microseconds=1)
        into_us = (wall.second * _SECOND_US) + wall.microsecond
        return self.moment_us(wall.toordinal(), wall.hour * 60 + wall.minute) + into_us

    def _jump_us(self, low_us: int, high_us: int) -> int:
        """Return when the offset changes, in whole seconds, after `low_us` and not after `high_us`."""
        new = self.shown(high_us).utcoffset()
        low, high = low_us // _SECOND_US, high_us // _SECOND_US
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self.shown(middle * _SECOND_US).utcoffset() == new else (middle, high)
        return high * _SECOND_US


def weekday_of(day: int) -> int:
    """Return 0 for Monday … 6 for Sunday."""
    return (day + 6) % 7


def _offset_us(wall: datetime) -> int:
    return (wall.utcoffset() or _NO_TIME) // timedelta(microseconds=1)
