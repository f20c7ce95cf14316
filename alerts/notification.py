"""`Notification`: one message owed to one person by one channel, with all that a channel needs to say it."""

from __future__ import annotations

import msgspec

from alerts.incident import EventKind, Incident

__all__ = ["Notification"]


class Notification(msgspec.Struct, frozen=True, kw_only=True):
    """One message.

    id:         made from the event, the recipient and the channel: receivers use it to know a repeat
    event:      id of the incident event that it tells; `kind` is that event's kind
    created_us: journal time of the event; expires_us: when there is no use in it any more
    incident:   the incident after the event
    drill:      an exercise: every channel says so
    """

    id: str
    event: str
    kind: EventKind
    recipient: str
    channel: str
    title_en: str
    title_zh: str
    body_en: str
    body_zh: str
    created_us: int
    expires_us: int
    incident: Incident
    drill: bool = False

    @property
    def title(self) -> str:
        """Both languages in one line."""
        mark = "[DRILL 演练] " if self.drill else ""
        return f"{mark}{self.title_zh} / {self.title_en}"

    @property
    def body(self) -> str:
        """Both languages, a paragraph each."""
        return f"{self.body_zh}\n\n{self.body_en}"

    @property
    def urgency(self) -> tuple[int, bool, int, str]:
        """Sorts the more urgent first: by severity, then life safety, then age."""
        return (-self.incident.severity.rank, not self.incident.is_life_safety, self.created_us, self.id)
