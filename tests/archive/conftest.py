"""What every test of the archive needs: a journal, a registry of a few devices, and an archive that runs."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Self

import msgspec
import numpy as np
import pytest

from devices import Device, Kind, Metric, MetricType, Profile, ReadingBatch, Registry, RegistryChange
from storage.archive import Archive, ArchiveSettings
from storage.journal import Entry, Journal, JournalLimits, Lane, RecordKind, encode_block

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from pathlib import Path

    from rules import RuleSet
    from storage.journal import Record
    from tests.support.earlier import Reached

NOW_US = 1_795_320_000_000_000  # 2026-11-22 04:00:00 UTC
SETTINGS = ArchiveSettings(
    pause_s=0.01, cursor_s=0.0, idle_s=0.05, unknown_channel_s=0.3, backoff_first_s=0.01, backoff_max_s=0.1
)


def profile(name: str, kind: Kind, **units: str) -> Profile:
    metrics = {metric: Metric(metric, MetricType.GAUGE, unit, metric, metric) for metric, unit in units.items()}
    return Profile(name, kind, name, name, 60.0, metrics, (), "tests")


PROFILES = {
    "unknown": profile("unknown", Kind.UNKNOWN),
    "gas": profile("gas", Kind.GAS, gas_lel="%LEL", temp_c="Cel"),
    "tank": profile("tank", Kind.TANK, level_m="m"),
}


@pytest.fixture
def registry() -> Registry:
    """Ten gas detectors of two channels each: rows 0-19; even rows are gas_lel."""
    registry = Registry(PROFILES)
    devices = [Device("shuibei", f"gas-{i:04}", Kind.GAS, "gas", grid="g1", building="7") for i in range(10)]
    registry.apply(registry.plan_registration(devices))
    return registry


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    journal = await Journal.open(tmp_path / "journal", JournalLimits(), cursors=("archive",))
    yield journal
    await journal.close()


def batch(
    channel: Sequence[int], time_us: Sequence[int], value: Sequence[float | None], flags: Sequence[int] | None = None
) -> ReadingBatch:
    """Make a batch as a test writes it down: None where there is no value."""
    return ReadingBatch(
        np.array(channel, np.int32),
        np.array(time_us, np.int64),
        np.array([0.0 if one is None else one for one in value], np.float64),
        np.array([one is not None for one in value], np.bool_),
        np.array(flags if flags is not None else [0] * len(channel), np.uint8),
        NOW_US,
    )


def readings(n: int, first: int = 0, channels: int = 20) -> ReadingBatch:
    """Make `n` readings, all of different (channel, time); number `first + i` is the value of the i-th."""
    number = np.arange(first, first + n)
    return ReadingBatch(
        (number % channels).astype(np.int32),
        NOW_US + number.astype(np.int64) * 1000,
        number.astype(np.float64),
        np.ones(n, np.bool_),
        np.zeros(n, np.uint8),
        NOW_US,
    )


def block(readings: ReadingBatch) -> Entry:
    return Entry(RecordKind.BLOCK, Lane.TELEMETRY, encode_block(readings), len(readings))


def control(kind: RecordKind, body: msgspec.Struct | bytes) -> Entry:
    return Entry(kind, Lane.CONTROL, body if isinstance(body, bytes) else msgspec.msgpack.encode(body))


def registered(change: RegistryChange) -> Entry:
    return control(RecordKind.REGISTRY, change)


async def append(journal: Journal, *entries: Entry) -> list[Record]:
    """Append each entry in a group of its own, in order."""
    return [record for entry in entries for record in await journal.append([entry])]


async def becomes(condition: Callable[[], object], *, deadline_s: float = 20) -> None:
    """Wait until `condition` holds."""
    until = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < until, f"not within {deadline_s} s"
        await asyncio.sleep(0.005)


class Running:
    """An archive at work, until the `async with` ends."""

    def __init__(
        self,
        database: Reached,
        journal: Journal,
        registry: Registry,
        settings: ArchiveSettings = SETTINGS,
        rules: Callable[[], RuleSet] | None = None,
    ) -> None:
        self.archive = Archive(
            lambda: database.dsn, journal, registry, rules=rules, settings=settings, clock_us=lambda: NOW_US
        )
        self._journal = journal

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self.archive.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        if not self._task.done():
            self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def catches_up(self, *, deadline_s: float = 30) -> None:
        """Wait until everything in the journal is stored."""
        head = self._journal.head
        await becomes(lambda: self._task.done() or self.archive.counters.position >= head, deadline_s=deadline_s)
        if self._task.done():
            await self._task
