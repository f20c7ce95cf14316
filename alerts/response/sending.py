"""`Sender`: the one way from the response to people: through `Post`, which may keep it for a digest, into the outbox.

What tells a person something, and asks nothing, is tried by their next contact where one fails. Asks have their own
way: `alerts.response.asking`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from alerts.identity import NOTIFICATION_CHARACTERS, identity
from alerts.incident import NotificationStatus
from alerts.notification import Notification, Purpose
from alerts.response.texts import held
from alerts.response_event import ResponseKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from alerts.incident import NotificationEvent
    from alerts.noise.post import Digest, Post
    from alerts.outbox import Outbox
    from alerts.people.model import Person
    from alerts.response.board import Board
    from alerts.response.consequences import Turn
    from alerts.response.escalation import Escalation

__all__ = ["LOST", "Sender"]

LOST = frozenset(
    {
        NotificationStatus.FAILED,
        NotificationStatus.UNKNOWN,
        NotificationStatus.EXPIRED,
        NotificationStatus.WITHDRAWN,
    }
)
"""It did not get through, or nobody knows: the next contact is tried."""


class Sender:
    """Owes messages, and takes them back."""

    def __init__(self, board: Board, outbox: Outbox, post: Post) -> None:
        self._board = board
        self._outbox = outbox
        self._post = post
        self._told: dict[str, Notification] = {}  # what is owed to people and asks nothing, until it is handed over

    @property
    def told(self) -> tuple[Notification, ...]:
        """What is owed to people and asks nothing."""
        return tuple(self._told.values())

    def restore(self, told: Iterable[Notification]) -> None:
        """Take the state of a snapshot in place of this one."""
        self._told = {notification.id: notification for notification in told}

    def owe(self, turn: Turn, notifications: Sequence[Notification]) -> None:
        """Owe what no person is behind."""
        turn.consequences.owed += self._outbox.owe(notifications)

    def send(
        self, turn: Turn, escalation: Escalation, person: Person, message: Notification, *, grouped: bool = False
    ) -> bool:
        """Owe a message to a person, now; return False where it is kept for a digest instead.

        grouped: it is about an incident that is told together with another
        """
        quiet_until_us = self._board.who.quiet_until_us(person, turn.now_us)
        sent = self._post.offer(message, person, turn.now_us, quiet_until_us, grouped=grouped)
        if sent is None:
            text = held(person.called)
            turn.line(escalation, ResponseKind.HELD, text, person=person.name, notification=message.id)
            return False
        self._owe_one(turn, sent, asks=sent.purpose is Purpose.ASK)
        return True

    def send_digest(self, turn: Turn, digest: Digest, *, asks: bool) -> None:
        """Owe a digest. asks: somebody's answer is waited for, so the ask looks after the next contact."""
        self._owe_one(turn, digest.notification, asks=asks)

    def settled(self, turn: Turn, event: NotificationEvent) -> None:
        """Hear what became of a message that asks nothing; where it is lost, the person's next contact is tried."""
        told = self._told.pop(event.notification, None)
        if told is None or event.status not in LOST:
            return
        person = self._board.who.person(told.recipient)
        if person is None:
            return
        # One that is named twice is tried once, else the two would follow each other for ever.
        ways = list(dict.fromkeys((contact.channel, contact.address) for contact in person.contacts))
        place = ways.index((told.channel, told.address)) + 1 if (told.channel, told.address) in ways else 0
        if place >= len(ways):
            return
        channel, address = ways[place]
        again = msgspec.structs.replace(
            told,
            id=identity(told.id, place, channel, characters=NOTIFICATION_CHARACTERS),
            channel=channel,
            address=address,
        )
        for escalation, ask in self._board.asks_of(told.id):
            self._board.put(escalation, self._board.link(ask, again.id))
        self._owe_one(turn, again, asks=False)

    def withdraw(self, turn: Turn, messages: Sequence[str]) -> None:
        """Take back those of `messages` that have not been handed over."""
        if not messages:
            return
        self._post.drop(messages)
        for message in messages:
            self._told.pop(message, None)
        for event in self._outbox.withdraw(messages, turn.now_us):
            turn.consequences.events.append(event)
            turn.consequences.withdrawn.append(event.notification)

    def _owe_one(self, turn: Turn, message: Notification, *, asks: bool) -> None:
        taken = self._outbox.owe([message])
        turn.consequences.owed += taken
        if taken and not asks:
            self._told[message.id] = message
