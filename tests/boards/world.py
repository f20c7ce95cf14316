"""What is true of the town: what was put in and what the fold said in memory, and nothing that a database has told."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alerts.incident import Incident, IncidentEvent, NotificationEvent
    from alerts.notification import Notification
    from alerts.response_event import ResponseEvent
    from devices import Device
    from rules import RuleSet
    from storage.journal import Gap

__all__ = ["Reading", "World", "instant"]


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading as the archive must keep it. value: None where there was none."""

    time_us: int
    value: float | None
    flags: int


@dataclass(slots=True)
class World:
    """What is true.

    end_us:    now, as the boards see it
    devices:   by key, all of them
    readings:  (device key, metric) → its readings in order of time; of equal times the first that came
    incidents: by id, as they stand
    timeline, notes, responses: every line, in order
    asked:     every message that was owed, by id
    rolled_up: up to when each level is stored; None where the database has jobs of its own for it
    unread:    reason → how much could not be read, and when last, µs since the epoch
    lost:      when which gap was noted
    late_hours: hours of channels that were rolled up anew, since readings came late
    """

    end_us: int
    rules: RuleSet
    devices: dict[str, Device] = field(default_factory=dict)
    readings: dict[tuple[str, str], list[Reading]] = field(default_factory=dict)
    units: dict[tuple[str, str], str] = field(default_factory=dict)
    incidents: dict[str, Incident] = field(default_factory=dict)
    timeline: list[IncidentEvent] = field(default_factory=list)
    notes: list[NotificationEvent] = field(default_factory=list)
    responses: list[ResponseEvent] = field(default_factory=list)
    asked: dict[str, Notification] = field(default_factory=dict)
    rejected: list[str] = field(default_factory=list)
    journal_id: str = ""
    journal_head: int = 0
    rolled_up: dict[str, datetime] | None = None
    unread: dict[str, tuple[int, int]] = field(default_factory=dict)
    lost: list[tuple[int, Gap]] = field(default_factory=list)
    late_hours: int = 0

    @property
    def end(self) -> datetime:
        """Now, as the boards see it."""
        return instant(self.end_us)

    def incident(self, device: str, rule: str) -> Incident:
        """Return the one incident of a device and rule that is no exercise."""
        (found,) = [
            one for one in self.incidents.values() if (one.device, one.rule_id, one.exercise) == (device, rule, None)
        ]
        return found


def instant(us: int) -> datetime:
    """Return µs since the epoch as a database gives them."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)
