"""The town in a database: what was played goes through a journal, the real archive and the real upkeep."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import psycopg

from rules import compile_kernels
from storage.archive import Archive, ArchiveSettings
from storage.journal import Entry, Journal, JournalLimits, RecordKind
from storage.upkeep import Upkeep, UpkeepSettings
from tests.boards.played import HOUR_US, MINUTE_US, SECOND_US, Play
from tests.boards.town import DAYS
from tests.boards.world import instant

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.boards.world import World

__all__ = ["play"]

GROUP: Final = 400
LATER_US: Final = 4 * HOUR_US
GRACE_US: Final = round(UpkeepSettings().grace_s * SECOND_US)
ARCHIVING: Final = ArchiveSettings(pause_s=0.01, cursor_s=0.0, idle_s=0.05, latest_s=0.0)


@dataclass(slots=True)
class Clock:
    """The journal's clock, µs since the epoch."""

    us: int


def _groups(entries: list[tuple[int, Entry]]) -> Iterator[tuple[int, list[Entry]]]:
    """Yield groups of entries with when they are appended: each as its newest, and what keeps its time by itself."""
    group: list[Entry] = []
    last_us = 0
    for at_us, entry in entries:
        keeps_its_time = entry.kind in {RecordKind.QUARANTINE, RecordKind.GAP}
        if group and (keeps_its_time or len(group) == GROUP):
            yield last_us, group
            group = []
        group.append(entry)
        last_us = at_us
        if keeps_its_time:
            yield last_us, group
            group = []
    if group:
        yield last_us, group


async def _archive(dsn: str, folder: Path, playing: Play, *, rolls_up: bool) -> None:
    """Put all that was played into a journal, let the archive store it and the upkeep roll it up.

    In two parts, with a round of the upkeep after each: what is held back for hours comes after its hours are stored.
    """
    world, clock = playing.world, Clock(0)
    journal = await Journal.open(folder / "journal", JournalLimits(), clock_us=lambda: clock.us, cursors=("archive",))
    upkeep = Upkeep(lambda: dsn, clock_us=lambda: clock.us)
    # TimescaleDB in WebAssembly stands still now and then where it is sent very much at once.
    settings = ARCHIVING if rolls_up else replace(ARCHIVING, records_at_once=50)
    archive = Archive(lambda: dsn, journal, playing.shard.registry, settings=settings, clock_us=lambda: clock.us)
    running = asyncio.create_task(archive.run())
    try:
        for part in _parts(playing.entries, [world.end_us - LATER_US] if rolls_up else []):
            for clock.us, group in _groups(part):
                await journal.append(group)
            until = time.monotonic() + 120
            while archive.counters.position < journal.head or archive._writer.latest.has_pending:
                assert not running.done(), "the archive ended"
                assert time.monotonic() < until, "not archived within two minutes"
                await asyncio.sleep(0.01)
            while rolls_up and not upkeep.round():
                pass
            assert not upkeep.counters.failures
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        world.journal_id, world.journal_head = journal.id, journal.head
        world.late_hours = upkeep.counters.rolled_late
    finally:
        upkeep.close()
        await journal.close()


def _parts(entries: list[tuple[int, Entry]], at_us: list[int]) -> Iterator[list[tuple[int, Entry]]]:
    """Yield the entries cut at some times."""
    for since_us, until_us in itertools.pairwise([0, *at_us, 1 << 62]):
        yield [entry for entry in entries if since_us <= entry[0] < until_us]


def play(dsn: str, folder: Path, *, hours: float = 24.0 * DAYS, rolls_up: bool = True) -> World:
    """Play the town's days up to this minute and store them in the migrated database `dsn`.

    folder:   for the journal
    hours:    only so many, the last ones
    rolls_up: with the upkeep of plain PostgreSQL; needs two connections at once
    """
    compile_kernels()
    playing = Play(int(time.time() * 1e6) // MINUTE_US * MINUTE_US, hours)
    playing.days()
    asyncio.run(_archive(dsn, folder, playing, rolls_up=rolls_up))
    with psycopg.connect(dsn) as connection:
        (kind,) = connection.execute("SELECT vigil.storage_kind()").fetchone() or ("",)
    if kind == "partitions":
        closed = instant(playing.world.end_us - GRACE_US)
        playing.world.rolled_up = {
            "1m": closed,
            "1h": closed.replace(minute=0),
            "1d": closed.replace(minute=0, hour=0),
        }
    return playing.world
