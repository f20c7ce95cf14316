"""The forecast: when a level will be reached."""

from __future__ import annotations

from math import isnan, nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.measures import forecast
from rules.measures.forecast import FAR_S
from rules.model import Direction, ForecastTerms
from tests.rules.measures.histories import DAY, HOUR, MINUTE, MONDAY, WEEK, Reading, histories, measured
from tests.rules.measures.instance import Instance, close
from tests.rules.measures.naive_forecast import NaiveForecast

TANK = ForecastTerms(
    Direction.DOWN, level=50.0, within_s=6 * 3600.0, window_s=4 * 3600.0, reset_by=5.0, clear_s=8 * 3600.0
)
BATTERY = ForecastTerms(
    Direction.DOWN, level=10.0, within_s=30 * 86400.0, window_s=60 * 86400.0, reset_by=20.0, clear_s=40 * 86400.0
)
MIRROR = ForecastTerms(
    Direction.UP, level=-50.0, within_s=6 * 3600.0, window_s=4 * 3600.0, reset_by=5.0, clear_s=8 * 3600.0
)


def falling(start: int, end: int, value: float, an_hour: float, step: int = 5 * MINUTE) -> list[Reading]:
    return [(time, value - an_hour * (time - start) / HOUR) for time in range(start, end, step)]


def test_a_steady_fall_is_foreseen_to_the_minute_with_its_interval_and_slope() -> None:
    one = Instance(forecast, TANK)
    results = measured(one, falling(MONDAY, MONDAY + 5 * HOUR, 100.0, 5.0))
    left, a_day, low, high, due = results[-1]
    assert left == pytest.approx(5 * 3600 + 300, abs=151)  # half a reporting period
    assert a_day == pytest.approx(-120.0)
    assert low == pytest.approx(high, rel=1e-6)
    assert isnan(due)


def test_there_is_no_forecast_before_four_buckets_have_readings() -> None:
    one = Instance(forecast, TANK)
    results = measured(one, falling(MONDAY, MONDAY + 2 * HOUR, 100.0, 5.0))
    found = [nth for nth, result in enumerate(results) if not isnan(result[0])]
    assert found == list(range(12, 24))  # 4 times 15 min


def test_what_is_at_the_level_needs_no_trend() -> None:
    one = Instance(forecast, TANK)
    assert one.measure(MONDAY, 50.0)[0] == 0.0
    assert close(one.measure(MONDAY + 1, 30.0), (0.0, nan, 0.0, 0.0, nan))


@pytest.mark.parametrize("an_hour", [0.0, -2.0])
def test_what_stands_still_or_goes_the_other_way_never_gets_there(an_hour: float) -> None:
    one = Instance(forecast, TANK)
    results = measured(one, falling(MONDAY, MONDAY + 4 * HOUR, 60.0, an_hour))
    left, a_day, low, high, _ = results[-1]
    assert left == low == high == FAR_S
    assert a_day == pytest.approx(-24 * an_hour, rel=0.1)


def test_noise_about_a_level_is_no_trend_and_what_may_be_none_is_never() -> None:
    noise = np.random.default_rng(2)
    one = Instance(forecast, TANK)
    results = measured(one, [(t, 60.0 + noise.normal()) for t in range(MONDAY, MONDAY + 4 * WEEK, 5 * MINUTE)])
    left = np.array([result[0] for result in results if not isnan(result[0])])
    assert (left == FAR_S).mean() > 0.9
    assert all(result[3] == FAR_S for result in results if result[0] == FAR_S)


@pytest.mark.parametrize("wild", [52.0, 99.0])
def test_wild_readings_do_not_bend_the_trend(wild: float) -> None:
    one = Instance(forecast, TANK)
    readings = falling(MONDAY, MONDAY + 5 * HOUR, 100.0, 5.0)
    said = [(time, wild if nth in {30, 31, 58} else value) for nth, (time, value) in enumerate(readings)]
    assert measured(one, said)[-1][0] == pytest.approx(5 * 3600 + 300, rel=0.02)


