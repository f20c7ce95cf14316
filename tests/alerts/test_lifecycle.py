from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from alerts import Acknowledge, CommandRejected, IncidentCommand, Incidents, IncidentState, Outcome, Reopen, Resolve
from alerts.lifecycle import COMMANDS, OPENING, TABLE, Trigger, advance, diagram, possible
from tests.alerts.scene import SMOKE, T0, TANK, S, Scene

ROOT = Path(__file__).parents[2]

CHANGES_OF_OPEN = (Trigger.HOLDS, Trigger.REPEATS, Trigger.RETURNS, Trigger.CEASES, Trigger.ENDS)


def brought_to(state: IncidentState) -> tuple[Scene, str]:
    """Return a fold whose one incident, of a class that clears, is in `state`."""
    scene = Scene(Incidents())
    name = scene.rule(TANK, 0)[0].incident.id
    if state is IncidentState.ACKNOWLEDGED:
        scene.incidents.apply_command(Acknowledge(incident=name, by="li", origin="test"), T0 + S, 10)
    elif state is IncidentState.RESOLVED:
        scene.incidents.apply_command(Resolve(incident=name, by="li", origin="test", outcome=Outcome.TRUE), T0 + S, 10)
    elif state is IncidentState.CLEARED:
        scene.rule(TANK, 1, holds=False)
    return scene, name


def command(trigger: Trigger, name: str) -> IncidentCommand:
    match trigger:
        case Trigger.ACKNOWLEDGE:
            return Acknowledge(incident=name, by="wang", origin="test", note="n")
        case Trigger.RESOLVE:
            return Resolve(incident=name, by="wang", origin="test", outcome=Outcome.TEST, note="n")
        case _:
            return Reopen(incident=name, by="wang", origin="test", note="n")


@pytest.mark.parametrize(("state", "trigger"), [pair for pair in TABLE if pair[1] in COMMANDS])
def test_every_command_of_the_table_leads_where_the_table_says(state: IncidentState, trigger: Trigger) -> None:
    scene, name = brought_to(state)

    (event,) = scene.incidents.apply_command(command(trigger, name), T0 + 2 * S, 11)

    assert (event.incident.state, event.kind) == (TABLE[state, trigger].state, TABLE[state, trigger].event)
    assert event.by == "wang"
    assert scene.incidents.get(name) == event.incident


@pytest.mark.parametrize(("state", "trigger"), [pair for pair in product(IncidentState, COMMANDS) if pair not in TABLE])
def test_every_other_command_is_refused_and_changes_nothing(state: IncidentState, trigger: Trigger) -> None:
    scene, name = brought_to(state)
    before = scene.incidents.snapshot()

    with pytest.raises(CommandRejected, match=name) as refused:
        scene.incidents.apply_command(command(trigger, name), T0 + 9_999 * S, 11)

    assert scene.incidents.snapshot() == before
    assert refused.value.possible == possible(state)
    assert str(state) in str(refused.value)
    assert all(str(other) in str(refused.value) for other in possible(state))


def test_a_change_finds_a_line_in_every_state_it_can_meet() -> None:
    for state in IncidentState:
        triggers = CHANGES_OF_OPEN if state.is_open else (Trigger.HOLDS,)
        for trigger in triggers:
            assert advance(state, trigger) is TABLE[state, trigger]
    with pytest.raises(KeyError):
        advance(IncidentState.CLEARED, Trigger.REPEATS)


def test_every_state_is_reached_and_none_is_a_dead_end() -> None:
    reached = {OPENING.state, *(transition.state for transition in TABLE.values())}
    assert reached == set(IncidentState)
    assert {state for state, _ in TABLE} == set(IncidentState)


def test_life_safety_has_no_way_to_clear() -> None:
    assert all(
        transition.state is not IncidentState.CLEARED for (_, t), transition in TABLE.items() if t is not Trigger.CEASES
    )
    scene = Scene(Incidents())
    scene.rule(SMOKE, 0)
    assert [event.incident.state for event in scene.rule(SMOKE, 5, holds=False)] == [IncidentState.RAISED]


def test_the_handbook_shows_the_table_as_it_is() -> None:
    assert diagram() in (ROOT / "docs/webhook.md").read_text("utf-8")
