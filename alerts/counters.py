"""`AlertsCounters`: what alerting did, in plain integers; `alerts.metrics` shows them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from alerts.histogram import Histogram
from alerts.incident import EventKind, Exercise, Incident, NotificationStatus, Outcome
from alerts.notification import CONSOLE, Notification, Purpose
from alerts.objective import ACCEPTED_WITHIN_S, HANDED_WITHIN_S, Objective
from alerts.response_event import ResponseKind
from devices.model import Kind
from rules.model import RuleKind, Severity

__all__ = [
    "ANSWER_BOUNDS_S",
    "DELIVERY_BOUNDS_S",
    "AlertsCounters",
    "Fallback",
    "Histogram",
    "ResponseBound",
    "ResponseTimes",
]

DELIVERY_BOUNDS_S: Final = (0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)
"""Upper bounds of the histogram from a notification being owed to its receipt, s."""

ANSWER_BOUNDS_S: Final = (
    5.0,
    10.0,
    30.0,
    60.0,
    120.0,
    300.0,
    600.0,
    1200.0,
    1800.0,
    3600.0,
    7200.0,
    21_600.0,
    86_400.0,
)
"""Upper bounds of the histogram from a notification being owed to a person's answer, s."""

_NEWS: Final = frozenset({EventKind.RAISED, EventKind.REOPENED})
_OF_ALARMS: Final = frozenset({Purpose.TELL, Purpose.ASK})


class Fallback(StrEnum):
    """Why others than those whom the settings name for a place were told."""

    SITE = "site"
    """Nobody has that grid: all of the site."""
    EVERYBODY = "everybody"
    """Nobody has that site: all."""
    CONSOLE = "console"
    """There is nobody at all, or nobody wants so low a severity."""


class ResponseBound(StrEnum):
    """A bound of the response that was reached."""

    CODES = "codes"
    """So many reply codes are in use that a message went without one; its link answers it."""
    MESSAGES = "messages"
    """A person was asked so often that their oldest message about an incident cannot answer it any more."""
    PEOPLE = "people"
    """A step means more people than are asked at once; the last of them are left out."""
    CLOSED = "closed"
    """So many incidents closed that one is forgotten; if it is raised again, its lines are numbered from far on."""


def _by_purpose(bounds: tuple[float, ...]) -> dict[Purpose, Histogram]:
    return {purpose: Histogram(bounds) for purpose in Purpose}


@dataclass(slots=True)
class ResponseTimes:
    """How long people took for each step of real incidents, from when it was raised, s."""

    accept: Histogram = field(default_factory=lambda: Histogram(ANSWER_BOUNDS_S))
    arrive: Histogram = field(default_factory=lambda: Histogram(ANSWER_BOUNDS_S))
    resolve: Histogram = field(default_factory=lambda: Histogram(ANSWER_BOUNDS_S))

    def note(self, before: Incident | None, after: Incident) -> None:
        """Count the steps that were taken between `before` and `after`."""
        if before is None or before.raised_us != after.raised_us:
            return
        closed_us = after.closed_us if after.closed_by else None
        steps = (
            (self.accept, before.accepted_us, after.accepted_us),
            (self.arrive, before.arrived_us, after.arrived_us),
            (self.resolve, before.closed_us, closed_us),
        )
        for histogram, was_us, is_us in steps:
            if was_us is None and is_us is not None:
                histogram.add((is_us - after.raised_us) / 1e6, after.id, is_us)


