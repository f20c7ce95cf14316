"""What the boards of the classes of devices must show."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from tests.boards.asking import truth
from tests.boards.facts import bucket
from tests.boards.figures import (
    ALMOST,
    CLASSES,
    CLOCK_S,
    PLACE,
    STATES,
    both,
    counted,
    epoch_s,
    graveness,
    grouped,
    of_place,
    rule,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tests.boards.asking import Asked
    from tests.boards.facts import Row

HOUR: Final = timedelta(hours=1)
DAY_S: Final = 86_400
LEVELS: Final = {"threshold", "range"}


def listed(quoted: str) -> list[str]:
    """Return the words of a list in quotes, as a board's module puts it in."""
    return [word.strip().strip("'") for word in quoted.split(",")]


# ── readings of one device ───────────────────────────────────────────────────────────────────────────────────────────


def _series(asked: Asked, level: str, metrics: Iterable[str], since: datetime, until: datetime) -> list[Row]:
    points = asked.facts.series(level, asked["site"], asked["device"], list(metrics), since, until)
    return [point for point in points if point["mean"] is not None]


def _shown(asked: Asked, metrics: Iterable[str]) -> list[Row]:
    return _series(asked, asked.level, metrics, asked.shown.start, asked.shown.end)


def _weighted(points: Sequence[Row]) -> float:
    mean: float = sum(one["mean"] * one["count"] for one in points) / sum(one["count"] for one in points)
    return mean


