"""Late readings: those of a time that is rolled up already, as the hours that must be rolled up anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["LateHours", "late_hours"]

HOUR_US: Final = 3_600_000_000

# A channel id and an hour in one number: hours of the years 1 to 9999 lie between -2^25 and 2^27 - 2^25.
_HOUR_BITS: Final = 27
_HOUR_OFFSET: Final = 1 << 25


class LateHours(NamedTuple):
    """Hours of channels, each pair once, in order of channel and hour.

    channel_id: (n,) int32
    hour:       (n,) int64 hours since the epoch
    """

    channel_id: NDArray[np.int32]
    hour: NDArray[np.int64]


def late_hours(channel_id: NDArray[np.int32], time_us: NDArray[np.int64], closing_us: int) -> LateHours | None:
    """Return the hours of the readings from before `closing_us` (µs since the epoch); None where there are none.

    channel_id: (n,) int32, >= 0
    time_us:    (n,) int64   of the years 1 to 9999
    """
    if not len(time_us) or time_us.min() >= closing_us:
        return None
    is_late = time_us < closing_us
    hour = time_us[is_late] // HOUR_US + _HOUR_OFFSET
    pairs = np.unique((channel_id[is_late].astype(np.int64) << _HOUR_BITS) | hour)
    return LateHours((pairs >> _HOUR_BITS).astype(np.int32), (pairs & ((1 << _HOUR_BITS) - 1)) - _HOUR_OFFSET)
