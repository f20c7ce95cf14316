"""Profiles and rules as an author writes them: TOML, so that every fault has its line."""

from __future__ import annotations

import json
import re
import tomllib
from typing import TYPE_CHECKING

import pytest

from devices.model import Kind
from devices.profile import Metric, MetricType, Profile
from devices.toml_lines import lines_of
from rules.loader import RuleFaults, load_rules

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from rules.model import Rule
    from rules.ruleset import RuleSet

METRICS = {
    "gas": Metric("gas", MetricType.GAUGE, "%LEL", "Gas", "燃气", minimum=0.0, maximum=100.0),
    "pressure": Metric("pressure", MetricType.GAUGE, "MPa", "Pressure", "压力", 0.0, 2.5, errors=(2.4,)),
    "heat": Metric("heat", MetricType.GAUGE, "°C", "Heat", "温度", minimum=-40.0, maximum=85.0),
    "open": Metric("open", MetricType.GAUGE, "m", "Without a range", "无量程"),
    "flag": Metric("flag", MetricType.FLAG, "", "Flag", "标志"),
    "press": Metric("press", MetricType.EVENT, "", "Press", "按键"),
}
PERIOD_S = 600.0

KINDS: Mapping[str, Mapping[str, object]] = {
    "alarm": {"metric": "flag"},
    "threshold": {"metric": "gas", "at_least": 10.0},
    "range": {"metric": "gas", "low": 10.0, "high": 90.0},
    "fault": {},
    "rate": {"metric": "gas", "rises_by": 3.0, "within": "20 min"},
    "dose": {"metric": "gas", "bands": [{"at_least": 5.0, "within": "1 h"}, {"at_least": 9, "within_s": 900}]},
    "flatline": {"metric": "gas", "after": "7 d"},
    "baseline": {"metric": "gas", "deviations": 5, "least": 0.5},
    "inactivity": {"metric": "gas", "at_least_for": "2 h", "until_learned": "12 h"},
    "drift": {"metric": "gas", "drifts_by": 2.0, "window": "24 h", "baseline": "3 d"},
    "forecast": {"metric": "gas", "falls_to": 20.0, "within": "4 h", "window": "2 h", "reset_by": 10.0},
    "no_data": {"after": "15 min"},
    "neighbourhood": {"rules": ["p.flag"], "scope": "unit", "at_least": 2},
    "composite": {"all": ["p.flag"]},
}
"""By kind, the keys that it must have."""


def toml(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {toml(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(toml(one) for one in value) + "]"
    if isinstance(value, float) and value != value:  # noqa: PLR0124  # NaN
        return "nan"
    return json.dumps(value, ensure_ascii=False)


def rule(kind: str, what: str = "rule", of: str = "p", /, **keys: object) -> str:
    """Return a sound rule of a kind with `keys` given too; one that is None is left out."""
    given: dict[str, object] = {"id": f"{of}.{what}", "kind": kind, **KINDS.get(kind, {}), **COMMON, **keys}
    lines = (f"{key} = {toml(value)}" for key, value in given.items() if value is not None)
    return "\n".join(("[[rules]]", *lines, ""))


COMMON: Mapping[str, object] = {
    "severity": "alarm",
    "class": "property",
    "name": {"en": "Name", "zh": "名称"},
    "source": "test, section 1",
}


def profile(text: str, name: str = "p", metrics: Mapping[str, Metric] = METRICS) -> Profile:
    tables = tuple(tomllib.loads(text).get("rules", ()))
    return Profile(name, Kind.TANK, name, name, PERIOD_S, metrics, tables, f"{name}.toml", lines_of(text))


def load(text: str, *files: Path, metrics: Mapping[str, Metric] = METRICS) -> RuleSet:
    return load_rules({"p": profile(text, metrics=metrics)}, files)


def one(text: str, what: str = "rule") -> Rule:
    """Return the rule of `text`; a fault rule and something to relate to stand beside it."""
    return load(text + BESIDE).by_id[f"p.{what}"]


def faults(text: str, *files: Path) -> list[str]:
    with pytest.raises(RuleFaults) as raised:
        load(text, *files)
    assert str(raised.value) == "\n".join(raised.value.faults)
    return raised.value.faults


BESIDE = rule("fault", "range") + rule("alarm", "flag") + rule("alarm", "press", metric="press")


def line_at(fault: str, text: str) -> str:
    """Return the line of `text` that a fault names."""
    found = re.match(r".*?:(\d+): ", fault)
    assert found, fault
    return text.splitlines()[int(found[1]) - 1]


def write(folder: Path, text: str, name: str = "own.toml") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name
