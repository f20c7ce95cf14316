"""The CAP feed: what partners such as the district or the fire brigade read.

GET /cap/feed.atom           open incidents, and those that ended lately
GET /cap/<incident>.xml      its newest message
GET /cap/<incident>.<n>.xml  the message of that revision
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from alerts.cap import ATOM_TYPE, CAP_TYPE, atom, in_feed, is_told, message_of, messages, render
from alerts.incident import IncidentEvent
from console.settings import May

if TYPE_CHECKING:
    from starlette.requests import Request

    from alerts.cap import CapSection, Message
    from alerts.incident import Incident
    from console.desk import Desk
    from console.tokens import Bearer, Tokens

__all__ = ["CapDoor"]


class CapDoor:
    """The feed's addresses; only for bearers that may READ, of the sites that they may see.

    public_url: the address that readers reach us by; where "", that of the request is used
    """

    def __init__(self, desk: Desk, tokens: Tokens, section: CapSection, public_url: str = "") -> None:
        self._desk = desk
        self._tokens = tokens
        self._section = section
        self._public_url = public_url.rstrip("/")

    def routes(self) -> list[Route]:
        """Return the addresses; none where the settings name no sender."""
        if not self._section.sender:
            return []
        return [Route("/cap/feed.atom", self.feed), Route("/cap/{name}.xml", self.message)]

    async def feed(self, request: Request) -> Response:
        """Return the Atom feed."""
        bearer = self._bearer(request)
        if isinstance(bearer, Response):
            return bearer
        incidents = self._desk.incidents
        kept = 10 * self._section.recent + len(incidents)
        shown, left_out = in_feed(
            (one for one in incidents.open() if bearer.sees(one.site)),
            (one for one in incidents.recent(kept) if bearer.sees(one.site)),
            self._section,
        )
        root = self._public_url or str(request.base_url).rstrip("/")
        body = atom(shown, left_out, self._section, f"{root}/cap", self._desk.now_us)
        return Response(body, media_type=ATOM_TYPE, headers={"cache-control": "no-cache"})

    async def message(self, request: Request) -> Response:
        """Return one message."""
        bearer = self._bearer(request)
        if isinstance(bearer, Response):
            return bearer
        name, _, revision = request.path_params["name"].partition(".")
        incident = self._desk.incidents.get(name)
        if incident is None or not bearer.sees(incident.site) or not is_told(incident, self._section):
            return PlainTextResponse("no such message\n", HTTPStatus.NOT_FOUND)
        message = await self._message(incident, revision)
        if message is None:
            return PlainTextResponse("no such message\n", HTTPStatus.NOT_FOUND)
        return Response(render(message, self._section), media_type=CAP_TYPE, headers={"cache-control": "no-cache"})

    async def _message(self, incident: Incident, revision: str) -> Message | None:
        """Return the newest message of an incident, or the one that `revision` names; None where there is none such."""
        timeline = await self._desk.timeline(incident.id)
        told = messages(event for event in timeline if isinstance(event, IncidentEvent))
        told = told or [message_of(incident)]
        if not revision:
            return told[-1]
        wanted = f"{incident.id}.{revision}"
        return next((one for one in told if one.identifier == wanted), None)

    def _bearer(self, request: Request) -> Bearer | Response:
        bearer = self._tokens.bearer(request.headers.get("authorization", ""))
        if bearer is None:
            return PlainTextResponse(
                "wanted Authorization: Bearer and a token of the settings\n", HTTPStatus.UNAUTHORIZED
            )
        if May.READ not in bearer.may:
            return PlainTextResponse(f"{bearer.name} may not read\n", HTTPStatus.FORBIDDEN)
        return bearer
