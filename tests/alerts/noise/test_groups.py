"""Groups: what is told together with what, and who leads when the lead has closed."""

from __future__ import annotations

from typing import Any

import pytest

from alerts.noise.groups import GroupLimits, GroupPlace
from alerts.noise.limits import NoiseLimits
from alerts.response_event import ResponseKind
from devices.model import Kind
from rules.model import AlarmClass, RuleKind, Severity
from tests.alerts.noise.scene import BATTERY, GAS, GATEWAY, LEAK, SILENT, SMOKE, SOS, TANK, Street
from tests.alerts.noise.test_silences import silence


def street_by(place: GroupPlace = GroupPlace.BUILDING, *, floors_apart: bool = False) -> Street:
    return Street(NoiseLimits(groups=GroupLimits(place, floors_apart=floors_apart)))


def test_the_first_of_a_building_is_told_and_the_next_are_told_with_it() -> None:
    street = Street()
    assert street.raised("A", 0, **SMOKE).told
    second = street.raised("B", 1, **SMOKE)
    assert (second.told, second.kind, second.by) == (False, ResponseKind.GROUPED, "A")
    assert second.text.en == "Told together with “Rule smoke.alarm” (A)."
    assert street.raised("C", 59.9, **SMOKE).by == "A"
    assert street.noise.members_of("A") == ("B", "C")
    assert [street.noise.lead_of(name) for name in "ABC"] == ["A", "A", "A"]
    assert street.noise.members_of("B") == ()
    assert street.raised("D", 60, **SMOKE).told, "a minute after the lead"
    assert street.raised("E", 61, **SMOKE).by == "D", "the newest lead"


@pytest.mark.parametrize(
    ("first", "second", "together"),
    [
        pytest.param(SMOKE, SMOKE, True, id="fire"),
        pytest.param(SMOKE, GAS, False, id="fire and gas"),
        pytest.param(LEAK, GAS, True, id="gas of two rules"),
        pytest.param(GAS, {**GAS, "kind": Kind.CO}, False, id="gas and carbon monoxide"),
        pytest.param(SMOKE, BATTERY, False, id="fire and trouble"),
        pytest.param(SILENT, {**SILENT, "kind": Kind.GAS}, True, id="trouble of two kinds"),
        pytest.param(TANK, {**TANK, "kind": Kind.HYDRANT}, True, id="water of two kinds"),
        pytest.param({**TANK, "stake": AlarmClass.PROPERTY}, TANK, True, id="property and what is supervised"),
        pytest.param({**TANK, "stake": AlarmClass.LIFE_SAFETY}, TANK, False, id="life safety and what is supervised"),
        pytest.param(SOS, SOS, False, id="two people"),
        pytest.param({**SMOKE, "kind": Kind.UNKNOWN}, {**SMOKE, "kind": Kind.UNKNOWN}, False, id="what nobody knows"),
        pytest.param({**BATTERY, "kind": Kind.SERVICE}, {**BATTERY, "kind": Kind.SERVICE}, False, id="Vigil's own"),
        pytest.param(SMOKE, {**SMOKE, "building": "6"}, False, id="two buildings"),
        pytest.param(SMOKE, {**SMOKE, "device": "t/x"}, False, id="two sites"),
        pytest.param({**SMOKE, "building": ""}, {**SMOKE, "building": ""}, False, id="without a building"),
        pytest.param(
            {**GAS, "device": "s/x", "building": ""}, {**GAS, "device": "s/x", "building": ""}, True, id="one device"
        ),
    ],
)
def test_what_is_told_together(first: dict[str, Any], second: dict[str, Any], together: bool) -> None:
    street = Street()
    assert street.raised("A", 0, **first).told
    assert (street.raised("B", 1, **second).kind is ResponseKind.GROUPED) is together


@pytest.mark.parametrize(
    ("place", "together"),
    [(GroupPlace.BUILDING, [True, True]), (GroupPlace.FLOOR, [True, False]), (GroupPlace.UNIT, [False, False])],
)
def test_the_structure_is_a_setting(place: GroupPlace, together: list[bool]) -> None:
    street = street_by(place)
    street.raised("A", 0, floor="2", unit_name="201", **SMOKE)
    told = [
        street.raised("B", 1, floor="2", unit_name="202", **SMOKE).told,
        street.raised("C", 1, floor="3", unit_name="301", **SMOKE).told,
    ]
    assert [not one for one in told] == together


