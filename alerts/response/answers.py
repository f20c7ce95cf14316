"""`Answers`: what people's answers do: who is asked no more, who asks on, who is told of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from alerts.incident import EventKind, IncidentState
from alerts.notification import Purpose
from alerts.people.who import Asked
from alerts.response import texts
from alerts.response.ask import AskState
from alerts.response_event import ResponseKind
from alerts.text import NOTHING, Text

if TYPE_CHECKING:
    from alerts.incident import IncidentEvent
    from alerts.response.asking import Asking
    from alerts.response.board import Board
    from alerts.response.climbing import Climbing
    from alerts.response.consequences import Turn
    from alerts.response.escalation import Escalation
    from alerts.response.groups import Groups
    from alerts.response.limits import ResponseLimits
    from alerts.response.telling import Telling

__all__ = ["ANSWERS", "Answers"]

ANSWERS: Final = frozenset(
    {
        EventKind.ACCEPTED,
        EventKind.HELP_WANTED,
        EventKind.HANDED_OVER,
        EventKind.DISPATCHED,
        EventKind.ARRIVED,
        EventKind.VERIFIED,
    }
)
"""By these a person is on an open incident."""


class Answers:
    """Hears what people did."""

    def __init__(
        self,
        board: Board,
        asking: Asking,
        telling: Telling,
        climbing: Climbing,
        groups: Groups,
        limits: ResponseLimits,
    ) -> None:
        self._board = board
        self._asking = asking
        self._telling = telling
        self._climbing = climbing
        self._groups = groups
        self._handover_us = round(limits.handover_s * 1e6)

    def hear(self, turn: Turn, escalation: Escalation, event: IncidentEvent) -> None:
        """Take in that somebody is on it; the escalation has the incident after it already."""
        was_active = escalation.active
        self._asking.answered(turn, escalation, event.by, AskState.ANSWERED)
        if escalation.handed_to and escalation.incident.handed_to != escalation.handed_to:
            self._let_handover_go(turn, escalation)
        if event.kind is EventKind.HELP_WANTED:
            escalation.told = True
            self._climbing.help(turn, escalation, event.by)
        elif was_active and self._is_enough(escalation):
            escalation.active, escalation.next_us = False, None
            self._asking.stop(turn, escalation)
        if event.kind is EventKind.HANDED_OVER:
            self._hand_over(turn, escalation, event)
        if event.kind is EventKind.ACCEPTED or (was_active and not escalation.active):
            self.inform(turn, escalation, event)
        turn.consequences.commands += self._groups.follow(escalation, event)

    def refused(self, turn: Turn, escalation: Escalation, event: IncidentEvent, before: IncidentState) -> None:
        """Take in that somebody cannot take it, or gave it back."""
        by = event.by
        ask = self._asking.answered(turn, escalation, by, AskState.REFUSED)
        if escalation.handed_to == by:
            self._lapse(turn, escalation)
            return
        if escalation.handed_to and not escalation.incident.handed_to:
            self._let_handover_go(turn, escalation)
        if by not in escalation.refused:
            escalation.refused.append(by)
        turn.consequences.commands += self._groups.follow(escalation, event)
        if not escalation.told:
            return
        left = before is not IncidentState.RAISED and escalation.incident.state is IncidentState.RAISED
        if left or (not escalation.active and not self._is_enough(escalation)):
            self._climbing.resume(turn, escalation, by)
        elif ask is not None:
            self._climbing.refused(turn, escalation, ask)

    def end(self, turn: Turn, escalation: Escalation, event: IncidentEvent) -> None:
        """Take in that the incident is open no more."""
        escalation.active, escalation.next_us = False, None
        escalation.handed_to, escalation.handover_us = "", None
        if event.by:
            self._asking.answered(turn, escalation, event.by, AskState.ANSWERED)
        self._asking.stop(turn, escalation)
        self.inform(turn, escalation, event)

    def inform(self, turn: Turn, escalation: Escalation, event: IncidentEvent) -> None:
        """Tell everybody who was asked or told what somebody else did."""
        if not escalation.told:
            return
        more = escalation.need - escalation.answers if escalation.active else 0
        text = Text(event.text_en, event.text_zh).and_then(texts.MORE_WANTED.fill(more=more) if more > 0 else NOTHING)
        for ask in tuple(escalation.asks.values()):
            person = self._board.who.person(ask.person)
            if person is not None and ask.was_sent and ask.person not in {event.by, escalation.handed_to}:
                self._telling.tell(
                    turn, escalation, person, text, purpose=Purpose.INFORM, event=event.id, kind=event.kind
                )

    def lapse_due(self, turn: Turn, escalation: Escalation) -> None:
        """Take in that whom it was handed over to did not accept in time."""
        self._lapse(turn, escalation)

    # ── handing over ─────────────────────────────────────────────────────────────────────────────────────────────

    def _hand_over(self, turn: Turn, escalation: Escalation, event: IncidentEvent) -> None:
        to = escalation.incident.handed_to
        if escalation.handed_to:
            self._let_handover_go(turn, escalation)
        if not to:
            return
        escalation.handed_to = to
        person = self._board.who.person(to)
        why = texts.TAKE_OVER.fill(who=self._board.called(event.by))
        if person is None or not self._asking.ask(turn, escalation, Asked(person, why), None):
            self._lapse(turn, escalation)
            return
        escalation.handover_us = turn.now_us + self._handover_us
        self._board.deadlines.put(escalation.handover_us, escalation.incident.id)

    def _let_handover_go(self, turn: Turn, escalation: Escalation) -> None:
        """Ask them no more: they accepted, or another is asked."""
        to = escalation.handed_to
        escalation.handed_to, escalation.handover_us = "", None
        ask = escalation.asks.get(to)
        if ask is not None and (ask.step is None or not escalation.active):
            self._asking.end(turn, escalation, to)

    def _lapse(self, turn: Turn, escalation: Escalation) -> None:
        to, who = escalation.handed_to, escalation.incident.accepted_by
        self._let_handover_go(turn, escalation)
        text = texts.LAPSED.fill(to=self._board.called(to), who=self._board.called(who) or "?")
        event = turn.line(escalation, ResponseKind.LAPSED, text, person=to)
        responsible = self._board.who.person(who)
        if responsible is not None:
            self._telling.tell(
                turn,
                escalation,
                responsible,
                text,
                purpose=Purpose.INFORM,
                event=event,
                kind=escalation.kind,
                mark=texts.LAPSED_TITLE,
                wants_answer=True,
            )

    def _is_enough(self, escalation: Escalation) -> bool:
        state = escalation.incident.state
        return state is IncidentState.VERIFIED or escalation.answers >= escalation.need
