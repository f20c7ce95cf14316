"""So many breaches within a time of each other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.measures.recent import reached
from tests.rules.measures.naive_recent import NaiveRecent

AT = 2


def said(count: int, within_us: int, *times_us: int) -> list[bool]:
    memory = np.zeros(AT + count + 2)
    memory[:AT] = memory[AT + count :] = 7.25
    result = [reached(memory, AT, count, within_us, time_us) for time_us in times_us]
    assert (memory[:AT] == 7.25).all()
    assert (memory[AT + count :] == 7.25).all()
    return result


@pytest.mark.parametrize("count", [0, 1])
def test_one_breach_is_enough_where_no_more_are_wanted(count: int) -> None:
    assert said(count, 0, 5, 500, 5) == [True, True, True]


def test_so_many_within_the_time_both_ends_included() -> None:
    assert said(3, 10, 100, 104, 110) == [False, False, True]
    assert said(3, 10, 100, 104, 111) == [False, False, False]
    assert said(3, 10, 100, 104, 111, 114, 115) == [False, False, False, True, True]


def test_a_late_breach_may_be_the_first_or_in_the_middle_of_them() -> None:
    assert said(3, 10, 104, 110, 100) == [False, False, True]
    assert said(3, 10, 100, 110, 104) == [False, False, True]


def test_a_late_breach_may_complete_older_ones_while_newer_ones_are_far_away() -> None:
    assert said(3, 10, 100, 104, 500, 108) == [False, False, False, True]
    assert said(2, 10, 100, 500, 91)[-1]


def test_a_late_breach_is_not_seen_together_with_more_than_count_before_it() -> None:
    assert said(2, 10, 100, 500, 900, 95) == [False, False, False, False]


def test_older_breaches_do_not_make_a_group_that_a_late_one_is_not_in() -> None:
    assert said(2, 10, 100, 105, 50) == [False, True, False]
    assert said(2, 10, 100, 105, 500) == [False, True, False]
    assert said(2, 10, 100, 500, 300) == [False, False, False]


def test_a_breach_sent_again_is_not_another_one() -> None:
    assert said(2, 10, 100, 100, 100) == [False, False, False]
    assert said(2, 10, 100, 105, 100) == [False, True, True]


def test_the_first_microseconds_of_the_epoch_are_times() -> None:
    assert said(2, 10, 0, 5) == [False, True]


@settings(max_examples=300)
@given(
    st.integers(0, 6),
    st.integers(0, 30),
    st.lists(st.one_of(st.integers(1, 60), st.sampled_from([10**15, 10**15 + 7])), max_size=40),
    st.booleans(),
)
def test_it_equals_the_oracle(count: int, within_us: int, times_us: list[int], in_order: bool) -> None:
    times_us = sorted(times_us) if in_order else times_us
    oracle = NaiveRecent(count, within_us)
    assert said(count, within_us, *times_us) == [oracle.reached(time_us) for time_us in times_us]
