from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices import load_profiles
from rules import Rule, RuleMode, RuleSet, load_rules
from rules.candidates import MOST_CANDIDATES, candidates_of, override_table, parse_figures, trial
from rules.knobs import auto_values, knob_of
from rules.model import ThresholdTerms
from rules.ruleset import Window

if TYPE_CHECKING:
    from pathlib import Path

    from devices import Profile

PROFILE = """
kind = "gas"
label = { en = "Boiler", zh = "锅炉" }
reporting_s = 60

[metrics.alarm]
type = "event"
label = { en = "Alarm", zh = "报警" }

[metrics.temp_c]
type = "gauge"
unit = "Cel"
label = { en = "Temperature", zh = "温度" }
minimum = 0.0
maximum = 200.0
"""
COMMON = """
severity = "alarm"
class = "property"
name = { en = "N", zh = "名" }
source = "test"
"""
RULES = {
    "alarm": 'metric = "alarm"\nclass = "life-safety"',
    "fault": 'metric = "temp_c"',
    "threshold": 'metric = "temp_c"\nat_least = 80.0\nclear = 70.0\nhold = "5 min"',
    "low": 'kind = "threshold"\nmetric = "temp_c"\nbelow = 10.0\nclear = 12.0\ncount = 3\ncount_within = "10 min"',
    "range": 'metric = "temp_c"\nlow = 10.0\nhigh = 90.0\nclear_low = 15.0\nclear_high = 85.0',
    "rate": 'metric = "temp_c"\nfalls_by = 10.0\nwithin = "10 min"\nclear = 5.0',
    "dose": 'metric = "temp_c"\nbands = [{ at_least = 80.0, within = "1 h" }]\nclear = 60.0',
    "flatline": 'metric = "temp_c"\nafter = "1 d"',
    "baseline": 'metric = "temp_c"\ndirection = "up"\ndeviations = 6.0\nclear = 3.0\nleast = 1.0',
    "drift": 'metric = "temp_c"\ndrifts_by = 8.0\ndirection = "both"\nclear = 4.0\nwindow = "1 d"\nbaseline = "7 d"',
    "forecast": 'metric = "temp_c"\nrises_to = 100.0\nwithin = "1 h"\nwindow = "1 h"\nreset_by = 20.0',
    "no_data": 'after = "10 min"',
    "neighbourhood": 'rules = ["boiler.threshold"]\nscope = "building"\nat_least = 4\nwithin = "5 min"',
    "composite": 'all = ["boiler.threshold", "boiler.rate"]\nhold = "1 min"',
}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Profile], RuleSet]:
    text = PROFILE
    for name, keys in RULES.items():
        kind = "" if "kind =" in keys else f'kind = "{name}"\n'
        common = COMMON.replace('class = "property"\n', "") if "class =" in keys else COMMON
        text += f'\n[[rules]]\nid = "boiler.{name}"\n{kind}{keys}{common}'
    file = tmp_path_factory.mktemp("profiles") / "boiler.toml"
    file.write_text(text, "utf-8")
    profiles = {"boiler": load_profiles([file])["boiler"]}
    return profiles, load_rules(profiles)


def knob_and_rule(loaded: tuple[dict[str, Profile], RuleSet], name: str, key: str = ""):  # type: ignore[no-untyped-def]  # noqa: ANN201
    profiles, rules = loaded
    rule = rules.by_id[f"boiler.{name}"]
    return knob_of(rule, profiles["boiler"].metrics.get(rule.metric), key), rule


def same(one: Rule, other: Rule) -> bool:
    return (one.terms, one.timing) == (other.terms, other.timing)


# ── figures ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_figures_are_written_as_a_sequence_or_one_by_one() -> None:
    assert parse_figures("8:10:1") == [8, 9, 10]
    assert parse_figures("0:0.3:0.1") == [0.0, 0.1, 0.2, 0.3]
    assert parse_figures("8,12.5,8") == [8, 12.5]
    assert parse_figures("-1:1:2") == [-1, 1]
    assert parse_figures("5") == [5]


