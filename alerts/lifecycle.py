"""The life of an incident, whole, as one table.

Every pair that a change can bring about is in it. A command that finds no line is refused: `CommandRejected` says what
was wrong and what was possible, and nothing changes. Life-safety incidents never clear by themselves: their condition's
end is `ENDS`, which notes it, where other classes have `CEASES`, which clears. `diagram` draws the table.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from alerts.incident import EventKind, IncidentState

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["COMMANDS", "OPENING", "TABLE", "CommandRejected", "Transition", "Trigger", "advance", "diagram", "possible"]


class Trigger(StrEnum):
    """What can happen to an incident."""

    HOLDS = "holds"
    """The rule holds, and that is news: a person must hear of it."""
    REPEATS = "repeats"
    """The device says again what is known."""
    RETURNS = "returns"
    """The rule holds again so soon after it ended that it is the same danger."""
    CEASES = "ceases"
    """The rule holds no more; the class may clear."""
    ENDS = "ends"
    """The rule holds no more; the class is life-safety."""
    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"
    REOPEN = "reopen"


COMMANDS: Final = (Trigger.ACKNOWLEDGE, Trigger.RESOLVE, Trigger.REOPEN)
"""The triggers that a person pulls; only these can be illegal."""


@dataclass(frozen=True, slots=True)
class Transition:
    """The state after a trigger, and the line it leaves in the timeline."""

    state: IncidentState
    event: EventKind


_RAISED, _ACKNOWLEDGED = IncidentState.RAISED, IncidentState.ACKNOWLEDGED
_RESOLVED, _CLEARED = IncidentState.RESOLVED, IncidentState.CLEARED

OPENING: Final = Transition(_RAISED, EventKind.RAISED)
"""How an incident begins."""

TABLE: Final[Mapping[tuple[IncidentState, Trigger], Transition]] = {
    (_RAISED, Trigger.HOLDS): Transition(_RAISED, EventKind.REOPENED),
    (_RAISED, Trigger.REPEATS): Transition(_RAISED, EventKind.REPEATED),
    (_RAISED, Trigger.RETURNS): Transition(_RAISED, EventKind.CONDITION_RETURNED),
    (_RAISED, Trigger.CEASES): Transition(_CLEARED, EventKind.CLEARED),
    (_RAISED, Trigger.ENDS): Transition(_RAISED, EventKind.CONDITION_ENDED),
    (_RAISED, Trigger.ACKNOWLEDGE): Transition(_ACKNOWLEDGED, EventKind.ACKNOWLEDGED),
    (_RAISED, Trigger.RESOLVE): Transition(_RESOLVED, EventKind.RESOLVED),
    (_ACKNOWLEDGED, Trigger.HOLDS): Transition(_RAISED, EventKind.REOPENED),
    (_ACKNOWLEDGED, Trigger.REPEATS): Transition(_ACKNOWLEDGED, EventKind.REPEATED),
    (_ACKNOWLEDGED, Trigger.RETURNS): Transition(_ACKNOWLEDGED, EventKind.CONDITION_RETURNED),
    (_ACKNOWLEDGED, Trigger.CEASES): Transition(_CLEARED, EventKind.CLEARED),
    (_ACKNOWLEDGED, Trigger.ENDS): Transition(_ACKNOWLEDGED, EventKind.CONDITION_ENDED),
    (_ACKNOWLEDGED, Trigger.RESOLVE): Transition(_RESOLVED, EventKind.RESOLVED),
    (_RESOLVED, Trigger.HOLDS): Transition(_RAISED, EventKind.REOPENED),
    (_RESOLVED, Trigger.CEASES): Transition(_RESOLVED, EventKind.CONDITION_ENDED),
    (_RESOLVED, Trigger.ENDS): Transition(_RESOLVED, EventKind.CONDITION_ENDED),
    (_RESOLVED, Trigger.REOPEN): Transition(_RAISED, EventKind.REOPENED),
    (_CLEARED, Trigger.HOLDS): Transition(_RAISED, EventKind.REOPENED),
    (_CLEARED, Trigger.RESOLVE): Transition(_RESOLVED, EventKind.RESOLVED),
    (_CLEARED, Trigger.REOPEN): Transition(_RAISED, EventKind.REOPENED),
}


class CommandRejected(Exception):
    """A command that the incident's state does not allow; nothing was changed.

    possible: what a person could have done instead, in the order of `COMMANDS`
    """

    def __init__(self, wrong: str, possible: tuple[Trigger, ...] = ()) -> None:
        instead = f"possible: {', '.join(possible)}" if possible else "nothing else is possible"
        super().__init__(f"{wrong}; {instead}")
        self.wrong = wrong
        self.possible = possible


def possible(state: IncidentState) -> tuple[Trigger, ...]:
    """Return the commands that `state` allows."""
    return tuple(command for command in COMMANDS if (state, command) in TABLE)


def advance(state: IncidentState, trigger: Trigger) -> Transition:
    """Return what `trigger` does to an incident in `state`.

    Raises CommandRejected where a person asks for what the table does not have; KeyError where a change does, which is
    a bug of the fold.
    """
    transition = TABLE.get((state, trigger))
    if transition is None:
        if trigger in COMMANDS:
            raise CommandRejected(f"cannot {trigger}: it is {state}", possible(state))
        raise KeyError((state, trigger))
    return transition


def diagram() -> str:
    """Return the table as a Mermaid state diagram; docs/webhook.md shows it."""
    lines = ["stateDiagram-v2", f"    [*] --> {OPENING.state}: {Trigger.HOLDS}"]
    lines += [f"    {state} --> {transition.state}: {trigger}" for (state, trigger), transition in TABLE.items()]
    return "\n".join(lines)
