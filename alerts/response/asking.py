"""`Asking`: one person after another, one channel after another, until they answer.

| what comes of a message | what follows |
|---|---|
| no receipt `receipt_s` after it was owed | the next channel |
| failed, expired, withdrawn, or nobody knows | the next channel, at once |
| handed over by a channel that gives no receipts | the next channel, `answer_s` later |
| received | the next channel, `answer_s` after it was handed over |
| no channel left | `UNREACHED`, until the chain begins anew |
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from alerts.incident import NotificationStatus
from alerts.notification import Purpose
from alerts.response import texts
from alerts.response.ask import Ask, AskState
from alerts.response.sending import LOST
from alerts.response_event import ResponseKind
from alerts.text import NOTHING, Text, span
from alerts.wording import story

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from alerts.incident import Incident, NotificationEvent
    from alerts.outbox import Outbox
    from alerts.people.model import Chain, Person
    from alerts.people.who import Asked
    from alerts.response.board import Board
    from alerts.response.consequences import Turn
    from alerts.response.escalation import Escalation
    from alerts.response.messages import Messages
    from alerts.response.sending import Sender

__all__ = ["Asking"]


class Asking:
    """Asks people.

    chain_of: the chain of an escalation, whose `receipt_s` and `answer_s` count
    members_of: the incidents that are told with this one
    """

    def __init__(
        self,
        board: Board,
        sender: Sender,
        messages: Messages,
        outbox: Outbox,
        chain_of: Callable[[Escalation], Chain],
        members_of: Callable[[str], tuple[str, ...]],
    ) -> None:
        self._board = board
        self._sender = sender
        self._messages = messages
        self._outbox = outbox
        self._chain_of = chain_of
        self._members_of = members_of
        self._remembered: tuple[Incident | None, Text] = (None, NOTHING)

    # ── asking ───────────────────────────────────────────────────────────────────────────────────────────────────

    def remember(self, incident: Incident | None, text: Text) -> None:
        """Say `text` to whoever is asked about `incident` in this turn; what nobody remembers is said anew."""
        self._remembered = (incident, text)

    def ask(self, turn: Turn, escalation: Escalation, asked: Asked, step: int | None) -> bool:
        """Ask a person, by their first contact; return False where they have none."""
        person = asked.person
        before = escalation.asks.get(person.name)
        if before is not None and before.state is AskState.HELD:  # it comes in its digest, and once
            self._board.put(escalation, msgspec.structs.replace(before, step=step, round=escalation.round))
            return True
        ask = msgspec.structs.replace(
            before or Ask(incident=escalation.incident.id, person=person.name, state=AskState.WAITING),
            state=AskState.WAITING,
            step=step,
            round=escalation.round,
            station=asked.station,
            why_en=asked.why.en,
            why_zh=asked.why.zh,
        )
        if not person.contacts:
            self._unreached(turn, escalation, ask, person.called, Text("no contact", "无联系方式"))
            return False
        if before is not None:
            self._replace(turn, before, person.contacts[0].channel)
        ask = self._try(turn, escalation, ask, person, 0)
        if ask.state is AskState.WAITING:
            text = texts.asked(person.called, person.contacts[0].channel, asked.why)
            self._line(turn, escalation, ResponseKind.ASKED, text, ask, detail=person.contacts[0].channel)
        return True

    # ── what comes of it ─────────────────────────────────────────────────────────────────────────────────────────

    def settled(self, turn: Turn, event: NotificationEvent) -> list[tuple[Escalation, Ask]]:
        """Hear what became of a message; return the asks that have no channel left by it."""
        unreached = []
        for escalation, ask in self._board.asks_of(event.notification):
            if not self._settle(turn, escalation, ask, event):
                unreached.append((escalation, ask))
        return unreached

    def due(self, turn: Turn, escalation: Escalation, due_us: int) -> list[Ask]:
        """Try the next channel of everybody whose time is over by `due_us`; return those who have none left."""
        late = [ask for ask in escalation.asks.values() if ask.due_us is not None and ask.due_us <= due_us]
        chain = self._chain_of(escalation)
        unreached = []
        for ask in late:
            reason = texts.NO_ANSWER if ask.is_there else texts.NO_RECEIPT
            limit = span(chain.answer_s if ask.is_there else chain.receipt_s)
            if not self._next_channel(turn, escalation, ask, reason, span=limit):
                unreached.append(ask)
        return unreached

    def use(self, now_us: int) -> None:
        """Look at once at the asks of people who are in the directory no more."""
        for escalation in self._board:
            for ask in tuple(escalation.asks.values()):
                if ask.state.is_live and self._board.who.person(ask.person) is None:
                    self._board.put(escalation, msgspec.structs.replace(ask, due_us=now_us))

    # ── what ends it ─────────────────────────────────────────────────────────────────────────────────────────────

    def answered(self, turn: Turn, escalation: Escalation, person: str, state: AskState) -> Ask | None:
        """Note that a person answered; return how they were asked, None where they were not."""
        ask = escalation.asks.get(person)
        if ask is None:
            return None
        outbox = self._outbox
        if outbox.status(ask.notification) not in {None, NotificationStatus.QUEUED} and all(
            outbox.status(message) is not NotificationStatus.ANSWERED for message in ask.messages
        ):
            event = outbox.answered(ask.notification, turn.now_us)
            if event is not None:
                turn.consequences.events.append(event)
        self._end(turn, escalation, ask, state)
        return ask

    def stop(self, turn: Turn, escalation: Escalation) -> None:
        """Ask nobody any more but whom it is handed over to, and take back what has not been handed over."""
        for ask in tuple(escalation.asks.values()):
            if escalation.handed_to and ask.person == escalation.handed_to:
                continue
            if ask.state.is_live or ask.state is AskState.UNREACHED:
                self._end(turn, escalation, ask, AskState.OVER)
            else:
                self._take_back(turn, ask, ask.messages)

    def end(self, turn: Turn, escalation: Escalation, person: str) -> None:
        """Ask one person no more."""
        ask = escalation.asks.get(person)
        if ask is not None and (ask.state.is_live or ask.state is AskState.UNREACHED):
            self._end(turn, escalation, ask, AskState.OVER)

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _try(self, turn: Turn, escalation: Escalation, ask: Ask, person: Person, place: int) -> Ask:
        """Owe the message by the contact at `place`."""
        ask = self._board.with_code(ask, turn.now_us)
        message = self._messages.to_person(
            escalation.incident,
            escalation.kind,
            self._said(escalation, ask),
            person,
            place,
            turn.now_us,
            escalation.event,
            "ask",
            escalation.round,
            f"over {escalation.lines}" if ask.step is None else ask.step,
            event=escalation.event,
            purpose=Purpose.ASK,
            mark=texts.HELP if escalation.help_by and ask.step is not None else NOTHING,
            code=ask.code,
            others=self._members_of(escalation.incident.id),
        )
        ask = self._board.link(ask, message.id)
        if self._sender.send(turn, escalation, person, message):
            ask = self.owed(turn, escalation, ask, message.id, place)
        else:
            ask = msgspec.structs.replace(
                ask,
                state=AskState.HELD,
                notification=message.id,
                contact=place,
                asked_us=turn.now_us,
                handed_us=None,
                is_there=False,
                due_us=None,
            )
        return self._board.put(escalation, ask)

    def owed(self, turn: Turn, escalation: Escalation, ask: Ask, message: str, place: int | None = None) -> Ask:
        """Return `ask` as it waits for what comes of a message that is now owed by the contact at `place`."""
        return msgspec.structs.replace(
            ask,
            state=AskState.WAITING,
            notification=message,
            contact=ask.contact if place is None else place,
            asked_us=turn.now_us,
            handed_us=None,
            is_there=False,
            was_sent=True,
            due_us=turn.now_us + round(self._chain_of(escalation).receipt_s * 1e6),
        )

    def _settle(self, turn: Turn, escalation: Escalation, ask: Ask, event: NotificationEvent) -> bool:
        """Return False where the person has no channel left by it."""
        chain = self._chain_of(escalation)
        if event.status in {NotificationStatus.HANDED, NotificationStatus.RECEIVED}:
            place = self._board.place_of(ask, event.channel)
            ask = msgspec.structs.replace(ask, reached=ask.reached if place is None else place)
        if event.notification != ask.notification or ask.state is not AskState.WAITING:
            self._board.put(escalation, ask)
            return True
        if event.status is NotificationStatus.HANDED:
            ask = msgspec.structs.replace(ask, handed_us=turn.now_us)
            if not self._outbox.reference(event.notification):
                ask = msgspec.structs.replace(ask, is_there=True, due_us=_after(turn.now_us, chain.answer_s))
        elif event.status is NotificationStatus.RECEIVED:
            handed_us = turn.now_us if ask.handed_us is None else ask.handed_us
            ask = msgspec.structs.replace(
                ask, handed_us=handed_us, is_there=True, due_us=_after(handed_us, chain.answer_s)
            )
        elif event.status in LOST:
            return self._next_channel(turn, escalation, ask, texts.FAILED, detail=event.detail or event.status)
        self._board.put(escalation, ask)
        return True

    def _next_channel(self, turn: Turn, escalation: Escalation, ask: Ask, template: Text, **parts: Text | str) -> bool:
        """Try the next channel; return False where none is left. `template` says why, of the channel tried before."""
        person = self._board.who.person(ask.person)
        if person is None:
            self._unreached(turn, escalation, ask, ask.person, texts.GONE)
            return False
        place = ask.contact + 1
        tried = person.contacts[ask.contact].channel if ask.contact < len(person.contacts) else "?"
        reason = template.fill(channel=tried, **parts)
        if place >= len(person.contacts):
            self._unreached(turn, escalation, ask, person.called, reason)
            return False
        ask = self._try(turn, escalation, ask, person, place)
        channel = person.contacts[place].channel
        text = texts.NEXT_CHANNEL.fill(who=person.called, reason=reason, channel=channel)
        self._line(turn, escalation, ResponseKind.CHANNEL_CHANGED, text, ask, detail=channel)
        return True

    def _unreached(self, turn: Turn, escalation: Escalation, ask: Ask, called: str, reason: Text) -> None:
        self._board.put(escalation, msgspec.structs.replace(ask, state=AskState.UNREACHED, due_us=None))
        text = texts.UNREACHED.fill(who=called, reason=reason)
        self._line(turn, escalation, ResponseKind.UNREACHED, text, ask)

    def _end(self, turn: Turn, escalation: Escalation, ask: Ask, state: AskState) -> None:
        self._take_back(turn, ask, ask.messages)
        self._board.put(escalation, msgspec.structs.replace(ask, state=state, due_us=None))

    def _replace(self, turn: Turn, before: Ask, channel: str) -> None:
        """Take back what still waits to go by the channel that they are now asked by again."""
        queued = [self._outbox.get(message) for message in before.messages]
        self._take_back(turn, before, [one.id for one in queued if one is not None and one.channel == channel])

    def _take_back(self, turn: Turn, ask: Ask, messages: Iterable[str]) -> None:
        """Take back messages of an ask, but for a digest by which the person is asked about something else as well."""
        self._sender.withdraw(turn, [message for message in messages if not self._is_shared(ask, message)])

    def _is_shared(self, ask: Ask, message: str) -> bool:
        return any(
            other.incident != ask.incident and other.state is AskState.WAITING and other.notification == message
            for _, other in self._board.asks_of(message)
        )

    def _said(self, escalation: Escalation, ask: Ask) -> Text:
        incident = escalation.incident
        text = self._story(escalation).and_then(texts.why_asked(ask.why))
        if escalation.help_by:
            text = text.and_then(texts.HELP_WANTED.fill(who=self._board.called(escalation.help_by)))
        elif incident.accepted_by:
            text = text.and_then(texts.ALREADY_ON_IT.fill(who=self._board.called(incident.accepted_by)))
        if escalation.need > 1:
            text = text.and_then(texts.NEED.fill(need=escalation.need, answers=escalation.answers))
        return text

    def _story(self, escalation: Escalation) -> Text:
        incident, text = self._remembered
        return text if incident is escalation.incident else story(escalation.kind, escalation.incident, "", "")

    def _line(
        self, turn: Turn, escalation: Escalation, kind: ResponseKind, text: Text, ask: Ask, detail: str = ""
    ) -> None:
        turn.line(
            escalation,
            kind,
            text,
            person=ask.person,
            notification=ask.notification,
            step=ask.step,
            detail=detail,
        )


def _after(since_us: int, seconds: float) -> int:
    return since_us + round(seconds * 1e6)
