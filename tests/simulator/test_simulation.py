"""The simulated community, moved by a clock of the test's own."""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices import Kind
from devices.profile_loader import load_profiles
from simulator import Fleet, Message, ScenarioKind, ScenarioPlan, Simulation, script, shuibei_fleet, truth_table
from simulator.simulation import REPEAT_S
from tests.simulator.findings import found, parsed, plain

PROFILES = load_profiles()
FLEET = shuibei_fleet(seed=1, extended=True)
PROFILE_OF = {device.key: PROFILES[device.profile] for device in FLEET.devices}
BEGIN_US = 1_793_980_800_000_000


def simulation(plan: ScenarioPlan | None = None, *, seed: int = 1, speed: float = 1.0) -> Simulation:
    return Simulation(FLEET, PROFILES, begin_us=BEGIN_US, seed=seed, speed=speed, plan=plan)


def play(community: Simulation, until_s: float, from_s: float = 0.0, step_s: float = 0.5) -> list[Message]:
    steps = range(int(from_s / step_s), int(until_s / step_s) + 1)
    return [message for step in steps for message in community.advance(BEGIN_US + int(step * step_s * 1e6))]


def test_every_device_reports_within_twenty_seconds_and_spread_over_them() -> None:
    community = simulation()
    per_second = [len(play(community, s + 0.5, from_s=s)) for s in range(21)]
    assert sum(per_second) == len(FLEET)
    assert max(per_second) < 2 * len(FLEET) / 20
    assert play(community, 50, from_s=20.5) == []


def test_devices_report_again_at_their_period() -> None:
    community = simulation()
    messages = play(community, 620, step_s=5)
    names = Counter(message.topic.split("/")[3] for message in messages)
    assert {names[FLEET.devices[row].name] for row in FLEET.of_kind(Kind.GAS)} <= {10, 11}
    assert {names[FLEET.devices[row].name] for row in FLEET.of_kind(Kind.WATCH)} <= {2, 3}
    assert {names[FLEET.devices[row].name] for row in FLEET.of_kind(Kind.SMOKE)} == {1}


def test_speed_shortens_the_periods_and_leaves_event_times_to_the_clock() -> None:
    community = simulation(speed=60)
    messages = play(community, 30)
    names = Counter(message.topic.split("/")[3] for message in messages)
    assert all(names[FLEET.devices[row].name] >= 10 for row in FLEET.of_kind(Kind.GAS))
    times_ms = [json.loads(message.payload)["ts"] for message in messages]
    assert min(times_ms) >= BEGIN_US // 1000
    assert max(times_ms) <= BEGIN_US // 1000 + 30_000


def test_each_scenario_begins_once_within_forty_seconds_and_the_first_five_within_twenty() -> None:
    community = simulation(ScenarioPlan())
    play(community, 40)
    assert [truth.kind for truth in community.truths] == [kind.value for kind in ScenarioKind]
    starts_s = [(truth.starts_us - BEGIN_US) / 1e6 for truth in community.truths]
    assert min(starts_s) >= 3
    assert max(starts_s[:5]) <= 20
    assert max(starts_s) <= 40


def test_another_incident_follows_every_two_to_four_minutes() -> None:
    truths = script(FLEET, seed=1, begin_us=BEGIN_US, seconds=3600)
    later = truths[len(ScenarioKind) - 1 :]
    assert len(later) > 10
    assert all(120 <= (b.starts_us - a.starts_us) / 1e6 <= 240 for a, b in pairwise(later))
    assert truths == script(FLEET, seed=1, begin_us=BEGIN_US, seconds=3600)
    assert truths != script(FLEET, seed=2, begin_us=BEGIN_US, seconds=3600)


@pytest.mark.parametrize("seed", range(5))
def test_the_truth_is_what_the_published_readings_show(seed: int) -> None:
    community = simulation(ScenarioPlan(every_s=None), seed=seed)
    messages = play(community, 300)
    expected = plain((pair for truth in community.truths for pair in truth.expected), PROFILE_OF)
    assert len(expected) >= 4 + 2 + 2 + 2 + 1
    assert found(parsed((m.topic, m.payload) for m in messages), PROFILE_OF) == expected


