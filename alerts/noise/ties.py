"""`Ties`: which incidents each silence, and each incident, keeps from being told."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from alerts.response_event import ResponseKind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from alerts.noise.danger import Danger

__all__ = ["Ties"]

_TIED: Final = frozenset({ResponseKind.SILENCED, ResponseKind.INHIBITED})


class Ties:
    """Follows from what the incidents themselves say (`Danger.kept`, `Danger.by`), and finds it the other way round."""

    def __init__(self) -> None:
        self._kept: dict[str, dict[str, None]] = {}

    def tie(self, danger: Danger) -> None:
        """Note what keeps an incident, where that is a silence or another incident."""
        if danger.kept in _TIED:
            self._kept.setdefault(danger.by, {})[danger.id] = None

    def untie(self, danger: Danger) -> None:
        """Forget what keeps it."""
        if danger.kept in _TIED and danger.by in self._kept:
            kept = self._kept[danger.by]
            kept.pop(danger.id, None)
            if not kept:
                del self._kept[danger.by]

    def kept_by(self, name: str) -> tuple[str, ...]:
        """Return the incidents that a silence or an incident keeps."""
        return tuple(self._kept.get(name, ()))

    def cut(self, name: str) -> tuple[str, ...]:
        """Return them, and forget that it does."""
        return tuple(self._kept.pop(name, ()))

    def counts(self) -> Counter[str]:
        """Return how many each keeps."""
        return Counter({name: len(kept) for name, kept in self._kept.items()})

    def restore(self, dangers: Iterable[Danger]) -> None:
        """Take the ties of `dangers` in place of those here."""
        self._kept.clear()
        for danger in dangers:
            self.tie(danger)
