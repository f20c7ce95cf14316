from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from msgspec.structs import replace

from alerts import (
    Accept,
    CommandRejected,
    EventKind,
    IncidentEvent,
    IncidentLimits,
    Incidents,
    IncidentState,
    Outcome,
    Reopen,
    Resolve,
    decode_event,
)
from alerts.account import MEMBERS_KEPT
from alerts.identity import ALPHABET, identity, normalised
from devices.model import Device, Kind
from rules.model import AlarmClass, Comparison, RuleKind, Scope, Severity, ThresholdTerms
from tests.alerts.scene import FIRE, FLAT, GAS, SILENT, SMOKE, SOS, T0, TANK, S, Scene


@pytest.fixture
def scene() -> Scene:
    return Scene(Incidents())


def resolve(name: str, outcome: Outcome = Outcome.TRUE) -> Resolve:
    return Resolve(incident=name, by="li", origin="test", outcome=outcome)


def accept(name: str) -> Accept:
    return Accept(incident=name, by="li", origin="test")


def kinds(*steps: list[IncidentEvent]) -> list[EventKind]:
    return [event.kind for step in steps for event in step]


def test_a_rule_that_holds_raises_an_incident_with_all_that_is_known(scene: Scene) -> None:
    (event,) = scene.rule(GAS, 30, since=0, value=12.34, arrives=31, device=dataclasses.replace(FLAT, gateway="gw-1"))

    told = event.incident
    assert (told.state, told.condition_holds, told.severity) == (IncidentState.RAISED, True, GAS.severity)
    assert (told.device, told.site, told.grid, told.place) == ("shuibei/flat-201", "shuibei", "3", FLAT.place)
    assert (told.value, told.limit, told.unit, told.metric) == (12.34, 10.0, "%LEL", "gas_lel")
    assert (told.rule_kind, told.members, told.members_count) == (RuleKind.THRESHOLD, (), 0)
    assert (told.since_us, told.event_us, told.raised_us) == (T0, T0 + 30 * S, T0 + 31 * S)
    assert (told.building, told.floor, told.unit_name, told.gateway) == ("5", "2", "201", "gw-1")
    assert (told.exercise, told.acceptances) == (None, ())
    assert event.id == f"{told.id}-1"
    assert scene.incidents.open() == [told]


def test_a_class_that_may_clear_clears_when_the_condition_ends(scene: Scene) -> None:
    scene.rule(TANK, 0, value=1.2)
    (event,) = scene.rule(TANK, 60, holds=False, value=1.9)

    assert (event.kind, event.incident.state, event.by) == (EventKind.CLEARED, IncidentState.CLEARED, "")
    assert event.incident.closed_us == T0 + 60 * S
    assert scene.incidents.open() == []


def test_an_accepted_incident_of_such_a_class_clears_too(scene: Scene) -> None:
    name = scene.rule(TANK, 0)[0].incident.id
    scene.incidents.apply_command(accept(name), T0 + S, 5)
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
    scene.incidents.apply_command(accept(name), T0 + S, 5)
    assert kinds(scene.rule(SMOKE, 60, holds=False), scene.rule(SMOKE, 120)) == [
        EventKind.CONDITION_ENDED,
        EventKind.CONDITION_RETURNED,
    ]
    assert scene.incidents.open()[0].state is IncidentState.ACCEPTED


def test_a_new_fire_at_a_detector_whose_last_one_was_forgotten_is_raised_again(scene: Scene) -> None:
    name = scene.rule(SMOKE, 0)[0].incident.id
    scene.incidents.apply_command(accept(name), T0 + S, 5)
    scene.rule(SMOKE, 60, holds=False)
    (event,) = scene.rule(SMOKE, 86_400)

    assert (event.kind, event.incident.state, event.incident.id) == (EventKind.REOPENED, IncidentState.RAISED, name)
    assert (event.incident.accepted_us, event.incident.accepted_by) == (None, "")


def test_a_button_pressed_after_long_silence_is_no_repeat(scene: Scene) -> None:
    name = scene.rule(SOS, 0)[0].incident.id
    scene.incidents.apply_command(accept(name), T0 + S, 5)
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
        scene.incidents.apply_command(accept("NOSUCH"), T0, 1)


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


# ── what was judged, and who has a part in it ────────────────────────────────────────────────────────────────────────

NEIGHBOURS = [Device("shuibei", f"smoke-{n}", Kind.SMOKE, "smoke", "3", "5", "2", "201") for n in range(80)]


@pytest.fixture
def flat() -> Scene:
    return Scene(Incidents(), devices=NEIGHBOURS)


