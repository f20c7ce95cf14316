"""`AlertsCounters`: what alerting did, in plain integers; `alerts.metrics` shows them."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from alerts.incident import EventKind, Exercise, Incident, NotificationStatus, Outcome
from alerts.notification import Purpose
from alerts.response_event import ResponseKind
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


@dataclass(slots=True)
class Histogram:
    """Counts of values at or under each bound, the last beyond all of them."""

    bounds: tuple[float, ...]
    counts: list[int] = field(init=False)
    total: float = 0.0

    def __post_init__(self) -> None:
        self.counts = [0] * (len(self.bounds) + 1)

    def add(self, value: float) -> None:
        """Count one value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


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
                histogram.add((is_us - after.raised_us) / 1e6)


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
        match kind:
            case EventKind.RAISED:
                self.raised[incident.severity] += 1
            case EventKind.REOPENED:
                self.reopened += 1
            case EventKind.RESOLVED | EventKind.CLEARED:
                self.closed[incident.outcome] += 1
            case _:
                pass
