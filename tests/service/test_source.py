"""The source: what comes first, what waits how long, and what is acknowledged when."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import mqtt5
import pytest

from alerts import Accept
from devices import Device, Kind, Registry, load_profiles
from ingest import Batcher, BatcherLimits, Heard, IngestCounters, Lane, RedeliveryWindow
from service.clock import ServiceClock
from service.shard import Effects, stepped
from service.source import PipelineEnded, Source, Work
from storage.journal import Lane as JournalLane
from storage.journal import RecordKind

if TYPE_CHECKING:
    from ingest import Block

PROFILES = load_profiles()


class Stand:
    """A source on real batchers, and what it acknowledged."""

    def __init__(self, *, block_s: float = 10.0, block_readings: int = 100) -> None:
        registry = Registry(PROFILES)
        registry.apply(registry.plan_registration([Device("s", "smoke-1", Kind.SMOKE, "smoke")]))
        counters, limits = IngestCounters(), BatcherLimits()
        self.wall_ns = time.time_ns() - time.monotonic_ns()
        self.clock = ServiceClock(lambda: self.wall_ns + time.monotonic_ns())
        heard = Heard(registry, self.clock.time_us, limits, counters)
        self.batchers = {
            lane: Batcher(lane, registry, self.clock.time_us, limits, RedeliveryWindow(1000), counters, heard)
            for lane in Lane
        }
        self.acknowledged: list[Block] = []
        self.source = Source(
            self.batchers, self.acknowledged.append, self.clock, block_s=block_s, block_readings=block_readings
        )
        self.work = aiter(self.source)

    def arrives(self, lane: Lane, n: int = 1) -> None:
        topic = "vigil/v1/s/smoke-1/" + ("alarm" if lane is Lane.ALARM else "readings")
        first = self.batchers[lane].pending + 1
        packets = [
            mqtt5.PublishPacket(topic, b'{"smoke": 0}', qos=mqtt5.QoS.AT_LEAST_ONCE, packet_id=first + i)
            for i in range(n)
        ]
        self.batchers[lane].feed(1, packets)
        self.source.wake()

    async def next(self, deadline_s: float = 5.0) -> Work:
        async with asyncio.timeout(deadline_s):
            return await anext(self.work)


def kinds(work: Work) -> list[RecordKind]:
    return [entry.kind for entry in work.entries]


async def test_an_alarm_goes_before_what_came_before_it() -> None:
    stand = Stand(block_readings=1)
    stand.arrives(Lane.TELEMETRY)
    command = asyncio.create_task(stand.source.command(Accept(incident="X", by="a", origin="t")))
    await asyncio.sleep(0)
    stand.arrives(Lane.ALARM)
    first, second, third = await stand.next(), await stand.next(), await stand.next()
    assert [entry.lane for entry in first.entries] == [JournalLane.CONTROL]
    assert kinds(first) == [RecordKind.BLOCK]
    assert kinds(second) == [RecordKind.COMMAND]
    assert third.entries[0].lane is JournalLane.TELEMETRY
    second.folded([Effects()])
    assert (await command).rejected is None


async def test_nothing_is_acknowledged_before_its_commit() -> None:
    stand = Stand()
    stand.arrives(Lane.ALARM)
    work = await stand.next()
    assert not stand.acknowledged
    work.committed([])
    assert [block.messages for block in stand.acknowledged] == [1]


async def test_telemetry_waits_for_its_block_to_fill_or_for_its_time() -> None:
    full = Stand(block_s=60, block_readings=10)
    full.arrives(Lane.TELEMETRY, 9)
    waiting = asyncio.create_task(full.next())
    await asyncio.sleep(0.01)
    assert not waiting.done()
    full.arrives(Lane.TELEMETRY)
    assert (await waiting).entries[0].readings == 10
    timed = Stand(block_s=0.02, block_readings=1000)
    timed.arrives(Lane.TELEMETRY)
    began = asyncio.get_running_loop().time()
    assert kinds(await timed.next()) == [RecordKind.BLOCK]
    assert 0.015 <= asyncio.get_running_loop().time() - began < 1.0


async def test_an_idle_second_is_a_tick() -> None:
    stand = Stand()
    began = asyncio.get_running_loop().time()
    assert kinds(await stand.next()) == [RecordKind.TICK]
    assert 0.9 <= asyncio.get_running_loop().time() - began < 2.0


async def test_commands_that_wait_share_one_commit_and_each_has_its_own_answer() -> None:
    stand = Stand()
    asked = [asyncio.create_task(stand.source.command(Accept(incident=str(i), by="a", origin="t"))) for i in range(50)]
    await asyncio.sleep(0)
    work = await stand.next()
    assert len(work.entries) == 50
    effects = [Effects() for _ in range(50)]
    work.folded(effects)
    answers = await asyncio.gather(*asked)
    assert all(answer is effect for answer, effect in zip(answers, effects, strict=True))


async def test_a_closed_source_gives_what_it_has_and_ends() -> None:
    stand = Stand(block_s=60)
    stand.arrives(Lane.TELEMETRY, 3)
    stand.source.close()
    assert (await stand.next()).entries[0].readings == 3
    with pytest.raises(StopAsyncIteration):
        await stand.next()


async def test_timers_are_looked_at_once_a_second_whatever_else_goes_on() -> None:
    stand = Stand()
    ticks = 0
    async with asyncio.timeout(10):
        while ticks < 2:
            asking = asyncio.create_task(stand.source.command(Accept(incident="X", by="a", origin="t")))
            await asyncio.sleep(0)
            work = await stand.next()
            ticks += kinds(work) == [RecordKind.TICK]
            work.folded([Effects() for _ in work.entries])
            asking.cancel()


async def test_nobody_waits_for_an_answer_of_a_pipeline_that_has_ended() -> None:
    stand = Stand()
    waiting = asyncio.create_task(stand.source.command(Accept(incident="X", by="a", origin="t")))
    await asyncio.sleep(0)
    stand.source.abandon()
    with pytest.raises(PipelineEnded):
        await waiting
    with pytest.raises(PipelineEnded):
        await stand.source.command(Accept(incident="X", by="a", origin="t"))


async def test_a_wall_clock_set_forward_is_followed_once_the_journal_says_so() -> None:
    stand = Stand()
    stand.wall_ns += 3600 * 10**9
    while not (work := await stand.next()).facts[0]:
        pass
    before_us = stand.clock.time_us()
    ahead_us = int.from_bytes(work.entries[0].body[-8:], "little")
    assert work.entries[0].body == stepped(ahead_us)
    assert 3_599_000_000 < ahead_us < 3_602_000_000
    assert work.entries[0].lane is JournalLane.CONTROL
    work.committed([])
    assert stand.clock.time_us() - before_us >= ahead_us
