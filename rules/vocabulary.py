"""The closed sets of the rule model: kinds, comparisons, severities, classes, modes, scopes."""

from __future__ import annotations

from enum import StrEnum

__all__ = [
    "RELATION_KINDS",
    "AlarmClass",
    "Comparison",
    "Direction",
    "RuleKind",
    "RuleMode",
    "Scope",
    "Severity",
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
