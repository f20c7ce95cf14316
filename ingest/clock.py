"""Time at the door: when a message arrived, when its device says it measured, and how far the two clocks are apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from devices import Flag

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ingest.counters import IngestCounters

__all__ = ["ArrivalClock", "ClockSkew", "event_times", "event_us"]

NAN: Final = float("nan")
SECONDS_BELOW: Final = 1e11
"""A `ts` below this is in seconds (until the year 5138), from here on in ms (since March 1973)."""
EARLIEST_US: Final = 1_262_304_000e6
"""2010-01-01 UTC: a clock that lost its time starts again in 1970, 1980 or 2000, and no reading of ours is older."""
LATEST_US: Final = 253_402_300_800e6
"""10000-01-01 UTC: what is beyond counts µs or ns, or nothing at all."""

SKEWED_S: Final = 5.0
"""s; the clock error that GB 50440 allows a monitoring centre."""
SKEW_WINDOW: Final = 8
"""Observations after which the older half of the evidence about a device's clock is forgotten."""


def event_us(ts: float) -> float:
    """Return the µs since the epoch that a device's `ts` (ms, or s below 1e11) means.

    Raises ValueError where it can be no time.
    """
    us = ts * 1e3 if ts >= SECONDS_BELOW else ts * 1e6
    if EARLIEST_US <= us < LATEST_US:
        return us
    raise ValueError(f"ts {ts} means no time from 2010 to 9999")


def event_times(
    stamp_us: NDArray[np.float64], arrival_us: NDArray[np.int64], future_us: int
) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Give each entry its event time.

    stamp_us:   (n,) float64  µs since the epoch, NaN where the device gave no usable time
    arrival_us: (n,) int64    µs since the epoch
    future_us:  how far ahead of its arrival a stamp may be, µs
    Returns (time_us (n,) int64, flags (n,) uint8 with TIME_FILLED or TIME_CLAMPED where the arrival time stands in).
    """
    missing = np.isnan(stamp_us)
    time_us = np.where(missing, 0.0, np.rint(stamp_us)).astype(np.int64)
    ahead = time_us > arrival_us + future_us
    flags = missing * np.uint8(Flag.TIME_FILLED) + ahead * np.uint8(Flag.TIME_CLAMPED)
    return np.where(missing | ahead, arrival_us, time_us), flags.astype(np.uint8, copy=False)


class ArrivalClock:
    """Arrival times: unique, and rising even where the machine's clock steps back.

    After a step back the times crawl on by 1 µs a message until the clock has caught up; each step is counted.
    """

    def __init__(self, clock_us: Callable[[], int], counters: IngestCounters) -> None:
        self._clock_us = clock_us
        self._counters = counters
        self._read_us = 0
        self.last_us = 0

    def reserve(self, n: int) -> int:
        """Return the first of `n` successive arrival times, 1 µs apart, all later than any given before."""
        now_us = self._clock_us()
        if now_us < self._read_us:
            self._counters.clock_steps_back += 1
        self._read_us = now_us
        first_us = max(now_us, self.last_us + 1)
        self.last_us = first_us + n - 1
        return first_us

    def advance(self, us: int) -> None:
        """Give no time up to `us` any more: a journal that is replayed has used them."""
        self.last_us = max(self.last_us, us)


class ClockSkew:
    """How far each device's clock is behind ours: the least delay seen lately.

    The delay of a message (arrival − event) is the clock's error plus the time that it waited and travelled, which is
    never negative; so the least delay is the one nearest to the error (the clock filter of RFC 5905, section 10, rests
    on the same). A moving average would follow every upload of old readings; the least delay ignores them as long as
    one of `SKEW_WINDOW` messages was sent at once. It is taken over the last 9 to 16 observations rather than over a
    time, because devices report every minute or once a day; a block gives one observation a device. What a gateway
    always holds back counts as error: nothing here can tell them apart.
    """

    def __init__(self, counters: IngestCounters) -> None:
        self._counters = counters
        self._least = np.full(1024, np.inf)
        self._before = np.full(1024, np.inf)
        self._count = np.zeros(1024, np.int64)
        self._is_skewed = np.zeros(1024, np.bool_)

    def seconds(self, device_row: int) -> float:
        """Return how far the device's clock is behind ours, s; negative where ahead, NaN where it never said a time."""
        if device_row >= len(self._least):
            return NAN
        least = float(min(self._least[device_row], self._before[device_row]))
        return least if least < np.inf else NAN

    def observe(self, device_row: NDArray[np.int64], delay_s: NDArray[np.float64]) -> None:
        """Take in one block's messages.

        device_row: (n,) int64    >= 0; may repeat
        delay_s:    (n,) float64  arrival − event time, s, finite
        """
        if not len(device_row):
            return
        self._reserve(int(device_row.max()) + 1)
        rows = np.unique(device_row)
        full = rows[self._count[rows] >= SKEW_WINDOW]
        self._before[full] = self._least[full]
        self._least[full] = np.inf
        self._count[full] = 0
        self._count[rows] += 1
        np.minimum.at(self._least, device_row, delay_s)
        is_skewed = np.abs(np.minimum(self._least[rows], self._before[rows])) > SKEWED_S
        self._counters.skewed_devices += int(is_skewed.sum()) - int(self._is_skewed[rows].sum())
        self._is_skewed[rows] = is_skewed

    def _reserve(self, n: int) -> None:
        size = len(self._least)
        more = max(n, size + size // 4) - size
        if n > size:
            self._least = np.concatenate([self._least, np.full(more, np.inf)])
            self._before = np.concatenate([self._before, np.full(more, np.inf)])
            self._count = np.concatenate([self._count, np.zeros(more, np.int64)])
            self._is_skewed = np.concatenate([self._is_skewed, np.zeros(more, np.bool_)])
