"""The shipped profiles, and the loader's faults."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from devices import Kind, MetricType, Profile, ProfileFaults, load_profiles
from rules.loader import load_rules
from rules.model import (
    AlarmClass,
    DriftTerms,
    ForecastTerms,
    RangeTerms,
    RateTerms,
    Rule,
    RuleKind,
    RuleMode,
    Severity,
    ThresholdTerms,
)
from rules.words import figures_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

STANDARDS = (Path(__file__).parents[2] / "docs" / "standards.md").read_text(encoding="utf-8")
SHIPPED = (
    *("co", "gas", "gateway", "hydrant", "hydrant_indoor", "service"),
    *("smoke", "synthetic", "tank", "tilt", "unknown", "watch"),
)

SOUND = """\
kind = "tilt"
label = { en = "Crane", zh = "塔吊" }
reporting_s = 60

[metrics.alarm]
type = "event"
label = { en = "Alarm", zh = "报警" }

[metrics.wind_m_s]
type = "gauge"
unit = "m/s"
label = { en = "Wind", zh = "风速" }
minimum = 0
maximum = 60.0

[[rules]]
id = "crane.alarm-unattributed"
kind = "alarm"
metric = "alarm"
"""


def shipped_rules(profiles: Mapping[str, Profile]) -> list[tuple[Profile, Mapping[str, Any]]]:
    return [(profile, rule) for profile in profiles.values() for rule in profile.rules]


def loaded_rules(profiles: Mapping[str, Profile]) -> list[Rule]:
    return list(load_rules(profiles).by_id.values())


# ── what is shipped ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_shipped_profile_loads_under_its_files_name(profiles: dict[str, Profile]) -> None:
    assert tuple(profiles) == SHIPPED
    assert all(profile.name == name for name, profile in profiles.items())
    assert {profile.kind for profile in profiles.values()} == set(Kind) - {Kind.EXTERNAL}


def test_the_rule_engine_takes_every_shipped_rule(profiles: dict[str, Profile]) -> None:
    assert {rule.profile for rule in loaded_rules(profiles)} == set(SHIPPED)


def test_every_rule_names_its_source_and_a_section_that_names_the_rule(profiles: dict[str, Profile]) -> None:
    sections = dict(re.findall(r"^## (\d+)\. [^\n]*\n(.*?)(?=^## |\Z)", STANDARDS, re.MULTILINE | re.DOTALL))
    for profile, rule in shipped_rules(profiles):
        place = re.fullmatch(r"\S.*; docs/standards\.md, section (\d+)", rule["source"])
        assert place, f"{profile.origin}: {rule['id']}: {rule['source']!r}"
        assert f"| `{rule['id']}` |" in sections[place[1]], f"{rule['id']} is not in section {place[1]}"


def test_the_document_and_the_rules_give_the_same_figures(profiles: dict[str, Profile]) -> None:
    rules = load_rules(profiles).by_id
    for profile, table in shipped_rules(profiles):
        line = next(line for line in STANDARDS.splitlines() if line.startswith(f"| `{table['id']}` |"))
        assert f"| {table['severity']} | {table['class']} |" in line
        assert ("in shadow" in line) == (table.get("mode") == "shadow"), table["id"]
        rule = rules.get(table["id"])
        if rule is None:  # a fault rule that stands for several
            continue
        for key, figure in figures_of(rule, profile.metrics.get(rule.metric)):
            given = key.partition(".")[0] in table or f"{key}_s" in table
            shown = f"{float(figure) * 100:g} %" if key == "share" else figure
            assert not given or re.search(rf"(?<![\d.-]){re.escape(shown)}(?![\d.])", line), (
                f"{rule.id}: {key} = {shown}"
            )


def test_every_kind_of_rule_is_in_force_by_default(profiles: dict[str, Profile]) -> None:
    assert {rule.kind for rule in loaded_rules(profiles) if rule.mode is not RuleMode.SHADOW} == set(RuleKind)


def test_what_is_learned_or_estimated_pages_nobody_but_for_what_the_document_names(
    profiles: dict[str, Profile],
) -> None:
    estimated = {RuleKind.BASELINE, RuleKind.INACTIVITY, RuleKind.DRIFT, RuleKind.FORECAST}
    higher = {
        rule.id
        for rule in loaded_rules(profiles)
        if rule.kind in estimated and rule.severity is not Severity.ADVISORY and rule.mode is RuleMode.LIVE
    }
    assert higher == {"tank.empty-soon", *(f"tilt.{how}.{axis}" for how in ("drifted", "leaning") for axis in "xy")}


def test_what_ends_a_level_lies_beside_its_limit_in_every_direction(profiles: dict[str, Profile]) -> None:
    for rule in loaded_rules(profiles):
        terms = rule.terms
        if isinstance(terms, RateTerms | DriftTerms):
            assert 0 < terms.clear < terms.by, rule.id
        elif isinstance(terms, RangeTerms):
            assert terms.low < terms.clear_low < terms.clear_high < terms.high, rule.id
        elif isinstance(terms, ForecastTerms):
            assert terms.clear_s > terms.within_s, rule.id


def test_the_limits_of_every_ranged_metric_lie_inside_its_range(profiles: dict[str, Profile]) -> None:
    limits = [rule for rule in loaded_rules(profiles) if rule.kind is RuleKind.THRESHOLD]
    assert len(limits) > 30
    for rule in limits:
        metric = profiles[rule.profile].metrics[rule.metric]
        assert isinstance(rule.terms, ThresholdTerms)
        for level in (rule.terms.limit, rule.terms.clear):
            assert metric.minimum is None or metric.minimum <= level, rule.id
            assert metric.maximum is None or level <= metric.maximum, rule.id


def test_every_ranged_metric_has_a_fault_rule(profiles: dict[str, Profile]) -> None:
    covered = {(rule.profile, rule.metric) for rule in loaded_rules(profiles) if rule.kind is RuleKind.FAULT}
    ranged = {
        (profile.name, metric.name)
        for profile in profiles.values()
        for metric in profile.metrics.values()
        if metric.minimum is not None or metric.maximum is not None or metric.errors
    }
    assert covered == ranged


def test_an_alarm_that_cannot_be_read_is_an_emergency_on_every_profile(profiles: dict[str, Profile]) -> None:
    by_id = load_rules(profiles).by_id
    for profile in profiles.values():
        rule = by_id[f"{profile.name}.alarm-unattributed"]
        assert (rule.kind, rule.metric) == (RuleKind.ALARM, "alarm")
        assert (rule.severity, rule.alarm_class) == (Severity.EMERGENCY, AlarmClass.LIFE_SAFETY)
        assert profile.metrics["alarm"].type is MetricType.EVENT


def test_an_unregistered_device_has_its_alarm_and_nothing_else(profiles: dict[str, Profile]) -> None:
    assert list(profiles["unknown"].metrics) == ["alarm"]
    assert len(profiles["unknown"].rules) == 1


def test_a_battery_that_lasts_for_months_is_foreseen_to_end(profiles: dict[str, Profile]) -> None:
    foreseen = {rule.profile for rule in loaded_rules(profiles) if rule.id.endswith(".battery-ending")}
    assert foreseen == {"co", "hydrant", "hydrant_indoor", "smoke", "tank", "tilt"}


def test_no_battery_or_silence_of_a_detector_goes_untold(profiles: dict[str, Profile]) -> None:
    watching = [profile for profile in profiles.values() if profile.kind not in (Kind.UNKNOWN, Kind.SERVICE)]
    for profile in watching:
        kinds = {(rule["kind"], rule.get("metric")) for rule in profile.rules}
        assert ("no_data", None) in kinds, profile.name
        assert ("threshold", "battery_pct") in kinds or "battery_pct" not in profile.metrics, profile.name


# ── profiles of a community ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_profile_of_ones_own_stands_beside_the_shipped_ones(tmp_path: Path) -> None:
    (tmp_path / "crane.toml").write_text(SOUND, encoding="utf-8")
    profiles = load_profiles([tmp_path])
    assert sorted(profiles) == sorted([*SHIPPED, "crane"])
    crane = profiles["crane"]
    assert (crane.kind, crane.label_zh, crane.reporting_s) == (Kind.TILT, "塔吊", 60.0)
    assert (crane.metrics["wind_m_s"].minimum, crane.metrics["wind_m_s"].maximum) == (0.0, 60.0)
    assert crane.rules[0]["id"] == "crane.alarm-unattributed"
    assert crane.origin == str(tmp_path / "crane.toml")


def test_a_gauge_may_have_error_codes(tmp_path: Path) -> None:
    own = tmp_path / "crane.toml"
    own.write_text(SOUND.replace("minimum = 0", "errors = [65535, -1, 65535]"), encoding="utf-8")
    assert load_profiles([own])["crane"].metrics["wind_m_s"].errors == (-1.0, 65535.0)


def test_a_profile_keeps_the_line_of_every_rule_and_key(profiles: dict[str, Profile]) -> None:
    for profile in profiles.values():
        text = (Path(__file__).parents[2] / profile.origin).read_text(encoding="utf-8").splitlines()
        for nth, rule in enumerate(profile.rules):
            assert text[profile.lines["rules", nth] - 1] == "[[rules]]"
            for key in rule:
                assert text[profile.lines["rules", nth, key] - 1].startswith(f"{key} = ")


def test_a_profile_of_ones_own_replaces_the_shipped_one_of_its_name(tmp_path: Path) -> None:
    own = tmp_path / "tilt.toml"
    own.write_text(SOUND, encoding="utf-8")
    profiles = load_profiles([own])
    assert tuple(profiles) == SHIPPED
    assert profiles["tilt"].label_en == "Crane"


def test_two_profiles_of_one_name_are_a_fault(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "crane.toml").write_text(SOUND, encoding="utf-8")
    with pytest.raises(ProfileFaults, match="'crane' is given more than once") as raised:
        load_profiles([tmp_path / "a", tmp_path / "b"])
    assert len(raised.value.faults) == 1


# ── faults ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def replacing(old: str, new: str) -> Callable[[str], str]:
    assert old in SOUND, f"{old!r} is not in the sound profile"
    return lambda text: text.replace(old, new)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (replacing('kind = "tilt"', 'kind = "crane"'), "1: kind: Input should be 'smoke', 'gas'"),
        (replacing('kind = "tilt"\n', ""), "1: kind: is missing"),
        (replacing('"塔吊"', '""'), "2: label.zh: String should have at least 1 character (given: '')"),
        (replacing(', zh = "塔吊"', ', cn = "塔吊"'), "2: label.cn: is no key here; wanted only en, zh"),
        (replacing("reporting_s = 60", "reporting_s = 0"), "3: reporting_s: Input should be greater than 0 (given: 0)"),
        (replacing("reporting_s = 60", "reporting_s = inf"), "3: reporting_s: Input should be a finite number"),
        (replacing("reporting_s = 60", "reporting_s = true"), "3: reporting_s: Input should be a valid number"),
        (replacing("reporting_s", "reporting"), "3: reporting: is no key here; wanted only kind, label, reporting_s"),
        (replacing('unit = "m/s"', 'units = "m/s"'), "11: metrics.wind_m_s.units: is no key here; wanted only type"),
        (replacing('unit = "m/s"\n', ""), "9: metrics.wind_m_s: a gauge without a unit; wanted `unit`"),
        (replacing('"gauge"', '"guage"'), "10: metrics.wind_m_s.type: Input should be 'gauge', 'flag' or 'event'"),
        (
            replacing('"gauge"', '"flag"'),
            "9: metrics.wind_m_s: flag with a unit or a range or error codes; wanted none",
        ),
        (
            replacing("minimum = 0", "errors = [1, 2, 3, 4, 5]"),
            "13: metrics.wind_m_s.errors: List should have at most 4",
        ),
        (replacing("minimum = 0", 'errors = ["x"]'), "13: metrics.wind_m_s.errors.0: Input should be a valid number"),
        (replacing("minimum = 0", "minimum = 60"), "9: metrics.wind_m_s: minimum 60 is not below maximum 60"),
        (replacing("minimum = 0", 'minimum = "0"'), "13: metrics.wind_m_s.minimum: Input should be a valid number"),
        (replacing("wind_m_s]", '"wind m/s"]'), "9: metrics.wind m/s: String should match pattern"),
        (replacing('"event"', '"flag"'), "5: metrics: no metric 'alarm' of type event; wanted one"),
        (replacing("[metrics.alarm]", "[metrics.alert]"), "5: metrics: no metric 'alarm' of type event; wanted one"),
        (replacing('metric = "alarm"', 'metric = "wind"'), "16: rules: no rule of kind 'alarm' on metric 'alarm'"),
        (replacing("id =", "name ="), "16: rules.0: a rule without `id`; wanted a text that is not empty"),
        (replacing('"crane.alarm-unattributed"', "7"), "16: rules.0: a rule without `id`"),
        (replacing("[[rules]]", "[rules]"), "16: rules: Input should be a valid list"),
        (lambda text: f"rules = [3]\n{text.split('[[rules]]')[0]}", "1: rules.0: Input should be a valid dictionary"),
        (lambda text: text + text[text.index("[[rules]]") :], "16: rules: more than one rule with the id crane.alarm"),
        (lambda text: text + "=", " is not TOML in UTF-8: "),
    ],
)
def test_a_fault_is_told_with_its_line_its_key_and_what_was_wanted(
    tmp_path: Path, change: Callable[[str], str], fault: str
) -> None:
    file = tmp_path / "crane.toml"
    file.write_text(change(SOUND), encoding="utf-8")
    with pytest.raises(ProfileFaults) as raised:
        load_profiles([file])
    assert [found for found in raised.value.faults if found.startswith(f"{file}:{fault}")], raised.value.faults


def test_every_fault_of_every_file_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "one.toml").write_text(SOUND.replace('"tilt"', '"tlit"').replace("maximum", "maxima"), encoding="utf-8")
    (tmp_path / "two.toml").write_text(SOUND.replace("60", '"sixty"', 1), encoding="utf-8")
    (tmp_path / "three.toml").write_bytes(SOUND.encode("gb18030"))
    nowhere, neither = tmp_path / "nowhere.toml", tmp_path / "readme.md"
    (tmp_path / "empty").mkdir()
    with pytest.raises(ProfileFaults) as raised:
        load_profiles([tmp_path, nowhere, neither, tmp_path / "empty"])
    faults = sorted(fault.removeprefix(f"{tmp_path}/") for fault in raised.value.faults)
    wanted = [
        "empty: holds no profile",
        "nowhere.toml: cannot be read: No such file",
        "one.toml:14: metrics.wind_m_s.maxima: is no key",
        "one.toml:1: kind: ",
        "readme.md: is no profile",
        "three.toml: is not TOML in UTF-8",
        "two.toml:3: reporting_s: ",
    ]
    assert len(faults) == len(wanted)
    for fault, start in zip(faults, wanted, strict=True):
        assert fault.startswith(start), faults
    assert str(raised.value) == "\n".join(raised.value.faults)
