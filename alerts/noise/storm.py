"""`Burst`: how many messages a person had just now. The first of a storm is never delayed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Burst"]


class Burst:
    """The messages of the last `within_us`: `most`, and beyond them one for each step up in severity."""

    __slots__ = ("_most", "_sent", "_within_us")

    def __init__(self, most: int, within_us: int, sent: Iterable[tuple[int, int]] = ()) -> None:
        self._most = most
        self._within_us = within_us
        self._sent = list(sent)  # (when, severity's rank), the oldest first

    def has_room(self, rank: int, now_us: int) -> bool:
        """Say whether a message may go: there were few, or it is worse than all of them."""
        self._forget(now_us)
        return len(self._sent) < self._most or all(rank > sent for _, sent in self._sent)

    def add(self, rank: int, now_us: int) -> None:
        """Count a message that goes."""
        self._forget(now_us)
        self._sent.append((now_us, rank))

    def is_over(self, now_us: int) -> bool:
        """Say whether there is nothing left to count."""
        self._forget(now_us)
        return not self._sent

    def shift(self, step_us: int) -> None:
        """Move every time."""
        self._sent = [(at_us + step_us, rank) for at_us, rank in self._sent]

    def saved(self) -> tuple[tuple[int, int], ...]:
        """Return what another is made of."""
        return tuple(self._sent)

    def _forget(self, now_us: int) -> None:
        since_us = now_us - self._within_us
        if self._sent and self._sent[0][0] <= since_us:
            self._sent = [entry for entry in self._sent if entry[0] > since_us]
