from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from rules import load_rules
from service.backtest.history import HistoryFault
from service.cli.app import app
from tests.backtest.test_tuning import DANGERS, STEAM, day
from tests.backtest.world import (
    MINUTE,
    START,
    every_minute,
    temperature,
    world,
    write_csv,
    write_parquet,
    write_profile,
)

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result


class Vigil:
    """The command line, with the boiler profile in its settings."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        write_profile(folder)
        self.config = folder / "vigil.toml"
        self.config.write_text('data_dir = "data"\n[devices]\nprofiles = ["boiler.toml"]\n', "utf-8")

    def __call__(self, *words: str | Path) -> Result:
        command = ["rules", *map(str, words), "--config", str(self.config)]
        return CliRunner().invoke(app, command, env={"COLUMNS": "250"})

    def says(self, *words: str | Path) -> str:
        result = self(*words)
        assert result.exit_code == 0, result.output
        return result.output

    def labels(self) -> Path:
        lines = ["device,from,to,outcome,rule"]
        for minutes, outcome in ((DANGERS, "true"), (STEAM, "false_alarm")):
            lines += [f"north/b0,{START + m * MINUTE},{START + (m + 5) * MINUTE},{outcome},boiler.hot" for m in minutes]
        (self.folder / "labels.csv").write_text("\n".join(lines), "utf-8")
        return self.folder / "labels.csv"


@pytest.fixture
def vigil(tmp_path: Path) -> Vigil:
    return Vigil(tmp_path)


@pytest.mark.parametrize("name", ["h.csv", "h.parquet"])
def test_a_file_is_tried_on_the_rules_in_force(vigil: Vigil, name: str) -> None:
    file = (write_csv if name == "h.csv" else write_parquet)(vigil.folder / name, day())
    said = vigil.says("backtest", "--file", file, "--profile", "boiler")
    assert "boiler.hot" in said
    assert "1,440 readings of 1 devices" in said
    assert "2026-05-01 00:00:00 to 2026-05-01 23:59:00 (Asia/Shanghai)" in said
    report = json.loads(vigil.says("backtest", "--file", file, "--profile", "boiler", "--json"))
    assert report["total"]["alarms"] == len(DANGERS) + len(STEAM)


def test_rules_files_are_tried_besides_the_profiles(vigil: Vigil) -> None:
    file = write_csv(vigil.folder / "h.csv", day())
    rules = vigil.folder / "hotter.toml"
    rules.write_text('[[overrides]]\nrules = "boiler.hot"\nat_least = 105.0\n', "utf-8")
    report = json.loads(vigil.says("backtest", rules, "--file", file, "--profile", "boiler", "--json"))
    assert [(line["rule"], line["score"]["alarms"]) for line in report["rules"]] == [("boiler.hot", 1)]


def test_labels_times_and_sites_narrow_what_is_reported(vigil: Vigil) -> None:
    file = write_csv(vigil.folder / "h.csv", sorted(day() + every_minute("south/b0", 1440, 99.0)))
    words: list[str | Path] = ["backtest", "--file", file, "--profile", "boiler", "--json", "--labels", vigil.labels()]
    half: list[str | Path] = ["--site", "north", "--from", "2026-05-01 05:00", "--to", "2026-05-01 18:00"]
    its = json.loads(vigil.says(*words, *half))
    assert (its["total"]["true"], its["total"]["false"], its["frame"]["devices"]) == (2, 3, 1)
    assert its["began"].startswith("2026-05-01 05:00")
    assert json.loads(vigil.says(*words))["total"]["unverified"] == 1


def test_a_warm_up_is_read_and_not_reported(vigil: Vigil) -> None:
    file = write_csv(vigil.folder / "h.csv", day())
    words: list[str | Path] = [
        "backtest",
        "--file",
        file,
        "--profile",
        "boiler",
        "--json",
        "--from",
        "2026-05-01 08:21",
    ]
    cold, warm = json.loads(vigil.says(*words)), json.loads(vigil.says(*words, "--warm-up", "1"))
    # The danger of 08:20 stands at the beginning: the warm one knows since when, so it is not of this time.
    assert (cold["total"]["alarms"], warm["total"]["alarms"]) == (5, 4)
    assert warm["frame"]["readings"] == 1440
    assert warm["began"] == cold["began"]


@pytest.mark.parametrize("name", ["report.html", "report.png"])
def test_the_report_is_written_as_a_page_or_a_plot(vigil: Vigil, name: str) -> None:
    file = write_csv(vigil.folder / "h.csv", day())
    said = vigil.says("backtest", "--file", file, "--profile", "boiler", "--out", vigil.folder / name)
    body = (vigil.folder / name).read_bytes()
    assert f"Written to {vigil.folder / name}" in said
    if name == "report.png":
        assert body.startswith(b"\x89PNG")
    else:
        assert b"data:image/png;base64," in body
        assert b"<td>boiler.hot</td>" in body
        assert b"http" not in body


def test_chinese_names_are_told_beside_the_plot_where_it_cannot_draw_them(
    vigil: Vigil, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.backtest.plot._CJK_FONTS", ())
    file = write_csv(vigil.folder / "h.csv", temperature("水贝/锅炉01", (0, 50), (1, 99), (2, 50)))
    said = vigil.says("backtest", "--file", file, "--profile", "boiler", "--out", vigil.folder / "r.html")
    assert "#1 is 水贝/锅炉01" in said
    assert "#1 in the plot is 水贝/锅炉01." in (vigil.folder / "r.html").read_text("utf-8")


def test_a_history_is_saved_with_what_its_devices_are(vigil: Vigil) -> None:
    file = write_csv(vigil.folder / "h.csv", sorted(day() + temperature("north/x", (0, None))))
    (vigil.folder / "ledger.csv").write_text("site,device,kind,profile\nnorth,b0,gas,boiler\n", "utf-8")
    ledger: list[str | Path] = ["--ledger", vigil.folder / "ledger.csv"]
    said = vigil.says("backtest", "--file", file, *ledger, "--save", vigil.folder / "s.parquet")
    assert "1,441 readings of 2 devices written" in said
    words: list[str | Path] = ["backtest", "--profile", "unknown", "--json", "--file"]
    direct = json.loads(vigil.says(*words, file, *ledger))
    saved = json.loads(vigil.says(*words, vigil.folder / "s.parquet"))
    for one in (direct, saved):
        del one["frame"], one["readings_s"]
    assert saved == direct
    assert saved["total"]["alarms"] == len(DANGERS) + len(STEAM)


def test_a_rule_is_tuned_and_nothing_is_changed(vigil: Vigil) -> None:
    file = write_csv(vigil.folder / "h.csv", day())
    words: list[str | Path] = [
        "tune",
        "boiler.hot",
        "--file",
        file,
        "--profile",
        "boiler",
        "--labels",
        vigil.labels(),
        "--values",
        "80:112:4",
    ]
    before = {path: path.read_bytes() for path in vigil.folder.iterdir()}
    said = vigil.says(*words)
    assert {path: path.read_bytes() for path in vigil.folder.iterdir()} == before
    table = said[said.index("[[overrides]]") :]
    assert 'rules = "boiler.hot"' in table
    (vigil.folder / "tuned.toml").write_text(table, "utf-8")
    profiles, _ = world(vigil.folder)
    terms = load_rules(profiles, [vigil.folder / "tuned.toml"]).by_id["boiler.hot"].terms
    assert (terms.limit, terms.clear) == (92.0, 82.0)  # type: ignore[union-attr]
    assert json.loads(vigil.says(*words, "--json"))["candidates"][3]["is_advised"]


@pytest.mark.parametrize("name", ["trade.html", "trade.png"])
def test_a_trade_off_is_written_with_its_curve(vigil: Vigil, name: str) -> None:
    file = write_csv(vigil.folder / "h.csv", day())
    words: list[str | Path] = ["tune", "boiler.hot", "--file", file, "--profile", "boiler", "--labels", vigil.labels()]
    vigil.says(*words, "--out", vigil.folder / name)
    assert (vigil.folder / name).read_bytes().startswith(b"\x89PNG" if name == "trade.png" else b"<!doctype html>")


def test_without_a_rule_rules_and_devices_are_ranked(vigil: Vigil) -> None:
    file = write_csv(vigil.folder / "h.csv", day())
    said = vigil.says("tune", "--file", file, "--labels", vigil.labels())
    assert "boiler.hot  3     5      0     37.5 %" in said
    ranks = json.loads(vigil.says("tune", "--file", file, "--labels", vigil.labels(), "--json"))
    assert ranks["devices"][0]["name"] == "north/b0"
    assert "Nobody has said yet" in vigil.says("tune", "--file", file)


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["tune", "boiler.hto"], "boiler.hot"),
        (["tune", "boiler.hot", "--values", "1:2"], "from:to:step"),
        (["tune", "boiler.alarm"], "--holds"),
        (["backtest", "--from", "soon"], "is no time"),
        (["backtest", "--from", "2026-05-02", "--to", "2026-05-01"], "is not before"),
        (["backtest", "--out", "report.pdf"], "neither .html nor .png"),
        (["backtest", "--out", "nowhere/report.png"], "no such folder"),
    ],
)
def test_what_is_asked_wrongly_is_refused_with_what_was_wanted(vigil: Vigil, words: list[str], wanted: str) -> None:
    file = write_csv(vigil.folder / "h.csv", day())
    result = vigil(*words, "--file", file, "--profile", "boiler")
    assert result.exit_code == 2
    assert wanted in result.output.replace("\n", " ").replace("│", "")


def test_an_empty_history_says_so(vigil: Vigil) -> None:
    file = write_csv(vigil.folder / "h.csv", day())
    words = ("backtest", "--file", file, "--profile", "boiler")
    result = vigil(*words, "--from", "2026-06-01", "--to", "2026-06-02")
    assert isinstance(result.exception, HistoryFault)
    assert str(result.exception) == "h.csv holds no readings from 2026-06-01 00:00:00 to 2026-06-02 00:00:00"
    result = vigil(*words, "--site", "south")
    assert str(result.exception) == "h.csv holds no readings of site south"
    result = vigil("backtest")
    assert "nothing was ever archived there" in str(result.exception)
    result = vigil(*words, "--from", "2026-06-01", "--save", vigil.folder / "s.parquet")
    assert isinstance(result.exception, HistoryFault)
    assert not list(vigil.folder.glob("*s.parquet*"))


def test_a_missing_extra_says_what_to_install(vigil: Vigil, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("files", "columns"):
        monkeypatch.delitem(sys.modules, f"service.backtest.{name}", raising=False)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    result = vigil("backtest", "--file", vigil.folder / "h.parquet")
    assert isinstance(result.exception, HistoryFault)
    assert "vigil-monitor[analysis]" in str(result.exception)
