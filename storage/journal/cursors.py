"""Where each reader is: durable offsets by name, in the control file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    import apsw

__all__ = ["CURSOR_SCHEMA", "Cursor", "Cursors"]

CURSOR_SCHEMA = """
create table main.cursor (
  name    text primary key,
  offset  integer not null,  -- everything up to it is done with
  time_us integer not null   -- when the newest of that was appended, 0 before the first
) strict"""
_ALL = "select name, offset, time_us from main.cursor order by name"
_DECLARE = "insert into main.cursor values (?, 0, 0) on conflict do nothing"
_MOVE = """
insert into main.cursor values (?, ?, ?)
on conflict (name) do update set offset = excluded.offset, time_us = excluded.time_us"""


@dataclass(frozen=True, slots=True)
class Cursor:
    """A reader's place. time_us: when the newest record that it passed was appended, µs, 0 before the first."""

    offset: int
    time_us: int


class Cursors:
    """Every cursor, those of readers that are not here today too: each holds back deletion."""

    def __init__(self, connection: apsw.Connection, declared: Iterable[str]) -> None:
        self._connection = connection
        known = {name for name, _, _ in connection.execute(_ALL)}
        for name in declared:
            if name not in known:
                connection.execute(_DECLARE, (name,))
        self.places = {name: Cursor(offset, time_us) for name, offset, time_us in connection.execute(_ALL)}

    def move(self, name: str, place: Cursor) -> None:
        """Write a new place; inside the caller's transaction."""
        self._connection.execute(_MOVE, (name, place.offset, place.time_us))

    def moved(self, name: str, place: Cursor) -> None:
        """Take note that the move is committed."""
        self.places[name] = place

    def passed(self) -> int | None:
        """Return the offset that every cursor has passed, or None where there is no cursor."""
        return min((place.offset for place in self.places.values()), default=None)
