"""`python -m deploy.boards` writes deploy/grafana anew; with `--check` it only says what is stale, and exits 1."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from deploy.boards.generated import GRAFANA, stale, write


def main(arguments: list[str] | None = None) -> int:
    """Return the exit status; `arguments` are those of the command line where None."""
    parser = argparse.ArgumentParser(prog="python -m deploy.boards", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where a file is stale")
    parser.add_argument("--into", type=Path, default=GRAFANA, metavar="FOLDER", help="another folder than %(default)s")
    given = parser.parse_args(arguments)
    if not given.check:
        for path in write(given.into):
            print(given.into / path)  # noqa: T201 - it is what was asked for
        return 0
    found = stale(given.into)
    for path in found:
        print(f"stale: {given.into / path}", file=sys.stderr)  # noqa: T201 - as above
    if found:
        print("run `python -m deploy.boards`, and commit what it writes", file=sys.stderr)  # noqa: T201 - as above
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
