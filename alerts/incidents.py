"""`Incidents`: the fold of changes and commands into incidents and their timelines.

Time is an argument, names are made from causes, and the state is one blob: the same calls in the same order give the
same events, whether they are the first or a replay from a snapshot.
"""

from __future__ import annotations

import heapq
from collections import ChainMap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from alerts.account import continued, opened
from alerts.command import Acknowledge, IncidentCommand, Reopen, Resolve
from alerts.counters import AlertsCounters
from alerts.identity import INCIDENT_CHARACTERS, identity, normalised
from alerts.incident import EventKind, Incident, IncidentEvent
from alerts.lifecycle import OPENING, CommandRejected, Transition, Trigger, advance
from alerts.wording import story
from devices.profile import MetricType
from rules.model import RuleKind

if TYPE_CHECKING:
    from alerts.finding import Finding

__all__ = ["IncidentLimits", "Incidents"]

SNAPSHOT_VERSION: Final = 1
JOINED_TOLD: Final = 16


@dataclass(frozen=True, slots=True)
class IncidentLimits:
    """What the fold is bounded by.

    reopen_within_s: a rule that holds again within so many seconds is the same danger; later it is a new one
    closed_kept:     closed incidents kept at hand besides those that can still re-open; the archive has all
    """

    reopen_within_s: float = 600.0
    closed_kept: int = 1_000


class _Snapshot(msgspec.Struct, frozen=True):
    open: tuple[Incident, ...]
    closed: tuple[Incident, ...]


