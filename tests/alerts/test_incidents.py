from __future__ import annotations

import pytest

from alerts import (
    Acknowledge,
    CommandRejected,
    EventKind,
    IncidentEvent,
    IncidentLimits,
    Incidents,
    IncidentState,
    Outcome,
    Reopen,
    Resolve,
)
from alerts.identity import ALPHABET, identity, normalised
from devices.model import Device, Kind
from tests.alerts.scene import FLAT, GAS, SILENT, SMOKE, SOS, T0, TANK, S, Scene


@pytest.fixture
def scene() -> Scene:
    return Scene(Incidents())


def resolve(name: str, outcome: Outcome = Outcome.TRUE) -> Resolve:
    return Resolve(incident=name, by="li", origin="test", outcome=outcome)


def acknowledge(name: str) -> Acknowledge:
    return Acknowledge(incident=name, by="li", origin="test")


def kinds(*steps: list[IncidentEvent]) -> list[EventKind]:
    return [event.kind for step in steps for event in step]


def test_a_rule_that_holds_raises_an_incident_with_all_that_is_known(scene: Scene) -> None:
    (event,) = scene.rule(GAS, 30, since=0, value=12.34, arrives=31)

    told = event.incident
    assert (told.state, told.condition_holds, told.severity) == (IncidentState.RAISED, True, GAS.severity)
    assert (told.device, told.site, told.grid, told.place) == ("shuibei/flat-201", "shuibei", "3", FLAT.place)
    assert (told.value, told.limit, told.unit, told.metric) == (12.34, 10.0, "%LEL", "gas_lel")
    assert (told.since_us, told.event_us, told.raised_us) == (T0, T0 + 30 * S, T0 + 31 * S)
    assert event.id == f"{told.id}-1"
    assert scene.incidents.open() == [told]


def test_a_class_that_may_clear_clears_when_the_condition_ends(scene: Scene) -> None:
    scene.rule(TANK, 0, value=1.2)
    (event,) = scene.rule(TANK, 60, holds=False, value=1.9)

    assert (event.kind, event.incident.state, event.by) == (EventKind.CLEARED, IncidentState.CLEARED, "")
    assert event.incident.closed_us == T0 + 60 * S
    assert scene.incidents.open() == []


def test_an_acknowledged_incident_of_such_a_class_clears_too(scene: Scene) -> None:
    name = scene.rule(TANK, 0)[0].incident.id
    scene.incidents.apply_command(acknowledge(name), T0 + S, 5)
    assert kinds(scene.rule(TANK, 60, holds=False)) == [EventKind.CLEARED]


def test_life_safety_stays_open_when_the_condition_ends(scene: Scene) -> None:
    scene.rule(SMOKE, 0)
    (event,) = scene.rule(SMOKE, 60, holds=False)

    assert event.kind is EventKind.CONDITION_ENDED
    assert (event.incident.state, event.incident.condition_holds) == (IncidentState.RAISED, False)
    assert "A person must still resolve it" in event.text_en
    (closing,) = scene.incidents.apply_command(resolve(event.incident.id), T0 + 70 * S, 9)
    assert closing.incident.outcome is Outcome.TRUE


@pytest.mark.parametrize(("gap", "same"), [(599, True), (600, True), (601, False)])
def test_a_rule_that_holds_again_in_time_reopens_the_same_incident(scene: Scene, gap: int, same: bool) -> None:
    first = scene.rule(TANK, 0)[0].incident
    scene.rule(TANK, 100, holds=False)
    (event,) = scene.rule(TANK, 100 + gap, value=1.1)

    assert (event.incident.id == first.id) is same
    assert event.kind is (EventKind.REOPENED if same else EventKind.RAISED)
    assert event.incident.state is IncidentState.RAISED
    assert (event.incident.closed_us, event.incident.outcome, event.incident.value) == (None, None, 1.1)
    assert event.incident.raised_us == T0 + (100 + gap) * S


