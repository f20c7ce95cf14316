"""What rules in shadow would have raised, summed up for a person who has to decide whether they go live."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import msgspec

from alerts import ShadowEvent
from devices import Lifecycle
from rules.model import RuleMode, Severity
from service.shadow_log import HOUR_US, HOURS_KEPT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from devices import Registry
    from rules.model import Rule
    from rules.ruleset import RuleSet
    from service.shadow_log import ShadowLog

__all__ = ["ShadowLine", "ShadowReport", "shadow_report"]

_OUT_OF_SERVICE = frozenset({Lifecycle.MAINTENANCE, Lifecycle.RETIRED})


class ShadowLine(msgspec.Struct, frozen=True, kw_only=True):
    """One rule that is, or lately was, in shadow.

    name_en … severity: "" and None where the rule is gone
    in_shadow: whether it still is, on some device
    raised:    day, in the rules' time zone → how often it would have been news; every day that was asked for
    holds:     devices on which it holds now
    """

    rule_id: str
    name_en: str
    name_zh: str
    severity: Severity | None
    in_shadow: bool
    raised: dict[str, int]
    holds: int


class ShadowReport(msgspec.Struct, frozen=True, kw_only=True):
    """All rules in shadow.

    since_us:   the beginning of what was asked for, or of what is remembered
    overlooked: holds that are counted nowhere, since there were too many
    events:     changes, newest first, as far as they are kept
    """

    since_us: int
    overlooked: int
    rules: list[ShadowLine]
    events: list[ShadowEvent]


def shadow_report(
    log: ShadowLog,
    rules: RuleSet,
    registry: Registry,
    now_us: int,
    *,
    since_us: int = 0,
    rule_id: str | None = None,
    device: str | None = None,
) -> ShadowReport:
    """Sum up what would have been raised from `since_us` on, by one rule or by all, on one device or on all.

    now_us: the fold's time
    Counts begin with a whole hour and reach back 31 days; those of one device are of the changes that are kept. What
    was taken out of service while a rule held on it is not counted as holding.
    """
    since_us = min(max(since_us, now_us - (HOURS_KEPT - 1) * HOUR_US, 0), now_us)
    events = log.events(rule_id, device, since_us)
    in_shadow = _in_shadow(rules)
    holds = Counter(rule for key, rule in log.holding() if device in (None, key) and _is_in_service(registry, key))
    ids = {*in_shadow, *log.raised, *holds}
    zone = ZoneInfo(rules.timezone)
    days = _days(since_us, now_us, zone)
    lines = []
    for known_id in sorted(ids if rule_id is None else ids & {rule_id}):
        rule = in_shadow.get(known_id) or rules.by_id.get(known_id)
        hours = log.raised.get(known_id, {}) if device is None else _hours(events, known_id)
        raised = dict.fromkeys(days, 0)
        for hour, count in hours.items():
            if hour >= since_us // HOUR_US:
                raised[_day(max(hour * HOUR_US, since_us), zone)] += count
        lines.append(
            ShadowLine(
                rule_id=known_id,
                name_en=rule.name_en if rule else "",
                name_zh=rule.name_zh if rule else "",
                severity=rule.severity if rule else None,
                in_shadow=known_id in in_shadow,
                raised=raised,
                holds=holds[known_id],
            )
        )
    return ShadowReport(since_us=since_us, overlooked=log.overlooked, rules=lines, events=events)


def _in_shadow(rules: RuleSet) -> dict[str, Rule]:
    """Return the rules that are in shadow everywhere or by an override, by id."""
    found = [*rules.rules, *(variant.rule for variant in rules.variants)]
    return {rule.id: rule for rule in found if rule is not None and rule.mode is RuleMode.SHADOW}


def _is_in_service(registry: Registry, key: str) -> bool:
    row = registry.device_row(key)
    device = None if row is None else registry.device(row)
    return device is not None and device.lifecycle not in _OUT_OF_SERVICE


def _hours(events: Sequence[ShadowEvent], rule_id: str) -> Mapping[int, int]:
    return Counter(event.noted_us // HOUR_US for event in events if event.rule_id == rule_id and event.is_raised)


def _day(time_us: int, zone: ZoneInfo) -> str:
    return datetime.fromtimestamp(time_us / 1e6, UTC).astimezone(zone).date().isoformat()


def _days(from_us: int, to_us: int, zone: ZoneInfo) -> list[str]:
    """Return every day from one time to the other, both included."""
    day = datetime.fromtimestamp(from_us / 1e6, UTC).astimezone(zone).date()
    last = _day(to_us, zone)
    days = [day.isoformat()]
    while days[-1] < last:
        day += timedelta(days=1)
        days.append(day.isoformat())
    return days
