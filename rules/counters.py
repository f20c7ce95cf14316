"""What the engine counts, in plain integers."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from itertools import product
from typing import TYPE_CHECKING

from rules.layout import Tally
from rules.model import Change, RuleKind

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["RulesCounters", "Turn"]

_TALLIED = tuple(
    (place.name.lower(), int(place))
    for place in (Tally.UNKNOWN, Tally.LATE, Tally.ATTENDED, Tally.EVALUATIONS, Tally.WITHHELD)
)
_COUNTED = [place for _, place in _TALLIED]


class Turn(StrEnum):
    """What a change says of its rule."""

    RAISED = "raised"
    REPEATED = "repeated"
    CEASED = "ceased"


@dataclass(slots=True)
class RulesCounters:
    """Counted since the process began.

    attended:    readings looked at rule by rule: in breach of something, or on a channel with something not idle
    evaluations: pairs of a reading attended and a rule instance
    withheld:    of these, those where the reading was outside what the sensor can say
    late:        readings attended that were older than one seen
    unknown:     readings without a value
    changes:     by kind of rule and turn
    clock_set_back: steps whose time was before that of the step before
    reloads:     times the rules were changed while running
    instances_reset: instances that were not idle when their rule left them (device retired, in maintenance, …)
    """

    steps: int = 0
    readings: int = 0
    unknown: int = 0
    late: int = 0
    attended: int = 0
    evaluations: int = 0
    withheld: int = 0
    syncs: int = 0
    clock_set_back: int = 0
    reloads: int = 0
    instances_reset: int = 0
    changes: dict[tuple[RuleKind, Turn], int] = field(default_factory=lambda: dict.fromkeys(product(RuleKind, Turn), 0))

    def take(self, tally: NDArray[np.int64]) -> None:
        """Take over what a fold counted (`layout.Tally`), and let it count from 0 again."""
        for name, place in _TALLIED:
            setattr(self, name, getattr(self, name) + int(tally[place]))
        tally[_COUNTED] = 0

    def count(self, change: Change) -> None:
        """Count one change."""
        turn = Turn.REPEATED if change.repeated else Turn.RAISED if change.holds else Turn.CEASED
        self.changes[change.rule.kind, turn] += 1
