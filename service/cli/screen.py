"""Where tables are printed: as wide as the terminal, and wide enough for whatever reads a pipe."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table

__all__ = ["clock", "new_table", "screen"]

PIPE_COLUMNS = 250


def screen() -> Console:
    """Return the console on standard output; texts are printed as they are, brackets and all."""
    return Console(markup=False, width=None if sys.stdout.isatty() else PIPE_COLUMNS)


def new_table(*headings: str) -> Table:
    """Return an empty table without lines."""
    table = Table(box=None, pad_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def clock(us: int) -> str:
    """Return a time (µs since the epoch) as the reader's clock shows it."""
    return datetime.fromtimestamp(us / 1e6, UTC).astimezone().strftime("%m-%d %H:%M:%S")
