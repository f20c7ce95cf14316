from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.guard import Guard
from console.once import Once


def test_so_many_wrong_tries_are_answered_and_then_it_waits() -> None:
    guard = Guard(tries=3, per_s=60)
    assert [guard.wrong("10.0.0.1", 0.0) for _ in range(3)] == [None, None, None]
    assert guard.wrong("10.0.0.1", 0.0) == pytest.approx(20.0)
    assert guard.wrong("10.0.0.2", 0.0) is None  # another address
    assert guard.wrong("10.0.0.1", 20.0) is None
    assert guard.wrong("10.0.0.1", 20.0) is not None


def test_a_customer_of_ipv6_is_one_address() -> None:
    guard = Guard(tries=1)
    assert guard.wrong("2001:db8:1:2::1", 0.0) is None
    assert guard.wrong("2001:db8:1:2:ffff::9", 0.0) is not None
    assert guard.wrong("2001:db8:1:3::1", 0.0) is None


@given(st.lists(st.text(max_size=100), max_size=60))
def test_no_more_addresses_are_kept_than_are_bounded(addresses: list[str]) -> None:
    guard = Guard(addresses=10)
    for at_s, address in enumerate(addresses):
        guard.wrong(address, float(at_s))
    assert len(guard) <= 10


async def test_a_repeat_waits_for_the_first_and_gets_its_answer() -> None:
    once: Once[int] = Once()
    begun, go = [], asyncio.Event()

    async def act() -> int:
        begun.append(1)
        await go.wait()
        return 7

    first, second = asyncio.create_task(once.do("k", act)), asyncio.create_task(once.do("k", act))
    await asyncio.sleep(0)
    go.set()
    assert sorted([await first, await second]) == [(7, False), (7, True)]
    assert begun == [1]


async def test_what_failed_may_be_tried_again() -> None:
    once: Once[int] = Once()
    outcomes = [ValueError("no"), None]

    async def act() -> int:
        if (wrong := outcomes.pop(0)) is not None:
            raise wrong
        return 1

    with pytest.raises(ValueError, match="no"):
        await once.do("k", act)
    assert await once.do("k", act) == (1, False)


async def test_a_caller_that_goes_away_stops_nothing() -> None:
    once: Once[int] = Once()
    go = asyncio.Event()

    async def act() -> int:
        await go.wait()
        return 1

    caller = asyncio.create_task(once.do("k", act))
    await asyncio.sleep(0)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    go.set()
    assert await once.do("k", act) == (1, True)


async def test_what_is_older_is_no_repeat_and_no_more_is_kept_than_is_bounded() -> None:
    now_s = [0.0]
    once: Once[int] = Once(kept=2, for_s=10, steady=lambda: now_s[0])

    async def act() -> int:
        return 1

    assert [await once.do("k", act), await once.do("k", act)] == [(1, False), (1, True)]
    now_s[0] = 10.0
    assert await once.do("k", act) == (1, False)
    await once.do("l", act)
    await once.do("m", act)
    assert once.forgotten == 1
    assert await once.do("k", act) == (1, False)
