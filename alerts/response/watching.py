"""`Watching`: the supervision of every step, said to people.

| gone of the step's time | line | who is told |
|---|---|---|
| a half | `REMINDED`, blue | who is responsible; those who are asked, while nobody is |
| four fifths | `WARNED`, yellow | and the first level |
| the whole | `OVERDUE`, red, and `WHISTLED` | and one level up |
| then, each `whistle_every_s` | `WHISTLED` | one level further, to the top |
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from alerts.incident import Exercise, IncidentState
from alerts.notification import Purpose
from alerts.response import texts
from alerts.response.ask import AskState
from alerts.response.supervision import Colour, Watch, awaited
from alerts.response_event import ResponseKind
from alerts.text import Text, span
from alerts.wording import story

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alerts.people.model import Level, Person
    from alerts.response.board import Board
    from alerts.response.consequences import Turn
    from alerts.response.escalation import Escalation
    from alerts.response.limits import ResponseLimits
    from alerts.response.recipients import Recipients
    from alerts.response.telling import Telling

__all__ = ["Watching"]

_LINES: Final[Mapping[Colour, ResponseKind]] = {
    Colour.BLUE: ResponseKind.REMINDED,
    Colour.YELLOW: ResponseKind.WARNED,
    Colour.RED: ResponseKind.OVERDUE,
}


class Watching:
    """Watches the step that each incident waits for."""

    def __init__(self, board: Board, telling: Telling, recipients: Recipients, limits: ResponseLimits) -> None:
        self._board = board
        self._telling = telling
        self._recipients = recipients
        every_s = limits.whistle_every_s
        self._every_us = None if every_s is None else max(1, round(every_s * 1e6))

    def begin(self, turn: Turn, escalation: Escalation) -> None:
        """Watch the step that the incident waits for from now on; nothing of an exercise of Vigil's own."""
        incident = escalation.incident
        who = self._board.who
        is_watched = escalation.told or incident.state is not IncidentState.RAISED
        found = None
        if is_watched and incident.exercise is not Exercise.SYNTHETIC:
            found = awaited(incident.state, who.limits_for(incident))
        if found is None:
            escalation.watch = None
            return
        stage, limit_s = found
        limit_us = max(1, round(limit_s * 1e6))
        levels = len(who.directory.levels)
        escalation.watch = Watch(
            stage=stage,
            since_us=turn.now_us,
            limit_us=limit_us,
            every_us=limit_us if self._every_us is None else self._every_us,
            levels=max(levels - 1, min(levels, 1)),
        )
        self._board.deadlines.put(escalation.watch.due_us, incident.id)

    def due(self, turn: Turn, escalation: Escalation) -> None:
        """Say what is due; of colours that were missed, only the last."""
        watch = escalation.watch
        if watch is None:
            return
        colour = watch.colour_at(turn.now_us)
        if colour is not watch.colour:
            escalation.watch = msgspec.structs.replace(watch, colour=colour)
            self._say(turn, escalation, escalation.watch)
        else:
            escalation.watch = msgspec.structs.replace(watch, whistles=watch.whistles + 1)
            self._whistle(turn, escalation, escalation.watch)

    def _say(self, turn: Turn, escalation: Escalation, watch: Watch) -> None:
        text = _said(watch)
        event = turn.line(escalation, _LINES[watch.colour], text, detail=watch.stage)
        told = self._responsible(escalation)
        if watch.colour is not Colour.BLUE or not told:
            told += [person for person in self._people_of(turn, escalation, 0) if person not in told]
            names = self._names_of(0) if watch.colour is Colour.YELLOW else []
            self._recipients.tell_named(turn, escalation, names, self._body(escalation, text), Purpose.REMIND, event)
        for person in told:
            self._tell(turn, escalation, person, text, Purpose.REMIND, event)

    def _whistle(self, turn: Turn, escalation: Escalation, watch: Watch) -> None:
        """Go one level up; where nobody is there, further."""
        levels = self._board.who.directory.levels
        place = watch.whistles if len(levels) > 1 else watch.whistles - 1
        while place < len(levels):
            called = levels[place].label or levels[place].name
            text = _said(watch).and_then(Text(" ", "")).and_then(texts.WHISTLED.fill(level=called))
            event = turn.line(escalation, ResponseKind.WHISTLED, text, detail=levels[place].name)
            told = self._recipients.tell_named(
                turn, escalation, self._names_of(place), self._body(escalation, text), Purpose.WHISTLE, event
            )
            for person in self._people_of(turn, escalation, place):
                self._tell(turn, escalation, person, text, Purpose.WHISTLE, event)
                told += 1
            if told:
                return
            place += 1
            watch = msgspec.structs.replace(watch, whistles=watch.whistles + 1)
            escalation.watch = watch

    def _responsible(self, escalation: Escalation) -> list[Person]:
        """Return who has it; while nobody has, those who are asked."""
        who = self._board.who
        person = who.person(escalation.incident.accepted_by) if escalation.incident.accepted_by else None
        if person is not None:
            return [person]
        asked = [
            who.person(ask.person)
            for ask in escalation.asks.values()
            if ask.step is not None and ask.state is not AskState.REFUSED
        ]
        return [person for person in asked if person is not None]

    def _people_of(self, turn: Turn, escalation: Escalation, place: int) -> list[Person]:
        level = self._level(place)
        if level is None:
            return []
        found = self._board.who.select((f"level:{level.name}",), escalation.incident, turn.now_us)
        return [asked.person for asked in found]

    def _names_of(self, place: int) -> list[str]:
        level = self._level(place)
        return [] if level is None else self._board.who.recipients((f"level:{level.name}",))

    def _level(self, place: int) -> Level | None:
        levels = self._board.who.directory.levels
        return levels[place] if place < len(levels) else None

    def _tell(
        self, turn: Turn, escalation: Escalation, person: Person, text: Text, purpose: Purpose, event: str
    ) -> None:
        watch = escalation.watch
        self._telling.tell(
            turn,
            escalation,
            person,
            self._body(escalation, text),
            purpose=purpose,
            event=event,
            kind=escalation.kind,
            mark=texts.PASSED[Colour.RED if watch is None else watch.colour],
            wants_answer=True,
        )

    def _body(self, escalation: Escalation, text: Text) -> Text:
        return text.and_then(Text(" ", "")).and_then(story(escalation.kind, escalation.incident, "", ""))


def _said(watch: Watch) -> Text:
    limit = span(watch.limit_us / 1e6)
    return texts.SUPERVISED[watch.colour].fill(span=limit, stage=texts.STAGES[watch.stage])
