"""`Response`: who is asked about an incident, by what, when the next channel, step and round come; what ends it.

A fold: time is an argument, messages are named by what caused them, and `snapshot` is the whole of its own state. Only
what a person does ends the asking; that a message was handed over or received does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from alerts.incident import EventKind, IncidentEvent, IncidentState
from alerts.people.who import Who
from alerts.response.answers import ANSWERS, Answers
from alerts.response.asking import Asking
from alerts.response.board import Board
from alerts.response.chains import EVERYONE, chain_of
from alerts.response.climbing import Climbing
from alerts.response.consequences import Consequences, Turn
from alerts.response.digests import Digests
from alerts.response.groups import Groups
from alerts.response.limits import ResponseLimits
from alerts.response.messages import Messages
from alerts.response.raising import Raising
from alerts.response.recipients import UPDATES, Recipients
from alerts.response.sending import Sender
from alerts.response.snapshot import Snapshot, decode, encode
from alerts.response.supervision import Colour
from alerts.response.telling import Telling
from alerts.response.watching import Watching
from alerts.text import NOTHING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alerts.command import EndSilence, Silence
    from alerts.counters import AlertsCounters
    from alerts.incident import Incident, NotificationEvent
    from alerts.noise.noise import Noise
    from alerts.noise.post import Post
    from alerts.outbox import Outbox
    from alerts.people.model import Directory
    from alerts.response.ask import Ask
    from alerts.response.escalation import Escalation
    from alerts.routing import Routing

__all__ = ["Consequences", "Response", "ResponseLimits"]


class Response:
    """The response to every open incident of a shard.

    `outbox`, `noise` and `post` are changed by nothing else than this and what delivery reports.
    """

    def __init__(
        self,
        directory: Directory,
        routing: Routing,
        outbox: Outbox,
        noise: Noise,
        post: Post,
        limits: ResponseLimits,
        counters: AlertsCounters,
    ) -> None:
        self._next_us: int | None = None
        self._is_changed = True  # since `_next_us` was found
        self._outbox = outbox
        self._noise = noise
        self._post = post
        self._counters = counters
        self._board = Board(directory, limits, counters)
        messages = Messages(limits)
        self._sender = Sender(self._board, outbox, post)
        self._recipients = Recipients(routing, self._sender, messages, counters, self._is_asked)
        telling = Telling(self._board, self._sender, messages)
        self._asking = Asking(
            self._board,
            self._sender,
            messages,
            outbox,
            lambda escalation: chain_of(self._board, escalation) or EVERYONE,
            noise.members_of,
        )
        self._climbing = Climbing(self._board, self._asking, telling, self._recipients, limits, counters)
        self._watching = Watching(self._board, telling, self._recipients, limits)
        groups = Groups(self._board, telling, noise)
        self._answers = Answers(self._board, self._asking, telling, self._climbing, groups, limits)
        self._raising = Raising(
            self._board, noise, self._recipients, self._asking, self._climbing, self._watching, groups
        )
        self._digests = Digests(self._board, post, self._sender, self._asking)

    # ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────

    def __len__(self) -> int:
        """Open incidents."""
        return len(self._board)

    @property
    def next_us(self) -> int | None:
        """When `advance` may have something to do, µs since the epoch; None where it has nothing."""
        if self._is_changed:
            times = (self._board.deadlines.next_us, self._noise.next_us, self._post.next_us)
            self._next_us = min((us for us in times if us is not None), default=None)
            self._is_changed = False
        return self._next_us

    def asks(self, incident: str) -> list[Ask]:
        """Return who is asked or told about an open incident, in the order in which they first were."""
        escalation = self._board.get(incident)
        return [] if escalation is None else list(escalation.asks.values())

    def ask_of(self, notification: str) -> Ask | None:
        """Return the ask that a message is an answer to, of a digest the one about its worst incident."""
        found = [ask for _, ask in self._board.asks_of(notification)]
        message = self._outbox.get(notification)
        if message is not None:
            found.sort(key=lambda ask: ask.incident != message.incident.id)
        return found[0] if found else None

    def asks_of(self, notification: str) -> list[Ask]:
        """Return every ask that a message is an answer to; a digest asks about several incidents."""
        return [ask for _, ask in self._board.asks_of(notification)]

    def by_code(self, code: str, address: str = "") -> Ask | None:
        """Return the ask that a reply code stands for; None where it stands for none, or `address` is not theirs."""
        return self._board.by_code(code, address)

    def colour(self, incident: str) -> Colour:
        """Return how much of the time of the step that the incident waits for is gone."""
        escalation = self._board.get(incident)
        return Colour.NONE if escalation is None or escalation.watch is None else escalation.watch.colour

    def _is_asked(self, incident: Incident) -> bool:
        return self._board.who.chain_for(incident) is not None

    # ── folding ──────────────────────────────────────────────────────────────────────────────────────────────────

    def hear(self, events: Sequence[IncidentEvent], now_us: int) -> Consequences:
        """Take in new lines of incidents' timelines, and return what follows besides them."""
        turn = self._turn(now_us)
        for event in events:
            verdict = self._noise.hear(event, now_us)
            if event.kind in {EventKind.RAISED, EventKind.REOPENED}:
                self._raising.hear(turn, event, verdict)
            else:
                self._went_on(turn, event)
        return turn.consequences

    def settled(self, event: NotificationEvent, now_us: int) -> Consequences:
        """Take in what became of a message."""
        turn = self._turn(now_us)
        self._sender.settled(turn, event)
        for escalation, ask in self._asking.settled(turn, event):
            self._climbing.reroute(turn, escalation, ask)
        return turn.consequences

    def apply(self, command: Silence | EndSilence, now_us: int, offset: int) -> Consequences:
        """Make, change or end a silence. Raises CommandRejected, with nothing changed."""
        turn = self._turn(now_us)
        turn.consequences.made = self._noise.apply(command, now_us, offset)
        self._raising.release(turn)
        return turn.consequences

    def advance(self, now_us: int) -> Consequences:
        """Do what is due by `now_us`, in the order in which it was due."""
        next_us = self.next_us
        if next_us is None or next_us > now_us:
            return Consequences()
        turn = self._turn(now_us)
        deadlines = self._board.deadlines
        while (entry := deadlines.take(now_us)) is not None:
            escalation = self._board.get(entry[1])
            due_us = None if escalation is None else escalation.due_us
            if escalation is None or due_us is None:
                continue
            if due_us <= entry[0]:
                self._due(turn, escalation, due_us)
                due_us = escalation.due_us
            deadlines.put(due_us, entry[1])
        self._raising.release(turn)
        self._digests.send(turn)
        return turn.consequences

    def use(self, directory: Directory, now_us: int) -> None:
        """Go on with the people of `directory`, by the deadlines that there are.

        Who is gone is not reached, and what nobody was asked about is asked about now where a chain takes it, both at
        the next `advance`.
        """
        self._is_changed = True
        self._board.who = Who(directory)
        self._asking.use(now_us)
        for escalation in self._board:
            is_left = escalation.next_us is None and escalation.incident.state is IncidentState.RAISED
            if escalation.told and is_left and chain_of(self._board, escalation) is not None:
                escalation.active, escalation.next_us = True, now_us
                self._board.deadlines.put(now_us, escalation.incident.id)

    def shift(self, step_us: int) -> None:
        """Move every deadline: our clock was stepped by `step_us`."""
        self._is_changed = True
        for escalation in self._board:
            escalation.shift(step_us)
        self._board.codes.shift(step_us)
        self._board.look_again()
        self._noise.shift(step_us)
        self._post.shift(step_us)

    # ── snapshots ────────────────────────────────────────────────────────────────────────────────────────────────

    def snapshot(self) -> bytes:
        """Return the state; `restore` takes it. Noise, post, outbox and the directory are kept by whoever has them."""
        escalations, closed = self._board.state()
        return encode(Snapshot(escalations, closed, self._board.codes.resting, self._sender.told))

    def restore(self, snapshot: bytes) -> None:
        """Take the state of a snapshot in place of this one.

        Raises ValueError where it is of a version that this program does not read.
        """
        state = decode(snapshot)
        self._is_changed = True
        self._board.restore(state.escalations, state.closed, state.resting)
        self._sender.restore(state.told)

    # ── deciding ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _turn(self, now_us: int) -> Turn:
        self._is_changed = True
        self._asking.remember(None, NOTHING)
        return Turn(now_us, self._counters)

    def _went_on(self, turn: Turn, event: IncidentEvent) -> None:
        """Take in an event that raises nothing."""
        incident = event.incident
        escalation = self._board.get(incident.id)
        if escalation is None and not incident.state.is_open:
            closed = self._board.closed(incident.id)
            if event.kind in UPDATES and (closed is None or closed.told):
                self._recipients.update(turn, event)
            return
        if escalation is None:  # of a checkpoint that knew of no response
            escalation = self._board.open(event)
            escalation.told = True
        before = escalation.incident.state
        escalation.incident = incident
        if not incident.state.is_open:
            self._answers.end(turn, escalation, event)
        elif event.kind in ANSWERS:
            self._answers.hear(turn, escalation, event)
        elif event.kind is EventKind.REFUSED:
            self._answers.refused(turn, escalation, event, before)
        left = event.kind is EventKind.REFUSED and incident.state is IncidentState.RAISED
        if (escalation.told or escalation.grouped) and (event.kind in UPDATES or left):
            self._recipients.update(turn, event)
        if not incident.state.is_open:
            self._board.close(escalation, turn.now_us)
        elif incident.state is not before:
            self._watching.begin(turn, escalation)

    def _due(self, turn: Turn, escalation: Escalation, due_us: int) -> None:
        """Do what is due of one incident; channels come before steps, and people before the time that they took."""
        for ask in self._asking.due(turn, escalation, due_us):
            self._climbing.reroute(turn, escalation, ask)
        if escalation.handover_us is not None and escalation.handover_us <= due_us:
            self._answers.lapse_due(turn, escalation)
        if escalation.next_us is not None and escalation.next_us <= due_us:
            self._climbing.climb(turn, escalation)
        watch_us = None if escalation.watch is None else escalation.watch.due_us
        if watch_us is not None and watch_us <= due_us:
            self._watching.due(turn, escalation)
