"""The one path: what comes in is journalled, acknowledged, folded, and acted upon."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable

    from service.shard import Effects, Shard
    from service.source import Work
    from storage.journal import Journal

__all__ = ["run"]


async def run(
    source: AsyncIterable[Work], journal: Journal, shard: Shard, carry_out: Callable[[list[Effects]], None]
) -> None:
    """Run until the source ends.

    A work's entries are one group: `committed` is called after the commit and not before, so nothing is acknowledged
    that is not durable. Raises JournalFailed where the journal cannot take any more; nothing is acknowledged then.
    """
    async for work in source:
        records = await journal.append(work.entries) if work.entries else []
        work.committed(records)  # the broker may forget it now
        effects = [shard.apply(record, fact) for record, fact in zip(records, work.facts, strict=True)]
        carry_out(effects)  # people are told
        work.folded(effects)  # whoever asked has the answer
