"""The archive alone: `python -m bench.archive` prints readings a second into PostgreSQL, and what each takes on disk.

The readings stand in a journal, and go by the service's own archive into a table with its unique key, partitions and
all. Archive and server share this machine.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import psycopg
import uvloop

from devices import ReadingBatch, Registry, load_profiles
from simulator import synthetic_fleet
from storage.archive import Archive
from storage.embedded import EmbeddedPostgres
from storage.journal import Entry, Journal, JournalLimits, Lane, RecordKind, encode_block
from storage.sql import migrate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

__all__ = ["measure_archive"]

CHANNELS = 100_000
READINGS = 4_000_000
WARM_UP = 400_000
BLOCK = 5_000
PERIOD_S = 300
PATIENCE_S = 300.0
STEPS = 200
"""Of a sensor's scale: readings of real sensors are of few different values."""


async def measure_archive(channels: int = CHANNELS, readings: int = READINGS) -> dict[str, float]:
    """Return readings/s from the first to the last commit, and bytes a reading, indexes and all."""
    with tempfile.TemporaryDirectory(prefix="vigil-archive-") as name:
        directory = Path(name)
        directory.chmod(0o755)  # the database's user must reach its own folder in it
        database = EmbeddedPostgres(directory / "postgres")
        await asyncio.to_thread(database.start)
        try:
            await asyncio.to_thread(migrate, database.dsn())
            rate, share_staged = await _drain(directory / "journal", database.dsn(), channels, readings)
            return {
                "archive_rows_s": rate,
                "archive_staged_share": share_staged,
                "archive_bytes_a_reading": await asyncio.to_thread(bytes_a_reading, database.dsn()),
            }
        finally:
            await asyncio.to_thread(database.stop)


async def _drain(directory: Path, dsn: str, channels: int, readings: int) -> tuple[float, float]:
    """Archive so many readings; return readings/s and the share of transactions that met a duplicate."""
    registry = Registry(load_profiles())
    registry.apply(registry.plan_registration(synthetic_fleet(channels // 4, site="city").devices))
    channels = registry.n_channels
    blocks = history(channels, time.time_ns() // 1000)
    async with contextlib.AsyncExitStack() as stack:
        journal = await Journal.open(directory, JournalLimits(), cursors=("archive",))
        stack.push_async_callback(journal.close)
        async with _running(Archive(lambda: dsn, journal, registry)) as warm:
            await _reaches(warm, await _append(journal, blocks, WARM_UP))
        appended = await _append(journal, blocks, readings)
        async with _running(Archive(lambda: dsn, journal, registry)) as archive:
            await _reaches(archive, 1)
            already, began = archive.counters.rows, time.perf_counter()
            await _reaches(archive, appended)
            took_s = time.perf_counter() - began
            counters = archive.counters
            return (counters.rows - already) / took_s, counters.staged / counters.transactions


def history(channels: int, now_us: int) -> Iterator[ReadingBatch]:
    """Yield blocks of readings without end, each channel heard every five minutes, devices in no order."""
    rng = np.random.default_rng(1)
    base = rng.integers(0, STEPS, channels)
    start_us = now_us - 86_400_000_000
    for lap in range(2**30):
        order = rng.permutation(channels // 4)
        for first in range(0, len(order), BLOCK // 4):
            devices = order[first : first + BLOCK // 4]
            channel = (devices[:, None] * 4 + np.arange(4)).ravel().astype(np.int32)
            at_us = start_us + lap * PERIOD_S * 1_000_000 + first * PERIOD_S * 1_000_000 // len(order)
            moment = at_us + rng.integers(0, 1000, len(devices)) * 1000
            value = (base[channel] + rng.integers(-1, 2, len(channel))).astype(np.float64) * (100.0 / STEPS)
            n = len(channel)
            yield ReadingBatch(
                channel, np.repeat(moment, 4), value, np.ones(n, np.bool_), np.zeros(n, np.uint8), int(at_us)
            )


def bytes_a_reading(dsn: str) -> float:
    """Return what readings take on disk, heap and indexes of all partitions, over their number."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("CHECKPOINT")
        ((size, count),) = connection.execute(
            "SELECT sum(pg_total_relation_size(inhrelid)), (SELECT count(*) FROM vigil.readings) FROM pg_inherits"
            " WHERE inhparent = 'vigil.readings'::regclass"
        ).fetchall()
    return float(size) / int(count)


async def _append(journal: Journal, blocks: Iterator[ReadingBatch], readings: int) -> int:
    """Append blocks of at least so many readings; return of how many."""
    appended = 0
    while appended < readings:
        block = next(blocks)
        await journal.append([Entry(RecordKind.BLOCK, Lane.TELEMETRY, encode_block(block), len(block))])
        appended += len(block)
    return appended


@contextlib.asynccontextmanager
async def _running(archive: Archive) -> AsyncIterator[Archive]:
    task = asyncio.create_task(archive.run())
    try:
        yield archive
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _reaches(archive: Archive, rows: int) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while archive.counters.rows < rows:
            await asyncio.sleep(0.01)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--channels", type=int, default=CHANNELS)
    parser.add_argument("--readings", type=int, default=READINGS)
    options = parser.parse_args()
    figures = uvloop.run(measure_archive(options.channels, options.readings))
    print(json.dumps({name: round(value, 3) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
