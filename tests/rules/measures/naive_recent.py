"""The oracle of the count in a window: every breach is kept, and every group of them is looked at."""

from __future__ import annotations

from itertools import combinations


class NaiveRecent:
    def __init__(self, count: int, within_us: int) -> None:
        self.count = count
        self.within_us = within_us
        self.breaches: set[int] = set()

    def reached(self, time_us: int) -> bool:
        seen = {*sorted(self.breaches)[-self.count :], time_us} if self.count else {time_us}
        self.breaches.add(time_us)
        groups = combinations(sorted(seen), max(self.count, 1))
        return any(time_us in group and group[-1] - group[0] <= self.within_us for group in groups)
