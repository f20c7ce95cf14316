"""Limits: which values are in breach, clear, between, withheld."""

from __future__ import annotations

from math import inf

import pytest

from devices.profile import Metric, MetricType
from rules.limits import Limits, above, below, levels_of, limits_of, physical_range, withheld_range
from rules.model import AlarmTerms, Comparison, FaultTerms, FlatlineTerms, RangeTerms, Terms, ThresholdTerms
from tests.rules.written import METRICS, one, rule

GAUGE, OPEN, FLAG, EVENT = (METRICS[name] for name in ("gas", "open", "flag", "press"))


def level(limits: Limits, value: float) -> str:
    if not limits.given_low <= value <= limits.given_high:
        return "withheld"
    if value <= limits.breach_at_most or value >= limits.breach_at_least:
        return "breach"
    return "clear" if limits.clear_low <= value <= limits.clear_high else "between"


@pytest.mark.parametrize(
    ("terms", "metric", "wanted"),
    [
        (AlarmTerms(), FLAG, {-1: "clear", 0: "clear", 0.4: "clear", 0.5: "breach", 1: "breach", 7: "breach"}),
        (AlarmTerms(), EVENT, {0: "between", 1: "breach"}),
        (AlarmTerms(latched=True), FLAG, {0: "between", 1: "breach"}),
        (
            ThresholdTerms(Comparison.AT_LEAST, 10, 5),
            GAUGE,
            {-1: "withheld", 0: "clear", below(5): "clear", 5: "between", below(10): "between", 10: "breach"},
        ),
        (ThresholdTerms(Comparison.AT_LEAST, 10, 10), GAUGE, {below(10): "clear", 10: "breach", 101: "withheld"}),
        (ThresholdTerms(Comparison.ABOVE, 10, 10), OPEN, {10: "clear", above(10): "breach", 1e9: "breach"}),
        (ThresholdTerms(Comparison.ABOVE, 10, 5), OPEN, {5: "between", below(5): "clear", 10: "between"}),
        (
            ThresholdTerms(Comparison.AT_MOST, 5, 10),
            OPEN,
            {5: "breach", above(5): "between", 10: "between", 11: "clear"},
        ),
        (ThresholdTerms(Comparison.BELOW, 5, 5), OPEN, {5: "clear", below(5): "breach"}),
        (ThresholdTerms(Comparison.BELOW, 1, 1), FLAG, {0: "breach", 1: "clear", 2: "clear"}),
        (
            RangeTerms(10, 90, 20, 80),
            GAUGE,
            {
                -1: "withheld",
                0: "breach",
                below(10): "breach",
                10: "between",
                20: "clear",
                80: "clear",
                81: "between",
                90: "between",
                above(90): "breach",
                101: "withheld",
            },
        ),
        (RangeTerms(10, 90, 10, 90), OPEN, {10: "clear", 90: "clear", 91: "breach"}),
        (FaultTerms(), GAUGE, {below(0): "breach", 0: "clear", 100: "clear", above(100): "breach"}),
        (FaultTerms(), OPEN, {-1e308: "clear", 1e308: "clear"}),
    ],
)
def test_a_value_is_in_breach_clear_between_or_withheld(terms: Terms, metric: Metric, wanted: dict[float, str]) -> None:
    limits = levels_of(terms, metric)
    assert {value: level(limits, value) for value in wanted} == wanted


def test_a_rule_has_the_limits_of_its_terms() -> None:
    found = one(rule("threshold", clear=5))
    assert limits_of(found, GAUGE) == levels_of(ThresholdTerms(Comparison.AT_LEAST, 10, 5), GAUGE)


def test_a_measure_has_limits_of_its_own() -> None:
    with pytest.raises(ValueError, match="limits of its measure"):
        levels_of(FlatlineTerms(60.0, 3), GAUGE)


def test_only_a_gauge_is_withheld() -> None:
    assert withheld_range(GAUGE) == physical_range(GAUGE) == (0.0, 100.0)
    assert withheld_range(OPEN) == (-inf, inf)
    half = Metric("half", MetricType.GAUGE, "m", "", "", minimum=1.0)
    assert withheld_range(half) == (1.0, inf)
    assert withheld_range(FLAG) == withheld_range(EVENT) == (-inf, inf)
    assert physical_range(FLAG) == (0.0, 1.0)
