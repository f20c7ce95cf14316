"""`Incidents`: the fold of changes, commands and time into incidents and their timelines.

Time is an argument, names are made from causes, and the state is one blob: the same calls in the same order give the
same events, whether they are the first or a replay from a snapshot.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from alerts.account import continued, exercised, is_press, opened
from alerts.command import External, IncidentCommand, Reopen, StartDrill
from alerts.counters import AlertsCounters
from alerts.external import told_by
from alerts.identity import INCIDENT_CHARACTERS, identity
from alerts.incident import EventKind, Exercise, Incident, IncidentEvent
from alerts.lifecycle import OPENING, CommandRejected, Transition, Trigger, advance
from alerts.shelf import Shelf
from alerts.steps import check, decided, entered, is_repeat, trigger_of
from alerts.wording import story
from devices.model import Kind

if TYPE_CHECKING:
    from alerts.finding import Finding
    from devices.model import Device
    from devices.profile import Metric
    from rules.model import Rule

__all__ = ["IncidentLimits", "Incidents"]

JOINED_TOLD: Final = 16


@dataclass(frozen=True, slots=True)
class IncidentLimits:
    """What the fold is bounded by.

    reopen_within_s: a rule that holds again within so many seconds is the same danger; later it is a new one
    closed_kept:     closed incidents kept at hand besides those that can still re-open; the archive has all
    press_again_s:   an event, such as a press of a button, that comes more than so many seconds after the one before is
                     no repetition of it: it pages anew where somebody had taken that one up
    drill_s:         a drill that nobody ends is over after so many seconds
    drills_open:     drills under way at once; a further one is refused
    external_open:   open alerts of other systems; a further one is refused
    """

    reopen_within_s: float = 600.0
    closed_kept: int = 1_000
    press_again_s: float = 60.0
    drill_s: float = 7_200.0
    drills_open: int = 20
    external_open: int = 1_000


class Incidents:
    """Every open incident, and the closed ones that may still matter.

    At most one incident of a device and rule is open, besides a drill. A change that holds is news, and pages, where
    nothing is open for it, or where what is open had gone quiet for longer than the re-open window: a press of an SOS
    button next week is no repeat of the one that somebody accepted and forgot. Nor is one that comes a minute after the
    one that somebody is on the way for.
    """

    def __init__(self, limits: IncidentLimits | None = None, counters: AlertsCounters | None = None) -> None:
        self._limits = limits or IncidentLimits()
        self._window_us = round(self._limits.reopen_within_s * 1e6)
        self._press_again_us = round(self._limits.press_again_s * 1e6)
        self._drill_us = round(self._limits.drill_s * 1e6)
        self._counters = counters or AlertsCounters()
        self._shelf = Shelf()
        self._drills: dict[str, None] = {}  # those open, in the order in which they were raised

    # ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────

    def __len__(self) -> int:
        """Open incidents."""
        return len(self._shelf)

    def get(self, incident: str) -> Incident | None:
        """Return the incident that a person's typing means, open or kept."""
        return self._shelf.get(incident)

    def open(self) -> list[Incident]:
        """Return the open incidents, in the order in which they were raised."""
        return self._shelf.open()

    def recent(self, n: int) -> list[Incident]:
        """Return the `n` newest incidents, open or closed, newest first."""
        return self._shelf.recent(n)

    # ── folding ──────────────────────────────────────────────────────────────────────────────────────────────────

    def apply_change(self, finding: Finding) -> list[IncidentEvent]:
        """Fold one change in and return what it adds to timelines, oldest first."""
        self._forget(finding.now_us)
        key = (finding.device.key, finding.rule.id)
        if not finding.change.holds and self._shelf.open_of(key) is None and self._shelf.closed_of(key) is None:
            return []
        causes = (*key, finding.offset, finding.index)
        return self._hear(opened("", finding), causes, is_press=is_press(finding))

    def apply_external(self, command: External, now_us: int, offset: int) -> list[IncidentEvent]:
        """Fold another system's alert in.

        Raises CommandRejected, with everything unchanged, where it makes no sense or too many are open.
        """
        told = told_by(command, now_us)
        if told.condition_holds and self._shelf.open_of(told.key) is None:
            at_hand = sum(incident.kind is Kind.EXTERNAL for incident in self._shelf.open())
            if at_hand >= self._limits.external_open:
                self._counters.external_refused += 1
                raise CommandRejected(f"{at_hand} alerts of other systems are open already")
        self._forget(now_us)
        return self._hear(told, ("external", *told.key, offset), is_press=False)

    def start_drill(
        self,
        command: StartDrill,
        device: Device,
        rule: Rule,
        metric: Metric | None,
        now_us: int,
        offset: int,
    ) -> list[IncidentEvent]:
        """Raise an incident as if `rule` held on `device`; it is apart from what the device itself says.

        Raises CommandRejected where there is such a drill already, or too many.
        """
        told = exercised("", device, rule, metric, now_us)
        rival = self._shelf.open_of(told.key)
        if rival is not None:
            raise CommandRejected(f"this drill is under way already: {rival.id}")
        if len(self._drills) >= self._limits.drills_open:
            raise CommandRejected(f"{len(self._drills)} drills are under way already")
        self._forget(now_us)
        told = msgspec.structs.replace(told, note=command.note)
        return self._raise(told, ("drill", *told.key, offset), now_us, command)

    def apply_command(self, command: IncidentCommand, now_us: int, offset: int) -> list[IncidentEvent]:  # noqa: ARG002  # the offset names what a later command will open
        """Do what a person decided; nothing comes of what was said already.

        Raises CommandRejected, with everything unchanged, where there is no such incident, its state forbids it or the
        words make no sense.
        """
        incident = self.get(command.incident)
        if incident is None:
            raise CommandRejected(f"no incident {command.incident!r} is open or was closed lately")
        rival = self._shelf.open_of(incident.key)
        if rival is not None and rival.id != incident.id and isinstance(command, Reopen):
            raise CommandRejected(f"cannot reopen {incident.id}: {rival.id} is open for the same device and rule")
        try:
            transition = advance(incident.state, trigger_of(incident, command))
        except CommandRejected as rejected:
            raise CommandRejected(f"incident {incident.id}: {rejected.wrong}", rejected.possible) from None
        check(incident, command)
        self._forget(now_us)
        if is_repeat(incident, command):
            if not command.note:
                return []
            transition = advance(incident.state, Trigger.NOTE)
            after = msgspec.structs.replace(incident, note=command.note)
        else:
            after = decided(incident, command, now_us)
        return [self._enter(after, transition, now_us, command)]

    def advance(self, now_us: int) -> list[IncidentEvent]:
        """End the drills whose time is up."""
        if not self._drills:
            return []
        open_drills = [incident for name in self._drills if (incident := self._shelf.get(name)) is not None]
        due = [incident for incident in open_drills if now_us - incident.raised_us >= self._drill_us]
        return [self._enter(incident, advance(incident.state, Trigger.LAPSES), now_us) for incident in due]

    # ── state ────────────────────────────────────────────────────────────────────────────────────────────────────

    def snapshot(self) -> bytes:
        """Return the whole state; `restore` takes it."""
        return self._shelf.snapshot()

    def restore(self, snapshot: bytes) -> None:
        """Take the state of a snapshot in place of this one.

        Raises ValueError where it is of a version that this program does not read.
        """
        self._shelf = Shelf.of(snapshot)
        drills = (incident.id for incident in self._shelf.open() if incident.exercise is Exercise.DRILL)
        self._drills = dict.fromkeys(drills)

    # ── deciding ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _hear(self, told: Incident, causes: tuple[str | int, ...], *, is_press: bool) -> list[IncidentEvent]:
        """Fold in what is said of one danger: `told` is the incident as that alone tells it."""
        now_us = told.last_us
        incident = self._shelf.open_of(told.key)
        if incident is None:
            closed = self._shelf.closed_of(told.key)
            if told.condition_holds and (closed is None or not self._may_reopen(closed, now_us)):
                return self._raise(told, causes, now_us)
            if closed is None or not (told.condition_holds or closed.condition_holds):
                return []
            incident = closed
        trigger = self._trigger(incident, told, is_press=is_press)
        transition = advance(incident.state, trigger)
        after = self._after(incident, told, transition)
        is_quiet = trigger is Trigger.REPEATS and not _is_told(incident, after)
        if is_quiet:
            self._shelf.put(after)  # counted, and what it says is up to date
            return []
        return [self._enter(after, transition, now_us)]

    def _trigger(self, incident: Incident, told: Incident, *, is_press: bool) -> Trigger:
        if not told.condition_holds:
            # An override may have put it into another class since it was raised.
            return Trigger.ENDS if incident.is_life_safety or told.is_life_safety else Trigger.CEASES
        quiet_us = told.last_us - incident.last_us
        is_old = quiet_us > self._window_us
        # A flag says again what it said; a press is each time a new one.
        if not incident.state.is_open or (is_old and (is_press or not incident.condition_holds)):
            return Trigger.HOLDS
        if is_press and quiet_us > self._press_again_us:
            return Trigger.PRESSES
        return Trigger.REPEATS if incident.condition_holds else Trigger.RETURNS

    def _after(self, incident: Incident, told: Incident, transition: Transition) -> Incident:
        """Return the incident with what it now says."""
        repeats = incident.repeats + told.condition_holds
        if transition.event is not EventKind.REOPENED:
            return msgspec.structs.replace(continued(incident, told), repeats=repeats)
        return msgspec.structs.replace(
            told,
            id=incident.id,
            state=incident.state,
            repeats=repeats,
            note=incident.note,
            revision=incident.revision,
        )

    def _may_reopen(self, closed: Incident, now_us: int) -> bool:
        return now_us - (closed.closed_us or 0) <= self._window_us

    def _raise(
        self, told: Incident, causes: tuple[str | int, ...], now_us: int, command: StartDrill | None = None
    ) -> list[IncidentEvent]:
        name = identity(*causes, characters=INCIDENT_CHARACTERS, taken=self._shelf.names)
        return [self._enter(msgspec.structs.replace(told, id=name), OPENING, now_us, command)]

    def _enter(
        self,
        incident: Incident,
        transition: Transition,
        now_us: int,
        command: IncidentCommand | StartDrill | None = None,
    ) -> IncidentEvent:
        """Put the incident into its new state, and write the line of its timeline."""
        by, origin, note = (command.by, command.origin, command.note) if command else ("", "", "")
        before = self._shelf.get(incident.id)
        incident = entered(incident, transition, by, now_us)
        self._shelf.put(incident)
        if not incident.state.is_open:
            self._drills.pop(incident.id, None)
        elif incident.exercise is Exercise.DRILL:
            self._drills[incident.id] = None  # where it is in already, it keeps its place
        self._counters.count_event(transition.event, incident, before)
        text = story(transition.event, incident, by, note)
        return IncidentEvent(
            id=f"{incident.id}-{incident.revision}",
            kind=transition.event,
            time_us=now_us,
            by=by,
            origin=origin,
            text_en=text.en,
            text_zh=text.zh,
            incident=incident,
        )

    def _forget(self, now_us: int) -> None:
        self._shelf.trim(self._limits.closed_kept, lambda closed: self._may_reopen(closed, now_us))


def _is_told(before: Incident, after: Incident) -> bool:
    """Say whether a repetition is a line of the timeline: every power of two is, and the first devices that join."""
    joined = before.members_count < after.members_count <= JOINED_TOLD
    return joined or not after.repeats & (after.repeats - 1)
