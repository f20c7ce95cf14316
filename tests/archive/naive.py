"""Obvious loops as the oracles of the archive's kernels."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

POSTGRES_EPOCH_US = 946_684_800_000_000


def copy_row(channel_id: int, time_us: int, value: float | None, flags: int) -> bytes:
    """Return one row of a binary COPY."""
    valued = struct.pack(">i", -1) if value is None else struct.pack(">id", 8, value)
    time = struct.pack(">iq", 4 * 2, time_us - POSTGRES_EPOCH_US)
    return struct.pack(">hii", 4, 4, channel_id) + time + valued + struct.pack(">ih", 2, flags)


def copy_rows(rows: Iterable[tuple[int, int, float | None, int]]) -> bytes:
    """Return a whole binary COPY: rows with a value first."""
    ordered = sorted(rows, key=lambda row: row[2] is None)
    body = b"".join(copy_row(*row) for row in ordered)
    return b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0) + body + struct.pack(">h", -1)
