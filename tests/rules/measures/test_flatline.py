"""The flatline: the same value for too long."""

from __future__ import annotations

from math import isnan, nextafter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.measures import flatline
from rules.model import FlatlineTerms
from tests.rules.measures.instance import Instance
from tests.rules.measures.naive_flatline import NaiveFlatline

SECOND = 1_000_000
NOON = 1_790_000_000 * SECOND

STUCK = FlatlineTerms(after_s=100.0, samples=3)


def stretches(*readings: tuple[float, float], terms: FlatlineTerms = STUCK) -> list[float]:
    one = Instance(flatline, terms)
    return [one.measure(NOON + round(s * SECOND), value)[0] for s, value in readings]


def test_the_time_without_a_change_is_from_the_first_reading_of_the_value_to_the_newest() -> None:
    assert stretches((0, 1.0), (10, 2.0), (20, 2.0), (60, 2.0), (110, 2.0)) == [0, 0, 0, 50, 100]


def test_it_is_in_breach_from_its_time_on_and_clear_when_a_reading_differs() -> None:
    one = Instance(flatline, STUCK)
    assert [one.level(s) for s in (0.0, 0.000001, 99.999999, 100.0, 1e9)] == [
        "clear",
        "between",
        "between",
        "breach",
        "breach",
    ]
    assert stretches((0, 2.0), (50, 2.0), (200, 2.0), (201, nextafter(2.0, 3.0)))[-2:] == [200, 0]


def test_too_few_readings_are_no_flatline_however_long() -> None:
    assert stretches((0, 2.0), (1e6, 2.0)) == [0, 0]
    assert stretches((0, 2.0), (1e6, 2.0), terms=FlatlineTerms(100.0, samples=2)) == [0, 1e6]


def test_a_reading_sent_again_is_not_another_one() -> None:
    assert stretches((0, 2.0), (200, 2.0), (200, 2.0), (200, 2.0)) == [0, 0, 0, 0]


def test_of_readings_of_one_time_the_last_one_stays() -> None:
    assert stretches((0, 2.0), (0, 3.0), (50, 3.0), (100, 3.0)) == [0, 0, 0, 100]


def test_a_late_reading_that_differs_moves_the_beginning_up_to_it() -> None:
    readings = (0, 2.0), (100, 2.0), (200, 2.0), (150, 7.0), (210, 2.0), (300, 2.0)
    *before, late, then, last = stretches(*readings)
    assert before == [0, 0, 200]
    assert isnan(late)
    assert (then, last) == (0, 150)


def test_a_late_equal_reading_is_one_of_the_stretch_and_judged_as_the_stretch() -> None:
    assert stretches((0, 2.0), (200, 2.0), (100, 2.0)) == [0, 0, 200]


def test_a_late_reading_from_before_the_stretch_changes_nothing() -> None:
    readings = (100, 2.0), (50, 2.0), (60, 9.0), (100, 2.0), (200, 2.0), (210, 2.0)
    first, equal, other, again, *rest = stretches(*readings)
    assert (first, again, *rest) == (0, 0, 0, 110)
    assert isnan(equal)
    assert isnan(other)


def test_0_is_a_value_like_any_other() -> None:
    assert stretches((0, 0.0), (50, -0.0), (100, 0.0)) == [0, 0, 100]


def test_the_first_moment_of_the_epoch_is_a_time() -> None:
    one = Instance(flatline, STUCK)
    assert [one.measure(s * SECOND, 2.0)[0] for s in (0, 50, 100)] == [0, 0, 99.999999]


def test_the_stretch_begins_no_later_than_now_when_our_clock_is_set_back() -> None:
    one = Instance(flatline, STUCK)
    for s in (0, 10, 20):
        one.measure(NOON + s * SECOND, 2.0)
    one.set_clock_back(NOON - 50 * SECOND)
    assert one.measure(NOON + 50 * SECOND, 2.0)[0] == 100


STEPS = st.lists(
    st.tuples(
        st.one_of(st.integers(0, 40 * SECOND), st.integers(-40, 40).map(lambda s: s * SECOND)),
        st.sampled_from([0.0, 1.0, 1.0, 1.0, 1.0, 1.5]),
    ),
    max_size=60,
)


@settings(max_examples=300)
@given(st.sampled_from([1, NOON]), st.integers(1, 6), STEPS)
def test_it_equals_the_oracle(start: int, samples: int, steps: list[tuple[int, float]]) -> None:
    terms = FlatlineTerms(after_s=60.0, samples=samples)
    one, oracle = Instance(flatline, terms), NaiveFlatline(terms)
    time_us = start
    for step, value in steps:
        time_us = max(1, time_us + step)
        late = time_us < one.newest_us
        np.testing.assert_array_equal(one.measure(time_us, value), oracle.measure(time_us, value, late, 0))
