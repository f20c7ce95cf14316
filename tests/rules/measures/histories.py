"""Histories as sensors make them: steady, packed, with gaps, with equal times, late ones among them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.rules.measures.instance import Instance, Measured

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
WEEK = 7 * DAY

CHINA = 8 * HOUR
MONDAY = 1_799_625_600 * SECOND - CHINA
"""2027-01-11 00:00 in China."""

Reading = tuple[int, float]
"""Event time in µs, value; in order of arrival."""


def histories(
    values: st.SearchStrategy[float], spans: Sequence[int], *, most: int = 60
) -> st.SearchStrategy[list[Reading]]:
    """Runs of readings, each run with its own step of time out of `spans`; some steps go back."""
    step = st.tuples(st.sampled_from(spans), st.integers(-3, 8))
    run = st.tuples(step, st.lists(values, min_size=1, max_size=12))

    def laid_out(runs: list[tuple[tuple[int, int], list[float]]]) -> list[Reading]:
        readings = []
        time = newest = MONDAY
        for (span, times), of_run in runs:
            for value in of_run:
                time = max(1, time + span * times // 2)
                readings.append((time, value))
                newest = max(newest, time)
            time = newest
        return readings[:most]

    return st.lists(run, min_size=1, max_size=12).map(laid_out)


def measured(one: Instance, readings: list[Reading], zone_us: int = CHINA) -> list[Measured]:
    return [one.measure(time_us, value, zone_us=zone_us) for time_us, value in readings]
