from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from devices import ReadingBatch
from ingest.newest import NewestReadings
from tests.ingest.naive import NaiveMemory

Said = tuple[int, int, tuple[float, bool]]


def batch_of(readings: list[Said]) -> ReadingBatch:
    return ReadingBatch(
        np.array([channel for channel, _, _ in readings], np.int32),
        np.array([time_us for _, time_us, _ in readings], np.int64),
        np.array([value for _, _, (value, _) in readings], np.float64),
        np.array([known for _, _, (_, known) in readings], np.bool_),
        np.zeros(len(readings), np.uint8),
        0,
    )


def settled(newest: NewestReadings, readings: list[Said]) -> list[tuple[int, int, bool]]:
    """Return (index, time, late) of what is kept."""
    result = newest.settle(batch_of(readings))
    kept = np.flatnonzero(result.keep)
    return list(zip(kept.tolist(), result.time_us[kept].tolist(), result.late[kept].tolist(), strict=True))


def on(channel: int, time_us: int, value: float = 0.0) -> Said:
    return channel, time_us, (value, True)


SAID = st.sampled_from([(0.0, True), (1.0, True), (0.0, False)])
BLOCKS = st.lists(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 8), SAID), max_size=14), max_size=4)


@settings(max_examples=400, deadline=None)
@given(BLOCKS)
def test_blocks_settle_as_in_a_loop(blocks: list[list[Said]]) -> None:
    newest, memory = NewestReadings(), NaiveMemory()
    for block in blocks:
        expected = memory.settle(block)
        assert settled(newest, block) == expected
        assert not newest._contended.any()
        assert len({(block[i][0], time) for i, time, _ in expected}) == len(expected)


@settings(max_examples=100, deadline=None)
@given(BLOCKS)
def test_conflicts_and_duplicates_are_counted_as_in_a_loop(blocks: list[list[Said]]) -> None:
    newest, memory = NewestReadings(), NaiveMemory()
    moved = dropped = 0
    for block in blocks:
        memory.settle(block)
        result = newest.settle(batch_of(block))
        moved += result.moved
        dropped += len(block) - int(result.keep.sum())
        assert result.is_plain == (result.keep.all() and not result.late.any() and not result.moved)
    assert (moved, dropped) == (memory.conflicting, memory.duplicates)


def test_a_clock_of_whole_seconds_keeps_every_turn() -> None:
    turns = [on(0, 100, 1.0), on(0, 100, 0.0), on(0, 100, 1.0)]
    assert settled(NewestReadings(), turns) == [(0, 100, False), (1, 101, False), (2, 102, False)]
    one_by_one = NewestReadings()
    assert [settled(one_by_one, [turn]) for turn in turns] == [[(0, 100, False)], [(0, 101, False)], [(0, 102, False)]]
    assert settled(one_by_one, [turns[2]]) == []


def test_unknown_is_not_zero() -> None:
    newest = NewestReadings()
    assert settled(newest, [(0, 100, (0.0, False))]) == [(0, 100, False)]
    assert settled(newest, [(0, 100, (0.0, True))]) == [(0, 101, False)]


def test_late_readings_are_kept_and_do_not_become_the_newest() -> None:
    newest = NewestReadings()
    assert settled(newest, [on(0, 100), on(0, 90), on(1, 95)]) == [(0, 100, False), (1, 90, True), (2, 95, False)]
    assert settled(newest, [on(0, 99)]) == [(0, 99, True)]
    assert settled(newest, [on(0, 101)]) == [(0, 101, False)]


def test_an_empty_block_changes_nothing() -> None:
    assert NewestReadings().settle(ReadingBatch.empty(0)).is_plain


def test_channels_far_beyond_those_known_are_taken() -> None:
    newest = NewestReadings()
    assert settled(newest, [on(0, 5)]) == [(0, 5, False)]
    assert settled(newest, [on(1023, 5), on(1024, 5), on(1_000_000, 5)]) == [(i, 5, False) for i in range(3)]
    assert settled(newest, [on(0, 5), on(1024, 4)]) == [(1, 4, True)]


def test_a_noted_block_counts_as_heard() -> None:
    newest = NewestReadings()
    newest.note(batch_of([on(7, 100, 1.0), on(7, 90, 0.0), on(2000, 50)]))
    newest.note(ReadingBatch.empty(0))
    newest.note(batch_of([on(7, 95, 0.0)]))
    assert settled(newest, [on(7, 100, 1.0), on(7, 100, 0.0), on(2000, 40)]) == [(1, 101, False), (2, 40, True)]


def test_the_given_arrays_are_left_alone() -> None:
    batch = batch_of([on(0, 100, 1.0), on(0, 100, 0.0)])
    NewestReadings().settle(batch)
    assert batch.time_us.tolist() == [100, 100]
