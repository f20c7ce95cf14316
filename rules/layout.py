"""The layout of the engine's state and parameters: one record a channel, a rule instance, a rule, a panel, a draft."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

import numpy as np

__all__ = [
    "CHANNEL",
    "DRAFT",
    "ERROR_CODES",
    "FOREVER_US",
    "INSTANCE",
    "NEVER_US",
    "NONE",
    "PANEL",
    "PARAMETERS",
    "RULE",
    "Tally",
]

NEVER_US: Final = -1
"""The time of the newest reading where there was none."""

FOREVER_US: Final = (1 << 63) - 1

NONE: Final = -1
"""No row, no word."""

PARAMETERS: Final = 8
"""So many figures of its own a measure may have."""

ERROR_CODES: Final = 4
"""So many error codes a metric may have."""

RULE = np.dtype(
    [
        ("breach_at_most", "<f8"),  # the fields of `limits.Limits`: the first four are of the measure,
        ("breach_at_least", "<f8"),
        ("clear_low", "<f8"),
        ("clear_high", "<f8"),
        ("given_low", "<f8"),  # the last two of the value
        ("given_high", "<f8"),
        ("errors", "<f8", (ERROR_CODES,)),  # NaN where there are fewer
        ("hold_us", "<i8"),
        ("clear_hold_us", "<i8"),
        ("gap_us", "<i8"),  # `FOREVER_US` where silence goes on as it began
        ("count_within_us", "<i8"),
        ("words", "<i4"),  # of memory, those of `count`, which come first, included
        ("times", "<i4"),  # so many of them, the first ones, are times
        ("count", "<i4"),  # 0 where one reading is enough
        ("measure", "<i4"),  # of `measures.Code`
        ("repeats", "?"),  # a breach of what holds already is said again
        ("fault", "?"),  # error codes and what is out of range are its breach, not withheld
    ],
    align=True,
)
"""One rule as it is in force somewhere."""

PANEL = np.dtype(
    [
        ("quiet_low", "<f8"),  # a value within is sound, and in breach of none of its rules that judge the value itself
        ("quiet_high", "<f8"),
        ("start", "<i4"),  # first element of `Plan.panel_rule`
        ("count", "<i4"),
        ("measuring", "<i4"),  # so many of them, the first ones, judge something else and want every reading
        ("words", "<i4"),  # of memory, of all its rules
        ("keeps", "?"),  # some rule has memory: what is idle is not thrown away
    ],
    align=True,
)
"""The rules that watch one kind of channel."""

CHANNEL = np.dtype(
    [
        ("newest_us", "<i8"),  # of its known readings, `NEVER_US` where none
        ("panel", "<i4"),
        ("start", "<i4"),  # its first instance, `NONE` while it needs none
        ("busy", "<i4"),  # so many of its instances that judge the value itself are not idle
    ],
    align=True,
)
"""One channel."""

INSTANCE = np.dtype(
    [
        ("since_us", "<i8"),  # not idle: when the breach began
        ("due_us", "<i8"),  # pending: when the hold runs out; clearing: when the clear level will have lasted
        ("last_us", "<i8"),  # the last reading judged that was not late, `NEVER_US` where none
        ("value", "<f8"),  # pending: the last reading in breach, and what was made of it
        ("measured", "<f8"),
        ("reference", "<f8"),
        ("low", "<f8"),
        ("high", "<f8"),
        ("channel", "<i4"),
        ("rule", "<i4"),
        ("memory", "<i4"),  # its first word of memory, `NONE` where it has none
        ("state", "u1"),  # of `kernels.State`
        ("queued", "?"),
    ],
    align=True,
)
"""One rule on one channel."""

DRAFT = np.dtype(
    [
        ("time_us", "<i8"),
        ("since_us", "<i8"),
        ("value", "<f8"),
        ("measured", "<f8"),
        ("reference", "<f8"),
        ("low", "<f8"),
        ("high", "<f8"),
        ("channel", "<i4"),
        ("rule", "<i4"),
        ("row", "<i4"),  # of the instance
        ("holds", "?"),
        ("repeated", "?"),
        ("late", "?"),
    ],
    align=True,
)
"""What became of an instance, until it is said as a `Change`; NaN where there is no figure."""


class Tally(IntEnum):
    """What a fold counts and moves on: places in an int64 array."""

    INSTANCES = 0
    """Rows in use, those abandoned included."""
    ABANDONED = 1
    WORDS = 2
    """Words of memory in use, those abandoned included."""
    WORDS_ABANDONED = 3
    QUEUE = 4
    """Rows that wait for a hold to run out."""
    DUE_US = 5
    """Nothing that waits is due before."""
    UNKNOWN = 6
    LATE = 7
    ATTENDED = 8
    EVALUATIONS = 9
    WITHHELD = 10
