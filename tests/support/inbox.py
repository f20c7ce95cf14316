"""A session's far end in tests: it keeps what came, and waits for it with a deadline."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import aiomqtt
import numpy as np

from ingest.session import Session
from ingest.session_settings import BrokerSettings

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable, Sequence

    from mqtt5 import PublishPacket

    from tests.support.broker import Mosquitto

__all__ = ["Inbox", "publish", "running", "settings_for", "started", "until"]

DEADLINE_S = 10.0


async def until(condition: Callable[[], bool], deadline_s: float = DEADLINE_S) -> None:
    """Return as soon as `condition` holds. Raises TimeoutError where it does not in time."""
    async with asyncio.timeout(deadline_s):
        while not condition():
            await asyncio.sleep(0.002)


def settings_for(broker: Mosquitto, **changes: object) -> BrokerSettings:
    """Return settings that reach `broker` and retry within milliseconds."""
    fields: dict[str, object] = {
        "host": broker.host,
        "port": broker.port,
        "client_id": "vigil-test",
        "connect_timeout_s": 5.0,
        "backoff_first_s": 0.01,
        "backoff_max_s": 0.1,
    }
    return BrokerSettings(**(fields | changes))  # type: ignore[arg-type]


@dataclass(slots=True)
class Inbox:
    """What a session handed over. `acknowledges` answers each wake-up at once; else the test does."""

    acknowledges: bool = False
    session: Session | None = None
    messages: list[tuple[int, PublishPacket]] = field(default_factory=list)
    runs: list[int] = field(default_factory=list)
    malformed: list[tuple[int, bytes, str, int | None]] = field(default_factory=list)
    connected: list[bool] = field(default_factory=list)

    def attach(self, settings: BrokerSettings, topic_filters: Sequence[str] = ("vigil/#",)) -> Session:
        """Return a session that ends here."""
        self.session = Session(
            settings, topic_filters, self.take, lambda *fields: self.malformed.append(fields), self.connected.append
        )
        return self.session

    def take(self, epoch: int, packets: list[PublishPacket]) -> None:
        """Keep the packets of one wake-up."""
        self.messages.extend((epoch, packet) for packet in packets)
        self.runs.append(len(packets))
        if self.acknowledges:
            self.acknowledge(epoch, [packet.packet_id for packet in packets if packet.packet_id is not None])

    def acknowledge(self, epoch: int, packet_ids: Sequence[int]) -> None:
        """Accept."""
        assert self.session is not None
        self.session.acknowledge(epoch, np.array(packet_ids, np.uint16))

    def packets(self, epoch: int | None = None) -> list[PublishPacket]:
        """Return the packets of one epoch, or of all."""
        return [packet for number, packet in self.messages if epoch in (None, number)]

    def payloads(self, epoch: int | None = None) -> list[bytes]:
        """Return their payloads."""
        return [packet.payload for packet in self.packets(epoch)]

    def ids(self, epoch: int | None = None) -> list[int]:
        """Return their packet ids; 0 where there is none."""
        return [packet.packet_id or 0 for packet in self.packets(epoch)]

    async def until(self, count: int) -> None:
        """Wait for `count` messages in all."""
        await until(lambda: len(self.messages) >= count)


@asynccontextmanager
async def started(session: Session) -> AsyncIterator[asyncio.Task[None]]:
    """Run the session until the block ends."""
    task = asyncio.create_task(session.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait({task})


@asynccontextmanager
async def running(session: Session) -> AsyncIterator[asyncio.Task[None]]:
    """Run the session until the block ends; enter when it is subscribed."""
    async with started(session) as task:
        await until(lambda: session.connected or task.done())
        if task.done():
            await task
        yield task


async def publish(
    broker: Mosquitto,
    payloads: Sequence[bytes],
    topic: str = "vigil/v1/s/d/readings",
    qos: int = 1,
    *,
    retain: bool = False,
    tls: ssl.SSLContext | None = None,
) -> None:
    """Publish the payloads in order; return when the broker has them."""
    async with aiomqtt.Client(broker.host, broker.port, protocol=aiomqtt.ProtocolVersion.V5, tls_context=tls) as client:
        for payload in payloads:
            await client.publish(topic, payload, qos=qos, retain=retain)
