"""What the service shows on /metrics, read while it runs without a broker and without a database."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import httpx

from service.service import serve
from service.settings import load_settings
from tests.support.broker import free_port

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["OPENMETRICS", "shown_by_the_service"]

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
DEADLINE_S = 30


async def shown_by_the_service(data_dir: Path, *accepted: str) -> list[httpx.Response]:
    """Start the service, ask for /metrics once with each `Accept` header, and end the service."""
    sections = {"http": {"port": free_port()}, "console": {"port": 0}, "broker": {"port": free_port()}}
    settings = load_settings(None, data_dir=data_dir, database={"dsn": "postgresql://127.0.0.1:1/none"}, **sections)
    stop = asyncio.Event()
    service = asyncio.create_task(serve(settings, stop))
    shown: list[httpx.Response] = []
    try:
        async with asyncio.timeout(DEADLINE_S), httpx.AsyncClient() as client:
            while len(shown) < len(accepted) and not service.done():
                with contextlib.suppress(httpx.TransportError):
                    accept = {"accept": accepted[len(shown)]}
                    shown.append(await client.get(f"http://127.0.0.1:{settings.http.port}/metrics", headers=accept))
                    continue
                await asyncio.sleep(0.02)
    finally:
        stop.set()
        await service
    return shown
