"""An obvious loop as the oracle of the rollups."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Bucket(NamedTuple):
    """What a row of `readings_1m`, `readings_1h` or `readings_1d` says of one channel and one stretch of time."""

    minimum: float
    maximum: float
    mean: float
    last: float
    readings: int
    first_time: datetime
    last_time: datetime
    total: float


def rolled_up(
    readings: Iterable[tuple[int, datetime, float | None]], width: timedelta
) -> dict[tuple[int, datetime], Bucket]:
    """Roll up (channel, time, value), each pair of channel and time once, by `width` of UTC; None has no value."""
    found: dict[tuple[int, datetime], list[tuple[datetime, float]]] = defaultdict(list)
    for channel, time, value in readings:
        if value is not None:
            found[channel, time - (time - EPOCH) % width].append((time, value))
    buckets = {}
    for key, pairs in found.items():
        pairs.sort()
        values = [value for _, value in pairs]
        total = sum(values)
        buckets[key] = Bucket(
            min(values), max(values), total / len(values), values[-1], len(values), pairs[0][0], pairs[-1][0], total
        )
    return buckets
