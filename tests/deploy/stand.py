"""A stand for the alert rules: a real Prometheus on the shipped files, hurried, and targets in any state one likes.

Every duration of the rules (`for:` and `[range]`) is divided by `HURRY`; what they compare with is left as it is.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import httpx
import pytest
import yaml

from tests.deploy.exposition import OPENMETRICS
from tests.support.broker import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

__all__ = ["DEPLOY", "Prometheus", "Ramp", "Target", "hurried", "program", "rules"]

DEPLOY = Path(__file__).parents[2] / "deploy"
HURRY = 300
EVERY = "250ms"
DEADLINE_S = 45.0
_UNITS_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_SAMPLE = re.compile(r"^(\w+)(\{[^}]*\})? (\S+)")


def program(name: str, package: str) -> str:
    """Return a program's path. Where there is none the test is skipped, or fails if CI=true."""
    path = shutil.which(name)
    if path is None:
        message = f"{name} is not on the PATH: install it (apt install {package}) to check what is shipped"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return path


def rules(file: Path) -> list[dict[str, Any]]:
    """Return the rules of a file, of all its groups."""
    return [rule for group in yaml.safe_load(file.read_text("utf-8"))["groups"] for rule in group["rules"]]


def hurried(text: str, by: int = HURRY) -> str:
    """Return rules, or routes, whose ranges and waits are `by` times as short."""

    def shorter(duration: re.Match[str]) -> str:
        return f"{duration[1]}{max(1, int(duration[2]) * _UNITS_MS[duration[3]] // by)}ms{duration[4]}"

    text = re.sub(r"(\[|\boffset )(\d+)([smhd])(\]|\b)", shorter, text)
    return re.sub(r"(?m)^(\s+(?:for|group_wait|group_interval|repeat_interval): )(\d+)([smhd])($)", shorter, text)


@dataclass(slots=True)
class Ramp:
    """A figure that grows by `per_s` from its first look until it is stopped."""

    per_s: float
    base: float = 0.0
    began: float | None = None
    ended: float | None = None

    def stop(self) -> None:
        """Grow no more."""
        self.ended = time.monotonic()

    def __call__(self) -> float:
        """Return where it is."""
        if self.began is None:
            self.began = time.monotonic()
        return self.base + self.per_s * ((self.ended or time.monotonic()) - self.began)


class Target:
    """An exposition with the families, types and labels of a real one, and figures of the test's.

    shown: the real one, in OpenMetrics; names: the families to keep, as rules name their samples
    """

    def __init__(self, shown: str, names: set[str]) -> None:
        self._lines: list[str | tuple[str, str]] = []
        self._figures: dict[str, float | Callable[[], float]] = {}
        for line in shown.splitlines():
            if line.startswith("#"):
                name = line.split(" ")[2] if line != "# EOF" else ""
                if any(one == name or one.removesuffix("_total").removesuffix("_bucket") == name for one in names):
                    self._lines.append(line)
                continue
            sample = _SAMPLE.match(line)
            if sample is not None and sample[1] in names:
                series = sample[1] + (sample[2] or "")
                self._lines.append((series, series))
                self._figures[series] = float(sample[3])

    def set(self, figures: Mapping[str, float | Callable[[], float]]) -> None:
        """Give series other figures. Raises KeyError where the real service shows no such series."""
        for series, figure in figures.items():
            self._figures[self._known(series)] = figure

    def series(self, name: str) -> list[str]:
        """Return the series of a name."""
        return [one for one in self._figures if one.partition("{")[0] == name]

    def value(self, series: str) -> float:
        """Return what a series shows now."""
        figure = self._figures[self._known(series)]
        return figure if isinstance(figure, float | int) else figure()

    def _known(self, series: str) -> str:
        if series not in self._figures:
            raise KeyError(f"the service shows no {series}; it shows {self.series(series.partition('{')[0])}")
        return series

    def text(self) -> str:
        """Return the exposition."""
        lines = (line if isinstance(line, str) else f"{line[0]} {self.value(line[1])!r}" for line in self._lines)
        return "\n".join([*lines, "# EOF", ""])


