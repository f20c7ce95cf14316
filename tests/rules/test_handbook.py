"""The handbook: every worked example is sound, and every key of every kind is in its section."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from devices import load_profiles
from rules.authoring.reader import COMMON_KEYS, KEYS
from rules.loader import load_rules
from rules.model import RuleKind

HANDBOOK = (Path(__file__).parents[2] / "docs" / "rules.md").read_text(encoding="utf-8")
PROFILES = load_profiles()
EXAMPLES = re.findall(r"^```toml\n(.*?)^```", HANDBOOK, re.MULTILINE | re.DOTALL)
SECTIONS = dict(re.findall(r"^### (\w+) [^\n]*\n(.*?)(?=^##|\Z)", HANDBOOK, re.MULTILINE | re.DOTALL))
TIMING = {"hold", "clear_hold", "gap", "count", "count_within"}


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_is_sound_and_takes_no_shipped_rule_away(tmp_path: Path, example: str) -> None:
    file = tmp_path / "example.toml"
    file.write_text(example, encoding="utf-8")
    rules = load_rules(PROFILES, [file])
    assert not [rule.id for rule in rules.rules if "replaces" in rule.origins]


@pytest.mark.parametrize("kind", RuleKind)
def test_every_kind_has_a_section_with_an_example_and_all_of_its_keys(kind: RuleKind) -> None:
    section = SECTIONS[kind]
    assert f'kind = "{kind}"' in section
    own = {key for key in KEYS[kind] - COMMON_KEYS - TIMING if not key.endswith("_s")}
    keys = {key for row in re.findall(r"^\| (`[^|]*) \|", section, re.MULTILINE) for key in re.findall(r"`(\w+)`", row)}
    assert keys - TIMING == own
    assert [word for word in ("*Pitfalls.*", "*Text*") if word not in section] == []


def test_the_keys_that_every_rule_has_are_told() -> None:
    told = HANDBOOK.partition("## 3. ")[2].partition("## 5. ")[0]
    for key in COMMON_KEYS | TIMING:
        assert f"| `{key}` |" in told, key


def test_every_link_leads_somewhere() -> None:
    prose = re.sub(r"^```.*?^```", "", HANDBOOK, flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.*)$", prose, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([^)]*)\)", HANDBOOK)) <= anchors
    for file in re.findall(r"\]\(([\w/.-]+\.md)\)", HANDBOOK):
        assert (Path(__file__).parents[2] / "docs" / file).exists(), file
