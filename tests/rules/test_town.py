"""Relations told as what happens in a town: every line of every file in `scenarios/town/`."""

from __future__ import annotations

import pytest

from rules.model import RELATION_KINDS
from tests.rules.town import FOLDER, Town, TownScenario, town_scenarios


@pytest.mark.parametrize("scenario", list(town_scenarios()), ids=str)
def test_scenario(scenario: TownScenario) -> None:
    expected, said = Town(rule_set=scenario.rules).play(scenario.line)
    assert said == expected


def test_every_kind_of_relation_is_told_in_a_file() -> None:
    assert {file.stem for file in FOLDER.glob("*.toml")} == set(RELATION_KINDS)
