"""The system user the server runs as: ours, or a dedicated one where we are root.

PostgreSQL refuses to run as root. So a service that runs as root starts the server as another user, and everything that
the server reads must be within that user's reach.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from storage.embedded.fault import EmbeddedPostgresError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Account", "account_for"]

COMMAND_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class Account:
    """A system user.

    is_other: it is not the user of this process, so programs are started with a change of user
    """

    name: str
    uid: int
    gid: int
    is_other: bool

    @property
    def popen(self) -> Mapping[str, Any]:
        """Arguments that make `subprocess` start a program as this user, in a directory that it can be in."""
        common = {"cwd": "/", "env": {"PATH": os.defpath, "LC_ALL": "C"}, "umask": 0o077}
        return {**common, "user": self.uid, "group": self.gid, "extra_groups": []} if self.is_other else common

    def run(self, *command: Path | str, timeout: float = COMMAND_TIMEOUT_S) -> subprocess.CompletedProcess[str]:
        """Run `command` as this user to its end and return what it said; it may have failed."""
        return subprocess.run(
            [str(part) for part in command],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
            **self.popen,
        )

    def give(self, directory: Path) -> None:
        """Make `directory`, empty, for this user alone."""
        directory.mkdir(mode=0o700)
        if self.is_other:
            os.chown(directory, self.uid, self.gid)

    def first_closed(self, directory: Path) -> Path | None:
        """Return the outermost directory on the way to `directory` that this user may not enter, or None."""
        steps = [str(step) for step in [*reversed(directory.parents), directory] if step.exists()]
        said = self.run("/bin/sh", "-c", 'for d; do cd -- "$d" 2>&- || { printf %s "$d"; exit; }; done', "sh", *steps)
        return Path(said.stdout) if said.stdout else None


def account_for(system_user: str) -> Account:
    """Return the user the server is to run as: this process's own, or `system_user` where that is root.

    As root a missing `system_user` is made, with `useradd --system`.
    Raises EmbeddedPostgresError where it cannot be made.
    """
    if os.geteuid() != 0:
        own = pwd.getpwuid(os.geteuid())
        return Account(own.pw_name, own.pw_uid, own.pw_gid, is_other=False)
    try:
        entry = pwd.getpwnam(system_user)
    except KeyError:
        _make_user(system_user)
        entry = pwd.getpwnam(system_user)
    if entry.pw_uid == 0:
        raise EmbeddedPostgresError(f"PostgreSQL does not run as root, and {system_user!r} is root; name another user")
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, is_other=True)


def _make_user(name: str) -> None:
    program = shutil.which("useradd", path=f"{os.defpath}:/usr/sbin:/sbin")
    if program is None:
        raise EmbeddedPostgresError(
            f"PostgreSQL does not run as root, there is no system user {name!r}, and no `useradd` to make one: "
            f"make the user, or start Vigil as an ordinary user"
        )
    made = subprocess.run(
        [program, "--system", "--no-create-home", "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin", name],
        check=False,
        capture_output=True,
        text=True,
        timeout=COMMAND_TIMEOUT_S,
    )
    if made.returncode != 0:
        raise EmbeddedPostgresError(
            f"PostgreSQL does not run as root, and its system user {name!r} could not be made: {made.stderr.strip()}"
        )
