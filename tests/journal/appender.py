"""A process that appends and checkpoints until it is killed; it prints what was acknowledged, a line each.

    python -m tests.journal.appender DIRECTORY SEED

Lines: `r <offset> <lane> <CRC-32 of the body>` for a record, `c <offset> <round>` for a checkpoint, `m <offset>` for a
cursor. Every part of the checkpoint of round n says n.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
import zlib
from pathlib import Path

from storage.journal import Entry, Journal, JournalLimits, Lane, RecordKind


def say(line: str) -> None:
    os.write(1, line.encode() + b"\n")


def entry(rng: random.Random) -> Entry:
    lane = rng.choice(list(Lane))
    kind = RecordKind.BLOCK if lane is Lane.TELEMETRY else RecordKind.COMMAND
    return Entry(kind, lane, rng.randbytes(rng.choice([0, 10, 300, 5_000, 60_000])))


async def append(journal: Journal, rng: random.Random) -> None:
    while True:
        records = await journal.append([entry(rng) for _ in range(rng.randrange(1, 5))])
        for record in records:
            say(f"r {record.offset} {record.lane} {zlib.crc32(record.body)}")


async def checkpoint(journal: Journal, rng: random.Random, directory: Path) -> None:
    last = await journal.last_checkpoint()
    round_ = 0 if last is None else int(last.parts["a"].split(b" ")[0])
    while True:
        round_ += 1
        offset = journal.head
        body = b"%d " % round_ + rng.randbytes(rng.choice([10, 3 << 20]))
        # What is about to be tried is known outside, so that what is found later can be told from nonsense.
        (directory / "tried").write_text(f"{round_} {offset}")
        await journal.checkpoint(offset, {"a": body, "b": body, "c": body})
        say(f"c {offset} {round_}")
        await journal.move_cursor("archive", offset - min(offset, 50))
        say(f"m {offset - min(offset, 50)}")


async def main(directory: Path, seed: int) -> None:
    rng = random.Random(seed)
    journal = await Journal.open(directory, JournalLimits(), cursors=("archive",))
    say("open")
    async with asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(append(journal, rng))
        group.create_task(checkpoint(journal, rng, directory))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
