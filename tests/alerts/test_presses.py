"""A button pressed again: a new call for help, and not the first one sent again."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from alerts.incident import EventKind, IncidentState
from alerts.incidents import IncidentLimits, Incidents
from alerts.lifecycle import Trigger
from rules.model import AlarmTerms
from tests.alerts.decisions import PATHS, say
from tests.alerts.scene import SMOKE, SOS, T0, S, Scene

FALL = replace(SOS, id="watch.fall", metric="fall", terms=AlarmTerms(), name_en="Fall", name_zh="跌倒")
"""Its metric is in no profile: what it says is taken for an event."""


@pytest.fixture
def scene() -> Scene:
    return Scene(Incidents())


@pytest.mark.parametrize("rule", [SOS, FALL])
@pytest.mark.parametrize("state", [state for state in IncidentState if state.is_answered])
@pytest.mark.parametrize(("gap", "pages"), [(1, False), (60, False), (61, True), (600, True), (601, True)])
def test_a_second_press_pages_anew_once_somebody_has_answered_the_first(
    scene: Scene, rule: object, state: IncidentState, gap: int, pages: bool
) -> None:
    name = scene.rule(rule, 0)[0].incident.id  # type: ignore[arg-type]
    for at, trigger in enumerate(PATHS[state], 1):
        say(scene, trigger, at)
    (event,) = scene.rule(rule, gap, repeated=True)  # type: ignore[arg-type]
    assert event.kind is (EventKind.REOPENED if pages else EventKind.REPEATED)
    assert (event.incident.id, event.incident.repeats) == (name, 1)
    assert event.incident.state is (IncidentState.RAISED if pages else state)
    assert bool(event.incident.acceptances) is not pages


def test_presses_that_nobody_has_answered_are_all_told(scene: Scene) -> None:
    scene.rule(SOS, 0)
    told = [scene.rule(SOS, at, repeated=True) for at in range(100, 1_100, 100)]
    assert [[event.kind for event in events] for events in told] == [[EventKind.REPEATED]] * 10
    assert scene.incidents.open()[0].repeats == 10


def test_a_press_that_is_sent_again_and_again_is_told_at_powers_of_two(scene: Scene) -> None:
    scene.rule(SOS, 0)
    say(scene, Trigger.ACCEPT, 1)
    told = [scene.rule(SOS, at, repeated=True) for at in range(30, 331, 30)]
    assert [bool(events) for events in told] == [n in {1, 2, 4, 8} for n in range(1, 12)]
    assert {event.kind for events in told for event in events} == {EventKind.REPEATED}


def test_a_press_after_the_condition_ended_is_no_return_of_the_first(scene: Scene) -> None:
    scene.rule(SOS, 0)
    say(scene, Trigger.ACCEPT, 1)
    scene.rule(SOS, 5, holds=False)
    assert [event.kind for event in scene.rule(SOS, 30)] == [EventKind.CONDITION_RETURNED]
    scene.rule(SOS, 35, holds=False)
    assert [event.kind for event in scene.rule(SOS, 96)] == [EventKind.REOPENED]


def test_an_unanswered_press_is_raised_again_after_a_long_silence(scene: Scene) -> None:
    scene.rule(SOS, 0)
    (event,) = scene.rule(SOS, 601, repeated=True)
    assert (event.kind, event.incident.raised_us) == (EventKind.REOPENED, T0 + 601 * S)


def test_a_flag_is_no_button(scene: Scene) -> None:
    scene.rule(SMOKE, 0)
    say(scene, Trigger.ACCEPT, 1)
    assert [event.kind for event in scene.rule(SMOKE, 300, repeated=True)] == [EventKind.REPEATED]
    assert scene.incidents.open()[0].state is IncidentState.ACCEPTED


def test_how_soon_is_a_setting() -> None:
    scene = Scene(Incidents(IncidentLimits(press_again_s=5)))
    scene.rule(SOS, 0)
    say(scene, Trigger.ACCEPT, 1)
    assert [event.kind for event in scene.rule(SOS, 5, repeated=True)] == [EventKind.REPEATED]
    assert [event.kind for event in scene.rule(SOS, 11, repeated=True)] == [EventKind.REOPENED]
