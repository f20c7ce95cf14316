from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.repeats import NEVER_READ_US, first_readings

readings = st.lists(st.tuples(st.integers(0, 3), st.integers(-3, 3)), max_size=30)


@given(readings, st.integers(0, 30))
@settings(max_examples=200, deadline=None)
def test_a_reading_of_its_channels_newest_time_is_told_however_readings_are_divided(
    rows: list[tuple[int, int]], cut: int
) -> None:
    newest_us = np.full(4, NEVER_READ_US)
    told, repeats = [], 0
    for part in (rows[:cut], rows[cut:]):
        is_first = np.empty(len(part), np.bool_)
        channel, time_us = (np.array([row[place] for row in part], np.int64) for place in (0, 1))
        repeats += first_readings(channel.astype(np.int32), time_us, newest_us, is_first)
        told += is_first.tolist()
    seen: dict[int, int] = {}
    wanted = []
    for channel_row, time in rows:
        wanted.append(time != seen.get(channel_row))
        seen[channel_row] = max(time, seen.get(channel_row, time))
    assert told == wanted
    assert repeats == wanted.count(False)
