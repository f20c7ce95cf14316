from __future__ import annotations

import asyncio
import time

import pytest

from alerts.channels.channel import DeliveryError
from alerts.channels.sms.rate import TokenBucket


async def test_it_lets_so_many_a_second_through_after_a_burst() -> None:
    bucket = TokenBucket(50.0, burst=5)
    began = time.monotonic()
    await asyncio.gather(*(bucket.take() for _ in range(15)))
    assert 0.19 <= time.monotonic() - began <= 0.6  # 10 beyond the burst at 50 a second


async def test_without_a_bound_nobody_waits() -> None:
    bucket = TokenBucket(None)
    async with asyncio.timeout(1):
        for _ in range(1000):
            await bucket.take()


async def test_who_would_wait_too_long_is_sent_back_with_the_time() -> None:
    bucket = TokenBucket(0.5, steady=lambda: 0.0)
    await bucket.take()
    waiting = asyncio.create_task(bucket.take())
    await asyncio.sleep(0)
    with pytest.raises(DeliveryError) as raised:
        await bucket.take()
    assert raised.value.retry
    assert raised.value.retry_after_s == 4.0
    waiting.cancel()


async def test_who_gives_up_waiting_takes_nothing() -> None:
    now = 0.0
    bucket = TokenBucket(1.0, steady=lambda: now)
    await bucket.take()
    waiting = asyncio.create_task(bucket.take())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    now = 1.0
    async with asyncio.timeout(0.5):
        await bucket.take()


@pytest.mark.parametrize(("per_s", "burst"), [(0.5, 1), (1.0, 1), (5.0, 3), (2.0, 50), (1_000.0, 1)])
async def test_what_may_be_under_way_at_once_is_never_sent_back(per_s: float, burst: int) -> None:
    bucket = TokenBucket(per_s, burst, steady=lambda: 0.0)
    for _ in range(burst):
        await bucket.take()
    waiting = [asyncio.create_task(bucket.take()) for _ in range(bucket.at_once(64))]
    await asyncio.sleep(0)
    assert not [task for task in waiting if task.done() and task.exception()]
    for task in waiting:
        task.cancel()
    await asyncio.wait(waiting)
