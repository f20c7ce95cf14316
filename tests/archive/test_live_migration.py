"""A database is migrated while the release before this one stores into it, and then this one goes on."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import psycopg
import pytest

from storage.archive.names import Names, all_names
from storage.archive.rows import encode_rows
from storage.archive.writer import Writer
from storage.journal import decode_block
from storage.sql import migrate, migrations
from tests.archive.conftest import NOW_US, PROFILES, SETTINGS, Running, becomes, block, readings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devices import Registry
    from storage.archive.channels import ChannelIds
    from storage.journal import Journal, Record
    from tests.support.postgres import Database

pytestmark = pytest.mark.real

BLOCKS, IN_A_BLOCK = 1500, 20
LEFT = 50
PACE_S = 0.005
LOCK_TIMEOUT_S = 10.0


class Predecessor(threading.Thread):
    """The archive of the release whose schema ends with 0005, with its statements, in a loop.

    stored: how many records it has stored
    waits:  s that each of its transactions took
    may_end: it stores until then, and all `records` at most
    """

    def __init__(self, dsn: str, journal_id: str, channels: ChannelIds, records: Sequence[Record]) -> None:
        super().__init__()
        self._dsn, self._journal_id, self._channels, self._records = dsn, journal_id, channels, records
        self.stored = 0
        self.waits: list[float] = []
        self.may_end = threading.Event()
        self.error: psycopg.Error | None = None

    def run(self) -> None:
        try:
            with psycopg.connect(self._dsn, autocommit=True, application_name="vigil archive") as connection:
                connection.execute(f"SET lock_timeout = '{LOCK_TIMEOUT_S:.0f}s'".encode())
                for record in self._records:
                    if self.may_end.wait(PACE_S):
                        break
                    began = time.monotonic()
                    self._store(connection, record)
                    self.waits.append(time.monotonic() - began)
                    self.stored += 1
        except psycopg.Error as error:
            self.error = error

    def _store(self, connection: psycopg.Connection, record: Record) -> None:
        batch = decode_block(record.body).batch
        rows = encode_rows(self._channels.of(batch.channel), batch.time_us, batch.value, batch.known, batch.flags)
        connection.execute("SELECT vigil.ensure_readings_day('2026-11-22')")
        with connection.transaction(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT position FROM vigil.journal_position WHERE journal_id = %s FOR UPDATE", [self._journal_id]
            )
            with cursor.copy("COPY vigil.readings (channel_id, time, value, flags) FROM STDIN (FORMAT binary)") as copy:
                copy.write(rows)
            cursor.execute(
                "UPDATE vigil.journal_position SET position = %s, updated = now() WHERE journal_id = %s",
                [record.offset, self._journal_id],
            )


@pytest.mark.partitions
async def test_nothing_is_lost_while_a_release_stores_into_what_the_next_one_migrates(
    empty_database: Database, journal: Journal, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as earlier:
        known = dict(list(migrations().items())[:5])
        earlier.setattr("storage.sql.migration.migrations", lambda: known)
        migrate(empty_database.dsn)
    channels = registered(empty_database, journal.id, registry)
    records = await journal.append([block(readings(IN_A_BLOCK, IN_A_BLOCK * n)) for n in range(BLOCKS)])
    release = Predecessor(empty_database.dsn, journal.id, channels, records[: BLOCKS - LEFT])
    release.start()
    try:
        await becomes(lambda: release.error or release.stored >= 5)
        with psycopg.connect(empty_database.dsn, application_name="a long report") as report:
            report.execute("SELECT FROM vigil.journal_position")
            at_work: list[int] = []

            def say(_: str) -> None:
                report.commit()
                at_work.append(release.stored)

            applied = await asyncio.to_thread(migrate, empty_database.dsn, say=say)
        assert applied == list(migrations())[5:]
        assert at_work, "it met the report, let go, and came again"
        migrated_at = release.stored
        assert migrated_at > at_work[0], "the predecessor went on between two attempts"
        await becomes(lambda: release.error or release.stored >= min(migrated_at + 5, BLOCKS - LEFT))
    finally:
        release.may_end.set()
        await asyncio.to_thread(release.join)
    assert release.error is None
    assert max(release.waits) < LOCK_TIMEOUT_S

    total = BLOCKS * IN_A_BLOCK
    async with Running(empty_database, journal, registry, replace(SETTINGS, latest_s=0.0)) as running:
        await running.catches_up()
        await becomes(lambda: empty_database.value("SELECT min(value) FROM vigil.latest") == total - 20)
        counters = running.archive.counters
        assert (counters.rows, counters.duplicates) == ((BLOCKS - release.stored) * IN_A_BLOCK, 0)
    assert empty_database.rows("SELECT count(*), sum(value) FROM vigil.readings") == [(total, sum(range(total)))]
    assert empty_database.value("SELECT sum(count) FROM vigil.readings_1d") == total
    assert empty_database.rows("SELECT position, read_to IS NOT NULL FROM vigil.journal_position") == [
        (journal.head, True)
    ]


def registered(database: Database, journal_id: str, registry: Registry) -> ChannelIds:
    """Make the database know the registry; these statements are the same in both releases."""
    writer = Writer(lambda: database.dsn, journal_id, PROFILES)
    writer.open()
    names = Names()
    for more in all_names(registry, 100):
        names.add(more)
    writer.register(names)
    writer.close()
    assert NOW_US // 86_400_000_000 == 20_779, "2026-11-22"
    return writer.channels
