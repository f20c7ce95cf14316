"""The chain: each line of an incident's timeline carries a hash of itself and of the one before it.

Whoever has the last digest can tell whether a line of the export was changed, left out or put in. The chain is part of
the fold's state, so it goes on over restarts, and a replay makes the same one.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from alerts.evidence.line import Line, incident_of, line_of
from alerts.shadow import ShadowEvent

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from alerts.evidence.line import ChainedEvent
    from alerts.incident import AlertEvent

__all__ = ["Chain", "digest_of", "first_fault"]

SNAPSHOT_VERSION: Final = 1
_Event = TypeVar("_Event", bound="ChainedEvent")


def digest_of(line: Line, before: str) -> str:
    """Return the digest (SHA-256, hexadecimal) of `line` after the one whose digest is `before`, "" for the first."""
    return hashlib.sha256(before.encode() + b"\n" + msgspec.json.encode(line)).hexdigest()


def first_fault(lines: Sequence[tuple[Line, str]]) -> int | None:
    """Return the index of the first of `lines`, each with its digest, that does not follow; None where all do."""
    before = ""
    for index, (line, digest) in enumerate(lines):
        if line.place != index + 1 or digest != digest_of(line, before):
            return index
        before = digest
    return None


class _Head(msgspec.Struct, frozen=True):
    place: int
    digest: str


class Chain:
    """The last place and digest of every incident's timeline.

    kept: so many incidents; the ones longest without a line are forgotten first, and begin anew at place 1 where they
          get one all the same
    """

    def __init__(self, kept: int = 100_000) -> None:
        self._kept = kept
        self._heads: dict[str, _Head] = {}  # the longest without a line first

    def add(self, events: Iterable[AlertEvent]) -> list[AlertEvent]:
        """Return `events` with their places and digests; what belongs to no incident as it is."""
        return [
            event if isinstance(event, ShadowEvent) or not incident_of(event) else self._add(event) for event in events
        ]

    def head(self, incident: str) -> tuple[int, str]:
        """Return the place and the digest of an incident's last line, (0, "") where there is none."""
        head = self._heads.get(incident)
        return (head.place, head.digest) if head else (0, "")

    def snapshot(self) -> bytes:
        """Return the whole state; `restore` takes it."""
        return bytes([SNAPSHOT_VERSION]) + msgspec.msgpack.encode(self._heads)

    def restore(self, snapshot: bytes) -> None:
        """Take the state of a snapshot in place of this one.

        Raises ValueError where it is of a version that this program does not read.
        """
        if not snapshot or snapshot[0] != SNAPSHOT_VERSION:
            raise ValueError(f"chain snapshot of version {snapshot[:1]!r}; wanted {SNAPSHOT_VERSION}")
        self._heads = msgspec.msgpack.decode(memoryview(snapshot)[1:], type=dict[str, _Head])

    def _add(self, event: _Event) -> _Event:
        incident = incident_of(event)
        place, before = self.head(incident)
        digest = digest_of(line_of(event, place + 1), before)
        self._heads.pop(incident, None)
        self._heads[incident] = _Head(place + 1, digest)
        while len(self._heads) > self._kept:
            del self._heads[next(iter(self._heads))]
        return msgspec.structs.replace(event, place=place + 1, digest=digest)
