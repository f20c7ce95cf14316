"""What is said about one danger: the incident, the events of its timeline, and what became of each notification."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from alerts.audit_event import AuditEvent
from alerts.former import FORMER_FIELD, renamed
from alerts.response_event import ResponseEvent
from alerts.shadow import ShadowEvent
from devices.model import Kind
from rules.model import AlarmClass, RuleKind, Severity

__all__ = [
    "Acceptance",
    "AlertEvent",
    "EventKind",
    "Exercise",
    "Incident",
    "IncidentEvent",
    "IncidentState",
    "NotificationEvent",
    "NotificationStatus",
    "Outcome",
    "decode_event",
    "encode_event",
]


class IncidentState(StrEnum):
    """Where an incident is; `lifecycle.TABLE` says how it gets there."""

    RAISED = "raised"
    """Nobody has answered yet."""
    ACCEPTED = "accepted"
    """A person is on it."""
    DISPATCHED = "dispatched"
    """Somebody is on the way."""
    ARRIVED = "arrived"
    """Somebody is there."""
    VERIFIED = "verified"
    """A person has seen what it is."""
    RESOLVED = "resolved"
    """A person has dealt with it and said what it was."""
    CLOSED = "closed"
    """A person has rated how it went; nothing is left to do."""
    CLEARED = "cleared"
    """It ended by itself, before a person resolved it."""

    @classmethod
    def _missing_(cls, value: object) -> IncidentState | None:
        return cls.ACCEPTED if value == "acknowledged" else None  # what it was called before

    @property
    def is_open(self) -> bool:
        """Whether something is still to be done about the danger."""
        return self not in {IncidentState.RESOLVED, IncidentState.CLOSED, IncidentState.CLEARED}

    @property
    def is_answered(self) -> bool:
        """Whether it is open and a person has taken it up."""
        return self.is_open and self is not IncidentState.RAISED


class Outcome(StrEnum):
    """What it turned out to be."""

    TRUE = "true"
    FALSE_ALARM = "false_alarm"
    TEST = "test"
    UNFOUNDED = "unfounded"
    """Nothing was found, and nobody knows why it was said."""


class Exercise(StrEnum):
    """Why an incident is no real one."""

    DRILL = "drill"
    """Real people are asked; every message says that it is an exercise."""
    SYNTHETIC = "synthetic"
    """Vigil's own alarm through the whole path, which shows that the path is whole."""


class EventKind(StrEnum):
    """What a line of the timeline tells."""

    RAISED = "raised"
    REOPENED = "reopened"
    REPEATED = "repeated"
    CONDITION_ENDED = "condition_ended"
    CONDITION_RETURNED = "condition_returned"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    HELP_WANTED = "help_wanted"
    HANDED_OVER = "handed_over"
    DISPATCHED = "dispatched"
    ARRIVED = "arrived"
    VERIFIED = "verified"
    RESOLVED = "resolved"
    CLOSED = "closed"
    CLEARED = "cleared"
    NOTED = "noted"

    @classmethod
    def _missing_(cls, value: object) -> EventKind | None:
        return cls.ACCEPTED if value == "acknowledged" else None  # what it was called before


class NotificationStatus(StrEnum):
    """Where a notification is; `alerts.passage.TABLE` says how it gets there."""

    QUEUED = "queued"
    """Owed, and not handed over yet."""
    HANDED = "handed"
    """The gateway, or whoever is next on the way, has taken it."""
    RECEIVED = "received"
    """There is a receipt of the person's own device or of the system that it was for."""
    ANSWERED = "answered"
    """A human has answered it."""
    FAILED = "failed"
    """It was refused for good."""
    UNKNOWN = "unknown"
    """It may have been handed over or not: nobody knows, so it counts as not told."""
    EXPIRED = "expired"
    """Not handed over before its deadline."""
    WITHDRAWN = "withdrawn"
    """Somebody answered, or it ended, before it was handed over."""

    @classmethod
    def _missing_(cls, value: object) -> NotificationStatus | None:
        return cls.HANDED if value == "delivered" else None  # what it was called before


