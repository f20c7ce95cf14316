"""The exposure dose, and what EN 50291 wants of it."""

from __future__ import annotations

from math import isnan, nan
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.measures import dose
from rules.model import Band, DoseTerms
from tests.rules.measures.instance import Instance, close
from tests.rules.measures.naive_dose import NaiveDose

SECOND = 1_000_000
MINUTE = 60 * SECOND
NOON = 1_790_000_040 * SECOND  # begins a minute

CO = DoseTerms((Band(50.0, 3600.0), Band(100.0, 600.0), Band(300.0, 180.0)), clear=30.0, recovery_s=3600.0)


def alarm_s(samples: list[tuple[float, float]], until_s: float) -> float | None:
    """When a fold says the alarm: at a reading in breach, or when the dose of the last one is due before the next."""
    one = Instance(dose, CO)
    for (s, ppm), (next_s, _) in zip(samples, [*samples[1:], (until_s, 0.0)], strict=True):
        measured, *_, due_us = one.measure(NOON + round(s * SECOND), ppm)
        if one.level(measured) == "breach":
            return s
        if due_us <= NOON + round(next_s * SECOND):
            return (due_us - NOON) / SECOND
    return None


def times(sampling: str, until_s: float) -> list[float]:
    """The first sample is at 0 s."""
    if sampling != "irregular":
        return [float(s) for s in range(0, int(until_s), int(sampling.removesuffix(" s")))]
    random, result = Random(50291), [0.0]
    while result[-1] < until_s:
        result.append(result[-1] + random.choice([0.25, 7.0, 61.3, 299.0]) * random.random())
    return result[:-1]


@pytest.mark.parametrize("sampling", ["10 s", "60 s", "irregular"])
@pytest.mark.parametrize(
    ("ppm", "from_min", "to_min"),
    [(50.0, 60, 90), (55.0, 60, 90), (100.0, 10, 40), (110.0, 10, 40), (300.0, 0, 3), (330.0, 0, 3)],
)
def test_en_50291_alarms_in_time(sampling: str, ppm: float, from_min: int, to_min: int) -> None:
    said = alarm_s([(s, ppm) for s in times(sampling, 7200.0)], 7200.0)
    assert said is not None
    assert from_min * 60 <= said <= to_min * 60


@pytest.mark.parametrize("sampling", ["10 s", "60 s", "irregular"])
@pytest.mark.parametrize("ppm", [30.0, 33.0, 49.9])
def test_en_50291_30_ppm_is_no_alarm_within_120_min(sampling: str, ppm: float) -> None:
    assert alarm_s([(s, ppm) for s in times(sampling, 7200.0)], 7200.0) is None


@pytest.mark.parametrize("sampling", ["10 s", "60 s", "irregular"])
@pytest.mark.parametrize(("ppm", "after_s"), [(50.0, 3600.0), (100.0, 600.0), (300.0, 180.0)])
def test_steady_exposure_alarms_at_the_microsecond_of_its_band(sampling: str, ppm: float, after_s: float) -> None:
    assert alarm_s([(s, ppm) for s in times(sampling, 7200.0)], 7200.0) == pytest.approx(after_s, abs=1e-5)


def test_one_sample_and_silence_alarm_when_the_dose_is_due() -> None:
    assert alarm_s([(0.0, 350.0)], 7200.0) == 180.0
    assert alarm_s([(0.0, 350.0)], 179.0) is None


def test_shares_of_bands_add_up() -> None:
    one = Instance(dose, CO)
    said = [one.measure(NOON + minute * MINUTE, ppm)[0] for minute, ppm in [(0, 60.0), (30, 120.0), (33, 60.0)]]
    assert said == [0.0, 0.5, pytest.approx(0.8)]
    *_, due_us = one.measure(NOON + 33 * MINUTE, 60.0)
    assert due_us == pytest.approx(NOON + 45 * MINUTE, abs=2)