def test_a_resolved_incident_reopens_as_a_cleared_one_does(scene: Scene) -> None:
    first = scene.rule(SMOKE, 0)[0].incident
    scene.rule(SMOKE, 10, holds=False)
    scene.incidents.apply_command(resolve(first.id, Outcome.TEST), T0 + 20 * S, 9)
    (event,) = scene.rule(SMOKE, 30)

    assert (event.incident.id, event.kind, event.incident.outcome) == (first.id, EventKind.REOPENED, None)


def test_repeats_fold_into_the_open_incident_and_are_told_at_powers_of_two(scene: Scene) -> None:
    name = scene.rule(SMOKE, 0)[0].incident.id
    told = [scene.rule(SMOKE, at, repeated=True, value=float(at)) for at in range(30, 301, 30)]

    assert [bool(events) for events in told] == [n in {1, 2, 4, 8} for n in range(1, 11)]
    assert {event.kind for events in told for event in events} == {EventKind.REPEATED}
    now = scene.incidents.get(name)
    assert now is not None
    assert (now.repeats, now.value, now.last_us, now.revision) == (10, 300.0, T0 + 300 * S, 5)
    assert len(scene.incidents.open()) == 1


@pytest.mark.parametrize(("at", "kind"), [(100, EventKind.REOPENED), (5_000, EventKind.RAISED)])
def test_a_device_that_keeps_alarming_after_a_person_resolved_it_is_heard(
    scene: Scene, at: int, kind: EventKind
) -> None:
    name = scene.rule(SMOKE, 0)[0].incident.id
    scene.incidents.apply_command(resolve(name, Outcome.FALSE_ALARM), T0 + 50 * S, 9)
    assert kinds(scene.rule(SMOKE, at, repeated=True)) == [kind]
    assert len(scene.incidents.open()) == 1


def test_a_condition_that_flaps_while_it_is_open_pages_nobody_anew(scene: Scene) -> None:
    name = scene.rule(SMOKE, 0)[0].incident.id
    scene.incidents.apply_command(acknowledge(name), T0 + S, 5)
    assert kinds(scene.rule(SMOKE, 60, holds=False), scene.rule(SMOKE, 120)) == [
        EventKind.CONDITION_ENDED,
        EventKind.CONDITION_RETURNED,
    ]
    assert scene.incidents.open()[0].state is IncidentState.ACKNOWLEDGED


def test_a_new_fire_at_a_detector_whose_last_one_was_forgotten_is_raised_again(scene: Scene) -> None:
    name = scene.rule(SMOKE, 0)[0].incident.id
    scene.incidents.apply_command(acknowledge(name), T0 + S, 5)
    scene.rule(SMOKE, 60, holds=False)
    (event,) = scene.rule(SMOKE, 86_400)

    assert (event.kind, event.incident.state, event.incident.id) == (EventKind.REOPENED, IncidentState.RAISED, name)
    assert (event.incident.acknowledged_us, event.incident.acknowledged_by) == (None, "")


def test_a_button_pressed_after_long_silence_is_no_repeat(scene: Scene) -> None:
    name = scene.rule(SOS, 0)[0].incident.id
    scene.incidents.apply_command(acknowledge(name), T0 + S, 5)
    assert kinds(scene.rule(SOS, 30, repeated=True)) == [EventKind.REPEATED]
    assert kinds(scene.rule(SOS, 86_400, repeated=True)) == [EventKind.REOPENED]


def test_a_flag_that_is_reported_seldom_is_a_repeat_all_the_same(scene: Scene) -> None:
    scene.rule(SMOKE, 0)
    assert kinds(scene.rule(SMOKE, 3_600, repeated=True)) == [EventKind.REPEATED]


def test_an_end_that_follows_a_resolution_is_noted_once(scene: Scene) -> None:
    name = scene.rule(SMOKE, 0)[0].incident.id
    scene.incidents.apply_command(resolve(name), T0 + 10 * S, 9)
    (event,) = scene.rule(SMOKE, 20, holds=False)
    assert (event.kind, event.incident.state) == (EventKind.CONDITION_ENDED, IncidentState.RESOLVED)
    assert scene.rule(SMOKE, 30, holds=False) == []


