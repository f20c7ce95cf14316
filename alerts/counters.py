"""`AlertsCounters`: what alerting did, in plain integers; `alerts.metrics` shows them."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from alerts.incident import EventKind, Incident, NotificationStatus, Outcome
from rules.model import RuleKind, Severity

__all__ = ["DELIVERY_BOUNDS_S", "AlertsCounters", "Fallback", "Histogram"]

DELIVERY_BOUNDS_S: Final = (0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)
"""Upper bounds of the histogram from a notification being owed to its receipt, s."""


class Fallback(StrEnum):
    """Why others than those whom the settings name for a place were told."""

    SITE = "site"
    """Nobody has that grid: all of the site."""
    EVERYBODY = "everybody"
    """Nobody has that site: all."""
    CONSOLE = "console"
    """There is nobody at all, or nobody wants so low a severity."""


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


@dataclass(slots=True)
class AlertsCounters:
    """Counts since the start of the process; a replay at the start counts what it folds again.

    closed:        by what the person said, None where it cleared by itself
    shadow_raised: what rules in shadow would have raised
    """

    raised: dict[Severity, int] = field(default_factory=lambda: dict.fromkeys(Severity, 0))
    reopened: int = 0
    closed: dict[Outcome | None, int] = field(default_factory=lambda: dict.fromkeys((*Outcome, None), 0))
    shadow_raised: dict[RuleKind, int] = field(default_factory=lambda: dict.fromkeys(RuleKind, 0))
    owed: int = 0
    shed: int = 0
    fallbacks: dict[Fallback, int] = field(default_factory=lambda: dict.fromkeys(Fallback, 0))
    attempts: int = 0
    retries: int = 0
    settled: dict[NotificationStatus, int] = field(default_factory=lambda: dict.fromkeys(NotificationStatus, 0))
    delivery_seconds: Histogram = field(default_factory=lambda: Histogram(DELIVERY_BOUNDS_S))

    def count_event(self, kind: EventKind, incident: Incident) -> None:
        """Count one line of a timeline."""
        match kind:
            case EventKind.RAISED:
                self.raised[incident.severity] += 1
            case EventKind.REOPENED:
                self.reopened += 1
            case EventKind.RESOLVED | EventKind.CLEARED:
                self.closed[incident.outcome] += 1
            case _:
                pass
