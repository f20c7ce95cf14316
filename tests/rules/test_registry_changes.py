"""The engine follows the registry while it runs: what stays keeps its state, what goes is counted."""

from __future__ import annotations

import numpy as np
import pytest

from devices import Device, Kind, Lifecycle, RegistryChange
from rules import Engine, State, load_rules
from rules.instances import WASTE_ALLOWED
from rules.layout import Tally
from tests.rules.fleet import SECOND, Reading, batch, profile, register, registry, tank, tick

OTHER = """
[[rules]]
id = "other.high"
kind = "threshold"
metric = "free"
at_least = 5.0
severity = "alarm"
class = "property"
name = { en = "High", zh = "高" }
source = "test"
"""


def raised(engine: Engine, *readings: Reading, at: int) -> list[tuple[int, str]]:
    changes = engine.step(batch(readings), at * SECOND)
    return [(change.channel, change.rule_id) for change in changes if change.channel >= 0]


def test_a_registry_grown_in_mid_run_keeps_every_timer() -> None:
    of = registry(1)
    engine = Engine(of, load_rules(of.profiles))
    assert raised(engine, (0, 0, 6.0, False), (2, 0, 1.0, False), at=0) == [(2, "tank.flag")]
    for n in range(1, 400):
        register(of, tank(n))
        engine.sync(SECOND)
    last = of.channels_of(399)["flag"]
    assert raised(engine, (last, SECOND, 1.0, False), (2, SECOND, 0.0, False), at=1) == [
        (last, "tank.flag"),
        (2, "tank.flag"),
    ]
    assert raised(engine, at=2) == [(0, "tank.high")]
    assert engine.n_instances == 4 + 2 + 2  # of three channels; the flags' are idle again


def test_a_channel_found_later_is_watched() -> None:
    of = registry(1)
    register(of, Device("site", "x", Kind.UNKNOWN, "unknown", lifecycle=Lifecycle.UNREGISTERED))
    register(of, Device("site", "x", Kind.TANK, "tank"))
    engine = Engine(of, load_rules(of.profiles))
    row = of.device_row("site/x")
    assert row is not None
    channel = of.channels_of(row)["flag"]
    assert raised(engine, (channel, 0, 1.0, False), at=0) == [(channel, "tank.flag")]


def test_a_planned_channel_counts_only_once_it_is_applied() -> None:
    of = registry(1)
    engine = Engine(of, load_rules(of.profiles))
    planned = of.plan_registration([tank(1)])
    engine.step(tick(), 0)
    before = engine.snapshot()
    channel = planned.channels[0].row
    with pytest.raises(ValueError, match="the registry has 10"):
        engine.step(batch([(10, 0, 1.0, False)]), 0)
    of.apply(RegistryChange(channels=planned.channels[1:]))
    with pytest.raises(ValueError, match="planned but not yet applied"):
        engine.step(batch([(channel, 0, 1.0, False)]), 0)
    assert engine.snapshot() != before
    of.apply(planned)
    assert raised(engine, (planned.channels[2].row, 0, 1.0, False), at=0) == [(planned.channels[2].row, "tank.flag")]


def test_a_planned_channel_of_a_known_device_has_no_rules_yet() -> None:
    of = registry(0)
    of.apply(of.plan_discovery("site", "d0"))
    planned = of.plan_registration([tank(0)])
    of.apply(RegistryChange(planned.devices, planned.channels[1:]))
    engine = Engine(of, load_rules(of.profiles))
    level, free = planned.channels[0].row, planned.channels[1].row
    with pytest.raises(ValueError, match="planned but not yet applied"):
        engine.step(batch([(level, 0, 9.0, False)]), 0)
    assert raised(engine, (free, 0, 0.1, False), at=0) == [(free, "tank.free")]
    of.apply(planned)
    assert raised(engine, (level, 0, 9.0, False), at=0) == [(level, "tank.over")]


