from __future__ import annotations

import pytest
from msgspec.structs import replace

from alerts import EventKind, Incidents, Outcome, Resolve
from alerts.place import place_zh
from alerts.wording import title
from rules.model import Severity
from tests.alerts.scene import FLAT, GAS, T0, TANK, Scene, incident


def test_a_raised_threshold_says_value_limit_time_place_rule_and_source() -> None:
    (event,) = Scene(Incidents()).rule(GAS, 30, since=0, value=12.3)
    name = event.incident.id
    assert event.text_en == (
        "Gas concentration high: combustible gas 12.3 %LEL (limit ≥ 10 %LEL) for 30 s. "
        "Where: shuibei, grid 3, building 5, floor 2, 201. "
        f"Device shuibei/flat-201, rule gas.high (source: GB 15322.2), incident {name}."
    )
    assert event.text_zh == (
        "燃气浓度高：可燃气体浓度 12.3 %LEL（限值 ≥ 10 %LEL），已持续30秒。"
        "位置：shuibei，网格3，楼栋5，楼层2，201。"
        f"设备 shuibei/flat-201，规则 gas.high（依据：GB 15322.2），事件 {name}。"
    )


def test_a_rule_without_a_source_claims_none() -> None:
    (event,) = Scene(Incidents()).rule(replace(GAS, source=""), 30)
    assert "source" not in event.text_en
    assert "依据" not in event.text_zh


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