def test_an_end_of_what_was_never_raised_is_nothing(scene: Scene) -> None:
    assert scene.rule(TANK, 0, holds=False) == []


def test_a_person_reopens_what_is_closed_unless_a_newer_one_is_open(scene: Scene) -> None:
    first = scene.rule(TANK, 0)[0].incident.id
    scene.rule(TANK, 10, holds=False)
    second = scene.rule(TANK, 5_000)[0].incident.id
    reopen = Reopen(incident=first, by="li", origin="test")

    with pytest.raises(CommandRejected, match=second):
        scene.incidents.apply_command(reopen, T0 + 5_001 * S, 9)
    scene.rule(TANK, 5_010, holds=False)
    (event,) = scene.incidents.apply_command(reopen, T0 + 5_020 * S, 10)

    assert (event.kind, event.incident.id, event.by) == (EventKind.REOPENED, first, "li")
    assert "li raised" in event.text_en
    (again,) = scene.rule(TANK, 5_030)
    assert (again.incident.id, again.incident.condition_holds) == (first, True)


def test_what_cleared_by_itself_can_still_be_judged(scene: Scene) -> None:
    name = scene.rule(TANK, 0)[0].incident.id
    scene.rule(TANK, 10, holds=False)
    (event,) = scene.incidents.apply_command(resolve(name, Outcome.FALSE_ALARM), T0 + 86_400 * S, 9)
    assert (event.incident.outcome, event.incident.closed_us) == (Outcome.FALSE_ALARM, T0 + 10 * S)
    assert kinds(scene.rule(TANK, 86_401)) == [EventKind.RAISED]


def test_a_command_for_an_unknown_incident_says_so(scene: Scene) -> None:
    with pytest.raises(CommandRejected, match="NOSUCH"):
        scene.incidents.apply_command(acknowledge("NOSUCH"), T0, 1)


def test_devices_and_rules_have_incidents_of_their_own(scene: Scene) -> None:
    scene.rule(GAS, 0)
    scene.rule(SILENT, 1, value=None)
    scene.rule(GAS, 2, device=Device("other", "flat-201", Kind.GAS, "gas"))
    assert len({incident.id for incident in scene.incidents.open()}) == 3


def test_closed_incidents_are_bounded_but_not_within_the_window() -> None:
    scene = Scene(Incidents(IncidentLimits(reopen_within_s=100, closed_kept=3)))
    for n in range(10):
        device = Device("s", f"d{n}", Kind.TANK, "tank")
        scene.rule(TANK, n, device=device)
        scene.rule(TANK, n, device=device, holds=False)
    assert len(scene.incidents.recent(99)) == 10
    scene.rule(TANK, 1_000, device=Device("s", "last", Kind.TANK, "tank"))
    assert [incident.device for incident in scene.incidents.recent(99)] == ["s/last", "s/d9", "s/d8", "s/d7"]
    assert [incident.device for incident in scene.incidents.recent(2)] == ["s/last", "s/d9"]


def test_names_are_short_and_found_as_people_type_them(scene: Scene) -> None:
    name = scene.rule(GAS, 0)[0].incident.id
    assert len(name) == 8
    assert set(name) <= set(ALPHABET)
    assert scene.incidents.get(f" {name[:4].lower()}-{name[4:]} ") == scene.incidents.open()[0]
    assert normalised("iLo0") == "1100"


def test_a_name_that_is_taken_is_passed_over_the_same_way_each_time() -> None:
    first = identity("a", 1, characters=8)
    second = identity("a", 1, characters=8, taken={first})
    assert second != first
    assert identity("a", 1, characters=8, taken={first}) == second
    assert identity("a", 1, characters=8, taken={first, second}) not in {first, second}


def test_names_do_not_run_together() -> None:
    assert identity("ab", "c", characters=8) != identity("a", "bc", characters=8)
    names = {identity("d", "r", offset, 0, characters=8) for offset in range(5_000)}
    assert len(names) == 5_000
    assert {character for name in names for character in name} == set(ALPHABET)
