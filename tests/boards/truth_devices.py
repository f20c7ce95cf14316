"""What the board of the devices' health must show."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import numpy as np

from devices import Flag
from tests.boards.asking import truth
from tests.boards.figures import (
    ALMOST,
    CLOCK_S,
    PLACE,
    both,
    epoch_s,
    graveness,
    grouped,
    midnight,
    of_place,
    rule,
)
from tests.boards.world import instant

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.boards.asking import Asked
    from tests.boards.facts import Row

DAY: Final = timedelta(days=1)


def _holding(asked: Asked) -> list[Row]:
    return [row for row in of_place(asked, asked.facts.real, *PLACE) if row["is_open"] and row["condition_holds"]]


def _faults(asked: Asked) -> list[Row]:
    return [row for row in _holding(asked) if row["alarm_class"] == "trouble" and row["rule_kind"] != "no_data"]


def _latest(asked: Asked, metric: str) -> list[Row]:
    rows = of_place(asked, asked.facts.latest, *PLACE)
    return [row for row in rows if row["metric"] == metric and row["value"] is not None]


@truth("devices.counts")
def counts(asked: Asked) -> list[Row]:
    latest = of_place(asked, asked.facts.latest, *PLACE)
    strangers = [row for row in asked.facts.devices if row["lifecycle"] == "unregistered"]
    return [
        {
            "silent": len({row["device"] for row in _holding(asked) if row["rule_kind"] == "no_data"}),
            "faulty": len({row["device"] for row in _faults(asked)}),
            "batteries_low": sum(row["value"] <= 20 for row in _latest(asked, "battery_pct")),
            "lives_ending": sum(row["value"] <= 90 for row in _latest(asked, "life_left_d")),
            "clocks_wrong": len(
                {row["device"] for row in latest if row["flags"] & (Flag.TIME_FILLED | Flag.TIME_CLAMPED)}
            ),
            "strangers": len(of_place(asked, strangers, "site")),
        }
    ]


@truth("devices.silent", near={"silent_s": CLOCK_S}, order=lambda row: epoch_s(row["last_heard"]))
def silent(asked: Asked) -> list[Row]:
    rows = []
    by_device = {row["device"]: row for row in asked.facts.devices}
    down = [row for row in _holding(asked) if row["rule_kind"] == "no_data"]
    for device, its in grouped(down, lambda row: row["device"]).items():
        worst, about = min(its, key=graveness), by_device[device]
        same = ("kind", "site", "name", "grid", "building", "floor", "unit", "gateway", "last_heard")
        rows.append(
            {
                **{name: about[name] for name in same},
                "severity": worst["severity"],
                "silent_s": None if about["last_heard"] is None else asked.age_s(about["last_heard"]),
                "incident_id": worst["incident_id"],
            }
        )
    return rows


@truth("devices.never_heard")
def never_heard(asked: Asked) -> list[Row]:
    same = ("kind", "site", "name", "grid", "building", "floor", "unit", "gateway", "lifecycle")
    return [
        {name: row[name] for name in same}
        for row in of_place(asked, asked.facts.devices, *PLACE)
        if row["last_heard"] is None and row["kind"] != "service"
    ]


def _a_day(points: Sequence[Row]) -> float | None:
    """Return the trend of daily means since the battery was changed, % a day; None of less than four days."""
    points = sorted(points, key=lambda row: row["time"])
    for place in range(len(points) - 1, 0, -1):
        if points[place]["mean"] - points[place - 1]["mean"] > 20:
            points = points[place:]
            break
    if len(points) < 4:
        return None
    days = np.array([epoch_s(row["time"]) / 86_400 for row in points])
    means = np.array([row["mean"] for row in points])
    apart = days - days.mean()
    return float((apart * (means - means.mean())).sum() / (apart**2).sum())


@truth(
    "devices.batteries",
    order=lambda row: row["value"],
    near={"a_day": ALMOST, "until": 60.0},
    limit=200,
)
def batteries(asked: Asked) -> list[Row]:
    rows = []
    for row in _latest(asked, "battery_pct"):
        limits = [
            one["low"]
            for one in asked.facts.limits
            if (one["device"], one["metric"], one["rule_kind"]) == (row["device"], "battery_pct", "threshold")
            and one["low"] is not None
        ]
        points = asked.facts.series(
            "1d", [row["site"]], [row["name"]], ["battery_pct"], asked.now - timedelta(days=30), asked.now
        )
        a_day = _a_day(list(points))
        limit = max((one for one in limits if one < row["value"]), default=0.0)
        days = (limit - row["value"]) / a_day if a_day is not None and a_day < 0 else None
        rows.append(
            {
                **{name: row[name] for name in ("value", "kind", "site", "name", "grid", "building", "floor")},
                "said": row["time"],
                "a_day": a_day,
                "limit_first": max(limits, default=None),
                "limit_value": limit,
                "until": row["time"] + days * DAY if days is not None and days < 3650 else None,
            }
        )
    return rows


@truth("devices.battery_bands")
def battery_bands(asked: Asked) -> list[Row]:
    edges = {"empty": (-1, 10), "low": (10, 20), "half": (20, 50), "full": (50, 1000)}
    return [
        {
            "kind": kind,
            **{band: sum(low < row["value"] <= high for row in its) for band, (low, high) in edges.items()},
        }
        for kind, its in grouped(_latest(asked, "battery_pct"), lambda row: row["kind"]).items()
    ]


@truth("devices.lives", order=lambda row: row["value"], near={"until": 1.0}, limit=500)
def lives(asked: Asked) -> list[Row]:
    return [
        {
            **{name: row[name] for name in ("value", "kind", "site", "name", "grid", "building", "floor")},
            "said": row["time"],
            "until": row["time"] + row["value"] * DAY,
        }
        for row in _latest(asked, "life_left_d")
        if row["value"] <= 180
    ]


@truth("devices.faults", order=lambda row: (graveness(row), row["raised"]), limit=500)
def faults(asked: Asked) -> list[Row]:
    same = ("severity", "raised", "kind", "site", "device", "building", "floor", "unit_name", "accepted_by")
    return [
        {**{name: row[name] for name in (*same, "incident_id")}, "name": rule(row), "what": both(row, "what")}
        for row in _faults(asked)
    ]


@truth("devices.clocks", order=lambda row: (not (row["ahead"] or row["missing"]), -epoch_s(row["said"])), limit=500)
def clocks(asked: Asked) -> list[Row]:
    odd = Flag.TIME_FILLED | Flag.TIME_CLAMPED | Flag.LATE
    rows = [row for row in of_place(asked, asked.facts.latest, *PLACE) if row["flags"] & odd]
    return [
        {
            **{name: its[0][name] for name in ("kind", "site", "name", "grid", "building")},
            "ahead": any(row["flags"] & Flag.TIME_CLAMPED for row in its),
            "missing": any(row["flags"] & Flag.TIME_FILLED for row in its),
            "late": any(row["flags"] & Flag.LATE for row in its),
            "channels": len(its),
            "said": max(row["time"] for row in its),
        }
        for its in grouped(rows, lambda row: row["device"]).values()
    ]


@truth("devices.strangers", order=lambda row: -epoch_s(row["last_heard"]), limit=500)
def strangers(asked: Asked) -> list[Row]:
    rows = []
    for row in of_place(asked, asked.facts.devices, "site"):
        if row["lifecycle"] == "unregistered":
            metrics = sorted(one["metric"] for one in asked.facts.channels if one["device"] == row["device"])
            rows.append(
                {
                    **{name: row[name] for name in ("site", "name", "last_heard", "state")},
                    "metrics": len(metrics),
                    "said": ", ".join(metrics) or None,
                }
            )
    return rows


@truth("devices.troubles_per_day", order=lambda row: row["time"])
def troubles_per_day(asked: Asked) -> list[Row]:
    ending = {"battery_pct", "life_left_d"}
    rows = [
        row
        for row in of_place(asked, asked.facts.real, *PLACE)
        if asked.during(row["raised"]) and (row["alarm_class"] == "trouble" or row["rule_kind"] == "no_data")
    ]
    return [
        {
            "time": day,
            "silent": sum(row["rule_kind"] == "no_data" for row in its),
            "batteries": sum(row["metric"] in ending for row in its),
            "faults": sum(row["rule_kind"] != "no_data" and row["metric"] not in ending for row in its),
        }
        for day, its in grouped(rows, lambda row: midnight(row["raised"], asked.put_in["timezone"])).items()
    ]


@truth("devices.quarantine", order=lambda row: -epoch_s(row["last"]))
def quarantine(asked: Asked) -> list[Row]:
    return [
        {"reason": reason, "count": count, "last": instant(at_us), "fresh": asked.now - instant(at_us) < DAY}
        for reason, (count, at_us) in asked.facts.world.unread.items()
    ]


@truth("devices.gaps", order=lambda row: -epoch_s(row["noted"]))
def gaps(asked: Asked) -> list[Row]:
    return [
        {
            "noted": instant(at_us),
            "reason": gap.reason.value,
            "lane": gap.lane.name.lower(),
            "records": gap.records,
            "readings": gap.readings if gap.records else None,
            "first_time": None,
            "last_time": None,
        }
        for at_us, gap in asked.facts.world.lost
    ]
