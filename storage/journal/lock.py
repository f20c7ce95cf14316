"""The lock that keeps a journal's directory to one process: SQLite is safe here with exactly one connection."""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING, Self

from storage.journal.errors import JournalInUse

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["DirectoryLock"]


class DirectoryLock:
    """An flock on `journal.lock`, which names its holder; the kernel drops it when the process dies."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def take(cls, directory: Path) -> Self:
        """Lock `directory`. Raises JournalInUse where somebody has it."""
        descriptor = os.open(directory / "journal.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 32, 0).strip()
            os.close(descriptor)
            raise JournalInUse(directory, int(holder) if holder.isdigit() else None) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        return cls(descriptor)

    def release(self) -> None:
        """Let others have the directory."""
        os.close(self._descriptor)
