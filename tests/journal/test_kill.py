from __future__ import annotations

import random
import signal
import subprocess
import sys
import zlib
from typing import TYPE_CHECKING

from storage.journal import Journal, JournalLimits, Lane
from tests.journal.entries import everything

if TYPE_CHECKING:
    from pathlib import Path

KILLS = 6


def run_and_kill(directory: Path, seed: int, after_s: float) -> list[list[str]]:
    """Start an appender, kill it `after_s` after it is open, and return the lines that it printed whole."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.journal.appender", str(directory), str(seed)], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"open\n"
    try:
        printed, _ = process.communicate(timeout=after_s)
    except subprocess.TimeoutExpired:
        process.kill()
        printed, _ = process.communicate()
    assert process.returncode == -signal.SIGKILL
    return [line.split() for line in printed.decode().split("\n")[:-1]]


async def test_whatever_was_acknowledged_is_there_after_a_kill(tmp_path: Path) -> None:
    rng = random.Random(20261122)
    acknowledged: dict[int, tuple[int, int]] = {}
    checkpoint, cursor = (0, 0), 0
    for seed in range(KILLS):
        for what, first, *rest in run_and_kill(tmp_path, seed, rng.uniform(0.02, 0.4)):
            offset = int(first)
            if what == "r":
                assert offset not in acknowledged, "an offset was given out twice"
                acknowledged[offset] = (int(rest[0]), int(rest[1]))
            elif what == "c":
                checkpoint = (int(rest[0]), offset)
            else:
                cursor = offset
        journal = await Journal.open(tmp_path, JournalLimits(tail_bytes=0))
        last = await journal.last_checkpoint()
        if last is not None:
            rounds = {int(body.split(b" ")[0]) for body in last.parts.values()}
            assert len(rounds) == 1, "parts of two checkpoints are mixed"
            tried = tuple(map(int, (tmp_path / "tried").read_text().split()))
            assert (rounds.pop(), last.offset) in {checkpoint, tried}
            assert last.offset >= checkpoint[1]
        assert journal.cursors()["archive"] >= cursor
        passed = min(journal.cursors()["archive"], last.offset if last else 0)
        found = await everything(journal, 1 << 22)
        there = {record.offset: (int(record.lane), zlib.crc32(record.body)) for record in found}
        missing = {offset for offset in acknowledged if offset > passed} - there.keys()
        assert not missing
        assert all(acknowledged.get(offset, what) == what for offset, what in there.items())
        assert [record.offset for record in found] == sorted(there)
        assert [record.time_us for record in found] == sorted(record.time_us for record in found)
        # What nobody was told of may be there as well, but then for good.
        acknowledged |= there
        await journal.close()
    assert len(acknowledged) > 100
    assert {lane for lane, _ in acknowledged.values()} == set(Lane)
