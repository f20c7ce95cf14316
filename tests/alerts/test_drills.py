"""Exercises: as if it were so, beside what is so, and out of every figure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from alerts.command import Resolve, StartDrill
from alerts.counters import AlertsCounters
from alerts.incident import EventKind, Exercise, IncidentEvent, IncidentState, Outcome
from alerts.incidents import IncidentLimits, Incidents
from alerts.lifecycle import CommandRejected, Trigger
from alerts.wording import title
from devices.model import Device, Kind
from tests.alerts.decisions import PATHS, command
from tests.alerts.scene import FIRE, FLAT, GAS, METRICS, RULES, SILENT, SMOKE, T0, TANK, S, Scene

if TYPE_CHECKING:
    from rules.model import Rule

OWN = Device("vigil", "synthetic", Kind.SERVICE, "synthetic")


def drill(incidents: Incidents, rule: Rule = SMOKE, at: float = 0.0, offset: int = 1, note: str = "") -> IncidentEvent:
    start = StartDrill(device=FLAT.key, rule=rule.id, by="chief", origin="cli", note=note)
    now_us = T0 + round(at * S)
    (event,) = incidents.start_drill(start, FLAT, rule, METRICS.get(rule.metric), now_us, offset)
    return event


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())
def test_a_drill_is_an_incident_as_if_the_rule_held_and_says_so(rule: Rule) -> None:
    event = drill(Incidents(), rule, at=5, note="spring exercise")
    told = event.incident
    assert (event.kind, event.by, event.origin) == (EventKind.RAISED, "chief", "cli")
    assert (told.exercise, told.state, told.severity) == (Exercise.DRILL, IncidentState.RAISED, rule.severity)
    assert (told.device, told.rule_id, told.building, told.floor) == (FLAT.key, rule.id, "5", "2")
    assert (told.raised_us, told.value, told.members) == (T0 + 5 * S, None, ())
    assert event.text_en.startswith("THIS IS A DRILL, not a real alarm. ")
    assert event.text_zh.startswith("【演练，非真实警情】")
    assert "Started by chief" in event.text_en
    assert "spring exercise" in event.text_zh
    assert "DRILL" in title(EventKind.RAISED, told).en
    assert "演练" in title(EventKind.RAISED, told).zh


@pytest.mark.parametrize("drill_first", [True, False])
def test_a_drill_and_a_real_alarm_of_one_device_and_rule_do_not_know_each_other(drill_first: bool) -> None:
    scene = Scene(Incidents())
    if drill_first:
        exercise, (real,) = drill(scene.incidents), scene.rule(SMOKE, 1)
    else:
        (real,), exercise = scene.rule(SMOKE, 0), drill(scene.incidents, at=1)
    assert (real.kind, real.incident.exercise) == (EventKind.RAISED, None)
    assert "DRILL" not in real.text_en
    assert exercise.incident.id != real.incident.id
    assert exercise.incident.key != real.incident.key
    scene.incidents.apply_command(command(Trigger.RESOLVE, exercise.incident.id), T0 + 2 * S, 9)
    assert [one.id for one in scene.incidents.open()] == [real.incident.id]
    assert scene.rule(SMOKE, 3, repeated=True)[0].incident.id == real.incident.id
    scene.incidents.apply_command(command(Trigger.RESOLVE, real.incident.id), T0 + 4 * S, 10)
    (again,) = scene.rule(SMOKE, 5)
    assert (again.incident.id, again.kind, again.incident.exercise) == (real.incident.id, EventKind.REOPENED, None)


def test_what_the_device_says_does_not_end_a_drill() -> None:
    scene = Scene(Incidents())
    drill(scene.incidents, TANK)
    assert scene.rule(TANK, 1, holds=False) == []
    scene.rule(TANK, 2)
    assert [event.kind for event in scene.rule(TANK, 3, holds=False)] == [EventKind.CLEARED]
    assert [one.exercise for one in scene.incidents.open()] == [Exercise.DRILL]


def test_names_differ_where_all_else_is_equal() -> None:
    scene = Scene(Incidents())
    (real,) = scene.rule(SMOKE, 0)
    assert drill(Incidents(), offset=scene.offset).incident.id != real.incident.id
    assert drill(Incidents(), offset=7).incident.id == drill(Incidents(), offset=7).incident.id


def test_one_drill_of_a_kind_and_so_many_at_once() -> None:
    incidents = Incidents(IncidentLimits(drills_open=2))
    first = drill(incidents, SMOKE)
    with pytest.raises(CommandRejected, match=first.incident.id):
        drill(incidents, SMOKE, offset=2)
    drill(incidents, GAS, offset=3)
    before = incidents.snapshot()
    with pytest.raises(CommandRejected, match="2 drills"):
        drill(incidents, FIRE, offset=4)
    assert incidents.snapshot() == before
    incidents.apply_command(command(Trigger.RESOLVE, first.incident.id), T0 + S, 5)
    assert drill(incidents, SMOKE, offset=6).kind is EventKind.RAISED


def test_a_person_ends_a_drill_as_a_test_unless_they_say_otherwise() -> None:
    incidents = Incidents()
    name = drill(incidents).incident.id
    resolve = Resolve(incident=name, by="chief", origin="cli")
    (event,) = incidents.apply_command(resolve, T0 + 60 * S, 2)
    assert (event.incident.outcome, event.incident.condition_holds) == (Outcome.TEST, False)
    assert "condition still holds" not in event.text_en
    assert incidents.advance(T0 + 10**6 * S) == []


@pytest.mark.parametrize("state", [state for state in IncidentState if state.is_open])
def test_a_drill_that_nobody_ends_is_over_by_itself(state: IncidentState) -> None:
    incidents = Incidents(IncidentLimits(drill_s=100))
    name = drill(incidents).incident.id
    drill(incidents, GAS, at=50, offset=2)
    for at, trigger in enumerate(PATHS[state], 1):
        incidents.apply_command(command(trigger, name), T0 + at * S, 2 + at)
    assert incidents.advance(T0 + 100 * S - 1) == []
    (event,) = incidents.advance(T0 + 100 * S)
    assert (event.kind, event.by, event.incident.id) == (EventKind.RESOLVED, "", name)
    assert event.incident.state is IncidentState.RESOLVED
    assert event.incident.outcome is Outcome.TEST
    assert incidents.advance(T0 + 100 * S) == []
    assert len(incidents) == 1


def test_drills_end_the_same_way_after_a_restart() -> None:
    live = Incidents(IncidentLimits(drill_s=100))
    for offset, rule in enumerate((SMOKE, GAS, TANK, SILENT), 1):
        drill(live, rule, offset=offset)
    live.apply_command(command(Trigger.ACCEPT, live.open()[0].id), T0 + S, 9)
    restored = Incidents(IncidentLimits(drill_s=100))
    restored.restore(live.snapshot())
    told = live.advance(T0 + 200 * S)
    assert len(told) == 4
    assert restored.advance(T0 + 200 * S) == told
    assert restored.recent(9) == live.recent(9)


def test_exercises_are_left_out_of_the_figures() -> None:
    counters = AlertsCounters()
    scene = Scene(Incidents(counters=counters))
    name = drill(scene.incidents).incident.id
    for at, trigger in enumerate((Trigger.ACCEPT, Trigger.ARRIVE, Trigger.RESOLVE, Trigger.REOPEN), 1):
        scene.incidents.apply_command(command(trigger, name), T0 + at * S, at)
    (synthetic,) = scene.rule(SMOKE, 5, device=OWN)
    assert synthetic.incident.exercise is Exercise.SYNTHETIC
    assert synthetic.text_en.startswith("SELF-TEST")
    assert counters.exercises == {Exercise.DRILL: 1, Exercise.SYNTHETIC: 1}
    assert sum(counters.raised.values()) == counters.reopened == sum(counters.closed.values()) == 0
    assert sum(counters.response.accept.counts + counters.response.resolve.counts) == 0
    scene.rule(SMOKE, 6, device=replace(OWN, profile="smoke"))  # the same danger, and a real one now
    assert counters.reopened == 0
