"""How long to wait before the next attempt."""

from __future__ import annotations

from secrets import SystemRandom

__all__ = ["Backoff"]


_RANDOM = SystemRandom()


class Backoff:
    """Waits that double from `first_s` to `max_s`, each drawn from its upper half, so that many do not come at once."""

    def __init__(self, first_s: float, max_s: float) -> None:
        self._first_s = first_s
        self._max_s = max_s
        self._ceiling_s = first_s

    def next_s(self) -> float:
        """Return the next wait, s."""
        ceiling_s, self._ceiling_s = self._ceiling_s, min(2 * self._ceiling_s, self._max_s)
        return ceiling_s * (0.5 + 0.5 * _RANDOM.random())

    def reset(self) -> None:
        """Begin anew, after a success."""
        self._ceiling_s = self._first_s
