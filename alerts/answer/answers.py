"""What a person can answer, and the command that it is."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from alerts.command import Accept, Arrive, Close, NeedHelp, Refuse, Resolve, Verify
from alerts.incident import IncidentState, Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alerts.command import IncidentCommand
    from alerts.incident import Incident

__all__ = ["BEST_RATING", "DIGITS", "Answer", "command_for", "is_given"]

BEST_RATING: Final = 5


class Answer(StrEnum):
    """What a person who was asked can say with one tap or one word."""

    ACCEPT = "accept"
    """I am on it."""
    ARRIVE = "arrive"
    """I am there."""
    FALSE_ALARM = "false_alarm"
    NEED_HELP = "need_help"
    """Send more people."""
    REFUSE = "refuse"
    """I cannot go, or I give it back."""
    TRUE = "true"
    """I have seen it, and it is what the alarm says."""
    RESOLVE = "resolve"
    """It is dealt with."""
    RATE = "rate"
    """How it went; the page alone asks for it."""


DIGITS: Final[Mapping[Answer, str]] = {
    Answer.ACCEPT: "1",
    Answer.ARRIVE: "2",
    Answer.FALSE_ALARM: "3",
    Answer.NEED_HELP: "4",
    Answer.REFUSE: "5",
}
"""What a message offers by digits; `alerts.channels.inbound` understands words as well."""


def command_for(
    answer: Answer,
    incident: str,
    *,
    by: str,
    origin: str,
    notification: str = "",
    note: str = "",
    rating: int = BEST_RATING,
) -> IncidentCommand:
    """Return the command that an answer is. rating: of `RATE`, 1 (bad) to 5."""
    who = {"incident": incident, "by": by, "origin": origin, "note": note, "notification": notification}
    if answer is Answer.RATE:
        return Close(**who, rating=rating)
    if answer is Answer.RESOLVE:
        return Resolve(**who, outcome=None)  # as it was verified
    if answer in _OUTCOME:
        return Verify(**who, outcome=_OUTCOME[answer])
    return _PLAIN[answer](**who)


_OUTCOME: Final[Mapping[Answer, Outcome]] = {Answer.FALSE_ALARM: Outcome.FALSE_ALARM, Answer.TRUE: Outcome.TRUE}
_PLAIN: Final[Mapping[Answer, type[Accept | Arrive | NeedHelp | Refuse]]] = {
    Answer.ACCEPT: Accept,
    Answer.ARRIVE: Arrive,
    Answer.NEED_HELP: NeedHelp,
    Answer.REFUSE: Refuse,
}
_STATES: Final[Mapping[Answer, tuple[IncidentState, ...]]] = {
    Answer.ARRIVE: (IncidentState.ARRIVED, IncidentState.VERIFIED),
    Answer.RESOLVE: (IncidentState.RESOLVED, IncidentState.CLOSED),
}


def is_given(answer: Answer, incident: Incident, by: str) -> bool:
    """Say whether `incident` shows the answer already, so that a second tap changes nothing.

    Refusals and calls for help leave no mark in the incident; whoever takes answers knows a repeat of those itself.
    """
    if answer is Answer.ACCEPT:
        is_on_it = any(one.by == by for one in incident.acceptances)
        return incident.state.is_answered and is_on_it and incident.handed_to != by
    if answer is Answer.RATE:
        return incident.rating is not None
    if answer in _OUTCOME:
        return incident.outcome is _OUTCOME[answer]
    return incident.state in _STATES.get(answer, ())
