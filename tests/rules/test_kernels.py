"""The kernels on their own: the machine's table, the order of evaluation, the runs."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.kernels import NEXT, Level, State, evaluation_waves, levels, overdue, ran_out, spread, turn
from rules.limits import Limits
from tests.rules.fleet import batch
from tests.rules.naive import in_order_of_evaluation

HELD = {State.HOLDS, State.CLEARING}


@pytest.mark.parametrize(("state", "level", "lasted"), list(product(State, Level, (0, 1))))
def test_the_table_of_states(state: State, level: Level, lasted: int) -> None:
    after = State(NEXT[state, level, lasted])
    if level is Level.WITHHELD:
        assert after is state
    if after in HELD and state not in HELD:
        assert level is Level.BREACH
        assert lasted
    if state in HELD and after not in HELD:
        assert level is Level.CLEAR
        assert lasted
    if level is Level.BREACH:
        assert after is not State.CLEARING
    if level is Level.BETWEEN:
        assert (after in HELD) == (state in HELD)


def test_turning_nothing_is_nothing() -> None:
    none, no, zero = np.zeros(0, np.uint8), np.zeros(0, bool), np.zeros(0, np.int64)
    turned = turn(
        none,
        none,
        no,
        since_us=zero,
        clear_us=zero,
        hold_us=zero,
        clear_hold_us=zero,
        repeats=no,
        time_us=zero,
        newest_us=zero,
    )
    assert len(turned.state) == len(turned.changed) == 0
    assert turned.state.dtype == np.uint8


def test_levels_belong_to_their_bounds() -> None:
    limits = Limits(1.0, 8.0, clear_low=3.0, clear_high=4.0, given_low=0.0, given_high=9.0)
    bounds = np.array([[value] * 9 for value in (1.0, 8.0, 3.0, 4.0, 0.0, 9.0)])
    value = np.array([-0.1, 0.0, 1.0, 1.1, 3.0, 4.0, 7.9, 8.0, 9.1])
    assert limits.breach_at_most == 1.0
    assert [Level(level).name for level in levels(value, bounds)] == [
        "WITHHELD",
        "BREACH",
        "BREACH",
        "BETWEEN",
        "CLEAR",
        "CLEAR",
        "BETWEEN",
        "BREACH",
        "WITHHELD",
    ]


def test_a_hold_runs_out_at_its_microsecond_and_only_where_pending() -> None:
    state = np.array([State.PENDING, State.PENDING, State.HOLDS, State.IDLE], np.uint8)
    since, hold = np.array([0, 1, 0, 0]), np.full(4, 60_000_000)
    assert ran_out(state, since, hold, 60_000_000).tolist() == [True, False, False, False]


def test_a_silence_is_overdue_once_and_at_its_microsecond() -> None:
    heard, after = np.array([0, 1, 0, 0]), np.array([5, 5, 5, np.iinfo(np.int64).max])
    assert overdue(5, heard, after, np.array([False, False, True, False])).tolist() == [True, False, False, False]


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 4))))
def test_runs_are_laid_end_to_end(runs: list[tuple[int, int]]) -> None:
    start, count = (np.array([run[n] for run in runs], np.intp) for n in (0, 1))
    owner, element = spread(start, count)
    expected = [(nth, begin + k) for nth, (begin, number) in enumerate(runs) for k in range(number)]
    assert list(zip(owner.tolist(), element.tolist(), strict=True)) == expected


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 5), st.booleans()), min_size=1, max_size=20))
def test_waves_give_the_order_of_evaluation(rows: list[tuple[int, int, bool]]) -> None:
    channel, time, late = (np.array([row[n] for row in rows]) for n in range(3))
    at: dict[int, int] = {}
    for reading, slot in evaluation_waves(channel.astype(np.intp), time, late.astype(bool)):
        assert len(set(channel[reading].tolist())) == len(reading)
        at |= dict(zip(slot.tolist(), reading.tolist(), strict=True))
    order = [at[slot] for slot in range(len(rows))]
    block = batch([(c, t, float(n), is_late) for n, (c, t, is_late) in enumerate(rows)])
    assert order == [int(read.value) for read in in_order_of_evaluation(block, 10)]
