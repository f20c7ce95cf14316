from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from alerts import Outcome
from service.backtest.labels import Label, LabelFaults, read_labels, write_labels
from service.backtest.times import day_of, parse_time, shown_time, ticks_a_second
from tests.backtest.world import DAY, HOUR, MINUTE, SECOND, START

if TYPE_CHECKING:
    from pathlib import Path

ZONE = ZoneInfo("Asia/Shanghai")


def test_labels_are_read_as_a_person_writes_them(tmp_path: Path) -> None:
    file = tmp_path / "labels.csv"
    file.write_text(
        "site,device,from,to,outcome,rule\n"
        "north,b0,2026-05-01 08:00,2026-05-01 09:00,true,boiler.hot\n"
        ",north/b1,2026-05-01T00:00:00Z,,False_Alarm,\n",
        "utf-8",
    )
    assert read_labels(file, ZONE) == [
        Label(
            device="north/b0",
            from_us=START + 8 * HOUR,
            to_us=START + 9 * HOUR,
            outcome=Outcome.TRUE,
            rule="boiler.hot",
        ),
        Label(device="north/b1", from_us=START + 8 * HOUR, to_us=START + 8 * HOUR, outcome=Outcome.FALSE_ALARM),
    ]


def test_chinese_headings_and_outcomes_in_gb18030_are_read(tmp_path: Path) -> None:
    file = tmp_path / "labels.csv"
    file.write_bytes("社区,设备,开始时间,结束时间,结果\n水贝,烟感01,2026-05-01,2026-05-02,误报\n".encode("gb18030"))
    (label,) = read_labels(file, ZONE)
    assert label == Label(device="水贝/烟感01", from_us=START, to_us=START + DAY, outcome=Outcome.FALSE_ALARM)


def test_every_fault_of_a_table_is_said_with_its_place(tmp_path: Path) -> None:
    file = tmp_path / "labels.csv"
    file.write_text(
        "device,from,to,outcome\nb0,2026-05-01,,true\nnorth/b0,soon,,true\n"
        "north/b0,2026-05-02,2026-05-01,true\nnorth/b0,2026-05-02,,perhaps\n",
        "utf-8",
    )
    with pytest.raises(LabelFaults) as raised:
        read_labels(file, ZONE)
    assert [fault.split(": ")[1] for fault in raised.value.faults] == [
        "row 2, column A (device)",
        "row 3, column B (from)",
        "row 4, column C (to)",
        "row 5, column D (outcome)",
    ]


@pytest.mark.parametrize(("name", "text"), [("l.csv", "device,from\n"), ("l.txt", ""), ("gone.csv", None)])
def test_what_is_no_table_of_labels_says_so(tmp_path: Path, name: str, text: str | None) -> None:
    if text is not None:
        (tmp_path / name).write_text(text, "utf-8")
    with pytest.raises(LabelFaults, match=name):
        read_labels(tmp_path / name, ZONE)


def test_labels_that_were_written_are_read_back_exactly(tmp_path: Path) -> None:
    labels = [
        Label(device="north/b0", from_us=START + 1, to_us=START + DAY, outcome=outcome, rule=rule)
        for outcome in Outcome
        for rule in ("", "boiler.hot")
    ]
    write_labels(tmp_path / "labels.csv", labels, ZONE)
    assert read_labels(tmp_path / "labels.csv", ZoneInfo("UTC")) == labels


@pytest.mark.parametrize(
    ("text", "time_us"),
    [
        ("2026-05-01", START),
        ("2026-05-01 06:30", START + 6 * HOUR + 30 * MINUTE),
        ("2026-05-01T06:30:00+00:00", START + 14 * HOUR + 30 * MINUTE),
        ("20260501", None),
        (str(START // SECOND), START),
        (f"{START // SECOND}.5", START + SECOND // 2),
        (str(START // 1000), START),
        (str(START), START),
        (str(START * 1000), START),
        ("2 h", START + 8 * HOUR),
        ("30 d", START + 10 * HOUR - 30 * DAY),
        ("5min", START + 10 * HOUR - 5 * MINUTE),
    ],
)
def test_a_time_is_read_as_it_is_typed(text: str, time_us: int | None) -> None:
    if time_us is None:
        assert parse_time(text, ZONE) == START
    else:
        assert parse_time(text, ZONE, START + 10 * HOUR) == time_us


@pytest.mark.parametrize("text", ["", "soon", "5 weeks", "2026-13-01", "12345"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no time"):
        parse_time(text, ZONE, START)


def test_the_past_needs_a_present() -> None:
    with pytest.raises(ValueError, match="is no time"):
        parse_time("2 h", ZONE)


def test_what_a_number_counts_is_told_by_its_size() -> None:
    for seconds in (10**9, START // SECOND, 99_999_999_999):
        for ticks in (1, 10**3, 10**6, 10**9):
            assert ticks_a_second(seconds * ticks) == ticks


def test_days_are_those_of_the_zone() -> None:
    assert day_of(START - 1, ZONE) == "2026-04-30"
    assert day_of(START, ZONE) == "2026-05-01"
    assert shown_time(START + 8 * HOUR, ZONE) == "2026-05-01 08:00:00"
