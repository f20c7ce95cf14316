"""The baseline: deviations from what is usual at this hour of the week."""

from __future__ import annotations

from math import isnan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.measures import baseline
from rules.model import BaselineTerms, Direction
from tests.rules.measures.histories import CHINA, DAY, HOUR, MINUTE, MONDAY, WEEK, Reading, histories, measured
from tests.rules.measures.instance import Instance, close
from tests.rules.measures.naive_baseline import NaiveBaseline

TERMS = BaselineTerms(Direction.BOTH, deviations=6.0, clear=3.0, least=0.5, learn_s=14 * 86400.0)
AT_ONCE = BaselineTerms(Direction.UP, deviations=6.0, clear=3.0, least=0.5, learn_s=0.0)


def week_course(time_us: int) -> float:
    """20 at night, 30 by day, 40 on Saturday and Sunday at noon."""
    hour = (time_us + CHINA) // HOUR
    weekend = (time_us - MONDAY) % WEEK >= 5 * DAY
    return 20.0 if not 7 <= hour % 24 < 21 else 40.0 if weekend and hour % 24 == 12 else 30.0


def weeks(n: float, step: int = 10 * MINUTE, *, start: int = MONDAY) -> list[Reading]:
    return [(time, week_course(time)) for time in range(start, start + round(n * WEEK), step)]


def taught(n: float = 4, terms: BaselineTerms = TERMS) -> Instance:
    one = Instance(baseline, terms)
    measured(one, weeks(n))
    return one


def judged(one: Instance, time_us: int, value: float) -> tuple[float, float]:
    return one.measure(time_us, value, zone_us=CHINA)[:2]


def test_nothing_is_judged_while_it_learns() -> None:
    one = Instance(baseline, TERMS)
    results = measured(one, [*weeks(2), (MONDAY + 2 * WEEK, 20.0)])
    assert np.isnan(results[:-1]).all()
    assert results[-1][:2] == (0.0, 20.0)
    assert np.isnan(results[-1][2:]).all()


def test_without_a_time_to_learn_the_first_hour_is_still_not_judged() -> None:
    one = Instance(baseline, AT_ONCE)
    results = measured(one, [(MONDAY, 4.0), (MONDAY + HOUR - 1, 90.0), (MONDAY + HOUR, 47.0)])
    assert [isnan(result[0]) for result in results] == [True, True, False]
    assert results[-1][:2] == (0.0, 47.0)  # the mean of the hour before, the only one known


@pytest.mark.parametrize(
    ("day", "hour", "usual"), [(0, 3, 20.0), (0, 12, 30.0), (4, 12, 30.0), (5, 12, 40.0), (6, 12, 40.0), (6, 13, 30.0)]
)
def test_each_hour_of_the_week_has_its_own_usual_value(day: int, hour: int, usual: float) -> None:
    assert judged(taught(2), MONDAY + 2 * WEEK + day * DAY + hour * HOUR, usual + 6.0) == (12.0, usual)


@pytest.mark.parametrize("week", [0, 1])
def test_an_incident_while_it_learns_is_forgotten(week: int) -> None:
    incident = MONDAY + week * WEEK + 4 * DAY + 13 * HOUR
    one = Instance(baseline, TERMS)
    measured(one, [(time, 90.0 if 0 <= time - incident < 5 * HOUR else value) for time, value in weeks(2)])
    for hour in range(5):
        away, usual = judged(one, MONDAY + 2 * WEEK + 4 * DAY + (13 + hour) * HOUR, 30.0)
        assert usual == 30.0
        assert away == 0.0


def test_the_hours_are_those_of_the_local_clock() -> None:
    one = Instance(baseline, TERMS)
    for time_us, value in weeks(4):
        one.measure(time_us, value, zone_us=CHINA)
    six_in_china = MONDAY + 4 * WEEK + 6 * HOUR
    assert one.measure(six_in_china, 20.0, zone_us=CHINA)[1] == 20.0
    assert one.measure(six_in_china, 20.0, zone_us=CHINA + 3 * HOUR)[1] == 30.0