@pytest.mark.parametrize(
    "text", ["", "8:20", "a,b", "20:8:1", "8:20:0", "8:20:-1", "nan", "1,inf", "0:1000:1", "1:2:3:4", "1," * 300 + "1"]
)
def test_what_are_no_figures_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="wanted"):
        parse_figures(text)


@given(st.text(max_size=12))
def test_any_text_is_figures_or_refused(text: str) -> None:
    try:
        figures = parse_figures(text)
    except ValueError:
        return
    assert 0 < len(figures) <= MOST_CANDIDATES


# ── knobs ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "key", "present"),
    [
        ("threshold", "at_least", 80),
        ("low", "below", 10),
        ("range", "low", 10),
        ("rate", "falls_by", 10),
        ("flatline", "after_s", 86_400),
        ("baseline", "deviations", 6),
        ("drift", "drifts_by", 8),
        ("forecast", "within_s", 3_600),
        ("no_data", "after_s", 600),
        ("neighbourhood", "at_least", 4),
    ],
)
def test_each_kind_has_the_figure_that_decides_how_much_it_says(
    loaded: tuple[dict[str, Profile], RuleSet], name: str, key: str, present: float
) -> None:
    knob, _ = knob_and_rule(loaded, name)
    assert (knob.key, knob.present) == (key, present)


@pytest.mark.parametrize("name", ["alarm", "fault", "dose", "composite"])
def test_a_kind_without_a_limit_has_no_knob(loaded: tuple[dict[str, Profile], RuleSet], name: str) -> None:
    knob, rule = knob_and_rule(loaded, name)
    assert knob is None
    with pytest.raises(ValueError, match="has no limit"):
        candidates_of(rule, knob, [1.0], reporting_s=60)


def test_a_range_has_two_figures(loaded: tuple[dict[str, Profile], RuleSet]) -> None:
    assert knob_and_rule(loaded, "range", "high")[0].present == 90
    with pytest.raises(ValueError, match="it has low, high"):
        knob_and_rule(loaded, "range", "middle")


def test_the_clear_level_keeps_its_distance_as_far_as_the_sensor_goes(
    loaded: tuple[dict[str, Profile], RuleSet],
) -> None:
    knob, _ = knob_and_rule(loaded, "threshold")
    assert knob.turn(100)[0] == ThresholdTerms(knob_terms(loaded).comparison, 100, 90)
    assert knob.turn(8)[0].clear == 4
    low, _ = knob_and_rule(loaded, "low")
    assert low.turn(20)[0].clear == 22
    assert low.turn(199)[0].clear == 199.5


def knob_terms(loaded: tuple[dict[str, Profile], RuleSet]) -> ThresholdTerms:
    terms = loaded[1].by_id["boiler.threshold"].terms
    assert isinstance(terms, ThresholdTerms)
    return terms


@pytest.mark.parametrize("name", [name for name in RULES if name not in ("alarm", "fault", "dose", "composite")])
def test_figures_found_by_themselves_lie_around_the_present_one(
    loaded: tuple[dict[str, Profile], RuleSet], name: str
) -> None:
    knob, _ = knob_and_rule(loaded, name)
    values = auto_values(knob)
    assert 5 <= len(values) <= 18
    assert knob.present in values
    assert min(values) <= knob.present * 0.6
    assert max(values) >= min(knob.present * 1.8, knob.most * 0.9)
    assert all(knob.least < value < knob.most for value in values)


# ── candidates ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_rule_as_it_is_comes_first_and_only_once(loaded: tuple[dict[str, Profile], RuleSet]) -> None:
    knob, rule = knob_and_rule(loaded, "threshold")
    found = candidates_of(rule, knob, [70.0, 80.0, 90.0], holds_s=[0, 300], reporting_s=60)
    assert [(one.value, one.hold_s, bool(one.changes)) for one in found] == [
        (80, 300, False),
        (70, 0, True),
        (70, 300, True),
        (80, 0, True),
        (90, 0, True),
        (90, 300, True),
    ]
    assert len({one.rule.id for one in found}) == len(found)
    assert all(one.rule.mode is RuleMode.SHADOW for one in found)
    assert same(found[0].rule, rule)


