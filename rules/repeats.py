"""Repeats: readings of a history that say the same channel's newest time again, which ingest would not have let in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rules.compiled import compiled

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["NEVER_READ_US", "first_readings"]

NEVER_READ_US: Final = -(2**63)


@compiled
def first_readings(
    channel: NDArray[np.int32], time_us: NDArray[np.int64], newest_us: NDArray[np.int64], is_first: NDArray[np.bool_]
) -> int:
    """Say which readings are not of the time of the newest reading of their channel; of equal ones the first stays.

    channel:   (n,) int32 channel rows, in order of arrival
    time_us:   (n,) int64 event time, µs since the epoch
    newest_us: (channels,) int64, `NEVER_READ_US` where there was none; brought up to date
    is_first:  (n,) bool, filled in
    Returns how many are not. A late reading that comes twice is not told; in order of time there are none.
    """
    repeats = 0
    for row in range(len(channel)):
        newest = newest_us[channel[row]]
        is_first[row] = time_us[row] != newest
        if time_us[row] > newest:
            newest_us[channel[row]] = time_us[row]
        elif time_us[row] == newest:
            repeats += 1
    return repeats
