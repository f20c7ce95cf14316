"""The plan of what would follow, and the example that ships."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from alerts.people.doubts import doubts
from alerts.people.duty import gaps
from alerts.people.local_time import DAY_US
from alerts.people.model import Chain, Contact, Directory, Step
from alerts.people.plan import Plan, make_plan
from alerts.people.settings import DirectorySections, load_directory
from alerts.people.who import Who
from devices.model import Kind
from rules.model import AlarmClass, Severity
from simulator import shuibei_fleet
from tests.alerts.people.town import NIGHT, NOON, TOWN, incident, us

EXAMPLE = Path(__file__).parents[3] / "deploy" / "people.example.toml"
MILD = {"alarm_class": AlarmClass.PROPERTY, "severity": Severity.WARNING}


def planned(*steps: Step, raised_us: int = NOON, **more: object) -> Plan:
    chain = Chain(name="c", steps=steps, receipt_s=20.0, answer_s=45.0)
    town = replace(TOWN, chains=(chain,), routes=())
    return make_plan(Who(town), incident(raised_us=raised_us, **more), otherwise=chain)


def told(plan: Plan) -> list[tuple[float, list[str]]]:
    return [(step.at_s, [one.person for one in step.asked]) for step in plan.steps]


def test_each_step_asks_who_is_on_duty_by_then() -> None:
    before = us("2026-05-11 19:59")
    steps = (Step(to=("team:east",)), Step(to=("rota:east",), after_s=120.0))
    assert told(planned(*steps, raised_us=before)) == [(0, ["dan"]), (120, ["eve"])]


def test_after_a_step_with_nobody_the_next_is_taken_at_once() -> None:
    steps = (
        Step(to=("team:west",), after_s=10.0),
        Step(to=("person:jon",), after_s=60.0),
        Step(to=("recipient:cad",), after_s=60.0),
        Step(to=("person:ida",), after_s=60.0),
    )
    assert told(planned(*steps, raised_us=NIGHT)) == [(10, []), (10, ["jon"]), (70, []), (130, ["ida"])]


def test_a_person_s_channels_come_one_after_the_other_and_nobody_is_asked_twice() -> None:
    contacts = (Contact("app"), Contact("sms", "1"), Contact("voice", "1"))
    chain = Chain(name="c", steps=(Step(to=("person:jon",)), Step(to=("everyone",), after_s=60.0)), receipt_s=20.0)
    town = Directory(people=(replace(TOWN.people[9], contacts=contacts), TOWN.people[3]), chains=(chain,))
    first, second = make_plan(Who(town), incident(), otherwise=chain).steps
    assert [(one.channel, one.at_s, one.unanswered_s) for one in first.asked[0].tries] == [
        ("app", 0, 0),
        ("sms", 20, 60),
        ("voice", 40, 120),
    ]
    assert [(one.person, one.is_again, len(one.tries)) for one in second.asked] == [("jon", True, 0), ("dan", False, 1)]


def test_quiet_hours_and_budgets_hold_what_is_mild_and_no_life_safety() -> None:
    def quiet(**more: object) -> int | None:
        plan = planned(Step(to=("person:ida",)), raised_us=NIGHT, **more)
        return plan.steps[0].asked[0].quiet_until_us

    assert quiet() is None
    assert quiet(**MILD) == us("2026-05-12 07:00")
    assert quiet(**{**MILD, "severity": Severity.ALARM}) is None


def test_levels_come_one_after_the_other_once_a_limit_is_nearly_over() -> None:
    plan = make_plan(Who(TOWN), incident(), whistle_every_s=600.0)
    assert [(one.step, one.blue_s, one.yellow_s, one.red_s) for one in plan.limits] == [
        ("accept", 30, 48, 60),
        ("resolve", 1800, 2880, 3600),
    ]
    assert [(one.name, one.at_s, one.people, one.recipients) for one in plan.levels] == [
        ("grid", 48, ("ann",), ()),
        ("top", 60, ("jon",), ("cad", "siren")),
    ]


def test_without_a_route_nobody_is_asked() -> None:
    plan = make_plan(Who(TOWN), incident(grid="2"))
    assert (plan.chain, plan.steps, plan.grid) == ("", (), "2")


# ── the example ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def shuibei() -> Directory:
    channels = {"app", "sms", "voice", "watch"}
    return load_directory([EXAMPLE], DirectorySections(), channels, {"fire-119"})


def test_the_example_has_no_fault_no_doubt_and_no_gap_in_a_year(shuibei: Directory) -> None:
    start = us("2026-01-01 00:00")
    assert doubts(shuibei, start) == []
    assert gaps(shuibei, start, start + 366 * DAY_US) == []


def test_in_the_example_somebody_answers_for_every_device_at_any_hour(shuibei: Directory) -> None:
    who = Who(shuibei)
    for nth, device in enumerate(shuibei_fleet(0, extended=True).devices):
        raised_us = us("2026-02-16 00:00") + nth * 37 * 60_000_000
        one = incident(
            device=device.key,
            site=device.site,
            grid="" if nth % 3 == 0 else device.grid,
            latitude=device.latitude,
            longitude=device.longitude,
            kind=device.kind,
            rule_id=f"{device.kind}.x",
            raised_us=raised_us,
        )
        plan = make_plan(who, one)
        assert plan.chain == {Kind.WATCH: "elder-care", Kind.GAS: "gas", Kind.CO: "gas"}.get(device.kind, "fire")
        assert plan.grid == device.grid
        assert any(step.asked for step in plan.steps)
        assert all(step.asked or step.to in {("resident",), ("family",)} for step in plan.steps)
