"""A haul: what a run of journal records holds, put together so that one transaction stores it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from alerts.audit_event import AuditEvent
from alerts.incident import Incident, IncidentEvent, NotificationEvent, decode_event
from alerts.response_event import ResponseEvent
from alerts.shadow import ShadowEvent
from devices import QuarantineReport, ReadingBatch, RegistryChange
from rules import RuleSet, decode_rules
from storage.archive.rows import is_storable
from storage.journal import Gap, RecordKind, decode_block

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from storage.journal import Record

__all__ = ["Haul", "SetAside", "StoredSample", "gather", "refusal", "without_channels"]

PAYLOAD_BYTES = 256 * 1024
"""What is kept of a record that no database takes: whole, since a block of 5,000 readings has half of it."""
READINGS_NAMED = 5


class SetAside(StrEnum):
    """Why the archive put something under quarantine."""

    UNREADABLE_RECORD = "unreadable_record"
    """A journal record whose body is not what its kind says."""
    REFUSED_RECORD = "refused_record"
    """A journal record that the database refuses whenever it is offered."""
    UNKNOWN_CHANNEL = "unknown_channel"
    """Readings of a channel row that the registry does not have."""
    UNSTORABLE_TIME = "unstorable_time"
    """Readings of a time before the year 1 or after 9999."""


@dataclass(frozen=True, slots=True)
class StoredSample:
    """A row of the table `quarantine`."""

    reason: str
    time_us: int
    topic: str
    payload: bytes
    size: int
    detail: str


@dataclass(slots=True)
class Haul:
    """What `records` journal records hold.

    offset, time_us: of the newest of them
    blocks:          how many of them were blocks of readings
    readings:        all their readings, in order; times are storable
    changes:         of the registry, in order
    incidents:       by id, each as its newest event in here left it
    counts:          reason → (how many were set aside, when last, µs since the epoch)
    rules:           those in force from the newest change of them on; None where there was none
    set_aside:       how many of those the archive set aside itself
    """

    offset: int
    time_us: int
    records: int
    readings: ReadingBatch
    blocks: int = 0
    changes: list[RegistryChange] = field(default_factory=list)
    incidents: dict[str, Incident] = field(default_factory=dict)
    incident_events: list[IncidentEvent] = field(default_factory=list)
    notification_events: list[NotificationEvent] = field(default_factory=list)
    response_events: list[ResponseEvent] = field(default_factory=list)
    audit_events: list[AuditEvent] = field(default_factory=list)
    shadow_events: list[ShadowEvent] = field(default_factory=list)
    samples: list[StoredSample] = field(default_factory=list)
    counts: dict[str, tuple[int, int]] = field(default_factory=dict)
    gaps: list[tuple[Gap, int]] = field(default_factory=list)
    rules: RuleSet | None = None
    set_aside: int = 0

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing in it to store: ticks and commands alone."""
        return not (
            len(self.readings)
            or self.changes
            or self.incident_events
            or self.notification_events
            or self.response_events
            or self.audit_events
            or self.shadow_events
            or self.counts
            or self.gaps
            or self.rules is not None
        )

    def count(self, reason: str, number: int, time_us: int) -> None:
        """Add to the counts of what was set aside."""
        before, last_us = self.counts.get(reason, (0, time_us))
        self.counts[reason] = before + number, max(last_us, time_us)

    def put_aside(self, reason: SetAside, number: int, sample: StoredSample) -> None:
        """Note that the archive sets `number` things aside, with one `sample` of them."""
        self.samples.append(sample)
        self.count(reason, number, sample.time_us)
        self.set_aside += number


def gather(records: Sequence[Record]) -> Haul:
    """Put `records`, at least one, together. A record that cannot be read is set aside, whole."""
    last = records[-1]
    haul = Haul(last.offset, last.time_us, len(records), ReadingBatch.empty(last.time_us))
    batches: list[ReadingBatch] = []
    for record in records:
        try:
            _take(record, haul, batches)
        except (ValueError, msgspec.MsgspecError) as error:
            haul.put_aside(SetAside.UNREADABLE_RECORD, 1, _sample_of(record, SetAside.UNREADABLE_RECORD, str(error)))
    if batches:
        haul.blocks = len(batches)
        haul.readings = batches[0] if len(batches) == 1 else ReadingBatch.concat(batches)
        _drop_unstorable(haul)
    return haul


