from __future__ import annotations

from dataclasses import replace

import pytest

from alerts import EventKind, Incidents, Outcome, Resolve
from alerts.wording import condition, place_zh, span, title
from rules.model import RuleKind, Severity
from tests.alerts.scene import (
    FLAT,
    GAS,
    GAS_METRIC,
    SILENT,
    SMOKE,
    SMOKE_METRIC,
    STRANGER,
    T0,
    TANK,
    S,
    Scene,
    change,
    incident,
)


@pytest.mark.parametrize(
    ("seconds", "en", "zh"),
    [
        (0, "0 s", "0秒"),
        (-3, "0 s", "0秒"),
        (59.4, "59 s", "59秒"),
        (60, "1 min", "1分"),
        (90, "1 min 30 s", "1分30秒"),
        (93_600, "1 d 2 h", "1天2小时"),
        (86_400, "1 d", "1天"),
        (3_661, "1 h 1 min", "1小时1分"),
    ],
)
def test_spans_are_said_in_their_two_largest_units(seconds: float, en: str, zh: str) -> None:
    assert span(seconds) == (en, zh)


def test_a_raised_threshold_says_value_limit_time_rule_and_place() -> None:
    (event,) = Scene(Incidents()).rule(GAS, 30, since=0, value=12.3)
    name = event.incident.id
    assert event.text_en == (
        "Gas concentration high: combustible gas 12.3 %LEL (limit ≥ 10 %LEL) for 30 s. "
        f"Where: shuibei, grid 3, building 5, floor 2, 201. Device shuibei/flat-201, rule gas.high, incident {name}."
    )
    assert event.text_zh == (
        "燃气浓度高：可燃气体浓度 12.3 %LEL（限值 ≥ 10 %LEL），已持续30秒。"
        f"位置：shuibei，网格3，楼栋5，楼层2，201。设备 shuibei/flat-201，规则 gas.high，事件 {name}。"
    )


def test_an_alarm_of_an_unregistered_device_says_that_it_is_unregistered() -> None:
    (event,) = Scene(Incidents()).rule(SMOKE, 0, device=STRANGER, value=1.0)
    assert event.incident.unregistered
    assert "UNREGISTERED" in event.text_en
    assert "未登记" in event.text_zh
    assert "UNREGISTERED" not in Scene(Incidents()).rule(SMOKE, 0, value=1.0)[0].text_en


def test_silence_says_how_long_and_what_the_limit_is() -> None:
    told = condition(SILENT, change(SILENT, 100_000, since=0, value=None), FLAT, None, T0 + 100_000 * S)
    assert told == ("nothing heard of the device for 1 d 3 h (limit 1 d 2 h)", "设备已1天3小时无数据（限值1天2小时）")


def test_a_fault_says_what_the_sensor_can_say() -> None:
    rule = replace(GAS, kind=RuleKind.FAULT)
    told = condition(rule, change(rule, 0, value=250.0), FLAT, GAS_METRIC, T0)
    assert told.en == "combustible gas 250 %LEL is outside what the sensor can say (0 … 100 %LEL): sensor fault"


def test_a_late_reading_is_called_late() -> None:
    told = condition(SMOKE, change(SMOKE, 0, late=True), FLAT, SMOKE_METRIC, T0 + 3_600 * S)
    assert told.en == "the device itself reports “smoke alarm”, measured 1 h before it reached us"
    assert "迟到1小时" in told.zh


def test_a_metric_that_no_profile_names_is_called_by_its_name() -> None:
    assert condition(SMOKE, change(SMOKE, 0), FLAT, None, T0).en == "the device itself reports “smoke”"


def test_braces_in_names_and_notes_are_only_text() -> None:
    scene = Scene(Incidents())
    name = scene.rule(replace(TANK, name_en="{x} {0}"), 0)[0].incident.id
    command = Resolve(incident=name, by="{by}", origin="test", outcome=Outcome.TEST, note="{note} {")
    (event,) = scene.incidents.apply_command(command, T0, 2)
    assert event.text_en.startswith(
        "{by} resolved “{x} {0}” as a test. The condition still holds. Note: {note} {. Where:"
    )


@pytest.mark.parametrize("kind", EventKind)
@pytest.mark.parametrize("severity", Severity)
def test_a_title_says_how_bad_what_and_where_in_one_line(kind: EventKind, severity: Severity) -> None:
    told = title(kind, incident(replace(GAS, severity=severity)))
    for text, name, place in ((told.en, GAS.name_en, FLAT.place), (told.zh, GAS.name_zh, place_zh(FLAT))):
        assert name in text
        assert place in text
        assert "\n" not in text
    assert severity.upper() in told.en
