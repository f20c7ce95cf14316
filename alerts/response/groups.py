"""`Groups`: incidents that are told together with another, their lead: one is asked about, and answered for all.

Whoever takes up the lead, by whatever they do, has accepted its members; whoever verifies it has verified them, and
whoever gives it back gives them back, to who else is on the lead. Each is still resolved by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from alerts.command import Accept, Refuse, Verify
from alerts.incident import EventKind, IncidentState, Outcome
from alerts.notification import Purpose
from alerts.response import texts
from alerts.response.ask import AskState
from alerts.text import Text

if TYPE_CHECKING:
    from alerts.command import IncidentCommand
    from alerts.incident import IncidentEvent
    from alerts.noise.noise import Noise
    from alerts.response.board import Board
    from alerts.response.consequences import Turn
    from alerts.response.escalation import Escalation
    from alerts.response.telling import Telling

__all__ = ["Groups"]

GROUP: Final = "group"
"""Where the commands come from that hold for a group since they held for its lead."""


class Groups:
    """Knows from `noise` what is told with what."""

    def __init__(self, board: Board, telling: Telling, noise: Noise) -> None:
        self._board = board
        self._telling = telling
        self._noise = noise

    def joined(self, turn: Turn, escalation: Escalation, lead: Escalation, event: IncidentEvent) -> None:
        """Tell those who are on the lead, or asked about it, of an incident that is told with it.

        It is theirs already who accepted the lead.
        """
        text = Text(event.text_en, event.text_zh).and_then(texts.TOGETHER.fill(lead=lead.incident.id))
        for ask in tuple(lead.asks.values()):
            person = self._board.who.person(ask.person)
            if person is not None and ask.state not in {AskState.REFUSED, AskState.TOLD}:
                self._telling.tell(
                    turn,
                    escalation,
                    person,
                    text,
                    purpose=Purpose.INFORM,
                    event=event.id,
                    kind=event.kind,
                    place=ask.contact if ask.reached is None else ask.reached,
                    grouped=True,
                )
        if lead.incident.accepted_by and lead.incident.state.is_answered:
            turn.consequences.commands.append(
                Accept(incident=escalation.incident.id, by=lead.incident.accepted_by, origin=GROUP)
            )

    def follow(self, escalation: Escalation, event: IncidentEvent) -> list[IncidentCommand]:
        """Return what an answer about a lead, or a refusal, means for its group."""
        found: list[IncidentCommand] = []
        lead = event.incident
        for name in self._noise.members_of(escalation.incident.id):
            member = self._board.get(name)
            if member is None or not member.incident.state.is_open:
                continue
            state = member.incident.state
            if event.kind is EventKind.REFUSED:
                if event.by in member.on_it:
                    found.append(Refuse(incident=name, by=event.by, origin=GROUP))
                    if lead.state.is_answered and member.on_it == {event.by}:
                        found.append(Accept(incident=name, by=lead.accepted_by, origin=GROUP))
            elif event.kind is EventKind.VERIFIED and state is not IncidentState.VERIFIED:
                outcome = lead.outcome or Outcome.UNFOUNDED
                found.append(Verify(incident=name, by=event.by, origin=GROUP, outcome=outcome))
            elif state is IncidentState.RAISED:
                found.append(Accept(incident=name, by=event.by, origin=GROUP))
        return found
