"""What an open incident explains, and what it never hides."""

from __future__ import annotations

import pytest

from alerts.incident import Exercise
from alerts.noise.inhibition import Condition, Equal, Inhibition
from alerts.noise.limits import NoiseLimits
from alerts.response_event import ResponseKind
from devices.model import Kind
from rules.model import AlarmClass, Severity
from tests.alerts.noise.scene import FIRE, GAS, GATEWAY, SILENT, SMOKE, SOS, TANK, TROUBLE, Street
from tests.alerts.noise.test_silences import silence

ANY = Condition()


def rule(name: str, source: str, target: str, *equal: Equal) -> Inhibition:
    return Inhibition(name, Condition(rules=(source,)), Condition(rules=(target,)), equal or (Equal.SITE,))


def test_a_gateway_hides_its_children_and_nobody_elses() -> None:
    street = Street()
    assert street.raised("GW", 0, device="s/gw-1", building="1", **GATEWAY).told
    hidden = street.raised("CHILD", 1, gateway="gw-1", building="2", **SILENT)
    assert (hidden.told, hidden.kind, hidden.by) == (False, ResponseKind.INHIBITED, "GW")
    assert hidden.text.en == "Not told by itself: “Rule gateway.no-data” (GW) explains it, and is open."
    assert "规则 gateway.no-data" in hidden.text.zh
    assert street.raised("OTHER", 2, gateway="gw-2", building="3", **SILENT).told
    assert street.raised("ELSEWHERE", 3, device="t/x", gateway="gw-1", building="4", **SILENT).told
    assert street.raised("SMOKE", 4, gateway="gw-1", building="2", **SMOKE).told, "a fire behind a dead gateway"


def test_a_child_is_told_a_minute_after_its_gateway_came_back_if_it_is_still_silent() -> None:
    street = Street()
    street.raised("GW", 0, device="s/gw-1", building="", **GATEWAY)
    for name in ("A", "B"):
        street.raised(name, 1, gateway="gw-1", building=name, **SILENT)
    street.closed("GW", 100)
    assert street.freed(159) == []
    street.closed("A", 159)
    (released,) = street.releases(160)
    assert released.incident == "B"
    assert "told now" in released.text.en
    assert "现予通知" in released.text.zh
    assert street.freed(1_000) == []


def test_a_second_outage_hides_again_what_waited_for_the_end_of_the_first() -> None:
    street = Street()
    street.raised("GW", 0, device="s/gw-1", building="", **GATEWAY)
    street.raised("A", 1, gateway="gw-1", **SILENT)
    street.closed("GW", 100)
    street.raised("GW2", 130, device="s/gw-1", building="", **GATEWAY)
    assert street.freed(200) == []
    street.closed("GW2", 300)
    assert street.freed(360) == ["A"]


def test_a_confirmed_fire_hides_the_single_detectors_it_was_made_of_and_no_others() -> None:
    street = Street(NoiseLimits())
    members = ("s/a", "s/b")
    assert street.raised("FIRE", 0, device="s/a", building="5", members=members, **FIRE).told
    assert street.raised("B", 1, device="s/b", **SMOKE).kind is ResponseKind.INHIBITED
    assert street.raised("C", 1, device="s/c", **SMOKE).kind is ResponseKind.GROUPED
    assert street.raised("GAS", 1, device="s/b", **GAS).told, "gas is another danger"
    street.closed("FIRE", 10)
    assert street.freed(10) == ["B"], "life safety does not wait"
    assert street.noise.lead_of("C") == "B", "and it leads those who were told with the fire"


def test_a_confirmed_fire_pages_though_one_of_its_detectors_leads_the_building() -> None:
    street = Street()
    assert street.raised("A", 0, device="s/a", **SMOKE).told
    assert street.raised("B", 1, device="s/b", **SMOKE).kind is ResponseKind.GROUPED
    assert street.raised("FIRE", 1, device="s/b", members=("s/a", "s/b"), **FIRE).told
    assert street.noise.lead_of("B") == "A"
    assert street.raised("D", 2, device="s/d", **SMOKE).by == "FIRE", "the newest leads what comes"


