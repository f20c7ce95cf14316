"""The simulation on a real broker: what the devices publish goes out, and the receipts come back."""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from collections import deque
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

import aiomqtt

from devices.profile_loader import load_profiles
from simulator.director import ScenarioPlan
from simulator.simulation import Simulation

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping

    from devices import Profile
    from simulator.address import BrokerAddress
    from simulator.fleet import Fleet
    from simulator.simulation import Message
    from simulator.truth import Truth

__all__ = ["SimulationReport", "simulate"]

TICK_S = 0.1
TOGETHER = 200
"""Messages under way at once. A broker that gathers its PUBACKs (Nagle) answers 25 times a second, however few."""
BETWEEN_LOOKS = 1000
"""Messages published before the simulation is asked again: an alarm waits for no more than these."""
PUBLISH_DEADLINE_S = 10.0
BACKOFF_FIRST_S = 0.5
BACKOFF_MAX_S = 15.0


@dataclass(slots=True)
class SimulationReport:
    """What a simulation did.

    published: messages that the broker acknowledged, of which `alarms` on the alarm topic, of which `repeats` again
    receipts:  alarms whose receipt came back from the service
    """

    published: int = 0
    alarms: int = 0
    repeats: int = 0
    receipts: int = 0
    reconnects: int = 0
    truths: tuple[Truth, ...] = ()


async def simulate(
    fleet: Fleet,
    broker: BrokerAddress,
    *,
    stop: asyncio.Event,
    seed: int = 0,
    speed: float = 1.0,
    scenarios: bool | ScenarioPlan = True,
    on_truth: Callable[[Truth], None] | None = None,
    profiles: Mapping[str, Profile] | None = None,
    clock_us: Callable[[], int] = lambda: time.time_ns() // 1000,
) -> SimulationReport:
    """Let `fleet` live on `broker` until `stop` is set; return what it did.

    speed:     how many times faster than life; see `Simulation`
    scenarios: incidents by the default plan, none, or by a plan of one's own
    on_truth:  called as each incident begins
    profiles:  for the expected rules; None takes the shipped ones
    clock_us:  the time, µs since the epoch
    Reconnects with back-off for as long as it takes. Raises ssl.SSLError or OSError where a TLS file cannot be used.
    """
    plan = scenarios if isinstance(scenarios, ScenarioPlan) else ScenarioPlan() if scenarios else None
    simulation = Simulation(fleet, profiles or load_profiles(), begin_us=clock_us(), seed=seed, speed=speed, plan=plan)
    connect = partial(_client, broker, broker.ssl_context())
    publisher = _Publisher(fleet.site, connect, simulation, clock_us, on_truth or _unheard)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(publisher.run())
        await stop.wait()
        running.cancel()
    publisher.report.truths = tuple(simulation.truths)
    return publisher.report


def _client(broker: BrokerAddress, context: ssl.SSLContext | None) -> aiomqtt.Client:
    client = aiomqtt.Client(
        broker.host,
        broker.port,
        identifier=f"vigil-simulator-{uuid.uuid4().hex[:8]}",
        username=broker.username,
        password=broker.password,
        protocol=aiomqtt.ProtocolVersion.V5,
        tls_context=context,
        timeout=PUBLISH_DEADLINE_S,
        max_inflight_messages=TOGETHER,
    )
    client.pending_calls_threshold = TOGETHER  # below it, aiomqtt logs no warning
    return client


def _unheard(_truth: Truth) -> None:
    """Nobody asked for the truth."""


@dataclass(slots=True)
class _Publisher:
    site: str
    connect: Callable[[], aiomqtt.Client]
    simulation: Simulation
    clock_us: Callable[[], int]
    on_truth: Callable[[Truth], None]
    report: SimulationReport = field(default_factory=SimulationReport)
    waiting: deque[Message] = field(default_factory=deque)

    async def run(self) -> None:
        """Connect, live, and connect again, until cancelled."""
        backoff_s = BACKOFF_FIRST_S
        while True:
            try:
                async with self.connect() as client:
                    backoff_s = BACKOFF_FIRST_S
                    await client.subscribe(f"vigil/v1/{self.site}/+/ack", qos=1)
                    await self._live(client)
            except* aiomqtt.MqttError:
                self.report.reconnects += 1
                await asyncio.sleep(backoff_s * random.uniform(0.5, 1.0))  # noqa: S311 - jitter
                backoff_s = min(2 * backoff_s, BACKOFF_MAX_S)

    async def _live(self, client: aiomqtt.Client) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._hear(client))
            while True:
                self._take_due()
                await self._publish(client)
                await asyncio.sleep(0 if self.waiting else TICK_S)

    def _take_due(self) -> None:
        """Take what is due, alarms before all that waits.

        It is asked only while there is a broker, so what waits is bounded by the fleet: a device that was due ten times
        meanwhile reports once.
        """
        known = len(self.simulation.truths)
        due = self.simulation.advance(self.clock_us())
        self.waiting.extendleft(reversed([message for message in due if message.alarm]))
        self.waiting.extend(message for message in due if not message.alarm)
        for truth in self.simulation.truths[known:]:
            self.on_truth(truth)

    async def _publish(self, client: aiomqtt.Client) -> None:
        """Publish some of what waits; a message leaves the queue when the broker has acknowledged it."""
        for _ in range(0, BETWEEN_LOOKS, TOGETHER):
            together = list(islice(self.waiting, TOGETHER))
            await asyncio.gather(*(client.publish(m.topic, m.payload, qos=1) for m in together))
            for message in together:
                self.waiting.popleft()
                self.report.published += 1
                self.report.alarms += message.alarm
                self.report.repeats += message.repeat

    async def _hear(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            _, _, site, name, _ = str(message.topic).split("/")
            if isinstance(message.payload, bytes):
                self.report.receipts += self.simulation.receipt(site, name, message.payload)