class Incidents:
    """Every open incident, and the closed ones that may still matter.

    At most one incident of a device and rule is open. A change that holds is news, and pages, where nothing is open for
    it, or where what is open had gone quiet for longer than the re-open window: a press of an SOS button next week is
    no repeat of the one that somebody acknowledged and forgot.
    """

    def __init__(self, limits: IncidentLimits | None = None, counters: AlertsCounters | None = None) -> None:
        limits = limits or IncidentLimits()
        self._window_us = round(limits.reopen_within_s * 1e6)
        self._closed_kept = limits.closed_kept
        self._counters = counters or AlertsCounters()
        self._open: dict[str, Incident] = {}
        self._open_of: dict[tuple[str, str], str] = {}
        self._closed: dict[str, Incident] = {}  # oldest closed first
        self._closed_of: dict[tuple[str, str], str] = {}  # the newest of each key
        self._known = ChainMap(self._open, self._closed)

    # ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────

    def __len__(self) -> int:
        """Open incidents."""
        return len(self._open)

    def get(self, incident: str) -> Incident | None:
        """Return the incident that a person's typing means, open or kept."""
        name = normalised(incident)
        return self._known.get(name)

    def open(self) -> list[Incident]:
        """Return the open incidents, in the order in which they were raised."""
        return list(self._open.values())

    def recent(self, n: int) -> list[Incident]:
        """Return the `n` newest incidents, open or closed, newest first."""
        known = [*self._open.values(), *self._closed.values()]
        return heapq.nlargest(n, known, key=lambda incident: (incident.raised_us, incident.id))

    # ── folding ──────────────────────────────────────────────────────────────────────────────────────────────────

    def apply_change(self, finding: Finding) -> list[IncidentEvent]:
        """Fold one change in and return what it adds to timelines, oldest first."""
        change, now_us = finding.change, finding.now_us
        self._forget(now_us)
        key = (finding.device.key, finding.rule.id)
        incident = self._open.get(self._open_of.get(key, ""))
        if incident is None:
            closed = self._closed.get(self._closed_of.get(key, ""))
            if change.holds and (closed is None or not self._may_reopen(closed, now_us)):
                causes = (*key, finding.offset, finding.index)
                name = identity(*causes, characters=INCIDENT_CHARACTERS, taken=self._known)
                return [self._enter(opened(name, finding), OPENING, now_us)]
            if closed is None or not (change.holds or closed.condition_holds):
                return []
            incident = closed
        return self._fold(incident, self._trigger(incident, finding), finding)

    def apply_command(self, command: IncidentCommand, now_us: int, offset: int) -> list[IncidentEvent]:  # noqa: ARG002  # the offset names what a later command will open
        """Do what a person decided.

        Raises CommandRejected, with everything unchanged, where there is no such incident or its state forbids it.
        """
        incident = self.get(command.incident)
        if incident is None:
            raise CommandRejected(f"no incident {command.incident!r} is open or was closed lately")
        rival = self._open_of.get(incident.key, incident.id)
        if rival != incident.id and isinstance(command, Reopen):
            raise CommandRejected(f"cannot reopen {incident.id}: {rival} is open for the same device and rule")
        try:
            transition = advance(incident.state, _TRIGGERS[type(command)])
        except CommandRejected as rejected:
            raise CommandRejected(f"incident {incident.id}: {rejected.wrong}", rejected.possible) from None
        self._forget(now_us)
        after = msgspec.structs.replace(incident, note=command.note or incident.note)
        if isinstance(command, Resolve):
            after = msgspec.structs.replace(after, outcome=command.outcome)
        return [self._enter(after, transition, now_us, command.by, command.note)]

    # ── state ────────────────────────────────────────────────────────────────────────────────────────────────────

    def snapshot(self) -> bytes:
        """Return the whole state; `restore` takes it."""
        state = _Snapshot(tuple(self._open.values()), tuple(self._closed.values()))
        return bytes([SNAPSHOT_VERSION]) + msgspec.msgpack.encode(state)

    def restore(self, snapshot: bytes) -> None:
        """Take the state of a snapshot in place of this one.

        Raises ValueError where it is of a version that this program does not read.
        """
        if not snapshot or snapshot[0] != SNAPSHOT_VERSION:
            raise ValueError(f"incidents snapshot of version {snapshot[:1]!r}; wanted {SNAPSHOT_VERSION}")
        state = msgspec.msgpack.decode(memoryview(snapshot)[1:], type=_Snapshot)
        self._open = {incident.id: incident for incident in state.open}
        self._open_of = {incident.key: incident.id for incident in state.open}
        self._closed = {incident.id: incident for incident in state.closed}
        self._closed_of = {incident.key: incident.id for incident in state.closed}
        self._known = ChainMap(self._open, self._closed)

    # ── deciding ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _trigger(self, incident: Incident, finding: Finding) -> Trigger:
        change, rule, metric = finding.change, finding.rule, finding.metric
        if not change.holds:
            # An override may have put it into another class since it was raised.
            return Trigger.ENDS if incident.is_life_safety or rule.is_life_safety else Trigger.CEASES
        if not incident.state.is_open:
            return Trigger.HOLDS
        was_quiet = finding.now_us - incident.last_us > self._window_us
        if incident.condition_holds:
            # A flag says again what it said; an event is each time a new one, and so is what no profile describes.
            is_event = rule.kind is RuleKind.ALARM and (metric is None or metric.type is MetricType.EVENT)
            return Trigger.HOLDS if is_event and was_quiet else Trigger.REPEATS
        return Trigger.HOLDS if was_quiet else Trigger.RETURNS

    def _may_reopen(self, closed: Incident, now_us: int) -> bool:
        return now_us - (closed.closed_us or 0) <= self._window_us

    def _fold(self, incident: Incident, trigger: Trigger, finding: Finding) -> list[IncidentEvent]:
        transition = advance(incident.state, trigger)
        repeats = incident.repeats + finding.change.holds
        if trigger is Trigger.HOLDS:
            fresh = opened(incident.id, finding)
            after = msgspec.structs.replace(
                fresh, state=incident.state, repeats=repeats, note=incident.note, revision=incident.revision
            )
        else:
            after = msgspec.structs.replace(continued(incident, finding), repeats=repeats)
        if transition.event is EventKind.REPEATED and not _is_told(incident, after):
            self._open[after.id] = after  # counted, and what it says is up to date
            return []
        return [self._enter(after, transition, finding.now_us)]

    def _enter(
        self, incident: Incident, transition: Transition, now_us: int, by: str = "", note: str = ""
    ) -> IncidentEvent:
        """Put the incident into its new state, and write the line of its timeline."""
        was_open = incident.id in self._open
        match transition.event:
            case EventKind.RAISED | EventKind.REOPENED:
                incident = msgspec.structs.replace(
                    incident,
                    raised_us=now_us,
                    acknowledged_us=None,
                    acknowledged_by="",
                    closed_us=None,
                    closed_by="",
                    outcome=None,
                )
            case EventKind.ACKNOWLEDGED:
                incident = msgspec.structs.replace(incident, acknowledged_us=now_us, acknowledged_by=by)
            case EventKind.RESOLVED | EventKind.CLEARED:
                # What had cleared and is now judged by a person stays closed since it cleared.
                closed_us = now_us if was_open else incident.closed_us
                incident = msgspec.structs.replace(incident, closed_us=closed_us, closed_by=by)
            case _:
                pass
        incident = msgspec.structs.replace(incident, state=transition.state, revision=incident.revision + 1)
        self._place(incident)
        self._counters.count_event(transition.event, incident)
        text = story(transition.event, incident, by, note)
        return IncidentEvent(
            id=f"{incident.id}-{incident.revision}",
            kind=transition.event,
            time_us=now_us,
            by=by,
            text_en=text.en,
            text_zh=text.zh,
            incident=incident,
        )

    def _place(self, incident: Incident) -> None:
        if incident.state.is_open:
            self._closed.pop(incident.id, None)
            self._open[incident.id] = incident
            self._open_of[incident.key] = incident.id
            return
        if self._open.pop(incident.id, None) is not None:
            del self._open_of[incident.key]
            self._closed_of[incident.key] = incident.id
        self._closed[incident.id] = incident

    def _forget(self, now_us: int) -> None:
        while len(self._closed) > self._closed_kept:
            oldest = next(iter(self._closed.values()))
            if self._may_reopen(oldest, now_us):
                return
            del self._closed[oldest.id]
            if self._closed_of.get(oldest.key) == oldest.id:
                del self._closed_of[oldest.key]


_TRIGGERS: Final[dict[type[IncidentCommand], Trigger]] = {
    Acknowledge: Trigger.ACKNOWLEDGE,
    Resolve: Trigger.RESOLVE,
    Reopen: Trigger.REOPEN,
}


def _is_told(before: Incident, after: Incident) -> bool:
    """Say whether a repetition is a line of the timeline: every power of two is, and the first devices that join."""
    joined = before.members_count < after.members_count <= JOINED_TOLD
    return joined or not after.repeats & (after.repeats - 1)
