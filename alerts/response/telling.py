"""`Telling`: what people learn and need not answer: reminders, whistles, what others did."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from alerts.response.ask import Ask, AskState
from alerts.text import NOTHING, Text

if TYPE_CHECKING:
    from alerts.incident import EventKind
    from alerts.notification import Purpose
    from alerts.people.model import Person
    from alerts.response.board import Board
    from alerts.response.consequences import Turn
    from alerts.response.escalation import Escalation
    from alerts.response.messages import Messages
    from alerts.response.sending import Sender

__all__ = ["Telling"]


class Telling:
    """Tells people."""

    def __init__(self, board: Board, sender: Sender, messages: Messages) -> None:
        self._board = board
        self._sender = sender
        self._messages = messages

    def tell(
        self,
        turn: Turn,
        escalation: Escalation,
        person: Person,
        text: Text,
        *,
        purpose: Purpose,
        event: str,
        kind: EventKind,
        mark: Text = NOTHING,
        wants_answer: bool = False,
        cause: str = "",
        place: int | None = None,
        grouped: bool = False,
    ) -> None:
        """Send a person something; with `wants_answer` it says how to answer.

        place: of the contact; None for the one that last reached them; grouped: as in `Sender.send`
        event: id of the line that it tells; with `cause`, it names the message
        """
        if not person.contacts:
            return
        ask = escalation.asks.get(person.name)
        if ask is None:
            ask = Ask(incident=escalation.incident.id, person=person.name, state=AskState.TOLD)
        if wants_answer:
            ask = self._board.with_code(ask, turn.now_us)
        if place is None:
            place = ask.contact if ask.reached is None else ask.reached
        message = self._messages.to_person(
            escalation.incident,
            kind,
            text,
            person,
            min(place, len(person.contacts) - 1),
            turn.now_us,
            event,
            purpose,
            cause,
            event=event,
            purpose=purpose,
            mark=mark,
            code=ask.code if wants_answer else None,
        )
        if wants_answer:
            ask = self._board.link(ask, message.id)
        if self._sender.send(turn, escalation, person, message, grouped=grouped):
            ask = msgspec.structs.replace(ask, was_sent=True)
        self._board.put(escalation, ask)
