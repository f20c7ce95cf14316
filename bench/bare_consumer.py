"""The ceiling: a QoS 1 consumer on our MQTT session that acknowledges at once and does nothing else.

Run as a process of its own: `python -m bench.bare_consumer --port P --count N`. It prints `ready`, and, when it has N
messages, one line of JSON: messages, seconds from the first to the last, CPU seconds of the process for them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from typing import TYPE_CHECKING

import numpy as np
import uvloop

from ingest import BrokerSettings, Lane, Session, topic_filters
from service.logs import configure_logs
from service.sections import LogSection
from service.service import GATHER_S

if TYPE_CHECKING:
    import mqtt5

__all__ = ["main"]


async def consume(host: str, port: int, count: int, receive_maximum: int) -> dict[str, float]:
    """Drain `count` messages; return what it took."""
    done = asyncio.Event()
    received = 0
    first = cpu = 0.0

    def take(epoch: int, packets: list[mqtt5.PublishPacket]) -> None:
        nonlocal received, first, cpu
        if not received:
            first, cpu = time.monotonic(), time.process_time()
        received += len(packets)
        session.acknowledge(epoch, np.array([p.packet_id for p in packets if p.packet_id is not None], np.uint16))
        if received >= count:
            done.set()

    settings = BrokerSettings(
        host=host,
        port=port,
        client_id=f"bare-{time.time_ns()}",
        session_expiry_s=1,
        receive_maximum=receive_maximum,
        gather_s=GATHER_S,  # as the service does
    )
    session = Session(
        settings,
        topic_filters(Lane.TELEMETRY),
        on_messages=take,
        on_malformed=lambda *_: None,
        on_connected=lambda _: print("ready", flush=True),
    )
    running = asyncio.create_task(session.run())
    await done.wait()
    result = {"messages": received, "seconds": time.monotonic() - first, "cpu_s": time.process_time() - cpu}
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return result


def main() -> None:
    """Run the consumer."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--receive-maximum", type=int, default=5000)
    options = parser.parse_args()
    configure_logs(LogSection(level="warning"))
    print(json.dumps(uvloop.run(consume(options.host, options.port, options.count, options.receive_maximum))))


if __name__ == "__main__":
    main()
