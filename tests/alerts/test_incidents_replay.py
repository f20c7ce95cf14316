"""Whatever comes in whatever order: the promises that hold always."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from alerts import (
    Acknowledge,
    CommandRejected,
    IncidentLimits,
    Incidents,
    Outbox,
    Outcome,
    Recipient,
    Reopen,
    Resolve,
    Routing,
)
from devices.model import Device, Kind
from tests.alerts.scene import GAS, RULES, SMOKE, SOS, T0, TANK, S, change, finding

if TYPE_CHECKING:
    from alerts import IncidentEvent

DEVICES = [Device("s", name, Kind.SMOKE, "smoke", "g1") for name in "ab"]
LIMITS = IncidentLimits(reopen_within_s=100, closed_kept=2)


@dataclass(frozen=True)
class Step:
    """One thing that happens `gap` s after the one before."""

    gap: int
    what: str
    device: int
    rule: str
    pick: int


STEPS = st.lists(
    st.builds(
        Step,
        st.sampled_from([-5, 0, 1, 30, 99, 100, 101, 500]),
        st.sampled_from(["holds", "holds", "repeated", "ceases", "ceases", "ack", "resolve", "reopen"]),
        st.integers(0, 1),
        st.sampled_from([SMOKE.id, TANK.id, SOS.id, GAS.id]),
        st.integers(0, 5),
    ),
    max_size=40,
)


class Fold:
    """The fold under test, as the shard drives it."""

    def __init__(self) -> None:
        self.incidents = Incidents(LIMITS)
        self.outbox = Outbox(Routing([Recipient("duty", ("a", "b"), updates=True), Recipient("chief", ("a",))]))
        self.told: list[IncidentEvent] = []
        self.owed: list[str] = []

    def apply(self, step: Step, now: int, offset: int) -> None:
        now_us = T0 + now * S
        events = self._events(step, now, now_us, offset)
        self.told += events
        self.owed += [notification.id for notification in self.outbox.owe(events, now_us)]

    def _events(self, step: Step, now: int, now_us: int, offset: int) -> list[IncidentEvent]:
        known = self.incidents.recent(99)
        if step.what in {"holds", "repeated", "ceases"}:
            rule = RULES[step.rule]
            told = change(rule, now, holds=step.what != "ceases", repeated=step.what == "repeated", value=float(now))
            device = DEVICES[step.device]
            return self.incidents.apply_change(finding(told, device=device, arrives=now, offset=offset))
        name = known[step.pick % len(known)].id if known else "NONE"
        command: Acknowledge | Resolve | Reopen
        match step.what:
            case "ack":
                command = Acknowledge(incident=name, by="li", origin="test")
            case "resolve":
                command = Resolve(incident=name, by="li", origin="test", outcome=Outcome.TRUE)
            case _:
                command = Reopen(incident=name, by="li", origin="test")
        before = self.incidents.snapshot()
        try:
            return self.incidents.apply_command(command, now_us, offset)
        except CommandRejected:
            assert self.incidents.snapshot() == before
            return []


@settings(max_examples=150, deadline=None)
@given(STEPS, st.data())
def test_a_replay_from_any_snapshot_says_and_owes_the_same(steps: list[Step], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(steps)))
    live = Fold()
    replayed = Fold()
    now = 0
    for offset, step in enumerate(steps):
        if offset == cut:
            replayed.incidents.restore(live.incidents.snapshot())
            replayed.outbox.restore(live.outbox.snapshot())
            replayed.told, replayed.owed = list(live.told), list(live.owed)
        now += step.gap
        live.apply(step, now, offset)
        if offset >= cut:
            replayed.apply(step, now, offset)
    if cut < len(steps):
        assert replayed.told == live.told
        assert replayed.owed == live.owed
        assert replayed.incidents.snapshot() == live.incidents.snapshot()
        assert replayed.outbox.snapshot() == live.outbox.snapshot()


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
        assert all(incident.state.is_open and incident.closed_us is None for incident in opened)
        if step.what in {"holds", "repeated"}:
            key = (DEVICES[step.device].key, step.rule)
            assert [i.condition_holds for i in opened if i.key == key] == [True], "a danger that holds is open"
    assert len({event.id for event in fold.told}) == len(fold.told)
    assert len(set(fold.owed)) == len(fold.owed)
    revisions: Counter[str] = Counter()
    for event in fold.told:
        revisions[event.incident.id] += 1
        assert event.incident.revision == revisions[event.incident.id], "the timeline has no gap"
