"""`Outbox`: which notifications are owed, which are on their way, and which are done with.

Pure: `alerts.response` and `alerts.routing` say who is told what, `alerts.delivery` does the sending.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from alerts import outbox_snapshot
from alerts.counters import AlertsCounters
from alerts.incident import NotificationEvent, NotificationStatus
from alerts.outbox_snapshot import Done, InHand
from alerts.passage import passes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from alerts.command import Settle
    from alerts.notification import Notification

__all__ = ["Outbox", "OutboxLimits"]

_SLACK: Final = 64


@dataclass(frozen=True, slots=True)
class OutboxLimits:
    """What the outbox is bounded by.

    queued:    beyond so many nothing but life safety is taken up; what is not is counted as shed
    in_hand:   beyond so many the oldest is taken for handed over for good, and counted: no receipt finds it any more
    done_kept: the newest of the done, which tell a repeat and a late report
    """

    queued: int = 100_000
    in_hand: int = 50_000
    done_kept: int = 50_000


class Outbox:
    """Every notification from being owed until its last report, and for a while after.

    `alerts.passage` says which report changes what. A report that changes nothing is counted, and is no error.
    """

    def __init__(self, limits: OutboxLimits | None = None, counters: AlertsCounters | None = None) -> None:
        self._limits = limits or OutboxLimits()
        self._counters = counters or AlertsCounters()
        self._queued: dict[str, Notification] = {}  # this and the next two: oldest first
        self._in_hand: dict[str, InHand] = {}
        self._done: dict[str, Done | None] = {}
        self._references: dict[tuple[str, str], str] = {}
        self._expiring: list[tuple[int, str]] = []

    def __len__(self) -> int:
        """Notifications queued."""
        return len(self._queued)

    @property
    def in_hand(self) -> int:
        """Notifications that are handed over and may still be received."""
        return len(self._in_hand)

    @property
    def oldest_us(self) -> int | None:
        """When the oldest notification that is queued came to be owed, or None where none is."""
        return next((notification.created_us for notification in self._queued.values()), None)

    def pending(self) -> list[Notification]:
        """Return what is queued, oldest first."""
        return list(self._queued.values())

    def get(self, notification: str) -> Notification | None:
        """Return a notification that is queued or in hand."""
        held = self._in_hand.get(notification)
        return self._queued.get(notification) if held is None else held.notification

    def status(self, notification: str) -> NotificationStatus | None:
        """Return where it is; None where it never was, or is forgotten."""
        if notification in self._queued:
            return NotificationStatus.QUEUED
        if notification in self._in_hand:
            return NotificationStatus.HANDED
        done = self._done.get(notification)
        return None if done is None else done.status

    def done(self, notification: str) -> Done | None:
        """Return what is kept of one that has been received, answered or given up."""
        return self._done.get(notification)

    def by_reference(self, channel: str, reference: str) -> str | None:
        """Return the id of the notification in hand that `channel` calls `reference`.

        A notification that a failover channel handed to its member is found by that member's name as well.
        """
        return self._references.get((channel, reference))

    def reference(self, notification: str) -> str:
        """Return what the far end calls a notification in hand; "" where no receipt of it is to come."""
        held = self._in_hand.get(notification)
        return "" if held is None else held.reference

    # ── what changes it ──────────────────────────────────────────────────────────────────────────────────────────

    def owe(self, notifications: Iterable[Notification]) -> list[Notification]:
        """Queue notifications and return those taken up; ids that are known and what is shed are left out."""
        added: list[Notification] = []
        for notification in notifications:
            if self._takes(notification):
                self._queued[notification.id] = notification
                added.append(notification)
        return added

    def settle(self, command: Settle, now_us: int) -> NotificationEvent | None:
        """Take in what became of a notification and return its line of the timeline; None where nothing changed."""
        return self._report(
            command.notification,
            command.status,
            now_us,
            attempts=command.attempts,
            detail=command.detail,
            reference=command.reference,
        )

    def answered(self, notification: str, now_us: int) -> NotificationEvent | None:
        """Note that a human has answered it."""
        return self._report(notification, NotificationStatus.ANSWERED, now_us)

    def withdraw(self, notifications: Iterable[str], now_us: int) -> list[NotificationEvent]:
        """Take back those that are still queued; delivery may have one of them under way, and reports it then."""
        queued = [name for name in notifications if name in self._queued]
        events = (self._report(name, NotificationStatus.WITHDRAWN, now_us) for name in queued)
        return [event for event in events if event is not None]

    def forget(self, now_us: int) -> None:
        """Wait no more for the receipts of what is in hand and has expired."""
        while self._expiring and self._expiring[0][0] <= now_us:
            name = heapq.heappop(self._expiring)[1]
            held = self._in_hand.get(name)
            if held is not None and held.notification.expires_us <= now_us:
                self._let_go(name)

    # ── snapshots ────────────────────────────────────────────────────────────────────────────────────────────────

    def snapshot(self) -> bytes:
        """Return the whole state; `restore` takes it."""
        return outbox_snapshot.encode(self._queued.values(), self._in_hand.values(), self._done)

    def restore(self, snapshot: bytes) -> None:
        """Take the state of a snapshot in place of this one.

        Raises ValueError where it is of a version that this program does not read.
        """
        state = outbox_snapshot.decode(snapshot)
        self._queued = {notification.id: notification for notification in state.queued}
        self._in_hand = {}
        self._references, self._expiring = {}, []
        for held in state.in_hand:
            self._hold(held)
        self._done = state.done

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _takes(self, notification: Notification) -> bool:
        name = notification.id
        if name in self._queued or name in self._in_hand or name in self._done:
            return False
        if len(self._queued) >= self._limits.queued and not notification.incident.is_life_safety:
            self._counters.count_shed(notification)
            return False
        self._counters.count_owed(notification)
        return True

    def _report(
        self,
        name: str,
        reported: NotificationStatus,
        now_us: int,
        *,
        attempts: int = 0,
        detail: str = "",
        reference: str = "",
    ) -> NotificationEvent | None:
        status = self.status(name)
        if status is None or not passes(status, reported):
            self._counters.ignored_reports += 1
            return None
        notification = self._queued.pop(name, None)
        if notification is not None and reported is NotificationStatus.HANDED:
            self._hold(InHand(notification, reference, now_us))
            done = _done(notification, reported, now_us)
        else:
            done = self._finish(name, notification, reported, now_us)
        self._count(done, status, now_us)
        return NotificationEvent(
            notification=name,
            incident=done.incident,
            recipient=done.recipient,
            channel=done.channel,
            status=reported,
            time_us=now_us,
            attempts=attempts,
            detail=detail,
        )

    def _finish(self, name: str, notification: Notification | None, reported: NotificationStatus, now_us: int) -> Done:
        """Put one among the done, where it may be already, and return what is kept of it."""
        received = reported in {NotificationStatus.HANDED, NotificationStatus.RECEIVED}
        if notification is not None:
            done = _done(notification, reported, now_us if received else 0)
        elif name in self._in_hand:
            held = self._drop(name)
            done = _done(held.notification, reported, held.handed_us)
        else:
            before = self._done.pop(name)
            if before is None:  # `status` knows none
                raise KeyError(name)
            handed_us = before.handed_us or (now_us if received else 0)
            done = Done(
                reported,
                before.incident,
                before.recipient,
                before.channel,
                before.purpose,
                before.created_us,
                handed_us,
            )
        self._keep(name, done)
        return done

    def _hold(self, held: InHand) -> None:
        notification = held.notification
        self._in_hand[notification.id] = held
        for key in _keys(held):
            self._references[key] = notification.id
        heapq.heappush(self._expiring, (notification.expires_us, notification.id))
        if len(self._expiring) > 2 * len(self._in_hand) + _SLACK:  # most of it was received long ago
            self._expiring = [(held.notification.expires_us, name) for name, held in self._in_hand.items()]
            heapq.heapify(self._expiring)
        while len(self._in_hand) > self._limits.in_hand:
            self._let_go(next(iter(self._in_hand)))
            self._counters.in_hand_dropped += 1

    def _drop(self, name: str) -> InHand:
        held = self._in_hand.pop(name)
        for key in _keys(held):
            if self._references.get(key) == name:
                del self._references[key]
        return held

    def _let_go(self, name: str) -> None:
        """Take one for handed over for good."""
        held = self._drop(name)
        self._keep(name, _done(held.notification, NotificationStatus.HANDED, held.handed_us))

    def _keep(self, name: str, done: Done) -> None:
        self._done[name] = done
        while len(self._done) > self._limits.done_kept:
            del self._done[next(iter(self._done))]

    def _count(self, done: Done, before: NotificationStatus, now_us: int) -> None:
        """Count a report on what was in status `before`."""
        counters = self._counters
        counters.count_settled(done.channel, done.status)
        match done.status:
            case NotificationStatus.HANDED | NotificationStatus.RECEIVED if before is not NotificationStatus.HANDED:
                counters.handed_seconds[done.purpose].add((now_us - done.created_us) / 1e6, done.incident, now_us)
                counters.count_handed(done.incident, done.channel, now_us)
            case NotificationStatus.RECEIVED:
                counters.receipt_seconds[done.purpose].add((now_us - done.handed_us) / 1e6, done.incident, now_us)
            case NotificationStatus.ANSWERED:
                counters.answer_seconds[done.purpose].add((now_us - done.created_us) / 1e6, done.incident, now_us)
            case _:
                pass


def _done(notification: Notification, status: NotificationStatus, handed_us: int) -> Done:
    return Done(
        status,
        notification.incident.id,
        notification.recipient,
        notification.channel,
        notification.purpose,
        notification.created_us,
        handed_us,
    )


def _keys(held: InHand) -> list[tuple[str, str]]:
    """Return what a receipt may name the message by."""
    if not held.reference:
        return []
    member, slash, reference = held.reference.partition("/")
    own = (held.notification.channel, held.reference)
    return [own, (member, reference)] if slash and member and reference else [own]
