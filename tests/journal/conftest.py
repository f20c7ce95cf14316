"""A journal in a directory of the test's own, closed when the test ends; and a disk that fails."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Protocol

import pytest

from storage.journal import Journal, JournalLimits
from tests.journal.failing_disk import FailingDisk

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator
    from pathlib import Path


LIMITS = JournalLimits()


class OpenJournal(Protocol):
    """Opens the test's journal, again if it was closed."""

    async def __call__(
        self,
        *,
        limits: JournalLimits = ...,
        clock_us: Callable[[], int] = ...,
        cursors: Iterable[str] = ...,
    ) -> Journal: ...


@pytest.fixture
async def open_journal(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[OpenJournal]:
    if "disk" in request.fixturenames:
        request.getfixturevalue("disk")  # so that it outlives the journal
    async with AsyncExitStack() as stack:

        async def open_it(
            *,
            limits: JournalLimits = LIMITS,
            clock_us: Callable[[], int] = lambda: 1_000_000,
            cursors: Iterable[str] = (),
        ) -> Journal:
            journal = await Journal.open(tmp_path, limits, clock_us, cursors)
            stack.push_async_callback(journal.close)
            return journal

        yield open_it


@pytest.fixture
def disk() -> Iterator[FailingDisk]:
    disk = FailingDisk()
    yield disk
    disk.unregister()
