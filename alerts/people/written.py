"""What was written: the sections of the settings and of files of their own, each with the place where it stands."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ValidationError

from alerts.people.rota_sections import RotaSection
from alerts.people.sections import (
    ChainSection,
    DirectorySections,
    GridSection,
    LevelSection,
    LimitsSection,
    PersonSection,
    ResidentSection,
    RouteSection,
    StationSection,
    TeamSection,
)
from devices.toml_lines import line_of, lines_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from pydantic_core import ErrorDetails

    from devices.toml_lines import Place

__all__ = ["SECTIONS", "Entry", "Origin", "Written"]

SECTIONS: Final[Mapping[str, type[BaseModel]]] = {
    "people": PersonSection,
    "teams": TeamSection,
    "rotas": RotaSection,
    "stations": StationSection,
    "grids": GridSection,
    "chains": ChainSection,
    "routes": RouteSection,
    "limits": LimitsSection,
    "levels": LevelSection,
    "residents": ResidentSection,
}
"""The arrays of tables, and what each table is."""

_ONE_OF: Final = {"people": "person", "limits": "limits"}
_PRIVATE: Final = frozenset({"contacts", "phone"})
_VALUE_ERROR: Final = "Value error, "


@dataclass(frozen=True, slots=True)
class Origin:
    """A file, or the settings. lines: of its tables and keys, None where they are not known."""

    name: str
    lines: Mapping[Place, int] | None = None

    def place(self, *parts: str | int) -> str:
        """Return the `file:line` of a key, or its dotted name where lines are not known."""
        if self.lines is not None:
            return f"{self.name}:{line_of(self.lines, parts)}"
        return f"{self.name}: {'.'.join(map(str, parts))}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One section that is sound by itself. nth: its place in its array."""

    array: str
    nth: int
    section: Any
    origin: Origin

    @property
    def name(self) -> str:
        """Its name, or its device; "" where it has neither."""
        return _name_of(self.section.__dict__)

    @property
    def who(self) -> str:
        """How messages call it."""
        return _called(self.array, self.name)

    def place(self, *key: str | int) -> str:
        """Return where it, or a key of it, stands."""
        return self.origin.place(self.array, self.nth, *key)

    def fault(self, key: Sequence[str | int], wrong: str, wanted: str) -> str:
        """Return a fault of `key`; () for the whole."""
        return f"{self.place(*key)}: {self.who}: {wrong}; wanted {wanted}"


@dataclass(slots=True)
class Written:
    """All that was written.

    entries:   by array, in order
    unsound:   by array, the names of those that have faults by themselves: others may name them
    holidays:  of all files
    timezones: name → the place where it is given
    faults:    what is wrong with the files and with single sections
    """

    entries: dict[str, list[Entry]] = field(default_factory=lambda: {array: [] for array in SECTIONS})
    unsound: dict[str, set[str]] = field(default_factory=lambda: {array: set() for array in SECTIONS})
    holidays: list[str] = field(default_factory=list)
    timezones: dict[str, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def take(self, sections: DirectorySections, origin: Origin) -> None:
        """Take up sections that are sound."""
        for array in SECTIONS:
            for nth, section in enumerate(getattr(sections, array)):
                self.entries[array].append(Entry(array, nth, section, origin))
        self._take_common(sections, origin)

    def read(self, paths: Iterable[Path]) -> None:
        """Read files, and the `*.toml` of folders in the order of their names."""
        for path in paths:
            files = sorted(path.glob("*.toml")) if path.is_dir() else [path]
            if not files:
                self.faults.append(f"{path}: holds no file; wanted files named *.toml")
            for file in files:
                self._read(file)

    def _read(self, file: Path) -> None:
        try:
            text = file.read_text(encoding="utf-8")
            values = tomllib.loads(text)
        except OSError as error:
            self.faults.append(f"{file}: cannot be read: {error.strerror}")
            return
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            self.faults.append(f"{file}: not TOML: {error}")
            return
        origin = Origin(str(file), lines_of(text))
        common = {key: value for key, value in values.items() if key not in SECTIONS}
        try:
            self._take_common(DirectorySections.model_validate(common), origin)
        except ValidationError as error:
            self.faults += [_fault(origin, (), "", detail) for detail in error.errors()]
        for array, of in SECTIONS.items():
            tables = values.get(array, [])
            if not isinstance(tables, list):
                self.faults.append(f"{origin.place(array)}: {array} is no list of tables; wanted [[{array}]]")
                continue
            for nth, table in enumerate(tables):
                self._read_table(array, nth, of, table, origin)

    def _read_table(self, array: str, nth: int, of: type[BaseModel], table: object, origin: Origin) -> None:
        try:
            self.entries[array].append(Entry(array, nth, of.model_validate(table), origin))
        except ValidationError as error:
            name = _name_of(table if isinstance(table, dict) else {})
            self.unsound[array].add(name)
            self.faults += [_fault(origin, (array, nth), _called(array, name), detail) for detail in error.errors()]

    def _take_common(self, sections: DirectorySections, origin: Origin) -> None:
        self.holidays += sections.holidays
        if sections.timezone:
            self.timezones.setdefault(sections.timezone, origin.place("timezone"))


def _name_of(values: Mapping[str, object]) -> str:
    name = values.get("name") or values.get("device")
    return name if isinstance(name, str) else ""


def _called(array: str, name: str) -> str:
    one = _ONE_OF.get(array) or array.removesuffix("s")
    return f"{one} {name!r}" if name else one


def _fault(origin: Origin, of: Sequence[str | int], who: str, detail: ErrorDetails) -> str:
    key, given = detail["loc"], detail["input"]
    is_shown = isinstance(given, str | int | float) and not _PRIVATE.intersection(key)
    shown = f" (given: {given!r})" if is_shown and repr(given) not in detail["msg"] else ""
    about = ": ".join(filter(None, [who, ".".join(map(str, key))]))
    return f"{origin.place(*of, *key)}: {about}: {detail['msg'].removeprefix(_VALUE_ERROR)}{shown}".replace(
        ": : ", ": "
    )
