"""Knobs: of each kind of rule the figure that decides how much it says, and what moves along when it is turned."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isfinite
from typing import TYPE_CHECKING, Final

import msgspec

from rules.limits import physical_range
from rules.model import (
    BaselineTerms,
    Direction,
    DriftTerms,
    FlatlineTerms,
    ForecastTerms,
    InactivityTerms,
    NeighbourhoodTerms,
    NoDataTerms,
    RangeTerms,
    RateTerms,
    ThresholdTerms,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from devices.profile import Metric
    from rules.model import Rule, Terms

__all__ = ["Knob", "auto_values", "knob_of"]

AUTO_VALUES: Final = 17

Turned = tuple["Terms", "Mapping[str, float]"]


@dataclass(frozen=True, slots=True)
class Knob:
    """One figure of a rule.

    key:      its TOML key
    unit:     of the figure, "" where it has none
    present:  what the rule says now
    least, most: what makes sense at all; both bounds are outside
    turn:     figure → the terms with it, and the TOML keys that say so
    is_whole: it counts
    """

    key: str
    unit: str
    present: float
    least: float
    most: float
    turn: Callable[[float], Turned]
    is_whole: bool = False


def knob_of(rule: Rule, metric: Metric | None, key: str = "") -> Knob | None:
    """Return what can be turned on `rule`; None for kinds that have no such figure (alarm, fault, dose, composite).

    key: which figure, where there are several: `low` or `high` of a range; "" for the first
    Raises ValueError where the rule has no figure of that key.
    """
    knobs = _knobs(rule.terms, metric)
    if not key:
        return knobs[0] if knobs else None
    found = next((knob for knob in knobs if knob.key == key), None)
    if found is None:
        there = ", ".join(knob.key for knob in knobs) or "none that can be tuned"
        raise ValueError(f"rule {rule.id!r} of kind {rule.kind} has no figure {key!r}; it has {there}")
    return found


def _knobs(terms: Terms, metric: Metric | None) -> list[Knob]:  # noqa: PLR0911 - one line a kind
    unit = metric.unit if metric is not None else ""
    low, high = physical_range(metric) if metric is not None else (-inf, inf)
    reach = high - low
    match terms:
        case ThresholdTerms():
            key = terms.comparison.value
            return [Knob(key, unit, terms.limit, low, high, lambda limit: _threshold(terms, limit, low, high))]
        case RangeTerms():
            return [
                Knob("low", unit, terms.low, low, terms.high, lambda limit: _range(terms, limit, terms.high)),
                Knob("high", unit, terms.high, terms.low, high, lambda limit: _range(terms, terms.low, limit)),
            ]
        case RateTerms():
            key = "rises_by" if terms.direction is Direction.UP else "falls_by"
            return [Knob(key, unit, terms.by, 0, reach, lambda by: _scaled(terms, key, "by", by, "clear"))]
        case DriftTerms():
            return [
                Knob(
                    "drifts_by",
                    unit,
                    terms.by,
                    0,
                    high - low,
                    lambda by: _scaled(terms, "drifts_by", "by", by, "clear"),
                )
            ]
        case BaselineTerms():
            name = "deviations"
            return [Knob(name, "", terms.deviations, 0, inf, lambda n: _scaled(terms, name, name, n, "clear"))]
        case ForecastTerms():
            name = "within_s"
            return [Knob(name, "s", terms.within_s, 0, inf, lambda s: _scaled(terms, name, name, s, "clear_s"))]
        case FlatlineTerms() | NoDataTerms():
            return [Knob("after_s", "s", terms.after_s, 0, inf, lambda s: _plain(terms, "after_s", s))]
        case InactivityTerms():
            return [Knob("chance", "", terms.chance, 0, 1, lambda chance: _plain(terms, "chance", chance))]
        case NeighbourhoodTerms():
            name = "at_least"
            whole = Knob(name, "devices", terms.at_least, 1, inf, lambda n: _plain(terms, name, int(n)), is_whole=True)
            return [whole]
        case _:
            return []


def _even(figure: float) -> float:
    """Return six digits of `figure`: what was made by adding and dividing is to be read by people."""
    return float(f"{figure:.6g}")


def _plain(terms: Terms, name: str, figure: float) -> Turned:
    return msgspec.structs.replace(terms, **{name: figure}), {name: figure}


def _scaled(terms: Terms, key: str, name: str, figure: float, clear: str) -> Turned:
    """Turn the field `name`, and the clear level in proportion."""
    clear_level = _even(getattr(terms, clear) * figure / getattr(terms, name))
    return msgspec.structs.replace(terms, **{name: figure, clear: clear_level}), {key: figure, clear: clear_level}


def _threshold(terms: ThresholdTerms, limit: float, low: float, high: float) -> Turned:
    """Turn the limit; the clear level keeps its distance, or, where no sensor could say that, half of what is left."""
    clear = limit + (terms.clear - terms.limit)
    if terms.clear == terms.limit:
        clear = limit
    elif low < clear < high:
        clear = _even(clear)
    else:
        clear = (limit + (low if terms.comparison.upward else high)) / 2
    return msgspec.structs.replace(terms, limit=limit, clear=clear), {terms.comparison.value: limit, "clear": clear}


def _range(terms: RangeTerms, low: float, high: float) -> Turned:
    """Turn one limit; its clear level keeps its distance, or is the limit where they would cross."""
    clear_low, clear_high = _even(low + (terms.clear_low - terms.low)), _even(high - (terms.high - terms.clear_high))
    if clear_low > clear_high:
        clear_low, clear_high = low, high
    levels = {"low": low, "high": high, "clear_low": clear_low, "clear_high": clear_high}
    return msgspec.structs.replace(terms, **levels), levels


def auto_values(knob: Knob) -> list[float]:
    """Return figures to try: from half the present one to its double, two digits each, as far as they make sense.

    Raises ValueError where the present one is 0 and nothing says how far the sensor goes.
    """
    present = knob.present
    if knob.is_whole:
        figures = [float(n) for n in range(int(present) - 3, int(present) + 6)]
    elif present:
        figures = [present / 2 * 4 ** (place / (AUTO_VALUES - 1)) for place in range(AUTO_VALUES)]
    elif isfinite(knob.least) and isfinite(knob.most):
        figures = [knob.least + (knob.most - knob.least) * place / AUTO_VALUES for place in range(1, AUTO_VALUES)]
    else:
        raise ValueError(f"{knob.key} = 0 does not tell what else to try; say it with --values")
    digits = {float(f"{figure:.2g}") for figure in figures}
    return sorted({figure for figure in digits if knob.least < figure < knob.most} | {present})