def test_the_value_before_counts_until_the_next() -> None:
    one = Instance(dose, CO)
    one.measure(NOON, 60.0)
    assert one.measure(NOON + 6 * MINUTE, 500.0)[0] == pytest.approx(0.1)


def test_between_the_clear_level_and_the_first_band_it_stays() -> None:
    one = Instance(dose, CO)
    one.measure(NOON, 100.0)
    one.measure(NOON + 5 * MINUTE, 40.0)
    measured, *_, due_us = one.measure(NOON + 500 * MINUTE, 30.0)
    assert measured == pytest.approx(0.5)
    assert one.level(measured) == "between"
    assert isnan(due_us)


def test_below_the_clear_level_it_is_0_and_what_has_not_gone_back_counts_again() -> None:
    one = Instance(dose, CO)
    one.measure(NOON, 100.0)
    measured, *_, due_us = one.measure(NOON + 8 * MINUTE, 29.9)
    assert (measured, one.level(measured)) == (0.0, "clear")
    assert isnan(due_us)
    assert one.measure(NOON + 26 * MINUTE, 100.0)[0] == pytest.approx(0.5)
    assert one.measure(NOON + 31 * MINUTE, 100.0)[0] == pytest.approx(1.0)


def test_after_the_recovery_nothing_is_left_of_any_exposure() -> None:
    one = Instance(dose, CO)
    one.measure(NOON, 900.0)
    assert one.measure(NOON + 60 * MINUTE, 0.0)[0] == 0.0
    assert one.measure(NOON + 119 * MINUTE, 60.0)[0] == pytest.approx(1 / 60)
    one.measure(NOON + 119 * MINUTE, 0.0)
    assert one.measure(NOON + 120 * MINUTE, 60.0)[0] == pytest.approx(0.0, abs=1e-12)


def test_the_dose_of_an_exposure_that_goes_on_is_said_in_full() -> None:
    one = Instance(dose, CO)
    one.measure(NOON, 300.0)
    measured, *_, due_us = one.measure(NOON + 9 * MINUTE, 300.0)
    assert measured == pytest.approx(3.0)
    assert isnan(due_us)


def test_a_late_minute_is_added_once_however_many_readings_it_has() -> None:
    one = Instance(dose, CO)
    one.measure(NOON, 0.0)
    one.measure(NOON + 60 * MINUTE, 0.0)
    said = [one.measure(NOON + 10 * MINUTE + s * SECOND, 120.0) for s in range(60)]
    assert [measured for measured, *_ in said] == [pytest.approx(0.1)] * 60
    assert np.isnan([due for *_, due in said]).all()
    assert one.measure(NOON + 10 * MINUTE + 30 * SECOND, 400.0)[0] == pytest.approx(1 / 3)
    assert one.measure(NOON + 11 * MINUTE, 120.0)[0] == pytest.approx(1 / 3 + 0.1)


def test_a_late_report_of_a_whole_exposure_is_in_breach() -> None:
    one = Instance(dose, CO)
    one.measure(NOON, 0.0)
    one.measure(NOON + 60 * MINUTE, 0.0)
    said = [one.level(one.measure(NOON + minute * MINUTE, 120.0)[0]) for minute in range(10, 20)]
    assert said == ["between"] * 9 + ["breach"]


def test_a_late_reading_never_takes_away_and_what_was_counted_is_not_counted_again() -> None:
    one = Instance(dose, CO)
    one.measure(NOON, 120.0)
    assert one.measure(NOON + 5 * MINUTE, 120.0)[0] == pytest.approx(0.5)
    for minute in range(5):
        one.measure(NOON + minute * MINUTE, 0.0)
        assert one.measure(NOON + minute * MINUTE, 120.0)[0] == pytest.approx(0.5)
    assert one.measure(NOON + 2 * MINUTE, 400.0)[0] == pytest.approx(0.5 + 1 / 3 - 0.1)
    assert one.measure(NOON + 6 * MINUTE, 120.0)[0] == pytest.approx(0.6 + 1 / 3 - 0.1)