def test_a_fire_hides_the_trouble_of_its_own_device() -> None:
    street = Street()
    street.raised("A", 0, device="s/a", **SMOKE)
    trouble = {"rule": "smoke.fault", "severity": Severity.WARNING, "stake": TROUBLE}
    assert street.raised("FAULT", 1, device="s/a", **trouble).by == "A"
    assert street.raised("OTHER", 1, device="s/b", **trouble).told


def test_acceptance_of_a_source_changes_nothing() -> None:
    street = Street()
    street.raised("GW", 0, device="s/gw-1", building="", **GATEWAY)
    street.raised("A", 1, gateway="gw-1", **SILENT)
    street.accepted("GW", 2)
    assert street.freed(1_000) == []
    assert street.raised("B", 1_001, gateway="gw-1", **SILENT).by == "GW"


def test_what_was_answered_while_hidden_is_not_asked_about_but_is_when_given_back() -> None:
    street = Street()
    street.raised("GW", 0, device="s/gw-1", building="", **GATEWAY)
    street.raised("A", 1, gateway="gw-1", **SILENT)
    street.accepted("A", 2)
    street.closed("GW", 3)
    assert street.freed(100) == []
    street.refused("A", 101)
    assert street.freed(101) == ["A"]


@pytest.mark.parametrize(
    ("source", "target"),
    [
        pytest.param({**GATEWAY, "severity": Severity.ADVISORY}, SILENT, id="a target more severe than its source"),
        pytest.param(
            {**GATEWAY, "severity": Severity.EMERGENCY},
            {**GAS, "severity": Severity.WARNING},
            id="life safety by trouble",
        ),
        pytest.param({**TANK, "exercise": Exercise.DRILL}, TANK, id="anything by a drill"),
        pytest.param(TANK, {**TANK, "exercise": Exercise.DRILL}, id="a drill"),
        pytest.param({**TANK, "condition_holds": False}, TANK, id="anything by what has ended"),
    ],
)
def test_never_hidden(source: dict[str, object], target: dict[str, object]) -> None:
    street = Street(rules=[Inhibition("all", ANY, ANY, (Equal.SITE,))])
    street.raised("SOURCE", 0, building="1", **source)
    assert street.raised("TARGET", 1, building="2", **target).told


def test_the_same_pair_is_hidden_where_nothing_forbids_it() -> None:
    street = Street(rules=[Inhibition("all", ANY, ANY, (Equal.SITE,))])
    street.raised("SOURCE", 0, building="1", **TANK)
    assert street.raised("TARGET", 1, building="2", **TANK).by == "SOURCE"


def test_a_source_whose_condition_ended_hides_nothing_new_and_keeps_what_it_hides() -> None:
    street = Street()
    street.raised("FIRE", 0, device="s/a", members=("s/a", "s/b"), **FIRE)
    assert street.raised("B", 1, device="s/b", building="", **SMOKE).by == "FIRE"
    street.eased("FIRE", 2)
    assert street.freed(100) == []
    assert street.raised("A", 101, device="s/a", building="", **SMOKE).told, "it burns anew"


def test_missing_fields_are_never_equal() -> None:
    rules = [Inhibition("all", ANY, ANY, (Equal.SITE, Equal.UNIT_NAME))]
    street = Street(rules=rules)
    street.raised("SOURCE", 0, building="", **TANK)
    assert street.raised("TARGET", 1, building="", **TANK).told


def test_no_two_hide_each_other_and_nothing_hides_itself() -> None:
    street = Street(rules=[Inhibition("all", ANY, ANY, (Equal.SITE,))])
    assert street.raised("A", 0, building="1", **TANK).told
    assert street.raised("B", 1, building="2", **TANK).by == "A"
    assert street.reopened("A", 2).told, "B is hidden by A, so it cannot hide A"


def test_a_ring_of_rules_leaves_one_told() -> None:
    street = Street(rules=[rule("1", "a", "b"), rule("2", "b", "c"), rule("3", "c", "a")])
    plain = {"kind": Kind.TANK, "severity": Severity.WARNING, "stake": AlarmClass.PROPERTY}
    assert street.raised("A", 0, rule="a", building="1", **plain).told
    assert street.raised("B", 1, rule="b", building="2", **plain).by == "A"
    assert street.raised("C", 2, rule="c", building="3", **plain).by == "B", "a chain is no ring"
    assert street.reopened("A", 3).told
    street.closed("A", 4)
    assert street.freed(64) == ["B"], "C is hidden by B"


