"""What the API shows, as types: the OpenAPI document is made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from alerts.incident import Incident
from alerts.lifecycle import Trigger, possible
from alerts.response.ask import AskState
from alerts.response.supervision import Colour

if TYPE_CHECKING:
    from alerts.noise.noise import Noise
    from alerts.response.ask import Ask
    from alerts.response.response import Response

__all__ = ["Fault", "Made", "SeenAsk", "SeenIncident"]


class Fault(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why a request was refused.

    error:    in a line
    faults:   every fault of the body or the query, each with its place
    possible: what could be done with the incident instead
    """

    error: str
    faults: tuple[str, ...] = ()
    possible: tuple[Trigger, ...] = ()


class SeenIncident(msgspec.Struct, frozen=True, kw_only=True):
    """An incident as the API shows it. Times are µs since the epoch.

    colour:   how much of the time of the step that is waited for is gone
    possible: what can be done with it
    told_by:  id of the incident with which it is told; its own where it leads
    members:  ids of those that are told with it
    """

    incident: Incident
    colour: Colour
    possible: tuple[Trigger, ...]
    told_by: str
    members: tuple[str, ...]

    @classmethod
    def of(cls, incident: Incident, response: Response, noise: Noise) -> SeenIncident:
        """Return the incident as it stands."""
        return cls(
            incident=incident,
            colour=response.colour(incident.id),
            possible=possible(incident.state),
            told_by=noise.lead_of(incident.id),
            members=noise.members_of(incident.id),
        )


class SeenAsk(msgspec.Struct, frozen=True, kw_only=True):
    """One person who is asked about an incident. Reply codes are not shown: who has one answers in that name.

    step, round: of the chain; step is None where they are asked outside of it
    due_us:      when their next channel is tried, None where none is
    """

    person: str
    state: AskState
    why_en: str
    why_zh: str
    step: int | None
    round: int
    station: str
    notification: str
    asked_us: int
    handed_us: int | None
    due_us: int | None

    @classmethod
    def of(cls, ask: Ask) -> SeenAsk:
        """Return what may be seen of `ask`."""
        return cls(
            person=ask.person,
            state=ask.state,
            why_en=ask.why_en,
            why_zh=ask.why_zh,
            step=ask.step,
            round=ask.round,
            station=ask.station,
            notification=ask.notification,
            asked_us=ask.asked_us,
            handed_us=ask.handed_us,
            due_us=ask.due_us,
        )


class Made(msgspec.Struct, frozen=True):
    """What a command did.

    id:       of what it made or changed: an incident, a silence; "" where there is none
    incident: it, after the command
    """

    id: str
    incident: SeenIncident | None = None
