from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import apsw
import pytest

from storage.journal import Checkpoint, JournalCorrupt
from storage.journal.checkpoints import CHUNK_BYTES
from tests.journal.entries import control

if TYPE_CHECKING:
    from pathlib import Path

    from tests.journal.conftest import OpenJournal

BIG = bytes(range(256)) * (CHUNK_BYTES // 256) * 3 + b"and a bit"


async def test_there_is_none_before_the_first(open_journal: OpenJournal) -> None:
    assert await (await open_journal()).last_checkpoint() is None


@pytest.mark.parametrize("body", [b"", b"x", BIG[:CHUNK_BYTES], BIG], ids=["empty", "small", "one chunk", "large"])
async def test_a_part_comes_back_as_it_was(open_journal: OpenJournal, body: bytes) -> None:
    journal = await open_journal()
    await journal.checkpoint(0, {"engine": body})
    assert await journal.last_checkpoint() == Checkpoint(0, {"engine": body})
    await journal.close()
    journal = await open_journal()
    assert await journal.last_checkpoint() == Checkpoint(0, {"engine": body})


async def test_a_part_that_is_left_out_stays(open_journal: OpenJournal) -> None:
    journal = await open_journal()
    await journal.append([control(), control()])
    await journal.checkpoint(1, {"registry": BIG, "engine": b"1"})
    await journal.checkpoint(2, {"engine": b"2", "outbox": b"3"})
    assert await journal.last_checkpoint() == Checkpoint(2, {"registry": BIG, "engine": b"2", "outbox": b"3"})


async def test_a_checkpoint_is_of_what_is_committed_and_only_moves_on(open_journal: OpenJournal) -> None:
    journal = await open_journal()
    await journal.append([control(), control()])
    with pytest.raises(ValueError, match="journal ends at 2"):
        await journal.checkpoint(3, {"a": b"a"})
    await journal.checkpoint(2, {"a": b"b"})
    with pytest.raises(ValueError, match="last is at 2"):
        await journal.checkpoint(1, {"a": b"c"})
    assert await journal.last_checkpoint() == Checkpoint(2, {"a": b"b"})


async def test_what_it_replaced_takes_no_room_for_long(open_journal: OpenJournal, tmp_path: Path) -> None:
    journal = await open_journal()
    for _ in range(6):
        await journal.checkpoint(0, {"engine": BIG})
    await journal.close()
    assert (tmp_path / "control.db").stat().st_size < 3 * len(BIG)


async def test_appends_go_on_while_a_large_one_is_written(open_journal: OpenJournal) -> None:
    journal = await open_journal()
    saving = asyncio.create_task(journal.checkpoint(0, {"engine": BIG * 5}))
    appended = 0
    while not saving.done():
        started = time.monotonic()
        await journal.append([control()])
        assert time.monotonic() - started < 2
        appended += 1
    await saving
    assert appended > 10


async def test_a_damaged_part_is_not_returned(open_journal: OpenJournal, tmp_path: Path) -> None:
    journal = await open_journal()
    await journal.checkpoint(0, {"engine": BIG})
    await journal.close()
    with_damage = apsw.Connection(str(tmp_path / "control.db"))
    with_damage.execute("update chunk set body = zeroblob(10) where id = 2")
    with_damage.close()
    journal = await open_journal()
    with pytest.raises(JournalCorrupt, match=r"control\.db: part 'engine' .* restore the directory from a copy"):
        await journal.last_checkpoint()
    assert len(await journal.append([control()])) == 1
