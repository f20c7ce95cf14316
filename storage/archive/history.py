"""Incidents, their timelines, shadow events, quarantine and gaps as the parameters of their statements."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
from psycopg.types.json import Jsonb

from storage.archive.rows import FIRST_STORABLE_US, LAST_STORABLE_US

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alerts.audit_event import AuditEvent
    from alerts.incident import Incident, IncidentEvent, NotificationEvent
    from alerts.response_event import ResponseEvent
    from alerts.shadow import ShadowEvent
    from storage.archive.haul import StoredSample
    from storage.journal import Gap

__all__ = [
    "as_time",
    "audit_values",
    "gap_values",
    "incident_event_values",
    "incident_values",
    "notification_values",
    "response_values",
    "sample_values",
    "shadow_values",
    "storable_text",
]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def as_time(time_us: int) -> datetime:
    """Return µs since the epoch as a time, the nearest one that can be stored."""
    return _EPOCH + timedelta(microseconds=min(max(time_us, FIRST_STORABLE_US), LAST_STORABLE_US))


def storable_text(text: str) -> str:
    """Return `text` as PostgreSQL takes it: without NUL."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}") if "\0" in text else text


def incident_values(incident: Incident) -> Mapping[str, Any]:
    """Return the parameters of `put_incident`."""
    acceptances = [
        {"by": storable_text(one.by), "time": as_time(one.time_us).isoformat()} for one in incident.acceptances
    ]
    return {**_values(msgspec.structs.replace(incident, acceptances=())), "acceptances": Jsonb(acceptances)}


def incident_event_values(event: IncidentEvent) -> Mapping[str, Any]:
    """Return the parameters of `put_incident_event`."""
    values = _values(event)
    return {**values, "incident": event.incident.id, "revision": event.incident.revision}


def notification_values(event: NotificationEvent) -> Mapping[str, Any]:
    """Return the parameters of `put_notification` and `put_notification_event`."""
    return _values(event)


def response_values(event: ResponseEvent) -> Mapping[str, Any]:
    """Return the parameters of `put_response_event`."""
    return _values(event)


def audit_values(event: AuditEvent) -> Mapping[str, Any]:
    """Return the parameters of `put_audit_event`."""
    return _values(event)


def shadow_values(event: ShadowEvent) -> Mapping[str, Any]:
    """Return the parameters of `put_rule_shadow`."""
    return _values(event)


def sample_values(sample: StoredSample) -> Mapping[str, Any]:
    """Return the parameters of `put_sample`."""
    return {
        "reason": sample.reason,
        "time": as_time(sample.time_us),
        "topic": storable_text(sample.topic),
        "payload": sample.payload,
        "size": sample.size,
        "detail": storable_text(sample.detail),
    }


def gap_values(gap: Gap, journal_id: str, noted_us: int) -> Mapping[str, Any]:
    """Return the parameters of `put_gap`; what the journal does not know is null."""
    return {
        "journal_id": journal_id,
        "lane": gap.lane.name.lower(),
        "first_offset": gap.first_offset,
        "last_offset": gap.last_offset,
        "records": gap.records or None,
        "readings": gap.readings if gap.records else None,
        "first_time": as_time(gap.first_us) if gap.first_us else None,
        "last_time": as_time(gap.last_us) if gap.last_us else None,
        "reason": gap.reason.value,
        "noted": as_time(noted_us),
    }


def _values(struct: msgspec.Struct) -> dict[str, Any]:
    """Return the fields of `struct`, texts made storable; a field `<what>_us` becomes the time `<what>`.

    A tuple of texts becomes a list, which is what PostgreSQL calls an array.
    """
    values: dict[str, Any] = {}
    for name, value in msgspec.structs.asdict(struct).items():
        if name.endswith("_us"):
            values[name.removesuffix("_us")] = None if value is None else as_time(value)
        elif isinstance(value, tuple):
            values[name] = [storable_text(text) for text in value]
        else:
            # str() also turns an enum's member into the plain text that it stands for.
            values[name] = storable_text(str(value)) if isinstance(value, str) else value
    return values
