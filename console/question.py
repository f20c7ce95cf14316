"""`Question`: what a link is about: who was asked, and about which incidents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from alerts.notification import Purpose

if TYPE_CHECKING:
    from console.desk import Desk

__all__ = ["Question", "question_of"]


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked. person: a name; incidents: ids, the one that it is about first; is_test: of the way alone."""

    notification: str
    person: str
    incidents: tuple[str, ...]
    is_drill: bool = False
    is_test: bool = False


def question_of(desk: Desk, notification: str) -> Question | None:
    """Return what the message with that id asked; None where it is no longer at hand.

    An ask ends with its incident, and a message is let go once it was received; whoever dealt with it still has the
    link, and rates it there: what the outbox keeps of the done says whose it was.
    """
    asks = desk.response.asks_of(notification)
    owed = desk.outbox.get(notification)
    done = desk.outbox.done(notification)
    if owed is not None:
        person, first, purpose, others = owed.recipient, owed.incident.id, owed.purpose, owed.others
    elif done is not None:
        person, first, purpose, others = done.recipient, done.incident, done.purpose, ()
    elif asks:
        person, first, purpose, others = asks[0].person, asks[0].incident, Purpose.ASK, ()
    else:
        return None
    asked = [ask.incident for ask in asks]
    return Question(
        notification=notification,
        person=person,
        incidents=tuple(dict.fromkeys((first, *others, *asked, *desk.noise.members_of(first)))),
        is_drill=owed is not None and owed.drill,
        is_test=purpose is Purpose.TEST,
    )
