"""The rate of change: a rise above the lowest, a fall below the highest, of a window."""

from __future__ import annotations

from math import isnan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.measures import rate
from rules.model import Direction, RateTerms
from tests.rules.measures.instance import Instance
from tests.rules.measures.naive_rate import NaiveRate

SECOND = 1_000_000
NOON = 1_790_000_000 * SECOND  # a multiple of 5 s, the width of a bucket of 40 s

BURST = RateTerms(Direction.DOWN, by=0.05, within_s=300.0, clear=0.05)
RISE = RateTerms(Direction.UP, by=6.0, within_s=40.0, clear=3.0)


def changes(terms: RateTerms, *readings: tuple[float, float]) -> list[float]:
    one = Instance(rate, terms)
    return [one.measure(NOON + round(s * SECOND), value)[0] for s, value in readings]


def test_the_first_reading_is_its_own_extreme() -> None:
    one = Instance(rate, RISE)
    measured, reference, *rest = one.measure(NOON, 20.0)
    assert (measured, reference) == (0.0, 20.0)
    assert np.isnan(rest).all()


def test_a_rise_is_against_the_lowest_of_the_window_and_a_fall_against_the_highest() -> None:
    readings = [(0.0, 4.0), (10.0, 1.0), (20.0, 9.0), (30.0, 5.0)]
    assert changes(RISE, *readings) == [0.0, 0.0, 8.0, 4.0]
    falls = RateTerms(Direction.DOWN, by=6.0, within_s=40.0, clear=3.0)
    assert changes(falls, *readings) == [0.0, -3.0, 0.0, -4.0]
    one = Instance(rate, falls)
    assert [one.measure(NOON + round(s * SECOND), value)[1] for s, value in readings] == [4.0, 4.0, 9.0, 9.0]


@pytest.mark.parametrize(("after_s", "expected"), [(40.0, 5.0), (44.999999, 5.0), (45.0, 0.0), (10_000.0, 0.0)])
def test_a_reading_leaves_the_window_within_an_eighth_after_its_end(after_s: float, expected: float) -> None:
    assert changes(RISE, (0.0, 1.0), (after_s, 6.0))[-1] == expected


@pytest.mark.parametrize("period_s", [1, 10, 60])
def test_a_steady_rise_is_measured_over_the_window_whatever_the_period(period_s: int) -> None:
    terms = RateTerms(Direction.UP, by=180.0, within_s=480.0, clear=180.0)
    measured = changes(terms, *((s, float(s)) for s in range(0, 3600, period_s)))
    assert all(480 <= change < 540 for change in measured[540 // period_s :])


def test_one_sample_a_window_still_sees_the_one_before() -> None:
    assert changes(BURST, (0.0, 0.5), (300.0, 0.3)) == [0.0, pytest.approx(-0.2)]


def test_the_window_is_no_shorter_than_said_where_its_eighth_is_no_whole_microsecond() -> None:
    one = Instance(rate, RateTerms(Direction.UP, by=1.0, within_s=0.000009, clear=1.0))
    assert [one.measure(time_us, value)[0] for time_us, value in [(1000, 1.0), (1009, 5.0)]] == [0.0, 4.0]


def test_a_change_that_rounding_keeps_below_the_limit_has_reached_it() -> None:
    one = Instance(rate, BURST)
    one.measure(NOON, 0.35)
    fall = one.measure(NOON + SECOND, 0.30)[0]
    assert fall > -0.05
    assert one.level(fall) == "breach"


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        (RISE, {0.0: "clear", 2.9: "clear", 3.0: "between", 5.9: "between", 6.0: "breach", 60.0: "breach"}),
        (BURST, {0.0: "clear", -0.049: "clear", -0.05: "breach", -1.0: "breach"}),
    ],
)
def test_it_is_in_breach_from_by_on_and_clear_below_clear(terms: RateTerms, expected: dict[float, str]) -> None:
    one = Instance(rate, terms)
    assert {change: one.level(change) for change in expected} == expected


def test_a_late_reading_is_judged_as_of_its_own_time_and_counts_from_then_on() -> None:
    readings = [(0.0, 1.0), (30.0, 9.0), (20.0, 5.0), (10.0, -1.0), (31.0, 9.0)]
    assert changes(RISE, *readings) == [0.0, 8.0, 4.0, 0.0, 10.0]


def test_a_late_reading_of_a_bucket_that_is_gone_is_not_judged_and_changes_nothing() -> None:
    first, last, late, again = changes(RISE, (0.0, 1.0), (45.0, 9.0), (4.0, -50.0), (46.0, 9.0))
    assert (first, last, again) == (0.0, 0.0, 0.0)
    assert isnan(late)


def test_the_window_is_kept_when_our_clock_is_set_back() -> None:
    one = Instance(rate, RISE)
    one.measure(NOON, 1.0)
    one.measure(NOON + 20 * SECOND, 2.0)
    one.set_clock_back(NOON - 3600 * SECOND)
    assert one.measure(NOON - 3600 * SECOND, 9.0)[0] == 8.0
    assert one.measure(NOON - 3575 * SECOND, 9.0)[0] == 7.0


def test_a_rule_looks_one_way() -> None:
    with pytest.raises(ValueError, match="wanted up or down"):
        rate.parameters(RateTerms(Direction.BOTH, by=1.0, within_s=60.0, clear=1.0))


STEPS = st.lists(
    st.tuples(
        st.one_of(
            st.integers(0, 12 * SECOND),
            st.integers(-60 * SECOND, 60 * SECOND),
            st.sampled_from([0, 5 * SECOND, 40 * SECOND, 45 * SECOND, -45 * SECOND, 10**12]),
        ),
        st.one_of(st.integers(-5, 5).map(float), st.floats(-1e6, 1e6)),
    ),
    max_size=60,
)


@settings(max_examples=300)
@given(
    st.sampled_from([0, 1, NOON]),
    st.sampled_from([Direction.UP, Direction.DOWN]),
    st.sampled_from([40.0, 39.999999, 300.0, 0.1]),
    STEPS,
)
def test_it_equals_the_oracle(
    start: int, direction: Direction, within_s: float, steps: list[tuple[int, float]]
) -> None:
    terms = RateTerms(direction, by=1.0, within_s=within_s, clear=1.0)
    one, oracle = Instance(rate, terms), NaiveRate(terms)
    time_us = start
    for step, value in steps:
        time_us = max(0, time_us + step)
        late = time_us < one.newest_us
        np.testing.assert_array_equal(one.measure(time_us, value), oracle.measure(time_us, value, late, 0))
