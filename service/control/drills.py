"""Drills on the control interface: begin one, end it, and what was done about it or about a real incident."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from starlette.routing import Route

from alerts.command import Resolve, StartDrill
from alerts.drill_report import report_of
from alerts.incident import Exercise, IncidentEvent, Outcome
from alerts.people.model import Directory
from alerts.people.who import Who
from devices import ALARM_METRIC
from rules import AlarmClass, RuleKind, RuleMode
from service.control.answer import in_json, no_incident

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from alerts.command import Command
    from alerts.incident import AlertEvent, Incident
    from rules import Rule
    from service.core import Core

__all__ = ["EndedDrill", "WantedDrill", "drill_routes"]

LISTED = 10_000


class WantedDrill(msgspec.Struct, forbid_unknown_fields=True):
    """A drill as a person asks for it. rule: "" for the alarm of the device that puts people most in danger."""

    device: str
    by: str
    origin: str
    rule: str = ""
    note: str = ""


class EndedDrill(msgspec.Struct, forbid_unknown_fields=True):
    """Who ends a drill, and from where."""

    by: str
    origin: str
    note: str = ""


def drill_routes(core: Core) -> list[Route]:
    """Return `GET /drills`, `POST /drills`, `POST /drills/{id}/end` and `GET /incidents/{id}/report` of `core`."""
    drills = _Drills(core)
    return [
        Route("/drills", drills.list),
        Route("/drills", drills.start, methods=["POST"]),
        Route("/drills/{id}/end", drills.end, methods=["POST"]),
        Route("/incidents/{id}/report", drills.report),
    ]


class _Drills:
    def __init__(self, core: Core) -> None:
        self._core = core

    async def list(self, _: Request) -> Response:
        """Return the drills at hand, the newest first."""
        recent = self._core.shard.incidents.recent(LISTED)
        return in_json([one for one in recent if one.exercise is Exercise.DRILL])

    async def start(self, request: Request) -> Response:
        """Begin a drill and return its incident."""
        try:
            wanted = msgspec.json.decode(await request.body(), type=WantedDrill)
        except msgspec.DecodeError as error:
            return in_json({"error": str(error)}, 400)
        if not wanted.by.strip():
            return in_json({"error": "who starts it? `by` is empty"}, 400)
        rule = wanted.rule or self._worst_rule(wanted.device)
        return await self._decide(
            StartDrill(device=wanted.device, rule=rule, by=wanted.by, origin=wanted.origin, note=wanted.note)
        )

    async def end(self, request: Request) -> Response:
        """End a drill, as a test; what is none is left alone."""
        name = request.path_params["id"]
        incident = self._core.shard.incidents.get(name)
        if incident is None:
            return no_incident(name)
        if incident.exercise is not Exercise.DRILL:
            return in_json({"error": f"{incident.id} is no drill; `vigil incidents resolve` ends it"}, 409)
        if not incident.state.is_open:
            return in_json({"error": f"drill {incident.id} is over already"}, 409)
        try:
            ended = msgspec.json.decode(await request.body(), type=EndedDrill)
        except msgspec.DecodeError as error:
            return in_json({"error": str(error)}, 400)
        if not ended.by.strip():
            return in_json({"error": "who ends it? `by` is empty"}, 400)
        return await self._decide(
            Resolve(incident=incident.id, by=ended.by, origin=ended.origin, note=ended.note, outcome=Outcome.TEST)
        )

    async def report(self, request: Request) -> Response:
        """Return what was done about an incident, be it a drill or not."""
        name, alerting = request.path_params["id"], self._core.shard.alerting
        incident = alerting.incidents.get(name)
        if incident is None:
            return no_incident(name)
        limits = Who(alerting.directory or Directory()).limits_for(incident)
        events = alerting.recent.of(incident.id)
        return in_json(report_of(incident, events, limits, self._core.clock.time_us()))

    async def _decide(self, command: Command) -> Response:
        effects = await self._core.source.command(command)
        if effects.rejected is not None:
            return in_json({"error": str(effects.rejected)}, 409)
        return in_json(_told(effects.events))

    def _worst_rule(self, key: str) -> str:
        """Return the id of the rule in force on a device that is worst; "" where there is none, which is refused."""
        shard = self._core.shard
        row = shard.registry.device_row(key)
        device = None if row is None else shard.registry.device(row)
        if device is None:
            return ""
        rules = shard.engine.rules
        live = [one for one in rules.in_force(device.profile, rules.selection(device)) if one.mode is RuleMode.LIVE]
        return max(live, key=_badness).id if live else ""


def _badness(rule: Rule) -> tuple[bool, bool, int, bool]:
    """Sort the worst last: life safety, what the device itself says, severity, an alarm that says what it is."""
    return (
        rule.alarm_class is AlarmClass.LIFE_SAFETY,
        rule.kind is RuleKind.ALARM,
        rule.severity.rank,
        rule.metric != ALARM_METRIC,
    )


def _told(events: list[AlertEvent]) -> Incident | None:
    """Return the incident that a command was about, as it is after it."""
    return next((event.incident for event in events if isinstance(event, IncidentEvent)), None)