def test_another_floor_is_told_by_itself_where_the_setting_says_so_and_lives_are_in_danger() -> None:
    street = street_by(floors_apart=True)
    street.raised("A", 0, floor="2", **SMOKE)
    assert street.raised("B", 1, floor="3", **SMOKE).told
    assert street.raised("C", 2, floor="2", **SMOKE).by == "A"
    street.raised("T", 3, floor="2", **BATTERY)
    assert street.raised("U", 4, floor="3", **BATTERY).by == "T"


def test_a_worse_one_is_told_by_itself_and_leads_from_there_on() -> None:
    street = Street()
    street.raised("A", 0, **GAS)
    assert street.raised("B", 1, **LEAK).told
    assert street.raised("C", 2, **GAS).by == "B"
    street.closed("B", 3)
    assert street.raised("D", 4, **GAS).by == "A", "the lead before is open still"


def test_a_burst_main_pages_though_a_hydrant_leads() -> None:
    hydrant = {**TANK, "kind": Kind.HYDRANT, "severity": Severity.WARNING}
    burst = {**hydrant, "stake": AlarmClass.PROPERTY, "rule_kind": RuleKind.NEIGHBOURHOOD}
    street = Street()
    street.raised("A", 0, device="s/a", **hydrant)
    assert street.raised("BURST", 1, device="s/b", members=("s/a",), **burst).told, "it explains the lead"


def test_when_the_lead_closes_the_worst_and_then_oldest_leads_and_is_told() -> None:
    street = Street()
    street.raised("A", 0, **LEAK)
    street.raised("MILD", 1, **GAS)
    street.raised("BAD", 2, **LEAK)
    street.raised("WORSE", 3, **LEAK)
    street.closed("A", 10)
    assert street.freed(10) == ["BAD"]
    assert street.noise.members_of("BAD") == ("MILD", "WORSE")
    assert street.freed(1_000) == []
    street.closed("BAD", 1_001)
    assert street.freed(1_001) == ["WORSE"]
    street.closed("WORSE", 1_002)
    assert street.freed(1_002) == ["MILD"]


def test_what_waits_is_led_by_nothing_that_somebody_has_answered() -> None:
    street = Street()
    for name in ("A", "B", "C"):
        street.raised(name, 0, **SMOKE)
    street.accepted("B", 1)
    street.closed("A", 2)
    assert street.freed(2) == ["C"], "nobody has C, and nobody would be asked about B"
    assert street.noise.members_of("C") == ("B",)
    street.refused("B", 1_001)
    assert street.freed(1_001) == [], "C is asked about in its place"


def test_an_answered_member_leads_where_no_other_waits() -> None:
    street = Street()
    for name in ("A", "B"):
        street.raised(name, 0, **SMOKE)
    street.accepted("B", 1)
    street.closed("A", 2)
    assert street.freed(1_000) == []
    street.refused("B", 1_001)
    assert street.freed(1_001) == ["B"], "nobody was ever told of it"


def test_a_member_that_is_given_back_stays_with_its_lead() -> None:
    street = Street()
    for name in ("A", "B"):
        street.raised(name, 0, **SMOKE)
    street.accepted("B", 1)
    street.refused("B", 2)
    assert street.freed(1_000) == []
    assert street.noise.lead_of("B") == "A"


def test_trouble_waits_a_minute_for_a_new_lead_since_most_of_it_ends_together() -> None:
    street = Street()
    for name in ("A", "B", "C"):
        street.raised(name, 0, **SILENT)
    street.closed("A", 100)
    assert street.noise.lead_of("B") == "B"
    assert street.freed(159) == []
    street.closed("B", 159)
    assert street.freed(160) == ["C"]


def test_a_group_without_a_lead_goes_to_whoever_is_told_next() -> None:
    street = Street()
    for name in ("A", "B"):
        street.raised(name, 0, **SILENT)
    street.closed("A", 100)
    assert street.raised("N", 120, **SILENT).told
    assert street.noise.members_of("N") == ("B",)
    assert street.freed(1_000) == []
    street.closed("N", 1_001)
    assert street.freed(1_061) == ["B"]


def test_a_group_without_a_lead_goes_to_nobody_who_is_milder() -> None:
    street = Street()
    for name in ("A", "B"):
        street.raised(name, 0, **SILENT)
    street.closed("A", 100)
    assert street.raised("N", 120, **{**SILENT, "severity": Severity.ADVISORY}).told
    assert street.freed(160) == ["B"]


