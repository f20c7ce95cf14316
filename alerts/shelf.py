"""`Shelf`: where incidents are kept at hand, each under its name and its danger."""

from __future__ import annotations

import heapq
from collections import ChainMap
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, Self

import msgspec

from alerts.former import renamed
from alerts.identity import normalised
from alerts.incident import Incident

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable

__all__ = ["Shelf"]

SNAPSHOT_VERSION: Final = 2
FORMER_VERSION: Final = 1


class _Snapshot(msgspec.Struct, frozen=True):
    open: tuple[Incident, ...]
    closed: tuple[Incident, ...]


class _FormerSnapshot(msgspec.Struct, frozen=True):
    open: tuple[dict[str, Any], ...]
    closed: tuple[dict[str, Any], ...]


class Shelf:
    """Every open incident, at most one of a danger (`Incident.key`), and the closed ones that may still matter."""

    def __init__(self, opened: Iterable[Incident] = (), closed: Iterable[Incident] = ()) -> None:
        self._open = {incident.id: incident for incident in opened}
        self._open_of = {incident.key: incident.id for incident in self._open.values()}
        self._closed = {incident.id: incident for incident in closed}  # the one that was open last comes last
        self._closed_of = {incident.key: incident.id for incident in self._closed.values()}  # the newest of each danger
        self._known = ChainMap(self._open, self._closed)

    @classmethod
    def of(cls, snapshot: bytes) -> Self:
        """Return the shelf of a snapshot. Raises ValueError where it is of a version that is not known here."""
        version = snapshot[0] if snapshot else None
        body = memoryview(snapshot)[1:]
        if version == SNAPSHOT_VERSION:
            state = msgspec.msgpack.decode(body, type=_Snapshot)
            return cls(state.open, state.closed)
        if version == FORMER_VERSION:
            former = msgspec.msgpack.decode(body, type=_FormerSnapshot)
            return cls(map(_from_former, former.open), map(_from_former, former.closed))
        raise ValueError(f"incidents snapshot of version {version}; wanted {SNAPSHOT_VERSION} or {FORMER_VERSION}")

    def snapshot(self) -> bytes:
        """Return all of it; `of` takes it."""
        state = _Snapshot(tuple(self._open.values()), tuple(self._closed.values()))
        return bytes([SNAPSHOT_VERSION]) + msgspec.msgpack.encode(state)

    def __len__(self) -> int:
        """Open incidents."""
        return len(self._open)

    @property
    def names(self) -> Container[str]:
        """Names that are taken."""
        return self._known

    def get(self, typed: str) -> Incident | None:
        """Return the incident that a person's typing means, open or kept."""
        return self._known.get(normalised(typed))

    def open(self) -> list[Incident]:
        """Return the open incidents, in the order in which they were raised."""
        return list(self._open.values())

    def closed(self) -> list[Incident]:
        """Return the closed incidents, the one that was open last at the end."""
        return list(self._closed.values())

    def recent(self, n: int) -> list[Incident]:
        """Return the `n` newest incidents, open or closed, newest first."""
        known = chain(self._open.values(), self._closed.values())
        return heapq.nlargest(n, known, key=lambda incident: (incident.raised_us, incident.id))

    def open_of(self, key: tuple[str, str]) -> Incident | None:
        """Return the open incident of a danger."""
        return self._open.get(self._open_of.get(key, ""))

    def closed_of(self, key: tuple[str, str]) -> Incident | None:
        """Return the newest closed incident of a danger."""
        return self._closed.get(self._closed_of.get(key, ""))

    def put(self, incident: Incident) -> None:
        """Keep `incident` as it now is."""
        if incident.state.is_open:
            self._closed.pop(incident.id, None)
            self._open[incident.id] = incident
            self._open_of[incident.key] = incident.id
            return
        if self._open.pop(incident.id, None) is not None:
            del self._open_of[incident.key]
            self._closed_of[incident.key] = incident.id
        self._closed[incident.id] = incident

    def trim(self, kept: int, is_wanted: Callable[[Incident], bool]) -> None:
        """Forget the oldest closed incidents beyond `kept`, up to the first that is wanted."""
        while len(self._closed) > kept:
            oldest = next(iter(self._closed.values()))
            if is_wanted(oldest):
                return
            del self._closed[oldest.id]
            if self._closed_of.get(oldest.key) == oldest.id:
                del self._closed_of[oldest.key]


def _from_former(incident: dict[str, Any]) -> Incident:
    return msgspec.convert(renamed(incident), Incident)
