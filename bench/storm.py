"""A storm: ten thousand fires in ten seconds, the database down, and when the first notice of each was handed over.

Twice: with so many people that each incident is a message of its own, and with so few that nearly all come in digests.
`python -m bench.storm` prints JSON in its last line.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiomqtt
import httpx
import numpy as np
import uvloop

from bench.stand import GOOD, Service, free_port, receiver
from devices import Device, Kind
from service.control import control_socket
from service.embedded_broker import BrokerKind, EmbeddedBroker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

INCIDENTS = 10_000
SECONDS = 10.0
SITE = "storm"
MANY, FEW = 2_500, 200
"""People: four incidents each, or fifty."""
PATIENCE_S = 60.0
_quiet = logging.getLogger("bench.storm")
_quiet.setLevel(logging.ERROR)  # so many publishes wait for their turn that it would warn of each
NOBODY = "host=127.0.0.1 port=9 dbname=none connect_timeout=1"


@dataclass(slots=True)
class Gateway:
    """Takes messages at once; when each incident was first in one, monotonic s."""

    port: int = 0
    messages: int = 0
    first: dict[str, float] = field(default_factory=dict)

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[Gateway]:
        """Listen until the end of the context."""
        async with receiver(self._take) as self.port:
            yield self

    async def _take(self, body: bytes) -> bytes:
        data = json.loads(body)["data"]
        now = time.monotonic()
        self.messages += 1
        for name in (data["incident"]["id"], *data.get("others", ())):
            self.first.setdefault(name, now)
        return GOOD


def people(n: int) -> str:
    """Return the settings: n people, each with a grid of their own."""
    persons = "".join(
        f'[[people]]\nname = "p{i}"\ncontacts = ["sms:p{i}"]\nroles = ["grid"]\ngrids = ["g{i}"]\n' for i in range(n)
    )
    return f"""{persons}
[[chains]]
name = "fire"
[[chains.steps]]
to = ["role:grid"]
[[routes]]
chain = "fire"
"""


async def storm(n_people: int) -> dict[str, float]:
    """Return the figures of one storm."""
    with tempfile.TemporaryDirectory(prefix="vigil-storm-") as name:
        directory = Path(name)
        broker = EmbeddedBroker(directory / "broker", port=free_port(), kind=BrokerKind.MOSQUITTO)
        await broker.start()
        try:
            async with Gateway().listening() as gateway:
                more = people(n_people)
                service = Service(directory / "service", broker.port, NOBODY, gateway.port, free_port(), more, "sms")
                await service.start()
                try:
                    return await _measure(service, broker.port, gateway, n_people)
                finally:
                    await service.stop()
        finally:
            await broker.stop()


async def _measure(service: Service, port: int, gateway: Gateway, n_people: int) -> dict[str, float]:
    devices = [
        Device(SITE, f"smoke-{i}", Kind.SMOKE, "smoke", grid=f"g{i % n_people}", building=f"b{i}")
        for i in range(INCIDENTS)
    ]
    await service.register(devices)
    before_mb, cpu_s = service.resident_mb(), service.cpu_s()
    published: dict[str, float] = {}
    began = time.monotonic()
    async with aiomqtt.Client(
        "127.0.0.1", port, identifier="bench-storm", max_inflight_messages=1000, logger=_quiet
    ) as client:

        async def publish(part: int) -> None:
            for i in range(part, INCIDENTS, 20):
                await asyncio.sleep(max(0.0, began + i / INCIDENTS * SECONDS - time.monotonic()))
                published[f"{SITE}/smoke-{i}"] = time.monotonic()
                await client.publish(f"vigil/v1/{SITE}/smoke-{i}/alarm", b'{"smoke": 1}', qos=1)

        async with asyncio.TaskGroup() as group:
            for part in range(20):
                group.create_task(publish(part))
    peak_mb = service.resident_mb()
    until = time.monotonic() + PATIENCE_S
    while len(gateway.first) < INCIDENTS and time.monotonic() < until:
        await asyncio.sleep(0.1)
        peak_mb = max(peak_mb, service.resident_mb())
    cpu_s = service.cpu_s() - cpu_s
    device_of = {one["id"]: one["device"] for one in await incidents_of(service)}
    waits = sorted(
        gateway.first[name] - published[device] for name, device in device_of.items() if name in gateway.first
    )
    return {
        "told": len(waits),
        "messages": gateway.messages,
        "p50_s": float(np.percentile(waits, 50)),
        "p99_s": float(np.percentile(waits, 99)),
        "max_s": waits[-1],
        "published_s": max(published.values()) - began,
        "cpu_ms_per_incident": cpu_s / INCIDENTS * 1e3,
        "rss_grown_mb": peak_mb - before_mb,
    }


async def incidents_of(service: Service) -> list[dict[str, Any]]:
    """Return the open incidents."""
    transport = httpx.AsyncHTTPTransport(uds=str(control_socket(service.directory / "data")))
    async with httpx.AsyncClient(transport=transport, base_url="http://vigil", timeout=60) as client:
        found: list[dict[str, Any]] = (await client.get("/incidents")).json()
        return found


async def measure() -> dict[str, float]:
    """Return the keys of the JSON line."""
    many, few = await storm(MANY), await storm(FEW)
    print(f"{MANY} people: {many}\n{FEW} people: {few}", file=sys.stderr)
    return {
        "storm_first_notice_p99_s": many["p99_s"],
        "storm_first_notice_max_s": many["max_s"],
        "storm_digest_notice_p99_s": few["p99_s"],
        "storm_told_ratio": min(many["told"], few["told"]) / INCIDENTS,
        "storm_cpu_ms_per_incident": many["cpu_ms_per_incident"],
        "storm_rss_grown_mb": many["rss_grown_mb"],
    }


def main() -> None:
    """Measure and print."""
    print(json.dumps({name: round(value, 3) for name, value in uvloop.run(measure()).items()}))


if __name__ == "__main__":
    main()
