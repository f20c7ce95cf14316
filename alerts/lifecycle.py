"""The life of an incident, whole, as one table.

Every state is weighed against every trigger: the state that follows, or that it cannot be. A command that finds none is
refused: `CommandRejected` says what was wrong and what was possible, and nothing changes. Life-safety incidents never
clear by themselves: their condition's end is `ENDS`, which notes it, where other classes have `CEASES`, which clears as
long as nobody is on the way. `diagram` draws the table.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from alerts.incident import EventKind as Event
from alerts.incident import IncidentState

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "COMMANDS",
    "OPENING",
    "STATES",
    "TABLE",
    "CommandRejected",
    "Transition",
    "Trigger",
    "advance",
    "diagram",
    "possible",
]


class Trigger(StrEnum):
    """What can happen to an incident."""

    HOLDS = "holds"
    """The rule holds, and that is news: a person must hear of it."""
    PRESSES = "presses"
    """An event, such as a press of a button, came anew, and too late to be the same one sent again."""
    REPEATS = "repeats"
    """The device says again what is known."""
    RETURNS = "returns"
    """The rule holds again so soon after it ended that it is the same danger."""
    CEASES = "ceases"
    """The rule holds no more; the class may clear."""
    ENDS = "ends"
    """The rule holds no more; the class is life-safety."""
    LAPSES = "lapses"
    """A drill that nobody brought to its end."""
    ACCEPT = "accept"
    REFUSE = "refuse"
    LEAVE = "leave"
    """The last who was on it gives it back."""
    NEED_HELP = "need-help"
    HAND_OVER = "hand-over"
    DISPATCH = "dispatch"
    ARRIVE = "arrive"
    VERIFY = "verify"
    RESOLVE = "resolve"
    CLOSE = "close"
    REOPEN = "reopen"
    NOTE = "note"


COMMANDS: Final = (
    Trigger.ACCEPT,
    Trigger.REFUSE,
    Trigger.NEED_HELP,
    Trigger.HAND_OVER,
    Trigger.DISPATCH,
    Trigger.ARRIVE,
    Trigger.VERIFY,
    Trigger.RESOLVE,
    Trigger.CLOSE,
    Trigger.REOPEN,
    Trigger.NOTE,
)
"""What people do, in the order in which they would, by the words of the HTTP API; only this can be illegal."""


@dataclass(frozen=True, slots=True)
class Transition:
    """The state after a trigger, and the line it leaves in the timeline."""

    state: IncidentState
    event: Event


STATES: Final = (
    IncidentState.RAISED,
    IncidentState.ACCEPTED,
    IncidentState.DISPATCHED,
    IncidentState.ARRIVED,
    IncidentState.VERIFIED,
    IncidentState.RESOLVED,
    IncidentState.CLOSED,
    IncidentState.CLEARED,
)
"""The columns of the table below, by their letters: R, A, D, H (here), V, S (settled), C and E (ended by itself)."""

_R, _A, _D, _H, _V, _S, _C, _E = STATES
_X: Final = None  # it cannot be

# fmt: off
_ROWS: Final[tuple[tuple[Trigger, Event, tuple[IncidentState | None, ...]], ...]] = (
    # the line                                             from: R   A   D   H   V   S   C   E
    (Trigger.HOLDS,     Event.REOPENED,                        (_R, _R, _R, _R, _R, _R, _R, _R)),
    (Trigger.PRESSES,   Event.REPEATED,                        (_R, _X, _X, _X, _X, _X, _X, _X)),
    (Trigger.PRESSES,   Event.REOPENED,                        (_X, _R, _R, _R, _R, _X, _X, _X)),
    (Trigger.REPEATS,   Event.REPEATED,                        (_R, _A, _D, _H, _V, _X, _X, _X)),
    (Trigger.RETURNS,   Event.CONDITION_RETURNED,              (_R, _A, _D, _H, _V, _X, _X, _X)),
    (Trigger.CEASES,    Event.CLEARED,                         (_E, _E, _X, _X, _X, _X, _X, _X)),
    (Trigger.CEASES,    Event.CONDITION_ENDED,                 (_X, _X, _D, _H, _V, _S, _C, _X)),
    (Trigger.ENDS,      Event.CONDITION_ENDED,                 (_R, _A, _D, _H, _V, _S, _C, _X)),
    (Trigger.LAPSES,    Event.RESOLVED,                        (_S, _S, _S, _S, _S, _X, _X, _X)),
    (Trigger.ACCEPT,    Event.ACCEPTED,                        (_A, _A, _D, _H, _V, _X, _X, _X)),
    (Trigger.REFUSE,    Event.REFUSED,                         (_R, _A, _D, _H, _V, _X, _X, _X)),
    (Trigger.LEAVE,     Event.REFUSED,                         (_X, _R, _R, _R, _R, _X, _X, _X)),
    (Trigger.NEED_HELP, Event.HELP_WANTED,                     (_A, _A, _D, _H, _V, _X, _X, _X)),
    (Trigger.HAND_OVER, Event.HANDED_OVER,                     (_A, _A, _D, _H, _V, _X, _X, _X)),
    (Trigger.DISPATCH,  Event.DISPATCHED,                      (_D, _D, _D, _H, _V, _X, _X, _X)),
    (Trigger.ARRIVE,    Event.ARRIVED,                         (_H, _H, _H, _H, _V, _X, _X, _X)),
    (Trigger.VERIFY,    Event.VERIFIED,                        (_V, _V, _V, _V, _V, _X, _X, _X)),
    (Trigger.RESOLVE,   Event.RESOLVED,                        (_S, _S, _S, _S, _S, _X, _X, _S)),
    (Trigger.CLOSE,     Event.CLOSED,                          (_X, _X, _X, _X, _X, _C, _X, _C)),
    (Trigger.REOPEN,    Event.REOPENED,                        (_X, _X, _X, _X, _X, _R, _R, _R)),
    (Trigger.NOTE,      Event.NOTED,                           (_R, _A, _D, _H, _V, _S, _C, _E)),
)
# fmt: on

OPENING: Final = Transition(IncidentState.RAISED, Event.RAISED)
"""How an incident begins."""

TABLE: Final[Mapping[tuple[IncidentState, Trigger], Transition]] = {
    (state, trigger): Transition(after, event)
    for column, state in enumerate(STATES)
    for trigger, event, row in _ROWS
    if (after := row[column]) is not None
}


class CommandRejected(Exception):
    """A command that the incident's state does not allow, or whose words make no sense; nothing was changed.

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
    """Return the table as a Mermaid state diagram, an arrow for each pair of states; docs/webhook.md shows it."""
    arrows: dict[tuple[IncidentState, IncidentState], list[Trigger]] = {}
    for (state, trigger), transition in TABLE.items():
        arrows.setdefault((state, transition.state), []).append(trigger)
    lines = ["stateDiagram-v2", f"    [*] --> {OPENING.state}: {Trigger.HOLDS}"]
    lines += [f"    {before} --> {after}: {', '.join(triggers)}" for (before, after), triggers in arrows.items()]
    return "\n".join(lines)