def test_a_member_that_is_raised_anew_is_judged_anew() -> None:
    street = Street()
    street.raised("A", 0, **SMOKE)
    street.raised("B", 1, **SMOKE)
    assert street.reopened("B", 59).by == "A"
    assert street.reopened("B", 700).told
    assert street.noise.members_of("A") == ()


def test_a_lead_that_is_raised_anew_is_told_anew_and_keeps_its_group() -> None:
    street = Street()
    street.raised("A", 0, **SMOKE)
    street.raised("B", 1, **SMOKE)
    assert street.reopened("A", 700).told
    assert street.noise.members_of("A") == ("B",)
    assert street.raised("C", 701, **SMOKE).by == "A"


def test_a_lead_that_is_silenced_as_it_is_raised_anew_leaves_its_group() -> None:
    street = Street()
    street.raised("A", 0, device="s/a", **SMOKE)
    street.raised("B", 1, **SMOKE)
    street.ordered(silence(device="s/a", life_safety=True), 2)
    assert street.reopened("A", 3).kind is ResponseKind.SILENCED
    assert street.freed(3) == ["B"]


def test_a_lead_that_is_raised_anew_but_milder_leaves_its_group_to_the_worse() -> None:
    street = Street()
    street.raised("A", 0, **LEAK)
    street.raised("B", 1, **LEAK)
    assert street.raised("A", 700, **GAS).told
    assert street.freed(700) == ["B"]


def test_a_lead_that_is_raised_anew_elsewhere_leaves_its_group() -> None:
    street = Street()
    street.raised("A", 0, **SMOKE)
    street.raised("B", 1, **SMOKE)
    assert street.raised("A", 700, **{**SMOKE, "building": "6"}).told
    assert street.freed(700) == ["B"]
    assert street.raised("C", 701, **{**SMOKE, "building": "6"}).by == "A"


def test_a_group_whose_last_member_closes_while_it_waits_for_a_lead_is_gone() -> None:
    street = Street()
    for name in ("A", "B"):
        street.raised(name, 0, **SILENT)
    street.closed("A", 100)
    street.closed("B", 110)
    assert street.freed(1_000) == []
    assert street.noise._groups.saved() == []


def test_what_a_person_raises_again_is_told() -> None:
    street = Street()
    street.ordered(silence(building="5", life_safety=True), 0)
    assert not street.raised("A", 1, **SMOKE).told
    assert street.reopened("A", 2, by="li").told


def test_groups_survive_a_restart() -> None:
    street = Street()
    street.raised("A", 0, **SMOKE)
    street.raised("B", 1, **SMOKE)
    street = street.restarted()
    assert street.raised("C", 2, **SMOKE).by == "A"
    street.closed("A", 3)
    street = street.restarted()
    assert street.freed(3) == ["B"]
    assert street.restarted().noise.members_of("B") == ("C",)


def test_a_clock_that_goes_back_ends_no_group_and_prolongs_none() -> None:
    street = Street()
    street.raised("A", 1_000, **SMOKE)
    street.raised("B", 30, **SMOKE)
    assert street.noise.lead_of("B") == "A", "30 s may have gone, or none"
    assert street.raised("C", 91, **SMOKE).told


def test_a_clock_that_is_set_forward_moves_what_waits() -> None:
    street = Street()
    street.raised("GW", 0, device="s/gw", building="", **GATEWAY)
    street.raised("A", 1, gateway="gw", **SILENT)
    street.closed("GW", 2)
    street.noise.shift(3_600_000_000)
    assert street.freed(2) == [], "the record that tells of it has the old time"
    assert street.freed(3_661) == []
    assert street.freed(3_662) == ["A"]


def test_nothing_is_grouped_where_the_time_is_nought() -> None:
    street = Street(NoiseLimits(groups=GroupLimits(within_s=0)))
    street.raised("A", 0, **SMOKE)
    assert street.raised("B", 0, **SMOKE).told


def test_the_verdict_on_other_events_says_how_it_stands() -> None:
    street = Street()
    street.raised("A", 0, **SMOKE)
    street.raised("B", 1, **SMOKE)
    assert street.accepted("A", 2).told
    assert street.accepted("B", 3)[:3] == (False, ResponseKind.GROUPED, "A")
    assert street.closed("B", 4)[:3] == (False, ResponseKind.GROUPED, "A")
    assert street.closed("A", 5).told