def test_the_deviation_is_that_of_the_noise_whatever_the_period() -> None:
    for step in (MINUTE, 30 * MINUTE):
        noise = np.random.default_rng(7)
        one = Instance(baseline, TERMS)
        readings = [(time, 50.0 + 2.0 * noise.normal()) for time in range(MONDAY, MONDAY + 4 * WEEK, step)]
        results = measured(one, readings)
        away = np.array([result[0] for result in results if not isnan(result[0])])
        assert 0.75 < away.std() < 1.1


def test_a_reading_a_minute_and_one_in_half_an_hour_learn_alike() -> None:
    usual = []
    for step in (MINUTE, 30 * MINUTE):
        one = taught()
        measured(one, [(time, value + 1.0) for time, value in weeks(3, step, start=MONDAY + 4 * WEEK)])
        usual.append(judged(one, MONDAY + 7 * WEEK + 2 * HOUR, 0.0)[1])
    assert usual[0] == pytest.approx(usual[1], abs=1e-5)
    assert 20.3 < usual[0] < 20.6


def test_an_hour_that_was_never_seen_is_as_that_of_other_days_and_then_as_all() -> None:
    one = Instance(baseline, AT_ONCE)
    measured(one, [(time, week_course(time)) for time, _ in weeks(1) if (time - MONDAY) % WEEK < 2 * DAY])
    wednesday = MONDAY + 2 * DAY
    assert judged(one, wednesday + 12 * HOUR, 30.0) == (0.0, 30.0)
    few = Instance(baseline, AT_ONCE)
    measured(few, [(MONDAY, 10.0), (MONDAY + HOUR, 10.0), (MONDAY + 2 * HOUR, 10.0)])
    assert judged(few, wednesday + 12 * HOUR, 10.0) == (0.0, 10.0)


def test_an_incident_hardly_teaches_itself() -> None:
    one = taught(6)
    night = MONDAY + 6 * WEEK + DAY + 2 * HOUR
    incident = measured(one, [(time, 80.0) for time in range(night, night + 3 * HOUR, 10 * MINUTE)])
    assert all(result[0] >= 90.0 for result in incident)
    measured(one, weeks(1, start=night + 3 * HOUR)[: -3 * 6])
    after, usual = judged(one, night + WEEK, 80.0)
    assert usual == pytest.approx(20.0 + 1.5 / 7, abs=0.001)  # 1/7 of 3 deviations of 0.5
    assert after > 60.0


def test_a_lasting_level_is_the_usual_one_after_weeks_and_not_before() -> None:
    noise = np.random.default_rng(3)
    one = Instance(baseline, TERMS)
    start = MONDAY + 8 * WEEK
    highest = []
    for time in range(MONDAY, MONDAY + 15 * WEEK, 30 * MINUTE):
        away = one.measure(time, 50.0 + noise.normal() + 12.0 * (time >= start), zone_us=CHINA)[0]
        if time >= start and (time - start) % DAY < 30 * MINUTE:
            highest.append(away)
    assert min(highest[:4]) > 6.0
    assert max(highest[20:]) < 6.0
    assert max(highest[-4:]) < 2.5


def test_a_neighbouring_hour_lends_its_deviation() -> None:
    noise = np.random.default_rng(5)
    one = Instance(baseline, TERMS)
    for time in range(MONDAY, MONDAY + 4 * WEEK, 10 * MINUTE):
        cooking = (time - MONDAY) % DAY // HOUR == 18
        one.measure(time, 1.0 + (abs(noise.normal(0.0, 5.0)) if cooking else 0.0), zone_us=CHINA)
    evening = [judged(one, MONDAY + 4 * WEEK + hour * HOUR, 6.0)[0] for hour in (16, 17, 19, 20)]
    assert evening[0] == evening[3] == pytest.approx(10.0)  # of `least`
    assert max(evening[1:3]) < 3.0


