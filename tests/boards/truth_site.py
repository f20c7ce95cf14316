"""What the board of a site must show."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from tests.boards.asking import truth
from tests.boards.figures import (
    CLOCK_S,
    PLACE,
    STATES,
    board_of,
    both,
    counted,
    epoch_s,
    graveness,
    grouped,
    of_place,
    rule,
)

if TYPE_CHECKING:
    from tests.boards.asking import Asked
    from tests.boards.facts import Row


def _devices(asked: Asked) -> list[Row]:
    return of_place(asked, asked.facts.devices, *PLACE)


def _height(row: Row) -> tuple[bool, float]:
    """Return what puts the floor without a number first, and then the highest."""
    is_numbered = row["floor"] != "—"
    return is_numbered, -float(row["floor"]) if is_numbered else 0.0


@truth("site.floors", order=_height)
def floors(asked: Asked) -> list[Row]:
    housed = [row for row in _devices(asked) if row["building"]]
    found = grouped(housed, lambda row: (row["building"], row["floor"]))
    return [
        {
            "building": building,
            "floor": floor or "—",
            "worst": max(
                (len(STATES) - 1 - STATES.index(row["state"]) for row in found.get((building, floor), ())), default=None
            ),
        }
        for building in {building for building, _ in found}
        for floor in {floor for _, floor in found}
    ]


@truth("site.states")
def states(asked: Asked) -> list[Row]:
    return [counted(_devices(asked), "state", STATES)]


@truth("site.states_by_kind", order=lambda row: -sum(row[state] for state in STATES))
def states_by_kind(asked: Asked) -> list[Row]:
    kinds = grouped(_devices(asked), lambda row: row["kind"])
    return [{"kind": kind, **counted(its, "state", STATES)} for kind, its in kinds.items()]


@truth("site.not_normal", order=lambda row: STATES.index(row["state"]), near={"silent_s": CLOCK_S})
def not_normal(asked: Asked) -> list[Row]:
    same = ("state", "kind", "site", "name", "grid", "building", "floor", "unit", "gateway", "last_heard")
    return [
        {
            **{name: row[name] for name in same},
            "silent_s": None if row["last_heard"] is None else asked.age_s(row["last_heard"]),
            "board": board_of(row["kind"]),
        }
        for row in _devices(asked)
        if row["state"] != "normal"
    ]


def _incidents(asked: Asked, *, exercises: bool = True) -> list[Row]:
    return of_place(asked, asked.facts.incidents if exercises else asked.facts.real, *PLACE)


@truth(
    "site.open_incidents",
    order=lambda row: (row["exercise"] is not None, graveness(row)),
    near={"open_s": CLOCK_S},
)
def site_open_incidents(asked: Asked) -> list[Row]:
    same = ("severity", "state", "raised", "kind", "building", "floor", "unit_name", "condition_holds", "exercise")
    return [
        {
            **{name: row[name] for name in (*same, "device", "incident_id")},
            "open_s": asked.age_s(row["raised"]),
            "name": rule(row),
            "what": both(row, "what"),
        }
        for row in _incidents(asked)
        if row["is_open"]
    ]


@truth("site.last_day", order=lambda row: -epoch_s(row["raised"]))
def last_day(asked: Asked) -> list[Row]:
    same = ("raised", "severity", "state", "outcome", "kind", "building", "floor", "unit_name", "accept_s", "arrive_s")
    return [
        {
            **{name: row[name] for name in (*same, "resolve_s", "accepted_by", "closed_by", "exercise", "device")},
            "incident_id": row["incident_id"],
            "name": rule(row),
        }
        for row in _incidents(asked)
        if asked.shown.end - timedelta(hours=24) < row["raised"] <= asked.shown.end
    ]


@truth("site.responding", near={"accept_s": CLOCK_S, "arrive_s": CLOCK_S})
def responding(asked: Asked) -> list[Row]:
    rows = []
    for row in _incidents(asked, exercises=False):
        people = sorted(
            {
                line["person"]
                for line in asked.facts.responses
                if line["incident_id"] == row["incident_id"] and line["kind"] == "asked" and line["person"]
            }
        )
        if row["is_open"] and (row["accepted"] is not None or people):
            so_far_s = asked.age_s(row["raised"])
            rows.append(
                {
                    **{name: row[name] for name in ("severity", "state", "incident_id")},
                    "name": rule(row),
                    "place": row["place_zh"],
                    "accepted_by": row["accepted_by"] or None,
                    "station": row["station"] or None,
                    "accept_s": so_far_s if row["accept_s"] is None else row["accept_s"],
                    "arrive_s": None
                    if row["dispatched"] is None
                    else so_far_s
                    if row["arrive_s"] is None
                    else row["arrive_s"],
                    "asked": ", ".join(people) or None,
                }
            )
    return rows


@truth("site.gateways_down", near={"down_s": CLOCK_S}, order=lambda row: -row["behind"])
def gateways_down(asked: Asked) -> list[Row]:
    rows = []
    for gateway in _devices(asked):
        down = [
            row
            for row in asked.facts.real
            if row["device"] == gateway["device"]
            and row["kind"] == "gateway"
            and row["is_open"]
            and row["condition_holds"]
            and (row["rule_kind"] == "no_data" or row["metric"] == "online")
        ]
        if down:
            first = min(down, key=lambda row: row["since"])
            behind = [
                row
                for row in asked.facts.devices
                if (row["site"], row["gateway"]) == (gateway["site"], gateway["name"])
            ]
            rows.append(
                {
                    **{name: gateway[name] for name in ("site", "name", "building", "floor", "last_heard")},
                    "since": first["since"],
                    "down_s": asked.age_s(first["since"]),
                    "incident_id": first["incident_id"],
                    "behind": len(behind),
                    "silent": sum(row["state"] == "offline" for row in behind),
                }
            )
    return rows
