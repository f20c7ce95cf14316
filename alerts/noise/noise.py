"""`Noise`: which incidents are told by themselves, and what becomes of those that are not.

An incident that is raised is judged once: told, or kept back for one of four reasons. What is kept back is judged anew
when its reason ends. If it is open then, nobody has answered it, and no other reason holds, it is set free. So each one
is told, or answered, or has ended; nothing else can become of it.

| asked in this order | kept back while | life safety |
|---|---|---|
| silenced | the silence lasts | only by a silence that says so |
| inhibited | the incident that explains it is open | only by life safety |
| flapping | it was raised in the last `flapping.within_s`, but for the first time that it flaps | never; it is said |
| grouped | the incident that leads its group is open | only by life safety |

An exercise is always told, and hides nothing. So is what a person raises again.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import msgspec

from alerts.command import Silence
from alerts.identity import INCIDENT_CHARACTERS, identity
from alerts.incident import EventKind, IncidentEvent
from alerts.lifecycle import CommandRejected
from alerts.noise import wording
from alerts.noise.agenda import Agenda
from alerts.noise.counters import KEPT_BACK, Bound, NoiseCounters
from alerts.noise.danger import NO_GROUP, RANK, Danger, danger_of
from alerts.noise.flapping import Flapping
from alerts.noise.groups import Group, Groups
from alerts.noise.inhibition import Inhibition, Inhibitions
from alerts.noise.limits import NoiseLimits
from alerts.noise.silences import SilenceInForce, Silences
from alerts.noise.snapshot import Snapshot
from alerts.noise.ties import Ties
from alerts.noise.verdict import TOLD, Judge, Release, Verdict
from alerts.response_event import ResponseKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alerts.command import EndSilence
    from alerts.incident import Incident

__all__ = ["Noise", "NoiseLimits", "Release", "Verdict"]

SNAPSHOT_VERSION: Final = 1
_RAISES: Final = frozenset({EventKind.RAISED, EventKind.REOPENED})
_GROUP: Final = "#"
"""So begins the name of a group on the agenda; others are incidents."""


class Noise:
    """Every open incident as far as it matters here; a fold like `alerts.incidents`, and fed by it."""

    def __init__(
        self,
        limits: NoiseLimits | None = None,
        inhibitions: Sequence[Inhibition] = (),
        counters: NoiseCounters | None = None,
    ) -> None:
        self._limits = limits or NoiseLimits()
        self._rules_named = identity(repr(tuple(inhibitions)), characters=INCIDENT_CHARACTERS)
        self._counters = counters or NoiseCounters()
        self._release_after_us = round(self._limits.release_after_s * 1e6)
        self._now_us = 0
        self._number = NO_GROUP
        self._dangers: dict[str, Danger] = {}
        self._ties = Ties()
        self._agenda = Agenda[str]()  # what is judged anew, and when
        self._inhibitions = Inhibitions(tuple(inhibitions))
        self._groups = Groups(self._limits.groups)
        self._silences = Silences(self._limits.silences)
        self._flapping = Flapping(self._limits.flapping)
        self._judge = Judge(
            self._dangers,
            self._silences,
            self._inhibitions,
            self._flapping,
            self._groups,
            self._limits.flapping.within_s,
        )

    # ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────

    def __len__(self) -> int:
        """Open incidents remembered."""
        return len(self._dangers)

    @property
    def next_us(self) -> int | None:
        """When `advance` has something to do, None where it has nothing."""
        times = [us for us in (self._agenda.next_us, self._silences.next_us) if us is not None]
        return min(times, default=None)

    def lead_of(self, incident: str) -> str:
        """Return the incident with which it is told: itself where it leads, or is told by itself."""
        danger = self._dangers.get(incident)
        group = None if danger is None else self._groups.get(danger.group)
        return (group.lead if group else "") or incident

    def members_of(self, incident: str) -> tuple[str, ...]:
        """Return the incidents that are told with this one, the oldest first; () where it leads none."""
        danger = self._dangers.get(incident)
        group = None if danger is None else self._groups.get(danger.group)
        return tuple(name for _, name in group.members) if group and group.lead == incident else ()

    def silences(self, now_us: int) -> list[SilenceInForce]:
        """Return the silences planned and in force, and those that ended lately, the newest first."""
        return self._silences.all(now_us, self._ties.counts())

    def waiting(self) -> dict[ResponseKind, int]:
        """Return how many open incidents are kept back now, by why."""
        counts = Counter(danger.kept for danger in self._dangers.values() if danger.kept is not None)
        return {kind: counts[kind] for kind in KEPT_BACK}

    # ── folding ──────────────────────────────────────────────────────────────────────────────────────────────────

    def hear(self, event: IncidentEvent, now_us: int) -> Verdict:
        """Take up one event and return whether it is told.

        That is decided where the event raises an incident. Of any other it says how it stood with the incident:
        whether anybody was told of it, and if not, why.
        """
        self._look_at(now_us)
        incident = event.incident
        if incident.exercise is not None:
            return TOLD
        danger = self._dangers.get(incident.id)
        if not incident.state.is_open:
            return TOLD if danger is None else self._close(danger, now_us)
        if event.kind in _RAISES:
            return self._raise(event, danger, now_us)
        if danger is None:
            return self._adopt(incident)
        was_answered = danger.answered
        self._inhibitions.remove(danger)
        danger.members, danger.holds = incident.members, incident.condition_holds
        danger.answered = incident.state.is_answered
        self._inhibitions.add(danger)
        if was_answered and danger.waits:
            self._agenda.set(danger.id, now_us)
        return self._standing(danger)

    def apply(self, command: Silence | EndSilence, now_us: int, offset: int) -> str:
        """Make, change or end a silence and return its id. Raises CommandRejected, with nothing changed."""
        self._look_at(now_us)
        if not isinstance(command, Silence):
            name = self._silences.end(command, now_us)
        else:
            try:
                name = self._silences.make(command, now_us, offset)
            except CommandRejected:
                self._counters.full[Bound.SILENCES] += self._silences.is_full and not command.id
                raise
            self._counters.silences += not command.id
        self._judge_kept_by(name, now_us)
        return name

    def advance(self, now_us: int) -> list[Release]:
        """Judge anew what is due by `now_us`; return what is set free, the oldest first."""
        self._look_at(now_us)
        for silence in self._silences.advance(now_us):
            self._judge_kept_by(silence, now_us)
        freed: list[tuple[int, Release]] = []
        while due := list(self._agenda.take(now_us)):
            incidents = [self._dangers[name] for name in due if not name.startswith(_GROUP)]
            for danger in sorted(incidents, key=lambda one: one.order):
                self._judge_again(danger, now_us, freed)
            for name in due:
                group = self._groups.get(int(name.removeprefix(_GROUP))) if name.startswith(_GROUP) else None
                if group is not None and not group.lead:
                    self._succeed(group, now_us, freed)
        self._counters.released += len(freed)
        return [release for _, release in sorted(freed)]

    def shift(self, step_us: int) -> None:
        """Move what was to be done after a time by `step_us`: our clock was stepped. Silences end by the new clock."""
        self._agenda.shift(step_us)
        self._groups.shift(step_us)
        self._flapping.shift(step_us)
        # A step forward is told before a record has the new time; a step back may be found only by such a record.
        self._now_us += min(step_us, 0)

    # ── state ────────────────────────────────────────────────────────────────────────────────────────────────────

    def snapshot(self) -> bytes:
        """Return the whole state; `restore` takes it."""
        state = Snapshot(
            now_us=self._now_us,
            number=self._number,
            rules=self._rules_named,
            dangers=tuple(self._dangers.values()),
            agenda=tuple(self._agenda.items()),
            groups=tuple(self._groups.saved()),
            silences=self._silences.saved(),
            courses=self._flapping.saved(),
        )
        return bytes([SNAPSHOT_VERSION]) + msgspec.msgpack.encode(state)

    def restore(self, snapshot: bytes) -> None:
        """Take the state of a snapshot in place of this one; what other rules hid then is judged anew.

        Raises ValueError where it is of a version that this program does not read.
        """
        if not snapshot or snapshot[0] != SNAPSHOT_VERSION:
            raise ValueError(f"noise snapshot of version {snapshot[:1]!r}; wanted {SNAPSHOT_VERSION}")
        state = msgspec.msgpack.decode(memoryview(snapshot)[1:], type=Snapshot)
        self._now_us, self._number = state.now_us, state.number
        self._dangers.clear()
        self._inhibitions.clear()
        for danger in state.dangers:
            self._dangers[danger.id] = danger
            self._inhibitions.add(danger)
        self._ties.restore(state.dangers)
        self._agenda = Agenda()
        for name, due_us in state.agenda:
            self._agenda.set(name, due_us)
        self._groups.restore(state.groups, self._dangers)
        self._silences.restore(state.silences)
        self._flapping.restore(state.courses)
        if state.rules != self._rules_named:
            for danger in state.dangers:
                if danger.kept is ResponseKind.INHIBITED:
                    self._agenda.set(danger.id, state.now_us)

    # ── one incident ─────────────────────────────────────────────────────────────────────────────────────────────

    def _raise(self, event: IncidentEvent, before: Danger | None, now_us: int) -> Verdict:
        if before is None and len(self._dangers) >= self._limits.dangers:
            self._counters.full[Bound.DANGERS] += 1
            self._counters.told += 1
            return TOLD
        danger = danger_of(event.incident, self._next_number())
        if before is not None:
            self._inhibitions.remove(before)
            self._agenda.drop(before.id)
            self._ties.untie(before)
            self._lead_on(before, danger, now_us)
            self._judge_kept_by(danger.id, now_us)  # it may explain less than it did
        self._dangers[danger.id] = danger
        self._inhibitions.add(danger)
        if event.by:
            verdict = TOLD
        else:
            self._count_raising(danger, now_us)
            verdict = self._judge.judge(danger, now_us)
        self._settle(danger, verdict, now_us)
        if verdict.told:
            self._counters.told += 1
        else:
            self._counters.kept[danger.kept or ResponseKind.GROUPED] += 1
        return verdict

    def _adopt(self, incident: Incident) -> Verdict:
        """Take up an open incident that was raised before anybody judged it."""
        if len(self._dangers) < self._limits.dangers:
            danger = danger_of(incident, self._next_number())
            danger.told = True
            self._dangers[danger.id] = danger
            self._inhibitions.add(danger)
        return TOLD

    def _close(self, danger: Danger, now_us: int) -> Verdict:
        standing = self._standing(danger)
        del self._dangers[danger.id]
        self._inhibitions.remove(danger)
        self._agenda.drop(danger.id)
        self._ties.untie(danger)
        self._leave(danger, now_us)
        for name in self._ties.cut(danger.id):
            self._agenda.bring_forward(name, now_us + self._patience_us(self._dangers[name]))
        return standing

    def _judge_again(self, danger: Danger, now_us: int, freed: list[tuple[int, Release]]) -> None:
        """Judge an incident whose reason may have ended; one that is with a group is the group's.

        Not so where somebody is on the lead: nobody is asked about that any more, and this one was given back.
        """
        if not danger.waits:
            return
        group = self._groups.get(danger.group)
        if group is not None and group.lead != danger.id:
            if not group.lead or not self._dangers[group.lead].answered:
                return
            self._groups.leave(danger)
        self._ties.untie(danger)
        self._free(danger, self._judge.judge(danger, now_us, is_news=False), now_us, freed)

    def _free(self, danger: Danger, verdict: Verdict, now_us: int, freed: list[tuple[int, Release]]) -> None:
        self._settle(danger, verdict, now_us)
        if verdict.told:
            freed.append((danger.order, Release(danger.id, wording.FREED.and_then(verdict.text))))

    def _count_raising(self, danger: Danger, now_us: int) -> None:
        course, forgot = self._flapping.raised(danger.device, danger.rule_id, now_us)
        self._counters.full[Bound.FLAPPING] += forgot
        self._counters.flapping += course.raisings == self._limits.flapping.raisings + 1

    def _settle(self, danger: Danger, verdict: Verdict, now_us: int) -> None:
        """Do what the verdict says; `danger` is linked to nothing, and in no group unless it leads it."""
        if verdict.told:
            danger.told, danger.kept, danger.by = True, None, ""
            self._lead(danger, now_us)
            return
        self._leave(danger, now_us)
        danger.kept, danger.by = verdict.kind, verdict.by
        self._ties.tie(danger)
        if verdict.kind is ResponseKind.SILENCED:
            self._judge_kept_by(danger.id, now_us)  # nobody hears of it, so it hides no life-safety
        elif verdict.kind is ResponseKind.GROUPED:
            group = self._groups.get(self._dangers[verdict.by].group)
            if group is not None:
                self._groups.join(danger, group)
        elif verdict.kind is ResponseKind.FLAPPING:
            course = self._flapping.of(danger.device, danger.rule_id, now_us)
            if course is not None:
                self._agenda.set(danger.id, self._flapping.steady_us(course))

    def _standing(self, danger: Danger) -> Verdict:
        if danger.told or danger.kept is None:
            return TOLD
        by = self.lead_of(danger.id) if danger.kept is ResponseKind.GROUPED else danger.by
        return Verdict(False, danger.kept, by)

    # ── groups ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _lead(self, danger: Danger, now_us: int) -> None:
        """Let an incident that is told lead: the group that it leads already, one that lost its lead, or a new one."""
        group = self._groups.get(danger.group)
        if group is not None:
            group.told_us = now_us
            return
        group = self._groups.leaderless(danger)
        if group is None or any(
            RANK[self._dangers[name].severity] > RANK[danger.severity] for _, name in group.members
        ):
            self._groups.lead(danger, now_us, self._next_number())
        else:
            self._groups.adopt(group, danger, now_us)
            self._agenda.drop(f"{_GROUP}{group.number}")

    def _lead_on(self, before: Danger, danger: Danger, now_us: int) -> None:
        """Let an incident that is raised anew lead the group that it led, unless it is milder now or elsewhere."""
        if RANK[danger.severity] >= RANK[before.severity] and self._groups.is_led_by(danger, before.group):
            danger.group = before.group
        else:
            self._leave(before, now_us)

    def _leave(self, danger: Danger, now_us: int) -> None:
        group = self._groups.leave(danger)
        if group is not None:
            self._agenda.set(f"{_GROUP}{group.number}", now_us + self._patience_us(danger))

    def _succeed(self, group: Group, now_us: int, freed: list[tuple[int, Release]]) -> None:
        """Find a group that lost its lead another: the worst, then oldest, that may be told; else one that is answered.

        One that is answered leads none that waits: nobody would be asked about that.
        """
        members = [self._dangers[name] for _, name in group.members]
        for danger in sorted(members, key=lambda one: (one.answered, -RANK[one.severity], one.order)):
            if danger.answered:
                self._groups.succeed(group, danger)
                return
            verdict = self._judge.judge(danger, now_us)
            if verdict.told:
                self._groups.succeed(group, danger)
            self._free(danger, verdict, now_us, freed)
            if verdict.told:
                return

    # ── what is judged anew ──────────────────────────────────────────────────────────────────────────────────────

    def _judge_kept_by(self, name: str, at_us: int) -> None:
        for kept in self._ties.kept_by(name):
            self._agenda.bring_forward(kept, at_us)

    def _patience_us(self, danger: Danger) -> int:
        return 0 if danger.is_life_safety else self._release_after_us

    def _next_number(self) -> int:
        self._number += 1
        return self._number

    def _look_at(self, now_us: int) -> None:
        """Follow a clock that went back: what was due in a minute still is."""
        if now_us < self._now_us:
            self.shift(now_us - self._now_us)
        self._now_us = now_us
