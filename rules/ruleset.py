"""The rule set: every rule, where it is overridden, when it is in force; and the same as bytes for the journal."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Self

import msgspec

from rules.model import RELATION_KINDS, Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from devices.model import Device
    from devices.profile import Profile

__all__ = [
    "MINUTES_A_DAY",
    "Override",
    "Period",
    "RuleSet",
    "Schedule",
    "Variant",
    "Window",
    "decode_rules",
    "encode_rules",
]

MINUTES_A_DAY = 24 * 60


class Period(msgspec.Struct, frozen=True):
    """A part of some days of the week, in the rule set's time zone.

    days:             0 for Monday … 6 for Sunday
    from_min, to_min: minutes of the day, the end not included; an end at or before the start is on the next day
    """

    days: tuple[int, ...]
    from_min: int = 0
    to_min: int = MINUTES_A_DAY


class Schedule(msgspec.Struct, frozen=True):
    """When the rules that name it raise anything."""

    name: str
    periods: tuple[Period, ...]
    origin: str = ""


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """Maintenance: for this time nothing is raised there. It ends by itself.

    from_us, to_us: the fold's time, the end not included
    site, grid, building, device: the devices that it is about; "" for any. `device` is a name within `site`
    rules:     rule ids; all where empty
    by, reason: who asked for it, and why
    signed_by: who answers for life-safety rules being silent as well; "" and they are exempt
    """

    from_us: int
    to_us: int
    by: str
    reason: str
    site: str
    grid: str = ""
    building: str = ""
    device: str = ""
    rules: tuple[str, ...] = ()
    signed_by: str = ""
    origin: str = ""


class Override(msgspec.Struct, frozen=True):
    """Devices for which some rules are otherwise; a narrower one goes before a wider one.

    site, grid, device: "" for any; `device` is a name within `site`
    rules:              ids of the rules that it changes
    """

    site: str
    grid: str
    device: str
    rules: tuple[str, ...]
    origin: str = ""

    def matches(self, device: Device) -> bool:
        """Say whether it is about `device`."""
        return self.site in ("", device.site) and self.grid in ("", device.grid) and self.device in ("", device.name)


class Variant(msgspec.Struct, frozen=True):
    """A rule as it is where just these overrides apply.

    overrides: rows of `RuleSet.overrides`, rising
    rule:      None where they switch it off
    """

    rule_id: str
    overrides: tuple[int, ...]
    rule: Rule | None


class RuleSet(msgspec.Struct, frozen=True, dict=True):
    """All rules; `of` makes one of rules alone.

    rules:     profiles in order of their names, within a profile as its files have them
    overrides: for sites, grids and devices, the widest first (one for a whole profile is in `rules` already)
    variants:  for every rule and every set of overrides of it that can meet on a device
    timezone:  of schedules, and of the hours of the week
    """

    rules: tuple[Rule, ...]
    overrides: tuple[Override, ...] = ()
    variants: tuple[Variant, ...] = ()
    schedules: tuple[Schedule, ...] = ()
    windows: tuple[Window, ...] = ()
    timezone: str = "Asia/Shanghai"

    @classmethod
    def of(cls, rules: Iterable[Rule]) -> Self:
        """Order `rules`, whose ids must be unique."""
        return cls(tuple(sorted(rules, key=lambda rule: rule.profile)))

    @cached_property
    def by_id(self) -> Mapping[str, Rule]:
        """The rules, without overrides, by id."""
        return {rule.id: rule for rule in self.rules}

    @cached_property
    def by_profile(self) -> Mapping[str, tuple[Rule, ...]]:
        """The rules of each profile, relations among them, without overrides."""
        profiles = dict.fromkeys(rule.profile for rule in self.rules)
        return {name: tuple(rule for rule in self.rules if rule.profile == name) for name in profiles}

    @cached_property
    def relations(self) -> tuple[Rule, ...]:
        """The rules about what other rules say."""
        return tuple(rule for rule in self.rules if rule.kind in RELATION_KINDS)

    def selection(self, device: Device) -> tuple[int, ...]:
        """Return the rows of the overrides that are about `device`, rising."""
        return tuple(row for row, override in enumerate(self.overrides) if override.matches(device))

    def in_force(self, profile: str, selection: tuple[int, ...]) -> tuple[Rule, ...]:
        """Return the rules of `profile` on its devices that just these overrides are about."""
        found = (self._effective(rule, selection) for rule in self.by_profile.get(profile, ()))
        return tuple(rule for rule in found if rule is not None)

    def _effective(self, rule: Rule, selection: tuple[int, ...]) -> Rule | None:
        of_rule = tuple(row for row in selection if rule.id in self.overrides[row].rules)
        return self._variant_of[rule.id, of_rule] if of_rule else rule

    def fitting(self, profiles: Mapping[str, Profile]) -> RuleSet:
        """Return the rules, as they are anywhere, whose profile is one of `profiles` and has the metric they read."""

        def fits(rule: Rule) -> bool:
            profile = profiles.get(rule.profile)
            return profile is not None and (not rule.metric or rule.metric in profile.metrics)

        if all(fits(rule) for rule in self.rules):
            return self
        rules = tuple(rule for rule in self.rules if fits(rule))
        ids = {rule.id for rule in rules}
        variants = tuple(variant for variant in self.variants if variant.rule_id in ids)
        return msgspec.structs.replace(self, rules=rules, variants=variants)

    @cached_property
    def _variant_of(self) -> Mapping[tuple[str, tuple[int, ...]], Rule | None]:
        return {(variant.rule_id, variant.overrides): variant.rule for variant in self.variants}


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(RuleSet)


def encode_rules(rules: RuleSet) -> bytes:
    """Return `rules` as bytes."""
    return _ENCODER.encode(rules)


def decode_rules(body: bytes) -> RuleSet:
    """Return the rules of `encode_rules`. Raises msgspec.DecodeError where `body` is none."""
    return _DECODER.decode(body)
