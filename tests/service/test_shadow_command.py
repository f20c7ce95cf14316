"""`vigil rules shadow` as a person sees it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import msgspec
import pytest
import typer
from typer.testing import CliRunner

from alerts import AlertsCounters
from devices import Device, Kind, Registry
from devices.profile import Profile
from rules.ruleset import RuleSet
from service.cli.rules import shadow
from service.shadow_log import ShadowLog
from service.shadow_report import shadow_report
from tests.alerts.scene import FLAT, GAS, T0, S, change, finding

if TYPE_CHECKING:
    from pathlib import Path


def test_tables_say_how_often_where_and_the_words_in_both_languages(capsys: pytest.CaptureFixture[str]) -> None:
    log = ShadowLog(AlertsCounters())
    log.apply(finding(change(GAS, 0)))
    log.apply(finding(change(GAS, 60), device=Device("shuibei", "flat-9", Kind.GAS, "gas"), offset=2))
    log.apply(finding(change(GAS, 90, holds=False, value=3.0), offset=3))
    registry = Registry({name: Profile(name, Kind.GAS, name, name, 60.0, {}, (), "t") for name in ("unknown", "gas")})
    registry.apply(registry.plan_registration([FLAT]))
    report = shadow_report(log, RuleSet(()), registry, T0 + 100 * S, since_us=T0)
    found = json.loads(msgspec.json.encode(report))
    shadow._show_rules(found["rules"])
    shadow._show_events(found["events"])
    rule, *events = [line for line in capsys.readouterr().out.splitlines() if "gas.high" in line or "可燃" in line]
    assert "no longer in shadow" in rule
    assert rule.split()[-3:] == ["2", "2", "0"], "raised, on the one day, and on devices that are in service now"
    assert [line.split()[4] for line in events[::2]] == ["ended", "raised", "raised"]
    assert "combustible gas 12.3 %LEL (limit ≥ 10 %LEL)" in events[2]
    assert "可燃气体浓度 3 %LEL（限值 ≥ 10 %LEL，恢复值 < 5 %LEL）" in events[1]


def test_without_a_service_or_data_the_command_says_what_to_do(tmp_path: Path) -> None:
    app = typer.Typer()
    shadow.add_to(app)
    result = CliRunner().invoke(app, ["--data-dir", str(tmp_path)])
    assert "no service is running" in str(result.exception)


@pytest.mark.parametrize("text", ["7 d", "12 h", "2026-11-22", "2026-11-22T10:00"])
def test_a_beginning_is_a_length_of_time_or_a_day(text: str) -> None:
    assert shadow._since_us(text) > 1_700_000_000 * S


@pytest.mark.parametrize("text", ["", "yesterday", "7 bananas"])
def test_a_beginning_that_says_no_time_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="wanted"):
        shadow._since_us(text)
