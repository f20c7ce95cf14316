from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import msgspec
import pytest

from alerts import Outcome
from rules import RuleSet
from rules.model import NeighbourhoodTerms, Scope
from service.backtest.labels import Label
from service.backtest.plot import Labels, report_plot
from service.backtest.report import Frame, Report, make_report
from service.backtest.run import run
from service.backtest.tables import Table, duration, notes, report_tables, share
from service.backtest.watched import Watched
from tests.backtest.world import (
    DAY,
    HOUR,
    MINUTE,
    START,
    ListedHistory,
    Row,
    every_minute,
    ledger,
    temperature,
)

if TYPE_CHECKING:
    from devices import Profile

Boilers = tuple[dict[str, "Profile"], RuleSet]
ZONE = ZoneInfo("Asia/Shanghai")

# Two boilers for two days, every minute. b0 is too hot from 01:00 to 01:10 (true) and at 30:00 (false); b1 at 03:00 for
# two minutes (a test) and from 47:00 on; at 40:00 a danger on b1 is missed.
HOT = {
    "north/b0": [(60, 70), (1800, 1801)],
    "north/b1": [(180, 182), (2820, 2880)],
}


def hours_of_readings() -> list[Row]:
    rows: list[Row] = []
    for device, spans in HOT.items():
        for minute in range(2880):
            is_hot = any(first <= minute < last for first, last in spans)
            rows.append((minute * MINUTE, device, "temp_c", 90.0 if is_hot else 50.0))
    return sorted(rows)


def label(device: str, from_min: float, to_min: float, outcome: Outcome, rule: str = "") -> Label:
    from_us, to_us = (START + round(minute * MINUTE) for minute in (from_min, to_min))
    return Label(device=device, from_us=from_us, to_us=to_us, outcome=outcome, rule=rule)


LABELS = [
    label("north/b0", 58, 75, Outcome.TRUE),
    label("north/b0", 1800, 1800, Outcome.FALSE_ALARM),
    label("north/b1", 180, 190, Outcome.TEST),
    label("north/b1", 2400, 2410, Outcome.TRUE, "boiler.hot"),
    label("north/b1", 9000, 9001, Outcome.TRUE),  # of another time
    label("north/b9", 58, 75, Outcome.TRUE),  # of a device that said nothing
]


def reported(
    boilers: Boilers,
    labels: list[Label],
    rows: list[Row] | None = None,
    *,
    from_us: int = START,
    complete: bool = False,
) -> Report:
    profiles, rules = boilers
    done = run(ListedHistory(hours_of_readings() if rows is None else rows), rules, profiles, ledger(2))
    frame = Frame(
        source="a test",
        from_us=from_us,
        to_us=done.tally.last_us or 0,
        devices=done.n_devices,
        readings=done.tally.readings,
        unknown=done.tally.unknown,
        repeats=done.tally.repeats,
        seconds=2.0,
        step_s=done.step_s,
        holes=tuple(done.tally.holes),
        complete=complete,
    )
    return make_report(frame, rules, done.registry, done.episodes, labels)


def test_alarms_are_counted_by_rule_device_and_day(boilers: Boilers) -> None:
    report = reported(boilers, [])
    assert [(line.rule, line.score.alarms, line.watched) for line in report.rules] == [("boiler.hot", 4, 2)]
    assert [(line.device, line.alarms) for line in report.devices] == [("north/b0", 2), ("north/b1", 2)]
    assert report.days == {"2026-05-01": {"boiler.hot": 2}, "2026-05-02": {"boiler.hot": 2}}
    assert report.total.alarms == report.total.unverified == 4
    assert report.total.precision is None
    assert report.readings_s == 5760 / 2


def test_standing_time_goes_from_the_start_to_the_end_or_that_of_the_history(boilers: Boilers) -> None:
    report = reported(boilers, [])
    # b0: 10 min and 1 min; b1: 2 min, and from 2820 to the last reading at 2879
    assert {line.device: line.standing_s / 60 for line in report.devices} == {"north/b0": 11, "north/b1": 2 + 59}


def test_labels_make_precision_recall_and_lead(boilers: Boilers) -> None:
    report = reported(boilers, LABELS)
    its = report.total
    assert (its.alarms, its.true, its.false, its.tests, its.unverified) == (3, 1, 1, 1, 1)
    assert (its.precision, its.recall, its.found, its.missed) == (0.5, 0.5, 1, 1)
    assert its.leads_s == (-120.0,)
    assert (report.labels, report.outside) == (4, 2)
    assert [(line.device, line.rule, line.began[:16]) for line in report.missed] == [
        ("north/b1", "boiler.hot", "2026-05-02 16:00")
    ]
    span_s = 2879 * 60
    assert its.false_a_month == pytest.approx(1000 * 1 / (2 * span_s / (30 * 86_400)))
    assert report.days["2026-05-01"] == {"boiler.hot": 1}  # without the test


