"""The rule engine finds what the simulator says is true, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from devices import Flag, ReadingBatch, Registry
from devices.profile_loader import load_profiles
from rules import Engine, load_rules
from simulator import Message, ScenarioKind, ScenarioPlan, Simulation, shuibei_fleet
from simulator.relations import RELATIONS
from tests.simulator.findings import parsed

PROFILES = load_profiles()
BEGIN_US = 1_793_980_800_000_000
STEP_US = 500_000
STEPS = 800


def batch(messages: list[Message], registry: Registry, now_us: int) -> ReadingBatch:
    """Return the readings of `messages`."""
    readings = parsed((message.topic, message.payload) for message in messages)
    rows = [registry.device_row(device) for device, _, _, _ in readings]
    channel = [
        registry.channels_of(row)[reading[1]] for row, reading in zip(rows, readings, strict=True) if row is not None
    ]
    time_us = [round(time_s * 1e6) for _, _, time_s, _ in readings]
    value = [float(reading) for _, _, _, reading in readings]
    offline = [metric == "online" and not reading for _, metric, _, reading in readings]
    n = len(readings)
    return ReadingBatch(
        np.array(channel, np.int32),
        np.array(time_us, np.int64),
        np.array(value, np.float64),
        np.ones(n, np.bool_),
        np.array(offline, np.uint8) * np.uint8(Flag.OFFLINE),
        now_us,
    )


@pytest.mark.parametrize("seed", [1, 2])
def test_the_engine_finds_the_truth_of_some_minutes_and_nothing_else(seed: int) -> None:
    fleet = shuibei_fleet(seed, extended=True)
    registry = Registry(PROFILES)
    registry.apply(registry.plan_registration(fleet.devices))
    engine = Engine(registry, load_rules(PROFILES))
    engine.sync(BEGIN_US)
    plan = ScenarioPlan(every_s=None)
    community = Simulation(fleet, PROFILES, begin_us=BEGIN_US, seed=seed, plan=plan)
    held: set[tuple[str, str]] = set()
    related: set[str] = set()
    for now_us in range(BEGIN_US, BEGIN_US + STEPS * STEP_US, STEP_US):
        messages = [message for message in community.advance(now_us) if not message.repeat]
        for change in engine.step(batch(messages, registry, now_us), now_us):
            device = registry.device(change.device_row)
            assert device is not None
            if change.holds and change.rule.kind in RELATIONS:
                related.add(change.rule_id)
            elif change.holds:
                held.add((device.key, change.rule_id))
    assert len(community.truths) == len(ScenarioKind)
    assert held == {pair for truth in community.truths for pair in truth.expected}
    assert related == {rule for truth in community.truths for rule in truth.relations}
