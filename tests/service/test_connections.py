"""Whoever connects and says nothing holds up nobody: neither the others who ask, nor the rest of the service."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from service import connections
from service.http import bind_tcp, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request


async def _echo(request: Request) -> Response:
    return PlainTextResponse(await request.body())


async def _slow(_: Request) -> Response:
    await asyncio.sleep(0.5)
    return PlainTextResponse("slow")


@asynccontextmanager
async def served() -> AsyncIterator[int]:
    listener = bind_tcp("127.0.0.1", 0)
    port = listener.getsockname()[1]
    routes = [Route("/", _echo, methods=["GET", "POST"]), Route("/slow", _slow)]
    async with serving(Starlette(routes=routes), listener):
        yield port


async def opened(port: int, said: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(said)
    await writer.drain()
    return reader, writer


async def ended(reader: asyncio.StreamReader, within_s: float) -> bool:
    """Return whether the far end has closed; what it said before is read."""
    try:
        async with asyncio.timeout(within_s):
            while await reader.read(1000):
                pass
    except ConnectionError:
        return True
    except TimeoutError:
        return False
    return True


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"GET / HTTP/1.1\r\nhost: x\r\nx: ",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nhalf",
        b"GET / HTTP/1.1\r\nhost: x\r\n\r\nGET / HTTP/1.1\r\n",
    ],
)
async def test_a_request_that_does_not_come_in_time_is_waited_for_no_longer(
    monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    monkeypatch.setattr(connections, "REQUEST_S", 0.3)
    async with served() as port:
        began = time.monotonic()
        reader, writer = await opened(port, said)
        assert await ended(reader, 5)
        assert time.monotonic() - began >= 0.3
        writer.close()


async def test_an_answer_that_takes_longer_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "REQUEST_S", 0.2)
    async with served() as port, httpx.AsyncClient() as client:
        for _ in range(2):
            assert (await client.get(f"http://127.0.0.1:{port}/slow")).text == "slow"


async def test_silent_connections_give_way_to_those_who_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "CONNECTIONS", 5)
    async with served() as port, httpx.AsyncClient() as client:
        silent = [await opened(port, b"GET / HTTP/1.1\r\n") for _ in range(5)]
        for _ in range(20):
            assert (await client.post(f"http://127.0.0.1:{port}/", content=b"here")).text == "here"
        assert await ended(silent[0][0], 5), "it had been silent for longest"
        assert not await ended(silent[-1][0], 0.1), "there is room for it"
        for _, writer in silent:
            writer.close()
