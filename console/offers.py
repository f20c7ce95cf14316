"""Which answers a person is offered: what the incident's state allows, and what makes sense for them, in order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from alerts.answer import Answer
from alerts.incident import IncidentState, Outcome
from alerts.lifecycle import Trigger, possible

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alerts.incident import Incident

__all__ = ["is_on_it", "offers"]

_TRIGGER: Final[Mapping[Answer, Trigger]] = {
    Answer.ACCEPT: Trigger.ACCEPT,
    Answer.ARRIVE: Trigger.ARRIVE,
    Answer.FALSE_ALARM: Trigger.VERIFY,
    Answer.NEED_HELP: Trigger.NEED_HELP,
    Answer.REFUSE: Trigger.REFUSE,
    Answer.TRUE: Trigger.VERIFY,
    Answer.RESOLVE: Trigger.RESOLVE,
    Answer.RATE: Trigger.CLOSE,
}
_ASKED: Final = (Answer.ACCEPT, Answer.ARRIVE, Answer.FALSE_ALARM, Answer.NEED_HELP, Answer.REFUSE)
_ON_IT: Final = (Answer.ARRIVE, Answer.FALSE_ALARM, Answer.NEED_HELP, Answer.REFUSE)
_THERE: Final = (Answer.TRUE, Answer.FALSE_ALARM, Answer.NEED_HELP, Answer.REFUSE)
_SEEN: Final = (Answer.RESOLVE, Answer.NEED_HELP, Answer.TRUE, Answer.FALSE_ALARM)


def is_on_it(incident: Incident, person: str) -> bool:
    """Say whether that person accepted it, or dealt with it."""
    return person in {incident.accepted_by, incident.closed_by, *(one.by for one in incident.acceptances)} - {""}


def offers(incident: Incident, person: str) -> tuple[Answer, ...]:
    """Return what `person` (a name of the directory) is offered."""
    joined = is_on_it(incident, person) and incident.handed_to != person
    if not incident.state.is_open:
        wanted: tuple[Answer, ...] = (Answer.RATE,) if joined else ()
    elif incident.state is IncidentState.VERIFIED:
        wanted = _SEEN if joined else (Answer.ACCEPT, *_SEEN)
    elif not joined:
        wanted = _ASKED
    elif incident.state is IncidentState.ARRIVED:
        wanted = _THERE
    else:
        wanted = _ON_IT
    said = {Outcome.TRUE: Answer.TRUE, Outcome.FALSE_ALARM: Answer.FALSE_ALARM}.get(incident.outcome or Outcome.TEST)
    allowed = possible(incident.state)
    return tuple(answer for answer in wanted if answer is not said and _TRIGGER[answer] in allowed)
