"""The test stand: a broker, a database, the service and its receivers, all on this machine, all ended afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import psutil

from devices import write_ledger
from service.control import control_socket

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
    from pathlib import Path

    from devices import Device

__all__ = ["GOOD", "Hook", "Service", "free_port", "receiver", "run_module"]

GOOD = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
SECRET = "only for the benchmark"


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.asynccontextmanager
async def receiver(answer: Callable[[bytes], Awaitable[bytes]]) -> AsyncIterator[int]:
    """Answer each POST with what `answer` makes of its body, until the end of the context; yield the port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
                writer.write(await answer(await reader.readexactly(length)))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=1024)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


@dataclass(slots=True)
class Hook:
    """A webhook receiver: the monotonic time at which each device's incident came."""

    port: int = 0
    arrived: dict[str, float] = field(default_factory=dict)

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[Hook]:
        """Listen until the end of the context."""
        async with receiver(self._take) as self.port:
            yield self

    async def _take(self, body: bytes) -> bytes:
        now = time.monotonic()
        self.arrived.setdefault(json.loads(body)["data"]["incident"]["device"], now)
        return GOOD


@dataclass(slots=True)
class Service:
    """`vigil run` in a process of its own, with its bytecode kept, as it is in production."""

    directory: Path
    broker_port: int
    dsn: str
    hook_port: int
    http_port: int
    more: str = ""
    """Further TOML."""
    channel: str = "desk"
    """The name of the webhook; "desk" is told of everything, any other only people are told by."""
    process: psutil.Popen | None = None

    def _command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "service.cli", *words, "--config", str(self.directory / "vigil.toml")]

    async def start(self) -> float:
        """Start it and wait until alarms can flow; return how long that took, s."""
        self.directory.mkdir(parents=True, exist_ok=True)
        recipients = 'recipients = [{ name = "desk", channels = ["desk"] }]' if self.channel == "desk" else ""
        (self.directory / "vigil.toml").write_text(
            f"""data_dir = "data"
broker.port = {self.broker_port}
database.dsn = "{self.dsn}"
http.port = {self.http_port}
console.port = 0
log.format = "json"
channels.{self.channel} = {{ type = "webhook", url = "http://127.0.0.1:{self.hook_port}/", secret = "{SECRET}" }}
{recipients}
{self.more}
""",
            "utf-8",
        )
        started = time.monotonic()
        with (self.directory / "vigil.log").open("ab") as log:
            kept = {"PYTHONPYCACHEPREFIX": str(self.directory / "bytecode")}
            environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
            self.process = psutil.Popen(self._command("run"), stdout=log, stderr=log, env=environment | kept)
        async with httpx.AsyncClient() as client:
            while True:
                if self.process.poll() is not None:
                    raise RuntimeError((self.directory / "vigil.log").read_text("utf-8")[-4000:])
                with contextlib.suppress(httpx.TransportError):
                    answer = await client.get(f"http://127.0.0.1:{self.http_port}/readyz")
                    if answer.status_code == 200:
                        return time.monotonic() - started
                await asyncio.sleep(0.01)

    async def register(self, devices: Sequence[Device]) -> None:
        """Register devices as a user would: from a ledger."""
        ledger = self.directory / "ledger.csv"
        write_ledger(ledger, devices)
        process = await asyncio.create_subprocess_exec(
            *self._command("devices", "import", str(ledger)), stdout=subprocess.DEVNULL
        )
        if await process.wait():
            raise RuntimeError("the ledger was not taken")

    def cpu_s(self) -> float:
        """CPU seconds of the service so far, user and system."""
        assert self.process is not None
        times = self.process.cpu_times()
        return float(times.user + times.system)

    def resident_mb(self) -> float:
        """Resident memory, MB."""
        assert self.process is not None
        return float(self.process.memory_info().rss) / 1e6

    async def archived(self) -> int:
        """Return how many readings are committed in the database since the start."""
        transport = httpx.AsyncHTTPTransport(uds=str(control_socket(self.directory / "data")))
        async with httpx.AsyncClient(transport=transport, base_url="http://vigil") as client:
            return int((await client.get("/status")).json()["archived_readings"])

    async def archived_reaches(self, least: int, deadline_s: float = 120) -> float:
        """Wait until so many are; return when that was seen (monotonic). It asks rarely, so as not to be the load."""
        async with asyncio.timeout(deadline_s):
            while await self.archived() < least:
                await asyncio.sleep(0.1)
        return time.monotonic()

    async def stop(self) -> None:
        """End it in order."""
        if self.process is not None and self.process.is_running():
            self.process.terminate()
            await asyncio.to_thread(self.process.wait, 30)


async def run_module(*words: str) -> dict[str, Any]:
    """Run `python -m …`; return the JSON of its last line."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", *words, stdout=subprocess.PIPE)
    out, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"{words[0]} ended with {process.returncode}")
    answer: dict[str, Any] = json.loads(out.decode().strip().splitlines()[-1])
    return answer
