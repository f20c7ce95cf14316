"""The endpoint that machines read: /metrics, /healthz and /readyz; and the servers that carry our ASGI applications."""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

import msgspec
import uvicorn
from prometheus_client import disable_created_metrics
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from service.connections import Bounded

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from prometheus_client import CollectorRegistry
    from prometheus_client.core import Metric
    from starlette.requests import Request

__all__ = ["CannotListen", "bind_tcp", "bind_unix", "machine_app", "serving"]


class CannotListen(Exception):
    """An address of ours is taken, or is not ours."""


def machine_app(metrics: CollectorRegistry, readiness: Callable[[], dict[str, bool]]) -> Starlette:
    """Return the application for scrapers and supervisors.

    readiness: what must be true for alarms to flow, by name; /readyz is 200 only while all of it is
    """
    # When a series began is as many series again, and they all began with the service.
    disable_created_metrics()  # type: ignore[no-untyped-call]

    async def show_metrics(request: Request) -> Response:
        # OpenMetrics for who asks for it, as Prometheus does: the older format has no exemplars.
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        # Read here, where nothing changes meanwhile; written down elsewhere, since no alarm is to wait for that.
        body = await asyncio.to_thread(encode, _Collected(list(metrics.collect())))
        return Response(body, headers={"content-type": content_type})

    async def healthz(_: object) -> Response:
        return PlainTextResponse("ok\n")  # the loop answers, so it lives

    async def readyz(_: object) -> Response:
        checks = readiness()
        code = 200 if all(checks.values()) else 503
        return Response(msgspec.json.encode(checks), code, media_type="application/json")

    return Starlette(routes=[Route("/metrics", show_metrics), Route("/healthz", healthz), Route("/readyz", readyz)])


def bind_tcp(host: str, port: int) -> socket.socket:
    """Return a listening socket. Raises CannotListen, with the address in its text, where it cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named, so that the loop knows it for TCP and lets small answers go at once.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen()  # else two of us could have bound it, and one would find out when nobody hears it any more
    except OSError as error:
        listener.close()
        raise CannotListen(f"cannot listen on {host}:{port}: {error.strerror}") from None
    return listener


def bind_unix(path: Path) -> socket.socket:
    """Return a listening Unix socket that only its owner can open; a stale one is replaced.

    The caller holds the journal's lock, so nobody else is listening there. Raises CannotListen where the folder is
    somebody else's.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.parent.stat().st_uid != os.geteuid():
        raise CannotListen(f"{path.parent} belongs to somebody else; whoever owns it could take our place in it")
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    path.chmod(0o600)
    return listener


class _Collected(Collector):
    """Metrics as they were read."""

    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> list[Metric]:
        return self._families


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: the service has its own."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serving(app: Any, listener: socket.socket) -> AsyncIterator[None]:
    """Serve `app` on `listener` until the end of the context."""
    config = uvicorn.Config(
        app,
        http=Bounded,
        ws="none",
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=2,
        server_header=False,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]), name=f"http {listener.getsockname()}")
    try:
        yield
    finally:
        server.should_exit = True
        await task
        listener.close()
