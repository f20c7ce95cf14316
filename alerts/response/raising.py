"""`Raising`: what is raised is told and asked about, now or once nothing keeps it back any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alerts.incident import IncidentEvent, IncidentState
from alerts.response_event import ResponseKind
from alerts.text import Text
from alerts.wording import story

if TYPE_CHECKING:
    from alerts.noise.noise import Noise, Verdict
    from alerts.response.asking import Asking
    from alerts.response.board import Board
    from alerts.response.climbing import Climbing
    from alerts.response.consequences import Turn
    from alerts.response.escalation import Escalation
    from alerts.response.groups import Groups
    from alerts.response.recipients import Recipients
    from alerts.response.watching import Watching

__all__ = ["Raising"]


class Raising:
    """Begins the response to incidents."""

    def __init__(
        self,
        board: Board,
        noise: Noise,
        recipients: Recipients,
        asking: Asking,
        climbing: Climbing,
        watching: Watching,
        groups: Groups,
    ) -> None:
        self._board = board
        self._noise = noise
        self._recipients = recipients
        self._asking = asking
        self._climbing = climbing
        self._watching = watching
        self._groups = groups

    def hear(self, turn: Turn, event: IncidentEvent, verdict: Verdict) -> None:
        """Tell and ask about an incident that is raised, or raised again; or note why not."""
        escalation = self._board.open(event)
        if verdict.kind is not None:
            turn.line(escalation, verdict.kind, verdict.text, detail=verdict.by)
        if verdict.told:
            text = Text(event.text_en, event.text_zh)
            if verdict.text.en:
                text = text.and_then(Text(" ", "")).and_then(verdict.text)
            self._begin(turn, escalation, event, text)
        elif escalation.active and escalation.next_us is not None:
            return  # people are asked already, and go on being asked
        else:
            escalation.told, escalation.event, escalation.kind = False, event.id, event.kind
            escalation.active = False
            escalation.grouped = verdict.kind is ResponseKind.GROUPED
            if escalation.grouped:  # that spares people, and no machine needs to be spared
                self._recipients.tell(turn, event, Text(event.text_en, event.text_zh))
            lead = self._board.get(self._noise.lead_of(event.incident.id))
            if verdict.kind is ResponseKind.GROUPED and lead is not None and lead is not escalation:
                self._groups.joined(turn, escalation, lead, event)
            self._watching.begin(turn, escalation)

    def release(self, turn: Turn) -> None:
        """Ask about what is kept back no more."""
        next_us = self._noise.next_us
        if next_us is None or next_us > turn.now_us:
            return
        for release in self._noise.advance(turn.now_us):
            escalation = self._board.get(release.incident)
            if escalation is None:
                continue
            turn.line(escalation, ResponseKind.RELEASED, release.text)
            if escalation.told:
                continue
            event = _event_of(escalation, turn.now_us)
            text = Text(event.text_en, event.text_zh)
            if escalation.incident.state is IncidentState.RAISED:
                self._begin(turn, escalation, event, text)
            else:
                escalation.told = True
                self._recipients.tell(turn, event, text)

    def _begin(self, turn: Turn, escalation: Escalation, event: IncidentEvent, text: Text) -> None:
        """Tell recipients, and ask people."""
        escalation.told, escalation.event, escalation.kind = True, event.id, event.kind
        escalation.handed_to, escalation.handover_us = "", None
        self._asking.stop(turn, escalation)
        self._recipients.tell(turn, event, text)
        self._asking.remember(escalation.incident, text)
        self._climbing.begin(turn, escalation)
        self._watching.begin(turn, escalation)


def _event_of(escalation: Escalation, now_us: int) -> IncidentEvent:
    """Return the event that raised an incident, as it is told now."""
    text = story(escalation.kind, escalation.incident, "", "")
    return IncidentEvent(
        id=escalation.event,
        kind=escalation.kind,
        time_us=now_us,
        by="",
        text_en=text.en,
        text_zh=text.zh,
        incident=escalation.incident,
    )
