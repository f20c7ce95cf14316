"""What can go wrong with a journal that is not its caller's mistake."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import apsw

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["FailureReason", "JournalBusy", "JournalCorrupt", "JournalFailed", "JournalInUse"]


class JournalInUse(Exception):
    """Another process, or another part of this one, has the directory open."""

    def __init__(self, directory: Path, pid: int | None) -> None:
        holder = "another process" if pid is None else f"process {pid}"
        super().__init__(f"{directory}: this journal is in use by {holder}")
        self.directory = directory
        self.pid = pid


class JournalCorrupt(Exception):
    """A file cannot be read at all; the message says which, and what a person can do."""

    def __init__(self, path: Path, detail: str) -> None:
        super().__init__(f"{path}: {detail}")
        self.path = path
        self.detail = detail


class FailureReason(StrEnum):
    """Why a journal refuses work."""

    DISK_FULL = "disk_full"
    IO_ERROR = "io_error"
    DAMAGED = "damaged"
    LOCKED = "locked"
    """A foreign program holds one of the files."""
    CLOSED = "closed"
    BUG = "bug"
    OTHER = "other"


class JournalFailed(Exception):
    """The work was not done, and a commit that failed once is not tried again: open the journal anew."""

    def __init__(self, reason: FailureReason, detail: str) -> None:
        super().__init__(f"journal failed ({reason}): {detail}")
        self.reason = reason
        self.detail = detail

    @classmethod
    def of(cls, error: Exception) -> JournalFailed:
        """Say what the exception `error` of the journal's thread means."""
        for kind, reason in _REASONS:
            if isinstance(error, kind):
                return cls(reason, str(error))
        return cls(FailureReason.BUG, repr(error))


class JournalBusy(Exception):
    """More bytes wait for their commit than the limits allow; nothing was taken. Try again once some are committed."""


_REASONS: tuple[tuple[type[Exception], FailureReason], ...] = (
    (apsw.FullError, FailureReason.DISK_FULL),
    (apsw.IOError, FailureReason.IO_ERROR),
    (JournalCorrupt, FailureReason.DAMAGED),
    (apsw.CorruptError, FailureReason.DAMAGED),
    (apsw.NotADBError, FailureReason.DAMAGED),
    (apsw.BusyError, FailureReason.LOCKED),
    (apsw.Error, FailureReason.OTHER),
)
