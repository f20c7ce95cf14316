"""The upkeep and a real archive at work on one database at the same time."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from devices import Device, Kind, ReadingBatch, Registry
from storage.archive import Archive, ArchiveSettings
from storage.journal import Journal, JournalLimits
from storage.upkeep import Upkeep
from tests.archive.conftest import PROFILES, append, becomes, block
from tests.upkeep.conftest import MINUTE, SETTINGS, Clock, assert_exact

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import psycopg

    from tests.support.postgres import Database

pytestmark = [pytest.mark.real, pytest.mark.partitions]

SECOND_US = 1_000_000
PARTS, BLOCKS = 8, 15
READINGS = 150
FAST = ArchiveSettings(readings_at_once=400, pause_s=0.005, idle_s=0.05, backoff_first_s=0.01, backoff_max_s=0.1)


@pytest.fixture
def registry() -> Registry:
    registry = Registry(PROFILES)
    devices = [Device("shuibei", f"gas-{i:04}", Kind.GAS, "gas") for i in range(20)]
    registry.apply(registry.plan_registration(devices))
    return registry


@contextlib.asynccontextmanager
async def at_work(*tasks: asyncio.Task[None]) -> AsyncIterator[None]:
    """See to it that none of `tasks` ends before the block does."""
    try:
        yield
        assert not any(task.done() for task in tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def some_readings(random: np.random.Generator, now_us: int) -> ReadingBatch:
    """Make a block: most of it is new, some is hours or a day late, ahead, without a value, or there already."""
    ranges = np.array([[0, 60], [60, 20_000], [86_400, 86_401], [-240, -239]])
    least_s, most_s = ranges[random.choice(4, READINGS, p=[0.8, 0.15, 0.03, 0.02])].T
    behind_s = random.integers(least_s, most_s)
    jitter_us = random.integers(0, 40, READINGS) * SECOND_US
    return ReadingBatch(
        random.integers(0, 40, READINGS).astype(np.int32),
        now_us - behind_s * SECOND_US - jitter_us,
        random.integers(-400, 400, READINGS) / 4,
        random.random(READINGS) < 0.9,
        np.zeros(READINGS, np.uint8),
        now_us,
    )


async def goes_round(upkeep: Upkeep) -> None:
    """Wait until a whole round has gone by."""
    wanted = upkeep.counters.rounds + 2
    await becomes(lambda: upkeep.counters.rounds >= wanted)


async def test_rollups_are_exact_beside_an_archive_under_load_whose_readings_come_late(
    database: Database, reader: psycopg.Connection, registry: Registry, tmp_path: Path
) -> None:
    clock = Clock()
    journal = await Journal.open(tmp_path / "journal", JournalLimits(), clock_us=clock.us, cursors=("archive",))
    archive = Archive(lambda: database.dsn, journal, registry, settings=FAST, clock_us=clock.us)
    upkeep = Upkeep(lambda: database.dsn, settings=replace(SETTINGS, every_s=0.001, late_at_once=50), clock_us=clock.us)
    random = np.random.default_rng(5)
    async with at_work(asyncio.create_task(archive.run()), asyncio.create_task(upkeep.run())):
        for _ in range(PARTS):
            for _ in range(BLOCKS):
                clock.now += 3 * MINUTE
                await append(journal, block(some_readings(random, clock.us())))
            await becomes(lambda: archive.counters.position == journal.head)
            await goes_round(upkeep)  # what follows comes late for this
        done = "SELECT count(*) FROM vigil.rollup_progress WHERE level = '1m' AND watermark = %s"
        await becomes(lambda: database.value(done, clock.now - 2 * MINUTE))
        await becomes(lambda: not database.value("SELECT count(*) FROM vigil.late_readings"))
    assert upkeep.counters.rolled_late > 500
    assert upkeep.counters.failures == archive.counters.failures == 0
    assert archive.counters.rows > 15_000
    assert archive.counters.duplicates > 0
    assert_exact(reader)
    await journal.close()
