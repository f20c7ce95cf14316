"""Schedules and maintenance windows, as a rules file gives them."""

from __future__ import annotations

import re
from datetime import datetime, time
from functools import partial
from typing import TYPE_CHECKING, Final, cast

from rules.authoring.names import is_pattern
from rules.authoring.raw import place_in
from rules.authoring.table import LONGEST_S, Table
from rules.ruleset import MINUTES_A_DAY, Period, Schedule, Window

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rules.authoring.faults import Faults
    from rules.authoring.names import Names
    from rules.model import Rule

__all__ = ["read_schedule", "read_window"]

_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAYS_WANTED: Final = "'mon-fri', 'sat, sun', 'daily' or a list of days"
_CLOCK = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)")
_MINUTE_US: Final = 60_000_000


def read_schedule(values: Mapping[str, object], places: Mapping[str, str], faults: Faults) -> Schedule | None:
    """Return a schedule; None where it has a fault."""
    table = Table(values, partial(place_in, places), f"schedule {values.get('name', '?')!r}", faults)
    table.refuse_others(("name", "periods"), "a schedule")
    name = table.text("name")
    match values.get("periods"):
        case [*given] if given and all(isinstance(one, dict) for one in given):
            periods = [_period(table, nth, cast("dict[str, object]", one)) for nth, one in enumerate(given)]
        case given:
            wrong = "no `periods`" if given is None else f"periods = {given!r}"
            table.say("periods", wrong, "a list of { days = 'mon-fri', from = '08:00', to = '20:00' }")
            return None
    sound = tuple(period for period in periods if period is not None)
    return Schedule(name, sound, places[""]) if table.sound and len(sound) == len(periods) else None


def _period(table: Table, nth: int, values: Mapping[str, object]) -> Period | None:
    period = Table(values, lambda key: table.place(f"periods.{nth}.{key}"), table.who, table.faults)
    period.refuse_others(("days", "from", "to"), "a period")
    days = _days(period)
    from_min, to_min = _clock(period, "from", 0), _clock(period, "to", MINUTES_A_DAY)
    if days is None or from_min is None or to_min is None:
        return None
    if from_min == MINUTES_A_DAY:
        period.say("from", f"{period.shown('from')} is the end of a day", "'00:00' of the next")
    return Period(days, from_min, to_min) if period.sound else None


def _days(period: Table) -> tuple[int, ...] | None:
    found: set[int] = set()
    for text in period.texts("days") or ("daily",):
        for part in text.lower().replace(" ", "").split(","):
            first, _, last = part.partition("-")
            if part == "daily":
                found.update(range(len(_DAYS)))
            elif first in _DAYS and (last or first) in _DAYS:
                start, end = _DAYS.index(first), _DAYS.index(last or first)
                found.update((start + day) % len(_DAYS) for day in range((end - start) % len(_DAYS) + 1))
            else:
                period.say("days", f"{part!r} is no day", _DAYS_WANTED)
                return None
    return tuple(sorted(found))


def _clock(period: Table, key: str, default: int) -> int | None:
    """Return a time of the day in minutes, given as a text or as a TOML local time."""
    match period.values.get(key):
        case None:
            return default
        case time(tzinfo=None, second=0, microsecond=0) as given:
            return given.hour * 60 + given.minute
        case str(text) if (found := _CLOCK.fullmatch(text)) is not None:
            minutes = int(found[1]) * 60 + int(found[2])
            if minutes <= MINUTES_A_DAY:
                return minutes
    period.say(key, period.shown(key), "a time of the day like '08:00', at most '24:00'")
    return None


def read_window(
    values: Mapping[str, object], places: Mapping[str, str], names: Names, rules: Mapping[str, Rule], faults: Faults
) -> Window | None:
    """Return a maintenance window; None where it has a fault. `rules` by id are those that `names` may be about."""
    table = Table(values, partial(place_in, places), "window", faults)
    table.refuse_others(
        ("from", "to", "site", "grid", "building", "device", "rules", "by", "reason", "signed_by"), "a window"
    )
    from_us, to_us = _instant(table, "from"), _instant(table, "to")
    if from_us is not None and to_us is not None and not 0 < to_us - from_us <= LONGEST_S * 1e6:
        table.say("to", f"{table.shown('to')} does not follow from", f"a later time, at most {LONGEST_S:.0f} s later")
    signed_by = table.text("signed_by", default="")
    ids = table.ids("rules", names)
    for nth, name in enumerate(table.texts("rules")):
        guarding = [one for one in names.named(name) if one in rules and rules[one].is_life_safety]
        if guarding and not signed_by and not is_pattern(name):
            table.say(
                f"rules.{nth}",
                f"{guarding[0]!r} guards lives, and would go on",
                "`signed_by`: who answers for its silence",
            )
    window = Window(
        from_us=from_us or 0,
        to_us=to_us or 0,
        by=table.text("by", "who asked for it"),
        reason=table.text("reason", "why"),
        site=table.text("site", "the site that it is about"),
        grid=table.text("grid", default=""),
        building=table.text("building", default=""),
        device=table.text("device", default=""),
        rules=ids,
        signed_by=signed_by,
        origin=places[""],
    )
    return window if table.sound else None


def _instant(table: Table, key: str) -> int | None:
    """Return a TOML offset date-time in µs since the epoch."""
    given = table.values.get(key)
    if isinstance(given, datetime) and given.tzinfo is not None:
        return round(given.timestamp() * 1_000_000)
    wrong = f"no `{key}`" if given is None else f"{key} = {str(given)!r}"
    table.say(key, wrong, "a date and time with its offset, 2025-03-01T08:00:00+08:00, without quotes")
    return None
