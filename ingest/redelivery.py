"""Redelivery: which messages the broker sends again although they were taken.

After a reconnect a broker sends every message again that it has no PUBACK for, with DUP set and the same packet id
(MQTT 5.0, section 4.4). A message without a time would be stored twice then, so what was taken is remembered, here and
in the journal.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["RedeliveryWindow"]

SNAPSHOT_VERSION: Final = 1
_ROW: Final = np.dtype([("packet_id", "<u2"), ("digest", "<u4")])


class RedeliveryWindow:
    """The last messages of one session by packet id: at least the last `receive_maximum` ids.

    No more than `receive_maximum` can be unacknowledged, so no older one can come again. They are kept in two
    generations, the older of which is dropped as a whole when the younger is full.

    A batcher's window runs ahead of the journal: it holds messages that are not committed yet, so it is never
    snapshotted. The fold keeps a window of its own, filled from the journal's blocks; a batcher starts from a copy.

    digest: crc32 of topic and payload; an id that comes again with another message is no redelivery
    """

    def __init__(self, receive_maximum: int) -> None:
        if receive_maximum < 1:
            raise ValueError(f"receive_maximum is {receive_maximum}; wanted at least 1")
        self.receive_maximum = receive_maximum
        self._young: dict[int, int] = {}
        self._old: dict[int, int] = {}
        # What nobody has asked about yet, oldest first: a broker that keeps its link never redelivers.
        self._unread: deque[tuple[Sequence[int] | NDArray[np.uint16], Sequence[int] | NDArray[np.uint32]]] = deque()
        self._n_unread = 0

    def __len__(self) -> int:
        """Messages remembered: 0 where this session never took one."""
        self._read()
        return len(self._young) + len(self._old)

    def holds(self, packet_id: int, digest: int) -> bool:
        """Say whether the message last taken under `packet_id` is the one with `digest`."""
        self._read()
        taken = self._young.get(packet_id)
        return (self._old.get(packet_id) if taken is None else taken) == digest

    def add(self, packet_id: Sequence[int] | NDArray[np.uint16], digest: Sequence[int] | NDArray[np.uint32]) -> None:
        """Remember messages, oldest first; both have the same length. They are not copied."""
        if len(packet_id) != len(digest):
            raise ValueError(f"{len(packet_id)} packet ids and {len(digest)} digests; wanted as many")
        if not len(packet_id):
            return
        self._unread.append((packet_id, digest))
        self._n_unread += len(packet_id)
        while self._n_unread - len(self._unread[0][0]) >= self.receive_maximum:
            # So many came after these that none of them, or of those before, can come again.
            self._young, self._old = {}, {}
            self._n_unread -= len(self._unread.popleft()[0])

    def _read(self) -> None:
        """Sort what was added by packet id."""
        while self._unread:
            packet_id, digest = (one.tolist() if isinstance(one, np.ndarray) else one for one in self._unread.popleft())
            self._young.update(zip(packet_id, digest, strict=True))
            if len(self._young) >= self.receive_maximum:
                self._old, self._young = self._young, {}
        self._n_unread = 0

    def copy(self) -> RedeliveryWindow:
        """Return a window that goes its own way from here."""
        self._read()
        twin = RedeliveryWindow(self.receive_maximum)
        twin._young, twin._old = dict(self._young), dict(self._old)
        return twin

    def clear(self) -> None:
        """Remember nothing any more: another session uses the ids anew."""
        self._young, self._old = {}, {}
        self._unread.clear()
        self._n_unread = 0

    def snapshot(self) -> bytes:
        """Return the window as bytes; `restore` takes them."""
        self._read()
        taken = self._old | self._young
        rows = np.fromiter(taken.items(), _ROW, len(taken))
        return bytes([SNAPSHOT_VERSION]) + rows.tobytes()

    def restore(self, snapshot: bytes) -> None:
        """Hold what the snapshot held, and nothing else.

        Raises ValueError where it is of a version that this program does not read, or torn.
        """
        if not snapshot or snapshot[0] != SNAPSHOT_VERSION:
            raise ValueError(f"redelivery snapshot of version {snapshot[:1]!r}; wanted {SNAPSHOT_VERSION}")
        rows = np.frombuffer(snapshot, _ROW, offset=1)
        self.clear()
        self.add(rows["packet_id"], rows["digest"])
