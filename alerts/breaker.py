"""`Breaker`: spares a target that does not answer, and finds out when it does again. Time is an argument."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["TABLE", "Breaker", "BreakerLimits", "BreakerState", "Signal"]


class BreakerState(StrEnum):
    """What a breaker lets through."""

    CLOSED = "closed"
    """Everything."""
    OPEN = "open"
    """Nothing."""
    HALF_OPEN = "half_open"
    """One probe."""


class Signal(StrEnum):
    """What a breaker learns."""

    ANSWERED = "answered"
    """The target answered, be it with a refusal."""
    FAILED = "failed"
    """It did not, or said that it cannot; fewer times in a row than are too many."""
    TRIPPED = "tripped"
    """It did not, too many times in a row."""
    RESTED = "rested"
    """It was left alone long enough."""


_CLOSED, _OPEN, _HALF_OPEN = BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN

TABLE: Final[Mapping[tuple[BreakerState, Signal], BreakerState]] = {
    (_CLOSED, Signal.ANSWERED): _CLOSED,
    (_CLOSED, Signal.FAILED): _CLOSED,
    (_CLOSED, Signal.TRIPPED): _OPEN,
    (_OPEN, Signal.ANSWERED): _CLOSED,  # one that was under way when it opened
    (_OPEN, Signal.FAILED): _OPEN,
    (_OPEN, Signal.TRIPPED): _OPEN,
    (_OPEN, Signal.RESTED): _HALF_OPEN,
    (_HALF_OPEN, Signal.ANSWERED): _CLOSED,
    (_HALF_OPEN, Signal.FAILED): _OPEN,
    (_HALF_OPEN, Signal.TRIPPED): _OPEN,
}
"""`RESTED` is looked for in `OPEN` alone."""


@dataclass(frozen=True, slots=True)
class BreakerLimits:
    """When it opens, and for how long.

    failures: in a row, that open it
    rest_s:   s before the first probe; doubled after each probe that fails, up to rest_max_s
    """

    failures: int = 5
    rest_s: float = 5.0
    rest_max_s: float = 60.0


class Breaker:
    """The breaker of one target."""

    def __init__(self, limits: BreakerLimits | None = None) -> None:
        self._limits = limits or BreakerLimits()
        self.state = BreakerState.CLOSED
        self._failures = 0
        self._rest_s = self._limits.rest_s
        self._rested_at = 0.0
        self._probing = False

    def admits(self, now: float) -> bool:
        """Say whether one more may be sent at `now` (s of a steady clock); what is sent must be answered for."""
        if self.state is BreakerState.OPEN and now >= self._rested_at:
            self._enter(Signal.RESTED, now)
        return self.state is BreakerState.CLOSED or (self.state is BreakerState.HALF_OPEN and not self._probing)

    def sent(self) -> None:
        """Note that one was sent: in half-open it is the probe."""
        self._probing = self.state is BreakerState.HALF_OPEN

    def rested_at(self) -> float | None:
        """Return when the next probe may go, s of a steady clock; None where that is not what one waits for."""
        return self._rested_at if self.state is BreakerState.OPEN else None

    def answered(self, now: float) -> None:
        """Note an answer of the target."""
        self._failures = 0
        self._enter(Signal.ANSWERED, now)

    def failed(self, now: float) -> None:
        """Note that the target gave no answer, or said that it cannot."""
        self._failures += 1
        self._enter(Signal.TRIPPED if self._failures >= self._limits.failures else Signal.FAILED, now)

    def _enter(self, signal: Signal, now: float) -> None:
        before, self.state = self.state, TABLE[self.state, signal]
        if self.state is BreakerState.CLOSED:
            self._rest_s = self._limits.rest_s
            self._probing = False
        elif self.state is BreakerState.OPEN and before is not BreakerState.OPEN:
            if before is BreakerState.HALF_OPEN:
                self._rest_s = min(2 * self._rest_s, self._limits.rest_max_s)
            self._rested_at = now + self._rest_s
            self._probing = False
