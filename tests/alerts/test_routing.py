from __future__ import annotations

import pytest
from msgspec.structs import replace

from alerts import Fallback, Recipient, Routing
from alerts.incident import Exercise
from alerts.routing import CONSOLE
from devices.model import Device, Kind
from rules.model import AlarmClass, Rule, Severity
from tests.alerts.scene import FLAT, GAS, SILENT, TANK, incident

GRID3 = Recipient("grid3", ("a",), sites=("shuibei",), grids=("3",))
GRID4 = Recipient("grid4", ("a",), sites=("shuibei",), grids=("4",))
CHIEF = Recipient("chief", ("a",), sites=("shuibei",), min_severity=Severity.EMERGENCY)
OTHER = Recipient("other", ("a",), sites=("luohu",))
EVERY = Recipient("every", ("a",))

SMOKES = Recipient("smokes", ("a",), kinds=(Kind.SMOKE,))
TROUBLES = Recipient("troubles", ("a",), classes=(AlarmClass.TROUBLE,))
PROBE = Recipient("probe", ("a",), sites=("luohu",), exercises=True)

ELSEWHERE = Device("shuibei", "x", Kind.GAS, "gas", grid="9")
FAR = Device("futian", "x", Kind.GAS, "gas", grid="9")
PROPERTY = replace(GAS, alarm_class=AlarmClass.PROPERTY)


@pytest.mark.parametrize(
    ("recipients", "rule", "device", "told", "fallback"),
    [
        ([GRID3, GRID4, OTHER], GAS, FLAT, {"grid3"}, None),
        ([GRID3, GRID4, EVERY], GAS, FLAT, {"grid3", "every"}, None),
        ([GRID3, GRID4, OTHER], GAS, ELSEWHERE, {"grid3", "grid4"}, Fallback.SITE),
        ([GRID3, GRID4, OTHER], GAS, FAR, {"grid3", "grid4", "other"}, Fallback.EVERYBODY),
        ([GRID3, CHIEF], PROPERTY, FLAT, {"grid3"}, None),
        ([GRID3, CHIEF], replace(GAS, severity=Severity.EMERGENCY), FLAT, {"grid3", "chief"}, None),
        ([CHIEF, GRID4], PROPERTY, FLAT, {"grid4"}, Fallback.SITE),
        ([CHIEF], TANK, FLAT, {CONSOLE}, Fallback.CONSOLE),
        ([CHIEF], GAS, FLAT, {"chief"}, None),
        ([], GAS, FLAT, {CONSOLE}, Fallback.CONSOLE),
        ([Recipient("mute", ())], GAS, FLAT, {CONSOLE}, Fallback.CONSOLE),
        ([], SILENT, FLAT, {CONSOLE}, Fallback.CONSOLE),
        ([SMOKES, EVERY], GAS, FLAT, {"every"}, None),
        ([SMOKES], PROPERTY, FLAT, {CONSOLE}, Fallback.CONSOLE),
        ([SMOKES], GAS, FLAT, {"smokes"}, None),
        ([TROUBLES, EVERY], SILENT, FLAT, {"troubles", "every"}, None),
        ([TROUBLES, GRID3], PROPERTY, FLAT, {"grid3"}, None),
        ([PROBE, GRID3], GAS, FLAT, {"grid3"}, None),
        ([PROBE], GAS, FLAT, {"probe"}, Fallback.EVERYBODY),
    ],
)
def test_somebody_is_always_told(
    recipients: list[Recipient], rule: Rule, device: Device, told: set[str], fallback: Fallback | None
) -> None:
    route = Routing(recipients).recipients_for(incident(rule, device=device))
    assert ({recipient.name for recipient in route.recipients}, route.fallback) == (told, fallback)


@pytest.mark.parametrize(
    ("exercise", "told"), [(None, {"grid3"}), (Exercise.DRILL, {"grid3"}), (Exercise.SYNTHETIC, {"probe"})]
)
def test_a_synthetic_alarm_is_for_those_who_take_exercises(exercise: Exercise | None, told: set[str]) -> None:
    exercised = replace(incident(), exercise=exercise)
    route = Routing([GRID3, PROBE]).recipients_for(exercised)
    assert ({recipient.name for recipient in route.recipients}, route.fallback) == (told, None)
    assert Routing([GRID3]).recipients_for(replace(incident(), exercise=Exercise.SYNTHETIC)).recipients == ()


def test_a_recipient_is_found_by_name() -> None:
    routing = Routing([GRID3, Recipient("mute", ())])
    assert routing.named("grid3") is GRID3
    assert routing.named("mute") is None
