"""The gate as an obvious function of every change: the oracle of `rules.gate`, but for `unless`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import msgspec

from devices import MetricType
from rules.model import AlarmTerms, Change, Rule
from tests.rules.naive_relations import RELATIONS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from devices import Device, Profile
    from rules.ruleset import RuleSet


class NaiveGate:
    """`devices` by row are the conclusions' own, and change."""

    def __init__(self, rules: RuleSet, profiles: Mapping[str, Profile], devices: Mapping[int, Device]) -> None:
        self.rules = rules
        self.profiles = profiles
        self.devices = devices
        self.withheld: dict[tuple[int, str], Change] = {}

    def opened(self, changes: Sequence[Change], now: int) -> list[Change]:
        keys = [
            key
            for key, change in sorted(self.withheld.items(), key=lambda one: one[0])
            if not self.is_event(change.rule)
            and not self.shut(change.rule, key[0], now)
            and not any((one.device_row, one.rule.id) == key for one in changes)
        ]
        keys.sort(key=lambda key: self.withheld[key].rule.kind in RELATIONS)
        return [msgspec.structs.replace(self.withheld.pop(key), time_us=now) for key in keys]

    def review(self, row: int, rules: Mapping[str, Rule]) -> None:
        for (its_row, rule_id), change in list(self.withheld.items()):
            if its_row == row and rule_id in rules:
                self.withheld[its_row, rule_id] = msgspec.structs.replace(change, rule=rules[rule_id])
            elif its_row == row and change.rule.kind not in RELATIONS:
                del self.withheld[its_row, rule_id]

    def bound(self, now: int) -> None:
        self.withheld = {
            key: msgspec.structs.replace(change, time_us=min(change.time_us, now), since_us=min(change.since_us, now))
            for key, change in self.withheld.items()
        }

    def shut(self, rule: Rule, row: int, now: int) -> bool:
        local = datetime.fromtimestamp(now // 1_000_000, UTC).astimezone(ZoneInfo(self.rules.timezone))
        minute = local.hour * 60 + local.minute
        for schedule in self.rules.schedules:
            if schedule.name == rule.schedule and not (rule.is_life_safety and not rule.signed_by):
                inside = False
                for period in schedule.periods:
                    for day in period.days:
                        start = day * 1440 + period.from_min
                        end = day * 1440 + period.to_min + (1440 if period.to_min <= period.from_min else 0)
                        this = local.weekday() * 1440 + minute
                        inside |= start <= this < end or start <= this + 7 * 1440 < end
                if not inside:
                    return True
        device = self.devices.get(row)
        for one in self.rules.windows:
            if one.from_us <= now < one.to_us and not (rule.is_life_safety and not one.signed_by) and device:
                asked = (one.site, one.grid, one.building, one.device)
                is_ = (device.site, device.grid, device.building, device.name)
                if all(a in ("", b) for a, b in zip(asked, is_, strict=True)) and rule.id in (one.rules or (rule.id,)):
                    return True
        return False

    def passed(self, change: Change, now: int) -> Change | None:
        key = (change.device_row, change.rule.id)
        held = self.withheld.get(key)
        if not change.holds:
            return None if self.withheld.pop(key, None) else change
        if not self.shut(change.rule, change.device_row, now):
            if held is None:
                return change
            del self.withheld[key]
            return msgspec.structs.replace(change, repeated=False, since_us=held.since_us)
        if held is not None:
            self.withheld[key] = msgspec.structs.replace(change, repeated=False, since_us=held.since_us)
        elif not change.repeated:
            self.withheld[key] = change
        elif not self.is_event(change.rule):
            return change
        return None

    def is_event(self, rule: Rule) -> bool:
        if not isinstance(rule.terms, AlarmTerms):
            return False
        return self.profiles[rule.profile].metrics[rule.metric].type is MetricType.EVENT

    def is_endless(self, rule: Rule) -> bool:
        return self.is_event(rule) or (isinstance(rule.terms, AlarmTerms) and rule.terms.latched)
