from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from service.backtest import files
from service.backtest.files import open_file
from service.backtest.history import HistoryFault
from tests.backtest.world import MINUTE, SECOND, START, Row, write_csv, write_parquet

if TYPE_CHECKING:
    from pathlib import Path

    from service.backtest.files import FileHistory

ZONE = "Asia/Shanghai"
ROWS: list[Row] = [
    (0, "north/b0", "temp_c", 50.0),
    (0, "north/b1", "temp_c", 51.5),
    (MINUTE, "north/b0", "temp_c", None),
    (2 * MINUTE, "south/b0", "alarm", 1.0),
]


def read(history: FileHistory) -> list[Row]:
    """Return what the history holds, in its order."""
    found: list[Row] = []
    for chunk in history.chunks():
        devices, metrics = history.devices.all(), history.metrics.all()
        for row in range(len(chunk)):
            value = float(chunk.value[row]) if chunk.known[row] else None
            assert np.isfinite(chunk.value[row])
            time_us = int(chunk.time_us[row]) - START
            found.append((time_us, devices[chunk.device[row]], metrics[chunk.metric[row]], value))
    return found


@pytest.mark.parametrize("write", [write_csv, write_parquet])
def test_a_file_is_read_as_it_was_written(tmp_path: Path, write: object) -> None:
    path = tmp_path / ("h.csv" if write is write_csv else "h.parquet")
    write(path, ROWS)  # type: ignore[operator]
    assert read(open_file(path, ZONE)) == ROWS


def test_a_compressed_csv_is_read(tmp_path: Path) -> None:
    plain = write_csv(tmp_path / "h.csv", ROWS)
    packed = tmp_path / "h.csv.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert read(open_file(packed, ZONE)) == ROWS


@pytest.mark.parametrize(
    "time",
    [
        str(START // SECOND),
        f"{START // SECOND}.0",
        str(START // 1000),
        str(START),
        str(START * 1000),
        "2026-05-01T00:00:00+08:00",
        "2026-04-30T16:00:00Z",
        "2026-04-30 16:00:00.000000Z",
        "2026-05-01 00:00:00",
        "2026-05-01T00:00:00.000",
    ],
)
def test_times_are_read_however_they_are_written(tmp_path: Path, time: str) -> None:
    path = tmp_path / "h.csv"
    path.write_text(f"time,device,metric,value\n{time},north/b0,temp_c,50\n", "utf-8")
    assert read(open_file(path, ZONE)) == [(0, "north/b0", "temp_c", 50.0)]


@pytest.mark.parametrize(
    "kind", [pa.timestamp("s", "UTC"), pa.timestamp("ms", "UTC"), pa.timestamp("ns", "UTC"), pa.int64(), pa.float64()]
)
def test_parquet_times_of_every_type_are_read(tmp_path: Path, kind: pa.DataType) -> None:
    times = pa.array([START], pa.int64())
    times = times.cast(pa.timestamp("us", "UTC")).cast(kind) if pa.types.is_timestamp(kind) else times.cast(kind)
    table = pa.table({"time": times, "device": ["north/b0"], "metric": ["temp_c"], "value": pa.array([50], pa.int32())})
    pq.write_table(table, tmp_path / "h.parquet")
    assert read(open_file(tmp_path / "h.parquet", ZONE)) == [(0, "north/b0", "temp_c", 50.0)]


def test_a_time_of_parquet_without_a_zone_is_local(tmp_path: Path) -> None:
    local = pa.array([START + 8 * 60 * MINUTE]).cast(pa.timestamp("us"))
    table = pa.table({"time": local, "device": ["north/b0"], "metric": ["temp_c"], "value": [50.0]})
    pq.write_table(table, tmp_path / "h.parquet")
    assert read(open_file(tmp_path / "h.parquet", ZONE)) == [(0, "north/b0", "temp_c", 50.0)]


def test_a_small_file_may_be_in_any_order(tmp_path: Path) -> None:
    assert read(open_file(write_csv(tmp_path / "h.csv", ROWS[::-1]), ZONE)) == [ROWS[1], ROWS[0], *ROWS[2:]]


@pytest.mark.parametrize("name", ["h.csv", "h.parquet"])
def test_a_large_file_must_be_in_order(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "SORTED_ROWS", 0)
    monkeypatch.setattr(files, "SORTED_CSV_BYTES", 0)
    monkeypatch.setattr(files, "CHUNK", 2)
    monkeypatch.setattr(files, "CSV_BLOCK_BYTES", 80)
    path = tmp_path / name
    (write_csv if name == "h.csv" else write_parquet)(path, ROWS * 2)
    with pytest.raises(HistoryFault, match="not in order of time"):
        read(open_file(path, ZONE))
    (write_csv if name == "h.csv" else write_parquet)(path, ROWS)
    assert read(open_file(path, ZONE)) == ROWS


def test_only_the_time_asked_for_is_read(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "h.parquet", ROWS)
    assert read(open_file(path, ZONE, START + 1, START + 2 * MINUTE)) == [ROWS[2]]
    assert read(open_file(path, ZONE, START, START + MINUTE)) == ROWS[:2]
    assert read(open_file(path, ZONE, START + DAYS, None)) == []


DAYS = 3 * 86_400 * SECOND


def test_what_is_no_reading_is_left_out_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "h.csv"
    rows = [f"{START},north/b0,temp_c,50", f"{START},,temp_c,50", f"{START},north/b0,,50", ",north/b0,temp_c,50"]
    rows += [f"{START},north/b1,temp_c,inf", f"{START},north/b2,temp_c,nan"]
    path.write_text("\n".join(["time,device,metric,value", *rows]) + "\n", "utf-8")
    history = open_file(path, ZONE)
    assert [row[1:] for row in read(history)] == [
        ("north/b0", "temp_c", 50.0),
        ("north/b1", "temp_c", None),
        ("north/b2", "temp_c", None),
    ]
    oddities = history.oddities
    assert (oddities.nameless, oddities.timeless, oddities.infinite) == (2, 1, 1)


def test_site_and_name_may_be_two_columns(tmp_path: Path) -> None:
    path = tmp_path / "h.csv"
    path.write_text(f"site,device,unit,metric,time,value\nnorth,b0,Cel,temp_c,{START},50\n", "utf-8")
    assert read(open_file(path, ZONE)) == [(0, "north/b0", "temp_c", 50.0)]


def test_readings_are_in_order_of_arrival_where_the_file_knows_it(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "h.parquet", ROWS, arrivals=[4 * MINUTE, 3 * MINUTE, 3 * MINUTE, 9 * MINUTE])
    history = open_file(path, ZONE)
    assert read(history) == [ROWS[1], ROWS[2], ROWS[0], ROWS[3]]
    assert history.arrives


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("time,device,value\n1,a/b,1\n", "no column metric"),
        ("time,device,metric,value\nyesterday,a/b,c,1\n", "column time"),
        ("time,device,metric,value\n2026-05-01,a/b,c,warm\n", "cannot be read"),
    ],
)
def test_a_file_that_is_none_says_why(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "h.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(HistoryFault, match=said):
        read(open_file(path, ZONE))


def test_a_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    for name in ("h.csv", "h.parquet", "h.txt"):
        with pytest.raises(HistoryFault, match=name):
            read(open_file(tmp_path / name, ZONE))
