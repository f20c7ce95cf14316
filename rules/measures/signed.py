"""Limits of a measure that has a sign: a breach up, down, or both ways."""

from __future__ import annotations

from rules.limits import Limits, above, below
from rules.model import Direction

__all__ = ["signed_limits"]


def signed_limits(direction: Direction, breach: float, clear: float) -> Limits:
    """Return the limits: in breach from `breach` on in the given direction, clear where it is nearer to 0 than `clear`.

    breach, clear: > 0, clear at most breach
    """
    match direction:
        case Direction.UP:
            return Limits(breach_at_least=breach, clear_high=below(clear))
        case Direction.DOWN:
            return Limits(breach_at_most=-breach, clear_low=above(-clear))
        case Direction.BOTH:
            return Limits(-breach, breach, above(-clear), below(clear))
