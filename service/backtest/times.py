"""Times as people and files write them: with an offset, in a community's own time, or as a number since the epoch."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

__all__ = ["DAY_US", "SECOND_US", "day_of", "exact_time", "parse_time", "shown_time", "ticks_a_second"]

SECOND_US = 1_000_000
DAY_US = 86_400 * SECOND_US

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DIGITS = re.compile(r"\d{9,19}(\.\d+)?", re.ASCII)
_AGO = re.compile(r"(\d+)\s*(min|h|d)", re.ASCII)
_AGO_US = {"min": 60 * SECOND_US, "h": 3_600 * SECOND_US, "d": DAY_US}

# A number below the first counts the second. Between 1973 and 5138 no two units have a number in common.
_UNITS = ((10**11, 1), (10**14, 10**3), (10**17, 10**6))
_NANOSECONDS = 10**9


def ticks_a_second(number: float) -> int:
    """Return what a number since the epoch counts: 1 for seconds, 1,000 for ms, 10**6 for µs, 10**9 for ns.

    It is told by its size, which is sure for every time from 1973 to 5138.
    """
    return next((ticks for below, ticks in _UNITS if abs(number) < below), _NANOSECONDS)


def parse_time(text: str, zone: ZoneInfo, now_us: int | None = None) -> int:
    """Return the time that `text` names, µs since the epoch.

    text: ISO 8601 (`2026-05-01`, `2026-05-01 06:30`, `2026-05-01T06:30:00+08:00`; in `zone` without an offset), a
          number since the epoch in s, ms, µs or ns, and, where `now_us` is given, how long ago: `30 d`, `12 h`, `5 min`
    Raises ValueError where it is none of these.
    """
    text = text.strip()
    if _DIGITS.fullmatch(text):
        whole, _, part = text.partition(".")
        ticks = ticks_a_second(int(whole))
        return round((int(whole) + float(f"0.{part or 0}")) * SECOND_US / ticks) if part else (
            int(whole) * SECOND_US // ticks
        )  # fmt: skip
    if now_us is not None and (ago := _AGO.fullmatch(text)):
        return now_us - int(ago[1]) * _AGO_US[ago[2]]
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no time; wanted 2026-05-01, 2026-05-01T06:30:00+08:00 or the like") from None
    time = time if time.tzinfo else time.replace(tzinfo=zone)
    return (time - _EPOCH) // timedelta(microseconds=1)


def shown_time(us: int, zone: ZoneInfo) -> str:
    """Return a time (µs since the epoch) as it is read in `zone`."""
    return (_EPOCH + timedelta(microseconds=us)).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")


def exact_time(us: int, zone: ZoneInfo) -> str:
    """Return a time (µs since the epoch) so that `parse_time` reads it back, whatever zone it is given."""
    return (_EPOCH + timedelta(microseconds=us)).astimezone(zone).isoformat(sep=" ")


def day_of(us: int, zone: ZoneInfo) -> str:
    """Return the day in `zone` of a time (µs since the epoch), as `2026-05-01`."""
    return (_EPOCH + timedelta(microseconds=us)).astimezone(zone).date().isoformat()
