"""`Histogram`: how many values lay at or under each bound, and the newest of each bucket, in plain numbers."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from typing import NamedTuple

__all__ = ["Histogram", "Sighting"]


class Sighting(NamedTuple):
    """The newest value of a bucket. incident: whose it is; time_us: journal time."""

    incident: str
    value: float
    time_us: int


@dataclass(slots=True)
class Histogram:
    """Counts of values at or under each bound, the last beyond all of them; `seen` has the newest value of each."""

    bounds: tuple[float, ...]
    counts: list[int] = field(init=False)
    seen: list[Sighting | None] = field(init=False)
    total: float = 0.0

    def __post_init__(self) -> None:
        self.counts = [0] * (len(self.bounds) + 1)
        self.seen = [None] * (len(self.bounds) + 1)

    def add(self, value: float, incident: str = "", time_us: int = 0) -> None:
        """Count one value."""
        place = bisect_left(self.bounds, value)
        self.counts[place] += 1
        self.total += value
        if incident:
            self.seen[place] = Sighting(incident, value, time_us)
