"""Profiles: what a kind of device measures, how often, and what is dangerous by default."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devices.model import Kind
    from devices.toml_lines import Place

__all__ = ["MOST_ERRORS", "Metric", "MetricType", "Profile"]

MOST_ERRORS = 4
"""So many error codes a metric may have."""


class MetricType(StrEnum):
    """How a metric behaves over time."""

    GAUGE = "gauge"
    """A measured quantity."""
    FLAG = "flag"
    """0 or 1, and it stays until the device says otherwise."""
    EVENT = "event"
    """1 at the moment something happens (a button pressed); nothing ever sets it back."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One quantity of a profile.

    unit:             UCUM-like unit name, "" for flags and events
    minimum, maximum: what the sensor can physically say, in `unit`; a reading outside is a fault, never a low reading
    errors:           at most `MOST_ERRORS` values that are the sensor's words for an error, in `unit`, inside the range
                      or not; a gauge's only
    """

    name: str
    type: MetricType
    unit: str
    label_en: str
    label_zh: str
    minimum: float | None = None
    maximum: float | None = None
    errors: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Profile:
    """What one kind of device measures.

    reporting_s: s between reports in normal operation
    rules:       the raw `[[rules]]` tables, for `rules.loader`
    origin:      the file it was read from, for messages
    lines:       line of each table and key of that file; `("rules", 0, "hold_s")` is the first rule's
    """

    name: str
    kind: Kind
    label_en: str
    label_zh: str
    reporting_s: float
    metrics: Mapping[str, Metric]
    rules: tuple[Mapping[str, object], ...]
    origin: str
    lines: Mapping[Place, int] = field(default_factory=dict, compare=False, repr=False)
