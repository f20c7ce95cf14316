"""A webhook receiver outside Vigil: it keeps what it was sent, and answers as told."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Self


@dataclass(slots=True)
class Call:
    """One request: when it came (s, monotonic and epoch), its headers and its JSON body."""

    at: float
    epoch_us: int
    headers: dict[str, str]
    body: dict[str, Any]
    raw: bytes

    @property
    def incident(self) -> dict[str, Any]:
        """The incident that it tells of."""
        incident: dict[str, Any] = self.body["data"]["incident"]
        return incident

    @property
    def key(self) -> str:
        """The idempotency key."""
        return self.headers["idempotency-key"]


@dataclass(slots=True)
class Receiver:
    """An HTTP/1.1 server on 127.0.0.1; every POST is kept, and answered with `status`."""

    status: int = 200
    calls: list[Call] = field(default_factory=list)
    port: int = 0
    _server: asyncio.Server | None = None
    _clients: set[asyncio.StreamWriter] = field(default_factory=set)
    _arrived: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, backlog=1024)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._clients:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients.add(writer)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = (line.split(": ", 1) for line in head.decode().split("\r\n")[1:] if line)
                headers = {name.lower(): value for name, value in lines}
                raw = await reader.readexactly(int(headers["content-length"]))
                call = Call(time.monotonic(), time.time_ns() // 1000, headers, json.loads(raw), raw)
                async with self._arrived:
                    self.calls.append(call)
                    self._arrived.notify_all()
                writer.write(f"HTTP/1.1 {self.status} Answer\r\ncontent-length: 0\r\n\r\n".encode())
                await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass
        finally:
            self._clients.discard(writer)
            writer.close()

    async def wait_for(self, n: int, *, deadline_s: float = 20) -> None:
        """Wait until `n` different notifications have come."""
        async with asyncio.timeout(deadline_s), self._arrived:
            await self._arrived.wait_for(lambda: len(self.by_key()) >= n)

    def by_key(self) -> Counter[str]:
        """How often each notification came."""
        return Counter(call.key for call in self.calls)
