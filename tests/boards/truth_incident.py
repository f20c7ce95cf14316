"""What the board of one incident must show."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from tests.boards.asking import truth
from tests.boards.facts import EPOCH
from tests.boards.figures import ALMOST, CLOCK_S, board_of, both, epoch_s, grouped, rule

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from tests.boards.asking import Asked
    from tests.boards.facts import Row

HOUR: Final = timedelta(hours=1)


def _one(asked: Asked) -> list[Row]:
    """Return the incident that is chosen, or nothing."""
    return [row for row in asked.facts.incidents if row["incident_id"] in asked["incident"]]


def _ms(at: datetime) -> float:
    return (at - EPOCH).total_seconds() * 1000


def _window_ms(asked: Asked, row: Row) -> Row:
    return {"from_ms": _ms(row["event"] - HOUR) // 1, "to_ms": _ms((row["closed"] or asked.now) + HOUR) // 1}


NEAR_MS: Final = {"from_ms": 1.0, "to_ms": 1000 * CLOCK_S}


@truth("incident.state")
def state(asked: Asked) -> list[Row]:
    return [{"state": row["state"]} for row in _one(asked)]


@truth("incident.severity")
def severity(asked: Asked) -> list[Row]:
    return [{"severity": row["severity"]} for row in _one(asked)]


@truth("incident.outcome")
def outcome(asked: Asked) -> list[Row]:
    return [{"outcome": row["outcome"]} for row in _one(asked) if row["outcome"] is not None]


def _took(asked: Asked, column: str) -> list[Row]:
    return [
        {column: asked.age_s(row["raised"]) if row[column] is None else row[column]}
        for row in _one(asked)
        if row[column] is not None or row["is_open"]
    ]


@truth("incident.accept", near={"accept_s": CLOCK_S})
def accept(asked: Asked) -> list[Row]:
    return _took(asked, "accept_s")


@truth("incident.arrive", near={"arrive_s": CLOCK_S})
def arrive(asked: Asked) -> list[Row]:
    return _took(asked, "arrive_s")


@truth("incident.resolve", near={"resolve_s": CLOCK_S})
def resolve(asked: Asked) -> list[Row]:
    return _took(asked, "resolve_s")


@truth("incident.facts", near=NEAR_MS)
def facts(asked: Asked) -> list[Row]:
    same = (
        *("site", "grid", "building", "device", "name", "kind", "alarm_class", "event", "raised", "closed"),
        *("repeats", "condition_holds", "late", "exercise", "members_count", "accepted_by", "station", "closed_by"),
        "rating",
    )
    return [
        {
            **{name: row[name] for name in same},
            **_window_ms(asked, row),
            "rule": rule(row),
            "what": both(row, "what"),
            "board": board_of(row["kind"]),
            "place": f"{row['place_zh']} · {row['place']}",
        }
        for row in _one(asked)
    ]


@truth("incident.steps", near={"took_s": CLOCK_S})
def steps(asked: Asked) -> list[Row]:
    rows = []
    for row in _one(asked):
        words = {"accepted": "受理 · accepted", "dispatched": "出动 · on the way", "arrived": "到场 · arrived"}
        words["verified"] = "核实 · verified"
        before = {
            "accepted": ("raised",),
            "dispatched": ("accepted",),
            "arrived": ("dispatched", "accepted"),
            "verified": ("arrived", "dispatched", "accepted"),
            "end": ("verified", "arrived", "dispatched", "accepted", "raised"),
        }
        for step, earlier in before.items():
            until = (row["closed"] or asked.now) if step == "end" else row[step]
            since = next((row[name] for name in earlier if row[name] is not None), None)
            word = words.get(step) or ("处置 · dealt with" if row["closed"] else "至今 · up to now")
            if until is not None and since is not None:
                rows.append({"step": word, "took_s": (until - since).total_seconds()})
    return rows


@truth("incident.timeline", limit=2000)
def timeline(asked: Asked) -> list[Row]:
    return [
        {
            **{name: row[name] for name in ("time", "what", "kind", "who", "via", "detail")},
            "told": " · ".join(text for text in (row["text_zh"], row["text_en"]) if text),
        }
        for row in asked.facts.timeline
        if row["incident_id"] in asked["incident"]
    ]


def _around(asked: Asked, row: Row) -> tuple[datetime, datetime]:
    return row["event"] - HOUR, min(asked.now, (row["closed"] or asked.now) + HOUR)


def _series(asked: Asked, row: Row, metrics: Iterable[str]) -> list[Row]:
    since, until = _around(asked, row)
    level = "1h" if until - since > timedelta(days=10) else "1m" if until - since > timedelta(hours=6) else "raw"
    return [
        {
            "time": point["time"],
            "metric": " ".join(part for part in (point["metric"], point["unit"]) if part),
            "value": point["mean"],
        }
        for point in asked.facts.series(level, [row["site"]], [row["name"]], list(metrics), since, until)
    ]


@truth("incident.readings", order=lambda row: row["time"], near={"value": ALMOST})
def readings(asked: Asked) -> list[Row]:
    return [point for row in _one(asked) if row["metric"] for point in _series(asked, row, [row["metric"]])]


@truth("incident.other_readings", order=lambda row: row["time"], near={"value": ALMOST})
def other_readings(asked: Asked) -> list[Row]:
    return [
        point
        for row in _one(asked)
        for point in _series(
            asked,
            row,
            [
                one["metric"]
                for one in asked.facts.channels
                if one["device"] == row["device"] and one["metric"] != row["metric"]
            ],
        )
    ]


@truth("incident.limits", order=lambda row: row["time"], near={"time": CLOCK_S})
def limits(asked: Asked) -> list[Row]:
    rows = []
    for row in _one(asked):
        for limit in asked.facts.limits:
            if (limit["device"], limit["metric"]) == (row["device"], row["metric"]):
                for side, value in ((">", limit["high"]), ("<", limit["low"])):
                    name = f"限值 limit {limit['rule_id']} {side}"
                    if value is not None:
                        rows += [{"time": at, "metric": name, "value": value} for at in _around(asked, row)]
    return rows


@truth("incident.notifications", order=lambda row: -epoch_s(row["time"]), limit=1000)
def notifications(asked: Asked) -> list[Row]:
    return [
        {name: row[name] for name in ("time", "recipient", "channel", "status", "attempts")}
        for row in asked.facts.notifications
        if row["incident_id"] in asked["incident"]
    ]


@truth(
    "incident.responders",
    order=lambda row: (row["first_act"] is None, epoch_s(row["first_act"]), epoch_s(row["first_asked"])),
    near={"answer_s": ALMOST},
)
def responders(asked: Asked) -> list[Row]:
    lines = [
        row
        for row in asked.facts.timeline
        if row["incident_id"] in asked["incident"] and row["who"] and row["what"] in {"incident", "response"}
    ]
    rows = []
    for who, its in grouped(lines, lambda row: row["who"]).items():
        asks = [row["time"] for row in its if row["kind"] == "asked"]
        acts = [row for row in its if row["what"] == "incident"]
        first_act = min((row["time"] for row in acts), default=None)
        rows.append(
            {
                "who": who,
                "asked": len(asks),
                "first_asked": min(asks, default=None),
                "first_act": first_act,
                "first_did": acts[0]["kind"] if acts else None,
                "last_did": acts[-1]["kind"] if acts else None,
                "answer_s": (first_act - min(asks)).total_seconds() if asks and first_act is not None else None,
            }
        )
    return rows


def _other(asked: Asked, other: Row) -> Row:
    return {
        **{name: other[name] for name in ("raised", "severity", "state", "incident_id")},
        **_window_ms(asked, other),
        "rule": rule(other),
    }


@truth("incident.same_device", order=lambda row: -epoch_s(row["raised"]), near=NEAR_MS, limit=100)
def same_device(asked: Asked) -> list[Row]:
    return [
        {**_other(asked, other), "outcome": other["outcome"], "resolve_s": other["resolve_s"]}
        for row in _one(asked)
        for other in asked.facts.incidents
        if other["device"] == row["device"] and other["incident_id"] != row["incident_id"]
    ]


@truth("incident.same_time", order=lambda row: row["raised"], near=NEAR_MS, limit=100)
def same_time(asked: Asked) -> list[Row]:
    near = timedelta(minutes=15)
    return [
        {**_other(asked, other), "device": other["device"]}
        for row in _one(asked)
        for other in asked.facts.incidents
        if other["site"] == row["site"]
        and other["device"] != row["device"]
        and abs(other["raised"] - row["raised"]) <= near
    ]
