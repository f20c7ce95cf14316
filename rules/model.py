"""The rule model: what is dangerous, how bad it is, and what the engine says about it.

A rule has *terms* (what it looks for, one class a kind), a *timing* (how long, how often) and what it means to people.
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

import msgspec

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


class RuleKind(StrEnum):
    """The kinds there are; the value is `kind` in a rule's TOML table."""

    ALARM = "alarm"
    """A flag or event that the device itself raises; every reading of it that is set is a change."""
    THRESHOLD = "threshold"
    """A limit with its own clear level."""
    RANGE = "range"
    """Outside of two limits."""
    FAULT = "fault"
    """A reading outside what the sensor can physically say, or its error code."""
    RATE = "rate"
    """A rise or fall within a window."""
    DOSE = "dose"
    """An exposure: concentration against time."""
    FLATLINE = "flatline"
    """Readings that are all the same for too long."""
    BASELINE = "baseline"
    """Far from what is usual for this channel at this hour of the week."""
    INACTIVITY = "inactivity"
    """A person still for longer than is usual for this person at these hours."""
    DRIFT = "drift"
    """Slowly away from what it was when it was installed."""
    FORECAST = "forecast"
    """Will reach a level within a time."""
    NO_DATA = "no_data"
    """Nothing heard of the device for too long."""
    NEIGHBOURHOOD = "neighbourhood"
    """Other rules hold on so many devices of one place."""
    COMPOSITE = "composite"
    """Other rules hold together, or one after the other."""


RELATION_KINDS = frozenset({RuleKind.NEIGHBOURHOOD, RuleKind.COMPOSITE})
"""The kinds that look at what other rules say."""


class Comparison(StrEnum):
    """How a threshold compares; the value is the key in the rule's TOML table."""

    AT_LEAST = "at_least"
    ABOVE = "above"
    AT_MOST = "at_most"
    BELOW = "below"

    @property
    def upward(self) -> bool:
        """Whether large values are in breach."""
        return self in {Comparison.AT_LEAST, Comparison.ABOVE}


class Direction(StrEnum):
    """Which way is dangerous."""

    UP = "up"
    DOWN = "down"
    BOTH = "both"


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


class RuleMode(StrEnum):
    """Who hears of a rule."""

    LIVE = "live"
    """It raises incidents."""
    SHADOW = "shadow"
    """It runs, and what it would have raised is recorded; nobody is told."""
    PART = "part"
    """Only other rules hear of it: a composite or a neighbourhood."""


class Scope(StrEnum):
    """Which devices belong together; all but DEVICE and RADIUS lie within one site."""

    DEVICE = "device"
    UNIT = "unit"
    FLOOR = "floor"
    """One floor of one building, which has one stairwell."""
    BUILDING = "building"
    GRID = "grid"
    SITE = "site"
    GATEWAY = "gateway"
    RADIUS = "radius"


# ── terms ────────────────────────────────────────────────────────────────────────────────────────────────────────────


class AlarmTerms(msgspec.Struct, frozen=True, tag="alarm"):
    """The device's own word.

    latched: it does not cease when the flag goes back to 0: a person ends it
    """

    kind: ClassVar[RuleKind] = RuleKind.ALARM
    latched: bool = False


class ThresholdTerms(msgspec.Struct, frozen=True, tag="threshold"):
    """A limit, in the metric's unit.

    clear: the level at which it ceases; the limit where the rule gives none
    """

    kind: ClassVar[RuleKind] = RuleKind.THRESHOLD
    comparison: Comparison
    limit: float
    clear: float


class RangeTerms(msgspec.Struct, frozen=True, tag="range"):
    """Two limits, in the metric's unit; both belong to the good range.

    clear_low, clear_high: it ceases within these; the limits where the rule gives none
    """

    kind: ClassVar[RuleKind] = RuleKind.RANGE
    low: float
    high: float
    clear_low: float
    clear_high: float


class FaultTerms(msgspec.Struct, frozen=True, tag="fault"):
    """Nothing to say: range and error codes are the metric's."""

    kind: ClassVar[RuleKind] = RuleKind.FAULT


class RateTerms(msgspec.Struct, frozen=True, tag="rate"):
    """A change of at least `by` against the lowest (rise) or highest (fall) of the last `within_s`.

    by, clear: in the metric's unit, > 0; it ceases when the change is below `clear`, which is `by` where none is given
    """

    kind: ClassVar[RuleKind] = RuleKind.RATE
    direction: Direction
    by: float
    within_s: float
    clear: float


