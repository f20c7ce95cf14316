"""The story of an incident as spans: what each event of its timeline says about how long what took.

Pure, and without memory: each event knows what its spans need, so that a restart between two of them leaves no gap.

    incident                          from the reading to its end
    ├ reading.transit                 the device measured → the message arrived
    ├ journal.commit                  → it is in the journal, and the broker is acknowledged
    ├ rules.fold                      → rules and alerting have decided, and who is told is known
    ├ incident.raised …               without a length: what else happened, to it and in the response
    ├ notification.deliver            owed → handed over, or given up
    │ ├ notification.attempt          each try
    │ ├ notification.receipt          handed over → the far end has it
    │ └ notification.answer           handed over → a person has answered
    ├ incident.accept                 raised → a person is on it
    └ incident.dispatch, .arrive, .verify, .resolve     each from the step before it

What it was about a person does not go out: of elder watches neither the site nor the rule is told, nor of what may be
one, or bears a name that another system gave it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from alerts.incident import EventKind, Exercise, Incident, IncidentEvent, NotificationStatus
from alerts.response_event import ResponseKind
from alerts.tracing import is_sampled, span_id_of
from devices.model import Kind
from rules.model import RuleKind, Severity
from service.tracing.span import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alerts.delivery import Attempt
    from alerts.incident import NotificationEvent
    from alerts.notification import Purpose
    from alerts.response_event import ResponseEvent

__all__ = ["Owed", "Taken", "is_traced", "of_attempt", "of_incident", "of_notification", "of_response"]

LONGEST_TRANSIT_US: Final = 3_600_000_000
"""A reading older than this came from a device's memory, or from a clock that is wrong: its trace begins when it was
raised, and not a week before."""

_STEPS: Final = {
    EventKind.ACCEPTED: "accept",
    EventKind.DISPATCHED: "dispatch",
    EventKind.ARRIVED: "arrive",
    EventKind.VERIFIED: "verify",
    EventKind.RESOLVED: "resolve",
    EventKind.CLEARED: "clear",
}
_RAISED: Final = frozenset({EventKind.RAISED, EventKind.REOPENED})
_UNTOLD: Final = frozenset({EventKind.REPEATED, EventKind.NOTED})
"""A device may repeat its alarm every few seconds for hours; a note says nothing about the way."""
_RESPONSES: Final = frozenset(
    {
        ResponseKind.UNREACHED,
        ResponseKind.NOBODY,
        ResponseKind.ESCALATED,
        ResponseKind.REPEATED,
        ResponseKind.OVERDUE,
        ResponseKind.WHISTLED,
        ResponseKind.GROUPED,
        ResponseKind.INHIBITED,
        ResponseKind.SILENCED,
        ResponseKind.FLAPPING,
        ResponseKind.RELEASED,
    }
)
_PRIVATE: Final = frozenset({Kind.WATCH, Kind.UNKNOWN, Kind.EXTERNAL})
_LOST: Final = frozenset({NotificationStatus.FAILED, NotificationStatus.UNKNOWN, NotificationStatus.EXPIRED})


@dataclass(frozen=True, slots=True)
class Taken:
    """The block that events follow from. arrival_us: of its newest message; committed_us: when the journal had it."""

    arrival_us: int
    committed_us: int


@dataclass(frozen=True, slots=True)
class Owed:
    """What the outbox knows of a notification. handed_us: 0 where it was not handed over, or that is not known."""

    purpose: Purpose
    created_us: int
    handed_us: int = 0


def is_traced(incident: Incident, sample: float) -> bool:
    """Say whether an incident is traced: every alarm and emergency is, of the rest and of our own the part `sample`."""
    always = incident.severity in {Severity.ALARM, Severity.EMERGENCY} and incident.exercise is not Exercise.SYNTHETIC
    return always or is_sampled(incident.id, sample)


def of_incident(event: IncidentEvent, taken: Taken | None, folded_us: int) -> Iterator[Span]:
    """Yield what a line about the incident itself tells.

    taken: the block that it follows from; None where that is a command or the passing of time
    folded_us: when what follows from it was known
    """
    one = event.incident
    root = _root(one)
    about = _about(one)
    if event.kind in _RAISED:
        yield from _raising(event, taken, folded_us, root, about)
    if event.kind in _STEPS:
        step = _STEPS[event.kind]
        times_us = (_step_before(one, event), event.time_us)
        yield Span.make(f"incident.{step}", one.id, (event.id,), root, times_us, about)
    elif event.kind not in _UNTOLD:
        yield Span.make(f"incident.{event.kind}", one.id, (event.id,), root, (event.time_us, event.time_us), about)
    if one.closed_us == event.time_us and event.kind in {EventKind.RESOLVED, EventKind.CLEARED}:
        ended = {**about, "vigil.outcome": one.outcome or "cleared", "vigil.repeats": one.repeats}
        yield Span.make("incident", one.id, _whole(one), "", (_began_us(one), event.time_us), ended)


def of_response(event: ResponseEvent, incident: Incident) -> Iterator[Span]:
    """Yield what a line about the response tells, where it says why people were asked, or were not."""
    if event.kind in _RESPONSES:
        facts: dict[str, str | int | bool] = {"vigil.incident.id": incident.id}
        if event.step is not None:
            facts["vigil.step"] = event.step
        times_us = (event.time_us, event.time_us)
        yield Span.make(f"response.{event.kind}", incident.id, (event.id,), _root(incident), times_us, facts)


def of_notification(event: NotificationEvent, owed: Owed, incident: Incident) -> Span:
    """Return what a report of a notification tells."""
    facts: dict[str, str | int | bool] = {
        "vigil.incident.id": incident.id,
        "vigil.notification.id": event.notification,
        "vigil.notification.purpose": owed.purpose,
        "vigil.notification.status": event.status,
        "vigil.channel": event.channel,
    }
    delivery = _delivery(incident.id, event.notification)
    if event.attempts or event.status is NotificationStatus.EXPIRED:  # delivery's own word, and its last
        facts["vigil.attempts"] = event.attempts
        name, causes, parent, start_us = "deliver", (event.notification, "deliver"), _root(incident), owed.created_us
    else:
        name = "answer" if event.status is NotificationStatus.ANSWERED else "receipt"
        if event.status is NotificationStatus.WITHDRAWN:
            name, delivery = "withdrawn", _root(incident)
        causes, parent = (event.notification, event.status), delivery
        start_us = owed.handed_us or owed.created_us
    failed = event.status in _LOST
    times_us = (start_us, event.time_us)
    return Span.make(f"notification.{name}", incident.id, causes, parent, times_us, facts, failed=failed)


def of_attempt(attempt: Attempt) -> Span:
    """Return one try of a delivery."""
    message = attempt.notification
    facts: dict[str, str | int | bool] = {
        "vigil.incident.id": message.incident.id,
        "vigil.notification.id": message.id,
        "vigil.notification.purpose": message.purpose,
        "vigil.notification.status": attempt.status or "tried again",
        "vigil.channel": message.channel,
        "vigil.attempt": attempt.number,
    }
    handed = attempt.status in {NotificationStatus.HANDED, NotificationStatus.RECEIVED}
    causes = (message.id, attempt.number, attempt.began_us)
    parent = _delivery(message.incident.id, message.id)
    times_us = (attempt.began_us, attempt.ended_us)
    return Span.make("notification.attempt", message.incident.id, causes, parent, times_us, facts, failed=not handed)


def _raising(
    event: IncidentEvent, taken: Taken | None, folded_us: int, root: str, about: dict[str, str | int | bool]
) -> Iterator[Span]:
    one = event.incident
    if taken is None or one.rule_kind is RuleKind.NO_DATA:  # no message said so
        yield Span.make("rules.fold", one.id, (event.id, "fold"), root, (event.time_us, folded_us), about)
        return
    began_us = _began_us(one)
    if began_us == one.event_us <= taken.arrival_us:
        times_us = (began_us, taken.arrival_us)
        yield Span.make("reading.transit", one.id, (event.id, "transit"), root, times_us, about)
    times_us = (taken.arrival_us, taken.committed_us)
    yield Span.make("journal.commit", one.id, (event.id, "commit"), root, times_us, about)
    times_us = (taken.committed_us, folded_us)
    yield Span.make("rules.fold", one.id, (event.id, "fold"), root, times_us, about)


def _step_before(incident: Incident, event: IncidentEvent) -> int:
    """Return when the step before that of `event` was taken, µs; accepting is measured from the raising."""
    if event.kind is EventKind.ACCEPTED:
        return incident.raised_us
    taken = (incident.accepted_us, incident.dispatched_us, incident.arrived_us, incident.verified_us)
    return max([incident.raised_us, *(at for at in taken if at is not None and at < event.time_us)])


def _began_us(incident: Incident) -> int:
    age_us = incident.raised_us - incident.event_us
    return incident.event_us if 0 <= age_us <= LONGEST_TRANSIT_US else incident.raised_us


def _whole(incident: Incident) -> tuple[str | int, ...]:
    """Return what the span of the whole is made from: an incident that is raised anew has another one."""
    return "incident", incident.raised_us


def _root(incident: Incident) -> str:
    return span_id_of(incident.id, *_whole(incident))


def _delivery(incident: str, notification: str) -> str:
    return span_id_of(incident, notification, "deliver")


def _about(incident: Incident) -> dict[str, str | int | bool]:
    facts: dict[str, str | int | bool] = {
        "vigil.incident.id": incident.id,
        "vigil.severity": incident.severity,
        "vigil.alarm_class": incident.alarm_class,
        "vigil.device.kind": incident.kind,
        "vigil.late": incident.late,
    }
    if incident.exercise is not None:
        facts["vigil.exercise"] = incident.exercise
    if incident.kind not in _PRIVATE:
        facts |= {"vigil.site": incident.site, "vigil.rule.id": incident.rule_id}
    return facts
