"""Whatever comes in whatever order: the promises that hold always."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.command import External, StartDrill
from alerts.incident import Exercise, IncidentState
from alerts.incidents import IncidentLimits, Incidents
from alerts.lifecycle import COMMANDS, CommandRejected
from devices.model import Device, Kind
from tests.alerts.decisions import command
from tests.alerts.scene import GAS, METRICS, RULES, SMOKE, SOS, T0, TANK, S, change, finding

if TYPE_CHECKING:
    from alerts.incident import Incident, IncidentEvent

DEVICES = [Device("s", name, Kind.SMOKE, "smoke", "g1") for name in "ab"]
LIMITS = IncidentLimits(
    reopen_within_s=100, closed_kept=2, press_again_s=20, drill_s=150, drills_open=2, external_open=2
)
CHANGES = {"holds": (True, False), "repeated": (True, True), "ceases": (False, False)}


@dataclass(frozen=True)
class Step:
    """One thing that happens `gap` s after the one before; `who` is also to whom it is handed over."""

    gap: int
    what: str
    device: int
    rule: str
    pick: int
    who: str


STEPS = st.lists(
    st.builds(
        Step,
        st.sampled_from([-5, 0, 1, 30, 99, 100, 101, 500]),
        st.sampled_from(["holds", "holds", "repeated", "ceases", "ceases", "drill", "external", "over", *COMMANDS]),
        st.integers(0, 1),
        st.sampled_from([SMOKE.id, TANK.id, SOS.id, GAS.id]),
        st.integers(0, 5),
        st.sampled_from(["li", "wang", "zhao"]),
    ),
    max_size=40,
)


class Fold:
    """The fold under test, as the shard drives it."""

    def __init__(self) -> None:
        self.incidents = Incidents(LIMITS)
        self.told: list[IncidentEvent] = []

    def apply(self, step: Step, now: int, offset: int) -> None:
        now_us = T0 + now * S
        before = self.incidents.snapshot()
        try:
            self.told += self._events(step, now, now_us, offset)
        except CommandRejected:
            assert self.incidents.snapshot() == before
        self.told += self.incidents.advance(now_us)

    def _events(self, step: Step, now: int, now_us: int, offset: int) -> list[IncidentEvent]:
        rule, device = RULES[step.rule], DEVICES[step.device]
        if step.what in CHANGES:
            holds, repeated = CHANGES[step.what]
            told = change(rule, now, holds=holds, repeated=repeated, value=float(now))
            return self.incidents.apply_change(finding(told, device=device, arrives=now, offset=offset))
        if step.what == "drill":
            start = StartDrill(device=device.key, rule=rule.id, by=step.who, origin="test")
            return self.incidents.start_drill(start, device, rule, METRICS.get(rule.metric), now_us, offset)
        if step.what in {"external", "over"}:
            alert = External(
                source="prometheus",
                fingerprint=str(step.pick),
                name="Disk",
                summary="full",
                severity="warning",
                holds=step.what == "external",
                since_us=now_us,
            )
            return self.incidents.apply_external(alert, now_us, offset)
        known = self.incidents.recent(99)
        name = known[step.pick % len(known)].id if known else "NONE"
        words = {"to": step.rule[:2]} if step.what == "dispatch" else {}
        (trigger,) = (trigger for trigger in COMMANDS if trigger == step.what)
        return self.incidents.apply_command(command(trigger, name, step.who, **words), now_us, offset)


@settings(max_examples=150, deadline=None)
@given(STEPS, st.data())
def test_a_replay_from_any_snapshot_says_the_same(steps: list[Step], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(steps)))
    live, replayed = Fold(), Fold()
    now = 0
    for offset, step in enumerate(steps):
        if offset == cut:
            replayed.incidents.restore(live.incidents.snapshot())
            replayed.told = list(live.told)
        now += step.gap
        live.apply(step, now, offset)
        if offset >= cut:
            replayed.apply(step, now, offset)
    if cut < len(steps):
        assert replayed.told == live.told
        assert replayed.incidents.snapshot() == live.incidents.snapshot()


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_one_open_incident_a_danger_and_every_line_told_once(steps: list[Step]) -> None:
    fold = Fold()
    now = 0
    for offset, step in enumerate(steps):
        now += step.gap
        fold.apply(step, now, offset)
        opened = fold.incidents.open()
        assert max(Counter(incident.key for incident in opened).values(), default=0) <= 1
        assert sum(incident.exercise is Exercise.DRILL for incident in opened) <= LIMITS.drills_open
        assert sum(incident.kind is Kind.EXTERNAL for incident in opened) <= LIMITS.external_open
        for incident in fold.incidents.recent(99):
            assert_consistent(incident)
        if step.what in {"holds", "repeated"}:
            key = (DEVICES[step.device].key, step.rule)
            assert [i.condition_holds for i in opened if i.key == key] == [True], "a danger that holds is open"
    assert len({event.id for event in fold.told}) == len(fold.told)
    revisions: Counter[str] = Counter()
    for event in fold.told:
        revisions[event.incident.id] += 1
        assert event.incident.revision == revisions[event.incident.id], "the timeline has no gap"


def assert_consistent(incident: Incident) -> None:
    """Check what holds of every incident, whatever was said."""
    people = [acceptance.by for acceptance in incident.acceptances]
    assert len(people) == len(set(people))
    assert (incident.closed_us is None) is incident.state.is_open
    assert (incident.rating is not None) is (incident.state is IncidentState.CLOSED)
    if incident.state.is_answered:
        assert incident.accepted_by in people, "somebody is responsible, and is on it"
        assert incident.accepted_us is not None
    if incident.state is IncidentState.RAISED:
        assert (people, incident.accepted_by, incident.accepted_us, incident.handed_to) == ([], "", None, "")
    if incident.handed_to:
        assert incident.handed_to != incident.accepted_by
        assert incident.state.is_answered
