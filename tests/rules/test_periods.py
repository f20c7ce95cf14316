"""The learned reporting period, on histories as devices make them."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.periods import next_period
from tests.rules.watchers import live, no_data, watching

if TYPE_CHECKING:
    from collections.abc import Iterable

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
SILENT_AFTER = 30 * DAY


def learned(times: Iterable[float]) -> list[tuple[float, float]]:
    """Return (time, period) of every report at `times`, in s; the period is 0 where it is not learned."""
    silence = watching([no_data("never", SILENT_AFTER, 3.0)], [[0]])
    found = []
    for time in times:
        assert live(silence, 0, round(time * 1e6)) == []
        found.append((time, float(silence.of["usual_s"][0])))
    return found


def periods(times: Iterable[float]) -> list[float]:
    """Return the periods that were learned, from the first one on."""
    found = [period for _, period in learned(times)]
    return found[next(nth for nth, period in enumerate(found) if period) :]


def first_learned(times: Iterable[float]) -> float:
    return next(time for time, period in learned(times) if period)


def routine(period: float, days: float, jitter: float = 0.05, seed: int = 1, start: float = 0.0) -> list[float]:
    rng = random.Random(seed)
    return [start + (n + rng.uniform(-jitter, jitter)) * period for n in range(1, int(days * DAY / period))]


def losing(times: Iterable[float], share: float) -> list[float]:
    rng = random.Random(2)
    return [time for time in times if rng.random() >= share]


def by_day(times: Iterable[float], from_hour: float, to_hour: float) -> list[float]:
    return [time for time in times if from_hour <= time % DAY / HOUR < to_hour]


# ── what is learned ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("period", [MINUTE, 10 * MINUTE, HOUR, 12 * HOUR, DAY])
def test_a_device_that_keeps_its_time_is_learned_exactly(period: float) -> None:
    assert set(periods(routine(period, 10, jitter=0.0))) == {period}


@pytest.mark.parametrize(("period", "days"), [(MINUTE, 1.0), (HOUR, 1.0), (12 * HOUR, 3.0), (DAY, 6.0)])
def test_a_day_and_a_few_intervals_are_enough(period: float, days: float) -> None:
    assert first_learned(routine(period, 10, jitter=0.0)) == pytest.approx(days * DAY, abs=period)


def test_jitter_hardly_shows() -> None:
    assert all(0.9 * MINUTE <= period <= 1.15 * MINUTE for period in periods(routine(MINUTE, 4)))


@pytest.mark.parametrize(("share", "most"), [(0.1, 1.5), (0.2, 2.2)])
def test_lost_reports_lengthen_it_little(share: float, most: float) -> None:
    reports = periods(losing(routine(MINUTE, 4), share))
    found = [period for period in reports if period]
    assert len(found) > 0.95 * len(reports)
    assert max(found) <= most * MINUTE
    assert sorted(found)[len(found) // 2] <= 1.25 * MINUTE
    assert min(found) >= 0.9 * MINUTE


def test_a_heartbeat_of_12_to_24_hours_lies_between() -> None:
    rng, times = random.Random(3), [0.0]
    while times[-1] < 90 * DAY:
        times.append(times[-1] + rng.uniform(12, 24) * HOUR)
    assert all(16 * HOUR <= period <= 24 * HOUR for period in periods(times))


def test_a_days_samples_uploaded_in_several_messages_are_one_report_a_day() -> None:
    times = [day * DAY + offset for day in range(20) for offset in (0.0, 2.0, 5.0, 19.0)]
    assert set(periods(times)) == {DAY}


def test_messages_a_minute_apart_at_every_wake_up_are_learned_as_one_a_day() -> None:
    times = [day * DAY + offset for day in range(30) for offset in (0.0, MINUTE, 2 * MINUTE)]
    assert all(DAY - 3 * MINUTE <= period <= DAY for period in periods(times))


@pytest.mark.parametrize("alarms", [20, 120])
def test_alarms_that_are_repeated_do_not_shorten_it(alarms: int) -> None:
    bursts = [week * 7 * DAY + 5 * HOUR + 30.0 * n for week in range(6) for n in range(alarms)]
    found = periods(sorted([*routine(DAY, 45, jitter=0.01), *bursts]))
    assert all(0.9 * DAY <= period <= 1.1 * DAY for period in found)


def test_half_a_day_of_alarms_does_not_either() -> None:
    burst = [20.3 * DAY + 30.0 * n for n in range(1440)]
    found = [period for time, period in learned(sorted([*routine(DAY, 40, jitter=0.01), *burst])) if time > 20 * DAY]
    assert all(0.85 * DAY <= period <= 1.05 * DAY for period in found)


def test_a_watch_that_is_off_at_night_keeps_the_period_of_its_day() -> None:
    found = [period for period in periods(by_day(routine(10 * MINUTE, 14), 7, 22)) if period]
    assert all(0.9 * 10 * MINUTE <= period <= 1.25 * 10 * MINUTE for period in found)


def test_a_test_at_installation_is_forgotten() -> None:
    test = [HOUR + 10.0 * n for n in range(180)]
    found = periods(sorted([*test, *routine(DAY, 40, jitter=0.01)]))
    assert all(0.9 * DAY <= period <= 1.1 * DAY for period in found if period)


# ── doubt ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_after_an_unusual_silence_it_counts_only_once_reports_are_usual_again() -> None:
    before, after = routine(MINUTE, 2, jitter=0.0), routine(MINUTE, 1, jitter=0.0, start=2 * DAY + 6 * HOUR)
    found = [period for time, period in learned([*before, *after]) if time > 2 * DAY]
    assert found[:6] == [0.0] * 6
    assert found[6] == pytest.approx(MINUTE, rel=0.1)


def test_a_device_that_changes_to_longer_periods_is_learned_again() -> None:
    found = learned([*routine(MINUTE, 3), *routine(30 * MINUTE, 5, start=3 * DAY)])
    assert all(period in (0.0, pytest.approx(MINUTE, rel=0.3)) for time, period in found if time < 3 * DAY)
    doubted = [time for time, period in found if 3 * DAY < time < 4 * DAY and not period]
    assert len(doubted) > 40
    assert found[-1][1] == pytest.approx(30 * MINUTE, rel=0.15)


def test_a_device_that_changes_to_shorter_periods_is_followed() -> None:
    found = learned([*routine(DAY, 20, jitter=0.01), *routine(HOUR, 14, start=20 * DAY)])
    assert found[-1][1] == pytest.approx(HOUR, rel=0.15)


def test_a_device_that_reports_by_chance_is_given_twice_its_mean() -> None:
    rng, times = random.Random(4), [0.0]
    while times[-1] < 10 * DAY:
        times.append(times[-1] + rng.expovariate(1 / (10 * MINUTE)))
    found = sorted(period for period in periods(times) if period)
    assert 12 * MINUTE <= found[len(found) // 2] <= 20 * MINUTE


def test_another_rhythm_by_night_than_by_day_is_not_learned_as_the_days() -> None:
    day, night = routine(5 * MINUTE, 14), routine(HOUR, 14)
    times = sorted([*by_day(day, 7, 23), *by_day(night, 0, 7), *by_day(night, 23, 24)])
    nights = [period for time, period in learned(times) if time > 7 * DAY and 1 <= time % DAY / HOUR < 7]
    assert all(period == 0.0 or period > 20 * MINUTE for period in nights)


# ── bounds ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@settings(deadline=None)
@given(st.lists(st.floats(20.0, 1e7), min_size=1, max_size=60))
def test_the_period_lies_within_the_intervals_since_learning_began(intervals: list[float]) -> None:
    period_s, n, doubt, since = 0.0, 0, 0, 0
    for nth, interval_s in enumerate(intervals):
        period_s, n, doubt, starts = next_period(period_s, n, doubt, interval_s)
        since = nth if starts else since
        seen = intervals[since : nth + 1]
        assert starts == (nth == since)
        assert min(seen) <= period_s <= max(seen)
        assert 1 <= n <= min(len(seen), 255)
        assert 0 <= doubt < 15


def test_the_count_of_intervals_stays_in_its_byte() -> None:
    period_s, n, doubt = 0.0, 0, 0
    for _ in range(300):
        period_s, n, doubt, _ = next_period(period_s, n, doubt, 60.0)
    assert (period_s, n, doubt) == (60.0, 255, 0)
