"""Notifications to people, for the tests of SMS and calls."""

from __future__ import annotations

from typing import Any, Final

from msgspec.structs import replace

from alerts.incident import EventKind, Exercise, Incident, IncidentState
from alerts.notification import Notification, Purpose
from alerts.people.model import Language
from devices.model import Kind
from rules.model import AlarmClass, Severity

__all__ = ["ASKED", "BOTH", "EN", "INCIDENT", "NUMBER", "T0", "ZH", "asked", "drill"]

S: Final = 1_000_000
T0: Final = 1_800_000_000 * S
NUMBER: Final = "+8613800138000"
ZH: Final = (Language.ZH,)
EN: Final = (Language.EN,)
BOTH: Final = (Language.ZH, Language.EN)

INCIDENT: Final = Incident(
    id="7K2MQ4TX",
    device="shuibei/flat-201",
    site="shuibei",
    grid="3",
    place="shuibei, grid 3, building 5, floor 2, 201",
    place_zh="shuibei，网格3，楼栋5，楼层2，201",
    latitude=22.5,
    longitude=114.1,
    kind=Kind.GAS,
    unregistered=False,
    rule_id="gas.high",
    rule_name_en="Gas concentration high",
    rule_name_zh="燃气浓度高",
    severity=Severity.ALARM,
    alarm_class=AlarmClass.LIFE_SAFETY,
    what_en="12.3 %LEL, at or above 10 %LEL for 30 s",
    what_zh="12.3 %LEL，达到或超过 10 %LEL 30秒",
    metric="gas_lel",
    unit="%LEL",
    value=12.3,
    limit=10.0,
    source="GB 15322.2",
    state=IncidentState.RAISED,
    condition_holds=True,
    late=False,
    raised_us=T0,
    event_us=T0,
    since_us=T0,
    last_us=T0,
)
ASKED: Final = Notification(
    id="N0TE1D0F20CHARACTERS",
    event="7K2MQ4TX.1",
    kind=EventKind.RAISED,
    recipient="li",
    channel="sms",
    title_en="[ALARM] Gas concentration high · shuibei, grid 3, building 5, floor 2, 201",
    title_zh="【报警】燃气浓度高 · shuibei，网格3，楼栋5，楼层2，201",
    body_en="Gas concentration high: 12.3 %LEL, at or above 10 %LEL for 30 s.",
    body_zh="燃气浓度高：12.3 %LEL，达到或超过 10 %LEL 30秒。",
    created_us=T0,
    expires_us=T0 + 3_600 * S,
    incident=INCIDENT,
    purpose=Purpose.ASK,
    address=NUMBER,
    wants_answer=True,
    code="4821",
    languages=ZH,
)


def asked(**changes: Any) -> Notification:
    """Return a person's notification with these changes."""
    return replace(ASKED, **changes)


def drill(**changes: Any) -> Notification:
    """Return one of an exercise."""
    return asked(drill=True, incident=replace(INCIDENT, exercise=Exercise.DRILL), **changes)
