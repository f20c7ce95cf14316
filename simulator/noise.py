"""Noise: numbers that look random and depend on nothing but the seed, the device, what is asked, and the moment.

They are hashes, not the next draws of a generator: a fleet of any size can be asked in any order, and two runs of one
seed agree wherever they ask for the same.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Column = NDArray[np.float64]

__all__ = ["Noise"]

_MASK = 0xFFFFFFFFFFFFFFFF
_ROW = np.uint64(0x9E3779B97F4A7C15)
_AT = np.uint64(0xD1342543DE82EF95)
_LOW = np.uint64(0xFFFF)


class Noise:
    """The noise of one seed.

    In every method: rows is (m,) int64, positions in the fleet; `at` is any whole number that says which of a device's
    numbers is meant (a time in ms, a day, a count), one for all or (m,) int64.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def uniform(self, rows: NDArray[np.int64], what: str, at: NDArray[np.int64] | int = 0) -> Column:
        """Return (m,) float64 in [0, 1)."""
        return (self._bits(rows, what, at) >> np.uint64(11)).astype(np.float64) / float(1 << 53)

    def between(self, rows: NDArray[np.int64], what: str, low: float, high: float) -> Column:
        """Return (m,) float64: what each device keeps for life, in [low, high)."""
        return low + (high - low) * self.uniform(rows, what)

    def bell(self, rows: NDArray[np.int64], what: str, at: NDArray[np.int64] | int) -> Column:
        """Return (m,) float64, bell-shaped with mean 0 and deviation 1, and never beyond ±3.5."""
        bits = self._bits(rows, what, at)
        total = (bits & _LOW) + ((bits >> np.uint64(16)) & _LOW) + ((bits >> np.uint64(32)) & _LOW)
        total += bits >> np.uint64(48)
        scaled: Column = (total.astype(np.float64) / 65536.0 - 2.0) * 3.0**0.5
        return scaled

    def _bits(self, rows: NDArray[np.int64], what: str, at: NDArray[np.int64] | int) -> NDArray[np.uint64]:
        """Return (m,) uint64. Source of the mixing: splitmix64 (Steele, Lea, Flood 2014)."""
        salt = _salt(what) ^ (self._seed * int(_ROW))
        x = rows.astype(np.uint64) * _ROW
        if isinstance(at, int):
            x += np.uint64((salt + at * int(_AT)) & _MASK)
        else:
            x += np.uint64(salt & _MASK)
            x += at.astype(np.uint64) * _AT
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            x ^= x >> np.uint64(shift)
            x *= np.uint64(factor)
        x ^= x >> np.uint64(31)
        return x


@lru_cache(maxsize=256)
def _salt(what: str) -> int:
    return int.from_bytes(hashlib.blake2b(what.encode(), digest_size=8).digest())
