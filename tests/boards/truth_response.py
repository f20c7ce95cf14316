"""What the board of the response must show."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from tests.boards.asking import truth
from tests.boards.facts import EPOCH
from tests.boards.figures import (
    ALMOST,
    CLOCK_S,
    board_of,
    counted,
    epoch_s,
    grouped,
    midnight,
    of_place,
    percentile,
    rule,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from tests.boards.asking import Asked
    from tests.boards.facts import Row

HOUR: Final = timedelta(hours=1)
COLOURS: Final = {"blue": "reminded", "yellow": "warned", "red": "overdue", "whistled": "whistled"}
NEAR_MS: Final = {"from_ms": 1.0, "to_ms": 1000 * CLOCK_S}
MISLED: Final = {"false_alarm", "unfounded"}
SAID: Final = {"true", *MISLED}


def _raised(asked: Asked) -> list[Row]:
    rows = of_place(asked, asked.facts.real, "site", "grid")
    return [row for row in rows if row["alarm_class"] in asked["class"] and asked.during(row["raised"])]


def _responses(asked: Asked, kinds: Iterable[str]) -> list[Row]:
    wanted = set(kinds)
    rows = of_place(asked, asked.facts.responses, "site", "grid")
    return [row for row in rows if row["kind"] in wanted and asked.during(row["time"])]


def _share(rows: Sequence[Row], holds: Callable[[Row], bool]) -> float | None:
    """Return how many of the rows it holds for, %; None of nothing."""
    return 100 * sum(map(holds, rows)) / len(rows) if rows else None


def _day(asked: Asked, at: datetime) -> datetime:
    return midnight(at, asked.put_in.get("timezone", "UTC"))


def _window_ms(asked: Asked, row: Row) -> Row:
    since, until = row["event"] - HOUR, (row["closed"] or asked.now) + HOUR
    return {
        "from_ms": (since - EPOCH).total_seconds() * 1000 // 1,
        "to_ms": (until - EPOCH).total_seconds() * 1000 // 1,
    }


# ── figures ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@truth("response.raised")
def raised(asked: Asked) -> list[Row]:
    return [{"raised": len(_raised(asked))}]


@truth("response.accepted_in_time", near={"in_time": ALMOST})
def accepted_in_time(asked: Asked) -> list[Row]:
    due = [row for row in _raised(asked) if row["accept_s"] is not None or asked.age_s(row["raised"]) > 60]
    return [{"in_time": _share(due, lambda row: row["accept_s"] is not None and row["accept_s"] <= 60)}]


@truth("response.arrived_in_time", near={"in_time": ALMOST})
def arrived_in_time(asked: Asked) -> list[Row]:
    reached = [row for row in _raised(asked) if row["arrive_s"] is not None]
    return [{"in_time": _share(reached, lambda row: row["arrive_s"] <= 180)}]


@truth("response.false_alarms", near={"share": ALMOST})
def false_alarms(asked: Asked) -> list[Row]:
    said = [row for row in _raised(asked) if row["outcome"] in SAID]
    return [{"share": _share(said, lambda row: row["outcome"] in MISLED)}]


@truth("response.rating", near={"rating": ALMOST})
def rating(asked: Asked) -> list[Row]:
    rated = [row["rating"] for row in _raised(asked) if row["rating"] is not None]
    return [{"rating": sum(rated) / len(rated) if rated else None}]


@truth("response.never_accepted")
def never_accepted(asked: Asked) -> list[Row]:
    rows = [row for row in _raised(asked) if row["accepted"] is None and asked.age_s(row["raised"]) > 60]
    return [{"never": len(rows)}]


# ── steps, by station and by grid ────────────────────────────────────────────────────────────────────────────────────

QUANTILES: Final = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}
NEAR: Final = dict.fromkeys((*QUANTILES, "in_time"), ALMOST)


def _slowest(row: Row) -> tuple[bool, float]:
    return row["p90"] is None, -(row["p90"] or 0.0)


def _figures(rows: Sequence[Row], step: str, limit_s: float | None) -> Row:
    took = [row[step] for row in rows if row[step] is not None]
    figures: Row = {"raised": len(rows), "done": len(took)}
    figures |= {name: percentile(took, share) for name, share in QUANTILES.items()}
    if limit_s is not None:
        figures["in_time"] = 100 * sum(one <= limit_s for one in took) / len(took) if took else None
    return figures


def _by_station(step: str, limit_s: float | None, rows: list[Row]) -> list[Row]:
    groups = grouped(rows, lambda row: row["station"] or "—")
    return [{"station": station, **_figures(its, step, limit_s)} for station, its in groups.items()]


def _by_grid(step: str, limit_s: float | None, rows: list[Row]) -> list[Row]:
    groups = grouped(rows, lambda row: (row["site"], row["grid"] or "—"))
    return [{"site": site, "grid": grid, **_figures(its, step, limit_s)} for (site, grid), its in groups.items()]


@truth("response.accept_by_station", order=_slowest, near=NEAR)
def accept_by_station(asked: Asked) -> list[Row]:
    return _by_station("accept_s", 60, _raised(asked))


@truth("response.accept_by_grid", order=_slowest, near=NEAR)
def accept_by_grid(asked: Asked) -> list[Row]:
    return _by_grid("accept_s", 60, _raised(asked))


@truth("response.arrive_by_station", order=_slowest, near=NEAR)
def arrive_by_station(asked: Asked) -> list[Row]:
    return _by_station("arrive_s", 180, _raised(asked))


@truth("response.arrive_by_grid", order=_slowest, near=NEAR)
def arrive_by_grid(asked: Asked) -> list[Row]:
    return _by_grid("arrive_s", 180, _raised(asked))


def _dealt_with(asked: Asked) -> list[Row]:
    return [row for row in _raised(asked) if row["state"] in {"resolved", "closed"}]


RESOLVE_NEAR: Final = dict.fromkeys(QUANTILES, ALMOST)


@truth("response.resolve_by_station", order=_slowest, near=RESOLVE_NEAR)
def resolve_by_station(asked: Asked) -> list[Row]:
    return _by_station("resolve_s", None, _dealt_with(asked))


@truth("response.resolve_by_grid", order=_slowest, near=RESOLVE_NEAR)
def resolve_by_grid(asked: Asked) -> list[Row]:
    return _by_grid("resolve_s", None, _dealt_with(asked))


@truth(
    "response.times_by_day",
    order=lambda row: row["time"],
    near=dict.fromkeys(("accept_p50", "accept_p90", "arrive_p50", "arrive_p90"), ALMOST),
)
def times_by_day(asked: Asked) -> list[Row]:
    rows = [row for row in _raised(asked) if row["accept_s"] is not None or row["arrive_s"] is not None]
    return [
        {
            "time": day,
            **{
                f"{step}_{name}": percentile((row[f"{step}_s"] for row in its), QUANTILES[name])
                for step in ("accept", "arrive")
                for name in ("p50", "p90")
            },
        }
        for day, its in grouped(rows, lambda row: _day(asked, row["raised"])).items()
    ]


# ── supervision ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _colours(rows: Sequence[Row], names: Iterable[str] = COLOURS) -> Row:
    return {name: sum(row["kind"] == COLOURS[name] for row in rows) for name in names}


@truth("response.colours_by_day", order=lambda row: row["time"])
def colours_by_day(asked: Asked) -> list[Row]:
    days = grouped(_responses(asked, COLOURS.values()), lambda row: _day(asked, row["time"]))
    return [{"time": day, **_colours(its)} for day, its in days.items()]


@truth("response.colours_by_station", order=lambda row: (-row["red"], -row["yellow"]))
def colours_by_station(asked: Asked) -> list[Row]:
    groups = grouped(_responses(asked, COLOURS.values()), lambda row: row["station"] or "—")
    return [
        {"station": station, **_colours(its), "incidents": len({row["incident_id"] for row in its})}
        for station, its in groups.items()
    ]


@truth("response.colours_by_step", order=lambda row: -row["red"])
def colours_by_step(asked: Asked) -> list[Row]:
    words = {
        "accept": "受理 · accept",
        "dispatch": "出动 · send",
        "arrive": "到场 · arrive",
        "verify": "核实 · verify",
        "resolve": "处置 · resolve",
    }
    names = ("blue", "yellow", "red")
    rows = _responses(asked, (COLOURS[name] for name in names))
    return [
        {"step": words[step], **_colours(its, names)} for step, its in grouped(rows, lambda row: row["detail"]).items()
    ]


@truth("response.overdue", order=lambda row: -epoch_s(row["time"]), near=NEAR_MS, limit=200)
def overdue(asked: Asked) -> list[Row]:
    by_id = {row["incident_id"]: row for row in asked.facts.incidents}
    rows = []
    for line in _responses(asked, ["overdue"]):
        incident = by_id[line["incident_id"]]
        rows.append(
            {
                "time": line["time"],
                "step": line["detail"],
                "station": line["station"],
                "rule": rule(incident),
                **{name: incident[name] for name in ("device", "state", "incident_id")},
                **_window_ms(asked, incident),
            }
        )
    return rows


# ── what it was ──────────────────────────────────────────────────────────────────────────────────────────────────────


@truth("response.outcomes_by_day", order=lambda row: row["time"])
def outcomes_by_day(asked: Asked) -> list[Row]:
    rows = []
    for day, its in grouped(_raised(asked), lambda row: _day(asked, row["raised"])).items():
        outcomes = counted(its, "outcome", ("true", "false_alarm", "unfounded", "test"))
        rows.append(
            {
                "time": day,
                "true_alarm": outcomes.pop("true"),
                **outcomes,
                "cleared": sum(row["state"] == "cleared" for row in its),
                "not_said": sum(row["outcome"] is None and row["state"] != "cleared" for row in its),
            }
        )
    return rows


@truth("response.ratings", order=lambda row: row["rating"])
def ratings(asked: Asked) -> list[Row]:
    rated = [row for row in _raised(asked) if row["rating"] is not None]
    return [
        {"rating": str(given), "incidents": len(its)}
        for given, its in grouped(rated, lambda row: row["rating"]).items()
    ]


@truth("response.busiest_devices", order=lambda row: -row["incidents"], limit=50)
def busiest_devices(asked: Asked) -> list[Row]:
    rows = []
    for device, its in grouped(_raised(asked), lambda row: row["device"]).items():
        newest = min(its, key=lambda row: (-epoch_s(row["raised"]), row["incident_id"]))
        rows.append(
            {
                "device": device,
                **{name: newest[name] for name in ("site", "name", "kind", "incident_id")},
                "board": board_of(newest["kind"]),
                "incidents": len(its),
                "false_alarms": sum(row["outcome"] in MISLED for row in its),
                "newest": newest["raised"],
            }
        )
    return rows


@truth(
    "response.rules_that_mislead",
    order=lambda row: (-row["false_alarms"], -row["incidents"]),
    near={"share": ALMOST},
    limit=50,
)
def rules_that_mislead(asked: Asked) -> list[Row]:
    rows = []
    for name, its in grouped(_raised(asked), lambda row: row["rule_id"]).items():
        said = [row for row in its if row["outcome"] in SAID]
        rows.append(
            {
                "rule_id": name,
                "rule": rule(its[0]),
                "incidents": len(its),
                "true_alarms": sum(row["outcome"] == "true" for row in its),
                "false_alarms": sum(row["outcome"] in MISLED for row in its),
                "share": _share(said, lambda row: row["outcome"] in MISLED),
            }
        )
    return rows


# ── who was not reached ──────────────────────────────────────────────────────────────────────────────────────────────


@truth(
    "response.not_reached",
    order=lambda row: (-row["unreached"], -row["nobody"], -row["channel_changed"]),
    limit=200,
)
def not_reached(asked: Asked) -> list[Row]:
    kinds = ("asked", "channel_changed", "unreached", "nobody")
    rows = []
    for person, its in grouped(_responses(asked, kinds), lambda row: row["person"] or "—").items():
        counts = counted(its, "kind", kinds)
        if counts["channel_changed"] or counts["unreached"] or counts["nobody"]:
            newest = max((row["time"] for row in its if row["kind"] in {"unreached", "nobody"}), default=None)
            rows.append({"person": person, **counts, "newest": newest})
    return rows


@truth("response.refused", order=lambda row: -epoch_s(row["time"]), near=NEAR_MS, limit=200)
def refused(asked: Asked) -> list[Row]:
    by_id = {row["incident_id"]: row for row in of_place(asked, asked.facts.real, "site", "grid")}
    return [
        {
            **{name: line[name] for name in ("time", "who", "via", "incident_id")},
            "device": by_id[line["incident_id"]]["device"],
            "rule": rule(by_id[line["incident_id"]]),
            **_window_ms(asked, by_id[line["incident_id"]]),
        }
        for line in asked.facts.timeline
        if line["incident_id"] in by_id
        and (line["what"], line["kind"]) == ("incident", "refused")
        and asked.during(line["time"])
    ]
