"""`TokenBucket`: how many messages a second a gateway takes from us."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

from alerts.channels.channel import DeliveryError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["SLOWEST_PER_S", "TokenBucket"]

WAIT_MAX_S: Final = 2.0
"""Who would wait longer is sent back to delivery, where the more urgent goes first. With the time for an answer, and
for asking what became of it, this stays below delivery's time for an attempt."""
SLOWEST_PER_S: Final = 0.5
"""Below that, one message alone would wait longer."""


class TokenBucket:
    """Lets `per_s`, `SLOWEST_PER_S` or more, through each s, and up to `burst` at once; None lets all through.

    Who waits keeps its turn; who is cancelled while it waits takes nothing.
    """

    def __init__(self, per_s: float | None, burst: int = 1, steady: Callable[[], float] = time.monotonic) -> None:
        self._per_s = per_s
        self._burst = float(burst)
        self._steady = steady
        self._tokens = self._burst
        self._at = steady()
        self._turn = asyncio.Lock()
        self._waiting = 0

    def at_once(self, most: int) -> int:
        """Return how many may wait at once, of `most`, without one being sent back."""
        return most if self._per_s is None else max(1, min(most, int(WAIT_MAX_S * self._per_s)))

    async def take(self) -> None:
        """Return when one more may go. Raises DeliveryError, to retry, where that would take over `WAIT_MAX_S`."""
        if self._per_s is None:
            return
        self._fill(self._per_s)
        wait_s = (self._waiting + 1 - self._tokens) / self._per_s
        if wait_s > WAIT_MAX_S:
            raise DeliveryError("over the gateway's messages a second", retry=True, retry_after_s=wait_s)
        self._waiting += 1
        try:
            async with self._turn:
                while True:
                    self._fill(self._per_s)
                    if self._tokens >= 1:
                        break
                    await asyncio.sleep((1 - self._tokens) / self._per_s)
                self._tokens -= 1
        finally:
            self._waiting -= 1

    def _fill(self, per_s: float) -> None:
        now = self._steady()
        self._tokens = min(self._burst, self._tokens + (now - self._at) * per_s)
        self._at = now
