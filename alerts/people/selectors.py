"""Selectors: the words of `alerts.people.model` that name who is meant, taken apart."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

__all__ = ["Selector", "SelectorKind", "parse_selector"]


class SelectorKind(StrEnum):
    """What a selector begins with."""

    PERSON = "person"
    TEAM = "team"
    ROTA = "rota"
    ROLE = "role"
    STATION = "station"
    NEAREST = "station:nearest"
    LEVEL = "level"
    RECIPIENT = "recipient"
    RESIDENT = "resident"
    FAMILY = "family"
    EVERYONE = "everyone"


class Selector(NamedTuple):
    """name: "" where it has none; stations: of `station:nearest`, how many."""

    kind: SelectorKind
    name: str = ""
    stations: int = 1


_ALONE: Final = {kind.value: kind for kind in (SelectorKind.RESIDENT, SelectorKind.FAMILY, SelectorKind.EVERYONE)}
_NAMED: Final = {
    kind.value: kind for kind in SelectorKind if kind not in _ALONE.values() and kind is not SelectorKind.NEAREST
}
_WANTED: Final = ", ".join([*(f"{word}:NAME" for word in _NAMED), f"{SelectorKind.NEAREST}[:K]", *_ALONE])


def parse_selector(text: str) -> Selector:
    """Return the selector that `text` is. Raises ValueError where it is none, and says what was wanted."""
    if text in _ALONE:
        return Selector(_ALONE[text])
    word, _, name = text.partition(":")
    if word == SelectorKind.STATION and (name == "nearest" or name.startswith("nearest:")):
        count = name.removeprefix("nearest").removeprefix(":") or "1"
        if name.endswith(":") or not (count.isascii() and count.isdecimal()) or int(count) < 1:
            raise ValueError(f"{text!r} is no selector; wanted {SelectorKind.NEAREST}:K with K from 1")
        return Selector(SelectorKind.NEAREST, stations=int(count))
    if word not in _NAMED or not name or name != name.strip():
        raise ValueError(f"{text!r} is no selector; wanted one of {_WANTED}")
    return Selector(_NAMED[word], name)
