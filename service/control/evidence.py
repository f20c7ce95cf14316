"""The control interface's part about evidence: the dossier of an incident."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.routing import Route

from alerts.evidence.dossier import as_json
from service.control.answer import no_incident
from service.looks import noted_look

if TYPE_CHECKING:
    from starlette.requests import Request

    from service.core import Core

__all__ = ["evidence_routes"]


def evidence_routes(core: Core) -> list[Route]:
    """Return the routes."""

    async def dossier(request: Request) -> Response:
        name = request.path_params["id"]
        found = core.shard.alerting.dossier(name, core.clock.time_us())
        if found is None:
            return no_incident(name)
        await noted_look(core, found.incident, request)  # evidence is whole, also when it is over
        return Response(as_json(found), media_type="application/json")

    return [Route("/incidents/{id}/dossier", dossier)]
