"""The control interface: what a person may ask and decide, as HTTP on a Unix socket that only the owner can open.

The command line talks to it. While no service runs, the command line opens the journal itself and asks the same
interface in its own process, so there is one way to do each thing.
"""

from __future__ import annotations

import hashlib
import os
import socket
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from alerts.privacy import shown
from devices import Device, Lifecycle, ProfileFaults, Reason
from rules import RuleFaults
from service.control_contacts import contact_routes
from service.control_drills import drill_routes
from service.control_evidence import evidence_routes
from service.control_silences import silence_routes
from service.decision import Decision, command_of
from service.looks import noted_look
from service.rules_in_force import reload_rules
from service.shadow_report import shadow_report

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from service.core import Core

__all__ = ["Import", "control_app", "control_socket", "is_served"]

# A Unix socket's path may not be longer on Linux (108 bytes with the NUL).
LONGEST_SOCKET_PATH = 107


class Import(msgspec.Struct, forbid_unknown_fields=True):
    """A ledger, already read and found without fault."""

    devices: list[Device]


class Imported(msgspec.Struct):
    """How an import changed the registry."""

    added: int
    changed: int
    unchanged: int
    formerly_unregistered: int


def control_socket(data_dir: Path) -> Path:
    """Return the path of the control socket of the service that keeps its data in `data_dir`."""
    path = data_dir.absolute() / "control.sock"
    if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
        return path
    digest = hashlib.blake2b(os.fsencode(data_dir.absolute()), digest_size=8).hexdigest()
    return Path(tempfile.gettempdir()) / f"vigil-{os.geteuid()}-{digest}" / "control.sock"


def is_served(data_dir: Path) -> bool:
    """Say whether a service listens on the control socket of `data_dir`."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(control_socket(data_dir)))
        except OSError:
            return False
        return True


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
        return _json(self._status())

    async def incidents(self, request: Request) -> Response:
        incidents = self._core.shard.incidents
        if request.query_params.get("state", "open") == "open":
            return _json(incidents.open())
        limit = request.query_params.get("limit", "100")
        if not limit.isdecimal():
            return _json({"error": f"limit is {limit!r}; wanted a number"}, 400)
        return _json([shown(incident) for incident in incidents.recent(int(limit))])

    async def incident(self, request: Request) -> Response:
        incident = self._core.shard.incidents.get(request.path_params["id"])
        if incident is None:
            return _missing(request.path_params["id"])
        if incident.state.is_open:
            await noted_look(self._core, incident, request)
        return _json(shown(incident))

    async def decide(self, request: Request) -> Response:
        incident_id, verb = request.path_params["id"], request.path_params["verb"]
        if self._core.shard.incidents.get(incident_id) is None:
            return _missing(incident_id)
        try:
            decision = msgspec.json.decode(await request.body(), type=Decision)
            command = command_of(verb, incident_id, decision)
        except (msgspec.DecodeError, ValueError) as error:
            return _json({"error": str(error)}, 400)
        effects = await self._core.source.command(command)
        if effects.rejected is not None:
            return _json({"error": str(effects.rejected)}, 409)
        return _json(self._core.shard.incidents.get(incident_id))

    async def devices(self, request: Request) -> Response:
        wanted = request.query_params
        return _json(
            [
                device
                for _, device in self._core.shard.registry.devices()
                if wanted.get("site") in (None, device.site) and wanted.get("lifecycle") in (None, device.lifecycle)
            ]
        )

    async def import_devices(self, request: Request) -> Response:
        try:
            devices = msgspec.json.decode(await request.body(), type=Import).devices
            return _json(await _register(self._core, devices))
        except msgspec.DecodeError as error:
            return _json({"error": str(error)}, 400)
        except KeyError as error:
            return _json({"error": error.args[0]}, 400)

    async def quarantine(self, request: Request) -> Response:
        reason = request.query_params.get("reason")
        if reason is not None and reason not in set(Reason):
            return _json({"error": f"no reason {reason!r}; there are {', '.join(Reason)}"}, 400)
        log = self._core.shard.quarantine
        return _json({"counts": log.counts, "samples": log.samples(Reason(reason) if reason else None)})

    async def reload(self, _: Request) -> Response:
        try:
            report = await reload_rules(self._core)
        except (ProfileFaults, RuleFaults) as error:
            return _json({"error": "nothing was changed:\n" + "\n".join(error.faults)}, 400)
        return _json(report)

    async def shadow(self, request: Request) -> Response:
        wanted, shard = request.query_params, self._core.shard
        since = wanted.get("since_us", "0")
        if not since.isdecimal():
            return _json({"error": f"since_us is {since!r}; wanted µs since the epoch"}, 400)
        report = shadow_report(
            shard.shadow,
            shard.engine.rules,
            shard.registry,
            shard.now_us,
            since_us=int(since),
            rule_id=wanted.get("rule"),
            device=wanted.get("device"),
        )
        return _json(report)


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


def _json(content: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(content), status, media_type="application/json")


def _missing(incident_id: str) -> Response:
    return _json({"error": f"no incident {incident_id!r} among the open and the recent ones"}, 404)
