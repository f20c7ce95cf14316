"""Explaining: what a rule says, where each figure comes from, and what touches it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from devices.model import Device, Kind, Lifecycle
from rules.explain import explain
from rules.model import RuleKind
from rules.words import figures_of, words_of
from tests.rules.written import BESIDE, METRICS, load, one, profile, rule, write

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SAID = [
    ("alarm", {}, "flag is set; ceases when it is not set"),
    ("alarm", {"latched": True}, "flag is set; a person ends it"),
    (
        "alarm",
        {"metric": "press", "count": 3, "count_within": "10 min"},
        "press comes, 3 times within 10 min; a person",
    ),
    ("threshold", {}, "gas ≥ 10 %LEL; ceases < 10 %LEL"),
    (
        "threshold",
        {"at_least": None, "above": 10, "hold": "5 min", "clear_hold": "1 min", "clear": 5},
        "gas > 10 %LEL, for 5 min; ceases < 5 %LEL for 1 min; silence counts for 30 min at most",
    ),
    ("threshold", {"at_least": None, "below": 10, "hold_s": 90, "gap": "none"}, "gas < 10 %LEL, for 90 s; ceases ≥ 10"),
    ("range", {"clear_low": 20}, "gas below 10 %LEL or above 90 %LEL; ceases within 20 %LEL … 90 %LEL"),
    ("fault", {"metric": "gas"}, "gas outside of 0 … 100 %LEL"),
    ("fault", {"metric": "pressure"}, "pressure outside of 0 … 2.5 MPa or one of its error codes 2.4"),
    ("rate", {"clear": 1}, "gas rises by 3 %LEL within 20 min; ceases below 1 %LEL"),
    (
        "dose",
        {},
        "gas comes to a whole dose: 5 %LEL for 1 h, 9 %LEL for 15 min; a dose is gone in 1 h; ceases < 5 %LEL",
    ),
    ("flatline", {}, "gas is the same in 3 readings over 7 d"),
    (
        "baseline",
        {"direction": "down", "clear": 2},
        "gas 5 usual deviations (each 0.5 %LEL at least) below what is usual at this hour of the week, once learned",
    ),
    ("inactivity", {}, "gas is still for so long as has a chance below 0.0005 by this week's own hours, 2 h at least;"),
    ("drift", {}, "gas by the median of 1 d is 2 %LEL away from that of the first 3 d after the installation; ceases"),
    (
        "forecast",
        {},
        "gas falls to 20 %LEL within 4 h by the trend of 2 h, which a jump of 10 %LEL begins anew; ceases when",
    ),
    ("no_data", {}, "nothing heard for 15 min"),
    (
        "no_data",
        {"periods": 3},
        "nothing heard for 15 min, or for 3 of its reporting periods as learned, 10 min at least",
    ),
    (
        "neighbourhood",
        {"share": 0.3, "within": "1 min"},
        "any of p.flag on 2 devices and 30 % of the devices of one unit",
    ),
    ("neighbourhood", {"scope": "radius", "radius_m": 500}, "any of p.flag on 2 devices within 500 m"),
    (
        "composite",
        {"any": ["p.press"], "none": ["p.range"], "hold": "1 min"},
        "all of p.flag and any of p.press and none of p.range.gas, p.range.pressure, p.range.heat on one device, for 1",
    ),
    (
        "composite",
        {"all": None, "then": ["p.press", "p.flag"], "within": "5 min"},
        "p.press, then p.flag, each within 5",
    ),
]


@pytest.mark.parametrize(("kind", "keys", "wanted"), SAID)
def test_a_rule_says_itself_in_words(kind: str, keys: Mapping[str, object], wanted: str) -> None:
    found = one(rule(kind, **keys))
    assert words_of(found, METRICS.get(found.metric)).startswith(wanted)


def test_every_kind_is_said() -> None:
    assert {kind for kind, _, _ in SAID} == set(RuleKind)


@pytest.mark.parametrize(("kind", "keys", "_"), SAID)
def test_every_figure_has_its_line_or_is_a_default(kind: str, keys: Mapping[str, object], _: str) -> None:
    text = rule(kind, **keys) + BESIDE
    found = one(rule(kind, **keys))
    explained = explain(load(text), profile(text))
    (said,) = (each for each in explained.rules if each.id == "p.rule")
    lines = text.splitlines()
    given = [figure for figure in said.figures if kind != "fault" and not figure.origin.startswith("default")]
    for figure in given:
        line = lines[int(figure.origin.removeprefix("p.toml:")) - 1]
        assert line.startswith((f"{figure.key} =", f"{figure.key}_s =", "bands ="))
    if kind != "fault":
        assert len(said.figures) == len(figures_of(found, METRICS.get(found.metric)))
    written = {line.partition(" =")[0].removesuffix("_s") for line in lines[: lines.index("[[rules]]", 1)]}
    figures = {figure.key.partition(".")[0] for figure in said.figures}
    texts = {"[[rules]]", "id", "kind", "severity", "class", "name", "source", "metric", "rules", "all", "any", "none"}
    assert written - texts - {"then", "scope", "latched", "direction", "gap"} <= figures


def test_a_default_says_why() -> None:
    text = (
        rule("threshold", hold="5 min") + rule("threshold", "life", hold="5 min", **{"class": "life-safety"}) + BESIDE
    )
    said = {each.id: {f.key: f for f in each.figures} for each in explain(load(text), profile(text)).rules}
    assert said["p.rule"]["gap"].value == "30 min"
    assert said["p.rule"]["gap"].origin.startswith("default, by reporting_s (p.toml:")
    assert (said["p.life"]["gap"].value, said["p.life"]["gap"].origin) == ("none", "default")
    assert said["p.rule"]["clear"].origin == "default"


def test_what_touches_a_rule_is_named(tmp_path: Path) -> None:
    life = {"class": "life-safety"}
    text = BESIDE + rule("alarm", "life", **life) + rule("composite", "both", all=["p.flag"])
    file = write(
        tmp_path,
        '[[overrides]]\nrules = "p.flag"\nsite = "s"\nseverity = "advisory"\n'
        '[[overrides]]\nrules = "p.press"\nsite = "s"\ngrid = "g"\nenabled = false\n'
        '[[overrides]]\nrules = "p.flag"\nsite = "other"\nschedule = "nights"\n'
        '[[schedules]]\nname = "nights"\nperiods = [{ from = "20:00", to = "07:00" }]\n'
        "[[windows]]\nfrom = 2026-03-02T08:00:00+08:00\nto = 2026-03-02T18:00:00+08:00\n"
        'site = "s"\nbuilding = "5"\nby = "Wang"\nreason = "risers"\n',
    )
    rules = load(text, file)
    of = profile(text)
    here = explain(rules, of, Device("s", "d", Kind.TANK, "p", "g", "5"), now_us=0)
    said = {each.id: each for each in here.rules}
    assert said["p.flag"].overrides == (f"site s ({file}:1)",)
    assert said["p.flag"].feeds == ("p.both",)
    assert said["p.flag"].windows == (f"2026-03-02 08:00 … 2026-03-02 18:00, Wang: risers ({file}:17)",)
    assert said["p.life"].windows == ()
    assert here.switched_off == (f"p.press: site s, grid g ({file}:5)",)
    elsewhere = explain(rules, of, Device("other", "d", Kind.TANK, "p"), now_us=0)
    flag = next(each for each in elsewhere.rules if each.id == "p.flag")
    assert (flag.schedule, flag.windows) == (f"nights ({file}:14)", ())
    later = explain(rules, of, Device("s", "d", Kind.TANK, "p", "g", "5"), now_us=rules.windows[0].to_us)
    assert not any(each.windows for each in later.rules)


@pytest.mark.parametrize(
    ("lifecycle", "watching"),
    [
        (Lifecycle.VERIFIED, {"p.flag", "p.life", "p.dead", "p.silent"}),
        (Lifecycle.UNREGISTERED, {"p.flag", "p.life"}),
        (Lifecycle.MAINTENANCE, {"p.life"}),
        (Lifecycle.RETIRED, set()),
    ],
)
def test_where_a_device_is_in_its_life_says_which_rules_watch_it(lifecycle: Lifecycle, watching: set[str]) -> None:
    life = {"class": "life-safety"}
    text = rule("alarm", "flag") + rule("alarm", "life", **life) + rule("no_data", "dead", **life)
    text += rule("no_data", "silent")
    said = explain(load(text), profile(text), Device("s", "d", Kind.TANK, "p", lifecycle=lifecycle))
    assert {each.id for each in said.rules if each.watches} == watching
    assert said.lifecycle == lifecycle
