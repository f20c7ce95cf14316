"""The schema `board` shows the town as it is, and hides what of elders is nobody's business."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, LiteralString

import pytest

from tests.boards.town import DAYS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.boards.conftest import Town
    from tests.boards.facts import Row


def found(town: Town, query: LiteralString, *parameters: object) -> list[Row]:
    with town.reader.cursor() as cursor:
        cursor.execute(query, parameters)
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor]


def same(rows: Iterable[Row], truth: Iterable[Row], *key: str) -> None:
    """Compare all columns that both have, whatever the order of the rows; `key` names a row in what it says."""

    def by_key(these: Iterable[Row]) -> dict[tuple[Any, ...], Row]:
        named = {}
        for row in these:
            name = tuple(row[one] for one in key)
            assert name not in named, f"two rows of {name}"
            named[name] = row
        return named

    ours, theirs = by_key(rows), by_key(truth)
    assert ours.keys() == theirs.keys()
    for name, row in ours.items():
        wanted = theirs[name]
        common = row.keys() & wanted.keys()
        assert {one: row[one] for one in common} == {
            one: pytest.approx(wanted[one], rel=1e-9) if isinstance(wanted[one], float) else wanted[one]
            for one in common
        }, name


def test_devices_stand_as_the_fold_left_them(town: Town) -> None:
    facts = town.facts
    same(found(town, "SELECT * FROM board.devices"), facts.devices, "device")
    states = {row["state"] for row in town.facts.devices}
    assert states == {"alarm", "offline", "fault", "supervisory", "unregistered", "maintenance", "normal"}


def test_the_newest_reading_of_each_channel_is_there(town: Town) -> None:
    facts = town.facts
    same(found(town, "SELECT * FROM board.latest"), facts.latest, "device", "metric")
    assert any(row["value"] is None for row in facts.latest)


def test_incidents_are_what_the_fold_said(town: Town) -> None:
    same(found(town, "SELECT * FROM board.incidents"), town.facts.incidents, "incident_id")


@pytest.mark.parametrize(
    ("device", "rule", "steps"),
    [
        ("shuibei/smoke-3", "smoke.alarm", {"accept_s": 40, "arrive_s": 160, "state": "closed", "rating": 5}),
        ("shuibei/gas-1", "gas.high", {"accept_s": 400, "arrive_s": 700, "resolve_s": 1500, "outcome": "false_alarm"}),
        ("shuibei/smoke-12", "smoke.alarm", {"accept_s": 60.5, "accepted_by": "crew1", "outcome": "unfounded"}),
        ("cuizhu/gas-1", "gas.urgent", {"accept_s": 45, "station": "north", "resolve_s": 2000}),
        ("shuibei/tank-1", "tank.level-critical", {"accept_s": 300, "arrive_s": None, "value": 45, "is_open": True}),
        ("shuibei/smoke-8", "smoke.alarm", {"accept_s": None, "state": "raised", "is_open": True}),
        ("shuibei/gas-2", "gas.no-data", {"rule_kind": "no_data", "accept_s": None, "condition_holds": True}),
        ("shuibei/watch-1", "watch.heart-rate-very-high", {"accept_s": 65, "value": 142, "floor": "2"}),
        ("shuibei/watch-2", "watch.sos", {"accept_s": 50, "value": None, "floor": "", "resolve_s": 900}),
    ],
)
def test_incidents_are_what_the_script_of_the_town_says(
    town: Town, device: str, rule: str, steps: dict[str, object]
) -> None:
    (row,) = found(
        town,
        "SELECT * FROM board.incidents WHERE device = %s AND rule_id = %s AND exercise IS NULL",
        device,
        rule,
    )
    assert {name: row[name] for name in steps} == steps


def test_the_timeline_leaves_out_looks_and_what_elders_incidents_said_once_they_are_closed(town: Town) -> None:
    same(
        found(town, "SELECT * FROM board.timeline"),
        town.facts.timeline,
        "incident_id",
        "place",
        "time",
        "kind",
        "who",
    )


def test_messages_and_responses_are_what_the_fold_said(town: Town) -> None:
    facts = town.facts
    same(found(town, "SELECT * FROM board.notifications"), facts.notifications, "notification_id")
    rows = found(town, "SELECT * FROM board.responses")
    columns = ("incident_id", "time", "kind", "person", "step", "detail", "station", "site", "grid")
    said = [tuple(str(row[name]) for name in columns) for row in rows]
    assert sorted(said) == sorted(tuple(str(row[name]) for name in columns) for row in facts.responses)


def test_the_limits_of_every_channel_are_those_of_the_rules(town: Town) -> None:
    facts = town.facts
    same(found(town, "SELECT * FROM board.limits"), facts.limits, "device", "metric", "rule_id")
    assert facts.limits


@pytest.mark.parametrize(("level", "hours"), [("raw", 3), ("1m", 30), ("1h", 24 * DAYS + 1), ("1d", 24 * DAYS + 24)])
@pytest.mark.parametrize("site", ["shuibei", "cuizhu", "yongji"])
def test_readings_and_rollups_are_those_of_the_devices(town: Town, level: str, hours: float, site: str) -> None:
    facts, end = town.facts, town.world.end
    metrics = ["gas_lel", "pressure_mpa", "level_pct", "heart_rate", "spo2_pct", "tilt_x_deg", "battery_pct", "smoke"]
    since = end - timedelta(hours=hours)
    rows = found(town, "SELECT * FROM board.series(%s, %s, NULL, %s, %s, %s)", level, [site], metrics, since, end)
    same(rows, facts.series(level, [site], None, metrics, since, end), "site", "name", "metric", "time")
    assert bool(rows) == (site != "yongji")


def test_what_was_set_aside_and_lost_is_counted(town: Town) -> None:
    counts = {row["reason"]: row["count"] for row in found(town, "SELECT * FROM board.quarantine")}
    assert counts == {reason: count for reason, (count, _) in town.world.unread.items()}
    lost = {(row["records"], row["readings"]) for row in found(town, "SELECT * FROM board.gaps")}
    assert lost == {(5, 321), (1, 0)}


def test_a_reader_sees_the_boards_schema_alone(town: Town) -> None:
    import psycopg  # noqa: PLC0415

    for relation in ("vigil.readings", "vigil.incidents", "vigil.audit_events", "vigil.latest"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            town.reader.execute(f"SELECT FROM {relation}".encode())