@dataclass(slots=True)
class AlertsCounters:
    """Counts since the start of the process; a replay at the start counts what it folds again.

    raised, reopened, closed, response: of real incidents; exercises are counted apart, when they are raised
    closed:        by what the person said, None where it cleared by itself
    external_refused: alerts of other systems, too many being open
    shadow_raised: what rules in shadow would have raised
    response_lines: what Vigil did to get incidents answered, exercises too
    response_full: bounds of the response that were reached
    untold:        systems that a message did not reach for good, and people whom none of their channels did
    settled:       reports that brought a notification on, by the status that it has since; settled_by: by channel too
    ignored_reports: those that changed nothing, since receipts come twice, late and in any order
    in_hand_dropped: messages whose receipts are not waited for any more, too many having been handed over
    handed_seconds, receipt_seconds, answer_seconds: from owed to handed over, from there to the receipt, and from owed
                   to a person's answer, in journal time, by purpose
    alarm_handed:  from an alarm being raised to the first of its messages being handed over, the log being nobody; of
                   real incidents that somebody is told as they are raised, so of none that is silenced, grouped or kept
                   for a digest. One whose messages are shed is never handed over
    alarm_accepted: of real incidents of which a person is asked as they are raised: from the event time of the reading
                   that raised it to a person's acceptance; from being raised where that time is later, the reading came
                   late, or another system says since when it holds
    """

    raised: dict[Severity, int] = field(default_factory=lambda: dict.fromkeys(Severity, 0))
    reopened: int = 0
    closed: dict[Outcome | None, int] = field(default_factory=lambda: dict.fromkeys((*Outcome, None), 0))
    response: ResponseTimes = field(default_factory=ResponseTimes)
    exercises: dict[Exercise, int] = field(default_factory=lambda: dict.fromkeys(Exercise, 0))
    external_refused: int = 0
    shadow_raised: dict[RuleKind, int] = field(default_factory=lambda: dict.fromkeys(RuleKind, 0))
    owed: int = 0
    shed: int = 0
    fallbacks: dict[Fallback, int] = field(default_factory=lambda: dict.fromkeys(Fallback, 0))
    response_lines: dict[ResponseKind, int] = field(default_factory=lambda: dict.fromkeys(ResponseKind, 0))
    response_full: dict[ResponseBound, int] = field(default_factory=lambda: dict.fromkeys(ResponseBound, 0))
    attempts: int = 0
    retries: int = 0
    untold: int = 0
    settled: dict[NotificationStatus, int] = field(default_factory=lambda: dict.fromkeys(NotificationStatus, 0))
    settled_by: dict[tuple[str, NotificationStatus], int] = field(default_factory=dict)
    ignored_reports: int = 0
    in_hand_dropped: int = 0
    delivery_seconds: Histogram = field(default_factory=lambda: Histogram(DELIVERY_BOUNDS_S))
    handed_seconds: dict[Purpose, Histogram] = field(default_factory=lambda: _by_purpose(DELIVERY_BOUNDS_S))
    receipt_seconds: dict[Purpose, Histogram] = field(default_factory=lambda: _by_purpose(DELIVERY_BOUNDS_S))
    answer_seconds: dict[Purpose, Histogram] = field(default_factory=lambda: _by_purpose(ANSWER_BOUNDS_S))
    alarm_handed: Objective = field(default_factory=lambda: Objective(HANDED_WITHIN_S, DELIVERY_BOUNDS_S))
    alarm_accepted: Objective = field(default_factory=lambda: Objective(ACCEPTED_WITHIN_S, ANSWER_BOUNDS_S))

    def count_owed(self, notification: Notification) -> None:
        """Count a message that is now owed; those of an alarm that is just raised begin its objectives."""
        self.owed += 1
        self._begin(notification)

    def count_shed(self, notification: Notification) -> None:
        """Count a message that nobody will get; what was promised of its alarm was promised all the same."""
        self.shed += 1
        self._begin(notification)

    def count_handed(self, incident: str, channel: str, now_us: int) -> None:
        """Count that a message about an incident was handed over."""
        if channel != CONSOLE:
            self.alarm_handed.meet(incident, now_us)

    def shift(self, step_us: int) -> None:
        """Leave the time that our clock was set forward by, `step_us`, out of what alarms wait."""
        self.alarm_handed.shift(step_us)
        self.alarm_accepted.shift(step_us)

    def _begin(self, notification: Notification) -> None:
        incident = notification.incident
        is_new = notification.kind in _NEWS and notification.created_us == incident.raised_us
        if not is_new or incident.exercise is not None or notification.purpose not in _OF_ALARMS:
            return
        if notification.channel != CONSOLE:
            self.alarm_handed.begin(incident.id, incident.alarm_class, incident.raised_us)
        if notification.purpose is Purpose.ASK:
            is_old_news = incident.late or incident.kind is Kind.EXTERNAL
            since_us = incident.raised_us if is_old_news else min(incident.event_us, incident.raised_us)
            self.alarm_accepted.begin(incident.id, incident.alarm_class, since_us)

    def count_settled(self, channel: str, status: NotificationStatus) -> None:
        """Count one report that brought a notification on; channels are as many as the settings have had."""
        self.settled[status] += 1
        self.settled_by[channel, status] = self.settled_by.get((channel, status), 0) + 1

    def count_event(self, kind: EventKind, incident: Incident, before: Incident | None = None) -> None:
        """Count one line of a timeline; `before` is the incident before it, None where there was none."""
        if incident.exercise is not None:
            self.exercises[incident.exercise] += kind is EventKind.RAISED
            return
        self.response.note(before, incident)
        self._note_answer(incident)
        match kind:
            case EventKind.RAISED:
                self.raised[incident.severity] += 1
            case EventKind.REOPENED:
                self.reopened += 1
            case EventKind.RESOLVED | EventKind.CLEARED:
                self.closed[incident.outcome] += 1
            case _:
                pass

    def _note_answer(self, incident: Incident) -> None:
        """Note that a person has an alarm in hand, or that it has ended; it need not be handed over to anybody then."""
        if incident.accepted_us is not None:
            self.alarm_accepted.meet(incident.id, incident.accepted_us)
            self.alarm_handed.drop(incident.id, incident.accepted_us)
        elif incident.closed_us is not None and not incident.state.is_open:
            self.alarm_accepted.drop(incident.id, incident.closed_us)
            self.alarm_handed.drop(incident.id, incident.closed_us)
