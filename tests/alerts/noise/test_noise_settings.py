"""The sections `[noise]` and `[[inhibitions]]`: what they mean, and every fault of them."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, ValidationError

from alerts.noise.groups import GroupLimits, GroupPlace
from alerts.noise.inhibition import DEFAULT_INHIBITIONS, Condition, Equal, Inhibition
from alerts.noise.limits import NoiseLimits
from alerts.noise.post import PostLimits
from alerts.noise.settings import InhibitionFaults, InhibitionSection, NoiseSection, make_inhibitions
from devices.model import Kind
from devices.profile_loader import load_profiles
from rules.loader import load_rules
from rules.model import AlarmClass, RuleKind, Severity


class File(BaseModel):
    """The part of a settings file that is about noise."""

    model_config = ConfigDict(extra="forbid")

    noise: NoiseSection = NoiseSection()
    inhibitions: tuple[InhibitionSection, ...] = ()


def read(text: str) -> File:
    return File(**tomllib.loads(text))


def inhibition(**facts: Any) -> str:
    table = {"name": '"own"', "source": '{ kinds = ["tank"] }', "target": "{}", "equal": '["site"]', **facts}
    return "[[inhibitions]]\n" + "\n".join(f"{key} = {value}" for key, value in table.items() if value) + "\n"


def test_without_a_section_the_defaults_are_those_of_the_parts() -> None:
    file = read("")
    assert file.noise.noise_limits() == NoiseLimits()
    assert file.noise.post_limits() == PostLimits()
    assert make_inhibitions(file.inhibitions, defaults=file.noise.default_inhibitions) == DEFAULT_INHIBITIONS


def test_every_key_reaches_its_part() -> None:
    noise = read("""
        [noise]
        group_by = "floor"
        group_s = 90
        floors_apart = true
        release_after_s = 10
        flapping_raisings = 8
        flapping_s = 600
        longest_silence_days = 7
        burst = 3
        burst_s = 20
        digest_s = 45
        life_safety_digest_s = 1
        quiet_below = "emergency"
        default_inhibitions = false
    """).noise
    limits, post = noise.noise_limits(), noise.post_limits()
    assert limits.groups == GroupLimits(GroupPlace.FLOOR, 90, floors_apart=True)
    assert (limits.flapping.raisings, limits.flapping.within_s) == (8, 600)
    assert (limits.silences.longest_s, limits.release_after_s) == (7 * 86_400, 10)
    assert post == PostLimits(3, 20, 45, 1, Severity.EMERGENCY)
    assert make_inhibitions([], defaults=noise.default_inhibitions) == ()


def test_an_inhibition_of_the_file_comes_before_those_that_vigil_brings() -> None:
    (own, *brought) = make_inhibitions(
        read("""
            [[inhibitions]]
            name = "pump house"
            source = { kinds = ["gateway"], rules = ["gateway.*"], min_severity = "warning", rule_kinds = ["no_data"] }
            target = { classes = ["trouble"], rules = ["tank.no-data"] }
            equal = ["site", "grid", "gateway"]
        """).inhibitions
    )
    assert own == Inhibition(
        "pump house",
        Condition((Kind.GATEWAY,), (), ("gateway.*",), (RuleKind.NO_DATA,), Severity.WARNING),
        Condition((), (AlarmClass.TROUBLE,), ("tank.no-data",)),
        (Equal.SITE, Equal.GRID, Equal.GATEWAY),
    )
    assert tuple(brought) == DEFAULT_INHIBITIONS


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ('[noise]\ngroup_by = "town"\nburst = 0\n', [("noise", "group_by"), ("noise", "burst")]),
        ("[noise]\nlife_safety_digest_s = 4\n", [("noise", "life_safety_digest_s")]),
        ("[noise]\ngroups = 1\n", [("noise", "groups")]),
        (inhibition(equal="[]"), [("inhibitions", 0, "equal")]),
        (inhibition(equal='["site", "street"]'), [("inhibitions", 0, "equal", 1)]),
        (inhibition(name='""'), [("inhibitions", 0, "name")]),
        (inhibition(source='{ kinds = ["cat"] }'), [("inhibitions", 0, "source", "kinds", 0)]),
        (inhibition(target='{ rules = ["*"] }'), [("inhibitions", 0, "target", "rules")]),
    ],
)  # fmt: skip
def test_every_fault_of_a_value_is_said_with_its_place(text: str, places: list[tuple[object, ...]]) -> None:
    with pytest.raises(ValidationError) as caught:
        read(text)
    assert [error["loc"] for error in caught.value.errors()] == places


def test_every_fault_between_values_is_said_with_its_place() -> None:
    text = (
        inhibition(name='"gateway"')
        + inhibition(source="{}")
        + inhibition(name='"third"', source='{ classes = ["trouble"] }', target='{ classes = ["life-safety"] }')
        + inhibition(name='"fourth"', target='{ kinds = ["gas"] }', equal='["device", "kind"]')
        + inhibition(name='"own"')
    )
    with pytest.raises(InhibitionFaults) as caught:
        make_inhibitions(read(text).inhibitions)
    assert caught.value.faults == [
        "inhibitions.0: name: there are 2 called 'gateway', with those that Vigil brings",
        "inhibitions.1: name: there are 2 called 'own', with those that Vigil brings",
        "inhibitions.1: source: any incident is meant; wanted kinds, classes, rules or rule_kinds",
        "inhibitions.2: target: life-safety is hidden by nothing else than life-safety; it would hide nothing",
        "inhibitions.3: equal: device, kind of kinds that are never the same; it would hide nothing",
        "inhibitions.4: name: there are 2 called 'own', with those that Vigil brings",
    ]


def test_what_vigil_brings_fits_the_rules_that_it_brings() -> None:
    profiles = load_profiles(())
    rules = load_rules(profiles, (), "Asia/Shanghai").rules
    patterns = [
        pattern
        for rule in DEFAULT_INHIBITIONS
        for condition in (rule.source, rule.target)
        for pattern in condition.rules
    ]
    ids = {rule.id for rule in rules}
    assert ids
    for pattern in patterns:
        assert any(Path(one).match(pattern) for one in ids), pattern
