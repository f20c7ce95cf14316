"""A boiler house: one small profile with its rules, and histories written down by hand."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from devices import Device, Kind, Profile, load_profiles
from rules import RuleSet, load_rules
from service.backtest.history import Chunk, Names, Oddities

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
START = 1_777_564_800 * SECOND
"""2026-05-01 00:00 in Shanghai."""

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

[[rules]]
id = "boiler.alarm"
kind = "alarm"
metric = "alarm"
severity = "emergency"
class = "life-safety"
name = { en = "Alarm", zh = "报警" }
source = "test"

[[rules]]
id = "boiler.hot"
kind = "threshold"
metric = "temp_c"
at_least = 80.0
clear = 70.0
severity = "alarm"
class = "life-safety"
name = { en = "Hot", zh = "过热" }
source = "test"

[[rules]]
id = "boiler.range"
kind = "fault"
metric = "temp_c"
severity = "warning"
class = "trouble"
name = { en = "Out of range", zh = "超量程" }
source = "test"

[[rules]]
id = "boiler.silent"
kind = "no_data"
after = "10 min"
severity = "warning"
class = "trouble"
name = { en = "Silent", zh = "无数据" }
source = "test"
"""

Row = tuple[int, str, str, "float | None"]
"""µs since START, device, metric, value or None where not known."""


def write_profile(folder: Path) -> Path:
    file = folder / "boiler.toml"
    file.write_text(PROFILE, "utf-8")
    return file


def world(folder: Path) -> tuple[dict[str, Profile], RuleSet]:
    """Return the profiles and rules of boilers, and of devices that nobody knows."""
    found = load_profiles([write_profile(folder)])
    profiles = {name: found[name] for name in ("boiler", "unknown")}
    return profiles, load_rules(profiles)


def boiler(number: int, site: str = "north") -> Device:
    return Device(site, f"b{number}", Kind.GAS, "boiler")


def ledger(number: int) -> dict[str, Device]:
    return {device.key: device for device in (boiler(n) for n in range(number))}


def temperature(device: str, *readings: tuple[float, float | None]) -> list[Row]:
    """Readings of one boiler: (minutes since START, °C)."""
    return [(round(minute * MINUTE), device, "temp_c", value) for minute, value in readings]


def every_minute(device: str, minutes: int, value: float = 50.0, first: int = 0) -> list[Row]:
    return temperature(device, *((minute, value) for minute in range(first, first + minutes)))


def write_csv(path: Path, rows: Iterable[Row]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["time", "device", "metric", "value"])
        writer.writerows([START + us, device, metric, "" if v is None else v] for us, device, metric, v in rows)
    return path


def write_parquet(path: Path, rows: Iterable[Row], arrivals: Sequence[int] | None = None) -> Path:
    """arrivals: µs since START."""
    times, devices, metrics, values = zip(*rows, strict=True)
    columns = {
        "time": pa.array([START + us for us in times], pa.timestamp("us", "UTC")),
        "device": pa.array(devices),
        "metric": pa.array(metrics),
        "value": pa.array(values, pa.float64()),
    }
    if arrivals is not None:
        columns["arrival"] = pa.array([START + us for us in arrivals], pa.timestamp("us", "UTC"))
    pq.write_table(pa.table(columns), path)
    return path


class ListedHistory:
    """A history that is in memory already, in pieces of `piece` readings."""

    def __init__(self, rows: Iterable[Row], piece: int = 1_000, arrivals: Sequence[int] | None = None) -> None:
        self.devices = Names()
        self.metrics = Names()
        self.oddities = Oddities()
        self.ledger: Mapping[str, Device] = {}
        self.arrives = arrivals is not None
        self._rows = list(rows)
        self._piece = piece
        self._arrivals = arrivals

    def chunks(self) -> Iterator[Chunk]:
        for start in range(0, len(self._rows), self._piece):
            rows = self._rows[start : start + self._piece]
            time_us = np.array([START + us for us, _, _, _ in rows], np.int64)
            arrivals = None if self._arrivals is None else self._arrivals[start : start + self._piece]
            yield Chunk(
                np.array([self.devices.code(device) for _, device, _, _ in rows], np.int32),
                np.array([self.metrics.code(metric) for _, _, metric, _ in rows], np.int32),
                time_us,
                time_us if arrivals is None else np.array([START + us for us in arrivals], np.int64),
                np.array([0.0 if value is None else value for _, _, _, value in rows], np.float64),
                np.array([value is not None for _, _, _, value in rows], np.bool_),
                (start + len(rows)) / len(self._rows),
            )
