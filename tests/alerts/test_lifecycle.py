from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from alerts.incident import EventKind, IncidentEvent, IncidentState
from alerts.incidents import IncidentLimits, Incidents
from alerts.lifecycle import (
    _ROWS,
    COMMANDS,
    OPENING,
    STATES,
    TABLE,
    CommandRejected,
    Trigger,
    advance,
    diagram,
    possible,
)
from tests.alerts.decisions import PATHS, command, say
from tests.alerts.scene import SMOKE, SOS, T0, TANK, S, Scene

ROOT = Path(__file__).parents[2]

CHANGES_OF_OPEN = (
    Trigger.HOLDS,
    Trigger.PRESSES,
    Trigger.REPEATS,
    Trigger.RETURNS,
    Trigger.CEASES,
    Trigger.ENDS,
    Trigger.LAPSES,
)
ANSWERED = tuple(state for state in IncidentState if state.is_answered)


def brought_to(state: IncidentState) -> tuple[Scene, str]:
    """Return a fold whose one incident, of a class that clears, is in `state`; li was the one who acted."""
    scene = Scene(Incidents())
    name = scene.rule(TANK, 0)[0].incident.id
    for at, trigger in enumerate(PATHS.get(state, ()), 1):
        say(scene, trigger, at)
    if state is IncidentState.CLEARED:
        scene.rule(TANK, 1, holds=False)
    assert scene.incidents.recent(1)[0].state is state
    return scene, name


@pytest.mark.parametrize(("state", "trigger"), [pair for pair in TABLE if pair[1] in COMMANDS])
def test_every_command_of_the_table_leads_where_the_table_says(state: IncidentState, trigger: Trigger) -> None:
    scene, name = brought_to(state)

    (event,) = scene.incidents.apply_command(command(trigger, name, "wang", note="n"), T0 + 20 * S, 11)

    assert (event.incident.state, event.kind) == (TABLE[state, trigger].state, TABLE[state, trigger].event)
    assert (event.by, event.origin, event.incident.note) == ("wang", "test", "n")
    assert scene.incidents.get(name) == event.incident


@pytest.mark.parametrize(("state", "trigger"), [pair for pair in product(IncidentState, COMMANDS) if pair not in TABLE])
def test_every_other_command_is_refused_and_changes_nothing(state: IncidentState, trigger: Trigger) -> None:
    scene, name = brought_to(state)
    before = scene.incidents.snapshot()

    with pytest.raises(CommandRejected, match=name) as refused:
        scene.incidents.apply_command(command(trigger, name, "wang"), T0 + 9_999 * S, 11)

    assert scene.incidents.snapshot() == before
    assert refused.value.possible == possible(state)
    assert str(state) in str(refused.value)
    assert all(str(other) in str(refused.value) for other in possible(state))


def test_a_change_finds_a_line_in_every_state_it_can_meet() -> None:
    for state in IncidentState:
        triggers = CHANGES_OF_OPEN if state.is_open else (Trigger.HOLDS,)
        for trigger in triggers:
            assert advance(state, trigger) is TABLE[state, trigger]
    for state in (IncidentState.RESOLVED, IncidentState.CLOSED):
        assert {(state, Trigger.CEASES), (state, Trigger.ENDS)} <= TABLE.keys()
    with pytest.raises(KeyError):
        advance(IncidentState.CLEARED, Trigger.REPEATS)


@pytest.mark.parametrize("state", ANSWERED)
@pytest.mark.parametrize("trigger", [trigger for trigger in CHANGES_OF_OPEN if trigger is not Trigger.LAPSES])
def test_what_the_device_says_meanwhile_goes_where_the_table_says(state: IncidentState, trigger: Trigger) -> None:
    rule = {Trigger.CEASES: TANK, Trigger.PRESSES: SOS}.get(trigger, SMOKE)
    scene = Scene(Incidents(IncidentLimits(reopen_within_s=600, press_again_s=60)))
    scene.rule(rule, 0)
    for at, word in enumerate(PATHS[state], 1):
        say(scene, word, at)
    match trigger:
        case Trigger.HOLDS | Trigger.RETURNS:
            scene.rule(rule, 10, holds=False)
            events = scene.rule(rule, 700 if trigger is Trigger.HOLDS else 20)
        case Trigger.PRESSES | Trigger.REPEATS:
            events = scene.rule(rule, 61, repeated=True)
        case _:
            events = scene.rule(rule, 10, holds=False)
    (event,) = events
    expected = TABLE[state, trigger]
    assert (event.incident.state, event.kind) == (expected.state, expected.event)