def test_readings_are_counted_or_a_breach_is_timed_but_not_both(
    loaded: tuple[dict[str, Profile], RuleSet],
) -> None:
    knob, rule = knob_and_rule(loaded, "threshold")
    found = candidates_of(rule, knob, [], holds_s=[60, 120], counts=[1, 2, 3], reporting_s=60)
    assert [(one.hold_s, one.count) for one in found[1:]] == [(60, 1), (120, 1), (0, 2), (0, 3)]
    assert found[-1].changes == {"hold_s": 0, "count": 3, "count_within_s": 540}


@pytest.mark.parametrize(
    ("name", "figures"),
    [
        ("threshold", {"values": [200.0]}),
        ("threshold", {"values": [-1.0]}),
        ("threshold", {"values": [1.0], "holds_s": [-1]}),
        ("threshold", {"values": [float(n) for n in range(1, 150)], "holds_s": [0, 1]}),
        ("low", {"values": [], "holds_s": [60]}),
        ("low", {"values": [], "counts": [1]}),
        ("no_data", {"values": [], "holds_s": [60]}),
        ("composite", {"values": [], "counts": [2]}),
        ("neighbourhood", {"values": [2.5]}),
        ("neighbourhood", {"values": [1.0]}),
    ],
)
def test_figures_that_no_override_could_give_are_refused(
    loaded: tuple[dict[str, Profile], RuleSet], name: str, figures: dict[str, list[float]]
) -> None:
    knob, rule = knob_and_rule(loaded, name)
    with pytest.raises(ValueError, match="wanted"):
        candidates_of(rule, knob, reporting_s=60, **figures)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", [name for name in RULES if name not in ("alarm", "fault", "dose")])
def test_the_table_to_paste_makes_the_rule_what_was_tried(
    loaded: tuple[dict[str, Profile], RuleSet], name: str, tmp_path: Path
) -> None:
    profiles, rules = loaded
    knob, rule = knob_and_rule(loaded, name)
    values = auto_values(knob) if knob is not None else []
    timed = name in ("threshold", "range", "rate", "composite")
    counted = name in ("threshold", "low", "range")
    found = candidates_of(
        rule, knob, values, holds_s=[0, 60] if timed else (), counts=[2, 3] if counted else (), reporting_s=60
    )
    assert len(found) > 1
    file = tmp_path / "rules.toml"
    for candidate in found[1:]:
        file.write_text(override_table(rule, candidate), "utf-8")
        assert same(load_rules(profiles, [file]).by_id[rule.id], candidate.rule), candidate.changes
    assert rules.by_id[rule.id] == rule


def test_the_table_names_the_site_that_was_tried(loaded: tuple[dict[str, Profile], RuleSet], tmp_path: Path) -> None:
    knob, rule = knob_and_rule(loaded, "threshold")
    candidate = candidates_of(rule, knob, [100.0], reporting_s=60)[1]
    table = override_table(rule, candidate, "shuibei")
    assert table == '[[overrides]]\nrules = "boiler.threshold"\nsite = "shuibei"\nat_least = 100.0\nclear = 90.0\n'
    (tmp_path / "rules.toml").write_text(table, "utf-8")
    (override,) = load_rules(loaded[0], [tmp_path / "rules.toml"]).overrides
    assert override.site == "shuibei"


def test_candidates_are_tried_alone_and_relations_with_their_parts(
    loaded: tuple[dict[str, Profile], RuleSet],
) -> None:
    knob, rule = knob_and_rule(loaded, "threshold")
    candidates = candidates_of(rule, knob, [70.0, 90.0], reporting_s=60)
    window = Window(from_us=0, to_us=1, by="a", reason="b", site="s", rules=(rule.id, "boiler.low"))
    rules = msgspec.structs.replace(loaded[1], windows=(window,))
    tried = trial(rules, rule, candidates)
    assert [one.id for one in tried.rules] == [one.rule.id for one in candidates]
    assert set(tried.windows[0].rules) == {rule.id, "boiler.low", *(one.rule.id for one in candidates)}
    knob, rule = knob_and_rule(loaded, "neighbourhood")
    candidates = candidates_of(rule, knob, [2.0], reporting_s=60)
    assert len(trial(loaded[1], rule, candidates).rules) == len(loaded[1].rules) + 2
