"""What people say in the tests of incidents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from alerts.command import (
    Accept,
    Arrive,
    Close,
    Dispatch,
    HandOver,
    IncidentCommand,
    NeedHelp,
    Note,
    Refuse,
    Reopen,
    Resolve,
    Verify,
)
from alerts.incident import IncidentState, Outcome
from alerts.lifecycle import Trigger
from tests.alerts.scene import T0, S

if TYPE_CHECKING:
    from alerts.incident import IncidentEvent
    from tests.alerts.scene import Scene

KINDS: Final[dict[Trigger, type[IncidentCommand]]] = {
    Trigger.ACCEPT: Accept,
    Trigger.REFUSE: Refuse,
    Trigger.NEED_HELP: NeedHelp,
    Trigger.HAND_OVER: HandOver,
    Trigger.DISPATCH: Dispatch,
    Trigger.ARRIVE: Arrive,
    Trigger.VERIFY: Verify,
    Trigger.RESOLVE: Resolve,
    Trigger.CLOSE: Close,
    Trigger.REOPEN: Reopen,
    Trigger.NOTE: Note,
}
WORDS: Final[dict[Trigger, dict[str, Any]]] = {
    Trigger.HAND_OVER: {"to": "zhao"},
    Trigger.VERIFY: {"outcome": Outcome.TEST},
    Trigger.RESOLVE: {"outcome": Outcome.TEST},
    Trigger.CLOSE: {"rating": 4},
    Trigger.NOTE: {"note": "steam"},
}
"""What a command needs besides the incident."""


def command(trigger: Trigger, incident: str, by: str = "li", **words: Any) -> IncidentCommand:
    """Return what `by` says."""
    return KINDS[trigger](incident=incident, by=by, origin="test", **{**WORDS.get(trigger, {}), **words})


def say(scene: Scene, trigger: Trigger, at: float, by: str = "li", **words: Any) -> list[IncidentEvent]:
    """Say it at `at` s of the scene's only incident."""
    (incident,) = scene.incidents.recent(9)
    scene.offset += 1
    now_us = T0 + round(at * S)
    return scene.incidents.apply_command(command(trigger, incident.id, by, **words), now_us, scene.offset)


PATHS: Final[dict[IncidentState, tuple[Trigger, ...]]] = {
    IncidentState.RAISED: (),
    IncidentState.ACCEPTED: (Trigger.ACCEPT,),
    IncidentState.DISPATCHED: (Trigger.ACCEPT, Trigger.DISPATCH),
    IncidentState.ARRIVED: (Trigger.ACCEPT, Trigger.DISPATCH, Trigger.ARRIVE),
    IncidentState.VERIFIED: (Trigger.ACCEPT, Trigger.DISPATCH, Trigger.ARRIVE, Trigger.VERIFY),
    IncidentState.RESOLVED: (Trigger.ACCEPT, Trigger.RESOLVE),
    IncidentState.CLOSED: (Trigger.ACCEPT, Trigger.RESOLVE, Trigger.CLOSE),
}
"""What is said, in order, until an incident is in each state that people bring about."""
