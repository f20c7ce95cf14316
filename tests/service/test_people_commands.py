"""`vigil who` and `vigil duty` as a duty manager meets them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from alerts.people.settings import DirectoryFaults
from service.cli.app import app

LEDGER = """\
site,device,kind,grid,building,latitude,longitude
town,s-1,smoke,1,7,22.0,114.001
town,s-2,smoke,,,22.005,114.005
town,h-1,hydrant,1,,,
"""
SETTINGS = """\
data_dir = "data"

[devices]
ledger = "ledger.csv"

[channels.console]
type = "console"

[channels.sms]
type = "console"

[[recipients]]
name = "desk"
channels = ["console"]
min_severity = "alarm"

[directory]
files = ["people.toml"]
"""
PEOPLE = """\
[[people]]
name = "li"
label = "李"
contacts = ["sms:+8613800000001", "console"]
languages = ["zh"]

[[people]]
name = "wang"
contacts = ["console"]
quiet = "22:00-07:00"

[[rotas]]
name = "days"

[[rotas.shifts]]
people = "li"
hours = "08:00-20:00"

[[teams]]
name = "north"
members = ["li"]
rota = "days"

[[stations]]
name = "n"
team = "north"
latitude = 22.0
longitude = 114.0

[[grids]]
name = "1"
site = "town"
polygon = [[22.0, 114.0], [22.0, 114.01], [22.01, 114.01], [22.01, 114.0]]

[[chains]]
name = "all"

[[chains.steps]]
to = ["station:nearest", "person:wang"]
need = 2

[[chains.steps]]
to = ["team:north", "recipient:desk"]
after = "2 min"

[[routes]]
chain = "all"
grids = ["1"]

[[limits]]
accept = "1 min"

[[levels]]
name = "street"
to = ["person:wang"]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, text in (("ledger.csv", LEDGER), ("vigil.toml", SETTINGS), ("people.toml", PEOPLE)):
        Path(name).write_text(text, "utf-8")
    return tmp_path


def vigil(*words: str) -> Result:
    return CliRunner().invoke(app, [*words, "--config", "vigil.toml"])


@pytest.mark.usefixtures("folder")
def test_who_says_who_would_be_told_when_by_what_and_why() -> None:
    done = vigil("who", "--device", "town/s-1", "--at", "2026-05-11 19:59")
    assert done.exit_code == 0, done.output
    for said in (
        "town/s-1: town, grid 1, building 7",
        "if smoke.alarm Smoke 烟雾报警 (emergency, life-safety) were raised at 2026-05-11 19:59:00 Asia/Shanghai",
        "told at once: desk by console",
        "chain all",
        "li 李",
        "sms, console at 30 s (60 s with a receipt)",
        "nearest station on duty n, 103 m, on duty until 20:00; 2 have to accept",
        "named by the chain; 2 have to accept",
        "told, and cannot answer",
        "then anew after 5 min",
        "accept: blue after 30 s, yellow after 48 s, red after 1 min",
        "level street at 48 s, if nobody has accepted: wang",
    ):
        assert said in done.output, done.output
    assert "+8613800000001" not in done.output


@pytest.mark.usefixtures("folder")
def test_who_is_json_as_well() -> None:
    done = vigil("who", "--device", "town/s-2", "--rule", "smoke.battery-low", "--at", "2026-05-11 23:00", "--json")
    assert done.exit_code == 0, done.output
    document = json.loads(done.output)
    assert (document["rule"], document["severity"], document["grid"]) == ("smoke.battery-low", "warning", "1")
    assert document["told_at_once"] == [{"recipient": "console", "channels": ["console"]}]
    first, second = document["steps"]
    assert [(one["person"], one["tries"][0]["channel"]) for one in first["asked"]] == [("wang", "console")]
    assert first["asked"][0]["quiet_until_us"] > document["at_us"]
    assert (second["asked"], second["recipients"], second["at_s"]) == ([], ["desk"], 120)


@pytest.mark.usefixtures("folder")
def test_life_safety_without_a_route_is_for_everyone_and_anything_else_for_nobody() -> None:
    Path("people.toml").write_text(PEOPLE.replace('grids = ["1"]', 'grids = ["9"]'), "utf-8")
    everyone = vigil("who", "--device", "town/s-1")
    assert "chain everyone" in everyone.output
    nobody = vigil("who", "--device", "town/h-1", "--severity", "warning")
    assert "no route matches: no person is asked" in nobody.output


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--device", "town/s-9"), "no device 'town/s-9'"),
        (("--device", "town/s-1", "--rule", "smoke.smell"), "no live rule 'smoke.smell' on town/s-1; there are"),
        (("--device", "town/s-1", "--at", "noon"), "'noon' is no time"),
        (("--device", "town/s-1", "--rule", "smoke.alarm", "--severity", "alarm"), "give --rule or --severity"),
    ],
)
def test_what_who_cannot_find_it_says(words: tuple[str, ...], said: str) -> None:
    done = vigil("who", *words)
    assert done.exit_code != 0
    assert said in " ".join((done.output + str(done.exception)).replace("│", " ").split())


@pytest.mark.usefixtures("folder")
def test_duty_shows_who_is_on_now_each_hand_over_and_the_gaps() -> None:
    done = vigil("duty", "--days", "1", "--at", "2026-05-11 12:00")
    assert done.exit_code == 0, done.output
    lines = [line.split() for line in done.output.splitlines()]
    assert ["2026-05-11", "12:00", "now", "days", "李"] in lines
    assert ["2026-05-11", "20:00", "days", "NOBODY", "李"] in lines
    assert ["2026-05-12", "08:00", "days", "李", "李"] in lines
    assert "GAP team north: nobody is on duty from 2026-05-11 20:00 to 2026-05-12 08:00 (12 h)" in done.output
    document = json.loads(vigil("duty", "--days", "1", "--at", "2026-05-11 12:00", "--json").output)
    assert document["on_duty"]["days"]["people"] == ["li"]
    assert [one["gap"]["name"] for one in document["gaps"]] == ["north"]
    assert len(document["handovers"]) == 2


@pytest.mark.usefixtures("folder")
def test_a_directory_with_faults_answers_nothing() -> None:
    Path("people.toml").write_text(PEOPLE.replace('"person:wang"]\nneed', '"person:wong"]\nneed'), "utf-8")
    for words in (("who", "--device", "town/s-1"), ("duty",)):
        done = vigil(*words)
        assert isinstance(done.exception, DirectoryFaults)
        assert "people.toml:39: chain 'all': no person is 'wong'; wanted one of wang" in str(done.exception)


def test_without_rotas_duty_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("vigil.toml").write_text('data_dir = "data"\n', "utf-8")
    assert "There are no rotas." in vigil("duty").output