def test_the_truth_names_the_rules_that_a_person_would_expect() -> None:
    assert {truth.kind: set(truth.expected_rule_ids) for truth in script(FLEET, seconds=50)} == {
        "gas leak": {"gas.pre-alarm", "gas.high", "gas.urgent", "gas.alarm"},
        "kitchen fire": {"smoke.alarm", "smoke.confirmed"},
        "hydrant burst": {
            "hydrant.pressure-critical",
            "hydrant.pressure-low",
            "hydrant.pressure-falling",
            "hydrant.gauge-low",
        },
        "tank leak": {"tank.level-critical", "tank.level-low", "tank.falling", "tank.gauge-low"},
        "elder's SOS": {"watch.sos"},
        "main burst": {"hydrant.pressure-falling", "hydrant.main-burst"},
        "CO while heating": {"co.high", "co.dose", "co.alarm"},
        "tank draining": {"tank.falling"},
        "broken wire": {"hydrant.out-of-range.loop_ma", "hydrant.out-of-range.pressure_mpa"},
        "elder's fall": {"watch.fall"},
        "gateway lost": {"gateway.offline"},
    }


def test_a_fleet_without_gateways_and_carbon_monoxide_detectors_goes_without_their_stories() -> None:
    plain_fleet = shuibei_fleet(seed=1)
    kinds = {truth.kind for truth in script(plain_fleet, seconds=50)}
    assert kinds == {kind.value for kind in ScenarioKind} - {"CO while heating", "gateway lost"}


def test_a_main_burst_is_seen_by_hydrants_close_together_and_above_every_limit() -> None:
    community = simulation(ScenarioPlan(kinds=(ScenarioKind.MAIN_BURST,), every_s=None))
    messages = play(community, 100)
    (truth,) = community.truths
    rows = [row for row, device in enumerate(FLEET.devices) if device.key in truth.devices]
    assert len(rows) == 5
    assert all(FLEET.metres(rows[0], row) <= 600 for row in rows)
    pressures = [
        (device, value)
        for device, metric, _, value in parsed((m.topic, m.payload) for m in messages)
        if device in truth.devices and metric == "pressure_mpa"
    ]
    for device in truth.devices:
        its = [value for key, value in pressures if key == device]
        assert 0.14 < min(its) < max(its) - 0.09


def test_a_lost_gateway_says_so_by_its_will_and_then_nothing_until_it_is_back() -> None:
    community = simulation(ScenarioPlan(kinds=(ScenarioKind.GATEWAY_LOST,), first_s=(70, 71), every_s=None))
    messages = play(community, 400)
    (truth,) = community.truths
    name = truth.devices[0].split("/")[1]
    its = [(m.topic.split("/")[4], json.loads(m.payload)) for m in messages if m.topic.split("/")[3] == name]
    begins_ms = truth.starts_us // 1000
    lost = [at for at, (lane, body) in enumerate(its) if lane == "status" and body["status"] == "offline"]
    back = [at for at, (lane, body) in enumerate(its) if lane == "status" and body["status"] == "online"]
    assert len(lost) == len(back) == 1
    assert back[0] == lost[0] + 1
    assert begins_ms <= its[lost[0]][1]["ts"] <= begins_ms + 500
    assert begins_ms + 240_000 <= its[back[0]][1]["ts"] <= begins_ms + 240_600
    assert [lane for lane, _ in its[back[0] + 1 :]][:1] == ["readings"]


def test_a_kitchen_fire_sets_off_two_smoke_detectors_of_one_home_on_the_alarm_lane() -> None:
    community = simulation(ScenarioPlan(kinds=(ScenarioKind.KITCHEN_FIRE,), every_s=None))
    alarms = [m for m in play(community, 40) if m.alarm and not m.repeat]
    (truth,) = community.truths
    names = [m.topic.split("/")[3] for m in alarms]
    assert [f"shuibei/{name}" for name in names] == list(truth.devices[:2])
    assert all(m.topic.endswith("/alarm") and json.loads(m.payload)["values"] == {"smoke": 1} for m in alarms)
    first, second = (next(d for d in FLEET.devices if d.name == name) for name in names)
    assert (first.building, first.floor, first.unit) == (second.building, second.floor, second.unit)