def test_maintenance_leaves_only_what_is_about_lives() -> None:
    of = registry(1)
    engine = Engine(of, load_rules(of.profiles))
    raised(engine, (0, 0, 9.0, False), at=0)
    assert engine.count(State.HOLDS) == 1
    assert engine.count(State.PENDING) == 1
    register(of, tank(0, Lifecycle.MAINTENANCE))
    assert raised(engine, (0, SECOND, 9.0, False), at=1) == []
    assert engine.counters.instances_reset == 1  # `over` is about property; `high`, about lives, waits on
    assert raised(engine, (0, SECOND, 11.0, False), (2, SECOND, 1.0, False), at=2) == [
        (2, "tank.flag"),
        (0, "tank.high"),
    ]
    register(of, tank(0, Lifecycle.VERIFIED))
    assert raised(engine, (0, 3 * SECOND, 9.0, False), at=3) == [(0, "tank.over")]


def test_a_retired_device_is_not_watched_and_back_in_service_begins_anew() -> None:
    of = registry(1)
    engine = Engine(of, load_rules(of.profiles))
    raised(engine, (2, 0, 1.0, False), at=0)
    register(of, tank(0, Lifecycle.RETIRED))
    assert raised(engine, (2, SECOND, 1.0, False), at=1) == []
    assert engine.n_instances == 0
    register(of, tank(0))
    assert raised(engine, (2, 2 * SECOND, 1.0, False), at=2) == [(2, "tank.flag")]


def test_an_unregistered_device_has_the_rules_of_the_unknown_profile() -> None:
    of = registry(0)
    of.apply(of.plan_discovery("site", "stranger"))
    channel = of.plan_channel(0, "flag")
    of.apply(RegistryChange(channels=(channel,)))
    engine = Engine(of, load_rules(of.profiles))
    assert raised(engine, (0, 0, 1.0, False), (channel.row, 0, 1.0, False), at=0) == [(0, "unknown.press")]
    register(of, Device("site", "stranger", Kind.TANK, "tank"))
    assert raised(engine, (channel.row, SECOND, 1.0, False), at=1) == [(channel.row, "tank.flag")]


def test_another_profile_brings_its_rules() -> None:
    of = registry(1, profile(OTHER + _range("other"), "other"))
    engine = Engine(of, load_rules(of.profiles))
    raised(engine, (1, 0, 0.0, False), at=0)
    register(of, tank(0, profile="other"))
    assert raised(engine, (1, SECOND, 6.0, False), at=1) == [(1, "other.high")]
    assert engine.counters.instances_reset == 1


def test_runs_left_behind_are_laid_together_again() -> None:
    devices = 200
    of = registry(devices)
    engine = Engine(of, load_rules(of.profiles))
    levels = [of.channels_of(n)["level"] for n in range(devices)]
    raised(engine, *((channel, 0, 6.0, False) for channel in levels), at=0)
    for turn in range(6):
        life = Lifecycle.MAINTENANCE if turn % 2 else Lifecycle.VERIFIED
        register(of, *(tank(n, life) for n in range(devices)))
        engine.sync(SECOND)
    instances = engine._instances
    assert instances.tally[Tally.INSTANCES] < 2 * len(instances) + 3 * WASTE_ALLOWED
    assert raised(engine, at=2) == [(channel, "tank.high") for channel in sorted(levels)]
    first = instances.channels["start"][levels]
    assert np.array_equal(instances.records["channel"][first], levels)


def test_registering_the_same_again_changes_nothing() -> None:
    of = registry(3)
    engine = Engine(of, load_rules(of.profiles))
    raised(engine, (0, 0, 6.0, False), at=0)
    before = engine.snapshot()
    register(of, tank(0), tank(1))
    engine.sync(0)
    assert engine.snapshot() == before


def _range(name: str) -> str:
    return (
        f'\n[[rules]]\nid = "{name}.range"\nkind = "fault"\nseverity = "warning"\nclass = "trouble"\n'
        'name = { en = "Range", zh = "量程" }\nsource = "test"\n'
    )
