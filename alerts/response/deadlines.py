"""`Deadlines`: which incident is to be looked at next.

An entry may be too early, where its deadline was put off since: whoever takes it looks, and puts the incident in again.
It is never too late. So putting a deadline off costs nothing, and most are put off.
"""

from __future__ import annotations

import heapq
from typing import Final

__all__ = ["Deadlines"]

STALE_KEPT: Final = 1024
"""So many entries that mean nothing any more, and as many again as mean something, before they are swept out."""


class Deadlines:
    """The earliest deadline of each incident, µs since the epoch."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, str]] = []
        self._first: dict[str, int] = {}

    def __len__(self) -> int:
        """Incidents that have a deadline."""
        return len(self._first)

    @property
    def next_us(self) -> int | None:
        """When something may be due."""
        heap, first = self._heap, self._first
        while heap and first.get(heap[0][1]) != heap[0][0]:
            heapq.heappop(heap)
        return heap[0][0] if heap else None

    def put(self, due_us: int | None, incident: str) -> None:
        """See that the incident is looked at by `due_us`; None where it need not be."""
        if due_us is None:
            return
        first = self._first.get(incident)
        if first is None or due_us < first:
            self._first[incident] = due_us
            heapq.heappush(self._heap, (due_us, incident))
            if len(self._heap) > 2 * len(self._first) + STALE_KEPT:
                self._heap = [(us, name) for name, us in self._first.items()]
                heapq.heapify(self._heap)

    def take(self, now_us: int) -> tuple[int, str] | None:
        """Take out the next (deadline, incident) that may be due by `now_us`, None where none is."""
        next_us = self.next_us
        if next_us is None or next_us > now_us:
            return None
        due_us, incident = heapq.heappop(self._heap)
        del self._first[incident]
        return due_us, incident

    def drop(self, incident: str) -> None:
        """Look at it no more."""
        self._first.pop(incident, None)

    def clear(self) -> None:
        """Forget everything."""
        self._heap.clear()
        self._first.clear()
