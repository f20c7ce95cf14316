"""States of devices on boards: a figure a state, columns a state, and the ranks of a grid of floors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from alerts.text import Text
from deploy.boards.field import DEVICE_STATES, Cell, Column, Field, Line, Step, mapping
from deploy.boards.panel import Head, Panel, stat
from deploy.boards.words import DEVICE_STATE

if TYPE_CHECKING:
    from deploy.boards.query import Sql

__all__ = ["DEVICE_LINK", "DEVICE_RANKS", "RANKED", "state_columns", "state_figures"]

COLOURS: Final = {state: str(DEVICE_STATES.options[state].color) for state in DEVICE_STATE}
RANKED: Final = tuple(DEVICE_STATE)[::-1]
"""States from normal to alarm: the place of each is its rank in `site.sql`."""
DEVICE_RANKS: Final = mapping(
    {str(rank): DEVICE_STATE[state] for rank, state in enumerate(RANKED)},
    {str(rank): COLOURS[state] for rank, state in enumerate(RANKED)},
)
DEVICE_LINK: Final = Text("Open the device's board", "查看设备")
_QUIET: Final = ("normal", "maintenance")


def _steps(state: str) -> tuple[Step, ...]:
    if state in _QUIET:
        return (Step(None, "text" if state == "maintenance" else "green"),)
    return Step(None, "text"), Step(1, COLOURS[state])


def state_figures(head: Head, query: Sql) -> Panel:
    """Return a figure a state, from one row with a column a state."""
    return stat(
        head,
        query,
        Field("none", Text("no device here", "此处无设备"), decimals=0),
        [Line(state, title=text, steps=_steps(state)) for state, text in DEVICE_STATE.items()],
        named=True,
        background=False,
        values="/.*/",
    )


def state_columns() -> tuple[Column, ...]:
    """Return a column a state, in colour where there is any device in it."""
    return tuple(
        Column(state, title=text, steps=_steps(state), cell=Cell.TEXT, width=90) for state, text in DEVICE_STATE.items()
    )
