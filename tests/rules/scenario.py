"""Scenarios as text: readings with seconds on the left, what the engine says on the right.

`0 s 0.2; 30 s ?; tick 60 s → raised at 60 s`: a reading of 0.2 at 0 s, one without a value at 30 s, a tick at 60 s.
Each reading is a block of its own that arrives when it was measured, unless `@` gives its arrival (`10 s 0.2 @ 90 s`);
`late` marks it as ingest does. `0 s to 3600 s every 60 s 0.2` is a reading a minute; `… 0.2 to 0.5`, evenly rising.
What is said is `raised`, `repeated` or `ceased`, its event time, and `late` before it; `(measure)` where the line asks.
The epoch is a Monday, midnight, local time. A file of `scenarios/` holds those of one kind of rule.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from devices import Device, Flag, Kind, Metric, MetricType, ReadingBatch, Registry
from rules import Engine, load_rules
from tests.rules.fleet import SECOND, profile, profiles

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rules import Change

FOLDER = Path(__file__).parent / "scenarios"
MONDAY_US = (4 * 86_400 - 8 * 3_600) * SECOND + 53 * 7 * 86_400 * SECOND
"""1971-01-11, 0:00 in China."""

METRICS = {
    metric.name: metric
    for metric in (
        Metric("pressure", MetricType.GAUGE, "MPa", "Pressure", "水压", minimum=0.0, maximum=2.5, errors=(1.28,)),
        Metric("gas", MetricType.GAUGE, "%LEL", "Gas", "燃气", minimum=0.0, maximum=100.0),
        Metric("co", MetricType.GAUGE, "ppm", "CO", "一氧化碳", minimum=0.0, maximum=1000.0),
        Metric("level", MetricType.GAUGE, "%", "Level", "液位", minimum=0.0, maximum=150.0),
        Metric("tilt", MetricType.GAUGE, "°", "Tilt", "倾角", minimum=-90.0, maximum=90.0),
        Metric("pulse", MetricType.GAUGE, "bpm", "Pulse", "心率", minimum=30.0, maximum=220.0),
        Metric("steps", MetricType.GAUGE, "steps", "Steps", "步数", minimum=0.0, maximum=200_000.0),
        Metric("smoke", MetricType.FLAG, "", "Smoke", "烟雾"),
        Metric("sos", MetricType.EVENT, "", "SOS", "呼救"),
    )
}

_TIME = r"(?P<{}>[\d.]+) s"
_READING = re.compile(
    rf"(?P<late>late )?{_TIME.format('time')}( to {_TIME.format('until')} every {_TIME.format('every')})?"
    rf" (?P<value>\?|-?[\d.]+)( to (?P<last>-?[\d.]+))?(?: @ {_TIME.format('arrival')})?$"
)
_TICK = re.compile(rf"tick {_TIME.format('time')}$")


@dataclass(frozen=True)
class Scenario:
    """One line of a file: the rule's keys, and what is given and expected."""

    kind: str
    rule: str
    metric: str
    reporting_s: float
    line: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.line}"


def scenarios() -> Iterator[Scenario]:
    """Yield every line of every file."""
    for file in sorted(FOLDER.glob("*.toml")):
        for table in tomllib.loads(file.read_text(encoding="utf-8"))["scenario"]:
            for line in table["lines"]:
                yield Scenario(file.stem, table["rule"], table["metric"], table.get("reporting_s", 4.0), line)


def play(scenario: Scenario) -> tuple[str, str]:
    """Return what the line expects and what the engine said, of the rule."""
    given, _, expected = scenario.line.partition("→")
    metric = METRICS[scenario.metric]
    named = "" if scenario.kind in {"no_data", "composite"} else f'metric = "{metric.name}"\n'
    table = (
        f'[[rules]]\nid = "one.rule"\n{named}severity = "alarm"\nclass = "property"\n'
        f'name = {{ en = "One", zh = "一" }}\nsource = "test"\n{scenario.rule}\n'
    )
    if metric.minimum is not None and '"fault"' not in scenario.rule:
        table += (
            '[[rules]]\nid = "one.range"\nkind = "fault"\nseverity = "warning"\nclass = "trouble"\n'
            'name = { en = "Range", zh = "量程" }\nsource = "test"\n'
        )
    one = profile(table, "one", {metric.name: metric}, scenario.reporting_s)
    registry = Registry(profiles(one))
    registry.apply(registry.plan_registration([Device("site", "d", Kind.TANK, "one")]))
    engine = Engine(registry, load_rules(registry.profiles))
    said: list[str] = []
    for step in given.split(";"):
        for block, now_us in _blocks(step.strip()):
            changes = [c for c in engine.step(block, now_us) if c.rule_id == "one.rule"]
            said += [_told(c, measured="(" in expected) for c in changes]
    return expected.strip(), "; ".join(said) or "nothing"


def _blocks(step: str) -> Iterator[tuple[ReadingBatch, int]]:
    if found := _TICK.match(step):
        now_us = _us(found["time"])
        yield ReadingBatch.empty(now_us), now_us
        return
    found = _READING.match(step)
    assert found, f"cannot read {step!r}"
    first_us, known = _us(found["time"]), found["value"] != "?"
    every_us = _us(found["every"]) - MONDAY_US if found["every"] else SECOND
    until_us = _us(found["until"]) if found["until"] else first_us
    first = float(found["value"]) if known else 0.0
    last = float(found["last"] or first)
    for time_us in range(first_us, until_us + 1, every_us):
        now_us = _us(found["arrival"]) if found["arrival"] else time_us
        value = first + (last - first) * (time_us - first_us) / max(until_us - first_us, 1)
        batch = ReadingBatch(
            np.zeros(1, np.int32),
            np.array([time_us], np.int64),
            np.array([value]),
            np.array([known]),
            np.array([Flag.LATE if found["late"] else 0], np.uint8),
            now_us,
        )
        yield batch, now_us


def _told(change: Change, *, measured: bool) -> str:
    turn = "repeated" if change.repeated else "raised" if change.holds else "ceased"
    measure = f" ({change.measure:.4g})" if measured and change.measure is not None else ""
    return f"{'late ' if change.late else ''}{turn} at {(change.time_us - MONDAY_US) / SECOND:.12g} s{measure}"


def _us(seconds: str) -> int:
    return MONDAY_US + round(float(seconds) * SECOND)