def test_readings_of_one_time_add_nothing_and_the_last_one_stays() -> None:
    one = Instance(dose, CO)
    for ppm in (0.0, 900.0, 120.0):
        assert one.measure(NOON, ppm)[0] == 0.0
    assert one.measure(NOON + 5 * MINUTE, 0.0)[0] == 0.0
    assert one.measure(NOON + 5 * MINUTE, 40.0)[0] == pytest.approx(0.5)


def test_no_dose_is_lost_when_our_clock_is_set_back() -> None:
    one = Instance(dose, CO)
    one.measure(NOON, 100.0)
    one.measure(NOON + 5 * MINUTE, 100.0)
    one.set_clock_back(NOON - 60 * MINUTE)
    assert one.measure(NOON - 58 * MINUTE, 100.0)[0] == pytest.approx(0.7)


def test_late_readings_are_known_to_be_counted_when_our_clock_is_set_back() -> None:
    one = Instance(dose, CO)
    one.measure(NOON, 100.0)
    one.set_clock_back(NOON - 60 * MINUTE)
    one.measure(NOON - 55 * MINUTE, 100.0)
    assert one.measure(NOON - 57 * MINUTE, 100.0)[0] == pytest.approx(0.5)


def test_the_first_moment_of_the_epoch_is_a_time() -> None:
    one = Instance(dose, CO)
    one.measure(0, 100.0)
    assert one.measure(5 * MINUTE, 100.0)[0] == pytest.approx(0.5)


def test_a_rule_has_at_most_three_bands_and_may_have_fewer() -> None:
    with pytest.raises(ValueError, match="4 bands; wanted at most 3"):
        dose.parameters(DoseTerms((Band(1.0, 1.0),) * 4, clear=1.0, recovery_s=1.0))
    one = Instance(dose, DoseTerms((Band(50.0, 60.0),), clear=30.0, recovery_s=60.0))
    one.measure(NOON, 1e300)
    assert one.measure(NOON + 30 * SECOND, 1e300)[0] == 0.5


def test_times_of_0_are_at_once() -> None:
    one = Instance(dose, DoseTerms((Band(50.0, 0.0),), clear=30.0, recovery_s=0.0))
    measured, *_, due_us = one.measure(NOON, 60.0)
    assert (measured, due_us) == (0.0, NOON + 1)
    assert one.measure(NOON + 1, 0.0)[0] == 0.0
    assert one.measure(NOON + 1, 60.0)[0] == 1.0
    assert one.measure(NOON + 1, 0.0)[0] == 0.0
    assert one.measure(NOON + 2, 60.0)[0] == 0.0


STEPS = st.lists(
    st.tuples(
        st.one_of(
            st.integers(0, 20).map(lambda s: s * 10 * SECOND),
            st.integers(-10 * MINUTE, 10 * MINUTE),
            st.sampled_from([0, 1, MINUTE, -1, -MINUTE, 1000 * MINUTE]),
        ),
        st.sampled_from([0.0, 29.9, 30.0, 40.0, 50.0, 99.9, 100.0, 150.0, 300.0, 1000.0]),
    ),
    max_size=60,
)
SMALL = DoseTerms((Band(40.0, 900.0), Band(100.0, 77.7)), clear=30.0, recovery_s=700.0)


@settings(max_examples=300)
@given(st.sampled_from([1, NOON]), st.sampled_from([CO, SMALL]), STEPS)
def test_it_equals_the_oracle(start: int, terms: DoseTerms, steps: list[tuple[int, float]]) -> None:
    one, oracle = Instance(dose, terms), NaiveDose(terms)
    time_us = start
    for step, value in steps:
        time_us = max(1, time_us + step)
        late = time_us < one.newest_us
        said, wanted = one.measure(time_us, value), oracle.measure(time_us, value, late, 0)
        assert close((*said[:4], nan), (*wanted[:4], nan), relative=1e-9)
        assert isnan(said[4]) == isnan(wanted[4])
        assert isnan(said[4]) or abs(said[4] - wanted[4]) <= 1.0
