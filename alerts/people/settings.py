"""The directory as settings give it: read, made, and every fault of it said at once with its place."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from alerts.people.checks import check
from alerts.people.local_time import LocalTime
from alerts.people.model import Directory
from alerts.people.rota_sections import OverrideSection, RotaSection, ShiftSection, TurnsSection
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
    StepSection,
    TeamSection,
)
from alerts.people.written import Origin, Written
from rules.loader import TIMEZONE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from pathlib import Path

    from alerts.people.model import Rota

__all__ = [
    "ChainSection",
    "DirectoryFaults",
    "DirectorySections",
    "GridSection",
    "LevelSection",
    "LimitsSection",
    "OverrideSection",
    "PersonSection",
    "ResidentSection",
    "RotaSection",
    "RouteSection",
    "ShiftSection",
    "StationSection",
    "StepSection",
    "TeamSection",
    "TurnsSection",
    "load_directory",
    "make_directory",
]


class DirectoryFaults(Exception):  # it is the list of faults, not one error
    """Everything that is wrong with the people, teams, rotas, chains and routes, each fault with its place."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


def load_directory(
    files: Iterable[Path],
    inline: DirectorySections,
    channels: Collection[str],
    recipients: Collection[str] | None = None,
    *,
    origin: str = "settings",
) -> Directory:
    """Return the directory of the settings and of `files` (TOML files, or folders of them), in this order.

    inline:     the sections of the settings themselves; `origin` is how messages call these
    channels:   names of the settings' channels
    recipients: names of its systems and displays; None where they are not known, then all are taken to be there
    Raises DirectoryFaults with every fault of all of them.
    """
    written = Written()
    written.take(inline, Origin(origin))
    written.read(files)
    return _made(written, channels, recipients)


def make_directory(
    people: Sequence[PersonSection] = (),
    teams: Sequence[TeamSection] = (),
    rotas: Sequence[RotaSection] = (),
    stations: Sequence[StationSection] = (),
    grids: Sequence[GridSection] = (),
    chains: Sequence[ChainSection] = (),
    routes: Sequence[RouteSection] = (),
    limits: Sequence[LimitsSection] = (),
    levels: Sequence[LevelSection] = (),
    residents: Sequence[ResidentSection] = (),
    *,
    channels: Collection[str],
    recipients: Collection[str] | None = None,
    timezone: str = "",
    holidays: Sequence[str] = (),
) -> Directory:
    """Return the directory of these sections. As `load_directory`, without files."""
    sections = DirectorySections(
        people=tuple(people),
        teams=tuple(teams),
        rotas=tuple(rotas),
        stations=tuple(stations),
        grids=tuple(grids),
        chains=tuple(chains),
        routes=tuple(routes),
        limits=tuple(limits),
        levels=tuple(levels),
        residents=tuple(residents),
        holidays=tuple(holidays),
        timezone=timezone,
    )
    return load_directory((), sections, channels, recipients)


def _made(written: Written, channels: Collection[str], recipients: Collection[str] | None) -> Directory:
    of = {array: [entry.section for entry in entries] for array, entries in written.entries.items()}
    timezone = next(iter(written.timezones), TIMEZONE)
    holidays = tuple(dict.fromkeys(written.holidays))
    directory = Directory(
        people=tuple(one.person() for one in of["people"]),
        teams=tuple(one.team() for one in of["teams"]),
        rotas=tuple(_rota(one, timezone, holidays) for one in of["rotas"]),
        stations=tuple(one.station() for one in of["stations"]),
        grids=tuple(one.grid() for one in of["grids"]),
        chains=tuple(one.chain() for one in of["chains"]),
        routes=tuple(one.route() for one in of["routes"]),
        limits=tuple(one.limits() for one in of["limits"]),
        levels=tuple(one.level() for one in of["levels"]),
        residents=tuple(one.resident() for one in of["residents"]),
        timezone=timezone,
    )
    faults = dict.fromkeys([*written.faults, *check(written, directory, channels, recipients)])
    if faults:
        raise DirectoryFaults(list(faults))
    return directory


def _rota(section: RotaSection, timezone: str, holidays: tuple[str, ...]) -> Rota:
    """Return a rota; its own time zone goes before that of the directory."""
    name = section.timezone or timezone
    first_weekday = date.fromisoformat(section.cycle_start).weekday() if section.cycle_start else 0
    return section.rota(LocalTime(name), name, first_weekday, holidays)