def test_a_silenced_source_hides_trouble_but_no_life_safety() -> None:
    street = Street()
    street.ordered(silence(site="s", rule="*.confirmed", life_safety=True), 0)
    street.ordered(silence(site="s", rule="gateway.*"), 0)
    assert street.raised("FIRE", 1, device="s/a", members=("s/a", "s/b"), **FIRE).kind is ResponseKind.SILENCED
    assert street.raised("B", 2, device="s/b", **SMOKE).told
    assert street.raised("GW", 3, device="s/gw-1", building="", **GATEWAY).kind is ResponseKind.SILENCED
    assert street.raised("CHILD", 4, gateway="gw-1", **SILENT).by == "GW"


def test_a_fire_that_is_raised_anew_under_a_silence_lets_its_detectors_go() -> None:
    street = Street()
    street.raised("FIRE", 0, device="s/a", members=("s/a", "s/b"), **FIRE)
    assert street.raised("B", 1, device="s/b", **SMOKE).by == "FIRE"
    street.ordered(silence(site="s", rule="*.confirmed", life_safety=True), 2)
    assert street.reopened("FIRE", 3).kind is ResponseKind.SILENCED
    assert street.freed(3) == ["B"]


def test_a_source_that_falls_silent_later_lets_life_safety_go() -> None:
    life = {"kind": Kind.GAS, "severity": Severity.ALARM, "stake": AlarmClass.LIFE_SAFETY}
    street = Street(rules=[rule("1", "a", "b"), rule("2", "b", "c")])
    street.raised("A", 0, rule="a", building="1", **life)
    street.raised("B", 1, rule="b", building="2", **life)
    assert street.raised("C", 2, rule="c", building="3", **life).by == "B"
    street.ordered(silence(rule="b", life_safety=True), 3)
    street.closed("A", 4)
    assert street.freed(4) == ["C"], "nobody hears of B"


def test_a_source_that_is_raised_anew_and_milder_hides_nothing_worse() -> None:
    street = Street(rules=[Inhibition("all", ANY, ANY, (Equal.SITE,))])
    street.raised("A", 0, building="1", **TANK)
    assert street.raised("B", 1, building="2", **TANK).by == "A"
    street.raised("A", 2, building="1", **{**TANK, "severity": Severity.ADVISORY})
    assert street.freed(2) == ["B"]


def test_members_that_join_later_are_hidden() -> None:
    street = Street(rules=[rule("m", "*.confirmed", "smoke.alarm", Equal.MEMBERS)])
    street.raised("FIRE", 0, device="s/a", building="1", members=("s/a",), **FIRE)
    assert street.raised("B", 1, device="s/b", building="2", **SMOKE).told
    street.joined("FIRE", 2, members=("s/a", "s/c"))
    assert street.raised("C", 3, device="s/c", building="3", **SMOKE).by == "FIRE"


def test_inhibition_survives_a_restart() -> None:
    street = Street()
    street.raised("GW", 0, device="s/gw-1", building="", **GATEWAY)
    street.raised("A", 1, gateway="gw-1", **SILENT)
    street = street.restarted()
    assert street.raised("B", 2, gateway="gw-1", **SILENT).by == "GW"
    street.closed("GW", 3)
    street = street.restarted()
    assert street.freed(62) == []
    assert street.freed(63) == ["A"], "B is of its building, and told with it"
    assert street.noise.members_of("A") == ("B",)


def test_with_other_rules_after_a_restart_what_nothing_hides_any_more_is_told() -> None:
    street = Street()
    street.raised("GW", 0, device="s/gw-1", building="", **GATEWAY)
    street.raised("A", 1, gateway="gw-1", **SILENT)
    street.rules = ()
    assert street.restarted().freed(2) == ["A"]


def test_a_snapshot_of_another_version_is_refused() -> None:
    with pytest.raises(ValueError, match="noise snapshot"):
        Street().noise.restore(b"\x7f")


def test_people_are_never_hidden_by_people() -> None:
    street = Street()
    crowd = {**SOS, "rule_kind": FIRE["rule_kind"]}
    street.raised("CROWD", 0, device="s/w1", members=("s/w1", "s/w2"), **crowd)
    assert street.raised("W2", 1, device="s/w2", **SOS).told
