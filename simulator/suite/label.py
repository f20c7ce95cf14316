"""What is known of a labelled incident."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.deviation import Deviation
    from simulator.journey import GatewayDown

__all__ = ["Finding", "Label", "LabelledIncident", "Never", "Pace"]


class Pace(StrEnum):
    """How much history an incident needs before it."""

    PROMPT = "prompt"
    """A day of it, so that every device has been heard."""
    SLOW = "slow"
    """Weeks: what finds it has to learn what is usual first, or it comes about slowly itself."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that must be said.

    rules:    ids of rules; one of them is enough, and a fault rule that stands for several is given without the metric
    within_s: after the incident's beginning; event time is not meant, but when it is said
    """

    rules: tuple[str, ...]
    within_s: float


@dataclass(frozen=True, slots=True)
class Never:
    """Something that must not be said of any of the incident's devices.

    raised: ids of rules that must not come to hold
    ceased: ids of rules that must not cease to hold
    """

    raised: tuple[str, ...] = ()
    ceased: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Label:
    """What an incident is, and what must be said of it.

    danger: in words
    tries:  the kinds of rule that it is about (values of `kind` in rule tables)
    found:  all of these must be said; none where nothing is wrong
    never:  and none of these
    why:    where a delay comes from, if that is not plain
    """

    danger: str
    tries: tuple[str, ...]
    found: tuple[Finding, ...]
    never: Never = Never()
    pace: Pace = Pace.PROMPT
    why: str = ""


@dataclass(frozen=True, slots=True)
class LabelledIncident:
    """One incident of a suite.

    name:       as in `labels.LABELS`
    rows:       positions of its devices in the fleet
    begins_us, ends_us: µs since the epoch; a finding is looked for from the one on, and nothing counts as false that is
                said of its devices between the two, or within an hour after
    deviations, down: what makes it, for `History`
    """

    name: str
    label: Label
    rows: tuple[int, ...]
    begins_us: int
    ends_us: int
    deviations: tuple[Deviation, ...]
    down: tuple[GatewayDown, ...] = ()

    @property
    def earliest_us(self) -> int:
        """When the first of its devices begins to say other things than it would, µs since the epoch."""
        return min([self.begins_us, *(one.from_us for one in self.deviations)])
