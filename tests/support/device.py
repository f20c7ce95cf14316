"""Devices outside Vigil: publishers that keep what the broker has accepted."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import mqtt5

if TYPE_CHECKING:
    from collections.abc import Iterable

WINDOW = 500


@dataclass(slots=True)
class Device:
    """A publisher of many devices' messages over one connection, QoS 1; `accepted` are those that have a PUBACK."""

    host: str
    port: int
    accepted: list[tuple[str, bytes]] = field(default_factory=list)

    async def publish(self, messages: Iterable[tuple[str, dict[str, Any] | bytes]]) -> None:
        """Publish (topic, body) in order; return when the broker has accepted all of them."""
        reader, writer = await asyncio.open_connection(self.host, self.port)
        writer.write(mqtt5.ConnectPacket(client_id="", clean_start=True, keep_alive=60).write())
        waiting: deque[tuple[str, bytes]] = deque()
        buffer = bytearray()

        async def answers(least: int) -> None:
            while least > 0:
                chunk = await reader.read(65536)
                if not chunk:
                    raise ConnectionError("the broker closed the connection")
                buffer.extend(chunk)
                while True:
                    try:
                        packet, size = mqtt5.read(memoryview(bytes(buffer)))
                    except IndexError:
                        break
                    del buffer[:size]
                    if isinstance(packet, mqtt5.PubAckPacket):
                        self.accepted.append(waiting.popleft())
                        least -= 1
                    elif isinstance(packet, mqtt5.ConnAckPacket):
                        least -= 1

        try:
            await answers(1)
            for number, (topic, body) in enumerate(messages):
                payload = body if isinstance(body, bytes) else json.dumps(body).encode()
                packet_id = number % 60_000 + 1
                waiting.append((topic, payload))
                writer.write(
                    mqtt5.PublishPacket(topic, payload, qos=mqtt5.QoS.AT_LEAST_ONCE, packet_id=packet_id).write()
                )
                if len(waiting) >= WINDOW:
                    await writer.drain()
                    await answers(WINDOW // 2)
            await answers(len(waiting))
            writer.write(mqtt5.DisconnectPacket().write())
            await writer.drain()
        finally:
            writer.close()
