"""The directory: people, teams, rotas, stations, chains and routes, as the settings give them.

It is written into the journal (`encode_directory`), so that a replay asks the people whom the run before asked.
A *selector* names who is meant, in words:

    person:NAME         that person
    team:NAME           the members who are on duty by the team's rota; all of them where it has none
    rota:NAME           who is on duty by that rota
    role:NAME           everybody who has the role where the incident is, and is on duty where a rota names them
    station:NAME        the people on duty of that station
    station:nearest     those of the nearest station on duty that did not refuse; `station:nearest:2`: of two
    level:NAME          whom that level of supervision names
    recipient:NAME      a system or display of `[[recipients]]`, which is told and cannot answer
    resident            who wears the watch or lives behind the detector, as `[[residents]]` says
    family              that person's family
    everyone            everybody who has a contact, but residents and families who have no other part
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec

from devices.model import Kind
from rules.model import AlarmClass, Severity

__all__ = [
    "Chain",
    "Contact",
    "Directory",
    "DutyOverride",
    "Grid",
    "Language",
    "Level",
    "Person",
    "Resident",
    "Rota",
    "Route",
    "Shift",
    "Station",
    "Step",
    "StepLimits",
    "Team",
    "Window",
    "decode_directory",
    "encode_directory",
]


class Language(StrEnum):
    """What a person reads."""

    ZH = "zh"
    EN = "en"


class Contact(msgspec.Struct, frozen=True):
    """One way to a person. channel: name of a channel of the settings; address: number or address, "" where fixed."""

    channel: str
    address: str = ""


class Window(msgspec.Struct, frozen=True):
    """A time of every day, local, minutes from midnight; it goes over midnight where `end` is not after `start`."""

    start_min: int
    end_min: int


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who can be asked.

    name:            unique; what commands and rotas say
    label:           how they are called in texts; the name where ""
    contacts:        in the order in which they are tried
    languages:       messages are in these, in order
    sites, grids, buildings: where their roles are theirs; () means everywhere
    quiet:           no message then but life safety and what they accepted themselves; the rest comes in a digest
    budget_per_hour: messages an hour before the rest comes in digests; life safety is exempt; None: no bound
    """

    name: str
    label: str = ""
    contacts: tuple[Contact, ...] = ()
    languages: tuple[Language, ...] = (Language.ZH, Language.EN)
    roles: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    grids: tuple[str, ...] = ()
    buildings: tuple[str, ...] = ()
    quiet: Window | None = None
    budget_per_hour: int | None = None

    @property
    def called(self) -> str:
        """What texts call them."""
        return self.label or self.name


class Shift(msgspec.Struct, frozen=True, kw_only=True):
    """People on duty at a time of some days of the week.

    days:       0 Monday … 6 Sunday, the day on which it begins
    start_min, end_min: local minutes from midnight; it ends on the next day where the end is not after the start
    weeks:      of a pattern of `Rota.cycle_weeks` weeks, the ones in which it is, from 0; () means every week
    """

    people: tuple[str, ...]
    days: tuple[int, ...]
    start_min: int
    end_min: int
    weeks: tuple[int, ...] = ()


class DutyOverride(msgspec.Struct, frozen=True, kw_only=True):
    """Other people than the pattern says. start_us, end_us: µs since the epoch; people: () leaves nobody on duty."""

    start_us: int
    end_us: int
    people: tuple[str, ...]
    reason: str = ""


class Rota(msgspec.Struct, frozen=True, kw_only=True):
    """Who is on duty when.

    timezone:       its shifts are in this local time
    cycle_weeks, cycle_start: the pattern repeats after so many weeks, counted from the week of that date (`2026-01-05`)
    holidays:       dates on which `holiday_shifts` are in force instead of `shifts`
    gaps_are_meant: nobody on duty at times is no fault, as in an office that closes at night
    """

    name: str
    timezone: str
    shifts: tuple[Shift, ...]
    overrides: tuple[DutyOverride, ...] = ()
    holidays: tuple[str, ...] = ()
    holiday_shifts: tuple[Shift, ...] = ()
    cycle_weeks: int = 1
    cycle_start: str = ""
    gaps_are_meant: bool = False


