"""The steps of a response to one incident: how long each took, against its limit."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING

import msgspec

from alerts.incident import IncidentState
from alerts.response.supervision import Colour, Stage, Watch, awaited

if TYPE_CHECKING:
    from collections.abc import Iterable

    from alerts.incident import Incident
    from alerts.people.model import StepLimits

__all__ = ["StageTaken", "stages_taken"]


class StageTaken(msgspec.Struct, frozen=True, kw_only=True):
    """One step of the response. ended_us: None where it was never done; took_s: until then, until the end, or now.

    limit_s: None where it is not watched; colour: how much of that was gone
    """

    stage: Stage
    began_us: int
    ended_us: int | None
    took_s: float
    limit_s: float | None
    colour: Colour


def stages_taken(
    incident: Incident, limits: StepLimits | None, until_us: int, *, is_taken_up: bool
) -> Iterable[StageTaken]:
    """Yield the steps that were done, each since the one before it, and at the end the one that is waited for.

    is_taken_up: somebody has done anything about it; not so where whoever led a drill ended it
    """
    if not is_taken_up:
        yield _stage(Stage.ACCEPT, incident.raised_us, None, until_us, limits)
        return
    done = {
        Stage.ACCEPT: incident.accepted_us,
        Stage.DISPATCH: incident.dispatched_us,
        Stage.ARRIVE: incident.arrived_us,
        Stage.VERIFY: incident.verified_us,
        Stage.RESOLVE: incident.closed_us if incident.closed_by else None,
    }
    began_us = incident.raised_us
    ended = [(us, stage) for stage, us in done.items() if us is not None]
    for ended_us, stage in sorted(ended, key=itemgetter(0)):
        yield _stage(stage, began_us, ended_us, ended_us, limits)
        began_us = ended_us
    if done[Stage.RESOLVE] is None:
        state = incident.state if incident.state.is_open else _left_as(incident)
        wanted = awaited(state, limits)
        fallback = Stage.ACCEPT if incident.accepted_us is None else Stage.RESOLVE
        yield _stage(fallback if wanted is None else wanted[0], began_us, None, until_us, limits)


def _left_as(incident: Incident) -> IncidentState:
    """Return the state in which an incident ended by itself."""
    for us, state in (
        (incident.verified_us, IncidentState.VERIFIED),
        (incident.arrived_us, IncidentState.ARRIVED),
        (incident.dispatched_us, IncidentState.DISPATCHED),
        (incident.accepted_us, IncidentState.ACCEPTED),
    ):
        if us is not None:
            return state
    return IncidentState.RAISED


def _stage(stage: Stage, began_us: int, ended_us: int | None, until_us: int, limits: StepLimits | None) -> StageTaken:
    limit_s: float | None = None if limits is None else getattr(limits, f"{stage}_s")
    colour = Colour.NONE
    if limit_s is not None:
        watch = Watch(stage=stage, since_us=began_us, limit_us=max(1, round(limit_s * 1e6)), every_us=1, levels=0)
        colour = watch.colour_at(until_us)
    return StageTaken(
        stage=stage,
        began_us=began_us,
        ended_us=ended_us,
        took_s=(until_us - began_us) / 1e6,
        limit_s=limit_s,
        colour=colour,
    )
