"""Buckets: readings by event time, each bucket their sum and number, in a ring of the newest ones.

A bucket has a number that rises with time; the caller says which it is. A bucket's word is its sum; numbers of readings
are float32 (exact to 16 million), two a word.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from rules.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["add", "clear", "mean", "roll", "room"]

_HALVES: Final = 2
_NAN: Final = float("nan")


def room(kept: int) -> int:
    """Return the words that a ring of `kept` buckets needs."""
    return kept + (kept + 1) // _HALVES


@compiled
def clear(memory: NDArray[np.float64], at: int, kept: int) -> None:
    """Empty the ring of `kept` buckets whose words begin at `at`."""
    for word in range(at, at + kept + (kept + 1) // _HALVES):
        memory[word] = 0.0


@compiled
def roll(memory: NDArray[np.float64], at: int, kept: int, newest: int, number: int) -> None:
    """Empty the buckets from `newest` + 1 to `number`; those of `kept` numbers before fall out."""
    for nth in range(max(newest, number - kept) + 1, number + 1):
        memory[at + nth % kept] = 0.0
        memory.view(np.float32)[_HALVES * (at + kept) + nth % kept] = 0.0


@compiled
def add(memory: NDArray[np.float64], at: int, kept: int, number: int, value: float) -> None:
    """Put `value` into bucket `number`, which must be one of the `kept` newest."""
    memory[at + number % kept] += value
    memory.view(np.float32)[_HALVES * (at + kept) + number % kept] += 1.0


@compiled
def mean(memory: NDArray[np.float64], at: int, kept: int, number: int) -> float:
    """Return the mean of bucket `number`, NaN where it is empty; it must be one of the `kept` newest."""
    readings = memory.view(np.float32)[_HALVES * (at + kept) + number % kept]
    return memory[at + number % kept] / readings if readings > 0.0 else _NAN
