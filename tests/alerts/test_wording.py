from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from alerts import EventKind, Incidents, Outcome, Resolve
from alerts.incident import Exercise, IncidentState
from alerts.lifecycle import Trigger
from alerts.place import place_zh
from alerts.wording import story, title
from rules.model import Severity
from tests.alerts.decisions import say
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


def test_no_two_events_have_the_same_title() -> None:
    told = incident()
    assert len({title(kind, told) for kind in EventKind}) == len(EventKind)


@pytest.mark.parametrize("exercise", [None, *Exercise])
@pytest.mark.parametrize("kind", EventKind)
def test_every_event_has_a_story_in_both_languages(kind: EventKind, exercise: Exercise | None) -> None:
    facts = {"outcome": Outcome.UNFOUNDED, "rating": 4, "dispatched_to": "station-3", "handed_to": "zhao"}
    told = story(kind, replace(incident(), accepted_by="li", exercise=exercise, **facts), "wang", "mind the dog")
    for text, name, place, note in (
        (told.en, GAS.name_en, FLAT.place, " Note: mind the dog."),
        (told.zh, GAS.name_zh, place_zh(FLAT), "备注：mind the dog。"),
    ):
        assert all(part in text for part in (name, place, note, "gas.high"))
        assert "{" not in text
        assert "None" not in text
    assert ("not a real alarm" in told.en) is ("非真实警情" in told.zh) is (exercise is not None)


@pytest.mark.parametrize(
    ("path", "trigger", "words", "en", "zh"),
    [
        ((), Trigger.ACCEPT, {}, "li accepted “Tank level low”. Last known:", "li 已受理“水箱水位低”。最近情况："),
        (
            (),
            Trigger.REFUSE,
            {},
            "li cannot take “Tank level low”. Nobody is on it.",
            "li 无法受理“水箱水位低”。目前无人受理。",
        ),
        ((), Trigger.NEED_HELP, {}, "li is on “Tank level low” and needs help.", "li 正在处置“水箱水位低”，请求增援。"),
        (
            (Trigger.ACCEPT,),
            Trigger.HAND_OVER,
            {"to": "zhao"},
            "li asks zhao to take over “Tank level low”; until then li has it.",
            "li 请求将“水箱水位低”转交 zhao；对方受理前仍由 li 负责。",
        ),
        ((), Trigger.DISPATCH, {"to": "station-3"}, "li sent station-3 to “Tank", "li 已派 station-3 前往处置“水箱"),
        ((), Trigger.DISPATCH, {}, "li says that somebody is on the way to “Tank", "li 报告已派人前往处置“水箱"),
        ((), Trigger.ARRIVE, {}, "li says that somebody is there: “Tank", "li 报告人员已到达“水箱水位低”现场。"),
        (
            (),
            Trigger.VERIFY,
            {"outcome": Outcome.UNFOUNDED},
            "li verified “Tank level low” as unfounded: nothing was found.",
            "li 核实“水箱水位低”为查无实情。",
        ),
        (
            (),
            Trigger.RESOLVE,
            {"outcome": Outcome.FALSE_ALARM},
            "li resolved “Tank level low” as a false alarm. The condition still holds.",
            "li 已将“水箱水位低”处置为误报。条件仍然成立。",
        ),
        (
            (Trigger.RESOLVE,),
            Trigger.CLOSE,
            {"rating": 4},
            "li closed “Tank level low” and rated it 4 of 5.",
            "li 已办结“水箱水位低”，评分 4 分（满分 5 分）。",
        ),
        (
            (),
            Trigger.NOTE,
            {"note": "dry"},
            "li on “Tank level low”. Note: dry.",
            "li 就“水箱水位低”作了记录。备注：dry。",
        ),
    ],
)
def test_what_people_say_is_told_in_plain_words(
    path: tuple[Trigger, ...], trigger: Trigger, words: dict[str, Any], en: str, zh: str
) -> None:
    scene = Scene(Incidents())
    scene.rule(TANK, 0, value=1.2)
    for step in path:
        say(scene, step, 1)
    (event,) = say(scene, trigger, 2, **words)
    assert event.text_en.startswith(en)
    assert event.text_zh.startswith(zh)


def test_whose_time_has_come_to_leave_is_said_where_nobody_is_left() -> None:
    scene = Scene(Incidents())
    scene.rule(TANK, 0)
    say(scene, Trigger.ACCEPT, 1)
    (event,) = say(scene, Trigger.REFUSE, 2)
    assert event.incident.state is IncidentState.RAISED
    assert "目前无人受理" in event.text_zh
