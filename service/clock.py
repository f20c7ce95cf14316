"""The service's clock: wall time that never stands still, never goes back, and jumps only when the fold is told.

Timers of the fold are deadlines in this time. So a wall clock that is set back must not stop them, and one that is set
forward must not fire them early: the clock goes on at its own pace, and whoever reads it in the fold's name sees by
`ahead_us` that the wall has gone ahead, writes that into the journal, and then calls `step`.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["STEP_US", "ServiceClock"]

STEP_US: Final = 1_000_000
"""A wall clock that is so much ahead has been set; less than that is followed as it comes."""
SLEW: Final = 100
"""Where the wall clock is behind, this one goes slower by one part in so many until they agree again."""


def _steady_ns() -> int:
    """Return ns of a clock that is never set; time that the machine sleeps counts where it can be known."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    return time.monotonic_ns()


class ServiceClock:
    """µs since the epoch, for every part of one service. Thread-safe.

    wall_ns, steady_ns: the machine's clocks; tests have their own
    """

    def __init__(self, wall_ns: Callable[[], int] = time.time_ns, steady_ns: Callable[[], int] = _steady_ns) -> None:
        self._wall_ns = wall_ns
        self._steady_ns = steady_ns
        self._lock = threading.Lock()
        self._now_ns = wall_ns()
        self._read_ns = steady_ns()
        self._is_behind = False
        self.steps_forward = 0
        """Times that the wall clock was set forward by `STEP_US` or more, and this one followed."""
        self.steps_back = 0
        """Times that the wall clock was found behind by `STEP_US` or more, having agreed before."""

    def time_us(self) -> int:
        """Return the time, µs since the epoch; no two calls go back."""
        with self._lock:
            return self._read() // 1_000

    @property
    def ahead_us(self) -> int:
        """How far the wall clock was set forward, µs; 0 where it was not."""
        with self._lock:
            ahead_us = (self._wall_ns() - self._read()) // 1_000
        return ahead_us if ahead_us >= STEP_US else 0

    @property
    def behind_us(self) -> int:
        """How far the wall clock is behind, µs; 0 where it is not."""
        with self._lock:
            return max(0, (self._read() - self._wall_ns()) // 1_000)

    def step(self, us: int) -> None:
        """Go forward by `us`: the journal says now that the wall clock was set."""
        with self._lock:
            self.steps_forward += 1
            self._now_ns = self._read() + us * 1_000

    def advance(self, to_us: int) -> None:
        """Go on from `to_us` where that is later: the journal has been there already."""
        with self._lock:
            self._now_ns = max(self._read(), to_us * 1_000)

    def _read(self) -> int:
        wall_ns, steady_ns = self._wall_ns(), self._steady_ns()
        elapsed_ns = max(0, steady_ns - self._read_ns)
        due_ns = self._now_ns + elapsed_ns
        if due_ns <= wall_ns < due_ns + STEP_US * 1_000:
            due_ns = wall_ns  # the two agree, or drift apart as all clocks do
            self._is_behind = False
        elif wall_ns < due_ns:
            # Slower, but never back and never still.
            due_ns = max(wall_ns, due_ns - elapsed_ns // SLEW, self._now_ns)
            if not self._is_behind and due_ns - wall_ns >= STEP_US * 1_000:
                self._is_behind = True
                self.steps_back += 1
        self._now_ns, self._read_ns = due_ns, steady_ns
        return due_ns