def test_a_late_reading_is_judged_by_its_own_hour_and_moves_only_that() -> None:
    one = taught()
    now = MONDAY + 4 * WEEK + 12 * HOUR
    judged(one, now, 30.0)
    assert judged(one, now - 6 * HOUR, 26.0) == (12.0, 20.0)
    assert judged(one, now - 6 * HOUR + 1, 20.0)[1] == pytest.approx(20.0 + 1.5 / 5 / 6)  # one of the 6 of an hour
    assert judged(one, now - 5 * HOUR, 30.0)[1] == 30.0


def test_late_readings_of_the_open_hour_are_learned_with_it() -> None:
    straight, mixed = taught(), taught()
    hour = MONDAY + 4 * WEEK
    readings = [(hour + nth * 10 * MINUTE, 21.0) for nth in range(6)]
    measured(straight, [*readings, (hour + HOUR, 20.0)])
    measured(mixed, [readings[0], readings[5], *readings[1:5], (hour + HOUR, 20.0)])
    assert np.array_equal(straight.memory, mixed.memory)


def test_a_clock_set_back_is_no_new_beginning() -> None:
    one = taught()
    judged(one, MONDAY + 40 * WEEK, 20.0)  # ten years ahead, say
    one.set_clock_back(MONDAY + 4 * WEEK)
    results = measured(one, weeks(1, start=MONDAY + 4 * WEEK))
    assert not np.isnan([result[0] for result in results]).any()
    assert max(abs(result[0]) for result in results) < 4.0


def test_a_deviation_of_nothing_and_no_least_judges_nothing() -> None:
    one = Instance(baseline, BaselineTerms(Direction.BOTH, 6.0, 6.0, 0.0, 0.0))
    results = measured(one, [(MONDAY + nth * HOUR, 5.0) for nth in range(50)])
    assert np.isnan(results).all()


@pytest.mark.parametrize(
    ("direction", "expected"),
    [
        (Direction.UP, ["clear", "clear", "clear", "between", "between", "breach"]),
        (Direction.DOWN, ["breach", "between", "clear", "clear", "clear", "clear"]),
        (Direction.BOTH, ["breach", "between", "clear", "between", "between", "breach"]),
    ],
)
def test_limits_are_on_the_sides_that_are_asked_for(direction: Direction, expected: list[str]) -> None:
    one = Instance(baseline, BaselineTerms(direction, 6.0, 3.0, 0.5, 0.0))
    assert [one.level(away) for away in (-6.0, -5.9, 0.0, 3.0, 5.9, 6.0)] == expected


def test_a_week_takes_a_kilobyte() -> None:
    assert baseline.memory(TERMS).words == 128


def test_times_at_and_before_the_epoch_are_its_first_microsecond() -> None:
    terms = AT_ONCE
    one, other = Instance(baseline, terms), Instance(baseline, terms)
    for time_us in (-HOUR, 0, 0, 1):
        assert close(one.measure(time_us, 4.0), other.measure(1, 4.0))
    assert one.memory.tobytes() == other.memory.tobytes()


@settings(max_examples=60, deadline=None)
@given(
    histories(st.integers(-8, 40).map(float), [0, 1, 7 * MINUTE, HOUR, 5 * HOUR, DAY, WEEK], most=90),
    st.sampled_from([0.0, 3600.0, 86400.0]),
    st.sampled_from([0.0, 0.1, 5.0]),
    st.sampled_from([0, CHINA, -5 * HOUR]),
)
def test_it_equals_the_obvious_loop(readings: list[Reading], learn_s: float, least: float, zone_us: int) -> None:
    terms = BaselineTerms(Direction.BOTH, 3.0, 3.0, least, learn_s)
    fast, naive = Instance(baseline, terms), NaiveBaseline(terms)
    for time_us, value in readings:
        late = time_us < fast.newest_us
        expected = naive.measure(time_us, value, late, zone_us)
        assert close(fast.measure(time_us, value, zone_us=zone_us), expected, relative=1e-5)
