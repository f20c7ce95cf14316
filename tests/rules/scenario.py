"""Scenarios as text: readings with seconds on the left, what the engine says on the right.

`0 s 0.2; 30 s ?; tick 60 s → raised at 60 s`: a reading of 0.2 at 0 s, one without a value at 30 s, a tick at 60 s.
Each reading is a block of its own that arrives when it was measured, unless `@` gives its arrival (`10 s 0.2 @ 90 s`);
`late` marks it as ingest does. What is said is `raised`, `repeated` or `ceased`, its event time, and `late` before it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from devices import Device, Flag, Kind, ReadingBatch, Registry
from rules import Engine, load_rules
from tests.rules.fleet import SECOND, profile, profiles

if TYPE_CHECKING:
    from devices import Metric
    from rules import Change

_READING = re.compile(r"(?P<late>late )?(?P<time>[\d.]+) s (?P<value>\?|-?[\d.]+)(?: @ (?P<arrival>[\d.]+) s)?$")
_TICK = re.compile(r"tick (?P<time>[\d.]+) s$")


def play(line: str, rule: str, metric: Metric) -> tuple[str, str]:
    """Return what `line` expects and what the engine said, of the rule whose TOML keys are `rule`."""
    given, _, expected = line.partition("→")
    table = (
        f'[[rules]]\nid = "one.rule"\nmetric = "{metric.name}"\nseverity = "alarm"\nclass = "property"\n'
        f'name = {{ en = "One", zh = "一" }}\nsource = "test"\n{rule}\n'
    )
    if metric.minimum is not None and "fault" not in rule:
        table += (
            '[[rules]]\nid = "one.range"\nkind = "fault"\nseverity = "warning"\nclass = "trouble"\n'
            'name = { en = "Range", zh = "量程" }\nsource = "test"\n'
        )
    registry = Registry(profiles(profile(table, "one", {metric.name: metric})))
    registry.apply(registry.plan_registration([Device("site", "d", Kind.TANK, "one")]))
    engine = Engine(registry, load_rules(registry.profiles))
    said: list[str] = []
    for step in given.split(";"):
        block, now_us = _block(step.strip())
        said += [_told(c) for c in engine.step(block, now_us) if c.rule_id == "one.rule"]
    return expected.strip(), "; ".join(said) or "nothing"


def _block(step: str) -> tuple[ReadingBatch, int]:
    if found := _TICK.match(step):
        return ReadingBatch.empty(_us(found["time"])), _us(found["time"])
    found = _READING.match(step)
    assert found, f"cannot read {step!r}"
    time_us, known = _us(found["time"]), found["value"] != "?"
    now_us = _us(found["arrival"] or found["time"])
    batch = ReadingBatch(
        np.zeros(1, np.int32),
        np.array([time_us], np.int64),
        np.array([float(found["value"]) if known else 0.0]),
        np.array([known]),
        np.array([Flag.LATE if found["late"] else 0], np.uint8),
        now_us,
    )
    return batch, now_us


def _told(change: Change) -> str:
    turn = "repeated" if change.repeated else "raised" if change.holds else "ceased"
    return f"{'late ' if change.late else ''}{turn} at {change.time_us / SECOND:g} s"


def _us(seconds: str) -> int:
    return round(float(seconds) * SECOND)
