"""The lines of a TOML file: where each table and key of it was written, which the parser does not say."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Place", "line_of", "lines_of"]

Place = tuple[str | int, ...]
"""Where in a TOML file: keys and the indices of arrays, outermost first."""

_TOKEN = re.compile(
    r"""(?P<text>"{3}(?:\\.|[^\\])*?"{3,5}|'{3}.*?'{3,5}|"(?:\\.|[^"\\\n])*"|'[^'\n]*')"""
    r"""|(?P<comment>\#[^\n]*)|(?P<mark>[\[\]{}=,.\n])|(?P<bare>[^\s\[\]{}=,.#"']+)""",
    re.DOTALL,
)
_Token = tuple[str, str, int]
"""Its sort ("text", "mark", "bare", or "end"), its characters, its line."""


def lines_of(text: str) -> dict[Place, int]:
    """Return the line, from 1, of each table, key and array element of `text`, which must be sound TOML."""
    return _Lines(text).read()


def line_of(lines: Mapping[Place, int], place: Place) -> int:
    """Return the line of `place`, or of what holds it; 1 where nothing does."""
    return next((lines[place[:n]] for n in range(len(place), 0, -1) if place[:n] in lines), 1)


class _Lines:
    """A reader that knows only so much of TOML as tells keys from values."""

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._token = next(self._tokens)
        self._lines: dict[Place, int] = {}
        self._elements: dict[Place, int] = {}

    def read(self) -> dict[Place, int]:
        table: Place = ()
        while self._token[0] != "end":
            if self._is("\n"):
                self._step()
            elif self._is("["):
                table = self._header()
            else:
                self._key_and_value(table)
        return self._lines

    def _header(self) -> Place:
        line = self._step()
        is_array = self._is("[")
        if is_array:
            self._step()
        key = self._key()
        self._step()
        if is_array:
            self._step()
        table: Place = ()
        for part in key[:-1]:
            table = self._element((*table, part))
        table = (*table, key[-1])
        if is_array:
            self._elements[table] = self._elements.get(table, -1) + 1
        table = self._element(table)
        for depth in range(1, len(table) + 1):
            self._lines.setdefault(table[:depth], line)
        return table

    def _element(self, place: Place) -> Place:
        """Return the newest element of `place` where it is an array of tables."""
        return (*place, self._elements[place]) if place in self._elements else place

    def _key_and_value(self, table: Place) -> None:
        line = self._token[2]
        key = self._key()
        self._step()  # =
        for depth in range(1, len(key) + 1):
            self._lines.setdefault((*table, *key[:depth]), line)
        self._value((*table, *key))

    def _key(self) -> tuple[str, ...]:
        parts: list[str] = []
        while not self._is("=") and not self._is("]"):
            if not self._is("."):
                sort, found, _ = self._token
                parts.append(found[1:-1] if sort == "text" else found)
            self._step()
        return tuple(parts)

    def _value(self, place: Place) -> None:
        if self._is("["):
            self._array(place)
        elif self._is("{"):
            self._step()
            while not self._is("}"):
                if self._is(",") or self._is("\n"):
                    self._step()
                else:
                    self._key_and_value(place)
            self._step()
        else:
            while not any(map(self._is, "\n,]}")):
                self._step()

    def _array(self, place: Place) -> None:
        self._step()
        index = 0
        while not self._is("]"):
            if self._is(",") or self._is("\n"):
                self._step()
            else:
                self._lines.setdefault((*place, index), self._token[2])
                self._value((*place, index))
                index += 1
        self._step()

    def _is(self, mark: str) -> bool:
        """Say whether the next token is `mark`; at the end of the text it is whatever is waited for."""
        sort, found, _ = self._token
        return sort == "end" or (sort == "mark" and found == mark)

    def _step(self) -> int:
        """Go on to the next token; return the line of the one passed."""
        line = self._token[2]
        self._token = next(self._tokens)
        return line


def _tokens(text: str) -> Iterator[_Token]:
    line = 1
    for found in _TOKEN.finditer(text):
        sort = found.lastgroup or ""
        if sort != "comment":
            yield sort, found[0], line
        line += found[0].count("\n") if sort != "bare" else 0
    while True:
        yield "end", "", line
