"""The rule model: what is dangerous, how bad it is, and what the engine says about it.

A rule has *terms* (what it looks for, one class a kind), a *timing* (how long, how often) and what it means to people.
"""

from __future__ import annotations

import msgspec

from rules.terms import (
    AlarmTerms,
    Band,
    BaselineTerms,
    CompositeTerms,
    DoseTerms,
    DriftTerms,
    FaultTerms,
    FlatlineTerms,
    ForecastTerms,
    InactivityTerms,
    NeighbourhoodTerms,
    NoDataTerms,
    RangeTerms,
    RateTerms,
    Terms,
    ThresholdTerms,
)
from rules.vocabulary import (
    RELATION_KINDS,
    AlarmClass,
    Comparison,
    Direction,
    RuleKind,
    RuleMode,
    Scope,
    Severity,
)

__all__ = [
    "RELATION_KINDS",
    "AlarmClass",
    "AlarmTerms",
    "Band",
    "BaselineTerms",
    "Change",
    "Comparison",
    "CompositeTerms",
    "Direction",
    "DoseTerms",
    "DriftTerms",
    "FaultTerms",
    "FlatlineTerms",
    "ForecastTerms",
    "InactivityTerms",
    "NeighbourhoodTerms",
    "NoDataTerms",
    "RangeTerms",
    "RateTerms",
    "Rule",
    "RuleKind",
    "RuleMode",
    "Scope",
    "Severity",
    "Terms",
    "ThresholdTerms",
    "Timing",
]


class Timing(msgspec.Struct, frozen=True):
    """How long and how often.

    hold_s:       how long the breach must last before the rule holds
    clear_hold_s: how long the clear level must last before it ceases
    gap_s:        the longest silence between two readings that counts as the breach, or the clear level, going on; a
                  longer one counts as so much. None: any, so that a sensor lost in mid-breach still alarms
    count:        so many readings in breach …
    count_within_s: … within this time make it hold; 0 and 0 where one is enough
    """

    hold_s: float = 0.0
    clear_hold_s: float = 0.0
    gap_s: float | None = None
    count: int = 0
    count_within_s: float = 0.0


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule, as it is in force on some devices of a profile.

    id:        unique over all profiles, `<profile>.<what>`; overridden for some devices it keeps its id
    metric:    the metric it reads; "" for no-data and relation rules
    source:    where the figures come from
    schedule:  name of the schedule outside of which it raises nothing; "" for always
    unless:    ids of rules of the same profile; while one of them holds on a device, it raises nothing there
    signed_by: who answers for a life-safety rule that is under a schedule, a window or `unless`, and why
    origins:   key of the TOML table → `file:line` where that value was given
    """

    id: str
    profile: str
    metric: str
    severity: Severity
    alarm_class: AlarmClass
    name_en: str
    name_zh: str
    source: str
    terms: Terms
    timing: Timing = Timing()
    mode: RuleMode = RuleMode.LIVE
    schedule: str = ""
    unless: tuple[str, ...] = ()
    signed_by: str = ""
    origins: dict[str, str] = {}

    @property
    def kind(self) -> RuleKind:
        """The kind of its terms."""
        return self.terms.kind

    @property
    def is_life_safety(self) -> bool:
        """Whether people may be in danger."""
        return self.alarm_class is AlarmClass.LIFE_SAFETY

    def decides_like(self, other: Rule) -> bool:
        """Say whether both come to the same state on the same readings: state of one may go on under the other."""
        return (self.metric, self.terms, self.timing) == (other.metric, other.terms, other.timing)


class Change(msgspec.Struct, frozen=True, gc=False):
    """A rule starts, repeats or ceases to hold on a device.

    rule:     as it is in force on the device, overrides included
    channel:  channel row, or -1 for no-data and relation rules
    holds:    True where it holds from `time_us` on, False where it ceased
    repeated: it already held and the device said so again (alarm flags and events), or more devices joined
    late:     the reading that decided is older than one already seen
    time_us:  event time of the reading that decided; for a hold that ran out between readings, the moment it ran out;
              for no-data rules, the fold's time. Never after the fold's time
    since_us: when the breach began (equal to `time_us` where there was no hold); for no-data rules, when the device
              was last heard
    value:    the reading that decided, in the metric's unit; for a hold that ran out, the last one before; None for
              no-data and relation rules
    measure:  what the rule judged. threshold, range, fault, alarm: the value; rate: the change over the window, signed,
              in the metric's unit; dose: share of a whole dose; flatline: s without a change; baseline: usual
              deviations away, signed; inactivity: the chance of so long a stillness; drift: signed, in the metric's
              unit; forecast: s until the level is reached; no-data: s of silence that count; neighbourhood: devices
    reference: what it was compared with: rate: the extreme of the window; baseline: the usual value; inactivity: s of
              stillness; drift: the installation baseline; forecast: the trend a day, signed; no-data: the learned
              reporting period, s; neighbourhood: devices of the place
    low, high: the interval of the measure, where it is an estimate: forecast: s
    members:  device rows that have a part in it: of a neighbourhood or composite, those on which a rule holds; of a
              silent gateway, the devices behind it
    """

    device_row: int
    channel: int
    rule: Rule
    holds: bool
    repeated: bool
    late: bool
    time_us: int
    since_us: int
    value: float | None = None
    measure: float | None = None
    reference: float | None = None
    low: float | None = None
    high: float | None = None
    members: tuple[int, ...] = ()

    @property
    def rule_id(self) -> str:
        """The id of its rule."""
        return self.rule.id
