"""The terms of the kinds that judge what is made of many readings, and of those that watch for silence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from devices.units import duration_text
from rules.authoring.bounds import FOUR_PERIODS, PERIOD, SIX_PERIODS, reach, say_beyond
from rules.authoring.table import LONGEST_S, Table
from rules.limits import physical_range
from rules.model import (
    Band,
    BaselineTerms,
    Direction,
    DoseTerms,
    DriftTerms,
    FlatlineTerms,
    ForecastTerms,
    InactivityTerms,
    NoDataTerms,
    RateTerms,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devices.profile import Metric

__all__ = ["MOST_BANDS", "baseline", "dose", "drift", "flatline", "forecast", "inactivity", "no_data", "rate"]

MOST_BANDS: Final = 3
"""So many bands a dose may have; `rules.measures.dose` has room for no more."""

_DAY_S: Final = 86_400.0
_LEAST_LEARNING_S: Final = 7 * _DAY_S
"""Each hour of the week must have been seen once."""


def rate(table: Table, metric: Metric, reporting_s: float) -> RateTerms | None:
    """Return the terms of a rise or fall within a window; None where they are wrong."""
    key, direction = _either(table, "rises_by", "falls_by")
    by = table.amount(key, metric, difference=True) if key else None
    clear = table.amount("clear", metric, difference=True)
    within_s = table.duration("within", wanted="the window", above_s=reporting_s, why=PERIOD)
    if by is None or within_s is None:
        return None
    return RateTerms(direction, by, within_s, _at_most(table, "clear", clear, by))


def dose(table: Table, metric: Metric, reporting_s: float) -> DoseTerms | None:
    """Return the terms of an exposure; None where they are wrong."""
    bands = _bands(table, metric, reporting_s)
    clear = table.amount("clear", metric)
    recovery_s = table.duration("recovery", above_s=0.0, why="nothing")
    if not bands:
        return None
    first = bands[0]
    clear = first.at_least if clear is None else clear
    if clear > first.at_least:
        table.say("clear", f"{table.shown('clear')} is above the first band", f"at most {first.at_least:g}")
    elif clear <= physical_range(metric)[0]:
        key = "clear" if table.has("clear") else "bands.0.at_least"
        table.say(key, f"it could never cease: no reading is below {clear:g}", f"a clear level {reach(metric)}")
    return DoseTerms(bands, clear, first.within_s if recovery_s is None else recovery_s)


def _bands(table: Table, metric: Metric, reporting_s: float) -> tuple[Band, ...]:
    """Return the bands; empty where one is wrong."""
    match table.values.get("bands"):
        case [*given] if 1 <= len(given) <= MOST_BANDS and all(isinstance(one, dict) for one in given):
            pass
        case given:
            wrong = "no `bands`" if given is None else f"bands = {given!r}"
            wanted = f"1 to {MOST_BANDS} of {{ at_least = 100, within = '10 min' }}, by rising concentration"
            table.say("bands", wrong, wanted)
            return ()
    found: list[Band] = []
    low, high = physical_range(metric)
    for nth, values in enumerate(given):
        band = _Band(table, nth, cast("dict[str, object]", values))
        at_least = band.amount("at_least", metric, wanted="a concentration")
        within_s = band.duration("within", wanted="a time", above_s=reporting_s, why=PERIOD)
        band.refuse_others(("at_least", "within", "within_s"), "a band")
        if at_least is None or within_s is None:
            table.sound = False
            continue
        if not low <= at_least <= high:
            say_beyond(band, "at_least", metric, "a concentration")
        if found and not at_least > found[-1].at_least:
            band.say("at_least", "the bands do not rise", f"more than {found[-1].at_least:g}")
        if found and not within_s < found[-1].within_s:
            shorter = f"less than {duration_text(found[-1].within_s)}"
            band.say(band.form("within"), "more of it may be breathed for no shorter time", shorter)
        found.append(Band(at_least, within_s))
        table.sound &= band.sound
    return tuple(found) if len(found) == len(given) else ()


class _Band(Table):
    """One of the bands of `table`, read like a table of its own."""

    def __init__(self, table: Table, nth: int, values: Mapping[str, object]) -> None:
        super().__init__(values, lambda key: table.place(f"bands.{nth}.{key}"), table.who, table.faults)


def flatline(table: Table, reporting_s: float) -> FlatlineTerms | None:
    """Return the terms of readings that are all the same; None where they are wrong."""
    after_s = table.duration("after", wanted="how long it may say the same", above_s=reporting_s, why=PERIOD)
    samples = table.count("samples", 2, 1000, 3)
    return None if after_s is None or samples is None else FlatlineTerms(after_s, samples)


def baseline(table: Table, metric: Metric) -> BaselineTerms | None:
    """Return the terms of what is far from usual; None where they are wrong."""
    direction = table.choice("direction", Direction, Direction.BOTH)
    deviations = table.number("deviations", 0.1, 1000.0)
    clear = deviations if deviations is None else table.number("clear", 0.0, deviations, deviations)
    least = table.amount("least", metric, difference=True, wanted="the smallest deviation to be believed")
    learn_s = _learning(table, 14 * _DAY_S)
    if direction is None or deviations is None or clear is None or least is None or learn_s is None:
        return None
    return BaselineTerms(direction, deviations, clear, least, learn_s)


def inactivity(table: Table, reporting_s: float) -> InactivityTerms | None:
    """Return the terms of a stillness; None where they are wrong."""
    chance = table.number("chance", 1e-6, 0.5, 0.0005)
    at_least_s = table.duration("at_least_for", wanted="the shortest stillness", above_s=reporting_s, why=PERIOD)
    until_learned_s = table.duration("until_learned", wanted="the stillness that counts until the week is learned")
    learn_s = _learning(table, 21 * _DAY_S)
    if chance is None or at_least_s is None or until_learned_s is None or learn_s is None:
        return None
    if until_learned_s < at_least_s:
        key = table.form("until_learned")
        table.say(key, f"{table.shown(key)} is shorter than at_least_for", f"at least {duration_text(at_least_s)}")
    return InactivityTerms(chance, at_least_s, learn_s, until_learned_s)


def drift(table: Table, metric: Metric, reporting_s: float) -> DriftTerms | None:
    """Return the terms of a slow departure; None where they are wrong."""
    by = table.amount("drifts_by", metric, difference=True, wanted="how far it may drift")
    clear = table.amount("clear", metric, difference=True)
    direction = table.choice("direction", Direction, Direction.BOTH)
    window_s, baseline_s = (
        table.duration(key, wanted=wanted, above_s=4 * reporting_s, why=FOUR_PERIODS)
        for key, wanted in (("window", "the time that is compared"), ("baseline", "the time after the installation"))
    )
    if by is None or direction is None or window_s is None or baseline_s is None:
        return None
    return DriftTerms(direction, by, _at_most(table, "clear", clear, by), window_s, baseline_s)


def forecast(table: Table, metric: Metric, reporting_s: float) -> ForecastTerms | None:
    """Return the terms of a level to come; None where they are wrong."""
    key, direction = _either(table, "rises_to", "falls_to")
    level = table.amount(key, metric) if key else None
    within_s = table.duration("within", wanted="how far ahead", above_s=reporting_s, why=PERIOD)
    window_s = table.duration(
        "window", wanted="the time whose trend it goes by", above_s=6 * reporting_s, why=SIX_PERIODS
    )
    reset_by = table.amount("reset_by", metric, difference=True, wanted="the jump that begins the trend anew")
    clear_s = table.duration("clear")
    if level is None or within_s is None or window_s is None or reset_by is None:
        return None
    low, high = physical_range(metric)
    if not (low < level <= high if direction is Direction.UP else low <= level < high):
        say_beyond(table, key, metric, "a level")
    if clear_s is not None and clear_s < within_s:
        wanted = f"at least {duration_text(within_s)}"
        table.say(table.form("clear"), f"{table.shown('clear')} is shorter than within", wanted)
    clear_s = min(within_s * 1.25, LONGEST_S) if clear_s is None else clear_s
    return ForecastTerms(direction, level, within_s, window_s, reset_by, clear_s)


def no_data(table: Table, reporting_s: float) -> NoDataTerms | None:
    """Return the terms of a no-data rule; None where they are wrong."""
    after_s = table.duration("after", wanted="the silence to wait for", above_s=reporting_s, why=PERIOD)
    if "periods" not in table.values:
        if table.has("at_least_for"):
            table.say(table.form("at_least_for"), "at_least_for without periods", "periods as well")
        return None if after_s is None else NoDataTerms(after_s)
    periods = table.number("periods", 1.5, 1000.0)
    at_least_s = table.duration("at_least_for", reporting_s)
    if after_s is None or periods is None or at_least_s is None:
        return None
    if at_least_s > after_s:
        key = table.form("at_least_for")
        table.say(key, f"{table.shown(key)} is longer than after", f"at most {duration_text(after_s)}")
    return NoDataTerms(after_s, periods, at_least_s)


def _either(table: Table, up: str, down: str) -> tuple[str, Direction]:
    """Return which of two keys is given, "" where not just one is, and what it means."""
    given = [key for key in (up, down) if key in table.values]
    if len(given) != 1:
        table.say("", f"given: {' and '.join(given) or 'neither'}", f"exactly one of {up}, {down}")
        return "", Direction.UP
    return given[0], Direction.UP if given[0] == up else Direction.DOWN


def _at_most(table: Table, key: str, clear: float | None, limit: float) -> float:
    if clear is None:
        return limit
    if clear > limit:
        table.say(key, f"{table.shown(key)} is beyond the limit", f"at most {limit:g}")
    return clear


def _learning(table: Table, default_s: float) -> float | None:
    learn_s = table.duration("learn", default_s)
    if learn_s is not None and learn_s < _LEAST_LEARNING_S:
        wanted = f"at least {duration_text(_LEAST_LEARNING_S)}: each hour of the week once"
        table.say(table.form("learn"), table.shown("learn"), wanted)
    return learn_s
