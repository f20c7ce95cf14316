"""`Alerting`: all that alerts knows, folded from changes, commands and time in the order of the journal.

change, command ─► incidents ─► response (noise, people, post) ─► outbox ─► what is owed to people
                       └─────────────┴───────────────────────────────┴────► the timeline, chained
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from alerts.audit_event import AuditEvent
from alerts.command import (
    Audit,
    EndSilence,
    External,
    Settle,
    Silence,
    StartDrill,
    Subscribe,
    Test,
    Unsubscribe,
)
from alerts.contact_tests import ContactTests, SelfTest
from alerts.evidence.chain import Chain
from alerts.evidence.dossier import Dossier
from alerts.evidence.recent import RecentEvents, signed
from alerts.identity import NOTIFICATION_CHARACTERS, identity
from alerts.incident import EventKind, IncidentEvent, IncidentState, NotificationStatus
from alerts.incidents import IncidentLimits, Incidents
from alerts.lifecycle import CommandRejected
from alerts.noise.counters import NoiseCounters
from alerts.noise.inhibition import DEFAULT_INHIBITIONS
from alerts.noise.noise import Noise, NoiseLimits
from alerts.noise.post import Post, PostLimits
from alerts.notification import Purpose
from alerts.outbox import Outbox, OutboxLimits
from alerts.people.model import Directory, decode_directory, encode_directory
from alerts.response.response import Response, ResponseLimits
from alerts.response.wearer import wearers_answers
from alerts.response_event import ResponseEvent, ResponseKind
from alerts.subscriptions import Subscriptions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from alerts.command import Command, IncidentCommand
    from alerts.counters import AlertsCounters
    from alerts.finding import Finding
    from alerts.incident import AlertEvent, Incident
    from alerts.noise.inhibition import Inhibition
    from alerts.notification import Notification
    from alerts.response.response import Consequences
    from alerts.routing import Routing
    from devices.batch import ReadingBatch
    from devices.model import Device
    from devices.profile import Metric
    from devices.registry import Registry
    from rules.model import Rule

__all__ = ["Alerted", "Alerting", "AlertingLimits"]

_LOST: Final = frozenset({NotificationStatus.FAILED, NotificationStatus.EXPIRED})


@dataclass(frozen=True, slots=True)
class AlertingLimits:
    """What each part is bounded by."""

    incidents: IncidentLimits = field(default_factory=IncidentLimits)
    outbox: OutboxLimits = field(default_factory=OutboxLimits)
    noise: NoiseLimits = field(default_factory=NoiseLimits)
    post: PostLimits = field(default_factory=PostLimits)
    response: ResponseLimits = field(default_factory=ResponseLimits)
    inhibitions: tuple[Inhibition, ...] = DEFAULT_INHIBITIONS
    self_test: SelfTest = field(default_factory=lambda: SelfTest(day=None))


@dataclass(slots=True)
class Alerted:
    """What follows from one record: new lines of timelines, messages now owed, and messages not wanted any more.

    made: id of the silence that a command made or changed, "" where it did not
    """

    events: list[AlertEvent] = field(default_factory=list)
    owed: list[Notification] = field(default_factory=list)
    withdrawn: list[str] = field(default_factory=list)
    rejected: CommandRejected | None = None
    made: str = ""


class Alerting:
    """Incidents, response, outbox and timeline of one shard; `directory` is empty until a record brings one.

    Every method adds what follows to the `Alerted` that it is given. Not thread-safe.
    """

    def __init__(self, routing: Routing, limits: AlertingLimits, counters: AlertsCounters) -> None:
        self.noise_counters = NoiseCounters()
        self._counters = counters
        self.incidents = Incidents(limits.incidents, counters)
        self.outbox = Outbox(limits.outbox, counters)
        self.noise = Noise(limits.noise, limits.inhibitions, self.noise_counters)
        self.post = Post(limits.post, self.noise_counters)
        self.response = Response(Directory(), routing, self.outbox, self.noise, self.post, limits.response, counters)
        self.contact_tests = ContactTests(limits.self_test)
        self.subscriptions = Subscriptions()
        self.chain = Chain()
        self.recent = RecentEvents()
        self.directory: Directory | None = None
        self._residents: dict[str, str] = {}
        self._unasked: list[IncidentEvent] = []

    # ── folding ──────────────────────────────────────────────────────────────────────────────────────────────────

    def change(self, finding: Finding, alerted: Alerted) -> None:
        """Fold one change of a rule."""
        self._hear(self.incidents.apply_change(finding), finding.now_us, finding.offset, alerted)

    def readings(self, batch: ReadingBatch, registry: Registry, now_us: int, offset: int, alerted: Alerted) -> None:
        """Fold what wearers of watches answer."""
        if self._residents and len(self.incidents):
            for command in wearers_answers(batch, registry, self.incidents.open(), self._residents):
                self._decide(command, now_us, offset, alerted, by_itself=True)

    def command(
        self,
        command: Command,
        drill: Callable[[str, str], tuple[Device, Rule, Metric | None]],
        now_us: int,
        offset: int,
        alerted: Alerted,
    ) -> None:
        """Fold what a person or delivery says; what cannot be is in `alerted.rejected`.

        drill: (device, rule id) → what a drill is about; raises CommandRejected where there is none
        """
        try:
            match command:
                case Settle():
                    self._settle(command, now_us, offset, alerted)
                case Silence() | EndSilence():
                    consequences = self.response.apply(command, now_us, offset)
                    alerted.made = consequences.made
                    self._follow(consequences, now_us, offset, alerted)
                case StartDrill():
                    device, rule, metric = drill(command.device, command.rule)
                    events = self.incidents.start_drill(command, device, rule, metric, now_us, offset)
                    self._hear(events, now_us, offset, alerted)
                case External():
                    self._hear(self.incidents.apply_external(command, now_us, offset), now_us, offset, alerted)
                case Test():
                    self._owe(self.contact_tests.start(command, self._people, now_us, offset), alerted)
                case Subscribe() | Unsubscribe():
                    self.subscriptions.apply(command)
                case Audit():
                    alerted.events.append(_audited(command, now_us, offset))
                case _:
                    self._decide(command, now_us, offset, alerted)
        except CommandRejected as rejection:
            alerted.rejected = rejection

    def use(self, directory: Directory, now_us: int, offset: int, alerted: Alerted) -> None:
        """Go on with the people of `directory`."""
        self.directory = directory
        self._residents = {resident.device: resident.person or resident.device for resident in directory.residents}
        self.response.use(directory, now_us)
        unasked, self._unasked = self._unasked, []
        self._hear(unasked, now_us, offset, alerted)

    def shift(self, step_us: int) -> None:
        """Move every deadline: our clock was set forward by `step_us`."""
        self.response.shift(step_us)
        self._counters.shift(step_us)

    def advance(self, now_us: int, offset: int, alerted: Alerted) -> None:
        """Do what is due by `now_us`, and chain what was added to the timelines."""
        self._hear(self.incidents.advance(now_us), now_us, offset, alerted)
        next_us = self.response.next_us
        if next_us is not None and next_us <= now_us:
            self._follow(self.response.advance(now_us), now_us, offset, alerted)
        self._owe(self.contact_tests.advance(now_us, self._people), alerted)
        self.outbox.forget(now_us)
        alerted.events = self.chain.add(alerted.events)
        self.recent.add(alerted.events)

    def dossier(self, incident: str, now_us: int) -> Dossier | None:
        """Return all that is at hand of an incident, None where it is not known; the archive may have older lines."""
        found = self.incidents.get(incident)
        if found is None:
            return None
        return Dossier(
            incident=found,
            lines=tuple(signed(event) for event in self.recent.of(found.id)),
            head=self.chain.head(found.id)[1],
            made_us=now_us,
        )

    # ── snapshots ────────────────────────────────────────────────────────────────────────────────────────────────

    def snapshot(self) -> dict[str, bytes]:
        """Return the state as named parts; `restore` takes them."""
        return {
            "incidents": self.incidents.snapshot(),
            "outbox": self.outbox.snapshot(),
            "noise": self.noise.snapshot(),
            "post": self.post.snapshot(),
            "response": self.response.snapshot(),
            "contact-tests": self.contact_tests.snapshot(),
            "subscriptions": self.subscriptions.snapshot(),
            "chain": self.chain.snapshot(),
            "recent": self.recent.snapshot(),
            "directory": b"" if self.directory is None else encode_directory(self.directory),
        }

    def restore(self, parts: Mapping[str, bytes], now_us: int) -> None:
        """Fill a new one from a checkpoint's parts. Raises ValueError where a part is of a version not known here.

        A checkpoint of a version that asked nobody has no response: what was open and unanswered in it is asked about
        as soon as there is a directory.
        """
        self.incidents.restore(parts["incidents"])
        self.outbox.restore(parts["outbox"])
        if "response" not in parts:
            self._unasked = [
                _again(incident, now_us) for incident in self.incidents.open() if incident.state is IncidentState.RAISED
            ]
            return
        if parts["directory"]:
            self.directory = decode_directory(parts["directory"])
            self._residents = {one.device: one.person or one.device for one in self.directory.residents}
            self.response.use(self.directory, now_us)
        self.noise.restore(parts["noise"])
        self.post.restore(parts["post"])
        self.response.restore(parts["response"])
        self.contact_tests.restore(parts["contact-tests"])
        self.subscriptions.restore(parts["subscriptions"])
        self.chain.restore(parts["chain"])
        self.recent.restore(parts["recent"])

    # ── deciding ─────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def _people(self) -> Directory:
        return self.directory or Directory()

    def _decide(
        self, command: IncidentCommand, now_us: int, offset: int, alerted: Alerted, *, by_itself: bool = False
    ) -> None:
        """Do what a person decided; what nobody typed (`by_itself`) and cannot be done is no rejection."""
        if command.notification:
            self._answered(command.notification, now_us, alerted)
            if self.contact_tests.answered(command.notification, now_us):
                return
        try:
            events = self.incidents.apply_command(command, now_us, offset)
        except CommandRejected:
            if by_itself:
                return
            raise
        self._hear(events, now_us, offset, alerted, by_itself=by_itself)

    def _answered(self, notification: str, now_us: int, alerted: Alerted) -> None:
        event = self.outbox.answered(notification, now_us)
        if event is not None:
            alerted.events.append(event)

    def _settle(self, command: Settle, now_us: int, offset: int, alerted: Alerted) -> None:
        notification = self.outbox.get(command.notification)
        event = self.outbox.settle(command, now_us)
        if event is not None:
            if event.status in _LOST and notification is not None and notification.purpose is Purpose.TELL:
                self._counters.untold += 1
            alerted.events.append(event)
            self.contact_tests.settled(event, now_us)
            self._follow(self.response.settled(event, now_us), now_us, offset, alerted)

    def _hear(
        self, events: list[IncidentEvent], now_us: int, offset: int, alerted: Alerted, *, by_itself: bool = False
    ) -> None:
        if events:
            alerted.events += events
            self._follow(self.response.hear(events, now_us), now_us, offset, alerted, by_itself=by_itself)

    def _follow(
        self, consequences: Consequences, now_us: int, offset: int, alerted: Alerted, *, by_itself: bool = False
    ) -> None:
        alerted.events += consequences.events
        self._counters.untold += sum(map(self._is_untold, consequences.events))
        alerted.owed += consequences.owed
        alerted.withdrawn += consequences.withdrawn
        if by_itself:  # what a lead's answer means for its group means nothing further
            return
        for command in consequences.commands:
            self._decide(command, now_us, offset, alerted, by_itself=True)

    def _is_untold(self, event: AlertEvent) -> bool:
        """Say whether `event` tells that nothing reached a person; who was reached, and does not answer, was told."""
        if not isinstance(event, ResponseEvent) or event.kind is not ResponseKind.UNREACHED:
            return False
        return all(ask.person != event.person or ask.reached is None for ask in self.response.asks(event.incident))

    def _owe(self, notifications: list[Notification], alerted: Alerted) -> None:
        alerted.owed += self.outbox.owe(notifications)


def _audited(command: Audit, now_us: int, offset: int) -> AuditEvent:
    return AuditEvent(
        id=identity("audit", offset, characters=NOTIFICATION_CHARACTERS),
        time_us=now_us,
        by=command.by,
        origin=command.origin,
        subject=command.subject,
        what=command.what,
        incident=command.incident,
        allowed=command.allowed,
    )


def _again(incident: Incident, now_us: int) -> IncidentEvent:
    """Return the event that an open incident was last told by, for a response that did not hear it."""
    return IncidentEvent(
        id=f"{incident.id}-{incident.revision}",
        kind=EventKind.RAISED,
        time_us=now_us,
        by="",
        text_en=incident.what_en,
        text_zh=incident.what_zh,
        incident=incident,
    )
