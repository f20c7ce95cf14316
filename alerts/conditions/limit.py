"""The limit: the one number that a rule compares its measure with, for the kinds that have one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rules.model import (
    BaselineTerms,
    DoseTerms,
    DriftTerms,
    FlatlineTerms,
    ForecastTerms,
    InactivityTerms,
    NeighbourhoodTerms,
    NoDataTerms,
    RateTerms,
    ThresholdTerms,
)

if TYPE_CHECKING:
    from rules.model import Change

__all__ = ["WHOLE_DOSE", "limit_of", "silence_limit_s"]

WHOLE_DOSE = 1.0


def limit_of(change: Change) -> float | None:
    """Return the limit of what `Change.measure` says, in its unit.

    threshold: the limit; rate, drift: by how much; dose: 1; flatline, forecast, no-data: s; baseline: deviations;
    inactivity: the chance; neighbourhood: devices. None for alarm, range, fault and composite rules.
    """
    match change.rule.terms:
        case ThresholdTerms(limit=limit) | RateTerms(by=limit) | DriftTerms(by=limit):
            return limit
        case (
            FlatlineTerms(after_s=limit)
            | ForecastTerms(within_s=limit)
            | BaselineTerms(deviations=limit)
            | InactivityTerms(chance=limit)
        ):
            return limit
        case DoseTerms():
            return WHOLE_DOSE
        case NoDataTerms() as terms:
            return silence_limit_s(terms, change.reference)
        case NeighbourhoodTerms(at_least=devices):
            return float(devices)
        case _:
            return None


def silence_limit_s(terms: NoDataTerms, period_s: float | None) -> float:
    """Return how long a device may be silent that was heard every `period_s`, None where that is not known."""
    if terms.periods is None or period_s is None:
        return terms.after_s
    return min(terms.after_s, max(terms.at_least_s, terms.periods * period_s))
