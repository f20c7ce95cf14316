"""`Budget`: how many messages a person gets an hour; a bucket of tokens, as one number.

The bucket holds an hour's messages and fills evenly. `full_us` is when it is full again if nothing is spent: each
message puts that off by its share of an hour, and there is room as long as it is less than an hour ahead.
Source: the generic cell rate algorithm, ITU-T I.371.
"""

from __future__ import annotations

__all__ = ["Budget"]

HOUR_US = 3_600_000_000


class Budget:
    """`per_hour`: messages an hour, at least 1; None: no bound."""

    __slots__ = ("full_us", "per_hour")

    def __init__(self, per_hour: int | None, full_us: int = 0) -> None:
        self.per_hour = None if per_hour is None else max(1, per_hour)
        self.full_us = full_us

    def room_us(self, now_us: int) -> int:
        """Return when there is room for a message: `now_us` where there is now."""
        if self.per_hour is None:
            return now_us
        return max(now_us, self.full_us - HOUR_US + self._share_us)

    def spend(self, now_us: int) -> None:
        """Take a message's share."""
        if self.per_hour is not None:
            self.full_us = max(self.full_us, now_us) + self._share_us

    def is_full(self, now_us: int) -> bool:
        """Say whether nothing is spent."""
        return self.full_us <= now_us

    @property
    def _share_us(self) -> int:
        return HOUR_US // (self.per_hour or 1)
