"""The rule engine finds what the simulator says is true, and nothing else."""

from __future__ import annotations

import json

import numpy as np
import pytest

from devices import ReadingBatch, Registry
from devices.profile_loader import load_profiles
from rules import Engine, load_rules
from simulator import Message, ScenarioPlan, Simulation, shuibei_fleet

PROFILES = load_profiles()
BEGIN_US = 1_793_980_800_000_000
STEP_US = 500_000
STEPS = 800


def batch(messages: list[Message], registry: Registry, now_us: int) -> ReadingBatch:
    """Return the readings of `messages`."""
    channel: list[int] = []
    time_us: list[int] = []
    value: list[float] = []
    for message in messages:
        _, _, site, name, _ = message.topic.split("/")
        device_row = registry.device_row(f"{site}/{name}")
        assert device_row is not None
        body = json.loads(message.payload)
        for metric, reading in body["values"].items():
            channel.append(registry.channels_of(device_row)[metric])
            time_us.append(body["ts"] * 1000)
            value.append(reading)
    n = len(channel)
    return ReadingBatch(
        np.array(channel, np.int32),
        np.array(time_us, np.int64),
        np.array(value, np.float64),
        np.ones(n, np.bool_),
        np.zeros(n, np.uint8),
        now_us,
    )


@pytest.mark.parametrize("seed", [1, 2])
def test_the_engine_finds_the_truth_of_some_minutes_and_nothing_else(seed: int) -> None:
    fleet = shuibei_fleet(seed)
    registry = Registry(PROFILES)
    registry.apply(registry.plan_registration(fleet.devices))
    engine = Engine(registry, load_rules(PROFILES))
    engine.sync(BEGIN_US)
    community = Simulation(fleet, PROFILES, begin_us=BEGIN_US, seed=seed, plan=ScenarioPlan())
    held: set[tuple[str, str]] = set()
    for now_us in range(BEGIN_US, BEGIN_US + STEPS * STEP_US, STEP_US):
        messages = [message for message in community.advance(now_us) if not message.repeat]
        for change in engine.step(batch(messages, registry, now_us), now_us):
            device = registry.device(change.device_row)
            assert device is not None
            if change.holds:
                held.add((device.key, change.rule_id))
    begun = [truth for truth in community.truths if truth.starts_us < BEGIN_US + (STEPS - 120) * STEP_US]
    assert len(begun) >= 6
    assert {pair for truth in begun for pair in truth.expected} <= held
    assert held <= {pair for truth in community.truths for pair in truth.expected}
