"""A life of the part of the service that asks people: core and delivery on a journal, without broker and database.

It is forked from a process that has everything loaded, so that hundreds of lives and deaths fit into a test.
"""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import numpy as np

from alerts import Accept, Delivery, NotificationStatus, SystemClock
from alerts.channels import ChannelContext
from devices import Device, Flag, Kind, ReadingBatch
from rules import compile_kernels
from service.channels import make_channels
from service.core import open_core
from service.settings import load_settings

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from pathlib import Path

    from alerts import Settle
    from service.core import Core

compile_kernels()  # the forked have it

SITE: Final = "yard"
EVERY_S: Final = 0.7
"""A detector alarms every so many seconds."""
ACCEPTED_AFTER_S: Final = 7.0
"""Every third incident is taken up by a person so long after it was raised."""
CHECKPOINT_S: Final = 0.3


def live(config: Path, incidents: int, told: Connection) -> None:
    """Live until killed, or until asked to end by anything on `told`."""
    asyncio.run(_live(config, incidents, told))


async def _live(config: Path, incidents: int, told: Connection) -> None:
    settings = load_settings(config)
    async with open_core(settings) as core:
        told.send(("ready", time.time_ns() // 1000))

        async def settled(command: Settle) -> None:
            await core.settle(command)
            if command.status in {NotificationStatus.HANDED, NotificationStatus.RECEIVED}:
                told.send(("settled", command.notification))

        channels = make_channels(settings, ChannelContext())
        delivery = Delivery(channels, settled, SystemClock(), random.random, core.alerts_counters)
        core.deliver, core.withdraw = delivery.submit, delivery.withdraw
        devices = [Device(SITE, f"smoke-{n}", Kind.SMOKE, "smoke", building=str(n)) for n in range(incidents)]
        if core.shard.registry.device_row(devices[-1].key) is None:
            await core.register(devices)
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(delivery.run()),
                group.create_task(_checkpoints(core)),
                group.create_task(_burn(core, devices)),
                group.create_task(_answer(core, told)),
            ]
            delivery.submit(core.shard.outbox.pending())
            while not told.poll():
                await asyncio.sleep(0.02)
            for task in tasks:
                task.cancel()
    told.send(("ended", time.time_ns() // 1000))


async def _checkpoints(core: Core) -> None:
    while True:
        await asyncio.sleep(CHECKPOINT_S)
        await core.checkpoint()


async def _burn(core: Core, devices: list[Device]) -> None:
    """Let one detector after the other say smoke, going on where the life before was."""
    registry = core.shard.registry
    while len(core.shard.incidents) < len(devices):
        device = devices[len(core.shard.incidents)]
        row = registry.device_row(device.key)
        assert row is not None
        now_us = time.time_ns() // 1000
        await core.source.report(
            ReadingBatch(
                np.array([registry.channels_of(row)["smoke"]], np.int32),
                np.array([now_us], np.int64),
                np.array([1.0]),
                np.array([True]),
                np.array([Flag.ALARM_LANE], np.uint8),
                now_us,
            )
        )
        await asyncio.sleep(EVERY_S)


async def _answer(core: Core, told: Connection) -> None:
    """Take up every third incident in time; say so once it is durable."""
    answered: set[str] = set()
    with suppress(EOFError):
        while True:
            for index, incident in enumerate(core.shard.incidents.open()):
                old_s = time.time() - incident.raised_us / 1e6
                if index % 3 == 0 and old_s >= ACCEPTED_AFTER_S and incident.id not in answered:
                    if not incident.acceptances:
                        await core.source.command(Accept(incident=incident.id, by="wang", origin="test"))
                    answered.add(incident.id)
                    told.send(("accepted", (incident.id, time.time_ns() // 1000)))
            await asyncio.sleep(0.05)
