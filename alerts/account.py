"""The account: what an incident says, taken from a finding or from a drill."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Final

import msgspec

from alerts.conditions import condition, limit_of
from alerts.finding import Finding
from alerts.incident import Exercise, Incident
from alerts.lifecycle import OPENING
from alerts.place import common_place, place_zh
from alerts.text import Text
from devices.model import Lifecycle
from devices.profile import MetricType
from rules.model import Change, CompositeTerms, NeighbourhoodTerms, RuleKind, Scope

if TYPE_CHECKING:
    from devices.model import Device
    from devices.profile import Metric
    from rules.model import Rule

__all__ = ["MEMBERS_KEPT", "SYNTHETIC_PROFILE", "continued", "exercised", "is_press", "opened"]

MEMBERS_KEPT: Final = 50
"""So many members an incident names; it counts all."""

SYNTHETIC_PROFILE: Final = "synthetic"
"""Devices of this profile are Vigil's own: their alarms only show that the path is whole."""

_WIDE: Final = frozenset({Scope.UNIT, Scope.FLOOR, Scope.BUILDING, Scope.GRID, Scope.SITE})


_AS_IF: Final = Text("an exercise, as if “{name}” held", "演练，假定“{name}”成立")


def opened(name: str, finding: Finding) -> Incident:
    """Return the incident `name` as `finding` alone tells it."""
    return _told(name, finding, condition(finding))


def exercised(name: str, device: Device, rule: Rule, metric: Metric | None, now_us: int) -> Incident:
    """Return the incident `name` of a drill: as if `rule` held on `device` since `now_us`, with nothing measured."""
    held = Change(
        device_row=-1,
        channel=-1,
        rule=rule,
        holds=True,
        repeated=False,
        late=False,
        time_us=now_us,
        since_us=now_us,
    )
    as_if = Finding(held, device, metric, now_us, 0, 0, lambda _: None, lambda _: None)
    what = _AS_IF.fill(name=Text(rule.name_en, rule.name_zh))
    return msgspec.structs.replace(_told(name, as_if, what), exercise=Exercise.DRILL)


def is_press(finding: Finding) -> bool:
    """Say whether each report is a new occasion: so it is of events, and of what no profile describes; flags repeat."""
    is_event = finding.metric is None or finding.metric.type is MetricType.EVENT
    return finding.rule.kind is RuleKind.ALARM and is_event


def _told(name: str, finding: Finding, what: Text) -> Incident:
    change, rule, device = finding.change, finding.rule, finding.device
    place = _place(finding)
    return Incident(
        id=name,
        device=device.key,
        site=device.site,
        grid=device.grid,
        place=place.en,
        place_zh=place.zh,
        latitude=device.latitude,
        longitude=device.longitude,
        kind=device.kind,
        unregistered=device.lifecycle is Lifecycle.UNREGISTERED,
        rule_id=rule.id,
        rule_name_en=rule.name_en,
        rule_name_zh=rule.name_zh,
        rule_kind=rule.kind,
        severity=rule.severity,
        alarm_class=rule.alarm_class,
        what_en=what.en,
        what_zh=what.zh,
        metric=rule.metric,
        unit="s" if rule.kind is RuleKind.NO_DATA else finding.unit,
        value=change.value,
        limit=limit_of(change),
        measure=_finite(change.measure),
        reference=_finite(change.reference),
        low=_finite(change.low),
        high=_finite(change.high),
        members=tuple(member.key for member in finding.members(MEMBERS_KEPT)),
        members_count=len(change.members),
        source=rule.source,
        state=OPENING.state,
        condition_holds=change.holds,
        late=change.late,
        raised_us=finding.now_us,
        event_us=change.time_us,
        since_us=change.since_us,
        last_us=finding.now_us,
        building=device.building,
        floor=device.floor,
        unit_name=device.unit,
        gateway=device.gateway,
        exercise=Exercise.SYNTHETIC if device.profile == SYNTHETIC_PROFILE else None,
    )


def continued(incident: Incident, fresh: Incident) -> Incident:
    """Return `incident` as `fresh` leaves it where that is no news: what was measured, and whether it still holds.

    How bad it is, where and since when stay as people were told. When it ends, its members stay those of the danger.
    """
    holds = fresh.condition_holds
    return msgspec.structs.replace(
        incident,
        rule_kind=fresh.rule_kind,
        what_en=fresh.what_en,
        what_zh=fresh.what_zh,
        value=fresh.value,
        limit=fresh.limit,
        measure=fresh.measure,
        reference=fresh.reference,
        low=fresh.low,
        high=fresh.high,
        members=fresh.members if holds else incident.members,
        members_count=fresh.members_count if holds else incident.members_count,
        source=fresh.source,
        condition_holds=holds,
        last_us=fresh.last_us,
    )


def _place(finding: Finding) -> Text:
    """Return where it is: where the device hangs, or the place that a rule about several devices is about."""
    terms, device = finding.rule.terms, finding.device
    if isinstance(terms, NeighbourhoodTerms | CompositeTerms) and terms.scope in _WIDE:
        return common_place(terms.scope, device)
    return Text(device.place, place_zh(device))


def _finite(value: float | None) -> float | None:
    return value if value is not None and isfinite(value) else None
