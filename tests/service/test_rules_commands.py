"""`vigil rules check` and `vigil rules explain` as an author meets them."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from devices import Device, Kind, Lifecycle
from service.cli.app import app
from service.core import open_core
from service.settings import SettingsFaults, load_settings

OWN = """\
[[rules]]
id = "tank.valve-open"
kind = "alarm"
metric = "valve_open"
schedule = "nights"
severity = "warning"
class = "property"
name = { en = "Outlet open", zh = "出水阀开启" }
source = "here"

[[rules]]
id = "gas.test"
kind = "alarm"
metric = "test"
severity = "warning"
class = "supervisory"
name = { en = "Test", zh = "自检" }
source = "here"

[[overrides]]
rules = "watch.battery-low"
at_most = "30 %"
clear = "35 %"

[[overrides]]
rules = ["gas.high"]
site = "school"
at_least = "8 %LEL"
clear = 4

[[overrides]]
rules = "gas.tamper"
site = "school"
device = "g-1"
enabled = false

[[schedules]]
name = "nights"
periods = [{ from = "20:00", to = "07:00" }]

[[windows]]
from = 2024-01-01T00:00:00+08:00
to = 2024-01-02T00:00:00+08:00
site = "school"
by = "Li"
reason = "long over"

[[windows]]
from = 2999-01-01T00:00:00+08:00
to = 2999-01-02T00:00:00+08:00
site = "school"
by = "Wang"
reason = "pipes"
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a settings file of the current folder, so that places are short enough for one line of a table."""
    monkeypatch.chdir(tmp_path)
    Path("own.toml").write_text(OWN, "utf-8")
    file = Path("vigil.toml")
    file.write_text('data_dir = "data"\n[rules]\nfiles = ["own.toml"]\n', "utf-8")
    return file


def vigil(*words: str) -> Result:
    return CliRunner().invoke(app, ["rules", *words])


def test_check_sums_up_what_the_settings_name(config: Path) -> None:
    done = vigil("check", "--config", str(config))
    assert done.exit_code == 0, done.output
    assert "No faults: " in done.output
    assert "times in Asia/Shanghai" in done.output
    assert "own.toml:12: gas.test replaces the one of devices/profiles/gas.toml:" in done.output
    assert (
        "watch.battery-low is otherwise for its whole profile: at_most (own.toml:22), clear (own.toml:23)"
        in done.output
    )
    assert "2 overrides, which make 2 variants of rules" in done.output
    assert "schedule nights, of 1 rules and variants (own.toml:37)" in done.output
    assert "2999-01-01 00:00 … 2999-01-02 00:00, Wang: pipes" in done.output


def test_check_takes_files_that_no_settings_name_and_exits_2_on_any_fault(config: Path) -> None:
    assert vigil("check", "own.toml").exit_code == 0
    bad = Path("bad.toml")
    bad.write_text('[[overrides]]\nrules = "gas.hihg"\nmode = "dark"\n[[schedules]]\nname = "x"\n', "utf-8")
    done = vigil("check", "--config", str(config), str(bad))
    assert done.exit_code == 2
    assert f"{bad}:2: override: no rule is 'gas.hihg'; wanted one of gas.high" in done.output
    assert f"{bad}:4: schedule 'x': no `periods`; wanted a list of" in done.output
    assert "2 faults" in done.output


def test_explain_prints_what_is_in_force_on_a_device_and_where_it_is_from(config: Path) -> None:
    settings = load_settings(config)

    async def register() -> None:
        async with open_core(settings) as core:
            await core.register(
                [
                    Device("school", "g-1", Kind.GAS, "gas", building="5"),
                    Device("school", "g-2", Kind.GAS, "gas", lifecycle=Lifecycle.MAINTENANCE),
                ]
            )

    asyncio.run(register())
    done = vigil("explain", "school/g-1", "--config", str(config))
    assert done.exit_code == 0, done.exception
    assert "school/g-1: gas, school, building 5" in done.output
    assert "gas_lel ≥ 8 %LEL; ceases < 4 %LEL for 1 min" in done.output
    assert "at_least = 8 %LEL: own.toml:28" in done.output
    assert "clear_hold = 1 min: devices/profiles/gas.toml:" in done.output
    assert "source: GB 15322.2" in done.output
    assert "overridden for site school (own.toml:25)" in done.output
    assert "switched off here: gas.tamper: site school, device g-1 (own.toml:31)" in done.output
    assert "silent 2999-01-01 00:00 … 2999-01-02 00:00, Wang: pipes" in done.output
    assert "long over" not in done.output
    raw = vigil("explain", "school/g-2", "--json", "--config", str(config))
    rules = {rule["id"]: rule for rule in json.loads(raw.output)["rules"]}
    assert json.loads(raw.output)["coverage"] == "only life-safety rules, and not those of its silence"
    assert (rules["gas.high"]["watches"], rules["gas.tamper"]["watches"]) == (True, False)
    assert rules["gas.high"]["figures"][0] == {"key": "at_least", "value": "8 %LEL", "origin": "own.toml:28"}
    assert rules["gas.high"]["windows"] == [], "lives go on"
    assert len(rules["gas.no-data"]["windows"]) == 1
    missing = vigil("explain", "school/g-3", "--config", str(config))
    assert "no device 'school/g-3'" in str(missing.exception)


def test_explain_tells_of_a_profile_without_any_device(config: Path) -> None:
    done = vigil("explain", "--profile", "gas", "--config", str(config))
    assert done.exit_code == 0, done.exception
    assert "gas_lel ≥ 10 %LEL; ceases < 5 %LEL for 1 min" in done.output
    assert "overridden for site school (" in done.output
    assert "instead of devices/profiles/gas.toml:" in done.output
    assert "minimum = 0 %LEL: devices/profiles/gas.toml:" in done.output


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (("explain",), "name a device as SITE/DEVICE, or a profile"),
        (("explain", "a/b", "--profile", "gas"), "name a device as SITE/DEVICE, or a profile"),
        (("explain", "--profile", "gaz"), "no profile 'gaz'; there are co, gas"),
        (("check", "nowhere.toml"), "does not exist"),
    ],
)
def test_what_was_asked_for_wrongly_is_said(words: tuple[str, ...], wanted: str) -> None:
    done = vigil(*words)
    assert done.exit_code == 2
    assert wanted in " ".join(done.output.replace("│", " ").split())


def test_rules_files_of_the_settings_are_relative_to_them_and_the_time_zone_is_checked(tmp_path: Path) -> None:
    file = tmp_path / "vigil.toml"
    file.write_text('[rules]\nfiles = ["a.toml", "b/"]\ntimezone = "Europe/Paris"\n', "utf-8")
    section = load_settings(file).rules
    assert section.files == (tmp_path / "a.toml", tmp_path / "b")
    assert section.timezone == "Europe/Paris"
    file.write_text('[rules]\ntimezone = "Paris"\n', "utf-8")
    with pytest.raises(SettingsFaults, match=r"rules\.timezone: .*no time zone; wanted a name like 'Asia/Shanghai'"):
        load_settings(file)
