"""What can be chosen at the tops of the boards, and what is drawn over their panels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.boards.asking import truth
from tests.boards.figures import (
    CLOCK_S,
    epoch_s,
    of_place,
    rule,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.boards.asking import Asked
    from tests.boards.facts import Row


def _choices(values: Iterable[str]) -> list[Row]:
    return [{"__value": value, "__text": value or "—"} for value in sorted(set(values))]


@truth("variable.sites", order=lambda row: row["__value"])
def sites(asked: Asked) -> list[Row]:
    facts = asked.facts
    return _choices([row["site"] for row in [*facts.devices, *facts.incidents]] or [""])


@truth("variable.grids", order=lambda row: row["__value"])
def grids(asked: Asked) -> list[Row]:
    rows = of_place(asked, [*asked.facts.devices, *asked.facts.incidents], "site")
    return _choices(["", *(row["grid"] for row in rows)])


@truth("variable.buildings", order=lambda row: row["__value"])
def buildings(asked: Asked) -> list[Row]:
    return _choices(["", *(row["building"] for row in of_place(asked, asked.facts.devices, "site", "grid"))])


@truth("variable.devices")
def devices(asked: Asked) -> list[Row]:
    kinds = asked.put_in.get("any")
    rows = of_place(asked, asked.facts.devices, *(one for one in ("site", "grid", "building") if one in asked.values))
    return _choices([row["name"] for row in rows if kinds is None or f"'{row['kind']}'" in kinds] or [""])


@truth("variable.classes")
def classes(_: Asked) -> list[Row]:
    return [
        {"__value": "life-safety", "__text": "生命安全 · Life safety"},
        {"__value": "property", "__text": "财产 · Property"},
        {"__value": "supervisory", "__text": "监管 · Supervisory"},
        {"__value": "trouble", "__text": "故障 · Trouble"},
    ]


@truth("variable.incidents")
def incidents(asked: Asked) -> list[Row]:
    rows = [row for row in asked.facts.incidents if row["is_open"] or asked.during(row["raised"])]
    texts = [
        {
            "__value": row["incident_id"],
            "__text": " · ".join(
                (
                    f"{row['raised']:%m-%d %H:%M}",
                    row["rule_name_zh"],
                    row["rule_name_en"],
                    row["device"],
                    row["incident_id"],
                )
            ),
        }
        for row in rows
    ]
    return texts or [{"__value": "", "__text": "—"}]


# ── what is drawn over time ──────────────────────────────────────────────────────────────────────────────────────────


@truth("board.incidents_drawn", order=lambda row: -epoch_s(row["time"]), near={"timeend": CLOCK_S})
def incidents_drawn(asked: Asked) -> list[Row]:
    return [
        {
            "time": row["raised"],
            "timeend": row["closed"] or min(asked.now, asked.shown.end),
            "text": f"{rule(row)}<br/>{row['device']} · {row['incident_id']}",
            "tags": f"{row['severity']},{row['kind']}",
        }
        for row in of_place(asked, asked.facts.real, "site")
        if asked.during(row["raised"])
    ]


@truth("board.incident_drawn", order=lambda row: epoch_s(row["time"]))
def incident_drawn(asked: Asked) -> list[Row]:
    return [
        {"time": row["time"], "text": f"{row['text_zh']} · {row['text_en']}", "tags": row["kind"]}
        for row in asked.facts.timeline
        if row["incident_id"] in asked["incident"] and row["what"] == "incident"
    ]
