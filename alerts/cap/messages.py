"""Which messages an incident's timeline makes: an alert, its updates, and what cancels them. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from alerts.incident import EventKind, Incident, IncidentEvent, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Message", "MsgType", "Reference", "message_of", "messages"]

REFERENCES: Final = 10
"""The first message that is updated or cancelled, and the newest of the others."""
_SAID: Final = frozenset(
    {EventKind.RAISED, EventKind.REOPENED, EventKind.VERIFIED, EventKind.RESOLVED, EventKind.CLEARED}
)
"""What those outside learn; who accepted or is on the way is told to those who are asked."""


class MsgType(StrEnum):
    """What a message does to earlier ones."""

    ALERT = "Alert"
    UPDATE = "Update"
    CANCEL = "Cancel"


class Reference(NamedTuple):
    """An earlier message: its identifier and when it was sent, µs since the epoch."""

    identifier: str
    sent_us: int


class Message(NamedTuple):
    """One message. references: those that it updates or cancels, oldest first; incident: as it was then."""

    identifier: str
    sent_us: int
    type: MsgType
    incident: Incident
    references: tuple[Reference, ...]


def messages(events: Iterable[IncidentEvent]) -> list[Message]:
    """Return the messages of one incident's timeline, oldest first.

    After a cancellation there is nothing left to update, so what is raised again is a new alert.
    """
    told: list[Message] = []
    standing: list[Reference] = []
    for event in events:
        if event.kind not in _SAID:
            continue
        ends = _ends(event)
        if ends and not standing:
            continue
        kind = MsgType.CANCEL if ends else MsgType.UPDATE if standing else MsgType.ALERT
        name = f"{event.incident.id}.{event.incident.revision}"
        told.append(Message(name, event.time_us, kind, event.incident, _named(standing)))
        standing = [] if ends else [*standing, Reference(name, event.time_us)]
    return told


def message_of(incident: Incident) -> Message:
    """Return what can be said of an incident whose timeline is out of reach: an alert, or a cancellation of it."""
    name = f"{incident.id}.{incident.revision}"
    if incident.state.is_open:
        return Message(name, incident.raised_us, MsgType.ALERT, incident, ())
    first = Reference(f"{incident.id}.1", incident.raised_us)
    return Message(name, incident.closed_us or incident.last_us, MsgType.CANCEL, incident, (first,))


def _ends(event: IncidentEvent) -> bool:
    if event.kind is EventKind.VERIFIED:
        return event.incident.outcome is not Outcome.TRUE
    return event.kind in {EventKind.RESOLVED, EventKind.CLEARED}


def _named(standing: list[Reference]) -> tuple[Reference, ...]:
    if len(standing) <= REFERENCES:
        return tuple(standing)
    return (standing[0], *standing[1 - REFERENCES :])