@truth(
    "classes.readings",
    order=lambda row: row["time"],
    near=dict.fromkeys(("mean", "lowest", "highest"), ALMOST),
)
def readings(asked: Asked) -> list[Row]:
    width = timedelta(milliseconds=asked.every_ms)
    points = grouped(_shown(asked, listed(asked.put_in["metric"])), lambda row: bucket(row["time"], width))
    rows: list[Row] = [
        {
            "time": at,
            "mean": _weighted(its),
            "lowest": min(one["min"] for one in its),
            "highest": max(one["max"] for one in its),
        }
        for at, its in points.items()
    ]
    pauses = [
        (newest := max(one["time"] for one in before), min(one["time"] for one in after) - newest)
        for (_, before), (_, after) in pairwise(sorted(points.items(), key=lambda point: point[0]))
    ]
    usually = sorted(pause for _, pause in pauses)[(len(pauses) - 1) // 2] if pauses else timedelta()
    longest = max(timedelta(seconds=int(asked.put_in["gap_s"])), 2 * width, 3 * usually)
    for newest, pause in pauses:
        if pause > longest:
            rows.append({"time": newest + timedelta(milliseconds=1), "mean": None, "lowest": None, "highest": None})
    return rows


def _limits(asked: Asked, kinds: Iterable[str]) -> list[Row]:
    """Return the limits on the device's metric, a row for each side of each."""
    wanted = set(kinds)
    return [
        {**limit, "value": value, "sign": sign}
        for limit in asked.facts.limits
        if limit["site"] in asked["site"]
        and limit["name"] in asked["device"]
        and limit["metric"] in listed(asked.put_in["metric"])
        and limit["rule_kind"] in wanted
        for sign, value in (("<", limit["low"]), (">", limit["high"]))
        if value is not None
    ]


@truth("classes.limits", order=lambda row: row["time"], limit=200)
def limits(asked: Asked) -> list[Row]:
    return [
        {
            "time": at,
            "metric": f"{both(one, 'name')} {one['sign']} {one['value']:.15g} ({one['severity']})",
            "value": one["value"],
        }
        for one in _limits(asked, LEVELS)
        for at in (asked.shown.start, asked.shown.end)
    ]


@truth("classes.rate", order=lambda row: row["time"], near={"rate": ALMOST})
def rate(asked: Asked) -> list[Row]:
    width = timedelta(milliseconds=max(asked.every_ms, int(asked.put_in["rate_over_s"]) * 1000))
    points = grouped(_shown(asked, listed(asked.put_in["metric"])), lambda row: bucket(row["time"], width))
    means = sorted((at, _weighted(its)) for at, its in points.items())
    return [
        {"time": later, "rate": (after - before) / (later - earlier).total_seconds() * int(asked.put_in["per_s"])}
        for (earlier, before), (later, after) in pairwise(means)
    ]


@truth(
    "classes.usual",
    order=lambda row: row["time"],
    near=dict.fromkeys(("usual", "usual_low", "usual_high"), ALMOST),
)
def usual(asked: Asked) -> list[Row]:
    start, end = asked.shown.start, asked.shown.end
    points = _series(asked, "1h", listed(asked.put_in["metric"]), start - timedelta(days=29), end)
    mean_at: defaultdict[datetime, list[float]] = defaultdict(list)
    for point in points:
        mean_at[point["time"]].append(point["mean"])
    rows = []
    at = bucket(max(start, end - timedelta(days=366)), HOUR)
    while at <= end:
        said = [
            mean
            for week in range(1, 5)
            for beside in (-1, 0, 1)
            for mean in mean_at.get(at + (beside - 168 * week) * HOUR, ())
        ]
        if len(said) >= 3:
            middle, spread = float(np.mean(said)), 2 * float(np.std(said, ddof=1))
            rows.append({"time": at, "usual": middle, "usual_low": middle - spread, "usual_high": middle + spread})
        at += HOUR
    return rows


# ── forecasts ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _past(asked: Asked) -> tuple[datetime, list[tuple[float, float]], tuple[float, float] | None]:
    """Return from where days are counted, (days, mean) of the last week's hours, and (slope, level) of their line."""
    at = min(asked.shown.end, asked.now)
    points = sorted(
        ((point["time"] + HOUR / 2 - at).total_seconds() / DAY_S, point["mean"])
        for point in _series(asked, "1h", listed(asked.put_in["metric"]), at - timedelta(days=7), at)
    )
    if len(points) < 24:
        return at, points, None
    days, means = np.array(points).T
    apart = days - days.mean()
    slope = float((apart * (means - means.mean())).sum() / (apart**2).sum())
    return at, points, (slope, float(means.mean() - slope * days.mean()))


@truth(
    "classes.forecast",
    order=lambda row: row["days"],
    near={"days": CLOCK_S / DAY_S, "measured": ALMOST, "trend": 0.05},
    limit=1000,
)
def forecast(asked: Asked) -> list[Row]:
    _, points, line = _past(asked)
    low = high = None
    if line is not None:
        sides = [(one["sign"], one["value"]) for one in _limits(asked, {*LEVELS, "forecast"})]
        low = max((value for sign, value in sides if sign == "<" and value <= line[1]), default=None)
        high = min((value for sign, value in sides if sign == ">" and value >= line[1]), default=None)
    shown = [*points, *((ahead / 4, None) for ahead in range(57))]
    return [
        {
            "days": days,
            "measured": mean,
            "trend": None if line is None else line[1] + line[0] * days,
            "limit_low": low,
            "limit_high": high,
        }
        for days, mean in shown
    ]


@truth(
    "classes.crossings",
    order=lambda row: (row["left_s"] is None, row["left_s"] or 0.0),
    near={"left_s": 3 * CLOCK_S, "at": 3 * CLOCK_S, "now": 0.05, "a_day": ALMOST},
    limit=100,
)
def crossings(asked: Asked) -> list[Row]:
    at, _, line = _past(asked)
    if line is None:
        return []
    slope, level = line
    rows = []
    for one in _limits(asked, {*LEVELS, "forecast"}):
        away = 1 if one["sign"] == "<" else -1
        days = None
        if (level - one["value"]) * away <= 0:
            days = 0.0
        elif slope * away < 0:
            days = (one["value"] - level) / slope
            days = days if days < 3650 else None
        rows.append(
            {
                "severity": one["severity"],
                "name": both(one, "name"),
                "limit_value": one["value"],
                "now": level,
                "a_day": slope,
                "left_s": None if days is None else days * DAY_S,
                "at": None if days is None else at + timedelta(days=days),
            }
        )
    return rows


# ── the class ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _of_class(asked: Asked, rows: Iterable[Row]) -> list[Row]:
    kinds = listed(asked.put_in["kinds"])
    return [row for row in of_place(asked, rows, *PLACE) if row["kind"] in kinds]


@truth("classes.foreseen", order=lambda row: -epoch_s(row["raised"]), limit=200)
def foreseen(asked: Asked) -> list[Row]:
    return [
        {
            **{name: row[name] for name in ("raised", "severity", "state", "site", "device", "incident_id")},
            "name": rule(row),
            "what": both(row, "what"),
        }
        for row in _of_class(asked, asked.facts.real)
        if row["rule_kind"] == "forecast" and (row["is_open"] or asked.during(row["raised"]))
    ]


@truth("classes.states")
def states(asked: Asked) -> list[Row]:
    return [counted(_of_class(asked, asked.facts.devices), "state", STATES)]


@truth(
    "classes.members",
    order=lambda row: (STATES.index(row["state"]), row["share"] is None, row["share"] or 0.0),
    near={"silent_s": CLOCK_S, "share": ALMOST},
    limit=5000,
)
def members(asked: Asked) -> list[Row]:
    metrics = listed(asked.put_in["metrics"])
    latest = [
        row for row in _of_class(asked, asked.facts.latest) if row["metric"] in metrics and row["value"] is not None
    ]
    rows = []
    for device in _of_class(asked, asked.facts.devices):
        said = {row["metric"]: row["value"] for row in latest if row["device"] == device["device"]}
        margins = [
            (sign * (limit[side] - said[limit["metric"]]), abs(limit[side]), limit["rule_id"], both(limit, "name"))
            for limit in asked.facts.limits
            if limit["device"] == device["device"] and limit["metric"] in said and limit["rule_kind"] in LEVELS
            for side, sign in (("low", -1), ("high", 1))
            if limit[side] is not None
        ]
        nearest = min(margins, key=lambda one: (one[0] / (one[1] or 1), one[2]), default=None)
        same = ("state", "site", "name", "grid", "building", "floor", "unit", "last_heard")
        rows.append(
            {
                **{name: device[name] for name in same},
                "silent_s": None if device["last_heard"] is None else asked.age_s(device["last_heard"]),
                "limit_name": nearest[3] if nearest else None,
                "share": nearest[0] / nearest[1] if nearest and nearest[1] else None,
                **{metric: said.get(metric) for metric in metrics},
            }
        )
    return rows


@truth("classes.over_time", order=lambda row: row["time"])
def over_time(asked: Asked) -> list[Row]:
    width = timedelta(milliseconds=max(asked.every_ms, 3_600_000))
    rows = [row for row in _of_class(asked, asked.facts.real) if asked.during(row["raised"])]
    return [
        {"time": at, **counted(its, "alarm_class", CLASSES)}
        for at, its in grouped(rows, lambda row: bucket(row["raised"], width)).items()
    ]


@truth(
    "classes.open_incidents",
    order=lambda row: (row["exercise"] is not None, graveness(row)),
    near={"open_s": CLOCK_S},
    limit=500,
)
def open_incidents(asked: Asked) -> list[Row]:
    same = ("severity", "state", "raised", "site", "device", "accepted_by", "condition_holds", "exercise")
    return [
        {
            **{name: row[name] for name in (*same, "incident_id")},
            "open_s": asked.age_s(row["raised"]),
            "name": rule(row),
            "place": row["place_zh"],
            "what": both(row, "what"),
        }
        for row in _of_class(asked, asked.facts.incidents)
        if row["is_open"]
    ]


@truth("classes.flags", order=lambda row: row["time"])
def flags(asked: Asked) -> list[Row]:
    width = timedelta(milliseconds=asked.every_ms)
    rows = []
    for metric, points in grouped(_shown(asked, listed(asked.put_in["flags"])), lambda row: row["metric"]).items():
        values = {
            at: max(one["max"] for one in its)
            for at, its in grouped(points, lambda row: bucket(row["time"], width)).items()
        }
        before = None
        for at in sorted(values):
            if values[at] != before:
                rows.append({"time": at, "metric": metric, "value": values[at]})
            before = values[at]
    return rows
