"""What may be asked of the journal's thread, besides appending (`batch.Group`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator, Mapping

    from storage.journal.record import Checkpoint, Record

__all__ = ["Close", "Load", "Move", "Read", "Save"]


@dataclass(frozen=True, slots=True)
class Move:
    """Move a cursor."""

    name: str
    offset: int
    answer: asyncio.Future[None]


@dataclass(slots=True)
class Read:
    """Read on; `after` moves while pages without a wanted record go by."""

    after: int
    max_bytes: int
    kinds: int
    answer: asyncio.Future[list[Record]]


@dataclass(slots=True)
class Save:
    """Replace the checkpoint; `steps` is what is left to do of it, the answer is given before the last of them."""

    offset: int
    parts: Mapping[str, bytes]
    answer: asyncio.Future[None]
    steps: Iterator[bool] | None = None
    is_answered: bool = False


@dataclass(frozen=True, slots=True)
class Load:
    """Read the checkpoint."""

    answer: asyncio.Future[Checkpoint | None]


@dataclass(frozen=True, slots=True)
class Close:
    """Do what was asked before, then let go of the files."""
