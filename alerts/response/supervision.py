"""Supervision: how much of a step's time is gone.

Blue at a half, yellow at four fifths, red at the whole, and then whistles.
Pure: `alerts.response.watching` says it to people.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

import msgspec

from alerts.incident import IncidentState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alerts.people.model import StepLimits

__all__ = ["Colour", "Stage", "Watch", "awaited"]


class Colour(StrEnum):
    """How an incident is marked in lists and on boards."""

    NONE = "none"
    BLUE = "blue"
    YELLOW = "yellow"
    RED = "red"


class Stage(StrEnum):
    """What is waited for."""

    ACCEPT = "accept"
    DISPATCH = "dispatch"
    ARRIVE = "arrive"
    VERIFY = "verify"
    RESOLVE = "resolve"


_STAGES: Final = tuple(Stage)
_FIRST: Final[Mapping[IncidentState, int]] = {
    IncidentState.RAISED: 0,
    IncidentState.ACCEPTED: 1,
    IncidentState.DISPATCHED: 2,
    IncidentState.ARRIVED: 3,
    IncidentState.VERIFIED: 4,
}
"""The place of the first stage that a state waits for."""
_TENTHS: Final = ((5, Colour.BLUE), (8, Colour.YELLOW), (10, Colour.RED))
"""Tenths of a stage's time, and the colour once they are gone."""


def awaited(state: IncidentState, limits: StepLimits | None) -> tuple[Stage, float] | None:
    """Return the next stage that has a limit, and that in s; None where nothing is watched."""
    if limits is None or state not in _FIRST:
        return None
    limit_of = {
        Stage.ACCEPT: limits.accept_s,
        Stage.DISPATCH: limits.dispatch_s,
        Stage.ARRIVE: limits.arrive_s,
        Stage.VERIFY: limits.verify_s,
        Stage.RESOLVE: limits.resolve_s,
    }
    for stage in _STAGES[_FIRST[state] :]:
        limit_s = limit_of[stage]
        if limit_s is not None:
            return stage, limit_s
    return None


class Watch(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The time of one stage.

    since_us:  when it began, µs since the epoch
    limit_us:  how long it may take, µs
    colour:    the last that was said
    every_us:  from one whistle to the next, µs
    whistles:  how many times it has been due to go one level up
    levels:    how often it can
    """

    stage: Stage
    since_us: int
    limit_us: int
    every_us: int
    levels: int
    colour: Colour = Colour.NONE
    whistles: int = 0

    @property
    def due_us(self) -> int | None:
        """When there is something to say, µs since the epoch; None where all is said."""
        if self.colour is Colour.RED:
            if self.whistles >= self.levels:
                return None
            return self.since_us + self.limit_us + self.whistles * self.every_us
        colours = [colour for _, colour in _TENTHS]
        place = 0 if self.colour is Colour.NONE else colours.index(self.colour) + 1
        return self._gone_us(_TENTHS[place][0])

    def colour_at(self, now_us: int) -> Colour:
        """Return the colour that it has by `now_us`; it does not fade."""
        colour = self.colour
        for tenths, due in _TENTHS:
            if now_us >= self._gone_us(tenths):
                colour = due
        return colour

    def _gone_us(self, tenths: int) -> int:
        return self.since_us - (-self.limit_us * tenths // 10)  # whole µs, and never early
