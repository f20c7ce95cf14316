"""Readings as the bytes of a binary COPY, made straight from the arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["FIRST_STORABLE_US", "LAST_STORABLE_US", "encode_rows", "is_storable"]

FIRST_STORABLE_US = -62_135_596_800_000_000
"""0001-01-01; PostgreSQL goes further back, but what reads from it often does not."""
LAST_STORABLE_US = 253_402_300_799_999_999
"""The end of the year 9999."""

_POSTGRES_EPOCH_US = 946_684_800_000_000  # 2000-01-01
_SIGNATURE = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_END = b"\xff\xff"

# A row is the number of its fields, then each field behind its length in bytes; a null has the length -1 and no bytes.
_ROW = np.dtype(
    [
        ("fields", ">i2"),
        ("channel_bytes", ">i4"),
        ("channel", ">i4"),
        ("time_bytes", ">i4"),
        ("time", ">i8"),
        ("value_bytes", ">i4"),
        ("value", ">f8"),
        ("flags_bytes", ">i4"),
        ("flags", ">i2"),
    ]
)
_NULL_ROW = np.dtype([(name, _ROW[name]) for name in _ROW.names or () if name != "value"])


def is_storable(time_us: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Say which times a `timestamptz` column keeps and every client can read back: those of the years 1 to 9999.

    time_us: (n,) int64 µs since the epoch
    """
    return (time_us >= FIRST_STORABLE_US) & (time_us <= LAST_STORABLE_US)


def encode_rows(
    channel_id: NDArray[np.int32],
    time_us: NDArray[np.int64],
    value: NDArray[np.float64],
    known: NDArray[np.bool_],
    flags: NDArray[np.uint8],
) -> bytes:
    """Return `COPY … (channel_id, time, value, flags) FROM STDIN (FORMAT binary)` for n readings.

    channel_id: (n,) int32
    time_us:    (n,) int64 µs since the epoch, all storable
    value:      (n,) float64; ignored where not known: those become NULL
    known:      (n,) bool
    flags:      (n,) uint8
    Rows with a value come first, each kind in the order of the arrays. The inputs are unchanged.
    Source: "Binary Format" under COPY in the manual of PostgreSQL.
    """
    time = time_us - _POSTGRES_EPOCH_US
    if known.all():
        return b"".join([_SIGNATURE, _rows(_ROW, channel_id, time, flags, value), _END])
    unknown = ~known
    valued = _rows(_ROW, channel_id[known], time[known], flags[known], value[known])
    nulls = _rows(_NULL_ROW, channel_id[unknown], time[unknown], flags[unknown])
    return b"".join([_SIGNATURE, valued, nulls, _END])


def _rows(
    dtype: np.dtype[np.void],
    channel_id: NDArray[np.int32],
    time: NDArray[np.int64],
    flags: NDArray[np.uint8],
    value: NDArray[np.float64] | None = None,
) -> memoryview:
    rows = np.empty(len(channel_id), dtype)
    rows["fields"] = 4
    rows["channel_bytes"] = 4
    rows["channel"] = channel_id
    rows["time_bytes"] = 8
    rows["time"] = time
    if value is None:
        rows["value_bytes"] = -1
    else:
        rows["value_bytes"] = 8
        rows["value"] = value
    rows["flags_bytes"] = 2
    rows["flags"] = flags
    return rows.view(np.uint8).data
