"""`Board`: every open incident's escalation, and the ways to find one: by name, message, reply code or time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from alerts.counters import ResponseBound
from alerts.people.who import Who
from alerts.response.codes import Codes, is_same_number
from alerts.response.deadlines import Deadlines
from alerts.response.escalation import Escalation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from alerts.counters import AlertsCounters
    from alerts.incident import IncidentEvent
    from alerts.people.model import Directory
    from alerts.response.ask import Ask
    from alerts.response.limits import ResponseLimits

__all__ = ["Board", "Closed"]


class Closed(msgspec.Struct, frozen=True, gc=False):
    """What is kept of an incident that is not open any more: lines of its response, and whether it was told of."""

    lines: int
    told: bool


class Board:
    """Escalations of open incidents. `who` answers from the directory in force."""

    def __init__(self, directory: Directory, limits: ResponseLimits, counters: AlertsCounters) -> None:
        self.who = Who(directory)
        self.codes = Codes(round(limits.code_rest_s * 1e6))
        self.deadlines = Deadlines()
        self._limits = limits
        self._counters = counters
        self._escalations: dict[str, Escalation] = {}
        self._asks_of: dict[str, dict[tuple[str, str], None]] = {}  # (incident, person) by message
        self._closed: dict[str, Closed] = {}  # the longest closed first

    def __len__(self) -> int:
        """Open incidents."""
        return len(self._escalations)

    def __iter__(self) -> Iterator[Escalation]:
        """Iterate over the escalations, in the order in which they were opened."""
        return iter(self._escalations.values())

    def called(self, name: str) -> str:
        """Return what texts call somebody, who need not be in the directory."""
        person = self.who.person(name)
        return name if person is None else person.called

    # ── incidents ────────────────────────────────────────────────────────────────────────────────────────────────

    def get(self, incident: str) -> Escalation | None:
        """Return the escalation of an open incident."""
        return self._escalations.get(incident)

    def closed(self, incident: str) -> Closed | None:
        """Return what is kept of an incident that was closed."""
        return self._closed.get(incident)

    def open(self, event: IncidentEvent) -> Escalation:
        """Return the escalation of the incident of `event`, a new one where it has none."""
        incident = event.incident
        escalation = self._escalations.get(incident.id)
        if escalation is None:
            closed = self._closed.pop(incident.id, None)
            # A closed one that was forgotten: beyond any number that its lines can have had.
            lines = closed.lines if closed is not None else (incident.revision - 1) * 1_000_000
            escalation = Escalation(incident=incident, event=event.id, kind=event.kind, lines=lines)
            self._escalations[incident.id] = escalation
        escalation.incident = incident
        return escalation

    def close(self, escalation: Escalation, now_us: int) -> None:
        """Let go of an incident that is not open any more; its codes rest."""
        incident = escalation.incident.id
        del self._escalations[incident]
        self.deadlines.drop(incident)
        for ask in escalation.asks.values():
            if ask.code:
                self.codes.free(ask.code, now_us)
            self._unlink(ask, ask.messages)
        self._closed[incident] = Closed(escalation.lines, escalation.told or escalation.grouped)
        while len(self._closed) > self._limits.closed_kept:
            del self._closed[next(iter(self._closed))]
            self._counters.response_full[ResponseBound.CLOSED] += 1

    # ── asks ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def put(self, escalation: Escalation, ask: Ask) -> Ask:
        """Keep `ask` as it now is."""
        escalation.asks[ask.person] = ask
        self.deadlines.put(ask.due_us, ask.incident)
        return ask

    def link(self, ask: Ask, message: str) -> Ask:
        """Return `ask` with one more message by which it can be answered."""
        if message in ask.messages:
            return ask
        self._asks_of.setdefault(message, {})[ask.incident, ask.person] = None
        messages = (*ask.messages, message)
        dropped = len(messages) - self._limits.messages_kept
        if dropped > 0:
            self._unlink(ask, messages[:dropped])
            self._counters.response_full[ResponseBound.MESSAGES] += dropped
            messages = messages[dropped:]
        return msgspec.structs.replace(ask, messages=messages)

    def with_code(self, ask: Ask, now_us: int) -> Ask:
        """Return `ask` with a reply code, the one that it has or a new one."""
        if ask.code:
            return ask
        code = self.codes.give(ask.incident, ask.person, now_us)
        self._counters.response_full[ResponseBound.CODES] += not code
        return msgspec.structs.replace(ask, code=code)

    def by_code(self, code: str, address: str) -> Ask | None:
        """Return the ask that a code stands for; None where `address`, if any is given, is not one of theirs."""
        incident, name = self.codes.ask(code) or ("", "")
        escalation = self._escalations.get(incident)
        if escalation is None:
            return None
        person = self.who.person(name)
        contacts = () if person is None else person.contacts
        if address and not any(is_same_number(address, contact.address) for contact in contacts):
            return None
        return escalation.asks.get(name)

    def place_of(self, ask: Ask, channel: str) -> int | None:
        """Return the place of the contact by which a message of an ask went; None where they have none such."""
        person = self.who.person(ask.person)
        contacts = () if person is None else person.contacts
        if ask.contact < len(contacts) and contacts[ask.contact].channel == channel:
            return ask.contact
        return next((place for place, contact in enumerate(contacts) if contact.channel == channel), None)

    def asks_of(self, message: str) -> list[tuple[Escalation, Ask]]:
        """Return whom a message asks about what, by name; a digest asks about several things."""
        found = []
        for incident, person in sorted(self._asks_of.get(message, ())):
            escalation = self._escalations[incident]
            found.append((escalation, escalation.asks[person]))
        return found

    def _unlink(self, ask: Ask, messages: Iterable[str]) -> None:
        for message in messages:
            keys = self._asks_of[message]
            keys.pop((ask.incident, ask.person), None)
            if not keys:
                del self._asks_of[message]

    # ── state ────────────────────────────────────────────────────────────────────────────────────────────────────

    def state(self) -> tuple[tuple[Escalation, ...], tuple[tuple[str, Closed], ...]]:
        """Return the escalations and what is kept of closed incidents; `restore` takes them."""
        return tuple(self._escalations.values()), tuple(self._closed.items())

    def restore(
        self,
        escalations: Iterable[Escalation],
        closed: Iterable[tuple[str, Closed]],
        resting: Iterable[tuple[str, int]],
    ) -> None:
        """Take the state of a snapshot in place of this one."""
        self._escalations = {escalation.incident.id: escalation for escalation in escalations}
        self._closed = dict(closed)
        self._asks_of = {}
        self.codes.restore(resting)
        for escalation in self:
            for ask in escalation.asks.values():
                if ask.code:
                    self.codes.keep(ask.code, ask.incident, ask.person)
                for message in ask.messages:
                    self._asks_of.setdefault(message, {})[ask.incident, ask.person] = None
        self.look_again()

    def look_again(self) -> None:
        """Take every deadline anew from the escalations."""
        self.deadlines.clear()
        for escalation in self:
            self.deadlines.put(escalation.due_us, escalation.incident.id)