def refusal(record: Record, why: str) -> Haul:
    """Return the haul that puts one refused record under quarantine in place of what it holds."""
    haul = Haul(record.offset, record.time_us, 1, ReadingBatch.empty(record.time_us))
    haul.put_aside(SetAside.REFUSED_RECORD, 1, _sample_of(record, SetAside.REFUSED_RECORD, why))
    return haul


def without_channels(haul: Haul, rows: NDArray[np.int32]) -> Haul:
    """Return `haul` with the readings of the channel `rows` set aside: nobody can say what they measured."""
    lost = np.isin(haul.readings.channel, rows)
    left = replace(haul, readings=haul.readings.select(~lost))
    left.put_aside(
        SetAside.UNKNOWN_CHANNEL,
        int(lost.sum()),
        _readings_sample(haul.readings.select(lost), SetAside.UNKNOWN_CHANNEL),
    )
    return left


def _take(record: Record, haul: Haul, batches: list[ReadingBatch]) -> None:
    match record.kind:
        case RecordKind.BLOCK:
            batches.append(decode_block(record.body).batch)
        case RecordKind.REGISTRY:
            haul.changes.append(_REGISTRY.decode(record.body))
        case RecordKind.EVENT:
            _take_event(record.body, haul)
        case RecordKind.QUARANTINE:
            _take_quarantine(_QUARANTINE.decode(record.body), haul, record.time_us)
        case RecordKind.GAP:
            haul.gaps.append((_GAP.decode(record.body), record.time_us))
        case RecordKind.RULES:
            haul.rules = decode_rules(record.body)
        case RecordKind.TICK | RecordKind.COMMAND | RecordKind.DIRECTORY:
            pass  # time, and what leads to events: nothing of their own to keep


def _take_event(body: bytes, haul: Haul) -> None:
    match decode_event(body):
        case NotificationEvent() as event:
            haul.notification_events.append(event)
        case ResponseEvent() as event:
            haul.response_events.append(event)
        case AuditEvent() as event:
            haul.audit_events.append(event)
        case ShadowEvent() as event:
            haul.shadow_events.append(event)
        case IncidentEvent(incident=incident) as event:
            haul.incident_events.append(event)
            before = haul.incidents.get(incident.id)
            if before is None or before.revision <= incident.revision:
                haul.incidents[incident.id] = incident


def _take_quarantine(report: QuarantineReport, haul: Haul, time_us: int) -> None:
    for reason, number in report.counts.items():
        haul.count(reason.value, number, time_us)
    haul.samples.extend(
        StoredSample(sample.reason.value, sample.time_us, sample.topic, sample.payload, sample.size, sample.detail)
        for sample in report.samples
    )


def _drop_unstorable(haul: Haul) -> None:
    storable = is_storable(haul.readings.time_us)
    if not storable.all():
        lost = haul.readings.select(~storable)
        haul.readings = haul.readings.select(storable)
        haul.put_aside(SetAside.UNSTORABLE_TIME, len(lost), _readings_sample(lost, SetAside.UNSTORABLE_TIME))


def _sample_of(record: Record, reason: SetAside, why: str) -> StoredSample:
    topic = f"journal record {record.offset}, {record.kind.name}"
    return StoredSample(reason, record.time_us, topic, record.body[:PAYLOAD_BYTES], len(record.body), why)


def _readings_sample(lost: ReadingBatch, reason: SetAside) -> StoredSample:
    shown = [
        f"channel row {channel} at {time_us} µs: {value if known else None}"
        for channel, time_us, value, known in zip(
            lost.channel[:READINGS_NAMED].tolist(),
            lost.time_us[:READINGS_NAMED].tolist(),
            lost.value[:READINGS_NAMED].tolist(),
            lost.known[:READINGS_NAMED].tolist(),
            strict=True,
        )
    ]
    return StoredSample(reason, lost.arrival_us, "", b"", len(lost), f"{len(lost)} readings: {'; '.join(shown)}")


_REGISTRY = msgspec.msgpack.Decoder(RegistryChange)
_QUARANTINE = msgspec.msgpack.Decoder(QuarantineReport)
_GAP = msgspec.msgpack.Decoder(Gap)