def test_no_pair_has_two_lines() -> None:
    for trigger in Trigger:
        rows = [row for name, _, row in _ROWS if name is trigger]
        assert all(sum(after is not None for after in column) <= 1 for column in zip(*rows, strict=True))
        assert {len(row) for row in rows} == {len(STATES)} == {len(IncidentState)}


def test_every_state_is_reached_and_none_is_a_dead_end() -> None:
    reached = {OPENING.state, *(transition.state for transition in TABLE.values())}
    assert reached == set(IncidentState)
    assert {state for state, _ in TABLE} == set(IncidentState)
    assert {trigger for _, trigger in TABLE} == set(Trigger)


def test_life_safety_has_no_way_to_end_without_a_person() -> None:
    by_itself = set(Trigger) - set(COMMANDS) - {Trigger.LEAVE}
    ended = {
        trigger
        for (state, trigger), transition in TABLE.items()
        if trigger in by_itself and state.is_open and not transition.state.is_open
    }
    assert ended == {Trigger.CEASES, Trigger.LAPSES}  # of classes that clear; of drills
    scene = Scene(Incidents())
    scene.rule(SMOKE, 0)
    assert [event.incident.state for event in scene.rule(SMOKE, 5, holds=False)] == [IncidentState.RAISED]
    assert scene.incidents.advance(T0 + 10**9 * S) == []


@pytest.mark.parametrize("state", [state for state in ANSWERED if state is not IncidentState.ACCEPTED])
def test_what_somebody_is_on_the_way_for_does_not_clear_under_them(state: IncidentState) -> None:
    scene, _ = brought_to(state)
    (event,) = scene.rule(TANK, 30, holds=False)
    assert (event.kind, event.incident.state) == (EventKind.CONDITION_ENDED, state)
    assert not event.incident.condition_holds


def test_the_whole_way_is_told_with_who_and_when() -> None:
    scene = Scene(Incidents())
    events: list[IncidentEvent] = scene.rule(SMOKE, 0)
    events += say(scene, Trigger.ACCEPT, 10, "li")
    events += say(scene, Trigger.DISPATCH, 20, "li", to="station-3")
    events += say(scene, Trigger.ARRIVE, 300, "wang")
    events += say(scene, Trigger.VERIFY, 310, "wang")
    events += say(scene, Trigger.RESOLVE, 900, "wang", outcome=None)
    events += say(scene, Trigger.CLOSE, 5_000, "chen", rating=5)

    assert [event.incident.state for event in events] == [
        *(IncidentState.RAISED, IncidentState.ACCEPTED, IncidentState.DISPATCHED, IncidentState.ARRIVED),
        *(IncidentState.VERIFIED, IncidentState.RESOLVED, IncidentState.CLOSED),
    ]
    after = events[-1].incident
    times = (after.accepted_us, after.dispatched_us, after.arrived_us, after.verified_us, after.closed_us)
    assert times == tuple(T0 + at * S for at in (10, 20, 300, 310, 900))
    assert (after.accepted_by, [one.by for one in after.acceptances]) == ("li", ["li", "wang"])
    assert (after.dispatched_to, after.closed_by, after.rating, after.rated_by) == ("station-3", "wang", 5, "chen")
    assert [event.id for event in events] == [f"{after.id}-{n}" for n in range(1, 8)]


def test_the_handbook_shows_the_table_as_it_is() -> None:
    assert diagram() in (ROOT / "docs/webhook.md").read_text("utf-8")
