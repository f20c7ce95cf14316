"""Steps: what a person's command, and each line of the timeline, does to the fields of an incident.

Whoever says a later step has taken the ones before: who arrives where nobody accepted has accepted. Who comes, or calls
for help, is on it beside those who are; who sends somebody, judges or hands it over only where nobody was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from alerts.command import (
    Accept,
    Arrive,
    Close,
    Dispatch,
    HandOver,
    IncidentCommand,
    NeedHelp,
    Note,
    Refuse,
    Reopen,
    Resolve,
    Verify,
)
from alerts.incident import Acceptance, EventKind, Exercise, Incident, IncidentState, Outcome
from alerts.lifecycle import CommandRejected, Transition, Trigger, possible

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ACCEPTANCES_KEPT", "RATINGS", "check", "decided", "entered", "is_repeat", "trigger_of"]

ACCEPTANCES_KEPT: Final = 100
"""So many people can be on one incident; more are told so."""
RATINGS: Final = range(1, 6)

_TRIGGERS: Final[Mapping[type[IncidentCommand], Trigger]] = {
    Accept: Trigger.ACCEPT,
    Refuse: Trigger.REFUSE,
    NeedHelp: Trigger.NEED_HELP,
    HandOver: Trigger.HAND_OVER,
    Dispatch: Trigger.DISPATCH,
    Arrive: Trigger.ARRIVE,
    Verify: Trigger.VERIFY,
    Resolve: Trigger.RESOLVE,
    Close: Trigger.CLOSE,
    Reopen: Trigger.REOPEN,
    Note: Trigger.NOTE,
}
_COMES: Final = Accept | NeedHelp | Arrive
_ANEW: Final[Mapping[str, Any]] = {
    "accepted_us": None,
    "accepted_by": "",
    "acceptances": (),
    "dispatched_us": None,
    "dispatched_to": "",
    "handed_to": "",
    "arrived_us": None,
    "verified_us": None,
    "outcome": None,
}
_UNCLOSED: Final[Mapping[str, Any]] = {"closed_us": None, "closed_by": "", "rating": None, "rated_by": ""}


def trigger_of(incident: Incident, command: IncidentCommand) -> Trigger:
    """Return what `command` is to the table."""
    if isinstance(command, Refuse) and incident.state.is_answered and command.by != incident.handed_to:
        on_it = [acceptance.by for acceptance in incident.acceptances]
        if on_it == [command.by]:
            return Trigger.LEAVE
    return _TRIGGERS[type(command)]


def check(incident: Incident, command: IncidentCommand) -> None:
    """Raise CommandRejected where the words of `command` make no sense for the incident."""
    wrong = _fault(incident, command)
    if wrong:
        raise CommandRejected(f"incident {incident.id}: {wrong}", possible(incident.state))


def is_repeat(incident: Incident, command: IncidentCommand) -> bool:
    """Say whether it was said already, so that nothing changes: somebody tapped twice, or a message came twice."""
    match command:
        case Accept(by=by):
            return _is_on_it(incident, by) and by != incident.handed_to
        case HandOver(to=to):
            return to == incident.handed_to
        case _:
            return False


def decided(incident: Incident, command: IncidentCommand, now_us: int) -> Incident:
    """Return `incident` as `command`, which it allows, leaves it; `entered` does what goes with the state."""
    facts: dict[str, Any] = {"note": command.note or incident.note}
    if isinstance(command, Refuse):
        incident = _left(incident, command.by)
    elif _takes_it_up(incident, command):
        incident = _joined(incident, command.by, now_us)
    match command:
        case HandOver(to=to):
            facts["handed_to"] = to
        case Dispatch(to=to):
            facts |= {
                "dispatched_us": _first(incident.dispatched_us, now_us),
                "dispatched_to": to or incident.dispatched_to,
            }
        case Arrive():
            facts["arrived_us"] = _first(incident.arrived_us, now_us)
        case Verify(outcome=outcome):
            facts |= {"verified_us": _first(incident.verified_us, now_us), "outcome": outcome}
        case Resolve(outcome=outcome):
            facts["outcome"] = outcome or incident.outcome or Outcome.TEST  # `check` lets only a drill have neither
        case Close(rating=rating, by=by):
            facts |= {"rating": rating, "rated_by": by}
        case _:
            pass
    return msgspec.structs.replace(incident, **facts)


def entered(incident: Incident, transition: Transition, by: str, now_us: int) -> Incident:
    """Return `incident` in its new state, with what that state means for its fields."""
    facts: dict[str, Any] = {"state": transition.state, "revision": incident.revision + 1}
    match transition.event:
        case EventKind.REOPENED:
            facts |= {**_ANEW, **_UNCLOSED, "raised_us": now_us}
        case EventKind.REFUSED if transition.state is IncidentState.RAISED:
            facts |= _ANEW
        case EventKind.RESOLVED | EventKind.CLEARED:
            # What had cleared and is now judged by a person stays closed since it cleared.
            facts |= {"closed_us": now_us if incident.state.is_open else incident.closed_us, "closed_by": by}
            facts["handed_to"] = ""
            if incident.exercise is Exercise.DRILL:
                facts |= {"condition_holds": False, "outcome": incident.outcome or Outcome.TEST}
        case _:
            pass
    return msgspec.structs.replace(incident, **facts)


def _fault(incident: Incident, command: IncidentCommand) -> str:  # noqa: PLR0911 - one line a fault
    if not command.by.strip():
        return "nobody says who decides"
    match command:
        case Close(rating=rating) if rating not in RATINGS:
            return f"a rating is {RATINGS[0]} to {RATINGS[-1]}, not {rating}"
        case Resolve(outcome=None) if incident.outcome is None and incident.exercise is not Exercise.DRILL:
            return f"nobody has said what it was; resolve it as one of {', '.join(Outcome)}"
        case HandOver(to=to) if not to.strip():
            return "to whom is it to be handed over?"
        case HandOver(to=to) if to in {command.by, incident.accepted_by}:
            return f"it cannot be handed over to {to}, who has it or wants it: they accept it"
        case Note(note=note) if not note.strip():
            return "the note is empty"
        case _ if (
            len(incident.acceptances) >= ACCEPTANCES_KEPT
            and isinstance(command, _COMES)
            and not _is_on_it(incident, command.by)
        ):
            return f"{ACCEPTANCES_KEPT} people are on it already"
        case _:
            return ""


def _is_on_it(incident: Incident, person: str) -> bool:
    return any(acceptance.by == person for acceptance in incident.acceptances)


def _takes_it_up(incident: Incident, command: IncidentCommand) -> bool:
    """Say whether who gives `command` has, by that, taken the incident up."""
    if not incident.state.is_open or not command.by:
        return False
    acts = isinstance(command, HandOver | Dispatch | Verify | Resolve)
    return isinstance(command, _COMES) or (acts and (not incident.acceptances or command.by == incident.handed_to))


def _joined(incident: Incident, person: str, now_us: int) -> Incident:
    """Return `incident` with `person` on it; where it was handed over to them, in place of who had it."""
    if person == incident.handed_to:
        others = [one for one in incident.acceptances if one.by not in {person, incident.accepted_by}]
        responsible, handed_to = person, ""
    elif _is_on_it(incident, person):
        return incident
    else:
        others = list(incident.acceptances)
        responsible, handed_to = incident.accepted_by or person, incident.handed_to
    return msgspec.structs.replace(
        incident,
        accepted_us=_first(incident.accepted_us, now_us),
        accepted_by=responsible,
        acceptances=(*others, Acceptance(person, now_us)),
        handed_to=handed_to,
    )


def _left(incident: Incident, person: str) -> Incident:
    """Return `incident` without `person`; who was only asked to take it over need not."""
    if person == incident.handed_to:
        return msgspec.structs.replace(incident, handed_to="")
    staying = tuple(one for one in incident.acceptances if one.by != person)
    responsible = incident.accepted_by
    if responsible == person:
        responsible = staying[0].by if staying else ""
    handed_to = "" if incident.handed_to == responsible else incident.handed_to
    return msgspec.structs.replace(incident, acceptances=staying, accepted_by=responsible, handed_to=handed_to)


def _first(time_us: int | None, now_us: int) -> int:
    return now_us if time_us is None else time_us