@dataclass(slots=True)
class Prometheus:
    """A Prometheus that scrapes a service at `port`, and the targets by their names.

    firing: the alerts that fire, as (name, instance); instance is "" where the alert has none
    """

    program: str
    directory: Path
    port: int
    targets: dict[str, Target] = field(default_factory=dict)
    firing: set[tuple[str, str]] = field(default_factory=set)
    fired: set[str] = field(default_factory=set)
    cleared: set[str] = field(default_factory=set)
    url: str = ""
    _served: int = 0

    @asynccontextmanager
    async def running(self, names: tuple[str, ...]) -> AsyncIterator[Self]:
        """Run it until the end of the context. names: of the targets that are to come."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = free_port()
        self._configure(server.sockets[0].getsockname()[1], names)
        log = self.directory / "prometheus.log"
        with log.open("wb") as out:
            process = await asyncio.create_subprocess_exec(
                self.program,
                f"--config.file={self.directory / 'prometheus.yml'}",
                f"--storage.tsdb.path={self.directory / 'tsdb'}",
                f"--web.listen-address=127.0.0.1:{port}",
                "--enable-feature=exemplar-storage",
                stdout=out,
                stderr=out,
            )
        self.url = f"http://127.0.0.1:{port}"
        looking = asyncio.create_task(self._look())
        try:
            yield self
        except TimeoutError as error:
            error.add_note(f"firing: {sorted(self.firing)}\n{log.read_text('utf-8')[-2000:]}")
            raise
        finally:
            looking.cancel()
            await asyncio.wait([looking])
            process.kill()
            await process.wait()
            server.close()

    async def fires(self, alert: str, instance: str = "", deadline_s: float = DEADLINE_S) -> None:
        """Wait until an alert fires. Raises TimeoutError that names it where it does not."""
        await self._until(lambda: (alert, instance) in self.firing, f"{alert} does not fire", deadline_s)
        self.fired.add(alert)

    async def clears(self, alert: str, instance: str = "", deadline_s: float = DEADLINE_S) -> None:
        """Wait until an alert fires no more. Raises TimeoutError that names it where it goes on."""
        await self._until(lambda: (alert, instance) not in self.firing, f"{alert} does not clear", deadline_s)
        self.cleared.add(alert)

    async def quiet(self, instances: tuple[str, ...]) -> None:
        """Wait until rules have looked at the instances, and nothing fires for any of them, or for all together."""
        looked_at = "vigil:journal_fill:ratio"
        async with asyncio.timeout(DEADLINE_S):
            while not set(instances) <= {one["instance"] for one, _ in await self.query(looked_at)}:
                await asyncio.sleep(0.05)
        meant = {*instances, ""}
        await self._until(
            lambda: not {name for name, one in self.firing if one in meant} - {"VigilWatchdog"},
            "something fires that should not",
            DEADLINE_S,
        )

    async def query(self, expression: str) -> list[tuple[dict[str, str], str]]:
        """Return what an instant query finds: labels and value."""
        async with httpx.AsyncClient() as client:
            answer = await client.get(f"{self.url}/api/v1/query", params={"query": expression})
        return [(one["metric"], one["value"][1]) for one in answer.json()["data"]["result"]]

    async def exemplars(self, expression: str) -> list[dict[str, str]]:
        """Return the labels of the exemplars of the last minutes."""
        now = time.time()
        async with httpx.AsyncClient() as client:
            span = {"start": now - 300, "end": now + 300}
            answer = await client.get(f"{self.url}/api/v1/query_exemplars", params={"query": expression, **span})
        return [one["labels"] for series in answer.json()["data"] for one in series["exemplars"]]

    async def _until(self, condition: Callable[[], bool], fault: str, deadline_s: float) -> None:
        try:
            async with asyncio.timeout(deadline_s):
                while not condition():
                    await asyncio.sleep(0.02)
        except TimeoutError as error:
            error.add_note(fault)
            raise

    async def _look(self) -> None:
        async with httpx.AsyncClient() as client:
            while True:
                try:
                    answer = await client.get(f"{self.url}/api/v1/alerts")
                    alerts = answer.json()["data"]["alerts"] if answer.status_code == httpx.codes.OK else []
                    self.firing = {
                        (one["labels"]["alertname"], one["labels"].get("instance", ""))
                        for one in alerts
                        if one["state"] == "firing"
                    }
                except httpx.TransportError:
                    pass  # it has not started yet
                await asyncio.sleep(0.1)

    def _configure(self, port: int, names: tuple[str, ...]) -> None:
        """Write the shipped files down, hurried, with the test's addresses."""
        shipped = DEPLOY / "prometheus"
        config: dict[str, Any] = yaml.safe_load((shipped / "prometheus.yml").read_text("utf-8"))
        config["global"] = {"scrape_interval": EVERY, "scrape_timeout": EVERY, "evaluation_interval": EVERY}
        del config["alerting"]
        (job,) = config["scrape_configs"]
        job["static_configs"] = [{"targets": [f"127.0.0.1:{self.port}"], "labels": {"instance": "service"}}]
        stands = [
            {"targets": [f"127.0.0.1:{port}"], "labels": {"instance": name, "__metrics_path__": f"/{name}"}}
            for name in names
        ]
        config["scrape_configs"].append({"job_name": "stand", "static_configs": stands})
        (self.directory / "prometheus.yml").write_text(yaml.safe_dump(config), "utf-8")
        for name in config["rule_files"]:
            (self.directory / name).write_text(hurried((shipped / name).read_text("utf-8")), "utf-8")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                target = self.targets.get(head.split(b" ", 2)[1].decode().removeprefix("/"))
                status, body = ("200 OK", target.text()) if target else ("503 Not yet", "")
                told = f"HTTP/1.1 {status}\r\ncontent-type: {OPENMETRICS}\r\ncontent-length: {len(body)}\r\n\r\n"
                writer.write(told.encode() + body.encode())
                await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass
        finally:
            writer.close()
