"""What is said about one danger: the incident, the events of its timeline, and what became of each notification."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from alerts.shadow import ShadowEvent
from devices.model import Kind
from rules.model import AlarmClass, RuleKind, Severity

__all__ = [
    "AlertEvent",
    "EventKind",
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
    ACKNOWLEDGED = "acknowledged"
    """A person is on it."""
    RESOLVED = "resolved"
    """A person closed it and said what it was."""
    CLEARED = "cleared"
    """It ended by itself, before a person closed it."""

    @property
    def is_open(self) -> bool:
        """Whether something is still to be done."""
        return self in {IncidentState.RAISED, IncidentState.ACKNOWLEDGED}


class Outcome(StrEnum):
    """What it turned out to be."""

    TRUE = "true"
    FALSE_ALARM = "false_alarm"
    TEST = "test"


class EventKind(StrEnum):
    """What a line of the timeline tells."""

    RAISED = "raised"
    REOPENED = "reopened"
    REPEATED = "repeated"
    CONDITION_ENDED = "condition_ended"
    CONDITION_RETURNED = "condition_returned"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    CLEARED = "cleared"


class NotificationStatus(StrEnum):
    """How a notification ended."""

    DELIVERED = "delivered"
    """The channel's far end gave a receipt."""
    FAILED = "failed"
    """The far end refused it for good."""
    EXPIRED = "expired"
    """No receipt before its deadline."""


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
    acknowledged_us, closed_us: journal times, None where that is not so now
    acknowledged_by, closed_by: who; "" where nobody, or Vigil itself
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
    acknowledged_us: int | None = None
    acknowledged_by: str = ""
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

    @property
    def key(self) -> tuple[str, str]:
        """(device, rule id): at most one incident of it is open."""
        return self.device, self.rule_id

    @property
    def is_life_safety(self) -> bool:
        """Whether people may be in danger: never cleared, dropped or put off without a person."""
        return self.alarm_class is AlarmClass.LIFE_SAFETY


class IncidentEvent(msgspec.Struct, frozen=True, kw_only=True, tag="incident"):
    """One line of an incident's timeline.

    id:       incident id and place in the timeline, so that a replay says the same
    by:       who did it; "" where Vigil did
    incident: the incident after it
    """

    id: str
    kind: EventKind
    time_us: int
    by: str
    text_en: str
    text_zh: str
    incident: Incident


class NotificationEvent(msgspec.Struct, frozen=True, kw_only=True, tag="notification"):
    """What became of one notification.

    attempts: tries since the service started; `detail` is the receipt, or why there is none
    """

    notification: str
    incident: str
    recipient: str
    channel: str
    status: NotificationStatus
    time_us: int
    attempts: int
    detail: str


AlertEvent = IncidentEvent | NotificationEvent | ShadowEvent

_ENCODER = msgspec.msgpack.Encoder()
_DECODER: msgspec.msgpack.Decoder[AlertEvent] = msgspec.msgpack.Decoder(AlertEvent)


def encode_event(event: AlertEvent) -> bytes:
    """Return the body of a journal record of kind EVENT."""
    return _ENCODER.encode(event)


def decode_event(body: bytes) -> AlertEvent:
    """Read the body of a journal record of kind EVENT. Raises msgspec.DecodeError where it is none."""
    return _DECODER.decode(body)
