"""The rule model: what is dangerous, how bad it is, and what the engine says about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["AlarmClass", "Change", "Comparison", "Rule", "RuleKind", "RuleSet", "Severity"]


class RuleKind(StrEnum):
    """The kernels there are."""

    ALARM = "alarm"
    """A flag or event that the device itself raises; every reading of it that is set is a change."""
    THRESHOLD = "threshold"
    """A limit with its own clear level and hold times."""
    FAULT = "fault"
    """A reading outside what the sensor can physically say."""
    NO_DATA = "no_data"
    """Nothing heard of the device for too long."""


class Comparison(StrEnum):
    """How a threshold compares; the value is the key in the rule's TOML table."""

    AT_LEAST = "at_least"
    ABOVE = "above"
    AT_MOST = "at_most"
    BELOW = "below"


class Severity(StrEnum):
    """How bad it is; `rank` orders them."""

    ADVISORY = "advisory"
    WARNING = "warning"
    ALARM = "alarm"
    EMERGENCY = "emergency"

    @property
    def rank(self) -> int:
        """0 for advisory to 3 for emergency."""
        return list(Severity).index(self)


class AlarmClass(StrEnum):
    """What is at stake; the classes of NFPA 72."""

    LIFE_SAFETY = "life-safety"
    PROPERTY = "property"
    SUPERVISORY = "supervisory"
    TROUBLE = "trouble"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of one profile.

    id:           unique over all profiles, `<profile>.<what>`
    metric:       the metric it reads; "" for no-data rules
    comparison, limit: thresholds only; in the metric's unit
    clear:        the level at which a threshold ceases; equal to the limit where the rule gives none
    hold_s:       how long the breach must last before the rule holds, s
    clear_hold_s: how long the clear level must last before it ceases, s
    after_s:      no-data rules only: s of silence
    source:       where the figures come from
    """

    id: str
    profile: str
    kind: RuleKind
    metric: str
    severity: Severity
    alarm_class: AlarmClass
    name_en: str
    name_zh: str
    source: str
    comparison: Comparison | None = None
    limit: float | None = None
    clear: float | None = None
    hold_s: float = 0.0
    clear_hold_s: float = 0.0
    after_s: float | None = None


@dataclass(frozen=True, slots=True)
class RuleSet:
    """The rules of every profile; `of` makes one.

    rules: profiles in order of their names, within a profile as its file has them
    """

    rules: tuple[Rule, ...]
    by_id: Mapping[str, Rule]
    by_profile: Mapping[str, tuple[Rule, ...]]

    @classmethod
    def of(cls, rules: Iterable[Rule]) -> Self:
        """Order and index `rules`, whose ids must be unique."""
        ordered = tuple(sorted(rules, key=lambda rule: rule.profile))
        profiles = dict.fromkeys(rule.profile for rule in ordered)
        return cls(
            ordered,
            {rule.id: rule for rule in ordered},
            {name: tuple(rule for rule in ordered if rule.profile == name) for name in profiles},
        )


@dataclass(frozen=True, slots=True)
class Change:
    """A rule starts, repeats or ceases to hold on a device.

    holds:    True where it holds from `time_us` on, False where it ceased
    repeated: it already held and the device said so again (alarm flags and events only)
    late:     the reading that decided is older than one already seen
    time_us:  event time of the reading that decided; for a hold that ran out between readings, the moment it ran out;
              for no-data rules, the fold's time. Never after the fold's time
    since_us: when the breach began (equal to `time_us` where there was no hold); for no-data rules, when the device
              was last heard
    value:    the reading that decided, in the metric's unit; for a hold that ran out, the last one before; None for
              no-data rules
    channel:  channel row, or -1 for no-data rules
    """

    device_row: int
    channel: int
    rule_id: str
    holds: bool
    repeated: bool
    late: bool
    time_us: int
    since_us: int
    value: float | None
