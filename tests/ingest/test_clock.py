from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices import Flag
from ingest import ArrivalClock, ClockSkew, IngestCounters
from ingest.clock import SKEW_WINDOW, event_times, event_us

FUTURE_US = 300_000_000
NOW_US = 1_732_243_200_000_000


def skew_of(*delays_s: float) -> tuple[ClockSkew, IngestCounters]:
    """Return what one device's messages, a block each, say about its clock."""
    counters = IngestCounters()
    skew = ClockSkew(counters)
    for delay_s in delays_s:
        skew.observe(np.array([3]), np.array([delay_s]))
    return skew, counters


def test_arrival_times_are_unique_within_and_between_wake_ups() -> None:
    clock = ArrivalClock(lambda: 1000, IngestCounters())
    assert [clock.reserve(3), clock.reserve(1), clock.reserve(5)] == [1000, 1003, 1004]
    assert clock.last_us == 1008


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(1, 50)), max_size=20))
def test_arrival_times_rise_whatever_the_clock_does(wake_ups: list[tuple[int, int]]) -> None:
    now = iter([now for now, _ in wake_ups])
    clock = ArrivalClock(lambda: next(now), IngestCounters())
    last = 0
    for _, n in wake_ups:
        first = clock.reserve(n)
        assert first > last
        last = first + n - 1


def test_a_step_back_is_counted_and_caught_up_with() -> None:
    now = iter([5000, 4000, 4001, 6000])
    counters = IngestCounters()
    clock = ArrivalClock(lambda: next(now), counters)
    assert [clock.reserve(1) for _ in range(4)] == [5000, 5001, 5002, 6000]
    assert counters.clock_steps_back == 1


def test_times_used_before_a_restart_are_not_given_again() -> None:
    clock = ArrivalClock(lambda: 1000, IngestCounters())
    clock.advance(2000)
    clock.advance(1500)
    assert clock.reserve(1) == 2001


@pytest.mark.parametrize(
    ("stamp_us", "time_us", "flag"),
    [
        (NOW_US - 1.0, NOW_US - 1, Flag(0)),
        (NOW_US + FUTURE_US, NOW_US + FUTURE_US, Flag(0)),
        (NOW_US + FUTURE_US + 1.0, NOW_US, Flag.TIME_CLAMPED),
        (math.nan, NOW_US, Flag.TIME_FILLED),
        (NOW_US - 0.4, NOW_US, Flag(0)),
    ],
)
def test_the_arrival_time_stands_in_for_none_and_for_the_future(stamp_us: float, time_us: int, flag: Flag) -> None:
    times, flags = event_times(np.array([stamp_us]), np.array([NOW_US]), FUTURE_US)
    assert (times.tolist(), flags.tolist()) == ([time_us], [flag])
    assert (times.dtype.name, flags.dtype.name) == ("int64", "uint8")


@pytest.mark.parametrize("ts", [1262303999.0, 1262303999999.0, 253402300800000.0, -1.0, 0.0, math.inf, math.nan])
def test_what_can_be_no_time_raises(ts: float) -> None:
    with pytest.raises(ValueError, match="no time"):
        event_us(ts)


def test_the_last_ms_of_9999_is_a_time() -> None:
    assert event_us(253402300799999.0) == 253402300799999e3


def test_the_least_delay_counts_so_that_old_readings_do_not_look_like_a_wrong_clock() -> None:
    skew, counters = skew_of(86_400.0, 0.2, 43_200.0, 0.3)
    assert skew.seconds(3) == pytest.approx(0.2)
    assert counters.skewed_devices == 0


def test_a_device_that_never_said_a_time_has_no_error() -> None:
    skew, _ = skew_of(1.0)
    assert math.isnan(skew.seconds(2))
    assert math.isnan(skew.seconds(1_000_000))


def test_a_clock_ahead_is_negative_and_counts_beyond_5_s() -> None:
    for delay_s, skewed in ((-3600.0, 1), (-5.0, 0), (-5.001, 1), (5.0, 0), (5.001, 1)):
        skew, counters = skew_of(delay_s)
        assert skew.seconds(3) == delay_s
        assert counters.skewed_devices == skewed


def test_a_clock_that_was_set_right_is_believed_after_two_windows() -> None:
    right = [0.1] * (2 * SKEW_WINDOW)
    skew, counters = skew_of(-3600.0, *right[:-1])
    assert skew.seconds(3) == -3600.0
    assert counters.skewed_devices == 1
    skew, counters = skew_of(-3600.0, *right)
    assert skew.seconds(3) == pytest.approx(0.1)
    assert counters.skewed_devices == 0


def test_one_block_is_one_observation_of_a_device_however_often_it_spoke() -> None:
    skew, _ = skew_of(-3600.0)
    skew.observe(np.full(100, 3), np.full(100, 0.1))
    assert skew.seconds(3) == -3600.0


def test_devices_are_kept_apart_and_may_be_new() -> None:
    counters = IngestCounters()
    skew = ClockSkew(counters)
    skew.observe(np.array([0, 5000, 0]), np.array([9.0, -7.0, 6.0]))
    skew.observe(np.array([], np.int64), np.array([], np.float64))
    assert [skew.seconds(0), skew.seconds(5000)] == [6.0, -7.0]
    assert counters.skewed_devices == 2
