"""`postmaster.pid`: what a running server says about itself, and what a dead one left behind."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from storage.embedded.fault import EmbeddedPostgresError

if TYPE_CHECKING:
    import signal
    from collections.abc import Iterator

__all__ = ["Postmaster"]

PROCESSES = Path("/proc")
FILE = "postmaster.pid"


@dataclass(frozen=True, slots=True)
class Postmaster:
    """The lines of `postmaster.pid`.

    is_ready: it takes connections
    Source: src/include/utils/pidfile.h of PostgreSQL.
    """

    pid: int
    port: int
    socket_dir: Path
    is_ready: bool

    @classmethod
    def read(cls, data_dir: Path) -> Self | None:
        """Return what the file in `data_dir` says, None where there is none. A starting server has not said all."""
        try:
            lines = (data_dir / FILE).read_text().splitlines()
        except FileNotFoundError:
            return None
        pid, _, _, port, socket_dir, _, _, status, *_ = [*(line.strip() for line in lines), *[""] * 8]
        return cls(int(pid), int(port or 0), Path(socket_dir), status == "ready") if pid.isdecimal() else None

    def is_alive(self, data_dir: Path) -> bool:
        """Say whether the process is there, a server on `data_dir`, and not another that was given its number."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            pass
        if not PROCESSES.is_dir():
            return True
        return self.pid in _servers_on(data_dir)

    def signal(self, number: signal.Signals) -> None:
        """Send the server a signal; nothing happens where it is gone."""
        try:
            os.kill(self.pid, number)
        except ProcessLookupError:
            pass
        except PermissionError as fault:
            raise EmbeddedPostgresError(f"PostgreSQL (process {self.pid}) belongs to another user: {fault}") from fault

    def clear_stale(self, data_dir: Path) -> None:
        """Remove the file of a dead server whose number another process has now.

        PostgreSQL itself takes over a file whose process is gone. Where the number was given away it refuses to start;
        so the file goes, once no process at all works in `data_dir`: a back end that outlived its server would corrupt
        it. Raises EmbeddedPostgresError where one does.
        """
        if not PROCESSES.is_dir():
            return
        if orphans := sorted(_servers_on(data_dir)):
            raise EmbeddedPostgresError(
                f"the PostgreSQL server on {data_dir} is gone, but processes {orphans} of it still run; end them first"
            )
        (data_dir / FILE).unlink(missing_ok=True)


def _servers_on(data_dir: Path) -> set[int]:
    """Return the processes of PostgreSQL on `data_dir`, where a server and its back ends always stand."""
    return set(_working_in(data_dir.resolve(), "postgres"))


def _working_in(directory: Path, name: str) -> Iterator[int]:
    for entry in PROCESSES.iterdir():
        if entry.name.isdecimal():
            try:
                if (entry / "cwd").readlink() == directory and (entry / "comm").read_text().strip() == name:
                    yield int(entry.name)
            except (FileNotFoundError, PermissionError, ProcessLookupError):
                continue  # gone meanwhile, or another user's and so not one that we started
