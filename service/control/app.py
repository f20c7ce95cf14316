"""The control interface: what a person may ask and decide, as HTTP on a Unix socket that only the owner can open.

The command line talks to it. While no service runs, the command line opens the journal itself and asks the same
interface in its own process, so there is one way to do each thing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from starlette.applications import Starlette
from starlette.routing import Route

from alerts.privacy import shown
from devices import Device, Lifecycle, ProfileFaults, Reason
from rules import RuleFaults
from service.control.answer import in_json, no_incident
from service.control.contacts import contact_routes
from service.control.drills import drill_routes
from service.control.evidence import evidence_routes
from service.control.silences import silence_routes
from service.decision import Decision, command_of
from service.looks import noted_look
from service.rules_in_force import reload_rules
from service.shadow_report import shadow_report

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from service.core import Core

__all__ = ["Import", "control_app"]


class Import(msgspec.Struct, forbid_unknown_fields=True):
    """A ledger, already read and found without fault."""

    devices: list[Device]


class Imported(msgspec.Struct):
    """How an import changed the registry."""

    added: int
    changed: int
    unchanged: int
    formerly_unregistered: int


def control_app(core: Core, status: Callable[[], dict[str, Any]]) -> Starlette:
    """Return the control interface of `core` as an ASGI application; `status` says how the service is."""
    control = _Control(core, status)
    return Starlette(
        routes=[
            Route("/status", control.status),
            Route("/incidents", control.incidents),
            Route("/incidents/{id}", control.incident),
            Route("/incidents/{id}/{verb}", control.decide, methods=["POST"]),
            Route("/devices", control.devices),
            Route("/devices", control.import_devices, methods=["POST"]),
            Route("/quarantine", control.quarantine),
            Route("/rules/reload", control.reload, methods=["POST"]),
            Route("/rules/shadow", control.shadow),
            *contact_routes(core),
            *drill_routes(core),
            *evidence_routes(core),
            *silence_routes(core),
        ]
    )


class _Control:
    def __init__(self, core: Core, status: Callable[[], dict[str, Any]]) -> None:
        self._core = core
        self._status = status

    async def status(self, _: Request) -> Response:
        return in_json(self._status())

    async def incidents(self, request: Request) -> Response:
        incidents = self._core.shard.incidents
        if request.query_params.get("state", "open") == "open":
            return in_json(incidents.open())
        limit = request.query_params.get("limit", "100")
        if not limit.isdecimal():
            return in_json({"error": f"limit is {limit!r}; wanted a number"}, 400)
        return in_json([shown(incident) for incident in incidents.recent(int(limit))])

    async def incident(self, request: Request) -> Response:
        incident = self._core.shard.incidents.get(request.path_params["id"])
        if incident is None:
            return no_incident(request.path_params["id"])
        if incident.state.is_open:
            await noted_look(self._core, incident, request)
        return in_json(shown(incident))

    async def decide(self, request: Request) -> Response:
        incident_id, verb = request.path_params["id"], request.path_params["verb"]
        if self._core.shard.incidents.get(incident_id) is None:
            return no_incident(incident_id)
        try:
            decision = msgspec.json.decode(await request.body(), type=Decision)
            command = command_of(verb, incident_id, decision)
        except (msgspec.DecodeError, ValueError) as error:
            return in_json({"error": str(error)}, 400)
        effects = await self._core.source.command(command)
        if effects.rejected is not None:
            return in_json({"error": str(effects.rejected)}, 409)
        return in_json(self._core.shard.incidents.get(incident_id))

    async def devices(self, request: Request) -> Response:
        wanted = request.query_params
        return in_json(
            [
                device
                for _, device in self._core.shard.registry.devices()
                if wanted.get("site") in (None, device.site) and wanted.get("lifecycle") in (None, device.lifecycle)
            ]
        )

    async def import_devices(self, request: Request) -> Response:
        try:
            devices = msgspec.json.decode(await request.body(), type=Import).devices
            return in_json(await _register(self._core, devices))
        except msgspec.DecodeError as error:
            return in_json({"error": str(error)}, 400)
        except KeyError as error:
            return in_json({"error": error.args[0]}, 400)

    async def quarantine(self, request: Request) -> Response:
        reason = request.query_params.get("reason")
        if reason is not None and reason not in set(Reason):
            return in_json({"error": f"no reason {reason!r}; there are {', '.join(Reason)}"}, 400)
        log = self._core.shard.quarantine
        return in_json({"counts": log.counts, "samples": log.samples(Reason(reason) if reason else None)})

    async def reload(self, _: Request) -> Response:
        try:
            report = await reload_rules(self._core)
        except (ProfileFaults, RuleFaults) as error:
            return in_json({"error": "nothing was changed:\n" + "\n".join(error.faults)}, 400)
        return in_json(report)

    async def shadow(self, request: Request) -> Response:
        wanted, shard = request.query_params, self._core.shard
        since = wanted.get("since_us", "0")
        if not since.isdecimal():
            return in_json({"error": f"since_us is {since!r}; wanted µs since the epoch"}, 400)
        report = shadow_report(
            shard.shadow,
            shard.engine.rules,
            shard.registry,
            shard.now_us,
            since_us=int(since),
            rule_id=wanted.get("rule"),
            device=wanted.get("device"),
        )
        return in_json(report)


async def _register(core: Core, devices: list[Device]) -> Imported:
    """Register what is new or different; say how much that was."""
    registry = core.shard.registry
    if strange := sorted({device.profile for device in devices} - registry.profiles.keys()):
        raise KeyError(f"no profile {', '.join(strange)}; there are {', '.join(sorted(registry.profiles))}")
    added, changed, unchanged, found = [], [], 0, 0
    for device in devices:
        row = registry.device_row(device.key)
        before = None if row is None else registry.device(row)
        if before is None:
            added.append(device)
        elif before == device:
            unchanged += 1
        else:
            changed.append(device)
            found += before.lifecycle is Lifecycle.UNREGISTERED
    if added or changed:
        await core.register(added + changed)
    return Imported(len(added), len(changed), unchanged, found)
