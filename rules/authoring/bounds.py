"""What is said where a rule asks of a metric what it cannot say."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from rules.limits import physical_range

if TYPE_CHECKING:
    from devices.profile import Metric
    from rules.authoring.table import Table

__all__ = ["FOUR_PERIODS", "PERIOD", "SIX_PERIODS", "reach", "say_beyond"]

PERIOD: Final = "the profile's reporting period"
FOUR_PERIODS: Final = "four of the profile's reporting periods: fewer readings are never judged"
SIX_PERIODS: Final = "six of the profile's reporting periods: fewer readings have no trend"


def say_beyond(table: Table, key: str, metric: Metric, wanted: str) -> None:
    """Say that `key` is a level that no reading of `metric` can reach."""
    table.say(key, f"{table.shown(key)} is beyond what the sensor can say", f"{wanted} {reach(metric)}")


def reach(metric: Metric) -> str:
    """Return what the sensor can say, for a message: "within 0 … 100 %LEL"."""
    low, high = (f"{bound:g} " if math.isfinite(bound) else "" for bound in physical_range(metric))
    return f"within {low}… {high}{metric.unit}".rstrip()
