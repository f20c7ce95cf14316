"""What each kind of rule judges by: a struct of figures for each."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from rules.vocabulary import Comparison, Direction, RuleKind, Scope

__all__ = [
    "AlarmTerms",
    "Band",
    "BaselineTerms",
    "CompositeTerms",
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
    "Terms",
    "ThresholdTerms",
]


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