def test_an_incident_keeps_what_was_judged_as_of_the_last_change(scene: Scene) -> None:
    scene.rule(GAS, 0, measure=12.3, reference=1.0, low=0.5, high=float("inf"))
    first = scene.incidents.open()[0]
    assert (first.measure, first.reference, first.low, first.high) == (12.3, 1.0, 0.5, None)
    scene.rule(GAS, 60, holds=False, value=4.0, measure=4.0)
    assert (scene.incidents.open()[0].measure, scene.incidents.open()[0].reference) == (4.0, None)


def test_more_devices_that_join_are_told_and_kept(flat: Scene) -> None:
    (first,) = flat.rule(FIRE, 0, value=None, measure=2.0, reference=5.0, members=(0, 1))
    assert first.incident.place == "shuibei, grid 3, building 5, floor 2, 201"
    assert (first.incident.members, first.incident.members_count) == (("shuibei/smoke-0", "shuibei/smoke-1"), 2)
    told = [
        flat.rule(FIRE, n, repeated=True, value=None, measure=float(n), members=tuple(range(n))) for n in range(3, 73)
    ]
    (second,) = told[0]
    assert second.kind is EventKind.REPEATED
    assert "smoke-0, smoke-1 and smoke-2" in second.text_en
    # Each of the first 16 that join, and then every power of two of the repetitions.
    assert [n for n, events in enumerate(told, 3) if events] == [*range(3, 17), 18, 34, 66]
    (now,) = flat.incidents.open()
    assert (now.members_count, len(now.members), now.repeats) == (72, MEMBERS_KEPT, 70)
    assert now.members == tuple(device.key for device in NEIGHBOURS[:MEMBERS_KEPT])


def test_members_of_a_danger_that_is_over_are_still_known(flat: Scene) -> None:
    flat.rule(FIRE, 0, value=None, measure=2.0, members=(0, 1))
    (event,) = flat.rule(FIRE, 60, holds=False, value=None, measure=1.0, members=(1,))
    assert event.incident.members == ("shuibei/smoke-0", "shuibei/smoke-1")
    assert (event.incident.members_count, event.incident.measure) == (2, 1.0)


def test_a_wide_neighbourhood_hangs_where_its_place_is(flat: Scene) -> None:
    wide = replace(FIRE, terms=replace(FIRE.terms, scope=Scope.BUILDING))
    (event,) = flat.rule(wide, 0, value=None, members=(0, 1))
    assert (event.incident.place, event.incident.place_zh) == ("shuibei, grid 3, building 5", "shuibei，网格3，楼栋5")
    assert event.incident.grid == "3"


def test_an_override_changes_what_is_said_and_not_how_bad_people_were_told_it_is(scene: Scene) -> None:
    scene.rule(TANK, 0, value=1.2)
    stronger = replace(TANK, severity=Severity.ALARM, terms=ThresholdTerms(Comparison.BELOW, 1.6, 1.9))
    (event,) = scene.rule(stronger, 5, repeated=True, value=1.3)
    assert (event.incident.severity, event.incident.limit) == (Severity.WARNING, 1.6)
    assert "1.6 m" in event.incident.what_en
    (again,) = scene.rule(stronger, 5_000, holds=False, value=2.0)
    assert again.kind is EventKind.CLEARED


def test_what_has_become_life_safety_since_it_was_raised_does_not_clear_by_itself(scene: Scene) -> None:
    scene.rule(TANK, 0, value=1.2)
    assert kinds(scene.rule(replace(TANK, alarm_class=AlarmClass.LIFE_SAFETY), 5, holds=False)) == [
        EventKind.CONDITION_ENDED
    ]


# ── what version 0.1 wrote ───────────────────────────────────────────────────────────────────────────────────────────

OLD = Path(__file__).parent / "fixtures"
"""By the program before incidents knew kinds of rules: gas open, smoke acknowledged, silence open, tank cleared."""


def test_incidents_of_an_older_snapshot_go_on(flat: Scene) -> None:
    flat.incidents.restore((OLD / "incidents-1.bin").read_bytes())
    flat.offset = 100
    gas, smoke, silent = flat.incidents.open()
    assert [one.rule_id for one in (gas, smoke, silent)] == [GAS.id, SMOKE.id, SILENT.id]
    assert (gas.limit, gas.rule_kind, gas.measure, gas.members_count) == (10.0, None, None, 0)
    assert (smoke.accepted_by, smoke.note) == ("li", "on my way")
    (event,) = flat.rule(GAS, 100_100, holds=False, value=3.0, measure=3.0)
    assert (event.incident.id, event.incident.revision, event.incident.rule_kind) == (gas.id, 2, RuleKind.THRESHOLD)
    again = Incidents()
    again.restore(flat.incidents.snapshot())
    assert again.open() == flat.incidents.open()


def test_an_older_timeline_is_read() -> None:
    event = decode_event((OLD / "event-incident-1.bin").read_bytes())
    assert isinstance(event, IncidentEvent)
    assert (event.kind, event.incident.value, event.incident.members) == (EventKind.RAISED, 12.3, ())
