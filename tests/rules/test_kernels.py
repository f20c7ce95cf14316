"""The kernels on their own: the machine's table, levels, holds and gaps, the runs."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.instances import spread
from rules.kernels import NEXT, Level, State, is_withheld, late_breach, level_of, paused_us, runs_out
from rules.layout import FOREVER_US, RULE

HELD = {State.HOLDS, State.CLEARING}


@pytest.mark.parametrize(("state", "level", "lasted"), list(product(State, Level, (0, 1))))
def test_the_table_of_states(state: State, level: Level, lasted: int) -> None:
    after = State(NEXT[state, level, lasted])
    if after in HELD and state not in HELD:
        assert level is Level.BREACH
        assert lasted
    if state in HELD and after not in HELD:
        assert level is Level.CLEAR
        assert lasted
    if level is Level.BREACH:
        assert after is not State.CLEARING
        assert after is not State.IDLE
    if level is Level.BETWEEN:
        assert (after in HELD) == (state in HELD)
    if level is Level.CLEAR and state not in HELD:
        assert after is State.IDLE


def rule() -> np.void:
    """Return a rule in breach up to 1 and from 8, clear in 3 … 4, of a sensor of 0 … 9 with the error code 5.5."""
    records = np.zeros(1, RULE)
    records["errors"] = np.nan
    records["errors"][0, 1] = 5.5
    for name, value in {
        "breach_at_most": 1.0,
        "breach_at_least": 8.0,
        "clear_low": 3.0,
        "clear_high": 4.0,
        "given_low": 0.0,
        "given_high": 9.0,
    }.items():
        records[name] = value
    record: np.void = records[0]
    return record


def test_levels_belong_to_their_bounds() -> None:
    measured = [0.0, 1.0, 1.1, 3.0, 4.0, 7.9, 8.0]
    assert [Level(level_of(value, rule())).name for value in measured] == [
        "BREACH",
        "BREACH",
        "BETWEEN",
        "CLEAR",
        "CLEAR",
        "BETWEEN",
        "BREACH",
    ]


@pytest.mark.parametrize(
    ("value", "withheld"), [(-0.1, True), (0.0, False), (5.5, True), (5.6, False), (9.0, False), (9.1, True)]
)
def test_what_the_sensor_cannot_mean_is_withheld(value: float, withheld: bool) -> None:
    assert is_withheld(value, rule()) is withheld


@pytest.mark.parametrize(
    ("last", "gap", "at", "out"),
    [
        (0, FOREVER_US, 59, False),
        (0, FOREVER_US, 60, True),
        (0, 60, 60, True),
        (0, 59, 60, False),
        (1, 59, 60, True),
        (0, 59, 1000, False),
    ],
)
def test_a_hold_runs_out_at_its_moment_unless_the_silence_before_it_is_too_long(
    last: int, gap: int, at: int, out: bool
) -> None:
    assert runs_out(60, last, gap, at) is out


@pytest.mark.parametrize(("gap", "time", "paused"), [(FOREVER_US, 10**12, 0), (10, 10, 0), (10, 11, 1), (0, 7, 7)])
def test_only_what_exceeds_the_gap_does_not_count(gap: int, time: int, paused: int) -> None:
    assert paused_us(0, gap, time) == paused


@pytest.mark.parametrize(
    ("state", "time", "raises"),
    [(State.IDLE, 40, True), (State.IDLE, 41, False), (State.PENDING, 0, False), (State.HOLDS, 0, False)],
)
def test_a_late_breach_raises_what_is_idle_where_its_hold_fits_before_the_newest(
    state: State, time: int, raises: bool
) -> None:
    assert late_breach(int(state), 60, time, 100) is raises


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 4))))
def test_runs_are_laid_end_to_end(runs: list[tuple[int, int]]) -> None:
    start, count = (np.array([run[n] for run in runs], np.intp) for n in (0, 1))
    owner, element = spread(start, count)
    expected = [(nth, begin + k) for nth, (begin, number) in enumerate(runs) for k in range(number)]
    assert list(zip(owner.tolist(), element.tolist(), strict=True)) == expected
