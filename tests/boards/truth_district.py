"""What the board of the district must show."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from tests.boards.asking import truth
from tests.boards.facts import bucket
from tests.boards.figures import (
    ALMOST,
    CLASSES,
    CLOCK_S,
    SEVERITIES,
    STATES,
    both,
    counted,
    graveness,
    grouped,
    midnight,
    of_place,
    percentile,
    rule,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.boards.asking import Asked
    from tests.boards.facts import Row


def _open(asked: Asked, *, exercises: bool = False) -> list[Row]:
    rows = asked.facts.incidents if exercises else asked.facts.real
    return [row for row in of_place(asked, rows, "site") if row["is_open"]]


@truth("district.sites_on_map", near={"latitude": ALMOST, "longitude": ALMOST}, order=lambda row: -row["incidents"])
def sites_on_map(asked: Asked) -> list[Row]:
    rows = []
    placed = [row for row in of_place(asked, asked.facts.devices, "site") if row["latitude"] is not None]
    for site, its in grouped(placed, lambda row: row["site"]).items():
        opened = [row for row in _open(asked) if row["site"] == site]
        rows.append(
            {
                "site": site,
                "latitude": sum(row["latitude"] for row in its) / len(its),
                "longitude": sum(row["longitude"] for row in its) / len(its),
                "devices": len(its),
                "incidents": len(opened),
                "worst": SEVERITIES[min(map(graveness, opened))] if opened else "none",
            }
        )
    return rows


@truth("district.incidents_on_map", order=lambda row: (graveness(row, "worst"), row["raised"]))
def incidents_on_map(asked: Asked) -> list[Row]:
    return [
        {
            **{name: row[name] for name in ("latitude", "longitude", "raised", "state", "incident_id", "site")},
            "worst": row["severity"],
            "name": rule(row),
            "place": f"{row['place_zh']} · {row['place']}",
        }
        for row in _open(asked)
        if row["latitude"] is not None
    ]


@truth("district.open_now", near={"longest_s": CLOCK_S})
def open_now(asked: Asked) -> list[Row]:
    rows = _open(asked)
    grave = [row for row in rows if row["severity"] in {"emergency", "alarm"}]
    unanswered = [row for row in grave if row["accepted"] is None]
    return [
        {
            "open": len(rows),
            "grave": len(grave),
            "unanswered": len(unanswered),
            "longest_s": max((asked.age_s(row["raised"]) for row in unanswered), default=0.0),
        }
    ]


@truth("district.open_by_age")
def open_by_age(asked: Asked) -> list[Row]:
    edges = [(-1, "< 1 min"), (60, "1–3 min"), (180, "3–15 min"), (900, "15–60 min"), (3600, "1–24 h")]
    edges += [(86_400, "1–7 d"), (7 * 86_400, "> 7 d")]
    rows = []
    for (younger, label), (older, _) in zip(edges, [*edges[1:], (1e12, "")], strict=True):
        its = [row for row in _open(asked) if younger <= asked.age_s(row["raised"]) < older]
        rows.append({"age": label, **counted(its, "severity", SEVERITIES)})
    return rows


@truth(
    "district.open_incidents",
    order=lambda row: (row["exercise"] is not None, graveness(row), bool(row["accepted_by"]), row["raised"]),
    near={"open_s": CLOCK_S},
)
def open_incidents(asked: Asked) -> list[Row]:
    same = ("severity", "state", "raised", "kind", "site", "grid", "accepted_by", "station", "condition_holds")
    return [
        {
            **{name: row[name] for name in (*same, "exercise", "incident_id")},
            "open_s": asked.age_s(row["raised"]),
            "name": rule(row),
            "place": row["place_zh"],
            "what": both(row, "what"),
        }
        for row in _open(asked, exercises=True)
    ]


def _dangers(asked: Asked) -> list[Row]:
    """Return real dangers to life of the range that are grave."""
    return [
        row
        for row in of_place(asked, asked.facts.real, "site")
        if row["alarm_class"] == "life-safety"
        and row["severity"] in {"emergency", "alarm"}
        and asked.during(row["raised"])
    ]


@truth(
    "district.response_times",
    order=lambda row: row["time"],
    near=dict.fromkeys(("accept_median", "accept_p90", "arrive_median", "arrive_p90"), ALMOST),
)
def response_times(asked: Asked) -> list[Row]:
    width = timedelta(milliseconds=max(asked.every_ms, 3_600_000))
    return [
        {
            "time": at,
            **{
                f"{what}_{word}": percentile((row[f"{what}_s"] for row in its), share)
                for what in ("accept", "arrive")
                for word, share in (("median", 0.5), ("p90", 0.9))
            },
        }
        for at, its in grouped(_dangers(asked), lambda row: bucket(row["raised"], width)).items()
    ]


def share_in_time(asked: Asked, rows: Iterable[Row], step: str, within_s: float) -> float | None:
    """Return the share of the rows whose step was done in time, of those that had the time."""
    due = [
        row[step]
        for row in rows
        if row[step] is not None or ((row["closed"] or asked.now) - row["raised"]).total_seconds() > within_s
    ]
    return sum(took is not None and took <= within_s for took in due) / len(due) if due else None


@truth("district.in_time")
def in_time(asked: Asked) -> list[Row]:
    rows = _dangers(asked)
    return [
        {
            "accepted": share_in_time(asked, rows, "accept_s", 60),
            "arrived": share_in_time(asked, rows, "arrive_s", 180),
        }
    ]


@truth("district.per_day_by_class", order=lambda row: row["time"])
def per_day_by_class(asked: Asked) -> list[Row]:
    rows = [row for row in of_place(asked, asked.facts.real, "site") if asked.during(row["raised"])]
    days = grouped(rows, lambda row: midnight(row["raised"], asked.put_in["timezone"]))
    return [{"time": day, **counted(its, "alarm_class", CLASSES)} for day, its in days.items()]


@truth("district.per_day_by_kind", order=lambda row: row["time"])
def per_day_by_kind(asked: Asked) -> list[Row]:
    rows = [row for row in of_place(asked, asked.facts.real, "site") if asked.during(row["raised"])]
    days = grouped(rows, lambda row: (midnight(row["raised"], asked.put_in["timezone"]), row["kind"]))
    return [{"time": day, "metric": kind, "incidents": len(its)} for (day, kind), its in days.items()]


@truth("district.devices_by_state", order=lambda row: (-row["alarm"], -row["offline"] - row["fault"]))
def devices_by_state(asked: Asked) -> list[Row]:
    rows = []
    for site, its in grouped(of_place(asked, asked.facts.devices, "site"), lambda row: row["site"]).items():
        states = counted(its, "state", STATES)
        rows.append({"site": site, "devices": len(its), **states, "normal_share": states["normal"] / len(its)})
    return rows