def test_after_an_incident_every_device_says_that_all_is_well() -> None:
    community = simulation(ScenarioPlan(every_s=None))
    readings = parsed((m.topic, m.payload) for m in play(community, 300) if not m.repeat)
    newest = {(device, metric): value for device, metric, _, value in readings}
    touched = {device for truth in community.truths for device in truth.devices}
    last = [(device, metric, BEGIN_US / 1e6, value) for (device, metric), value in newest.items() if device in touched]
    assert found(last, PROFILE_OF) == {
        (truth.devices[0], "watch.sos") for truth in community.truths if "SOS" in truth.kind
    }


def test_an_alarm_is_repeated_unchanged_at_least_every_thirty_seconds_until_its_receipt() -> None:
    community = simulation(ScenarioPlan(kinds=(ScenarioKind.ELDER_SOS,), every_s=None))
    alarms = [m for m in play(community, 100) if m.alarm]
    assert len(alarms) >= 3
    assert len({m.payload for m in alarms}) == 1
    assert [m.repeat for m in alarms] == [False] + [True] * (len(alarms) - 1)
    assert REPEAT_S <= 30
    _, _, site, name, _ = alarms[0].topic.split("/")
    time_ms = json.loads(alarms[0].payload)["ts"]

    for foreign in (b"", b"{", b"\xff", b"[]", b'{"ts":"now"}', b'{"ts":1}', f'{{"ts":{time_ms + 1}}}'.encode()):
        assert not community.receipt(site, name, foreign)
    assert not community.receipt(site, "another", b"{}")
    assert not community.receipt("elsewhere", name, b"{}")
    assert community.unanswered == 1
    assert [m.alarm for m in play(community, 112, from_s=101)].count(True) == 1

    assert community.receipt(site, name, f'{{"received":{time_ms + 40},"ts":{time_ms}}}'.encode())
    assert community.unanswered == 0
    assert not [m for m in play(community, 200, from_s=113) if m.alarm]


def test_a_receipt_without_a_time_answers_all_of_the_device() -> None:
    community = simulation(ScenarioPlan(kinds=(ScenarioKind.GAS_LEAK,), first_s=(3, 4), every_s=None))
    (alarm,) = [m for m in play(community, 15) if m.alarm]
    assert community.receipt("shuibei", alarm.topic.split("/")[3], b'{"received":1,"ts":null}')
    assert community.unanswered == 0


def test_alarms_come_before_readings() -> None:
    community = simulation(ScenarioPlan())
    lanes = [message.alarm for message in community.advance(BEGIN_US + 30_000_000)]
    assert True in lanes
    assert False in lanes
    assert lanes == sorted(lanes, reverse=True)


@settings(max_examples=20, deadline=None)
@given(steps_ms=st.lists(st.integers(0, 5000), min_size=5, max_size=40), speed=st.sampled_from([1.0, 10.0, 5000.0]))
def test_no_device_says_two_things_of_one_metric_at_one_time(steps_ms: list[int], speed: float) -> None:
    community = simulation(ScenarioPlan(), speed=speed)
    now_us, said = BEGIN_US, []
    for step in steps_ms:
        now_us += step * 1000
        said += [(m.topic, m.payload) for m in community.advance(now_us) if not m.repeat]
    keys = [(device, metric, time_s) for device, metric, time_s, _ in parsed(said)]
    assert len(keys) == len(set(keys))


@settings(max_examples=20, deadline=None)
@given(n=st.integers(0, 6), seed=st.integers(0, 100))
def test_a_fleet_too_small_for_a_scenario_goes_without_it(n: int, seed: int) -> None:
    small = Fleet("shuibei", FLEET.devices[-n:] if n else ())
    community = Simulation(small, PROFILES, begin_us=BEGIN_US, seed=seed, plan=ScenarioPlan())
    play(community, 600, step_s=10)
    assert {truth.kind for truth in community.truths} <= {"gateway lost"}
    assert bool(community.truths) == bool(n)


def test_the_table_tells_when_where_and_which_rules() -> None:
    table = truth_table(FLEET, seed=1)
    for truth in script(FLEET, seed=1):
        assert f"{truth.starts_us / 1e6:.1f} s" in table
        assert truth.place in table
        assert all(rule in table for rule in truth.expected_rule_ids)
