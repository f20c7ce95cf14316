"""The newest events of incidents, at hand without the archive: all of an open incident's, in most communities."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, TypeGuard

import msgspec

from alerts.evidence.line import ChainedEvent, Line, incident_of, line_of
from alerts.shadow import ShadowEvent

if TYPE_CHECKING:
    from collections.abc import Iterable

    from alerts.incident import AlertEvent

__all__ = ["RecentEvents", "SignedLine", "signed"]

SNAPSHOT_VERSION: Final = 1


class SignedLine(msgspec.Struct, frozen=True):
    """A line and its digest."""

    line: Line
    digest: str


def signed(event: ChainedEvent) -> SignedLine:
    """Return an event that is in the chain as its line."""
    return SignedLine(line_of(event, event.place), event.digest)


class RecentEvents:
    """The last `kept` events of all incidents together; the archive has every one."""

    def __init__(self, kept: int = 10_000) -> None:
        self._events: deque[ChainedEvent] = deque()
        self._kept = kept
        self._of: dict[str, deque[ChainedEvent]] = {}

    def add(self, events: Iterable[AlertEvent]) -> None:
        """Take in events that are in the chain; others are left out."""
        for event in events:
            if _is_chained(event):
                self._add(event)

    def of(self, incident: str) -> list[ChainedEvent]:
        """Return the events of an incident that are at hand, oldest first; the first of all has place 1."""
        return list(self._of.get(incident, ()))

    def snapshot(self) -> bytes:
        """Return the whole state; `restore` takes it."""
        return bytes([SNAPSHOT_VERSION]) + msgspec.msgpack.encode(list(self._events))

    def restore(self, snapshot: bytes) -> None:
        """Take the state of a snapshot in place of this one.

        Raises ValueError where it is of a version that this program does not read.
        """
        if not snapshot or snapshot[0] != SNAPSHOT_VERSION:
            raise ValueError(f"snapshot of recent events of version {snapshot[:1]!r}; wanted {SNAPSHOT_VERSION}")
        self._events.clear()
        self._of.clear()
        for event in msgspec.msgpack.decode(memoryview(snapshot)[1:], type=list[ChainedEvent]):
            self._add(event)

    def _add(self, event: ChainedEvent) -> None:
        self._events.append(event)
        self._of.setdefault(incident_of(event), deque()).append(event)
        while len(self._events) > self._kept:
            oldest = incident_of(self._events.popleft())
            own = self._of[oldest]
            own.popleft()
            if not own:
                del self._of[oldest]


def _is_chained(event: AlertEvent) -> TypeGuard[ChainedEvent]:
    return not isinstance(event, ShadowEvent) and event.place > 0
