"""`Agenda`: names with a time each, and which of them are due."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

__all__ = ["Agenda"]

NameT = TypeVar("NameT", bound="Hashable")
STALE_SHARE = 2
STALE_FROM = 64


class Agenda(Generic[NameT]):
    """At most one time a name, µs since the epoch; as large as what it is given, and no larger.

    Names of one time come in their own order, so that a replay takes them up alike: they can be compared.
    """

    def __init__(self) -> None:
        self._due: dict[NameT, int] = {}
        self._heap: list[tuple[int, NameT]] = []  # with entries that hold no more

    def __len__(self) -> int:
        """Names with a time."""
        return len(self._due)

    def get(self, name: NameT) -> int | None:
        """Return the time of `name`, None where it has none."""
        return self._due.get(name)

    def set(self, name: NameT, due_us: int) -> None:
        """Give `name` a time in place of the one it had."""
        if self._due.get(name) == due_us:
            return
        self._due[name] = due_us
        heapq.heappush(self._heap, (due_us, name))
        if len(self._heap) > STALE_FROM + STALE_SHARE * len(self._due):
            self._rebuild()

    def bring_forward(self, name: NameT, due_us: int) -> None:
        """Give `name` a time, unless it has an earlier one."""
        had_us = self._due.get(name)
        if had_us is None or due_us < had_us:
            self.set(name, due_us)

    def drop(self, name: NameT) -> None:
        """Take the time of `name` away, where it has one."""
        self._due.pop(name, None)

    @property
    def next_us(self) -> int | None:
        """The first time of all, None where there is none."""
        heap = self._heap
        while heap and self._due.get(heap[0][1]) != heap[0][0]:
            heapq.heappop(heap)
        return heap[0][0] if heap else None

    def take(self, now_us: int) -> Iterator[NameT]:
        """Yield the names whose time has come, in the order of their times, each without its time from there on."""
        while (next_us := self.next_us) is not None and next_us <= now_us:
            _, name = heapq.heappop(self._heap)
            del self._due[name]
            yield name

    def shift(self, step_us: int) -> None:
        """Move every time."""
        self._due = {name: due_us + step_us for name, due_us in self._due.items()}
        self._rebuild()

    def items(self) -> list[tuple[NameT, int]]:
        """Return every name with its time."""
        return list(self._due.items())

    def _rebuild(self) -> None:
        self._heap = [(due_us, name) for name, due_us in self._due.items()]
        heapq.heapify(self._heap)
