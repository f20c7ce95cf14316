"""Inactivity: how likely so long a stillness is for this person."""

from __future__ import annotations

from math import isnan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.measures import inactivity
from rules.model import InactivityTerms
from tests.rules.measures.histories import CHINA, DAY, HOUR, MINUTE, MONDAY, WEEK, Reading, histories, measured
from tests.rules.measures.instance import Instance, Measured, close
from tests.rules.measures.naive_inactivity import NaiveInactivity

TERMS = InactivityTerms(chance=0.001, at_least_s=7200.0, learn_s=21 * 86400.0, until_learned_s=12 * 3600.0)
STEP = 10 * MINUTE
MONTH = 4 * WEEK


def steps(until: int, *, start: int = MONDAY, up: int = 7, down: int = 21) -> list[Reading]:
    """Who walks in every ten minutes from `up` to `down`, and whose watch begins at 0 at midnight."""
    readings = []
    count = 0.0
    for time in range(start, until, STEP):
        of_day = (time - MONDAY) % DAY
        count = 0.0 if of_day == 0 else count + 10.0 * (up * HOUR <= of_day < down * HOUR)
        readings.append((time, count))
    return readings


def learned() -> Instance:
    one = Instance(inactivity, TERMS)
    measured(one, steps(MONDAY + MONTH))
    return one


def still(one: Instance, start: int, until: int, count: float) -> list[Measured]:
    """Say the same from `start` on."""
    return measured(one, [(time, count) for time in range(start, until, STEP)])


def first_breach(one: Instance, results: list[Measured]) -> int:
    return next(nth for nth, result in enumerate(results) if one.level(result[0]) == "breach")


def test_a_day_as_any_other_raises_nothing() -> None:
    one = Instance(inactivity, TERMS)
    results = measured(one, steps(MONDAY + 8 * WEEK))
    assert min(result[0] for result in results) > 0.1
    assert max(result[1] for result in results) == 10 * 3600.0


def test_a_fall_at_night_is_noticed_around_the_time_of_getting_up() -> None:
    one = learned()
    results = still(one, MONDAY + MONTH, MONDAY + MONTH + DAY, 0.0)
    hour = first_breach(one, results) / 6
    assert 11 < hour < 12.5
    assert results[6 * 7][0] > 0.2  # the night has cost little
    assert results[first_breach(one, results)][1] == pytest.approx((3 + hour) * 3600 + 600)  # since 20:50


def test_a_fall_by_day_is_noticed_within_hours_and_not_before_the_shortest_stillness() -> None:
    one = learned()
    walked = steps(MONDAY + MONTH + 10 * HOUR, start=MONDAY + MONTH)
    measured(one, walked)
    results = still(one, MONDAY + MONTH + 10 * HOUR, MONDAY + MONTH + DAY, walked[-1][1])
    assert 4.5 < first_breach(one, results) / 6 < 5.5
    hasty = InactivityTerms(0.5, at_least_s=7200.0, learn_s=21 * 86400.0, until_learned_s=43200.0)
    other = Instance(inactivity, hasty)
    measured(other, [*steps(MONDAY + MONTH), *walked])
    results = still(other, MONDAY + MONTH + 10 * HOUR, MONDAY + MONTH + DAY, walked[-1][1])
    assert results[first_breach(other, results)][1] == 7200.0
    assert {other.level(result[0]) for result in results[:11]} == {"between"}


def test_a_step_ends_it() -> None:
    one = learned()
    still(one, MONDAY + MONTH, MONDAY + MONTH + DAY, 0.0)
    up = one.measure(MONDAY + MONTH + DAY, 4.0, zone_us=CHINA)
    assert up[:2] == (1.0, 0.0)
    assert one.level(up[0]) == "clear"
    after = one.measure(MONDAY + MONTH + DAY + STEP, 4.0, zone_us=CHINA)
    assert one.level(after[0]) == "between"
    assert after[1] == 600.0


def test_a_counter_that_begins_again_at_nothing_is_no_activity_and_one_that_grew_since_is() -> None:
    one = Instance(inactivity, TERMS)
    results = measured(one, [(MONDAY, 900.0), (MONDAY + STEP, 0.0), (MONDAY + 2 * STEP, 0.0), (MONDAY + 3 * STEP, 7.0)])
    assert [result[1] for result in results] == [0.0, 600.0, 1200.0, 0.0]
    assert one.measure(MONDAY + 4 * STEP, 3.0, zone_us=CHINA)[1] == 0.0


def test_until_the_week_is_learned_a_fixed_stillness_counts() -> None:
    one = Instance(inactivity, TERMS)
    results = still(one, MONDAY, MONDAY + DAY, 5.0)
    assert [result[0] for result in results] == [1.0] * 72 + [0.0] * 72
    assert first_breach(one, results) == 72
    assert one.measure(MONDAY + DAY, 6.0, zone_us=CHINA)[0] == 1.0


def test_no_data_is_not_stillness() -> None:
    one = learned()
    noon = MONDAY + MONTH + 12 * HOUR
    measured(one, steps(noon, start=MONDAY + MONTH))
    count = steps(noon, start=MONDAY + MONTH)[-1][1]
    back = one.measure(noon + 8 * HOUR, count, zone_us=CHINA)
    assert back[1] == 3600.0
    assert one.level(back[0]) == "between"


def test_hours_without_data_are_not_learned() -> None:
    silent = Instance(inactivity, TERMS)
    by_day = [reading for reading in steps(MONDAY + MONTH) if 7 * HOUR <= (reading[0] - MONDAY) % DAY < 21 * HOUR]
    measured(silent, by_day)
    one = learned()
    for instance in (silent, one):
        instance.measure(MONDAY + MONTH, 0.0, zone_us=CHINA)
    night = [
        still(instance, MONDAY + MONTH + STEP, MONDAY + MONTH + 6 * HOUR, 0.0)[-1][0] for instance in (silent, one)
    ]
    assert night[0] < 0.02  # what was never seen may be anything: even odds an hour
    assert night[1] > 0.3


