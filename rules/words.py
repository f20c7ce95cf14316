"""A rule in words, and its figures one by one: each under the key that gives it, with its unit."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from devices.profile import MetricType
from devices.units import duration_text
from rules.limits import physical_range
from rules.model import (
    AlarmTerms,
    BaselineTerms,
    Comparison,
    CompositeTerms,
    Direction,
    DoseTerms,
    DriftTerms,
    FaultTerms,
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
    from devices.profile import Metric
    from rules.model import Rule, Terms, Timing

__all__ = ["figures_of", "words_of"]

_SIGNS = {Comparison.AT_LEAST: "≥", Comparison.ABOVE: ">", Comparison.AT_MOST: "≤", Comparison.BELOW: "<"}
_AWAY = {Direction.UP: "above", Direction.DOWN: "below", Direction.BOTH: "away from"}


def words_of(rule: Rule, metric: Metric | None) -> str:
    """Return what `rule` on `metric` (None for no-data and relation rules) says, in English."""
    timing = rule.timing
    parts = [_terms(rule.terms, metric) + _lasting(timing)]
    ceases = _ceases(rule.terms, metric)
    if ceases:
        parts.append(ceases + (f" for {duration_text(timing.clear_hold_s)}" if timing.clear_hold_s else ""))
    if (timing.hold_s or timing.clear_hold_s) and timing.gap_s is not None:
        parts.append(f"silence counts for {duration_text(timing.gap_s)} at most")
    if rule.unless:
        which = f"any of {', '.join(rule.unless)}" if len(rule.unless) > 1 else rule.unless[0]
        parts.append(f"not raised while {which} holds")
    return "; ".join(parts)


def _lasting(timing: Timing) -> str:
    if timing.count:
        return f", {timing.count} times within {duration_text(timing.count_within_s)}"
    return f", for {duration_text(timing.hold_s)}" if timing.hold_s else ""


def _terms(terms: Terms, metric: Metric | None) -> str:  # noqa: C901, PLR0911, PLR0912  # one case a kind
    match terms:
        case NoDataTerms() | NeighbourhoodTerms() | CompositeTerms():
            return _without_metric(terms)
    if metric is None:
        raise ValueError(f"a rule of kind {terms.kind} reads a metric; none was given")
    name, unit = metric.name, metric.unit
    match terms:
        case AlarmTerms():
            return f"{name} comes" if metric.type is MetricType.EVENT else f"{name} is set"
        case ThresholdTerms():
            return f"{name} {_SIGNS[terms.comparison]} {_amount(terms.limit, unit)}"
        case RangeTerms():
            return f"{name} below {_amount(terms.low, unit)} or above {_amount(terms.high, unit)}"
        case FaultTerms():
            return _beyond(metric)
        case RateTerms():
            way = "rises" if terms.direction is Direction.UP else "falls"
            return f"{name} {way} by {_amount(terms.by, unit)} within {duration_text(terms.within_s)}"
        case DoseTerms():
            bands = ", ".join(f"{_amount(b.at_least, unit)} for {duration_text(b.within_s)}" for b in terms.bands)
            return f"{name} comes to a whole dose: {bands}; a dose is gone in {duration_text(terms.recovery_s)}"
        case FlatlineTerms():
            return f"{name} is the same in {terms.samples} readings over {duration_text(terms.after_s)}"
        case BaselineTerms():
            return (
                f"{name} {terms.deviations:g} usual deviations (each {_amount(terms.least, unit)} at least) "
                f"{_AWAY[terms.direction]} what is usual at this hour of the week, once learned for "
                f"{duration_text(terms.learn_s)}"
            )
        case InactivityTerms():
            return (
                f"{name} is still for so long as has a chance below {terms.chance:g} by this week's own hours, "
                f"{duration_text(terms.at_least_s)} at least; until learned for {duration_text(terms.learn_s)}, for "
                f"{duration_text(terms.until_learned_s)}"
            )
        case DriftTerms():
            return (
                f"{name} by the median of {duration_text(terms.window_s)} is {_amount(terms.by, unit)} "
                f"{_AWAY[terms.direction]} that of the first {duration_text(terms.baseline_s)} after the installation"
            )
        case ForecastTerms():
            way = "rises" if terms.direction is Direction.UP else "falls"
            return (
                f"{name} {way} to {_amount(terms.level, unit)} within {duration_text(terms.within_s)} by the trend of "
                f"{duration_text(terms.window_s)}, which a jump of {_amount(terms.reset_by, unit)} begins anew"
            )


def _without_metric(terms: NoDataTerms | NeighbourhoodTerms | CompositeTerms) -> str:
    match terms:
        case NoDataTerms(after_s, None):
            return f"nothing heard for {duration_text(after_s)}"
        case NoDataTerms(after_s, periods, at_least_s):
            learned = f"{periods:g} of its reporting periods as learned, {duration_text(at_least_s)} at least"
            return f"nothing heard for {duration_text(after_s)}, or for {learned}"
        case NeighbourhoodTerms():
            share = f" and {terms.share * 100:g} % of the devices" if terms.share else ""
            place = f"within {terms.radius_m:g} m" if terms.radius_m else f"of one {terms.scope}"
            within = f", raised within {duration_text(terms.within_s)}" if terms.within_s else ""
            return f"any of {', '.join(terms.rules)} on {terms.at_least} devices{share} {place}{within}"
        case CompositeTerms():
            parts = [
                f"{word} {', '.join(ids)}"
                for word, ids in (("all of", terms.all_of), ("any of", terms.any_of), ("none of", terms.none_of))
                if ids
            ]
            if terms.then:
                parts.append(f"{', then '.join(terms.then)}, each within {duration_text(terms.within_s)}")
            return f"{' and '.join(parts)} on one {terms.scope}"


def _ceases(terms: Terms, metric: Metric | None) -> str:  # noqa: PLR0911  # one case a kind
    """Return when it ceases; "" where that needs no saying."""
    unit = "" if metric is None else metric.unit
    match terms:
        case AlarmTerms(latched=True):
            return "a person ends it"
        case AlarmTerms() if metric is not None and metric.type is MetricType.EVENT:
            return "a person ends it"
        case AlarmTerms():
            return "ceases when it is not set"
        case ThresholdTerms(comparison, limit, clear):
            inclusive = clear == limit and comparison in (Comparison.ABOVE, Comparison.BELOW)
            sign = ("≤" if inclusive else "<") if comparison.upward else ("≥" if inclusive else ">")
            return f"ceases {sign} {_amount(clear, unit)}"
        case RangeTerms():
            return f"ceases within {_amount(terms.clear_low, unit)} … {_amount(terms.clear_high, unit)}"
        case RateTerms() | DriftTerms():
            return f"ceases below {_amount(terms.clear, unit)}"
        case DoseTerms():
            return f"ceases < {_amount(terms.clear, unit)}"
        case BaselineTerms():
            return f"ceases below {terms.clear:g} deviations"
        case ForecastTerms():
            return f"ceases when more than {duration_text(terms.clear_s)} are left"
        case _:
            return ""


# ── figures ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def figures_of(rule: Rule, metric: Metric | None) -> list[tuple[str, str]]:
    """Return the figures of `rule`: key of its TOML table, and value with its unit."""
    own = _own_figures(rule.terms, "" if metric is None else metric.unit)
    return own + _timing_figures(rule) + [(f"unless.{nth}", name) for nth, name in enumerate(rule.unless)]


def _own_figures(  # noqa: C901, PLR0911, PLR0912  # one case a kind
    terms: Terms, unit: str
) -> list[tuple[str, str]]:
    match terms:
        case AlarmTerms() | FaultTerms():
            return []
        case ThresholdTerms():
            return [(terms.comparison, _amount(terms.limit, unit)), ("clear", _amount(terms.clear, unit))]
        case RangeTerms():
            keys = ("low", "high", "clear_low", "clear_high")
            return [(key, _amount(getattr(terms, key), unit)) for key in keys]
        case RateTerms():
            by = "rises_by" if terms.direction is Direction.UP else "falls_by"
            within = ("within", duration_text(terms.within_s))
            return [(by, _amount(terms.by, unit)), within, ("clear", _amount(terms.clear, unit))]
        case DoseTerms():
            bands = [
                (f"bands.{nth}", f"{_amount(band.at_least, unit)} for {duration_text(band.within_s)}")
                for nth, band in enumerate(terms.bands)
            ]
            return [*bands, ("clear", _amount(terms.clear, unit)), ("recovery", duration_text(terms.recovery_s))]
        case FlatlineTerms():
            return [("after", duration_text(terms.after_s)), ("samples", str(terms.samples))]
        case BaselineTerms():
            deviations = [("deviations", f"{terms.deviations:g}"), ("clear", f"{terms.clear:g}")]
            return [*deviations, ("least", _amount(terms.least, unit)), ("learn", duration_text(terms.learn_s))]
        case InactivityTerms():
            return [
                ("chance", f"{terms.chance:g}"),
                ("at_least_for", duration_text(terms.at_least_s)),
                ("learn", duration_text(terms.learn_s)),
                ("until_learned", duration_text(terms.until_learned_s)),
            ]
        case DriftTerms():
            amounts = [("drifts_by", _amount(terms.by, unit)), ("clear", _amount(terms.clear, unit))]
            return [*amounts, ("window", duration_text(terms.window_s)), ("baseline", duration_text(terms.baseline_s))]
        case ForecastTerms():
            return [
                ("rises_to" if terms.direction is Direction.UP else "falls_to", _amount(terms.level, unit)),
                ("within", duration_text(terms.within_s)),
                ("window", duration_text(terms.window_s)),
                ("reset_by", _amount(terms.reset_by, unit)),
                ("clear", duration_text(terms.clear_s)),
            ]
        case NoDataTerms(after_s, periods, at_least_s):
            learned = (
                [] if periods is None else [("periods", f"{periods:g}"), ("at_least_for", duration_text(at_least_s))]
            )
            return [("after", duration_text(after_s)), *learned]
        case NeighbourhoodTerms():
            figures = [("at_least", str(terms.at_least)), ("within", duration_text(terms.within_s))]
            share = [("share", f"{terms.share:g}")] if terms.share else []
            return [*figures, *share, *([("radius_m", f"{terms.radius_m:g} m")] if terms.radius_m else [])]
        case CompositeTerms():
            return [("within", duration_text(terms.within_s))] if terms.then else []


def _timing_figures(rule: Rule) -> list[tuple[str, str]]:
    timing = rule.timing
    found = [
        (key, duration_text(seconds))
        for key, seconds in (("hold", timing.hold_s), ("clear_hold", timing.clear_hold_s))
        if seconds
    ]
    if found and rule.metric:
        found.append(("gap", "none" if timing.gap_s is None else duration_text(timing.gap_s)))
    if timing.count:
        found += [("count", str(timing.count)), ("count_within", duration_text(timing.count_within_s))]
    return found


def _beyond(metric: Metric) -> str:
    low, high = (f"{bound:g}" if math.isfinite(bound) else "" for bound in physical_range(metric))
    outside = f"{metric.name} outside of {low} … {high} {metric.unit}" if low or high else f"{metric.name}"
    codes = ", ".join(f"{code:g}" for code in metric.errors)
    return f"{outside}{' or' if low or high else ' is'} one of its error codes {codes}" if codes else outside


def _amount(value: float, unit: str) -> str:
    return f"{value:.10g} {unit}".rstrip()
