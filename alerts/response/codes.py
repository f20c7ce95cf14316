"""`Codes`: the numbers that replies by SMS begin with.

A code is short because people type it, so it is given anew; but never while it stands for something, nor for a day
after that: an old reply that arrives late must not answer another alarm. Codes of different lengths begin with
different digits, so none is the beginning of another.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Band", "Codes", "is_same_number"]

SHORTEST_NUMBER: Final = 5


class Band(NamedTuple):
    """Codes of one length: `first` to `last`, as long as not more than `most` codes are in use or at rest in all."""

    first: int
    last: int
    most: int


BANDS: Final = (Band(1_000, 5_999, 2_500), Band(60_000, 79_999, 12_500), Band(800_000, 999_999, 150_000))
"""Each less than three quarters full, so a free code is found in a few tries."""


class Codes:
    """Every code that stands for an ask, (incident, person), and those at rest. rest_us: µs."""

    def __init__(self, rest_us: int, bands: tuple[Band, ...] = BANDS) -> None:
        self._rest_us = rest_us
        self._bands = bands
        self._asks: dict[str, tuple[str, str]] = {}
        self._resting: dict[str, int] = {}  # until when, µs since the epoch; the soonest first

    def __len__(self) -> int:
        """Codes in use or at rest."""
        return len(self._asks) + len(self._resting)

    def ask(self, code: str) -> tuple[str, str] | None:
        """Return the (incident, person) that a code stands for."""
        return self._asks.get(code)

    def give(self, incident: str, person: str, now_us: int) -> str:
        """Return a code for that ask; "" where so many are in use that none is to be had."""
        self._wake(now_us)
        used = len(self)
        band = next((band for band in self._bands if used < band.most), None)
        if band is None:
            return ""
        salt = 0
        while True:
            digest = hashlib.blake2b(f"{incident}\x1f{person}\x1f{salt}".encode(), digest_size=8).digest()
            code = str(band.first + int.from_bytes(digest, "big") % (band.last - band.first + 1))
            if code not in self._asks and code not in self._resting:
                self._asks[code] = (incident, person)
                return code
            salt += 1

    def keep(self, code: str, incident: str, person: str) -> None:
        """Take up a code that a snapshot says is in use."""
        self._asks[code] = (incident, person)

    def free(self, code: str, now_us: int) -> None:
        """Lay a code to rest."""
        if self._asks.pop(code, None) is not None:
            self._resting[code] = now_us + self._rest_us

    def shift(self, step_us: int) -> None:
        """Move every rest's end by `step_us`."""
        self._resting = {code: until_us + step_us for code, until_us in self._resting.items()}

    @property
    def resting(self) -> tuple[tuple[str, int], ...]:
        """(code, until when in µs since the epoch) of those at rest, the soonest first."""
        return tuple(self._resting.items())

    def restore(self, resting: Iterable[tuple[str, int]]) -> None:
        """Take the state of a snapshot in place of this one; `keep` adds the codes in use."""
        self._asks.clear()
        self._resting = dict(resting)

    def _wake(self, now_us: int) -> None:
        while self._resting:
            code, until_us = next(iter(self._resting.items()))
            if until_us > now_us:
                return
            del self._resting[code]


def is_same_number(one: str, other: str) -> bool:
    """Say whether two addresses are the same telephone number, one of them maybe without its country."""
    ones, others = ("".join(filter(str.isdecimal, address)) for address in (one, other))
    shorter, longer = sorted((ones, others), key=len)
    return len(shorter) >= SHORTEST_NUMBER and longer.endswith(shorter)
