"""Forms: days, times, durations, dates and contacts as people write them in a settings file.

Each is a type for a pydantic field; what is wrong is said together with what was wanted.
"""

from __future__ import annotations

import math
import re
from datetime import date, datetime
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Field

from alerts.people.local_time import MINUTES_A_DAY
from alerts.people.model import Contact, Window
from devices.units import UnitFault, seconds_in

__all__ = [
    "Contacts",
    "Day",
    "Days",
    "Hours",
    "Moment",
    "Name",
    "Names",
    "Repeat",
    "Seconds",
    "Weekday",
    "Weeks",
]

LONGEST_S: Final = 366 * 86_400.0

_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WANTED_DAYS: Final = "'mon-fri', 'sat, sun', 'daily' or a list of days"
_HOURS: Final = re.compile(r"\s*(\d{1,2}):([0-5]\d)\s*[-–~]\s*(\d{1,2}):([0-5]\d)\s*")
_HOUR: Final = 60


def _days(given: object) -> object:
    found: set[int] = set()
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list | tuple) or not texts:
        raise ValueError(f"{given!r} are no days; wanted {_WANTED_DAYS}")
    for text in texts:
        if isinstance(text, int) and not isinstance(text, bool) and 0 <= text < len(_DAYS):
            found.add(text)
            continue
        for part in str(text).lower().replace(" ", "").split(","):
            first, _, last = part.partition("-")
            if part == "daily":
                found.update(range(len(_DAYS)))
            elif first in _DAYS and (last or first) in _DAYS:
                start, end = _DAYS.index(first), _DAYS.index(last or first)
                found.update((start + day) % len(_DAYS) for day in range((end - start) % len(_DAYS) + 1))
            else:
                raise ValueError(f"{part!r} is no day; wanted {_WANTED_DAYS}")
    return tuple(sorted(found))


def _weekday(given: object) -> object:
    if isinstance(given, str) and given.lower() in _DAYS:
        return _DAYS.index(given.lower())
    raise ValueError(f"{given!r} is no day; wanted one of {', '.join(_DAYS)}")


def _hours(given: object) -> object:
    if isinstance(given, Window):
        return given
    found = _HOURS.fullmatch(given) if isinstance(given, str) else None
    if found is not None:
        start, end = (int(found[at]) * _HOUR + int(found[at + 1]) for at in (1, 3))
        if start < MINUTES_A_DAY and end <= MINUTES_A_DAY:
            return Window(start, end)
    raise ValueError(f"{given!r} are no hours; wanted '08:00-20:00', or '20:00-08:00' over midnight")


def _seconds(given: object) -> object:
    seconds = math.nan
    if isinstance(given, str):
        try:
            seconds = seconds_in(given)
        except UnitFault as fault:
            raise ValueError(f"{fault.wrong}; wanted {fault.wanted}") from None
    elif isinstance(given, int | float) and not isinstance(given, bool):
        seconds = float(given)
    if not 0 <= seconds <= LONGEST_S:
        raise ValueError(f"{given!r} is no duration; wanted a number of s, or a text like '5 min', up to 366 d")
    return seconds


def _repeat(given: object) -> object:
    return None if given in ("never", False) else _seconds(given)


def _day(given: object) -> object:
    if isinstance(given, date) and not isinstance(given, datetime):
        return given.isoformat()
    try:
        return date.fromisoformat(str(given)).isoformat()
    except ValueError:
        raise ValueError(f"{given!r} is no date; wanted one like 2026-05-01") from None


def _moment(given: object) -> object:
    if isinstance(given, datetime):
        return given
    try:
        return datetime.fromisoformat(str(given))
    except ValueError:
        raise ValueError(f"{given!r} is no time; wanted one like '2026-05-01 08:00', local") from None


def _contact(given: object) -> object:
    match given:
        case Contact():
            return given
        case str(text) if text.partition(":")[0].strip():
            name, _, number = text.partition(":")
            return Contact(name.strip(), number.strip())
        case {"channel": str(channel), **rest} if channel and not rest.keys() - {"address"}:
            address = rest.get("address", "")
            if isinstance(address, str):
                return Contact(channel, address)
    raise ValueError("no contact; wanted 'CHANNEL:ADDRESS', 'CHANNEL', or { channel = …, address = … }")


def _name(given: str) -> str:
    if given != given.strip() or ":" in given:
        raise ValueError(f"{given!r} is no name; wanted one without ':' and without blanks at its ends")
    return given


def _several(given: object) -> object:
    return (given,) if isinstance(given, str) else given


Name = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_name)]
"""What selectors, commands and lists call somebody or something."""
Names = Annotated[tuple[Name, ...], BeforeValidator(_several)]
"""One name, or a list of them."""
Days = Annotated[tuple[int, ...], BeforeValidator(_days)]
"""Days of the week: "mon-fri", ["sat", "sun"], "daily"; 0 is Monday."""
Weekday = Annotated[int, BeforeValidator(_weekday)]
Hours = Annotated[Any, BeforeValidator(_hours)]
"""A `Window` of the day: "08:00-20:00"; over midnight where it does not end after it starts."""
Seconds = Annotated[float, BeforeValidator(_seconds)]
"""A duration: a number of s, or "5 min"."""
Repeat = Annotated[float | None, BeforeValidator(_repeat)]
"""A duration, or "never"."""
Day = Annotated[str, BeforeValidator(_day)]
"""A date, `2026-05-01`, with or without quotes."""
Moment = Annotated[datetime, BeforeValidator(_moment)]
"""A date and time, local unless it has an offset."""
Contacts = Annotated[tuple[Annotated[Any, BeforeValidator(_contact)], ...], BeforeValidator(_several)]
"""`Contact`s: "sms:+8613800000001", "app", or tables."""
Weeks = Annotated[
    tuple[Annotated[int, Field(ge=1)], ...], BeforeValidator(lambda one: (one,) if isinstance(one, int) else one)
]
"""Weeks of a cycle, from 1."""
