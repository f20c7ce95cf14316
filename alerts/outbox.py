"""`Outbox`: which notifications are owed, and which are done with. Pure: `alerts.delivery` does the sending."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from alerts.counters import AlertsCounters
from alerts.identity import NOTIFICATION_CHARACTERS, identity
from alerts.incident import EventKind, IncidentEvent, NotificationEvent
from alerts.notification import Notification
from alerts.wording import title

if TYPE_CHECKING:
    from collections.abc import Iterable

    from alerts.command import Settle
    from alerts.routing import Recipient, Routing

__all__ = ["Outbox", "OutboxLimits"]

SNAPSHOT_VERSION: Final = 1

PAGES: Final = frozenset({EventKind.RAISED, EventKind.REOPENED})
"""Told to every recipient."""
UPDATES: Final = frozenset({EventKind.ACKNOWLEDGED, EventKind.RESOLVED, EventKind.CLEARED})
"""Told to those who asked for updates."""


@dataclass(frozen=True, slots=True)
class OutboxLimits:
    """What the outbox is bounded by.

    deadline_s, life_safety_deadline_s: s from the event until there is no use in a notification any more
    pending:      beyond so many nothing but life safety is taken up; what is not is counted as shed
    settled_kept: ids of the newest settled ones, which tell a repeat
    """

    deadline_s: float = 3_600.0
    life_safety_deadline_s: float = 86_400.0
    pending: int = 100_000
    settled_kept: int = 10_000


class _Snapshot(msgspec.Struct, frozen=True):
    pending: tuple[Notification, ...]
    settled: tuple[str, ...]


class Outbox:
    """Every notification that is owed and not settled.

    A notification's id is made from the event, the recipient and the channel, so what is owed twice is owed once.
    """

    def __init__(
        self, routing: Routing, limits: OutboxLimits | None = None, counters: AlertsCounters | None = None
    ) -> None:
        self._routing = routing
        self._limits = limits or OutboxLimits()
        self._counters = counters or AlertsCounters()
        self._pending: dict[str, Notification] = {}
        self._settled: dict[str, None] = {}  # oldest first

    def __len__(self) -> int:
        """Notifications owed."""
        return len(self._pending)

    @property
    def oldest_us(self) -> int | None:
        """When the oldest notification that is owed came to be owed, or None where none is."""
        return next((notification.created_us for notification in self._pending.values()), None)

    def pending(self) -> list[Notification]:
        """Return what is owed, oldest first."""
        return list(self._pending.values())

    def owe(self, events: Iterable[IncidentEvent], now_us: int) -> list[Notification]:
        """Return the notifications that `events` add, in the events' order; they are pending until settled."""
        added: list[Notification] = []
        for event in events:
            for recipient in self._told(event):
                for channel in recipient.channels:
                    notification = self._notification(event, recipient, channel, now_us)
                    if self._takes(notification):
                        self._pending[notification.id] = notification
                        added.append(notification)
        return added

    def settle(self, command: Settle, now_us: int) -> NotificationEvent | None:
        """Take a notification off the books and return what became of it; None where it is not (or no more) owed."""
        notification = self._pending.pop(command.notification, None)
        if notification is None:
            return None
        self._settled[notification.id] = None
        while len(self._settled) > self._limits.settled_kept:
            del self._settled[next(iter(self._settled))]
        self._counters.settled[command.status] += 1
        return NotificationEvent(
            notification=notification.id,
            incident=notification.incident.id,
            recipient=notification.recipient,
            channel=notification.channel,
            status=command.status,
            time_us=now_us,
            attempts=command.attempts,
            detail=command.detail,
        )

    def snapshot(self) -> bytes:
        """Return the whole state; `restore` takes it."""
        state = _Snapshot(tuple(self._pending.values()), tuple(self._settled))
        return bytes([SNAPSHOT_VERSION]) + msgspec.msgpack.encode(state)

    def restore(self, snapshot: bytes) -> None:
        """Take the state of a snapshot in place of this one.

        Raises ValueError where it is of a version that this program does not read.
        """
        if not snapshot or snapshot[0] != SNAPSHOT_VERSION:
            raise ValueError(f"outbox snapshot of version {snapshot[:1]!r}; wanted {SNAPSHOT_VERSION}")
        state = msgspec.msgpack.decode(memoryview(snapshot)[1:], type=_Snapshot)
        self._pending = {notification.id: notification for notification in state.pending}
        self._settled = dict.fromkeys(state.settled)

    def _told(self, event: IncidentEvent) -> tuple[Recipient, ...]:
        if event.kind not in PAGES and event.kind not in UPDATES:
            return ()
        route = self._routing.recipients_for(event.incident)
        if event.kind in UPDATES:
            return tuple(recipient for recipient in route.recipients if recipient.updates)
        if route.fallback is not None:
            self._counters.fallbacks[route.fallback] += 1
        return route.recipients

    def _takes(self, notification: Notification) -> bool:
        if notification.id in self._pending or notification.id in self._settled:
            return False
        if len(self._pending) >= self._limits.pending and not notification.incident.is_life_safety:
            self._counters.shed += 1
            return False
        self._counters.owed += 1
        return True

    def _notification(self, event: IncidentEvent, recipient: Recipient, channel: str, now_us: int) -> Notification:
        incident = event.incident
        limits = self._limits
        deadline_s = limits.life_safety_deadline_s if incident.is_life_safety else limits.deadline_s
        head = title(event.kind, incident)
        return Notification(
            id=identity(event.id, recipient.name, channel, characters=NOTIFICATION_CHARACTERS),
            event=event.id,
            kind=event.kind,
            recipient=recipient.name,
            channel=channel,
            title_en=head.en,
            title_zh=head.zh,
            body_en=event.text_en,
            body_zh=event.text_zh,
            created_us=now_us,
            expires_us=now_us + round(deadline_s * 1e6),
            incident=incident,
        )
