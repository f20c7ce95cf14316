"""`Danger`: what is known of one open incident where it is decided whether it is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from alerts.response_event import ResponseKind
from alerts.text import Text
from devices.model import Kind
from rules.model import AlarmClass, RuleKind, Severity

if TYPE_CHECKING:
    from alerts.incident import Incident

__all__ = ["NO_GROUP", "RANK", "Danger", "danger_of"]

NO_GROUP: Final = 0
RANK: Final = {severity: severity.rank for severity in Severity}


class Danger(msgspec.Struct, kw_only=True):
    """One open incident. The first fields are the incident's, the others change.

    order:    the place of its last raising among all; the lower the older
    holds:    whether its condition holds
    answered: a person is on it
    told:     people were told of its last raising, by itself
    kept, by: why it is not told, and the incident or silence that keeps it; None and "" where it is told
    group:    number of the group that it leads or is in, `NO_GROUP` where it is in none
    """

    id: str
    device: str
    site: str
    grid: str
    building: str
    floor: str
    unit_name: str
    gateway: str
    kind: Kind
    rule_id: str
    rule_kind: RuleKind | None
    rule_name_en: str
    rule_name_zh: str
    severity: Severity
    alarm_class: AlarmClass
    members: tuple[str, ...]
    order: int
    holds: bool
    answered: bool
    told: bool = False
    kept: ResponseKind | None = None
    by: str = ""
    group: int = NO_GROUP

    @property
    def is_life_safety(self) -> bool:
        """Whether people may be in danger."""
        return self.alarm_class is AlarmClass.LIFE_SAFETY

    @property
    def waits(self) -> bool:
        """Whether nobody has been told of it, nor has answered it."""
        return not self.told and not self.answered

    @property
    def name(self) -> Text:
        """The rule's name and the incident's, as a timeline says them."""
        return Text(f"“{self.rule_name_en}” ({self.id})", f"“{self.rule_name_zh}”（{self.id}）")


def danger_of(incident: Incident, order: int) -> Danger:
    """Return what `incident`, which is open, is to noise."""
    return Danger(
        id=incident.id,
        device=incident.device,
        site=incident.site,
        grid=incident.grid,
        building=incident.building,
        floor=incident.floor,
        unit_name=incident.unit_name,
        gateway=incident.gateway,
        kind=incident.kind,
        rule_id=incident.rule_id,
        rule_kind=incident.rule_kind,
        rule_name_en=incident.rule_name_en,
        rule_name_zh=incident.rule_name_zh,
        severity=incident.severity,
        alarm_class=incident.alarm_class,
        members=incident.members,
        order=order,
        holds=incident.condition_holds,
        answered=incident.state.is_answered,
    )