def test_each_hour_of_the_week_is_learned_on_its_own() -> None:
    one = Instance(inactivity, TERMS)
    lies_in = [(t, count) for t, count in steps(MONDAY + 8 * WEEK) if not sunday(t)]
    lies_in += [
        (t, 0.0 if (t - MONDAY) % DAY < 11 * HOUR else count) for t, count in steps(MONDAY + 8 * WEEK) if sunday(t)
    ]
    measured(one, sorted(lies_in))
    weekday = still(one, MONDAY + 8 * WEEK, MONDAY + 8 * WEEK + 10 * HOUR, 0.0)[-1][0]
    other = Instance(inactivity, TERMS)
    measured(other, sorted(lies_in))
    measured(other, steps(MONDAY + 8 * WEEK + 6 * DAY, start=MONDAY + 8 * WEEK))
    on_sunday = still(other, MONDAY + 8 * WEEK + 6 * DAY, MONDAY + 8 * WEEK + 6 * DAY + 10 * HOUR, 0.0)[-1][0]
    assert on_sunday > 3 * weekday


def sunday(time_us: int) -> bool:
    return (time_us - MONDAY) % WEEK >= 6 * DAY


def test_the_chance_does_not_depend_on_how_often_the_watch_speaks() -> None:
    chances = []
    for step in (STEP, HOUR):
        one = learned()
        start = MONDAY + MONTH
        results = measured(one, [(time, 0.0) for time in range(start, start + 9 * HOUR + 1, step)])
        chances.append(results[-1][0])
    assert chances[0] == pytest.approx(chances[1], rel=1e-9)


def test_late_activity_makes_the_stillness_shorter_and_never_longer() -> None:
    one = learned()
    start = MONDAY + MONTH
    results = still(one, start, start + 9 * HOUR, 0.0)
    assert np.isnan(one.measure(start + 6 * HOUR, 8.0, zone_us=CHINA)).all()
    after = one.measure(start + 9 * HOUR, 0.0, zone_us=CHINA)
    assert after[1] == 3 * 3600.0
    assert after[0] > 1.1 * results[-1][0]
    one.measure(start + 2 * HOUR, 9.0, zone_us=CHINA)
    assert one.measure(start + 9 * HOUR, 0.0, zone_us=CHINA)[:2] == after[:2]


def test_late_activity_in_the_open_hour_is_learned_with_it() -> None:
    chances = []
    for late in (0.0, 8.0):
        one = Instance(inactivity, TERMS)
        for time in range(MONDAY, MONDAY + MONTH, STEP):
            one.measure(time, 5.0, zone_us=CHINA)
            if (time - MONDAY) % HOUR == 5 * STEP:
                one.measure(time - STEP, late, zone_us=CHINA)
        results = still(one, MONDAY + MONTH, MONDAY + MONTH + HOUR, 5.0)
        chances.append(results[-1][0] / results[0][0])
    assert chances[1] < 0.4 < chances[0]


def test_an_hour_of_stillness_divides_the_chance_by_four_at_most() -> None:
    one = learned()
    measured(one, steps(MONDAY + MONTH + 10 * HOUR, start=MONDAY + MONTH))
    results = still(one, MONDAY + MONTH + 10 * HOUR, MONDAY + MONTH + DAY, 180.0)
    assert results[17][0] / results[11][0] == pytest.approx(0.25)


def test_late_stillness_and_late_zeros_change_nothing() -> None:
    one = learned()
    start = MONDAY + MONTH
    still(one, start, start + 9 * HOUR, 5.0)
    before = one.memory.copy()
    for value in (5.0, 0.0):
        assert isnan(one.measure(start + 6 * HOUR, value, zone_us=CHINA)[0])
    assert np.array_equal(before, one.memory)


def test_a_clock_set_back_keeps_what_was_learned() -> None:
    one = learned()
    one.measure(MONDAY + 500 * WEEK, 0.0, zone_us=CHINA)
    one.set_clock_back(MONDAY + MONTH)
    results = still(one, MONDAY + MONTH, MONDAY + MONTH + DAY, 0.0)
    assert 10 < first_breach(one, results) / 6 < 12.5


def test_times_at_and_before_the_epoch_are_its_first_microsecond() -> None:
    terms = TERMS
    one, other = Instance(inactivity, terms), Instance(inactivity, terms)
    for time_us in (-HOUR, 0, 0, 1):
        assert close(one.measure(time_us, 4.0), other.measure(1, 4.0))
    assert one.memory.tobytes() == other.memory.tobytes()


@settings(max_examples=60, deadline=None)
@given(
    histories(
        st.sampled_from([0.0, 0.0, 1.0, 1.0, 1.0, 2.0]), [0, 1, 7 * MINUTE, 40 * MINUTE, HOUR, 9 * HOUR, WEEK], most=120
    ),
    st.sampled_from([0.0, 86400.0]),
    st.sampled_from([0, CHINA, -5 * HOUR]),
)
def test_it_equals_the_obvious_loop(readings: list[Reading], learn_s: float, zone_us: int) -> None:
    terms = InactivityTerms(0.3, at_least_s=3000.0, learn_s=learn_s, until_learned_s=7000.0)
    fast, naive = Instance(inactivity, terms), NaiveInactivity(terms)
    for time_us, value in readings:
        expected = naive.measure(time_us, value, time_us < fast.newest_us, zone_us)
        assert close(fast.measure(time_us, value, zone_us=zone_us), expected, relative=1e-9)