def test_a_refill_begins_the_trend_anew_with_its_second_reading() -> None:
    one = Instance(forecast, TANK)
    measured(one, falling(MONDAY, MONDAY + 8 * HOUR, 100.0, 5.0))
    start = MONDAY + 8 * HOUR
    refilled = measured(one, falling(start, start + 5 * HOUR, 100.0, 1.0))
    assert np.isnan(refilled[0]).all()
    assert {result[0] for result in refilled[1:12]} == {FAR_S}
    assert one.level(FAR_S) == "clear"
    assert refilled[-1][0] == pytest.approx((50 - 5) * 3600, rel=0.05)
    assert refilled[-1][1] == pytest.approx(-24.0)


def test_one_wild_reading_is_no_refill() -> None:
    one = Instance(forecast, TANK)
    readings = falling(MONDAY, MONDAY + 8 * HOUR, 100.0, 5.0)
    undisturbed = Instance(forecast, TANK)
    measured(one, [*readings[:-1], (readings[-1][0], 100.0), (readings[-1][0], readings[-1][1])])
    measured(undisturbed, readings)
    end = MONDAY + 8 * HOUR
    assert close(one.measure(end, 60.0), undisturbed.measure(end, 60.0))


def test_a_gap_longer_than_the_window_leaves_no_trend() -> None:
    one = Instance(forecast, TANK)
    measured(one, falling(MONDAY, MONDAY + 5 * HOUR, 100.0, 5.0))
    assert isnan(one.measure(MONDAY + 20 * HOUR, 70.0)[0])


def test_a_battery_in_whole_percents_has_a_steady_trend() -> None:
    noise = np.random.default_rng(4)
    one = Instance(forecast, BATTERY)
    ages = range(0, 600 * DAY, 12 * HOUR)
    results = measured(one, [(MONDAY + t, float(np.floor(100 - t / DAY / 30 + 0.3 * noise.normal()))) for t in ages])
    a_month = np.array([30 * result[1] for result in results[2 * 120 :]])
    assert ((a_month > -1.6) & (a_month < -0.6)).all()
    left_d = np.array([result[0] / 86400 for result in results[2 * 120 :]])
    steady = left_d[left_d < 1e6]
    assert len(steady) > 0.9 * len(left_d)
    assert np.abs(np.diff(steady)).max() < 0.5 * steady.min()


def test_late_readings_join_their_bucket_and_show_at_the_next_trend() -> None:
    straight, mixed = Instance(forecast, TANK), Instance(forecast, TANK)
    readings = falling(MONDAY, MONDAY + 3 * HOUR, 100.0, 5.0)
    measured(straight, readings)
    late = readings[20:30]
    measured(mixed, [*readings[:20], *readings[30:]])
    assert np.isnan(measured(mixed, late)).all()
    end = MONDAY + 3 * HOUR
    assert close(mixed.measure(end, 85.0), straight.measure(end, 85.0), relative=1e-9)


@pytest.mark.parametrize(("buckets", "is_kept"), [(16, True), (17, False)])
def test_a_late_reading_joins_its_bucket_while_that_is_kept(buckets: int, is_kept: bool) -> None:
    one = Instance(forecast, TANK)
    measured(one, falling(MONDAY, MONDAY + 9 * HOUR, 100.0, 5.0))
    before = one.memory.copy()
    assert np.isnan(one.measure(MONDAY + 9 * HOUR - 15 * MINUTE * (buckets + 1), 9.0)).all()
    assert (one.memory.tobytes() != before.tobytes()) == is_kept


