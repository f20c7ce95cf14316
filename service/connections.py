"""`Bounded`: uvicorn's connection, with a bound on how many there are and on how long a request may take to come.

Whoever can reach the console could else hold every file descriptor of the process by opening connections and saying
nothing: the journal, the broker and the gateways need them too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio

__all__ = ["CONNECTIONS", "REQUEST_S", "Bounded"]

CONNECTIONS: Final = 256
"""Of one server; one more takes the place of the one that has been silent for longest."""
REQUEST_S: Final = 15.0
"""From the connection, or the answer before, to the end of the next request; the largest is 4 MiB."""


class Bounded(H11Protocol):
    """Closes what keeps us waiting: after `REQUEST_S`, and at once where there are more than `CONNECTIONS`."""

    _waits_since = 0.0
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Take a connection; let another go where there are too many."""
        super().connection_made(transport)
        self._waits_since = self.loop.time()
        self._timer = self.loop.call_later(REQUEST_S, self._look)
        if len(self.connections) > CONNECTIONS:
            self._oldest_silent().transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Take note of its end."""
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """Begin to wait for the next request."""
        self._waits_since = self.loop.time()
        super().on_response_complete()

    def _is_awaited(self) -> bool:
        """Say whether it is the far end's turn to speak."""
        cycle: Any = self.cycle  # None before the first request, whatever its type says
        return cycle is None or cycle.response_complete or cycle.more_body

    def _oldest_silent(self) -> Bounded:
        """Return who has kept us waiting for longest; this one where all others have asked something."""
        ours = (one for one in self.connections if isinstance(one, Bounded) and one._is_awaited())  # noqa: SLF001 - our own
        return min(ours, key=lambda one: one._waits_since, default=self)  # noqa: SLF001

    def _look(self) -> None:
        now = self.loop.time()
        if self._is_awaited() and now >= self._waits_since + REQUEST_S:
            self.transport.abort()
            return
        self._timer = self.loop.call_at(max(now, self._waits_since) + REQUEST_S, self._look)
