"""A line of evidence: one event of an incident, flat and in words that stay, as it is hashed, stored and exported."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from alerts.audit_event import AuditEvent
from alerts.incident import IncidentEvent, NotificationEvent
from alerts.response_event import ResponseEvent

if TYPE_CHECKING:
    from alerts.incident import AlertEvent

__all__ = ["ChainedEvent", "Line", "incident_of", "line_of"]

ChainedEvent = IncidentEvent | NotificationEvent | ResponseEvent | AuditEvent
"""The events that belong to an incident. An audit belongs to one only where it names it."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """What is hashed. Never rename, remove or reorder a field: every chain ever written depends on it.

    place:   from 1 within its incident
    time_us: journal time, µs since the epoch
    what:    `incident`, `notification`, `response` or `audit`; `kind` is which of these
    who:     who did it, or whom it is about; "" where Vigil did it and it is about nobody
    via:     the channel, or from where a person acted
    """

    incident: str
    place: int
    time_us: int
    what: str
    kind: str
    who: str
    via: str
    notification: str
    text_en: str
    text_zh: str
    detail: str


def incident_of(event: AlertEvent) -> str:
    """Return the id of the incident that `event` belongs to, "" where it belongs to none."""
    match event:
        case IncidentEvent():
            return event.incident.id
        case NotificationEvent() | ResponseEvent() | AuditEvent():
            return event.incident
        case _:
            return ""


def line_of(event: ChainedEvent, place: int) -> Line:
    """Return `event` as the line at `place` of its incident."""
    match event:
        case IncidentEvent():
            return Line(
                incident=event.incident.id,
                place=place,
                time_us=event.time_us,
                what="incident",
                kind=event.kind,
                who=event.by,
                via=event.origin,
                notification="",
                text_en=event.text_en,
                text_zh=event.text_zh,
                detail="",
            )
        case NotificationEvent():
            return Line(
                incident=event.incident,
                place=place,
                time_us=event.time_us,
                what="notification",
                kind=event.status,
                who=event.recipient,
                via=event.channel,
                notification=event.notification,
                text_en="",
                text_zh="",
                detail=event.detail,
            )
        case ResponseEvent():
            return Line(
                incident=event.incident,
                place=place,
                time_us=event.time_us,
                what="response",
                kind=event.kind,
                who=event.person,
                via="",
                notification=event.notification,
                text_en=event.text_en,
                text_zh=event.text_zh,
                detail=event.detail,
            )
        case AuditEvent():
            return Line(
                incident=event.incident,
                place=place,
                time_us=event.time_us,
                what="audit",
                kind="seen" if event.allowed else "refused",
                who=event.by,
                via=event.origin,
                notification="",
                text_en="",
                text_zh="",
                detail=f"{event.what} of {event.subject}",
            )
