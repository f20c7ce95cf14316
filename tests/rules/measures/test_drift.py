"""The drift: the median of the window against that of the installation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.measures import drift
from rules.model import Direction, DriftTerms
from tests.rules.measures.histories import DAY, HOUR, MINUTE, MONDAY, WEEK, Reading, histories, measured
from tests.rules.measures.instance import Instance, close
from tests.rules.measures.naive_drift import NaiveDrift

TILT = DriftTerms(Direction.BOTH, by=0.06, clear=0.05, window_s=86400.0, baseline_s=7 * 86400.0)


def steady(value: float, start: int, end: int, step: int = HOUR) -> list[Reading]:
    return [(time, value) for time in range(start, end, step)]


def installed(value: float = 0.125) -> Instance:
    one = Instance(drift, TILT)
    assert np.isnan(measured(one, steady(value, MONDAY, MONDAY + WEEK))).all()
    return one


def test_there_is_no_drift_before_the_baseline_is_complete_and_three_buckets_have_readings() -> None:
    results = measured(installed(), steady(0.125, MONDAY + WEEK, MONDAY + WEEK + 4 * HOUR))
    assert np.isnan([result[0] for result in results[:2]]).all()
    assert results[2][:2] == results[3][:2] == (0.0, 0.125)
    assert np.isnan(results[2][2:]).all()


def test_a_lean_is_found_when_half_of_the_window_has_it() -> None:
    one = installed()
    measured(one, steady(0.125, MONDAY + WEEK, MONDAY + 8 * DAY))
    leaning = measured(one, steady(0.375, MONDAY + 8 * DAY, MONDAY + 9 * DAY))
    assert [round(result[0], 3) for result in leaning[10:14]] == [0.0, 0.125, 0.25, 0.25]
    assert one.level(leaning[12][0]) == "breach"


def test_a_knock_and_a_passing_event_move_nothing() -> None:
    one = installed()
    start = MONDAY + WEEK
    measured(one, steady(0.125, start, start + DAY, 10 * MINUTE))
    events = measured(one, [(start + DAY, 9.0), *steady(2.0, start + DAY + MINUTE, start + DAY + 10 * HOUR)])
    assert {result[0] for result in events} == {0.0}


def test_the_course_of_the_day_is_no_drift_over_a_window_of_a_day() -> None:
    one = Instance(drift, TILT)
    readings = [(t, 0.1 + 0.05 * np.sin(2 * np.pi * t / DAY)) for t in range(MONDAY, MONDAY + 3 * WEEK, HOUR)]
    assert max(abs(result[0]) for result in measured(one, readings)[8 * 24 :]) < 0.01


def test_a_wild_first_day_is_not_the_baseline() -> None:
    one = Instance(drift, TILT)
    measured(one, [*steady(5.0, MONDAY, MONDAY + 2 * DAY), *steady(0.125, MONDAY + 2 * DAY, MONDAY + WEEK + 4 * HOUR)])
    assert one.measure(MONDAY + WEEK + 4 * HOUR, 0.125)[:2] == (0.0, 0.125)


def test_a_baseline_of_two_buckets_begins_anew() -> None:
    one = Instance(drift, TILT)
    measured(one, [(MONDAY, 5.0), (MONDAY + DAY, 5.0)])
    start = MONDAY + 10 * DAY
    results = measured(one, steady(0.25, start, start + 8 * DAY))
    assert np.isnan([result[0] for result in results[: 7 * 24 + 2]]).all()
    assert results[7 * 24 + 2][:2] == (0.0, 0.25)


def test_a_window_that_lost_its_readings_is_not_judged() -> None:
    one = installed()
    measured(one, steady(0.125, MONDAY + WEEK, MONDAY + 8 * DAY))
    back = measured(one, steady(0.375, MONDAY + 20 * DAY, MONDAY + 20 * DAY + 4 * HOUR))
    assert np.isnan([result[0] for result in back[:2]]).all()
    assert back[2][0] == pytest.approx(0.25)


def test_late_readings_join_their_bucket_and_are_not_judged() -> None:
    one = installed()
    start = MONDAY + WEEK
    measured(one, [*steady(0.125, start, start + 3 * HOUR), (start + 12 * HOUR, 0.5)])
    late = measured(one, steady(0.5, start + 3 * HOUR, start + 12 * HOUR))
    assert np.isnan(late).all()
    assert one.measure(start + 12 * HOUR + 1, 0.5)[0] == 0.0
    assert one.measure(start + 13 * HOUR, 0.5)[0] == pytest.approx(0.375)


@pytest.mark.parametrize(("buckets", "is_kept"), [(23, True), (24, False)])
def test_a_late_reading_joins_its_bucket_while_that_is_kept(buckets: int, is_kept: bool) -> None:
    one = installed()
    newest = MONDAY + 9 * DAY
    measured(one, steady(0.125, MONDAY + WEEK, newest + HOUR))
    before = one.memory.copy()
    assert np.isnan(one.measure(newest - buckets * HOUR, 9.0)).all()
    assert np.array_equal(before, one.memory) != is_kept


def test_late_readings_of_before_the_first_are_no_part_of_the_baseline() -> None:
    one = Instance(drift, TILT)
    measured(one, [(MONDAY, 0.125), *steady(9.0, MONDAY - 5 * DAY, MONDAY), *steady(0.125, MONDAY, MONDAY + 8 * DAY)])
    assert one.measure(MONDAY + 8 * DAY, 0.125)[:2] == (0.0, 0.125)


def test_a_drift_that_rounding_keeps_below_its_limit_has_reached_it() -> None:
    one = Instance(drift, DriftTerms(Direction.UP, by=0.05, clear=0.05, window_s=86400.0, baseline_s=86400.0))
    measured(one, [*steady(0.30, MONDAY, MONDAY + DAY), *steady(0.35, MONDAY + DAY, MONDAY + 2 * DAY)])
    found = one.measure(MONDAY + 2 * DAY, 0.35)[0]
    assert found < 0.05
    assert one.level(found) == "breach"


def test_a_drift_that_goes_back_is_clear_below_the_clear_level() -> None:
    one = Instance(drift, TILT)
    expected = {0.0: "clear", 0.0499: "clear", 0.05: "between", -0.05: "between", 0.06: "breach", -0.06: "breach"}
    assert {found: one.level(found) for found in expected} == expected


def test_a_clock_set_back_keeps_the_baseline() -> None:
    one = installed()
    start = MONDAY + WEEK
    measured(one, [*steady(0.125, start, start + DAY), (start + 500 * WEEK, 0.125)])
    one.set_clock_back(start + DAY)
    results = measured(one, steady(0.375, start + DAY, start + 3 * DAY))
    assert results[-1][:2] == (0.25, 0.125)


def test_times_at_and_before_the_epoch_are_its_first_microsecond() -> None:
    terms = TILT
    one, other = Instance(drift, terms), Instance(drift, terms)
    for time_us in (-HOUR, 0, 0, 1):
        assert close(one.measure(time_us, 4.0), other.measure(1, 4.0))
    assert one.memory.tobytes() == other.memory.tobytes()


@settings(max_examples=80, deadline=None)
@given(
    histories(st.integers(0, 9).map(lambda n: n / 10), [0, 1, 20 * MINUTE, HOUR, 7 * HOUR, 30 * HOUR], most=120),
    st.sampled_from([HOUR, 5 * HOUR + 7, DAY]),
    st.sampled_from([2 * HOUR, DAY]),
)
def test_it_equals_the_obvious_loop(readings: list[Reading], baseline_us: int, window_us: int) -> None:
    terms = DriftTerms(Direction.BOTH, 0.1, 0.1, window_us / 1e6, baseline_us / 1e6)
    fast, naive = Instance(drift, terms), NaiveDrift(terms)
    for time_us, value in readings:
        expected = naive.measure(time_us, value, time_us < fast.newest_us, 0)
        assert close(fast.measure(time_us, value), expected, relative=1e-9)
