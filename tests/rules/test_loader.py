"""The loader takes what is sound and says all that is not, with its file, its rule and what was wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from devices import Metric, MetricType
from devices.profile_loader import load_profiles
from rules import AlarmClass, Comparison, Rule, RuleFaults, RuleKind, Severity, load_rules
from tests.rules.fleet import profile, profiles

if TYPE_CHECKING:
    from collections.abc import Mapping

METRICS = {
    "gas": Metric("gas", MetricType.GAUGE, "%LEL", "Gas", "燃气", minimum=0.0, maximum=100.0),
    "open": Metric("open", MetricType.GAUGE, "m", "Without a range", "无量程"),
    "flag": Metric("flag", MetricType.FLAG, "", "Flag", "标志"),
    "press": Metric("press", MetricType.EVENT, "", "Press", "按键"),
}
RANGE = {"id": "p.range", "kind": "fault"}
LIMIT = {"id": "p.high", "kind": "threshold", "metric": "gas", "at_least": 10.0}
FLAG = {"id": "p.flag", "kind": "alarm", "metric": "flag"}
SILENT = {"id": "p.silent", "kind": "no_data", "after_s": 60}
SOUND: dict[str, object] = {
    "severity": "alarm",
    "class": "life-safety",
    "name": {"en": "Name", "zh": "名称"},
    "source": "test, section 1",
}


def load(*tables: Mapping[str, object], metrics: Mapping[str, Metric] = METRICS) -> list[Rule]:
    made = profile("", "p", metrics)
    made = type(made)(
        made.name,
        made.kind,
        "p",
        "p",
        made.reporting_s,
        metrics,
        tuple({key: value for key, value in (SOUND | dict(table)).items() if value is not ...} for table in tables),
        "devices/profiles/p.toml",
    )
    return list(load_rules({"p": made}).rules)


def faults(*tables: Mapping[str, object], metrics: Mapping[str, Metric] = METRICS) -> list[str]:
    with pytest.raises(RuleFaults) as raised:
        load(*tables, metrics=metrics)
    assert str(raised.value) == "\n".join(raised.value.faults)
    return raised.value.faults


def test_every_key_arrives() -> None:
    rule = load(LIMIT | {"clear": 5, "hold_s": 1, "clear_hold_s": 60}, RANGE)[0]
    assert rule == Rule(
        id="p.high",
        profile="p",
        kind=RuleKind.THRESHOLD,
        metric="gas",
        severity=Severity.ALARM,
        alarm_class=AlarmClass.LIFE_SAFETY,
        name_en="Name",
        name_zh="名称",
        source="test, section 1",
        comparison=Comparison.AT_LEAST,
        limit=10.0,
        clear=5.0,
        hold_s=1.0,
        clear_hold_s=60.0,
    )
    assert load(SILENT)[0].after_s == 60.0
    assert load(FLAG)[0].kind is RuleKind.ALARM
    assert load(LIMIT, RANGE)[0].clear == 10.0


def test_a_fault_rule_without_a_metric_is_one_rule_on_every_metric_with_a_range() -> None:
    metrics = METRICS | {"battery": Metric("battery", MetricType.GAUGE, "%", "Battery", "电量", minimum=0.0)}
    assert [(rule.id, rule.metric) for rule in load(RANGE, metrics=metrics)] == [
        ("p.range.gas", "gas"),
        ("p.range.battery", "battery"),
    ]
    assert [rule.id for rule in load(RANGE | {"metric": "gas"}, metrics=metrics)] == ["p.range"]


def test_a_flag_has_a_threshold_only_for_what_an_alarm_rule_cannot_say() -> None:
    assert load({"id": "p.off", "kind": "threshold", "metric": "flag", "below": 1.0})
    assert load({"id": "p.long", "kind": "threshold", "metric": "flag", "at_least": 1.0, "hold_s": 60})


@pytest.mark.parametrize(
    ("table", "wrong", "wanted"),
    [
        (LIMIT | {"colour": "red"}, "'colour' is no key of a rule of kind 'threshold'", "only above, at_least"),
        (FLAG | {"hold_s": 5}, "'hold_s' is no key of a rule of kind 'alarm'", "only class, id"),
        (LIMIT | {"kind": "treshold"}, "kind = 'treshold'", "one of alarm, threshold, fault, no_data"),
        (LIMIT | {"kind": ...}, "no `kind`", "one of alarm"),
        (LIMIT | {"metric": "gaz"}, "metric = 'gaz'", "one of gas, open, flag, press"),
        (LIMIT | {"metric": ...}, "no `metric`", "one of gas"),
        (LIMIT | {"severity": "bad"}, "severity = 'bad'", "one of advisory, warning, alarm, emergency"),
        (LIMIT | {"severity": 3}, "severity = 3", "one of advisory"),
        (LIMIT | {"class": "life"}, "class = 'life'", "one of life-safety, property"),
        (LIMIT | {"source": ...}, "no `source`", "where its figures come from"),
        (LIMIT | {"source": " "}, "source = ' '", "where its figures come from"),
        (LIMIT | {"name": ...}, "no `name`", '{ en = "…", zh = "…" }'),
        (LIMIT | {"name": {"en": "Name"}}, "name = {'en': 'Name'}", '{ en = "…", zh = "…" }'),
        (LIMIT | {"name": {"en": "Name", "zh": ""}}, "name = {'en': 'Name', 'zh': ''}", "zh = "),
        (LIMIT | {"name": {"en": "Name", "zh": "名称", "fr": "Nom"}}, "'fr': 'Nom'", "zh = "),
        (LIMIT | {"name": "Name"}, "name = 'Name'", '{ en = "…", zh = "…" }'),
        (LIMIT | {"id": "gas.high"}, "does not begin with its profile 'p'", "'p.<what>'"),
        (LIMIT | {"id": "p."}, "does not begin with its profile 'p'", "'p.<what>'"),
        (LIMIT | {"id": 7}, "id = 7", "'p.<what>'"),
        (LIMIT | {"at_least": ...}, "limits given: none", "exactly one of at_least, above, at_most, below"),
        (LIMIT | {"below": 3}, "limits given: at_least, below", "exactly one of"),
        (LIMIT | {"at_least": "10"}, "at_least = '10'", "a finite number"),
        (LIMIT | {"at_least": True}, "at_least = True", "a finite number"),
        (LIMIT | {"at_least": float("nan")}, "at_least = nan", "a finite number"),
        (LIMIT | {"at_least": 150}, "at_least = 150 is beyond what the sensor can say", "within 0 … 100 %LEL"),
        (LIMIT | {"at_least": -1}, "at_least = -1 is beyond what the sensor can say", "within 0 … 100 %LEL"),
        (LIMIT | {"at_least": ..., "above": 100}, "above = 100 is beyond what the sensor can say", "within 0 … 100"),
        (LIMIT | {"at_least": ..., "below": 0}, "below = 0 is beyond what the sensor can say", "within 0 … 100 %LEL"),
        (LIMIT | {"clear": 11}, "clear = 11 is on the wrong side of the limit", "at or below 10"),
        (LIMIT | {"at_least": ..., "at_most": 5, "clear": 4}, "clear = 4 is on the wrong side", "at or above 5"),
        (LIMIT | {"clear": 0}, "it could never cease: no reading is clear of 0", "within 0 … 100 %LEL"),
        (LIMIT | {"at_least": 0}, "it could never cease: no reading is clear of 0", "within 0 … 100 %LEL"),
        (LIMIT | {"hold_s": -1}, "hold_s = -1", "0 … 31622400 s"),
        (LIMIT | {"clear_hold_s": 1e300}, "clear_hold_s = 1e+300", "0 … 31622400 s"),
        (FLAG | {"metric": "gas"}, "an alarm rule on the gauge 'gas'", "a flag or an event, or kind = 'threshold'"),
        (LIMIT | {"metric": "flag", "at_least": 1}, "a threshold on the flag 'flag' without hold_s", "kind = 'alarm'"),
        (LIMIT | {"metric": "press", "at_least": 1}, "a threshold on the event 'press'", "a gauge, or kind = 'alarm'"),
        (RANGE | {"metric": "open"}, "'open' has no range to be outside of", "minimum or maximum"),
        (SILENT | {"after_s": ...}, "no `after_s`", "the silence to wait for, s"),
        (SILENT | {"after_s": 4}, "after_s = 4 is no longer than the profile's reporting period", "more than 4 s"),
        (SILENT | {"metric": "gas"}, "'metric' is no key of a rule of kind 'no_data'", "only after_s"),
    ],
)
def test_one_fault_is_one_line(table: Mapping[str, object], wrong: str, wanted: str) -> None:
    (line,) = (line for line in faults(table, RANGE) if "no fault rule tells" not in line)
    assert line.startswith("devices/profiles/p.toml: rule ")
    assert wrong in line.split("; wanted ")[0]
    assert wanted in line.split("; wanted ")[1]


def test_all_faults_of_all_profiles_are_said_together() -> None:
    bad = profile('[[rules]]\nid = "bad.rule"\nkind = "alarm"\nmetric = "level"\n', "bad")
    worse = profile('[[rules]]\nkind = "fault"\n[[rules]]\nid = "bad.rule"\nkind = "what"\n', "worse", {})
    with pytest.raises(RuleFaults) as raised:
        load_rules(profiles(bad, worse))
    said = raised.value.faults
    assert [fault.partition(": rule ")[0] for fault in said] == ["bad.toml"] * 5 + ["worse.toml"] * 12
    assert any("worse.toml: rule 1: no `id`" in fault for fault in said)
    assert any("no metric of the profile has a range" in fault for fault in said)


def test_an_id_is_given_once_over_all_profiles() -> None:
    (line,) = faults(FLAG, FLAG)
    assert "'p.flag': the id is given more than once; wanted one that no other rule has" in line
    (line,) = faults(RANGE, RANGE | {"id": "p.range.gas", "metric": "gas"})
    assert "'p.range.gas': the id is given more than once" in line


def test_a_reading_withheld_from_a_threshold_must_be_told_by_a_fault_rule() -> None:
    (line,) = faults(LIMIT, LIMIT | {"id": "p.low"})
    assert "'gas' has a range, and no fault rule tells when a reading lies outside" in line
    assert load(LIMIT | {"metric": "open"})


def test_the_shipped_profiles_load() -> None:
    loaded = load_profiles()
    rules = load_rules(loaded)
    assert set(rules.by_profile) == set(loaded)
    assert [rule.profile for rule in rules.rules] == sorted(rule.profile for rule in rules.rules)
    assert all(rules.by_id[rule.id] is rule for rule in rules.rules)
