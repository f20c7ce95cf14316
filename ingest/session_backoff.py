"""When to try again: exponential back-off with full jitter, and when two sessions fight over one client id."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingest.session_losses import LossReason

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Backoff"]

CONTESTED_AFTER = 3
"""Connections in a row that the broker took, and then cut short without a word."""


class Backoff:
    """Waits before the next attempt, from how the last ones ended.

    first_s, max_s: s, bound of the first wait; bound of any wait
    random:         gives a float in [0, 1)

    The wait is uniform in [0, min(max_s, first_s · 2ⁿ)) after n failures in a row, so a thousand services that lost one
    broker do not come back at once. A connection that lived for two longest waits is steady and starts the count anew.
    Source: "full jitter" in M. Brooker, Exponential Backoff And Jitter, AWS Architecture Blog, 2015.
    """

    def __init__(self, first_s: float, max_s: float, random: Callable[[], float]) -> None:
        self._first_s = first_s
        self._max_s = max_s
        self._random = random
        self._failures = 0
        self._cut_short = 0

    def after(self, reason: LossReason, lived_s: float | None) -> float:
        """Return the s to wait after a connection ended so; `lived_s` is None if it never came to be subscribed."""
        if lived_s is not None and lived_s >= 2 * self._max_s:
            self._failures = 0
            self._cut_short = 0
        if lived_s is not None and reason is LossReason.CLOSED:
            self._cut_short += 1
        else:
            self._cut_short = 0
        bound = min(self._max_s, self._first_s * 2.0 ** min(self._failures, 64))
        self._failures += 1
        return self._random() * bound

    @property
    def contested(self) -> bool:
        """Whether connections were cut short so often that another client must be using our client id.

        A broker that is gone, or goes away saying so, is not contested. mosquitto 2.0.11, for one, closes the older of
        two connections without the DISCONNECT that MQTT 5 asks for (0x8E); this tells its silence from a restart.
        """
        return self._cut_short >= CONTESTED_AFTER
