"""What follows from one call of the response, and the call that it follows from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from alerts.response_event import ResponseEvent, ResponseKind

if TYPE_CHECKING:
    from alerts.command import IncidentCommand
    from alerts.counters import AlertsCounters
    from alerts.incident import AlertEvent
    from alerts.notification import Notification
    from alerts.response.escalation import Escalation
    from alerts.text import Text

__all__ = ["Consequences", "Turn"]


@dataclass(slots=True)
class Consequences:
    """What follows, besides the events that were heard.

    events:    new lines of timelines
    owed:      messages that are now owed, which the outbox has taken up
    withdrawn: ids of messages that are owed no more
    commands:  what the fold decided by itself: a lead's acceptance holds for its group
    made:      id of the silence that was made or changed, "" where none was
    """

    events: list[AlertEvent] = field(default_factory=list)
    owed: list[Notification] = field(default_factory=list)
    withdrawn: list[str] = field(default_factory=list)
    commands: list[IncidentCommand] = field(default_factory=list)
    made: str = ""


@dataclass(slots=True)
class Turn:
    """One call. now_us: journal time, µs since the epoch."""

    now_us: int
    counters: AlertsCounters
    consequences: Consequences = field(default_factory=Consequences)

    def line(
        self,
        escalation: Escalation,
        kind: ResponseKind,
        text: Text,
        *,
        person: str = "",
        notification: str = "",
        step: int | None = None,
        detail: str = "",
    ) -> str:
        """Add a line to the timeline of an incident and return the line's id."""
        escalation.lines += 1
        incident = escalation.incident.id
        event = ResponseEvent(
            id=f"{incident}-r{escalation.lines}",
            kind=kind,
            incident=incident,
            time_us=self.now_us,
            text_en=text.en,
            text_zh=text.zh,
            person=person,
            notification=notification,
            step=step,
            detail=detail,
        )
        self.consequences.events.append(event)
        self.counters.response_lines[kind] += 1
        return event.id
