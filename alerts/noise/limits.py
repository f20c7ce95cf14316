"""`NoiseLimits`: how noise is kept down, and what it is bounded by."""

from __future__ import annotations

from dataclasses import dataclass, field

from alerts.noise.flapping import FlappingLimits
from alerts.noise.groups import GroupLimits
from alerts.noise.silences import SilenceLimits

__all__ = ["NoiseLimits"]


@dataclass(frozen=True, slots=True)
class NoiseLimits:
    """The limits of each part.

    release_after_s: s from the end of what explained an incident, or led its group, until it is told: most end with it;
                     life safety does not wait
    dangers:         open incidents that are remembered; beyond that each is told
    """

    groups: GroupLimits = field(default_factory=GroupLimits)
    silences: SilenceLimits = field(default_factory=SilenceLimits)
    flapping: FlappingLimits = field(default_factory=FlappingLimits)
    release_after_s: float = 60.0
    dangers: int = 100_000
