"""Overrides: the narrower goes before the wider, whatever meets on a device is there, and each fault has its line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.model import Device, Kind
from rules.authoring.variants import MOST_VARIANTS, selections
from rules.loader import load_rules
from rules.model import Comparison, RuleMode, Severity, ThresholdTerms
from rules.ruleset import Override, RuleSet, decode_rules, encode_rules
from tests.rules.written import BESIDE, faults, line_at, load, profile, rule, toml, write

if TYPE_CHECKING:
    from pathlib import Path

    from rules.model import Rule

LIMIT = rule("threshold", clear=5, hold_s=60) + BESIDE


def override(**keys: object) -> str:
    return "\n".join(("[[overrides]]", *(f"{key} = {toml(value)}" for key, value in keys.items()), ""))


def on(rules: RuleSet, name: str = "d", *, site: str = "s", grid: str = "") -> dict[str, Rule]:
    device = Device(site, name, Kind.TANK, "p", grid)
    return {one.id: one for one in rules.in_force("p", rules.selection(device))}


def limit(found: Rule) -> float:
    assert isinstance(found.terms, ThresholdTerms)
    return found.terms.limit


def test_an_override_of_a_whole_profile_is_in_the_rule(tmp_path: Path) -> None:
    file = write(tmp_path, override(rules="p.rule", at_least="8 %LEL", clear=4, source="here"))
    rules = load(LIMIT, file)
    found = rules.by_id["p.rule"]
    assert found.terms == ThresholdTerms(Comparison.AT_LEAST, 8.0, 4.0)
    assert (found.source, found.timing.hold_s) == ("here", 60.0)
    assert (rules.overrides, rules.variants) == ((), ())
    assert found.origins["at_least"] == f"{file}:3"
    assert line_at(f"{found.origins['hold_s']}: ", LIMIT) == "hold_s = 60"


def test_the_narrower_goes_before_the_wider_and_the_later_before_the_earlier(tmp_path: Path) -> None:
    text = (
        override(rules="p.rule", site="s", device="d", at_least=40)
        + override(rules="p.rule", site="s", grid="g", at_least=30)
        + override(rules="p.rule", at_least=10)
        + override(rules="p.*le", site="s", at_least=20, hold="5 min")
        + override(rules="p.rule", site="s", at_least=21)
    )
    rules = load(LIMIT, write(tmp_path, text))
    assert [(one.site, one.grid, one.device) for one in rules.overrides] == [
        ("s", "", ""),
        ("s", "", ""),
        ("s", "g", ""),
        ("s", "", "d"),
    ]
    wanted = {("t", "", "x"): 10, ("s", "", "x"): 21, ("s", "g", "x"): 30, ("s", "g", "d"): 40, ("s", "", "d"): 40}
    for (site, grid, name), level in wanted.items():
        found = on(rules, name, site=site, grid=grid)["p.rule"]
        assert limit(found) == level
        assert found.timing.hold_s == (300.0 if site == "s" else 60.0), "what the narrower leaves is the wider's"
    assert decode_rules(encode_rules(rules)) == rules


def test_a_key_takes_the_place_of_those_that_exclude_it(tmp_path: Path) -> None:
    both = rule("rate", "rate") + LIMIT
    text = override(rules="p.rule", at_most=20, clear=30, hold="2 min", site="s")
    text += override(rules="p.rate", falls_by=2, within_s=3600, site="s")
    found = on(load(both, write(tmp_path, text)))
    assert found["p.rule"].terms == ThresholdTerms(Comparison.AT_MOST, 20.0, 30.0)
    assert found["p.rule"].timing.hold_s == 120.0
    assert not {"at_least", "hold_s"} & found["p.rule"].origins.keys()
    assert found["p.rate"].terms.direction == "down"  # type: ignore[union-attr]


def test_a_rule_is_switched_off_or_put_in_shadow_somewhere(tmp_path: Path) -> None:
    text = override(rules="p.rule", site=["a", "b"], enabled=False) + override(rules="p.flag", grid="g", mode="shadow")
    rules = load(LIMIT, write(tmp_path, text))
    assert "p.rule" not in on(rules, site="a")
    assert "p.rule" not in on(rules, site="b")
    assert "p.rule" in on(rules, site="c")
    assert on(rules, site="a", grid="g")["p.flag"].mode is RuleMode.SHADOW


def test_a_profile_alone_names_all_its_rules(tmp_path: Path) -> None:
    both = {"p": profile(LIMIT), "q": profile(rule("alarm", "rule", "q"), "q")}
    file = write(tmp_path, override(profile="q", severity="warning"))
    rules = load_rules(both, [file])
    assert rules.by_id["q.rule"].severity is Severity.WARNING
    assert rules.by_id["p.rule"].severity is Severity.ALARM


def test_a_rule_about_a_whole_place_is_passed_over_by_a_pattern_for_one_device(tmp_path: Path) -> None:
    text = LIMIT + rule("neighbourhood", "near", scope="building")
    rules = load(text, write(tmp_path, override(rules="*", site="s", device="d", severity="advisory")))
    assert on(rules)["p.near"].severity is Severity.ALARM
    assert on(rules)["p.flag"].severity is Severity.ADVISORY
    (line,) = faults(text, write(tmp_path, override(rules="p.near", site="s", device="d", severity="advisory")))
    assert "'p.near' is about a whole building, and this about a part of it; wanted an override for its site" in line
    whole = LIMIT + rule("neighbourhood", "near", scope="site")
    (line,) = faults(whole, write(tmp_path, override(rules="p.near", grid="g", at_least=3)))
    assert "'p.near' is about a whole site, and this about a part of it" in line
    found = on(load(text, write(tmp_path, override(rules="p.near", grid="g", at_least=3))), grid="g")["p.near"].terms
    assert found.at_least == 3  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("keys", "place", "wrong"),
    [
        ({"site": "s", "at_least": 8}, "[[overrides]]", "it names no rules; wanted rules = 'gas.high'"),
        ({"rules": "p.rule", "site": "s"}, "[[overrides]]", "it changes nothing; wanted some key of a rule"),
        ({"rules": "p.none", "at_least": 8}, "rules", "no rule is 'p.none'; wanted one of"),
        ({"rules": "q.*", "at_least": 8}, "rules", "no rule is 'q.*'; wanted the id of a rule of p"),
        ({"profile": "q", "at_least": 8}, "profile", "no profile is 'q'; wanted one of p"),
        ({"rules": "p.rule", "device": "d", "at_least": 8}, "device", "a device without its site; wanted `site`"),
        ({"rules": "p.rule", "metric": "heat"}, "metric", "'metric' is no key of an override; what else differs"),
        ({"rules": "p.rule", "at_leest": 8}, "at_leest", "'at_leest' is no key of an override"),
        ({"rules": "p.rule", "rises_by": 8, "site": "s"}, "rises_by", "'rises_by' is no key of a rule of kind 'thresh"),
        (
            {"rules": "p.rule", "at_least": 3, "site": "s"},
            "[[overrides]]",
            "clear = 5 is on the wrong side of the limit",
        ),
        ({"rules": "p.rule", "at_least": 3}, "[[overrides]]", "rule 'p.rule' as overridden: clear = 5 is on the wrong"),
        ({"rules": "p.rule", "clear": 30, "grid": "g"}, "clear", "clear = 30 is on the wrong side of the limit"),
        ({"rules": "p.flag", "mode": "part", "site": "s"}, "mode", "it is a part, and no rule names it"),
        ({"rules": "p.flag", "schedule": "x", "site": "s"}, "schedule", "no schedule is 'x'"),
        ({"rules": "p.life", "enabled": False, "site": "s"}, "enabled", "it guards lives, and would be silent"),
        ({"rules": "p.life", "mode": "shadow"}, "mode", "it guards lives, and would be silent; wanted `signed_by`"),
        ({"rules": "p.range", "enabled": False, "site": "s"}, "[[overrides]]", "no fault rule tells when a reading"),
    ],
)
def test_a_fault_of_an_override_is_one_line_where_it_was_made(
    tmp_path: Path, keys: dict[str, object], place: str, wrong: str
) -> None:
    text = override(**keys)
    (line,) = faults(LIMIT + rule("alarm", "life", **{"class": "life-safety"}), write(tmp_path, text))
    assert line.startswith(f"{tmp_path}/own.toml:")
    assert line_at(line, text).partition(" =")[0] == place
    assert wrong in line


def test_a_rule_that_is_off_everywhere_cannot_be_overridden(tmp_path: Path) -> None:
    off = rule("alarm", "dark", enabled=False) + BESIDE
    (line,) = faults(off, write(tmp_path, override(rules="p.dark", site="s", severity="warning")))
    assert "'p.dark' is switched off at p.toml:" in line
    assert load(off, write(tmp_path, override(rules="p.*", site="s", severity="warning"))).overrides


def test_a_fault_rule_and_what_it_covers_may_be_off_together(tmp_path: Path) -> None:
    text = override(rules="p.range.gas", site="s", enabled=False) + override(rules="p.rule", site="s", mode="shadow")
    assert set(on(load(LIMIT, write(tmp_path, text)))) & {"p.rule", "p.range.gas"} == {"p.rule"}


def test_too_many_overrides_that_can_meet_are_a_fault(tmp_path: Path) -> None:
    names = [str(n) for n in range(150)]
    text = override(rules="p.rule", site="s", grid=names, clear=4)
    text += override(rules="p.rule", site="s", device=names, clear=3)
    (line,) = faults(LIMIT, write(tmp_path, text))
    assert f"there are more than {MOST_VARIANTS} variants of rules; wanted fewer overrides that can meet" in line


SITES, GRIDS, DEVICES = ("", "a", "b"), ("", "g", "h"), ("", "d", "e")


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(
        st.builds(
            Override, st.sampled_from(SITES), st.sampled_from(GRIDS), st.sampled_from(DEVICES), st.just(("p.rule",))
        ),
        max_size=7,
    )
)
def test_every_set_that_can_meet_on_a_device_is_there_and_no_other(rows: list[Override]) -> None:
    rules = RuleSet((), tuple(rows))
    met = {
        rules.selection(Device(site, name, Kind.TANK, "p", grid))
        for site in (*SITES[1:], "elsewhere")
        for grid in (*GRIDS, "other")
        for name in (*DEVICES[1:], "nobody")
    }
    assert set(selections(rows, range(len(rows)))) == met - {()}


@settings(max_examples=25, deadline=None)
@given(
    tables=st.lists(
        st.fixed_dictionaries(
            {"rules": st.sampled_from(["p.rule", "p.*", ["p.flag", "p.rule"]])},
            optional={
                "site": st.just("a"),
                "grid": st.sampled_from(GRIDS[1:]),
                "severity": st.sampled_from(["warning", "advisory"]),
                "source": st.sampled_from(["one", "other"]),
            },
        ).map(lambda table: {"name": {"en": "n", "zh": "n"}, **table}),
        max_size=5,
    )
)
def test_a_device_has_what_the_overrides_say_one_after_the_other(
    tmp_path_factory: pytest.TempPathFactory, tables: list[dict[str, object]]
) -> None:
    file = write(tmp_path_factory.mktemp("rules"), "".join(override(**table) for table in tables))
    rules = load(LIMIT, file)
    for site, grid in [("a", ""), ("a", "g"), ("b", "g"), ("b", "h")]:
        wanted = {"severity": "alarm", "source": "test, section 1"}
        ranked = sorted(tables, key=lambda table: ("grid" in table, "site" in table))
        for table in ranked:
            if table.get("site", site) == site and table.get("grid", grid) == grid:
                wanted |= {key: str(table[key]) for key in wanted if key in table}
        found = on(rules, site=site, grid=grid)["p.rule"]
        assert {"severity": found.severity, "source": found.source} == wanted
