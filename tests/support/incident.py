"""An incident and a message about it: a test says only in what its own differ."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from alerts.incident import EventKind, Incident, IncidentState
from alerts.notification import Notification
from devices.model import Kind
from rules.model import AlarmClass, Severity

__all__ = ["T0", "S", "gas", "incident", "message"]

S: Final = 1_000_000
T0: Final = 1_800_000_000 * S

_SMOKE: Final = Incident(
    id="A1B2C3D4",
    device="shuibei/flat-201",
    site="shuibei",
    grid="3",
    place="shuibei, grid 3, building 5, floor 2, 201",
    place_zh="shuibei，网格3，楼栋5，楼层2，201",
    latitude=22.5,
    longitude=114.1,
    kind=Kind.SMOKE,
    unregistered=False,
    rule_id="smoke.alarm",
    rule_name_en="Smoke",
    rule_name_zh="烟雾",
    severity=Severity.EMERGENCY,
    alarm_class=AlarmClass.LIFE_SAFETY,
    what_en="the detector says smoke",
    what_zh="探测器上报烟雾",
    metric="smoke",
    unit="",
    value=1.0,
    limit=None,
    source="GB 20517",
    state=IncidentState.RAISED,
    condition_holds=True,
    late=False,
    raised_us=T0,
    event_us=T0,
    since_us=T0,
    last_us=T0,
)
_GAS: Final = replace(
    _SMOKE,
    kind=Kind.GAS,
    rule_id="gas.high",
    rule_name_en="Gas concentration high",
    rule_name_zh="燃气浓度高",
    severity=Severity.ALARM,
    what_en="12.3 %LEL, at or above 10 %LEL for 30 s",
    what_zh="12.3 %LEL，达到或超过 10 %LEL 30秒",
    metric="gas_lel",
    unit="%LEL",
    value=12.3,
    limit=10.0,
    source="GB 15322.2",
)


def incident(*, at_us: int = T0, **changes: object) -> Incident:
    """Return a smoke alarm in a flat, all of whose times are `at_us`, with these changes."""
    return _at(_SMOKE, at_us, changes)


def gas(*, at_us: int = T0, **changes: object) -> Incident:
    """Return a gas alarm in the same flat."""
    return _at(_GAS, at_us, changes)


def message(about: Incident, /, **changes: object) -> Notification:
    """Return a message about a gas alarm just raised, good for an hour."""
    made = Notification(
        id="N0TE1D0F20CHARACTERS",
        event=f"{about.id}-{about.revision}",
        kind=EventKind.RAISED,
        recipient="li",
        channel="sms",
        title_en=f"[ALARM] {about.rule_name_en} · {about.place}",
        title_zh=f"【报警】{about.rule_name_zh} · {about.place_zh}",
        body_en=f"{about.rule_name_en}: {about.what_en}.",
        body_zh=f"{about.rule_name_zh}：{about.what_zh}。",
        created_us=T0,
        expires_us=T0 + 3_600 * S,
        incident=about,
    )
    return replace(made, **changes)


def _at(sample: Incident, at_us: int, changes: dict[str, object]) -> Incident:
    return replace(sample, **dict.fromkeys(("raised_us", "event_us", "since_us", "last_us"), at_us) | changes)