def test_labels_that_name_every_danger_make_the_rest_false(boilers: Boilers) -> None:
    its = reported(boilers, LABELS, complete=True).total
    assert (its.true, its.false, its.tests, its.unverified) == (1, 2, 1, 0)


def test_a_rule_that_missed_its_danger_is_in_the_table_though_it_said_nothing(boilers: Boilers) -> None:
    report = reported(boilers, [label("north/b0", 5, 6, Outcome.TRUE, "boiler.range")])
    (line,) = [one for one in report.rules if one.rule == "boiler.range"]
    assert (line.score.alarms, line.score.missed, line.score.recall) == (0, 1, 0.0)


def test_what_was_raised_before_the_time_of_the_report_is_left_out(boilers: Boilers) -> None:
    report = reported(boilers, LABELS, from_us=START + 24 * HOUR)
    assert report.total.alarms == 2
    assert list(report.days) == ["2026-05-02"]
    assert report.labels == 2


def test_a_day_without_alarms_is_in_the_table(boilers: Boilers) -> None:
    rows = every_minute("north/b0", 2) + every_minute("north/b0", 2, first=3 * 1440)
    report = reported(boilers, [], rows)
    assert [sum(rules.values()) for rules in report.days.values()] == [1, 0, 0, 0]  # the silence
    (hole,) = report.frame.holes
    assert hole == (START + MINUTE, START + 3 * DAY)
    assert "longest 2 d 23 h" in " ".join(notes(report, ZONE))


def test_json_holds_all_of_it(boilers: Boilers) -> None:
    report = reported(boilers, LABELS)
    assert msgspec.json.decode(msgspec.json.encode(report), type=Report) == report


def shown(tables: list[Table]) -> str:
    return "\n".join(" ".join(row) for table in tables for row in [[table.title], table.columns, *table.rows])


def test_tables_show_labels_only_where_there_are_any(boilers: Boilers) -> None:
    assert "precision" not in shown(report_tables(reported(boilers, [])))
    text = shown(report_tables(reported(boilers, LABELS)))
    assert "precision" in text
    assert "50.0 %" in text
    assert "-2 min" in text
    assert "north/b1 boiler.hot 2026-05-02 16:00" in text


def test_durations_and_shares_are_read_easily() -> None:
    seconds = [0, 59, 60, 61, 3600, 90_000, -125, 86_400 * 3 + 5, None, 0.4, -0.4]
    assert [duration(one) for one in seconds] == [
        *("0 s", "59 s", "1 min", "1 min 1 s", "1 h", "1 d 1 h", "-2 min 5 s", "3 d", "–", "0 s", "0 s")
    ]
    assert (share(None), share(0.5), share(1.0)) == ("–", "50.0 %", "100.0 %")


def test_a_relation_watches_the_devices_of_its_parts(boilers: Boilers) -> None:
    profiles, rules = boilers
    hot = rules.by_id["boiler.hot"]
    terms = NeighbourhoodTerms(rules=(hot.id,), scope=Scope.SITE, at_least=2, within_s=60.0)
    relation = msgspec.structs.replace(hot, id="unknown.many", profile="unknown", metric="", terms=terms)
    watched = Watched(
        RuleSet.of([hot, relation]), run(ListedHistory(hours_of_readings()), rules, profiles, ledger(2)).registry
    )
    assert sorted(watched.by(relation).values()) == sorted(watched.by(hot).values()) == ["north/b0", "north/b1"]


# ── plots ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_plot_is_drawn_with_and_without_labels_and_alarms(boilers: Boilers) -> None:
    for report in (
        reported(boilers, LABELS),
        reported(boilers, []),
        reported(boilers, [], temperature("north/b0", (0, 50))),
    ):
        assert report_plot(report, Labels()).startswith(b"\x89PNG")


def test_chinese_names_are_numbered_where_no_font_draws_them(boilers: Boilers) -> None:
    labels = Labels(fonts=["DejaVu Sans"])
    report = reported(boilers, [])
    report = msgspec.structs.replace(
        report, devices=tuple(msgspec.structs.replace(line, device="水贝/锅炉01") for line in report.devices)
    )
    assert report_plot(report, labels).startswith(b"\x89PNG")  # a missing glyph would be a warning, and so an error
    assert labels.legend == {"#1": "水贝/锅炉01"}
    assert labels.of("north/b0") == "north/b0"


def test_chinese_names_are_drawn_where_a_font_has_them() -> None:
    labels = Labels(fonts=["DejaVu Sans", "SimHei"])
    assert labels.of("水贝/锅炉01") == "水贝/锅炉01"
    assert labels.style()["font.family"] == ["SimHei", "DejaVu Sans"]
    assert labels.legend == {}
