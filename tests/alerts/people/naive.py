"""The obvious way to say who is on duty: minute by minute, by the furthest that the wall clock has got."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from alerts.people.model import Rota, Shift

MINUTE = 60_000_000
_BEFORE = 2 * 24 * 60


def naive_on_duty(rota: Rota, start_us: int, minutes: int) -> list[tuple[str, ...]]:
    """Return who is on duty at each of the minutes from `start_us` on."""
    zone = ZoneInfo(rota.timezone)
    shown = _wall(start_us - _BEFORE * MINUTE, zone)
    found = []
    for minute in range(-_BEFORE, minutes):
        us = start_us + minute * MINUTE
        shown = max(shown, _wall(us, zone))  # an hour that is shown twice is not lived twice
        if minute >= 0:
            found.append(_at(rota, us, shown))
    return found


def _wall(us: int, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(us // 1_000_000, UTC).astimezone(zone).replace(tzinfo=None, fold=0)


def _at(rota: Rota, us: int, shown: datetime) -> tuple[str, ...]:
    instead = [one for one in rota.overrides if one.start_us <= us < one.end_us]
    if instead:
        return tuple(dict.fromkeys(instead[-1].people))
    found: dict[str, None] = {}
    days = [shown.date() - timedelta(days=back) for back in (2, 1, 0)]
    for order in range(max(len(rota.shifts), len(rota.holiday_shifts))):
        for day in days:
            shifts = rota.holiday_shifts if day.isoformat() in rota.holidays else rota.shifts
            if order < len(shifts) and _holds(rota, shifts[order], day, shown):
                found.update(dict.fromkeys(shifts[order].people))
    return tuple(found)


def _holds(rota: Rota, shift: Shift, day: date, shown: datetime) -> bool:
    if day.weekday() not in shift.days:
        return False
    first = date.fromisoformat(rota.cycle_start or "1970-01-05")
    monday, first_monday = (one - timedelta(days=one.weekday()) for one in (day, first))
    if shift.weeks and ((monday - first_monday).days // 7) % rota.cycle_weeks not in shift.weeks:
        return False
    midnight = datetime.combine(day, datetime.min.time())
    over = 1 if shift.end_min <= shift.start_min else 0
    start = midnight + timedelta(minutes=shift.start_min)
    end = midnight + timedelta(days=over, minutes=shift.end_min)
    return start <= shown < end
