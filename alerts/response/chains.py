"""Chains: which one an incident is in, and what a step of one says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from alerts.incident import Exercise
from alerts.people.model import Chain, Step

if TYPE_CHECKING:
    from alerts.response.board import Board
    from alerts.response.escalation import Escalation

__all__ = ["EVERYONE", "SHORTEST_ROUND_S", "after_us", "chain_of", "has_nearest"]

EVERYONE: Final = Chain(name="everyone", steps=(Step(to=("everyone",)),))
"""For life safety that no route takes, and for whoever wants help there."""
SHORTEST_ROUND_S: Final = 1.0
NEAREST: Final = "station:nearest"


def chain_of(board: Board, escalation: Escalation) -> Chain | None:
    """Return the chain in force for an incident; None where nobody is to be asked about it."""
    incident = escalation.incident
    if incident.exercise is Exercise.SYNTHETIC:
        return None
    chain = board.who.chain_for(incident)
    if chain is not None and chain.steps:
        return chain
    wanted = incident.is_life_safety or escalation.help_by
    return EVERYONE if wanted and board.who.directory.people else None


def after_us(chain: Chain, step: int) -> int:
    """Return how long after the step before it, or after the raising, a step is due, µs."""
    return round(chain.steps[step].after_s * 1e6)


def has_nearest(step: Step) -> bool:
    """Say whether a step asks the nearest station, so that the next nearest is asked where that one cannot."""
    return any(selector.startswith(NEAREST) for selector in step.to)
