"""`NoiseCounters`: what was kept back and let go, in plain integers; `alerts.noise.metrics` shows them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from alerts.response_event import ResponseKind

__all__ = ["KEPT_BACK", "Bound", "Hold", "NoiseCounters"]

KEPT_BACK: Final = (ResponseKind.SILENCED, ResponseKind.INHIBITED, ResponseKind.FLAPPING, ResponseKind.GROUPED)
"""Why an incident is not told by itself, in the order in which it is asked."""


class Hold(StrEnum):
    """Why a message to a person waits for a digest."""

    QUIET = "quiet"
    """It is their quiet hours."""
    GROUP = "group"
    """It is about an incident that is told together with another."""
    STORM = "storm"
    """They had too many just now."""
    BUDGET = "budget"
    """They had too many this hour."""


class Bound(StrEnum):
    """What is bounded, and was found full."""

    DANGERS = "dangers"
    """An incident was told and not remembered: it hides nothing and leads no group."""
    FLAPPING = "flapping"
    """The one that was raised longest ago of those counted was forgotten."""
    SILENCES = "silences"
    """A silence was refused."""
    HELD = "held"
    """A message was sent at once: there is no room for more that wait."""


@dataclass(slots=True)
class NoiseCounters:
    """Counts since the start of the process; a replay at the start counts what it folds again.

    told, kept: raised incidents that were told by themselves, and those kept back, by why
    released:   of the kept ones, those told afterwards
    flapping:   incidents that were found to flap
    silences:   silences made
    passed, held, dropped: messages sent at once, kept for a digest by why, and not wanted any more before it went
    digests, digested: digests sent, and the messages in them
    """

    told: int = 0
    kept: dict[ResponseKind, int] = field(default_factory=lambda: dict.fromkeys(KEPT_BACK, 0))
    released: int = 0
    flapping: int = 0
    silences: int = 0
    passed: int = 0
    held: dict[Hold, int] = field(default_factory=lambda: dict.fromkeys(Hold, 0))
    dropped: int = 0
    digests: int = 0
    digested: int = 0
    full: dict[Bound, int] = field(default_factory=lambda: dict.fromkeys(Bound, 0))
