"""The loader takes what is sound and says all that is not: file, line, rule, what was wrong, what was wanted."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from devices.profile import MOST_ERRORS
from devices.profile_loader import load_profiles
from rules.authoring.measures import MOST_BANDS
from rules.layout import ERROR_CODES, PARAMETERS
from rules.loader import RuleFaults, load_rules
from rules.model import (
    AlarmClass,
    AlarmTerms,
    Band,
    BaselineTerms,
    Comparison,
    CompositeTerms,
    Direction,
    DoseTerms,
    DriftTerms,
    FaultTerms,
    FlatlineTerms,
    ForecastTerms,
    InactivityTerms,
    NeighbourhoodTerms,
    NoDataTerms,
    RangeTerms,
    RateTerms,
    Rule,
    RuleKind,
    RuleMode,
    Scope,
    Severity,
    Terms,
    ThresholdTerms,
    Timing,
)
from rules.ruleset import decode_rules, encode_rules
from tests.rules.written import BESIDE, KINDS, METRICS, PERIOD_S, faults, line_at, load, one, profile, rule, write

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

HOUR, DAY = 3600.0, 86400.0
GAP = 3 * PERIOD_S


def test_every_key_that_all_kinds_have_arrives() -> None:
    text = rule(
        "threshold", clear=5, hold_s=1, clear_hold="1 min", gap="30 min", mode="shadow", signed_by="Li", enabled=True
    )
    found = one(text)
    assert found == Rule(
        id="p.rule",
        profile="p",
        metric="gas",
        severity=Severity.ALARM,
        alarm_class=AlarmClass.PROPERTY,
        name_en="Name",
        name_zh="名称",
        source="test, section 1",
        terms=ThresholdTerms(Comparison.AT_LEAST, 10.0, 5.0),
        timing=Timing(1.0, 60.0, 1800.0),
        mode=RuleMode.SHADOW,
        signed_by="Li",
        origins=found.origins,
    )
    assert found.origins["at_least"] == "p.toml:5"
    assert found.origins["clear_hold"] == "p.toml:12"
    assert line_at(f"{found.origins['clear_hold']}: ", text) == 'clear_hold = "1 min"'


@pytest.mark.parametrize(
    ("kind", "keys", "wanted"),
    [
        ("alarm", {}, AlarmTerms()),
        ("alarm", {"latched": True}, AlarmTerms(latched=True)),
        ("threshold", {}, ThresholdTerms(Comparison.AT_LEAST, 10.0, 10.0)),
        (
            "threshold",
            {"at_least": None, "below": "40 %LEL", "clear": 50},
            ThresholdTerms(Comparison.BELOW, 40.0, 50.0),
        ),
        ("range", {}, RangeTerms(10.0, 90.0, 10.0, 90.0)),
        ("range", {"clear_low": 20, "clear_high": 80}, RangeTerms(10.0, 90.0, 20.0, 80.0)),
        ("fault", {"metric": "gas"}, FaultTerms()),
        ("rate", {}, RateTerms(Direction.UP, 3.0, 1200.0, 3.0)),
        ("rate", {"rises_by": None, "falls_by": 4, "clear": 1}, RateTerms(Direction.DOWN, 4.0, 1200.0, 1.0)),
        ("dose", {}, DoseTerms((Band(5.0, HOUR), Band(9.0, 900.0)), 5.0, HOUR)),
        ("dose", {"clear": 3, "recovery": "2 h"}, DoseTerms((Band(5.0, HOUR), Band(9.0, 900.0)), 3.0, 2 * HOUR)),
        ("flatline", {}, FlatlineTerms(7 * DAY, 3)),
        ("flatline", {"samples": 9}, FlatlineTerms(7 * DAY, 9)),
        ("baseline", {}, BaselineTerms(Direction.BOTH, 5.0, 5.0, 0.5, 14 * DAY)),
        (
            "baseline",
            {"direction": "up", "clear": 2, "learn": "30 d"},
            BaselineTerms(Direction.UP, 5.0, 2.0, 0.5, 30 * DAY),
        ),
        ("inactivity", {}, InactivityTerms(0.0005, 2 * HOUR, 21 * DAY, 12 * HOUR)),
        ("inactivity", {"chance": 0.001, "learn": "7 d"}, InactivityTerms(0.001, 2 * HOUR, 7 * DAY, 12 * HOUR)),
        ("drift", {}, DriftTerms(Direction.BOTH, 2.0, 2.0, DAY, 3 * DAY)),
        ("drift", {"direction": "down", "clear": 1}, DriftTerms(Direction.DOWN, 2.0, 1.0, DAY, 3 * DAY)),
        ("forecast", {}, ForecastTerms(Direction.DOWN, 20.0, 4 * HOUR, 2 * HOUR, 10.0, 5 * HOUR)),
        (
            "forecast",
            {"falls_to": None, "rises_to": 90, "clear_s": 7 * HOUR},
            ForecastTerms(Direction.UP, 90.0, 4 * HOUR, 2 * HOUR, 10.0, 7 * HOUR),
        ),
        ("no_data", {}, NoDataTerms(900.0)),
        ("no_data", {"periods": 3}, NoDataTerms(900.0, 3.0, PERIOD_S)),
        ("no_data", {"periods": 2.5, "at_least_for": "5 min"}, NoDataTerms(900.0, 2.5, 300.0)),
        ("neighbourhood", {}, NeighbourhoodTerms(("p.flag",), Scope.UNIT, 2, 0.0)),
        (
            "neighbourhood",
            {"rules": "p.r*", "scope": "radius", "radius_m": 200, "share": 0.3, "within": "1 min"},
            NeighbourhoodTerms(("p.range.gas", "p.range.pressure", "p.range.heat"), Scope.RADIUS, 2, 60.0, 0.3, 200.0),
        ),
        ("composite", {}, CompositeTerms(("p.flag",))),
        (
            "composite",
            {"all": None, "then": ["p.press", "p.flag"], "within": "5 min", "scope": "unit", "none": ["p.range"]},
            CompositeTerms(
                none_of=("p.range.gas", "p.range.pressure", "p.range.heat"),
                then=("p.press", "p.flag"),
                within_s=300.0,
                scope=Scope.UNIT,
            ),
        ),
    ],
)
def test_every_key_of_every_kind_arrives(kind: str, keys: Mapping[str, object], wanted: Terms) -> None:
    found = one(rule(kind, **keys))
    assert found.terms == wanted
    assert found.kind == kind


def test_there_is_an_example_of_every_kind_here() -> None:
    assert set(KINDS) == set(RuleKind)
    assert MOST_BANDS == (PARAMETERS - 2) // 2
    assert MOST_ERRORS == ERROR_CODES


def test_a_figure_is_a_number_in_the_metrics_unit_or_a_text_with_its_own() -> None:
    as_number = one(rule("threshold", metric="pressure", at_least=1.4, clear=1.2)).terms
    as_text = one(rule("threshold", metric="pressure", at_least="1400 kPa", clear="12 bar")).terms
    assert as_number == as_text


def test_a_change_is_converted_without_the_zero_of_its_scale() -> None:
    assert one(rule("rate", metric="heat", rises_by="18 °F")).terms == RateTerms(Direction.UP, 10.0, 1200.0, 10.0)
    assert one(rule("threshold", metric="heat", at_least="50 °F")).terms == ThresholdTerms(Comparison.AT_LEAST, 10, 10)


def test_silence_is_not_still_high_unless_lives_are_at_stake() -> None:
    assert one(rule("threshold", hold="5 min")).timing == Timing(300.0, gap_s=GAP)
    assert one(rule("threshold", **{"class": "life-safety"}, hold="5 min")).timing == Timing(300.0)
    assert one(rule("threshold", gap="none")).timing.gap_s is None
    assert one(rule("threshold", **{"class": "life-safety"}, gap_s=700)).timing.gap_s == 700.0
    assert one(rule("no_data")).timing == Timing()
    assert one(rule("composite", hold="1 min")).timing == Timing(60.0)


def test_so_many_times_within_a_time() -> None:
    assert one(rule("threshold", count=2, count_within="20 min")).timing == Timing(
        gap_s=GAP, count=2, count_within_s=1200.0
    )
    assert one(rule("alarm", metric="press", count=3, count_within="1 min")).timing.count == 3


def test_a_fault_rule_without_a_metric_is_one_rule_on_every_metric_that_can_have_one() -> None:
    assert [(found.id, found.metric) for found in load(rule("fault", "range")).rules] == [
        ("p.range.gas", "gas"),
        ("p.range.pressure", "pressure"),
        ("p.range.heat", "heat"),
    ]
    assert [found.id for found in load(rule("fault", "range", metric="gas")).rules] == ["p.range"]


def test_a_flag_has_a_threshold_only_for_what_an_alarm_rule_cannot_say() -> None:
    assert one(rule("threshold", metric="flag", at_least=None, below=1.0)).kind is RuleKind.THRESHOLD
    assert one(rule("threshold", metric="flag", at_least=1.0, hold_s=60)).timing.hold_s == 60


def test_a_rule_that_is_off_is_checked_and_left_out() -> None:
    assert [found.id for found in load(rule("alarm", enabled=False) + rule("alarm", "other")).rules] == ["p.other"]
    (line,) = faults(rule("alarm", enabled=False, severity="bad"))
    assert "severity = 'bad'" in line


# ── faults ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("kind", "keys", "place", "wrong", "wanted"),
    [
        # what every kind has
        (
            "threshold",
            {"colour": "red"},
            "colour",
            "'colour' is no key of a rule of kind 'threshold'",
            "only above, at",
        ),
        ("fault", {"after_s": 5}, "after_s", "'after_s' is no key of a rule of kind 'fault'", "only class, clear_hold"),
        ("composite", {"unless": ["p.flag"]}, "unless", "'unless' is no key of a rule of kind 'composite'", "only all"),
        ("no_data", {"metric": "gas"}, "metric", "'metric' is no key of a rule of kind 'no_data'", "only after"),
        ("treshold", {}, "kind", "kind = 'treshold'", "one of alarm, threshold, range, fault, rate"),
        ("threshold", {"kind": None}, "[[rules]]", "no `kind`", "one of alarm"),
        ("alarm", {"severity": "bad"}, "severity", "severity = 'bad'", "one of advisory, warning, alarm, emergency"),
        ("alarm", {"severity": 3}, "severity", "severity = 3", "one of advisory"),
        ("alarm", {"class": "life"}, "class", "class = 'life'", "one of life-safety, property"),
        ("alarm", {"mode": "dark"}, "mode", "mode = 'dark'", "one of live, shadow, part"),
        ("alarm", {"enabled": "no"}, "enabled", "enabled = 'no'", "true or false"),
        ("alarm", {"source": None}, "[[rules]]", "no `source`", "where its figures come from"),
        ("alarm", {"source": " "}, "source", "source = ' '", "where its figures come from"),
        ("alarm", {"name": None}, "[[rules]]", "no `name`", '{ en = "…", zh = "…" }'),
        ("alarm", {"name": {"en": "Name"}}, "name", "name = {'en': 'Name'}", '{ en = "…", zh = "…" }'),
        ("alarm", {"name": {"en": "a", "zh": "b", "fr": "c"}}, "name", "'fr': 'c'", "zh = "),
        ("alarm", {"id": "gas.high"}, "id", "does not begin with its profile 'p'", "'p.<what>'"),
        ("alarm", {"id": "p."}, "id", "does not begin with its profile 'p'", "'p.<what>'"),
        ("alarm", {"id": "p.*"}, "id", "has a space or a mark of a pattern", "without"),
        ("alarm", {"id": 7}, "id", "id = 7", "'p.<what>'"),
        ("alarm", {"schedule": "nights"}, "schedule", "no schedule is 'nights'", "a [[schedules]] table of that name"),
        (
            "alarm",
            {"schedule": "nights", "class": "life-safety"},
            "schedule",
            "a danger to life does not keep hours",
            "`signed_by`",
        ),
        # figures and durations
        ("threshold", {"at_least": "ten"}, "at_least", "at_least = 'ten' is no number with its unit", "like '10 %LEL'"),
        ("threshold", {"at_least": "1 kPa"}, "at_least", "at_least = '1 kPa' cannot be had in %LEL", "one of %LEL"),
        ("threshold", {"at_least": True}, "at_least", "at_least = True", "a finite number in %LEL, or a text"),
        ("threshold", {"at_least": math.nan}, "at_least", "at_least = nan", "a finite number"),
        ("threshold", {"hold": 5}, "hold", "hold = 5", "a text like hold = '5 min', or a finite number as hold_s"),
        ("threshold", {"hold_s": "5 min"}, "hold_s", "hold_s = '5 min'", "a text like hold = '5 min'"),
        ("threshold", {"hold": "5 m"}, "hold", "hold = '5 m' cannot be had in s", "one of s, ms, min, h, d"),
        ("threshold", {"hold": "1 h", "hold_s": 3600}, "hold", "both hold and hold_s are given", "one of them"),
        ("threshold", {"hold_s": -1}, "hold_s", "hold_s = -1", "0 … 31622400 s"),
        ("threshold", {"clear_hold": "400 d"}, "clear_hold", "clear_hold = '400 d'", "0 … 31622400 s"),
        ("threshold", {"gap": "1 min"}, "gap", "gap = '1 min' is shorter than the profile's", "at least 10 min"),
        ("threshold", {"count": 2}, "[[rules]]", "no `count_within`", "the time in which they must come"),
        ("threshold", {"count_within": "1 h"}, "[[rules]]", "no `count`", "a whole number from 2 to 64"),
        ("threshold", {"count": 1, "count_within": "1 h"}, "count", "count = 1", "a whole number from 2 to 64"),
        ("threshold", {"count": 2, "count_within": "1 h", "hold_s": 5}, "count", "count and hold are both", "one of"),
        (
            "threshold",
            {"count": 3, "count_within": "15 min"},
            "count_within",
            "too short for 3 reports, one in 10 min",
            "at least 20 min",
        ),
        # alarm
        ("alarm", {"metric": "gaz"}, "metric", "metric = 'gaz'", "one of gas, pressure, heat, open, flag, press"),
        ("alarm", {"metric": None}, "[[rules]]", "no `metric`", "one of gas"),
        ("alarm", {"metric": "gas"}, "metric", "an alarm rule on the gauge 'gas'", "a flag or an event, or kind = "),
        ("alarm", {"metric": "press", "hold": "5 s"}, "hold", "hold on the event 'press'", "none"),
        ("alarm", {"latched": True, "clear_hold_s": 5}, "clear_hold_s", "does not cease by itself", "no clear_hold"),
        # threshold
        ("threshold", {"at_least": None}, "[[rules]]", "limits given: none", "exactly one of at_least, above, at_most"),
        ("threshold", {"below": 3}, "[[rules]]", "limits given: at_least, below", "exactly one of"),
        ("threshold", {"at_least": 150}, "at_least", "at_least = 150 is beyond what the sensor", "within 0 … 100 %LEL"),
        ("threshold", {"at_least": -1}, "at_least", "at_least = -1 is beyond what the sensor", "within 0 … 100 %LEL"),
        ("threshold", {"at_least": None, "above": 100}, "above", "above = 100 is beyond", "within 0 … 100"),
        ("threshold", {"at_least": None, "below": 0}, "below", "below = 0 is beyond", "within 0 … 100 %LEL"),
        ("threshold", {"clear": 11}, "clear", "clear = 11 is on the wrong side of the limit", "at or below 10"),
        ("threshold", {"at_least": None, "at_most": 5, "clear": 4}, "clear", "on the wrong side", "at or above 5"),
        ("threshold", {"clear": 0}, "clear", "it could never cease: no reading is clear of 0", "within 0 … 100 %LEL"),
        ("threshold", {"at_least": 0}, "at_least", "it could never cease: no reading is clear of 0", "within 0 … 100"),
        (
            "threshold",
            {"metric": "flag", "at_least": 1},
            "metric",
            "a threshold on the flag 'flag' without hold",
            "kind = 'alarm'",
        ),
        ("threshold", {"metric": "press"}, "metric", "a threshold on the event 'press'", "a gauge, or kind = 'alarm'"),
        # range
        ("range", {"low": None}, "[[rules]]", "no `low`", "both limits"),
        ("range", {"low": 95}, "low", "low = 95 is not below high = 90", "below 90"),
        ("range", {"low": 0}, "low", "low = 0 is beyond what the sensor can say", "a limit with readings below it"),
        ("range", {"high": 100}, "high", "high = 100 is beyond what the sensor can say", "a limit with readings above"),
        ("range", {"clear_low": 9}, "clear_low", "clear_low = 9 is no clear level", "10 ≤ clear_low ≤ clear_high ≤ 90"),
        ("range", {"clear_high": 91}, "clear_high", "clear_high = 91 is no clear level", "10 ≤ clear_low"),
        ("range", {"metric": "flag"}, "metric", "'flag' is of type flag", "a gauge"),
        # fault
        ("fault", {"metric": "open"}, "metric", "'open' has no range to be outside of", "minimum, maximum or errors"),
        # rate
        ("rate", {"falls_by": 3}, "[[rules]]", "given: rises_by and falls_by", "exactly one of rises_by, falls_by"),
        ("rate", {"rises_by": None}, "[[rules]]", "given: neither", "exactly one of rises_by, falls_by"),
        ("rate", {"rises_by": 0}, "rises_by", "rises_by = 0 is no change that the sensor can show", "at most 100 %LEL"),
        ("rate", {"rises_by": 101}, "rises_by", "rises_by = 101 is no change", "above 0, and at most 100 %LEL"),
        ("rate", {"within": "10 min"}, "within", "within = '10 min' is no longer than the profile's", "than 10 min"),
        ("rate", {"within": None}, "[[rules]]", "no `within`", "the window"),
        ("rate", {"clear": 4}, "clear", "clear = 4 is beyond the limit", "at most 3"),
        # dose
        ("dose", {"bands": None}, "[[rules]]", "no `bands`", "1 to 3 of { at_least = 100, within = '10 min' }"),
        ("dose", {"bands": []}, "bands", "bands = []", "1 to 3 of"),
        ("dose", {"bands": [{"at_least": 5}]}, "bands", "no `within`", "a time"),
        ("dose", {"bands": [{"at_least": 5, "within": "1 h", "x": 1}]}, "bands", "'x' is no key of a band", "only at_"),
        (
            "dose",
            {"bands": [{"at_least": 500, "within": "1 h"}]},
            "bands",
            "at_least = 500 is beyond",
            "within 0 … 100",
        ),
        (
            "dose",
            {"bands": [{"at_least": 5, "within": "1 h"}, {"at_least": 5, "within": "30 min"}]},
            "bands",
            "the bands do not rise",
            "more than 5",
        ),
        (
            "dose",
            {"bands": [{"at_least": 5, "within": "1 h"}, {"at_least": 6, "within": "1 h"}]},
            "bands",
            "more of it may be breathed for no shorter time",
            "less than 1 h",
        ),
        ("dose", {"clear": 6}, "clear", "clear = 6 is above the first band", "at most 5"),
        ("dose", {"clear": 0}, "clear", "it could never cease", "a clear level within 0 … 100 %LEL"),
        ("dose", {"recovery_s": 0}, "recovery_s", "recovery_s = 0 is no longer than nothing", "more than 0 s"),
        # the other measures
        ("flatline", {"after": "10 min"}, "after", "is no longer than the profile's reporting period", "than 10 min"),
        ("flatline", {"samples": 1}, "samples", "samples = 1", "a whole number from 2 to 1000"),
        ("flatline", {"metric": "press"}, "metric", "'press' is of type event", "a gauge"),
        ("baseline", {"direction": "left"}, "direction", "direction = 'left'", "one of up, down, both"),
        ("baseline", {"clear": 6}, "clear", "clear = 6", "a number from 0 to 5"),
        ("baseline", {"least": None}, "[[rules]]", "no `least`", "the smallest deviation to be believed"),
        ("baseline", {"learn": "6 d"}, "learn", "learn = '6 d'", "at least 7 d: each hour of the week once"),
        ("inactivity", {"chance": 0.6}, "chance", "chance = 0.6", "a number from 1e-06 to 0.5"),
        ("inactivity", {"until_learned": "1 h"}, "until_learned", "is shorter than at_least_for", "at least 2 h"),
        ("drift", {"window": "20 min"}, "window", "no longer than four of the profile's", "more than 40 min"),
        ("drift", {"clear": 3}, "clear", "clear = 3 is beyond the limit", "at most 2"),
        ("forecast", {"falls_to": 100}, "falls_to", "falls_to = 100 is beyond what the sensor", "within 0 … 100 %LEL"),
        ("forecast", {"falls_to": None, "rises_to": 0}, "rises_to", "rises_to = 0 is beyond", "a level within"),
        ("forecast", {"clear": "3 h"}, "clear", "clear = '3 h' is shorter than within", "at least 4 h"),
        ("forecast", {"reset_by": None}, "[[rules]]", "no `reset_by`", "the jump that begins the trend anew"),
        # silence and relations
        ("no_data", {"after": None}, "[[rules]]", "no `after`", "the silence to wait for"),
        ("no_data", {"after": "10 min"}, "after", "after = '10 min' is no longer than the profile's", "than 10 min"),
        ("no_data", {"at_least_for": "5 min"}, "at_least_for", "at_least_for without periods", "periods as well"),
        ("no_data", {"periods": 3, "at_least_for": "1 h"}, "at_least_for", "is longer than after", "at most 15 min"),
        ("neighbourhood", {"rules": ["p.flug"]}, "rules", "no rule is 'p.flug'", "one of p.flag"),
        ("neighbourhood", {"rules": None}, "[[rules]]", "no `rules`", "the ids of the rules"),
        ("neighbourhood", {"at_least": 1}, "at_least", "at_least = 1", "a whole number from 2"),
        ("neighbourhood", {"share": 30}, "share", "share = 30", "a number from 0 to 1"),
        ("neighbourhood", {"scope": "device"}, "scope", "one device is no neighbourhood", "one of unit, floor"),
        ("neighbourhood", {"scope": "radius"}, "[[rules]]", "no `radius_m`", "a number from 1 to 100000"),
        ("neighbourhood", {"radius_m": 5}, "radius_m", "radius_m without scope = 'radius'", "none, or that scope"),
        (
            "composite",
            {"all": None, "none": ["p.flag"]},
            "[[rules]]",
            "nothing that must hold",
            "one of all, any, then",
        ),
        ("composite", {"all": ["p.f*"]}, "all", "'p.f*' stands for p.flag", "each by its id"),
        ("composite", {"none": ["p.flag"]}, "none", "'p.flag' is in `all` as well", "it in one of them"),
        ("composite", {"then": ["p.flag"], "within": "1 h"}, "then", "has no order", "at least two ids"),
        ("composite", {"then": ["p.flag", "p.press"]}, "[[rules]]", "`then` without `within`", "the longest time"),
        ("composite", {"within": "1 h"}, "within", "`within` without `then`", "none, or `then`"),
        ("composite", {"scope": "radius"}, "scope", "scope = 'radius' is a neighbourhood's", "one of device, unit"),
        ("composite", {"all": ["p.rule"]}, "id", "it hears itself: p.rule → p.rule", "no cycle"),
        ("alarm", {"mode": "part"}, "mode", "it is a part, and no rule names it", "one that does, or another mode"),
    ],
)
def test_one_fault_is_one_line_at_the_key_that_is_wrong(
    kind: str, keys: Mapping[str, object], place: str, wrong: str, wanted: str
) -> None:
    text = rule(kind, **keys) + BESIDE
    (line,) = faults(text)
    assert line_at(line, text).partition(" =")[0] == place
    said, _, asked = line.partition("; wanted ")
    assert wrong in said
    assert wanted in asked
    assert ": rule '" in said


def test_a_fault_in_a_list_that_spans_lines_is_at_its_own_line() -> None:
    bands = 'bands = [\n    { at_least = 5, within = "1 h" },\n    { at_least = 6, within = "2 h" },\n]\n'
    text = rule("dose", bands=None) + bands + BESIDE
    (line,) = faults(text)
    assert line_at(line, text) == '    { at_least = 6, within = "2 h" },'


def test_all_faults_of_all_profiles_are_said_together() -> None:
    bad = profile('[[rules]]\nid = "bad.rule"\nkind = "alarm"\nmetric = "level"\n', "bad")
    worse = profile('[[rules]]\nkind = "fault"\n[[rules]]\nid = "worse.rule"\nkind = "what"\n', "worse", {})
    with pytest.raises(RuleFaults) as raised:
        load_rules({"bad": bad, "worse": worse})
    said = raised.value.faults
    assert sorted(fault.partition(": ")[0] for fault in said) == [
        *["bad.toml:1"] * 4,
        "bad.toml:4",
        *["worse.toml:1"] * 6,
        *["worse.toml:3"] * 4,
        "worse.toml:5",
    ]
    assert any("worse.toml:1: rule '1': no `id`" in fault for fault in said)
    assert any("no metric of the profile has a range" in fault for fault in said)


def test_an_id_is_given_once() -> None:
    (line,) = faults(rule("alarm") + rule("alarm"))
    assert "rule 'p.rule': the id is given more than once, first at p.toml:2; wanted one that no other rule has" in line
    (line,) = faults(rule("fault", "range") + rule("fault", "range.gas", metric="gas"))
    assert "'p.range.gas': the id is given more than once" in line


@pytest.mark.parametrize("kind", ["threshold", "range", "rate", "dose", "flatline", "baseline", "drift", "forecast"])
def test_a_reading_withheld_from_a_rule_must_be_told_by_a_live_fault_rule(kind: str) -> None:
    text = rule(kind) + rule("threshold", "low")
    for beside in ("", rule("fault", "range", mode="shadow"), rule("fault", "range", enabled=False)):
        (line,) = faults(text + beside)
        assert "'gas' has a range, and no fault rule tells when a reading lies outside" in line
        assert line_at(line, text) == 'metric = "gas"'
    assert load(rule("threshold", metric="open")).rules
    assert load(rule("threshold", mode="shadow")).rules


def test_rules_that_hear_one_another_in_a_ring_are_one_fault() -> None:
    ring = rule("composite", "a", all=["p.b"]) + rule("neighbourhood", "b", rules=["p.c"])
    (line,) = faults(ring + rule("composite", "c", all=["p.flag"], any=["p.a"]) + BESIDE)
    assert "it hears itself: p.a → p.b → p.c → p.a" in line
    assert load(ring + rule("composite", "c", all=["p.flag"]) + BESIDE).relations


def test_a_rule_about_one_device_names_rules_of_one_profile(tmp_path: Path) -> None:
    both = {"p": profile(BESIDE), "q": profile(rule("alarm", "rule", "q"), "q")}
    wide = write(tmp_path, rule("composite", all=["p.flag", "q.rule"], scope="unit"))
    assert load_rules(both, [wide]).by_id["p.rule"].profile == "p"
    narrow = write(tmp_path, rule("composite", all=["p.flag", "q.rule"]))
    with pytest.raises(RuleFaults, match=r"own.toml:2: rule 'p.rule': no device of profile 'p' has q.rule; wanted"):
        load_rules(both, [narrow])


def test_a_relation_to_a_rule_that_is_off_says_where_that_is() -> None:
    text = rule("composite", all=["p.dark"]) + rule("alarm", "dark", enabled=False)
    (line,) = faults(text)
    assert line_at(line, text) == 'all = ["p.dark"]'
    place = next(n for n, found in enumerate(text.splitlines(), 1) if found == "enabled = false")
    assert f"'p.dark' is switched off at p.toml:{place}; wanted a rule that is on" in line


def test_a_part_that_some_rule_names_is_sound() -> None:
    text = rule("alarm", "part", mode="part") + rule("composite", any=["p.part"], all=None)
    assert load(text).by_id["p.part"].mode is RuleMode.PART


def test_the_shipped_profiles_load() -> None:
    loaded = load_profiles()
    rules = load_rules(loaded)
    assert set(rules.by_profile) == set(loaded)
    assert [found.profile for found in rules.rules] == sorted(found.profile for found in rules.rules)
    assert all(rules.by_id[found.id] is found for found in rules.rules)
    assert decode_rules(encode_rules(rules)) == rules


def test_every_figure_of_a_shipped_rule_has_its_line() -> None:
    profiles = load_profiles()
    for found in load_rules(profiles).rules:
        origin = profiles[found.profile].origin
        assert all(place.startswith(f"{origin}:") for place in found.origins.values())
        assert {"id", "severity", "source"} <= found.origins.keys()


def test_a_profile_made_without_lines_still_says_its_file() -> None:
    bare = profile(rule("alarm", severity="bad"))
    bare = type(bare)(bare.name, bare.kind, "p", "p", PERIOD_S, METRICS, bare.rules, "p.toml")
    with pytest.raises(RuleFaults, match=r"^p\.toml: rule 'p\.rule': severity = 'bad'; wanted"):
        load_rules({"p": bare})
