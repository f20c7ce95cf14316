"""`console_app`: the ASGI application, and what holds for every request: its size, its headers, its being counted."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from console.alertmanager import BODY_BYTES as ALERTMANAGER_BYTES
from console.api import Api
from console.guard import Guard
from console.inbound import Inbound, Inbox
from console.metrics import Area, Refusal
from console.push_page import PushPage
from console.responder import Responder
from console.tokens import Tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, MutableMapping

    from starlette.requests import Request
    from starlette.routing import BaseRoute
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from console.desk import Desk
    from console.metrics import ConsoleMetrics
    from console.settings import ConsoleSection

__all__ = ["console_app"]

INBOUND_BYTES: Final = 1_048_576
_AREAS: Final = (
    ("/a/", Area.PAGE),
    ("/push/", Area.PUSH),
    ("/api/v1/", Area.API),
    ("/inbound/", Area.INBOUND),
    ("/cap/", Area.CAP),
    ("/api/v2/", Area.ALERTMANAGER),
    ("/hooks/", Area.ALERTMANAGER),
)
_HEADERS: Final = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "x-robots-tag": "noindex, nofollow",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
}
"""Where a route says nothing else."""


def console_app(
    desk: Desk,
    settings: ConsoleSection,
    metrics: ConsoleMetrics,
    inbox: Inbox,
    *,
    channels: Mapping[str, object],
    push_key: str = "",
    further: Iterable[BaseRoute] = (),
    steady: Callable[[], float] = time.monotonic,
) -> ASGIApp:
    """Return the console of `desk`.

    inbox:    where receipts and replies go; an SMPP session's go there as well
    channels: the settings of the channels by name: how their gateways report
    push_key: our public VAPID key, base64url; "" where nothing is pushed
    further:  other routes to be served along, such as those of `AlertmanagerDoor` and `CapDoor`
    """
    guard = Guard()
    responder = Responder(desk, settings, metrics, guard, push=bool(push_key), steady=steady)
    api = Api(desk, Tokens(settings.tokens), metrics, guard, steady)
    inbound = Inbound(inbox, channels, settings, metrics, guard, lambda: desk.now_us, steady)
    routes = [*responder.routes, *api.routes, *inbound.routes, *further, Route("/robots.txt", _robots)]
    if push_key:
        routes += PushPage(desk, responder, metrics, push_key).routes
    return _Edge(Starlette(routes=routes), settings.max_body_bytes, metrics)


async def _robots(_: Request) -> Response:
    return PlainTextResponse("User-agent: *\nDisallow: /\n")


class _Edge:
    """Bounds bodies, adds headers where a route says none, and counts."""

    def __init__(self, app: ASGIApp, body_bytes: int, metrics: ConsoleMetrics) -> None:
        self._app = app
        self._metrics = metrics
        self._body_bytes = dict.fromkeys(Area, body_bytes) | {
            Area.INBOUND: INBOUND_BYTES,
            Area.ALERTMANAGER: ALERTMANAGER_BYTES,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        area = next((area for prefix, area in _AREAS if scope["path"].startswith(prefix)), Area.OTHER)
        left = self._body_bytes[area]

        async def bounded() -> Message:
            nonlocal left
            message = await receive()
            if message["type"] == "http.request":
                left -= len(message.get("body", b""))
                if left < 0:
                    self._metrics.refuse(Refusal.TOO_LARGE)
                    raise HTTPException(413, "too large")
            return message

        async def answered(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                self._metrics.request(area, message["status"])
            await send(message)

        await self._app(scope, bounded, answered)
