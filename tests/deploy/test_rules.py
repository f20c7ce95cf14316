"""The worked examples: a file for each kind, sound by itself and beside the others, on the shipped profiles."""

from __future__ import annotations

from pathlib import Path

import pytest

from devices import Device, Kind, ReadingBatch, Registry, load_profiles
from rules.engine import Engine
from rules.loader import load_rules
from rules.model import RuleKind, ThresholdTerms

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "rules"
PROFILES = load_profiles()


@pytest.mark.parametrize("kind", RuleKind)
def test_every_kind_has_a_worked_example(kind: RuleKind) -> None:
    file = FOLDER / f"{kind}.toml"
    rules = load_rules(PROFILES, [file])
    own = [rule for rule in rules.rules if rule.origins["id"].startswith(f"{file}:")]
    assert kind in {rule.kind for rule in own}
    assert not any("replaces" in rule.origins for rule in own), "an example adds, and takes nothing away"


def test_all_examples_stand_side_by_side() -> None:
    rules = load_rules(PROFILES, [FOLDER])
    assert {rule.kind for rule in rules.rules} == set(RuleKind)
    assert sorted(file.stem for file in FOLDER.glob("*.toml")) == sorted([*RuleKind, "community", "watch-by-day"])


def test_the_community_has_what_its_file_says() -> None:
    rules = load_rules(PROFILES, [FOLDER / "community.toml"])

    def limit(rule_id: str, device: Device) -> float:
        in_force = {rule.id: rule for rule in rules.in_force(device.profile, rules.selection(device))}
        terms = in_force[rule_id].terms
        assert isinstance(terms, ThresholdTerms)
        return terms.limit

    assert limit("gas.high", Device("shuibei-school", "g", Kind.GAS, "gas")) == 8.0
    assert limit("gas.high", Device("shuibei", "g", Kind.GAS, "gas")) == 10.0
    roof = Device("shuibei", "hydrant-roof-7", Kind.HYDRANT, "hydrant_indoor")
    assert limit("hydrant_indoor.pressure-critical", roof) == 0.1
    assert {schedule.name for schedule in rules.schedules} == {"nights"}
    assert all(rule_id.startswith(("hydrant_indoor.", "tank.")) for rule_id in rules.windows[0].rules)


def test_the_engine_takes_every_rule_of_every_example() -> None:
    registry = Registry(PROFILES)
    devices = [Device("shuibei", f"d-{name}", profile.kind, name) for name, profile in PROFILES.items()]
    devices += [Device("workshop", f"d-{name}", profile.kind, name, "3") for name, profile in PROFILES.items()]
    registry.apply(registry.plan_registration(devices))
    engine = Engine(registry, load_rules(PROFILES, [FOLDER]))
    assert engine.step(ReadingBatch.empty(1_000_000), 1_000_000) == []
