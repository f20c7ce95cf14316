"""`Recipients`: telling systems and displays; all of their channels at once, and no answer is waited for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from alerts.counters import Fallback
from alerts.incident import EventKind
from alerts.notification import Purpose
from alerts.routing import CONSOLE, Route
from alerts.text import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from alerts.counters import AlertsCounters
    from alerts.incident import Incident, IncidentEvent
    from alerts.response.consequences import Turn
    from alerts.response.escalation import Escalation
    from alerts.response.messages import Messages
    from alerts.response.sending import Sender
    from alerts.routing import Recipient, Routing

__all__ = ["UPDATES", "Recipients"]

UPDATES: Final = frozenset(
    {
        EventKind.ACCEPTED,
        EventKind.HELP_WANTED,
        EventKind.DISPATCHED,
        EventKind.ARRIVED,
        EventKind.VERIFIED,
        EventKind.RESOLVED,
        EventKind.CLEARED,
    }
)
"""Told to those who asked for updates; so is a refusal that leaves nobody on it."""


_NOBODY: Final = Route(())


class Recipients:
    """Tells the recipients of the settings. is_asked: whether people are asked about an incident."""

    def __init__(
        self,
        routing: Routing,
        sender: Sender,
        messages: Messages,
        counters: AlertsCounters,
        is_asked: Callable[[Incident], bool],
    ) -> None:
        self._routing = routing
        self._is_asked = is_asked
        self._sender = sender
        self._messages = messages
        self._counters = counters

    def tell(self, turn: Turn, event: IncidentEvent, text: Text) -> None:
        """Tell everybody whose place it is that an incident is raised."""
        route = self._route(event.incident)
        if route.fallback is not None:
            self._counters.fallbacks[route.fallback] += 1
        self._owe(turn, event, text, route.recipients)

    def update(self, turn: Turn, event: IncidentEvent) -> None:
        """Tell those who asked for updates what became of an incident."""
        route = self._route(event.incident)
        updated = [recipient for recipient in route.recipients if recipient.updates]
        self._owe(turn, event, Text(event.text_en, event.text_zh), updated)

    def _route(self, incident: Incident) -> Route:
        """Return who is told; the console need not stand in for missing recipients where people are asked."""
        route = self._routing.recipients_for(incident)
        return _NOBODY if route.fallback is Fallback.CONSOLE and self._is_asked(incident) else route

    def tell_named(
        self, turn: Turn, escalation: Escalation, names: Iterable[str], text: Text, purpose: Purpose, *causes: str | int
    ) -> int:
        """Tell recipients of a step or a level; return how many of `names` the settings have."""
        told = 0
        for name in names:
            recipient = self._routing.named(name)
            if recipient is not None:
                self._tell_one(turn, escalation, recipient.name, recipient.channels, text, purpose, *causes)
                told += 1
        return told

    def tell_console(self, turn: Turn, escalation: Escalation, text: Text, *causes: str | int) -> None:
        """Tell the console, which is always there."""
        self._tell_one(turn, escalation, CONSOLE, (CONSOLE,), text, Purpose.TELL, *causes)

    def _tell_one(
        self,
        turn: Turn,
        escalation: Escalation,
        name: str,
        channels: Iterable[str],
        text: Text,
        purpose: Purpose,
        *causes: str | int,
    ) -> None:
        notifications = [
            self._messages.to_recipient(
                escalation.incident,
                escalation.kind,
                text,
                name,
                channel,
                turn.now_us,
                escalation.event,
                *causes,
                event=escalation.event,
                purpose=purpose,
            )
            for channel in channels
        ]
        self._sender.owe(turn, notifications)

    def _owe(self, turn: Turn, event: IncidentEvent, text: Text, recipients: Iterable[Recipient]) -> None:
        notifications = [
            self._messages.to_recipient(
                event.incident,
                event.kind,
                text,
                recipient.name,
                channel,
                turn.now_us,
                event.id,
                event=event.id,
            )
            for recipient in recipients
            for channel in recipient.channels
        ]
        self._sender.owe(turn, notifications)
