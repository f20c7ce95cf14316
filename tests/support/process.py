"""The service as its users run it: `vigil run` in a process of its own, with settings in a file."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx

from tests.support.broker import free_port

if TYPE_CHECKING:
    from pathlib import Path

READY_S = 30.0


@dataclass(slots=True)
class VigilProcess:
    """One `vigil run`. Everything it needs is under `directory`."""

    directory: Path
    broker_port: int
    dsn: str
    webhook_url: str
    secret: str = "a secret between us"
    more: str = ""
    """Further TOML; it may not name a table that is written already."""
    client_id: str = "vigil"
    http_port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def config(self) -> Path:
        return self.directory / "vigil.toml"

    @property
    def data_dir(self) -> Path:
        return self.directory / "data"

    @property
    def log(self) -> Path:
        return self.directory / "vigil.log"

    def start(self) -> None:
        """Start it; `ready` waits until alarms can flow."""
        self.directory.mkdir(exist_ok=True)
        defaults = {"[console]": "port = 0", "[deadman]": "enabled = false"}
        rest = "\n".join(f"{table}\n{line}" for table, line in defaults.items() if table not in self.more)
        self.config.write_text(
            f"""
data_dir = "data"
[broker]
port = {self.broker_port}
client_id = "{self.client_id}"
[database]
dsn = "{self.dsn}"
[http]
port = {self.http_port}
[log]
format = "json"
[channels.desk]
type = "webhook"
url = "{self.webhook_url}"
secret = "{self.secret}"
[[recipients]]
name = "Duty desk"
channels = ["desk"]
{rest}
{self.more}
""",
            "utf-8",
        )
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "service.cli", "run", "--config", str(self.config)], stdout=log, stderr=log
            )

    async def ready(self, deadline_s: float = READY_S) -> None:
        """Wait until /readyz says so. Raises AssertionError with the end of the log where it does not."""
        assert self.process is not None
        until = time.monotonic() + deadline_s
        async with httpx.AsyncClient(timeout=2) as client:
            while True:
                try:
                    if (await client.get(f"http://127.0.0.1:{self.http_port}/readyz")).status_code == 200:
                        return
                except httpx.TransportError:
                    pass
                if self.process.poll() is not None or time.monotonic() > until:
                    raise AssertionError(f"not ready; exit {self.process.poll()}:\n{self.tail()}")
                await asyncio.sleep(0.02)

    def tail(self, n: int = 4000) -> str:
        """Return the end of the log."""
        return self.log.read_text("utf-8", "replace")[-n:]

    def events(self, name: str) -> list[dict[str, Any]]:
        """Return the log lines of one event."""
        lines = (line for line in self.log.read_text("utf-8").splitlines() if line.startswith("{"))
        return [entry for entry in map(json.loads, lines) if entry.get("event") == name]

    def kill(self) -> None:
        """End it as a power cut would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """Ask it to end; return its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)

    async def exited(self, deadline_s: float = 20) -> int:
        """Wait until it has ended by itself; return its exit code."""
        assert self.process is not None
        return await asyncio.wait_for(asyncio.to_thread(self.process.wait, deadline_s), deadline_s + 1)

    def end(self) -> None:
        """Leave no process behind."""
        if self.process is not None and self.process.poll() is None:
            self.kill()

    async def metric(self, name: str, **labels: str) -> float:
        """Return the sum of a metric's samples that carry `labels`."""
        async with httpx.AsyncClient(timeout=5) as client:
            text = (await client.get(f"http://127.0.0.1:{self.http_port}/metrics")).text
        total = 0.0
        for line in text.splitlines():
            head, _, value = line.rpartition(" ")
            if head.partition("{")[0] == name and all(
                f'{label}="{wanted}"' in head for label, wanted in labels.items()
            ):
                total += float(value)
        return total

    async def metric_reaches(self, name: str, least: float, *, deadline_s: float = 30, **labels: str) -> float:
        """Wait until the metric is at least `least`; return it."""
        until = time.monotonic() + deadline_s
        while (value := await self.metric(name, **labels)) < least:
            assert time.monotonic() < until, f"{name} {labels} is {value}; wanted {least}\n{self.tail()}"
            await asyncio.sleep(0.05)
        return value

    async def metric_reaches_once_ready(self, name: str, least: float, **labels: str) -> float:
        """Wait for the service, then for the metric."""
        await self.ready()
        return await self.metric_reaches(name, least, deadline_s=30, **labels)

    async def command(self, *words: str) -> str:
        """Run another `vigil` command on the same settings; return what it printed."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "service.cli",
            *words,
            "--config",
            str(self.config),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        out, err = await process.communicate()
        assert process.returncode == 0, err.decode()
        return out.decode()
