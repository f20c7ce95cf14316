"""`ReadingBatch`: what a block may hold, and joining and choosing readings."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices import Flag, ReadingBatch

READINGS = st.lists(
    st.tuples(
        st.integers(0, 2**31 - 1),
        st.integers(0, 2**62),
        st.floats(allow_nan=False, allow_infinity=False),
        st.booleans(),
        st.integers(0, 31),
    ),
    max_size=8,
)


def batch_of(readings: list[tuple[int, int, float, bool, int]], arrival_us: int = 0) -> ReadingBatch:
    columns = list(zip(*readings, strict=True)) or [()] * 5
    channel, time_us, value, known, flags = columns
    return ReadingBatch(
        np.array(channel, np.int32),
        np.array(time_us, np.int64),
        np.array(value, np.float64),
        np.array(known, np.bool_),
        np.array(flags, np.uint8),
        arrival_us,
    )


def readings_of(batch: ReadingBatch) -> list[tuple[int, int, float, bool, int]]:
    columns = (batch.channel, batch.time_us, batch.value, batch.known, batch.flags)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def test_an_empty_batch_is_a_tick() -> None:
    tick = ReadingBatch.empty(17)
    assert len(tick) == 0
    assert tick.arrival_us == 17
    assert tick.value.dtype == np.float64


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(READINGS, st.integers(0, 2**62)), min_size=1, max_size=4))
def test_joining_keeps_the_order_and_the_newest_arrival(
    parts: list[tuple[list[tuple[int, int, float, bool, int]], int]],
) -> None:
    joined = ReadingBatch.concat([batch_of(readings, arrival) for readings, arrival in parts])
    assert readings_of(joined) == [reading for readings, _ in parts for reading in readings]
    assert joined.arrival_us == max(arrival for _, arrival in parts)


@settings(max_examples=50, deadline=None)
@given(READINGS, st.data())
def test_choosing_by_mask_and_by_index_agree(
    readings: list[tuple[int, int, float, bool, int]], data: st.DataObject
) -> None:
    batch = batch_of(readings, 5)
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=len(batch), max_size=len(batch))), np.bool_)
    wanted = [reading for reading, is_chosen in zip(readings, mask, strict=True) if is_chosen]
    assert readings_of(batch.select(mask)) == wanted
    assert readings_of(batch.select(np.flatnonzero(mask))) == wanted
    assert batch.select(mask).arrival_us == 5


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_no_number_is_refused_even_where_it_is_not_known(value: float) -> None:
    with pytest.raises(ValueError, match="value holds NaN or infinity"):
        batch_of([(0, 0, value, False, 0)])


def test_wrong_shapes_and_dtypes_are_refused_with_what_was_wanted() -> None:
    one = batch_of([(0, 0, 1.0, True, 0)])
    with pytest.raises(ValueError, match=r"channel has shape \(1, 1\)"):
        ReadingBatch(one.channel.reshape(1, 1), one.time_us, one.value, one.known, one.flags, 0)
    with pytest.raises(ValueError, match=r"value is float32 .* wanted float64"):
        ReadingBatch(one.channel, one.time_us, one.value.astype(np.float32), one.known, one.flags, 0)
    with pytest.raises(ValueError, match=r"flags is uint8 of shape \(2,\); wanted uint8 of shape \(1,\)"):
        ReadingBatch(one.channel, one.time_us, one.value, one.known, np.zeros(2, np.uint8), 0)
    with pytest.raises(ValueError, match="channel is int64"):
        ReadingBatch(one.channel.astype(np.int64), one.time_us, one.value, one.known, one.flags, 0)


def test_every_flag_fits_its_column() -> None:
    assert max(Flag).value <= np.iinfo(np.uint8).max
    assert sum(flag.value for flag in Flag) == 2 ** len(Flag) - 1
