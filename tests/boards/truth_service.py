"""What the board of the service's health must show of the database, and what Grafana's alert rules must find."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from tests.boards.asking import truth
from tests.boards.figures import ALMOST, CLOCK_S, epoch_s, grouped, percentile
from tests.boards.truth_devices import gaps

if TYPE_CHECKING:
    from datetime import datetime

    from tests.boards.asking import Asked
    from tests.boards.facts import Row

DAY: Final = timedelta(days=1)


@truth("service.archived", near={"behind_s": CLOCK_S, "read_to": CLOCK_S})
def archived(asked: Asked) -> list[Row]:
    world = asked.facts.world
    if not world.devices:
        return []
    return [
        {
            "journal_id": world.journal_id,
            "read_to": world.end,
            "behind_s": asked.age_s(world.end),
            "position": world.journal_head,
        }
    ]


truth("service.gaps", order=lambda row: -epoch_s(row["noted"]))(gaps)


def _rollups(asked: Asked) -> dict[str, datetime | None]:
    """Return up to when each level is rolled up, None for never: minutes, hours and days of UTC that are whole."""
    world = asked.facts.world
    if not world.devices:
        return dict.fromkeys(("1m", "1h", "1d"))
    return {} if world.rolled_up is None else {**world.rolled_up}


@truth("service.rollups", near={"behind_s": CLOCK_S, "updated": 86_400.0})
def rollups(asked: Asked) -> list[Row]:
    return [
        {
            "level": level,
            "watermark": watermark,
            "behind_s": None if watermark is None else asked.age_s(watermark),
            "updated": asked.now,
        }
        for level, watermark in _rollups(asked).items()
    ]


# ── alert rules ──────────────────────────────────────────────────────────────────────────────────────────────────────


@truth("alerting.history_still", near={"value": CLOCK_S})
def history_still(asked: Asked) -> list[Row]:
    return [{"value": row["behind_s"]} for row in archived(asked)]


@truth("alerting.rollups_late", near={"value": 0.5})
def rollups_late(asked: Asked) -> list[Row]:
    allowed_s = {"1m": 1800, "1h": 10_800, "1d": 180_000}
    return [
        {"level": level, "value": asked.age_s(watermark) / allowed_s[level]}
        for level, watermark in _rollups(asked).items()
        if watermark is not None
    ]


@truth("alerting.unanswered")
def unanswered(asked: Asked) -> list[Row]:
    rows = [
        row
        for row in asked.facts.real
        if row["state"] == "raised"
        and row["alarm_class"] in {"life-safety", "property"}
        and asked.age_s(row["raised"]) > 600
    ]
    groups = grouped(rows, lambda row: (row["site"], row["alarm_class"]))
    return [{"site": site, "alarm_class": name, "value": len(its)} for (site, name), its in groups.items()]


@truth("alerting.offline_share", near={"value": ALMOST})
def offline_share(asked: Asked) -> list[Row]:
    rows = [row for row in asked.facts.devices if row["lifecycle"] not in {"unregistered", "maintenance"}]
    found = []
    for site, its in grouped(rows, lambda row: row["site"]).items():
        offline = sum(row["state"] == "offline" for row in its)
        if len(its) >= 10 and offline:
            found.append({"site": site, "value": 100 * offline / len(its)})
    return found


def _counts(rows: list[Row], column: str) -> list[Row]:
    return [{column: name, "value": len(its)} for name, its in grouped(rows, lambda row: row[column]).items()]


@truth("alerting.batteries_low")
def batteries_low(asked: Asked) -> list[Row]:
    rows = [
        row
        for row in asked.facts.latest
        if row["metric"] == "battery_pct" and row["value"] is not None and row["value"] < 20
    ]
    return _counts(rows, "site")


@truth("alerting.watch_unheard")
def watch_unheard(asked: Asked) -> list[Row]:
    rows = [
        row
        for row in asked.facts.devices
        if row["kind"] == "watch"
        and row["lifecycle"] not in {"unregistered", "maintenance"}
        and (row["last_heard"] is None or asked.now - row["last_heard"] > DAY)
    ]
    return _counts(rows, "site")


def _holding(asked: Asked, *rules: str) -> list[Row]:
    return [
        row for row in asked.facts.real if row["is_open"] and row["condition_holds"] and row["rule_id"] in set(rules)
    ]


@truth("alerting.watch_not_worn")
def watch_not_worn(asked: Asked) -> list[Row]:
    rows = [row for row in _holding(asked, "watch.not-worn", "watch.off-wrist") if asked.now - row["since"] > DAY]
    return [
        {"site": site, "value": len({row["device"] for row in its})}
        for site, its in grouped(rows, lambda row: row["site"]).items()
    ]


@truth("alerting.tank_low", near={"value": CLOCK_S / 3600})
def tank_low(asked: Asked) -> list[Row]:
    rows = [row for row in _holding(asked, "tank.level-low", "tank.level-critical") if row["kind"] == "tank"]
    return [
        {"device": device, "value": max(asked.age_s(row["since"]) for row in its) / 3600}
        for device, its in grouped(rows, lambda row: row["device"]).items()
    ]


@truth("alerting.gaps_new")
def gaps_new(asked: Asked) -> list[Row]:
    return [
        {"lane": row["lane"], "reason": row["reason"], "value": 1}
        for row in gaps(asked)
        if asked.age_s(row["noted"]) < 3600
    ]


@truth("alerting.misleading_devices")
def misleading_devices(asked: Asked) -> list[Row]:
    rows = [row for row in asked.facts.real if row["outcome"] in {"false_alarm", "unfounded"}]
    return [row for row in _counts(rows, "device") if row["value"] >= 5]


@truth("alerting.arrivals_late", near={"value": ALMOST})
def arrivals_late(asked: Asked) -> list[Row]:
    rows = [row for row in asked.facts.real if row["alarm_class"] == "life-safety" and row["arrive_s"] is not None]
    return [
        {"site": site, "value": percentile((row["arrive_s"] for row in its), 0.9)}
        for site, its in grouped(rows, lambda row: row["site"]).items()
        if len(its) >= 5
    ]
