"""What the truth makes of raw rule tables: every kind that it predicts, on an incident of one or two devices."""

from __future__ import annotations

import tomllib

import pytest

from devices import Device, Kind, Metric, MetricType, Profile
from simulator.part import Part, Raise
from simulator.truth import expected_rules

METRICS = {
    "level": Metric("level", MetricType.GAUGE, "MPa", "Level", "液位", minimum=0.0, maximum=10.0, errors=(9.9,)),
    "flag": Metric("flag", MetricType.FLAG, "", "Flag", "标志"),
    "press": Metric("press", MetricType.EVENT, "", "Press", "按键"),
}
BANDS = '[{at_least = 2, within = "1 min"}, {at_least = 4, within_s = 20}]'
RISING = ((0.0, 0.0), (60.0, 6.0))


def profile(*rules: str) -> Profile:
    tables = tuple(tomllib.loads(rule) for rule in rules)
    return Profile("tank", Kind.TANK, "tank", "tank", 4.0, METRICS, tables, "tank.toml")


def device(name: str, unit: str = "501", latitude: float = 22.57) -> Device:
    return Device(
        "site", name, Kind.TANK, "tank", building="1", floor="5", unit=unit, latitude=latitude, longitude=114.1
    )


def expected(rules: list[str], *cast: tuple[Device, Part], lasts_s: float = 60.0) -> tuple[set[str], set[str]]:
    told, relations = expected_rules({"tank": profile(*rules)}, cast, lasts_s)
    return {rule for _, rule in told}, set(relations)


@pytest.mark.parametrize(
    ("rule", "holds"),
    [
        ('kind = "threshold"\nmetric = "level"\nat_least = 5.8', True),
        ('kind = "threshold"\nmetric = "level"\nat_least = 6.1', False),
        ('kind = "threshold"\nmetric = "level"\nabove = "3000 kPa"\nhold = "20 s"', True),
        ('kind = "threshold"\nmetric = "level"\nabove = 3.0\nhold_s = 30', False),
        ('kind = "threshold"\nmetric = "level"\nbelow = 1.0\ncount = 4\ncount_within = "8 s"', True),
        ('kind = "threshold"\nmetric = "level"\nbelow = 1.0\ncount = 6\ncount_within = "1 min"', False),
        ('kind = "range"\nmetric = "level"\nlow = 0.5\nhigh = 7.0', True),
        ('kind = "range"\nmetric = "level"\nlow = 0.0\nhigh = 7.0', False),
        ('kind = "rate"\nmetric = "level"\nrises_by = 2.0\nwithin = "20 s"', True),
        ('kind = "rate"\nmetric = "level"\nrises_by = 2.1\nwithin = "20 s"', False),
        ('kind = "rate"\nmetric = "level"\nfalls_by = 0.1\nwithin = "20 s"', False),
        (f'kind = "dose"\nmetric = "level"\nbands = {BANDS}', True),
        ('kind = "dose"\nmetric = "level"\nbands = [{at_least = 2.0, within = "40 s"}]', False),
        ('kind = "threshold"\nmetric = "level"\nat_least = 5.0\nenabled = false', False),
        ('kind = "threshold"\nmetric = "level"\nat_least = 5.0\nmode = "shadow"', False),
        ('kind = "flatline"\nmetric = "level"\nafter = "10 s"', False),
    ],
)  # fmt: skip
def test_a_rule_is_expected_where_its_readings_bring_it_about(rule: str, holds: bool) -> None:
    part = Part(0, {"level": RISING})
    assert expected([f'id = "tank.one"\n{rule}'], (device("a"), part)) == ({"tank.one"} if holds else set(), set())


def test_readings_beyond_the_range_and_error_codes_are_faults_and_nothing_else() -> None:
    rules = [
        'id = "tank.low"\nkind = "threshold"\nmetric = "level"\nbelow = 1.0',
        'id = "tank.high"\nkind = "threshold"\nmetric = "level"\nabove = 8.0',
        'id = "tank.fault"\nkind = "fault"',
    ]
    for value in (-0.4, 65.535, 9.9):
        part = Part(0, {"level": ((0.0, value),)})
        assert expected(rules, (device("a"), part))[0] == {"tank.fault.level"}
    assert expected(rules, (device("a"), Part(0, {"level": ((0.0, 0.5),)})))[0] == {"tank.low"}


def test_what_a_device_raises_is_counted() -> None:
    rule = 'id = "tank.presses"\nkind = "alarm"\nmetric = "press"\ncount = 2\ncount_within = "10 s"'
    for moments, holds in (((1.0, 9.0), True), ((1.0, 12.0), False)):
        part = Part(0, {}, tuple(Raise("press", at_s, momentary=True) for at_s in moments))
        assert expected([rule], (device("a"), part))[0] == ({"tank.presses"} if holds else set())


PART = 'id = "tank.flag"\nkind = "alarm"\nmetric = "flag"\nmode = "part"'
UP = Part(0, {}, (Raise("flag", 1.0),))


@pytest.mark.parametrize(
    ("scope", "others", "holds"),
    [
        ('scope = "unit"', [device("b")], True),
        ('scope = "unit"', [device("b", unit="502")], False),
        ('scope = "floor"', [device("b", unit="502")], True),
        ('scope = "radius"\nradius_m = 300', [device("b", latitude=22.572)], True),
        ('scope = "radius"\nradius_m = 300', [device("b", latitude=22.573)], False),
        ('scope = "site"', [], False),
    ],
)
def test_a_neighbourhood_wants_so_many_devices_of_one_place(scope: str, others: list[Device], holds: bool) -> None:
    rule = f'id = "tank.both"\nkind = "neighbourhood"\nrules = ["tank.flag"]\nat_least = 2\nwithin = "60 s"\n{scope}'
    assert expected([PART, rule], *((one, UP) for one in (device("a"), *others))) == (
        set(),
        {"tank.both"} if holds else set(),
    )


@pytest.mark.parametrize(
    ("keys", "holds"),
    [
        ('all = ["tank.flag", "tank.level"]', True),
        ('all = ["tank.flag"]\nnone = ["tank.level"]', False),
        ('all = ["tank.flag"]\nany = ["tank.other", "tank.level"]', True),
        ('all = ["tank.flag"]\nany = ["tank.other"]', False),
        ('all = ["tank.flag"]\nhold = "30 s"', True),
        ('all = ["tank.flag"]\nhold = "1 min"', False),
        ('then = ["tank.flag", "tank.level"]\nwithin = "1 min"', True),
        ('all = ["tank.l*"]', True),
    ],
)
def test_a_composite_wants_what_it_names_to_hold_and_what_it_excludes_not_to(keys: str, holds: bool) -> None:
    rules = [
        PART,
        'id = "tank.level"\nkind = "threshold"\nmetric = "level"\nabove = 5.0\nmode = "part"',
        'id = "tank.other"\nkind = "threshold"\nmetric = "level"\nabove = 8.0\nmode = "part"',
        f'id = "tank.together"\nkind = "composite"\n{keys}',
    ]
    part = Part(0, {"level": RISING}, (Raise("flag", 1.0),))
    assert expected(rules, (device("a"), part)) == (set(), {"tank.together"} if holds else set())
