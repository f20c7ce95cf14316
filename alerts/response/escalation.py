"""`Escalation`: how far the response to one open incident has come."""

from __future__ import annotations

import msgspec

from alerts.incident import EventKind, Incident, IncidentState
from alerts.response.ask import Ask
from alerts.response.supervision import Watch

__all__ = ["Escalation"]


class Escalation(msgspec.Struct, kw_only=True):
    """What the fold knows of one open incident.

    incident:   as of the last event of it
    event, kind: of the event that raised it last
    told:       it was let through: recipients were told, and people are asked
    active:     people are being asked, because not enough are on it
    step:       the step that was taken last, -1 before the first
    next_us:    when the next step begins, or the next round; None where none does
    round:      counts rounds for as long as it is open; `rounds`: those since it was raised that came by the clock
    first_step: the step with which this round began
    is_reached: somebody was asked or told in this round
    need:       acceptances that end the asking
    refused:    people who are not asked again
    silent:     "station:NAME" of the stations that refused in this round
    help_by:    who wanted help, "" where nobody did
    handed_to, handover_us: who was asked to take it over, and until when they may answer
    watch:      the time of the step that is waited for, None where none is watched
    asks:       by person, in the order in which they were first asked or told
    lines:      lines of the response in its timeline so far
    grouped:    people are asked about another in its place; systems and displays are told of it all the same
    """

    incident: Incident
    event: str
    kind: EventKind
    told: bool = False
    active: bool = False
    step: int = -1
    next_us: int | None = None
    round: int = 0
    rounds: int = 0
    first_step: int = 0
    is_reached: bool = False
    need: int = 1
    refused: list[str] = msgspec.field(default_factory=list)
    silent: list[str] = msgspec.field(default_factory=list)
    help_by: str = ""
    handed_to: str = ""
    handover_us: int | None = None
    watch: Watch | None = None
    asks: dict[str, Ask] = msgspec.field(default_factory=dict)
    lines: int = 0
    grouped: bool = False

    @property
    def answers(self) -> int:
        """How many people are on it."""
        if self.incident.state is IncidentState.RAISED:
            return 0
        return max(1, len(self.incident.acceptances))

    @property
    def on_it(self) -> set[str]:
        """Names of those who are on it."""
        return {acceptance.by for acceptance in self.incident.acceptances}

    @property
    def due_us(self) -> int | None:
        """Its next deadline, µs since the epoch; None where it has none."""
        due = [ask.due_us for ask in self.asks.values() if ask.due_us is not None]
        watch_us = None if self.watch is None else self.watch.due_us
        due += [us for us in (self.next_us, self.handover_us, watch_us) if us is not None]
        return min(due, default=None)

    def waits(self, step: int | None = None) -> bool:
        """Say whether anybody's answer is waited for; with `step`, of those who are asked as that step of the round."""
        return any(
            ask.state.is_live and (step is None or (ask.step == step and ask.round == self.round))
            for ask in self.asks.values()
        )

    def shift(self, step_us: int) -> None:
        """Move every time by `step_us`."""
        if self.next_us is not None:
            self.next_us += step_us
        if self.handover_us is not None:
            self.handover_us += step_us
        if self.watch is not None:
            self.watch = msgspec.structs.replace(self.watch, since_us=self.watch.since_us + step_us)
        self.asks = {person: ask.shifted(step_us) for person, ask in self.asks.items()}
