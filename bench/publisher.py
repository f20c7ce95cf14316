"""A load of QoS 1 messages from one raw socket: packets are encoded before the clock starts.

`python -m bench.publisher --port 1883 --messages 200000` prints the rate at which the broker took them. The broker must
take a window of messages at once (mosquitto: `max_inflight_messages 0`).
"""

from __future__ import annotations

import argparse
import socket
import time

import mqtt5

__all__ = ["publish"]

DEVICES = 500
PAYLOAD = b'{"ts": 1732243200123, "values": {"smoke": 0.125, "temperature": 21.5, "battery": 88, "rssi": -70}}'


def blocks_of(size: int, site: str) -> list[bytes]:
    """Encode two blocks of `size` messages of four values, over all devices; their packet ids do not overlap."""
    return [
        b"".join(
            mqtt5.PublishPacket(
                f"vigil/v1/{site}/bench-{number % DEVICES:05}/readings",
                PAYLOAD,
                qos=mqtt5.QoS.AT_LEAST_ONCE,
                packet_id=first + number,
            ).write()
            for number in range(size)
        )
        for first in (1, 1 + size)
    ]


def publish(host: str, port: int, messages: int, site: str = "bench", size: int = 1000) -> float:
    """Publish `messages` (rounded up to blocks of `size`), at most two blocks unacknowledged; return messages/s."""
    with socket.create_connection((host, port)) as link:
        link.sendall(mqtt5.ConnectPacket(f"publisher-{site}", clean_start=True, keep_alive=0).write())
        connack, _ = mqtt5.read(memoryview(link.recv(4096)))
        if not isinstance(connack, mqtt5.ConnAckPacket) or connack.receive_max < 2 * size:
            raise SystemExit(f"the broker takes no window of {2 * size} messages: {connack}")
        blocks = blocks_of(size, site)
        count = -(-messages // size)
        began = time.perf_counter()
        rest = b""
        for turn in range(count + 1):
            if turn < count:
                link.sendall(blocks[turn % 2])
            if turn:
                rest = await_acks(link, size, rest)
        return count * size / (time.perf_counter() - began)


def await_acks(link: socket.socket, count: int, rest: bytes) -> bytes:
    """Read `count` PUBACKs, of which `rest` may hold the first; return what is left over."""
    at = 0
    while count:
        if len(rest) - at < 2 or len(rest) - at < 2 + rest[at + 1]:
            rest, at = rest[at:] + link.recv(65536), 0
            continue
        at += 2 + rest[at + 1]
        count -= 1
    return rest[at:]


def main() -> None:
    """Publish as the arguments say."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--host", default="127.0.0.1")
    arguments.add_argument("--port", type=int, default=1883)
    arguments.add_argument("--messages", type=int, default=200_000)
    chosen = arguments.parse_args()
    print(f"{publish(chosen.host, chosen.port, chosen.messages):.0f} messages/s taken by the broker")


if __name__ == "__main__":
    main()