def test_late_readings_of_before_a_refill_are_left_out() -> None:
    one, other = Instance(forecast, TANK), Instance(forecast, TANK)
    before = falling(MONDAY, MONDAY + HOUR, 70.0, 5.0)
    after = falling(MONDAY + HOUR, MONDAY + 3 * HOUR, 100.0, 5.0)
    measured(one, [*before[::2], *after[:6], *before[1::2], *after[6:]])
    measured(other, [*before[::2], *after])
    assert np.array_equal(one.memory, other.memory)


def test_a_rise_is_a_fall_with_its_sign_turned() -> None:
    down, up = Instance(forecast, TANK), Instance(forecast, MIRROR)
    readings = falling(MONDAY, MONDAY + 7 * HOUR, 100.0, 5.0)
    fell, rose = measured(down, readings), measured(up, [(time, -value) for time, value in readings])
    for one, other in zip(fell, rose, strict=True):
        assert close(one, (other[0], -other[1], *other[2:]))


def test_it_is_in_breach_within_the_time_and_clear_beyond_the_clear_one() -> None:
    one = Instance(forecast, TANK)
    hours = {0.0: "breach", 6.0: "breach", 6.1: "between", 8.0: "between", 8.1: "clear"}
    assert {left: one.level(left * 3600) for left in hours} == hours
    assert one.level(FAR_S) == "clear"


def test_looking_both_ways_is_refused() -> None:
    with pytest.raises(ValueError, match="wanted up or down"):
        forecast.parameters(ForecastTerms(Direction.BOTH, 50.0, 1.0, 1.0, 1.0, 1.0))


def test_a_clock_set_back_is_over_within_a_window() -> None:
    one = Instance(forecast, TANK)
    measured(one, [*falling(MONDAY, MONDAY + 3 * HOUR, 100.0, 5.0), (MONDAY + 500 * WEEK, 85.0)])
    one.set_clock_back(MONDAY + 3 * HOUR)
    results = measured(one, falling(MONDAY + 3 * HOUR, MONDAY + 8 * HOUR, 85.0, 5.0))
    assert results[-1][0] == pytest.approx(2 * 3600 + 300, rel=0.05)


def test_times_at_and_before_the_epoch_are_its_first_microsecond() -> None:
    terms = TANK
    one, other = Instance(forecast, terms), Instance(forecast, terms)
    for time_us in (-HOUR, 0, 0, 1):
        assert close(one.measure(time_us, 4.0), other.measure(1, 4.0))
    assert one.memory.tobytes() == other.memory.tobytes()


@settings(max_examples=80, deadline=None)
@given(
    histories(st.integers(0, 12).map(float), [0, 1, 4 * MINUTE, 20 * MINUTE, HOUR, 9 * HOUR], most=120),
    st.sampled_from([Direction.UP, Direction.DOWN]),
    st.sampled_from([HOUR, 4 * HOUR + 1]),
    st.sampled_from([2.0, 7.0, 100.0]),
)
def test_it_equals_the_obvious_loop(
    readings: list[Reading], direction: Direction, window_us: int, reset_by: float
) -> None:
    terms = ForecastTerms(direction, 3.0, 3600.0, window_us / 1e6, reset_by, 4000.0)
    fast, naive = Instance(forecast, terms), NaiveForecast(terms)
    for time_us, value in readings:
        expected = naive.measure(time_us, value, time_us < fast.newest_us, 0)
        assert close(fast.measure(time_us, value), expected, relative=1e-9)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.sampled_from([0.0, 0.25, 0.5, 3.0]), min_size=20, max_size=80),
    st.sampled_from([0.0, 0.05, 0.3]),
)
def test_falls_with_noise_equal_the_obvious_loop(noise: list[float], a_reading: float) -> None:
    fast, naive = Instance(forecast, TANK), NaiveForecast(TANK)
    for nth, of_reading in enumerate(noise):
        time_us, value = MONDAY + nth * 7 * MINUTE, 60.0 - a_reading * nth + of_reading
        expected = naive.measure(time_us, value, late=False, zone_us=0)
        assert close(fast.measure(time_us, value), expected, relative=1e-9)
