"""A small fleet of devices with every kind of rule, and batches made of plain tuples."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import numpy as np

from devices import Device, Flag, Kind, Lifecycle, Metric, MetricType, Profile, ReadingBatch, Registry

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SECOND = 1_000_000

METRICS = {
    "level": Metric("level", MetricType.GAUGE, "m", "Level", "液位", minimum=0.0, maximum=10.0, errors=(9.5,)),
    "free": Metric("free", MetricType.GAUGE, "m", "Without a range", "无量程"),
    "flag": Metric("flag", MetricType.FLAG, "", "Flag", "标志"),
    "press": Metric("press", MetricType.EVENT, "", "Press", "按键"),
    "bare": Metric("bare", MetricType.GAUGE, "m", "Without a rule", "无规则", minimum=0.0, maximum=10.0),
}

RULES = """
[[rules]]
id = "tank.high"
kind = "threshold"
metric = "level"
at_least = 5.0
clear = 3.0
hold_s = 2
clear_hold_s = 2
severity = "alarm"
class = "life-safety"
name = { en = "High", zh = "高" }
source = "test"

[[rules]]
id = "tank.over"
kind = "threshold"
metric = "level"
above = 8.0
severity = "emergency"
class = "property"
name = { en = "Over", zh = "溢" }
source = "test"

[[rules]]
id = "tank.low"
kind = "threshold"
metric = "level"
below = 1.0
clear = 2.0
hold_s = 3
severity = "warning"
class = "supervisory"
name = { en = "Low", zh = "低" }
source = "test"

[[rules]]
id = "tank.range"
kind = "fault"
severity = "warning"
class = "trouble"
name = { en = "Out of range", zh = "超量程" }
source = "test"

[[rules]]
id = "tank.free"
kind = "threshold"
metric = "free"
at_most = 0.5
clear_hold_s = 3
severity = "warning"
class = "trouble"
name = { en = "Free", zh = "空" }
source = "test"

[[rules]]
id = "tank.flag"
kind = "alarm"
metric = "flag"
severity = "emergency"
class = "life-safety"
name = { en = "Flag", zh = "标志" }
source = "test"

[[rules]]
id = "tank.unset"
kind = "threshold"
metric = "flag"
below = 1.0
hold_s = 2
severity = "advisory"
class = "trouble"
name = { en = "Not set", zh = "未置位" }
source = "test"

[[rules]]
id = "tank.press"
kind = "alarm"
metric = "press"
severity = "emergency"
class = "life-safety"
name = { en = "Pressed", zh = "按下" }
source = "test"

[[rules]]
id = "tank.silent"
kind = "no_data"
after_s = 5
severity = "warning"
class = "trouble"
name = { en = "Silent", zh = "无数据" }
source = "test"

[[rules]]
id = "tank.dead"
kind = "no_data"
after_s = 9
severity = "alarm"
class = "life-safety"
name = { en = "Dead", zh = "失联" }
source = "test"
"""

ALARM_RULE = """
[[rules]]
id = "unknown.press"
kind = "alarm"
metric = "press"
severity = "emergency"
class = "life-safety"
name = { en = "Pressed", zh = "按下" }
source = "test"
"""


def profile(
    rules: str = RULES, name: str = "tank", metrics: Mapping[str, Metric] = METRICS, reporting_s: float = 4.0
) -> Profile:
    tables = tuple(tomllib.loads(rules).get("rules", ()))
    return Profile(name, Kind.TANK, name, name, reporting_s, metrics, tables, f"{name}.toml")


def profiles(*others: Profile) -> dict[str, Profile]:
    unknown = profile(ALARM_RULE, "unknown", {"press": METRICS["press"]})
    return {p.name: p for p in (unknown, profile(), *others)}


def registry(devices: int = 1, *others: Profile) -> Registry:
    made = Registry(profiles(*others))
    register(made, *(Device("site", f"d{n}", Kind.TANK, "tank") for n in range(devices)))
    return made


def register(to: Registry, *devices: Device) -> None:
    to.apply(to.plan_registration(devices))


def tank(n: int = 0, lifecycle: Lifecycle = Lifecycle.REGISTERED, profile: str = "tank") -> Device:
    return Device("site", f"d{n}", Kind.TANK, profile, lifecycle=lifecycle)


Reading = tuple[int, int, "float | None", bool]
"""Channel row, time in µs, value or None where unknown, whether flagged late."""


def batch(readings: Iterable[Reading], arrival_us: int = 0) -> ReadingBatch:
    rows = list(readings)
    return ReadingBatch(
        np.array([channel for channel, _, _, _ in rows], np.int32),
        np.array([time_us for _, time_us, _, _ in rows], np.int64),
        np.array([0.0 if value is None else value for _, _, value, _ in rows], np.float64),
        np.array([value is not None for _, _, value, _ in rows], np.bool_),
        np.array([Flag.LATE if late else 0 for _, _, _, late in rows], np.uint8),
        arrival_us,
    )


def tick(now_us: int = 0) -> ReadingBatch:
    return ReadingBatch.empty(now_us)
