"""Bulkheads: what a gateway that hangs, answers 500 or 429 does to the messages of other gateways, and of other people.

`python -m bench.isolation` prints, in ms, the p99 from a message being owed to its being handed over: by a gateway that
is well, alone and beside three that are not; and to people who share a gateway with one whose messages hang.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import time
from typing import TYPE_CHECKING

import numpy as np
import uvloop
from msgspec.structs import replace

from alerts import AlertsCounters, Delivery, NotificationStatus, SystemClock
from alerts.channels import ChannelContext, WebhookSettings, make_channel
from bench.fanout import message
from bench.stand import GOOD, receiver
from service.logs import configure_logs
from service.sections import LogSection

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from alerts import Settle

MESSAGES = 2_000
PER_S = 200.0
HUNG = "hung-person"
BAD = b"HTTP/1.1 500 Broken\r\ncontent-length: 0\r\n\r\n"
BUSY = b"HTTP/1.1 429 Busy\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n"


@contextlib.asynccontextmanager
async def gateway(answer: bytes | None) -> AsyncIterator[str]:
    """Answer each POST so; None never answers, and neither is one about the hung person."""

    async def take(body: bytes) -> bytes:
        if answer is None or HUNG.encode() in body:
            await asyncio.sleep(30)
            return b""
        return answer

    async with receiver(take) as port:
        yield f"http://127.0.0.1:{port}/"


async def p99_ms(urls: dict[str, str], *, hung_person: bool = False) -> float:
    """Send to each of `urls` at the same rate; return the p99 of what goes to `good`, the hung person left out."""
    took: list[float] = []
    owed: dict[str, float] = {}

    async def settled(command: Settle) -> None:
        began = owed.pop(command.notification, None)
        if began is not None and command.status in {NotificationStatus.HANDED, NotificationStatus.RECEIVED}:
            took.append((time.monotonic() - began) * 1e3)

    sections = {name: WebhookSettings.model_validate({"type": "webhook", "url": url}) for name, url in urls.items()}
    channels = {name: make_channel(name, section, ChannelContext()) for name, section in sections.items()}
    delivery = Delivery(channels, settled, SystemClock(), random.random, AlertsCounters())
    running = asyncio.create_task(delivery.run())
    began = time.monotonic()
    for number in range(MESSAGES):
        await asyncio.sleep(max(0.0, began + number / PER_S - time.monotonic()))
        one = message(number)
        is_hung = hung_person and number % 2 == 0
        for name in urls:
            who = HUNG if is_hung else one.recipient
            sent = replace(one, id=f"{name}-{number}", channel=name, recipient=who, address=who)
            if name == "good" and not is_hung:
                owed[sent.id] = time.monotonic()
            delivery.submit([sent])
    async with asyncio.timeout(60):
        while owed:
            await asyncio.sleep(0.05)
    running.cancel()
    await asyncio.wait([running])
    return float(np.percentile(took, 99))


async def measure() -> dict[str, float]:
    """Return the keys of the JSON line."""
    configure_logs(LogSection(level="error"))
    async with gateway(GOOD) as good, gateway(None) as hung, gateway(BAD) as broken, gateway(BUSY) as busy:
        alone = await p99_ms({"good": good})
        beside = await p99_ms({"good": good, "hung": hung, "broken": broken, "busy": busy})
        people = await p99_ms({"good": good}, hung_person=True)
    return {
        "isolation_alone_p99_ms": alone,
        "isolation_beside_broken_channels_p99_ms": beside,
        "isolation_beside_hung_person_p99_ms": people,
    }


def main() -> None:
    """Measure and print."""
    print(json.dumps({name: round(value, 2) for name, value in uvloop.run(measure()).items()}))


if __name__ == "__main__":
    main()
