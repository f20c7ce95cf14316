"""A real HTTP server on 127.0.0.1 that misbehaves on command."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator

OK = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
HANG = ""
CLOSE = "close"
ENDLESS = "endless"
SLOW_BODY = "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nthe rest never comes"


def status(code: int, *headers: str) -> str:
    """Return an answer without a body."""
    return "\r\n".join([f"HTTP/1.1 {code} Said", *headers, "content-length: 0", "", ""])


def answer(body: str, code: int = 200) -> str:
    """Return an answer with a body."""
    return f"HTTP/1.1 {code} Said\r\ncontent-length: {len(body.encode())}\r\n\r\n{body}"


@dataclass(slots=True)
class Request:
    """One request as it came; `target` is path and query."""

    at: float
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.body)
        return document


@dataclass(slots=True)
class Receiver:
    """Gives the answers in their order, the last for ever; keeps what it got."""

    answers: list[str]
    scheme: str = "http"
    port: int = 0
    connections: int = 0
    requests: list[Request] = field(default_factory=list)
    under_way: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}/hook"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task
        self.under_way.add(task)
        try:
            while await self._answer(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self.under_way.discard(task)
            writer.transport.abort() if self.answers == [ENDLESS] else writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        first, *head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[:-2]
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.requests.append(Request(asyncio.get_running_loop().time(), first.split()[1], headers, body))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer == CLOSE:
            return False
        if answer == HANG:
            await reader.read()  # until the other side gives up
            return False
        if answer == ENDLESS:
            writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
            while True:
                writer.write(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")
                await writer.drain()
        writer.write(answer.encode())
        await writer.drain()
        return True


@asynccontextmanager
async def receiver(*answers: str, tls: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    """Serve on a free port for the length of the block."""
    self = Receiver(list(answers), "https" if tls else "http")
    server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=tls, backlog=1024)
    self.port = server.sockets[0].getsockname()[1]
    try:
        yield self
    finally:
        server.close()
        for task in (under_way := tuple(self.under_way)):
            task.cancel()
        if under_way:
            await asyncio.wait(under_way)
