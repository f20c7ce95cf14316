"""Rules told as readings with seconds and what is said with seconds: every line of every file in `scenarios/`."""

from __future__ import annotations

import pytest

from rules.model import RELATION_KINDS, RuleKind
from tests.rules.scenario import FOLDER, Scenario, play, scenarios


@pytest.mark.parametrize("scenario", list(scenarios()), ids=str)
def test_scenario(scenario: Scenario) -> None:
    expected, said = play(scenario)
    assert said == expected


def test_every_kind_of_rule_is_told_in_a_file() -> None:
    told = {file.stem for file in FOLDER.glob("*.toml")}
    elsewhere = {kind for kind in RELATION_KINDS if (FOLDER.parent / f"test_{kind}.py").is_file()}
    assert told | elsewhere == set(RuleKind)