class Team(msgspec.Struct, frozen=True, kw_only=True):
    """People who are asked together. rota: name of the rota that says who of them is on duty, "" for all of them."""

    name: str
    label: str = ""
    members: tuple[str, ...] = ()
    rota: str = ""


class Station(msgspec.Struct, frozen=True, kw_only=True):
    """A micro fire station. team: who is asked there; latitude, longitude: degrees WGS 84; sites: () means all."""

    name: str
    label: str = ""
    team: str
    latitude: float
    longitude: float
    sites: tuple[str, ...] = ()
    equipment: tuple[str, ...] = ()
    phone: str = ""


class Grid(msgspec.Struct, frozen=True, kw_only=True):
    """A cell of a site. polygon: (latitude, longitude) corners; devices without a grid in the ledger belong by it."""

    name: str
    site: str
    polygon: tuple[tuple[float, float], ...] = ()


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A step of a chain.

    to:      selectors
    after_s: s after the step before it began; for the first, after the incident was raised
    need:    how many acceptances end the escalation once this step is taken
    inform:  they are told, and need not answer
    """

    to: tuple[str, ...]
    after_s: float = 0.0
    need: int = 1
    inform: bool = False


class Chain(msgspec.Struct, frozen=True, kw_only=True):
    """Who is asked in which order.

    repeat_s:  s after the last step began until it all begins anew; None: it does not
    rounds:    how often at most, None for until somebody accepts; life safety goes on until somebody accepts
    receipt_s: no receipt for so long: the person's next channel at once
    answer_s:  no answer for so long after it was handed over: the person's next channel as well
    """

    name: str
    steps: tuple[Step, ...]
    repeat_s: float | None = 300.0
    rounds: int | None = None
    receipt_s: float = 30.0
    answer_s: float = 60.0


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """Which incidents go to which chain; the first that matches counts. () means all; rules: ids, or `prefix.*`."""

    chain: str
    sites: tuple[str, ...] = ()
    grids: tuple[str, ...] = ()
    buildings: tuple[str, ...] = ()
    kinds: tuple[Kind, ...] = ()
    classes: tuple[AlarmClass, ...] = ()
    rules: tuple[str, ...] = ()
    min_severity: Severity = Severity.ADVISORY


class StepLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How long each step of the response may take, s from the step before it; None is not watched.

    The first that matches an incident counts. Blue at a half, yellow at four fifths, red at the whole.
    """

    classes: tuple[AlarmClass, ...] = ()
    kinds: tuple[Kind, ...] = ()
    min_severity: Severity = Severity.ADVISORY
    accept_s: float | None = None
    dispatch_s: float | None = None
    arrive_s: float | None = None
    verify_s: float | None = None
    resolve_s: float | None = None


class Level(msgspec.Struct, frozen=True, kw_only=True):
    """A level of supervision, from the grid up; `to`: selectors of whom its whistle reaches."""

    name: str
    label: str = ""
    to: tuple[str, ...]


class Resident(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a device is about. device: `site/name`; person: name in the directory, "" where they cannot be asked."""

    device: str
    person: str = ""
    family: tuple[str, ...] = ()


class Directory(msgspec.Struct, frozen=True, kw_only=True):
    """Everything above; the loader has found it free of faults. timezone: of quiet hours."""

    people: tuple[Person, ...] = ()
    teams: tuple[Team, ...] = ()
    rotas: tuple[Rota, ...] = ()
    stations: tuple[Station, ...] = ()
    grids: tuple[Grid, ...] = ()
    chains: tuple[Chain, ...] = ()
    routes: tuple[Route, ...] = ()
    limits: tuple[StepLimits, ...] = ()
    levels: tuple[Level, ...] = ()
    residents: tuple[Resident, ...] = ()
    timezone: str = "Asia/Shanghai"


EMPTY: Final = Directory()

_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Directory)


def encode_directory(directory: Directory) -> bytes:
    """Return the body of a journal record of kind DIRECTORY."""
    return _ENCODER.encode(directory)


def decode_directory(body: bytes) -> Directory:
    """Read the body of a journal record of kind DIRECTORY. Raises msgspec.DecodeError where it is none."""
    return _DECODER.decode(body)
