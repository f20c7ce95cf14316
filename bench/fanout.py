"""Fan-out: `python -m bench.fanout` prints how many messages a second go to an HTTP gateway, and what each costs.

The messages are queued in the service's own outbox, sent by its delivery through a signed webhook, and what became of
each is journalled, folded and noted, as in the running service: only then does it count. The gateway is a process of
its own on this machine, which answers at once; `latency_ms` makes it as slow as a real one. Ten people are told of each
incident.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, cast

import numpy as np
import uvloop

from alerts import Delivery, Notification, NotificationStatus, Settle, SystemClock
from alerts.channels import ChannelContext
from alerts.incident import EventKind, Incident, IncidentState
from alerts.notification import Purpose
from devices import Kind
from rules.model import AlarmClass, Severity
from service.channels import make_channels
from service.core import open_core
from service.logs import configure_logs
from service.memory import settle
from service.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from service.core import Core

__all__ = ["measure_fanout"]

MESSAGES = 20_000
WARM_UP = 1_000
PEOPLE = 10
PATIENCE_S = 120.0
ANSWER = b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 13\r\n\r\n{"errcode":0}'


async def measure_fanout(messages: int = MESSAGES, latency_ms: float = 0.0) -> dict[str, float]:
    """Return messages a second, CPU µs a message, and the median ms from owed to journalled, all being owed at once."""
    with tempfile.TemporaryDirectory(prefix="vigil-fanout-") as name:
        async with gateway(latency_ms) as port:
            settings = Settings.model_validate(
                {
                    "data_dir": name,
                    "log": {"level": "warning"},
                    "broker": {"host": "127.0.0.1"},
                    "channels": {
                        "gateway": {
                            "type": "webhook",
                            "url": f"http://127.0.0.1:{port}/send",
                            "secret": "only for the benchmark",
                            "at_once": 128,
                        }
                    },
                }
            )
            configure_logs(settings.log)
            async with open_core(settings) as core:
                return await _measure(core, messages)


async def _measure(core: Core, messages: int) -> dict[str, float]:
    owed_at: dict[str, float] = {}
    took: list[float] = []
    all_in = asyncio.Event()

    async def settled(command: Settle) -> None:
        await core.settle(command)
        took.append(time.monotonic() - owed_at.pop(command.notification))
        if not owed_at:
            all_in.set()

    channels = make_channels(core.settings, ChannelContext())
    delivery = Delivery(channels, settled, SystemClock(), random.random, core.alerts_counters)

    async def fan_out(numbers: range) -> tuple[float, float]:
        """Return s and CPU s until the last of them is in the journal as handed over."""
        fresh = [message(number) for number in numbers]
        took.clear()
        all_in.clear()
        cpu_s, began = time.process_time(), time.monotonic()
        owed = core.shard.outbox.owe(fresh)
        owed_at.update((one.id, began) for one in owed)
        delivery.submit(owed)
        async with asyncio.timeout(PATIENCE_S):
            await all_in.wait()
        return time.monotonic() - began, time.process_time() - cpu_s

    running = asyncio.create_task(delivery.run())
    try:
        await fan_out(range(WARM_UP))
        settle()  # as the service does once it is ready
        seconds, cpu_s = await fan_out(range(WARM_UP, WARM_UP + messages))
    finally:
        running.cancel()
        await asyncio.wait([running])
    counters = core.alerts_counters
    assert len(core.shard.outbox) == 0
    assert counters.settled[NotificationStatus.HANDED] == WARM_UP + messages
    return {
        "fanout_msgs_s": messages / seconds,
        "fanout_cpu_us_per_msg": cpu_s / messages * 1e6,
        "fanout_p50_ms": float(np.percentile(took, 50)) * 1e3,
        "fanout_retries": float(counters.retries),
    }


def message(number: int) -> Notification:
    """Return one message to one of the people who are told of an incident, with a minute to go."""
    which, person = divmod(number, PEOPLE)
    now_us = time.time_ns() // 1000
    incident = Incident(
        id=f"I{which:07d}",
        device=f"bench/smoke-{which}",
        site="bench",
        grid="3",
        place="bench, grid 3, building 5, floor 2, 201",
        place_zh="bench，网格3，楼栋5，楼层2，201",
        latitude=22.54,
        longitude=114.06,
        kind=Kind.SMOKE,
        unregistered=False,
        rule_id="smoke.alarm",
        rule_name_en="Smoke",
        rule_name_zh="烟雾",
        severity=Severity.EMERGENCY,
        alarm_class=AlarmClass.LIFE_SAFETY,
        what_en="smoke alarm",
        what_zh="烟雾报警",
        metric="smoke",
        unit="",
        value=1.0,
        limit=None,
        source="GB 20517",
        state=IncidentState.RAISED,
        condition_holds=True,
        late=False,
        raised_us=now_us,
        event_us=now_us,
        since_us=now_us,
        last_us=now_us,
        revision=1,
    )
    return Notification(
        id=f"N{number:019d}",
        event=f"{incident.id}-1",
        kind=EventKind.RAISED,
        recipient=f"person-{person}-{which}",
        channel="gateway",
        title_en=f"[EMERGENCY] Smoke · {incident.place}",
        title_zh=f"【紧急】烟雾 · {incident.place_zh}",
        body_en=f"Smoke: smoke alarm. Where: {incident.place}. Please answer with the link below.",
        body_zh=f"烟雾：烟雾报警。位置：{incident.place_zh}。请点下面的链接回复。",
        created_us=now_us,
        expires_us=now_us + 60_000_000,
        incident=incident,
        purpose=Purpose.ASK,
        address=f"138{number:08d}",
        wants_answer=True,
    )


@asynccontextmanager
async def gateway(latency_ms: float) -> AsyncIterator[int]:
    """Run the far end in a process of its own; yield its port."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.fanout", "--gateway", "--latency-ms", str(latency_ms),
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        yield int(await process.stdout.readline())
    finally:
        process.terminate()
        await process.wait()


class FarEnd(asyncio.Protocol):
    """Answers each request as soon as its body is in, or `latency_s` later."""

    def __init__(self, latency_s: float) -> None:
        self._latency_s = latency_s
        self._buffer = b""
        self._transport: asyncio.WriteTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        self._transport = cast("asyncio.WriteTransport", transport)  # uvloop's has its methods, and not its class

    def data_received(self, data: bytes) -> None:
        """Answer what is whole."""
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].lower()
            length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
            if len(self._buffer) < end + 4 + length:
                return
            self._buffer = self._buffer[end + 4 + length :]
            if self._latency_s:
                asyncio.get_running_loop().call_later(self._latency_s, self._answer)
            else:
                self._answer()

    def _answer(self) -> None:
        self._transport.write(ANSWER)


async def serve(latency_ms: float) -> None:
    """Be the far end until terminated; say the port first."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: FarEnd(latency_ms / 1e3), "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def main() -> None:
    """Measure and print, or be the far end."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=MESSAGES)
    parser.add_argument("--latency-ms", type=float, default=0.0, help="how long the gateway thinks (default 0)")
    parser.add_argument("--gateway", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.gateway:
        uvloop.run(serve(options.latency_ms))
    else:
        figures = uvloop.run(measure_fanout(options.messages, options.latency_ms))
        print(json.dumps({name: round(value, 3) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
