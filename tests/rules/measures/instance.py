"""One instance of a measure as the fold has it: parameters and memory in arrays, times pulled back with our clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rules.layout import PARAMETERS

if TYPE_CHECKING:
    from types import ModuleType

    from rules.limits import Limits

Measured = tuple[float, float, float, float, float]

AT = 3
"""Its memory lies between that of others."""


class Instance:
    def __init__(self, kind: ModuleType, terms: Any) -> None:
        self.kind = kind
        self.room = kind.memory(terms)
        self.limits: Limits = kind.limits(terms)
        self.parameters = np.zeros(PARAMETERS)
        given = kind.parameters(terms)
        self.parameters[: len(given)] = given
        self.memory = np.full(AT + self.room.words + 2, 7.25)
        self.memory[AT : AT + self.room.words] = 0.0
        self.newest_us = -1

    def measure(self, time_us: int, value: float, *, zone_us: int = 0) -> Measured:
        late = time_us < self.newest_us
        self.newest_us = max(self.newest_us, time_us)
        given = self.kind.measure(self.memory, AT, self.parameters, time_us, value, late, zone_us)
        assert (self.memory[:AT] == 7.25).all()
        assert (self.memory[AT + self.room.words :] == 7.25).all()
        result: Measured = given
        return result

    def set_clock_back(self, now_us: int) -> None:
        times = slice(AT, AT + self.room.times)
        self.memory[times] = np.minimum(self.memory[times], now_us)
        self.newest_us = min(self.newest_us, now_us)

    def level(self, measured: float) -> str:
        if measured <= self.limits.breach_at_most or measured >= self.limits.breach_at_least:
            return "breach"
        return "clear" if self.limits.clear_low <= measured <= self.limits.clear_high else "between"


def close(a: Measured, b: Measured, *, relative: float = 0.0) -> bool:
    return bool(np.allclose(a, b, rtol=relative, atol=relative, equal_nan=True))