class Acceptance(msgspec.Struct, frozen=True):
    """One person who took an incident up. by: name of the person; time_us: journal time."""

    by: str
    time_us: int


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """One open or closed danger: one rule that held on one device.

    id:              8 characters of Crockford's base 32
    device:          `site/name`
    place, place_zh: where the device hangs, as a person would say it
    unregistered:    the device is in no ledger
    what_en, what_zh: what was measured, against which limit, for how long; as of the last change
    metric:          "" for no-data and relation rules
    unit:            of `value`; "s" for no-data rules; "" for flags and events
    value:           the reading that last decided; None for no-data and relation rules
    limit:           what `measure` is compared with, and in its unit: `conditions.limit_of`; None for kinds without one
    source:          where the rule's figures come from
    condition_holds: whether the rule holds at the moment, whatever people have said since
    late:            the reading that raised it was older than one already seen
    raised_us:       journal time when it was raised, or raised anew
    event_us:        event time of the reading that raised it
    since_us:        event time when the breach began
    last_us:         journal time of the last change folded in
    repeats:         changes folded in since it was first raised
    accepted_us … closed_us: journal times, None where that is not so now; closed_us: when it was resolved or cleared
    accepted_by:     who is responsible: the first who accepted, or whom it was handed over to and who accepted that
    closed_by:       who resolved it; "" where nobody, or Vigil itself
    acceptances:     everybody who is on it, in order
    dispatched_to:   the team or station that is on its way; "" where nobody said
    handed_to:       who was asked to take it over and has not answered yet; "" where nobody
    rating:          1 to 5, None where it is not rated; rated_by: who rated it
    exercise:        None for a real one
    building, floor, unit_name, gateway: as the device has them (`unit` is that of the value)
    note:            the last note a person gave
    revision:        events of its timeline so far
    rule_kind:       None where it was raised by a version that did not note it, and is unchanged since
    measure, reference, low, high: as in `rules.model.Change`, which gives their units; None where not finite
    members:         keys of the first 50 devices that have a part in it, where it is about several; of `members_count`
    """

    id: str
    device: str
    site: str
    grid: str
    place: str
    place_zh: str
    latitude: float | None
    longitude: float | None
    kind: Kind
    unregistered: bool
    rule_id: str
    rule_name_en: str
    rule_name_zh: str
    severity: Severity
    alarm_class: AlarmClass
    what_en: str
    what_zh: str
    metric: str
    unit: str
    value: float | None
    limit: float | None
    source: str
    state: IncidentState
    condition_holds: bool
    late: bool
    raised_us: int
    event_us: int
    since_us: int
    last_us: int
    repeats: int = 0
    accepted_us: int | None = None
    accepted_by: str = ""
    dispatched_us: int | None = None
    arrived_us: int | None = None
    verified_us: int | None = None
    closed_us: int | None = None
    closed_by: str = ""
    outcome: Outcome | None = None
    note: str = ""
    revision: int = 0
    rule_kind: RuleKind | None = None
    measure: float | None = None
    reference: float | None = None
    low: float | None = None
    high: float | None = None
    members: tuple[str, ...] = ()
    members_count: int = 0
    building: str = ""
    floor: str = ""
    unit_name: str = ""
    gateway: str = ""
    acceptances: tuple[Acceptance, ...] = ()
    dispatched_to: str = ""
    handed_to: str = ""
    rating: int | None = None
    rated_by: str = ""
    exercise: Exercise | None = None

    @property
    def key(self) -> tuple[str, str]:
        """(device, rule id), that of a drill apart: at most one incident of it is open."""
        return self.device, f"drill {self.rule_id}" if self.exercise is Exercise.DRILL else self.rule_id

    @property
    def is_life_safety(self) -> bool:
        """Whether people may be in danger: never cleared, dropped or put off without a person."""
        return self.alarm_class is AlarmClass.LIFE_SAFETY


class IncidentEvent(msgspec.Struct, frozen=True, kw_only=True, tag="incident"):
    """One line of an incident's timeline.

    id:       incident id and place in the timeline, so that a replay says the same
    by:       who did it; "" where Vigil did
    origin:   from where they did it; "" where Vigil did
    incident: the incident after it
    place, digest: as in `alerts.evidence.chain`; 0 and "" before it is in the chain
    """

    id: str
    kind: EventKind
    time_us: int
    by: str
    text_en: str
    text_zh: str
    incident: Incident
    origin: str = ""
    place: int = 0
    digest: str = ""


class NotificationEvent(msgspec.Struct, frozen=True, kw_only=True, tag="notification"):
    """What became of one notification.

    attempts: tries since the service started; `detail` is the receipt, or why there is none
    place, digest: as in `alerts.evidence.chain`; 0 and "" before it is in the chain
    """

    notification: str
    incident: str
    recipient: str
    channel: str
    status: NotificationStatus
    time_us: int
    attempts: int
    detail: str
    place: int = 0
    digest: str = ""


AlertEvent = IncidentEvent | NotificationEvent | ResponseEvent | ShadowEvent | AuditEvent

_ENCODER = msgspec.msgpack.Encoder()
_DECODER: msgspec.msgpack.Decoder[AlertEvent] = msgspec.msgpack.Decoder(AlertEvent)


def encode_event(event: AlertEvent) -> bytes:
    """Return the body of a journal record of kind EVENT."""
    return _ENCODER.encode(event)


def decode_event(body: bytes) -> AlertEvent:
    """Read the body of a journal record of kind EVENT. Raises msgspec.DecodeError where it is none."""
    event = _DECODER.decode(body)
    if isinstance(event, IncidentEvent) and FORMER_FIELD.encode() in body:
        fields = msgspec.msgpack.decode(body)
        return msgspec.convert({**fields, "incident": renamed(fields["incident"])}, IncidentEvent)
    return event
