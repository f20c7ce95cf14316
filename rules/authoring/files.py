"""Rules files: TOML files and folders of them, each read once, what they include before themselves."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devices.toml_lines import line_of, lines_of
from rules.authoring.raw import places_of_each
from rules.authoring.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from devices.toml_lines import Place
    from rules.authoring.faults import Faults

__all__ = ["RuleFile", "read_files"]

_ARRAYS: Final = ("rules", "overrides", "schedules", "windows")


@dataclass(frozen=True, slots=True)
class RuleFile:
    """One rules file: its tables, and where they stand.

    origin: how messages call it
    """

    origin: str
    values: Mapping[str, object]
    lines: Mapping[Place, int]

    def place(self, key: str) -> str:
        """Return the `file:line` of a key, dotted where nested, or of what holds it."""
        parts = tuple(int(part) if part.isdecimal() else part for part in key.split("."))
        return f"{self.origin}:{line_of(self.lines, parts)}"

    def tables(self, array: str) -> Iterator[tuple[Mapping[str, object], dict[str, str]]]:
        """Yield each table of `array` and the places of its keys: dotted key → `file:line`, "" for the table."""
        places = places_of_each(self.lines, array, self.origin)
        values = self.values.get(array, ())
        if isinstance(values, list):
            for nth, table in enumerate(values):
                if isinstance(table, dict):
                    yield table, places[nth]


def read_files(paths: Sequence[Path], faults: Faults) -> list[RuleFile]:
    """Return the files of `paths` (files, or folders of `*.toml`) and of their `include`s, each once.

    An include is relative to the file that names it, and comes before it. Faults go to `faults`.
    """
    reading = _Reading(faults)
    for path in paths:
        if path.is_dir():
            found = sorted(path.glob("*.toml"))
            if not found:
                faults.say(str(path), "", "holds no rules file", "files named *.toml")
            for file in found:
                reading.read(file, str(file), ())
        else:
            reading.read(path, str(path), ())
    return reading.files


class _Reading:
    def __init__(self, faults: Faults) -> None:
        self.files: list[RuleFile] = []
        self._faults = faults
        self._seen: set[Path] = set()

    def read(self, path: Path, named_at: str, trail: tuple[Path, ...]) -> None:
        """Read `path` and what it includes.

        named_at: where it is asked for
        trail:    the files that are being read, outermost first
        """
        own = path.resolve()
        if own in trail:
            round_trip = " → ".join(one.name for one in (*trail[trail.index(own) :], own))
            self._faults.say(named_at, "", f"it includes itself: {round_trip}", "no cycle")
            return
        if own in self._seen:
            return
        self._seen.add(own)
        file = self._file(path, named_at)
        if file is None:
            return
        table = Table(file.values, file.place, "", self._faults)
        table.refuse_others((*_ARRAYS, "include", "timezone"), "a rules file")
        for nth, name in enumerate(table.texts("include")):
            self.read(path.parent / name, file.place(f"include.{nth}"), (*trail, own))
        for array in _ARRAYS:
            values = file.values.get(array, [])
            if not isinstance(values, list) or not all(isinstance(one, dict) for one in values):
                table.say(array, f"{array} is no list of tables", f"[[{array}]]")
        self.files.append(file)

    def _file(self, path: Path, named_at: str) -> RuleFile | None:
        try:
            text = path.read_text(encoding="utf-8")
            return RuleFile(str(path), tomllib.loads(text), lines_of(text))
        except OSError as error:
            self._faults.say(named_at, "", f"{path} cannot be read: {error.strerror}", "a file that is there")
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            self._faults.say(str(path), "", f"is not TOML in UTF-8: {error}", "a file that is")
        return None
