"""Measures: what is made of a reading before it is judged. For most rules that is the value itself."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from rules.measures import baseline, dose, drift, flatline, forecast, inactivity, rate
from rules.model import RuleKind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rules.limits import Limits
    from rules.measures.memory import Memory

__all__ = ["MEASURES", "Code", "Measure"]


class Code(IntEnum):
    """What the compiled fold tells the measures apart by."""

    VALUE = 0
    RATE = 1
    DOSE = 2
    FLATLINE = 3
    BASELINE = 4
    INACTIVITY = 5
    DRIFT = 6
    FORECAST = 7


@dataclass(frozen=True, slots=True)
class Measure:
    """How the terms of a rule become figures for the fold.

    parameters: at most `layout.PARAMETERS` figures
    limits:     breach and clear, of the measure
    memory:     room for one channel
    """

    code: Code
    parameters: Callable[[Any], tuple[float, ...]]
    limits: Callable[[Any], Limits]
    memory: Callable[[Any], Memory]


MEASURES: Mapping[RuleKind, Measure] = {
    RuleKind.RATE: Measure(Code.RATE, rate.parameters, rate.limits, rate.memory),
    RuleKind.DOSE: Measure(Code.DOSE, dose.parameters, dose.limits, dose.memory),
    RuleKind.FLATLINE: Measure(Code.FLATLINE, flatline.parameters, flatline.limits, flatline.memory),
    RuleKind.BASELINE: Measure(Code.BASELINE, baseline.parameters, baseline.limits, baseline.memory),
    RuleKind.INACTIVITY: Measure(Code.INACTIVITY, inactivity.parameters, inactivity.limits, inactivity.memory),
    RuleKind.DRIFT: Measure(Code.DRIFT, drift.parameters, drift.limits, drift.memory),
    RuleKind.FORECAST: Measure(Code.FORECAST, forecast.parameters, forecast.limits, forecast.memory),
}