class Band(msgspec.Struct, frozen=True):
    """A concentration (in the metric's unit) and the time for which it may be breathed."""

    at_least: float
    within_s: float


class DoseTerms(msgspec.Struct, frozen=True, tag="dose"):
    """An exposure.

    bands:      by rising concentration; at one, the whole dose is taken in after its time
    clear:      the exposure ends below this concentration
    recovery_s: the time in which a whole dose is gone again
    """

    kind: ClassVar[RuleKind] = RuleKind.DOSE
    bands: tuple[Band, ...]
    clear: float
    recovery_s: float


class FlatlineTerms(msgspec.Struct, frozen=True, tag="flatline"):
    """The same value in at least `samples` readings over at least `after_s`."""

    kind: ClassVar[RuleKind] = RuleKind.FLATLINE
    after_s: float
    samples: int


class BaselineTerms(msgspec.Struct, frozen=True, tag="baseline"):
    """Readings far from what this channel usually says at this hour of the week.

    deviations, clear: multiples of the usual deviation
    least:     the smallest usual deviation to be believed, in the metric's unit
    learn_s:   nothing is judged for so long after the first reading
    """

    kind: ClassVar[RuleKind] = RuleKind.BASELINE
    direction: Direction
    deviations: float
    clear: float
    least: float
    learn_s: float


class InactivityTerms(msgspec.Struct, frozen=True, tag="inactivity"):
    """A stillness that has less than the chance `chance` by this person's own week.

    at_least_s: never sooner than this
    learn_s:    until the week is learned, `until_learned_s` of stillness is what counts
    """

    kind: ClassVar[RuleKind] = RuleKind.INACTIVITY
    chance: float
    at_least_s: float
    learn_s: float
    until_learned_s: float


class DriftTerms(msgspec.Struct, frozen=True, tag="drift"):
    """The median of the last `window_s` less the median of the first `baseline_s` after the installation.

    by, clear: in the metric's unit, > 0
    """

    kind: ClassVar[RuleKind] = RuleKind.DRIFT
    direction: Direction
    by: float
    clear: float
    window_s: float
    baseline_s: float


class ForecastTerms(msgspec.Struct, frozen=True, tag="forecast"):
    """Will fall (DOWN) or rise (UP) to `level` within `within_s`, by the trend of the last `window_s`.

    reset_by: a jump so large the other way (a refill, a new battery) begins the trend anew; in the metric's unit
    clear_s:  it ceases when the time left is longer than this
    """

    kind: ClassVar[RuleKind] = RuleKind.FORECAST
    direction: Direction
    level: float
    within_s: float
    window_s: float
    reset_by: float
    clear_s: float


class NoDataTerms(msgspec.Struct, frozen=True, tag="no_data"):
    """Silence of `after_s`; where `periods` is given, of so many reporting periods as learned, if that is sooner.

    at_least_s: never sooner than this by the learned period
    """

    kind: ClassVar[RuleKind] = RuleKind.NO_DATA
    after_s: float
    periods: float | None = None
    at_least_s: float = 0.0


class NeighbourhoodTerms(msgspec.Struct, frozen=True, tag="neighbourhood"):
    """Any of `rules` holds on, or was raised within `within_s` on, at least so many devices of one place.

    at_least: devices
    share:    and at least this share of the place's devices that any of `rules` watches, 0 … 1
    radius_m: for the scope RADIUS
    """

    kind: ClassVar[RuleKind] = RuleKind.NEIGHBOURHOOD
    rules: tuple[str, ...]
    scope: Scope
    at_least: int
    within_s: float
    share: float = 0.0
    radius_m: float = 0.0


class CompositeTerms(msgspec.Struct, frozen=True, tag="composite"):
    """Holds while all of `all_of`, at least one of `any_of` (if there are any) and none of `none_of` hold in one place.

    then: these rules were raised one after the other, each within `within_s` of the one before, the last one still
          holds; empty where order does not matter
    """

    kind: ClassVar[RuleKind] = RuleKind.COMPOSITE
    all_of: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
    none_of: tuple[str, ...] = ()
    then: tuple[str, ...] = ()
    within_s: float = 0.0
    scope: Scope = Scope.DEVICE


Terms = (
    AlarmTerms
    | ThresholdTerms
    | RangeTerms
    | FaultTerms
    | RateTerms
    | DoseTerms
    | FlatlineTerms
    | BaselineTerms
    | InactivityTerms
    | DriftTerms
    | ForecastTerms
    | NoDataTerms
    | NeighbourhoodTerms
    | CompositeTerms
)


# ── rules ────────────────────────────────────────────────────────────────────────────────────────────────────────────


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
