"""Sections: the tables of a settings file that say who there is and who is asked; each makes one part of the model.

They say what is wrong with a table alone; what is wrong between tables is for `alerts.people.checks`.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from alerts.people.forms import Contacts, Day, Hours, Name, Names, Repeat, Seconds
from alerts.people.model import (
    Chain,
    Grid,
    Language,
    Level,
    Person,
    Resident,
    Route,
    Station,
    Step,
    StepLimits,
    Team,
)
from alerts.people.rota_sections import RotaSection
from devices.model import Kind
from rules.loader import TIMEZONE, is_timezone
from rules.model import AlarmClass, Severity

__all__ = [
    "ChainSection",
    "DirectoryArrays",
    "DirectorySections",
    "GridSection",
    "LevelSection",
    "LimitsSection",
    "PersonSection",
    "ResidentSection",
    "RouteSection",
    "StationSection",
    "StepSection",
    "TeamSection",
]

Latitude = Annotated[float, Field(ge=-90, le=90)]
Longitude = Annotated[float, Field(ge=-180, le=180)]
Texts = Annotated[
    tuple[Annotated[str, Field(min_length=1)], ...],
    BeforeValidator(lambda one: (one,) if isinstance(one, str) else one),
]


class _Section(BaseModel):
    """A table; a key that nobody knows is a fault."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PersonSection(_Section):
    """`[[people]]`: somebody who can be asked."""

    name: Name
    label: str = ""
    contacts: Contacts = Field((), description="in the order in which they are tried")
    languages: tuple[Language, ...] = Field((Language.ZH, Language.EN), min_length=1)
    roles: Names = ()
    sites: Texts = ()
    grids: Texts = ()
    buildings: Texts = ()
    quiet: Hours | None = Field(None, description="hours without messages, but for life safety")
    budget_per_hour: int | None = Field(None, ge=1)

    @field_validator("quiet")
    @classmethod
    def _ends(cls, quiet: Any) -> Any:
        if quiet is not None and (quiet.end_min - quiet.start_min) % (24 * 60) == 0:
            raise ValueError("quiet hours all round the clock; wanted hours like '22:00-07:00', or none")
        return quiet

    def person(self) -> Person:
        """Return them as the directory has them."""
        return Person(**self.model_dump())


class TeamSection(_Section):
    """`[[teams]]`: people who are asked together."""

    name: Name
    label: str = ""
    members: Names = ()
    rota: str = ""

    def team(self) -> Team:
        """Return it as the directory has it."""
        return Team(name=self.name, label=self.label, members=self.members, rota=self.rota)


class StationSection(_Section):
    """`[[stations]]`: a micro fire station."""

    name: Name
    label: str = ""
    team: str
    latitude: Latitude
    longitude: Longitude
    sites: Texts = ()
    equipment: Texts = ()
    phone: str = ""

    @field_validator("name")
    @classmethod
    def _is_not_nearest(cls, name: str) -> str:
        if name == "nearest":
            raise ValueError("'nearest' means any station; wanted another name")
        return name

    def station(self) -> Station:
        """Return it as the directory has it."""
        return Station(**self.model_dump())


class GridSection(_Section):
    """`[[grids]]`: a cell of a site. polygon: [latitude, longitude] corners."""

    name: Annotated[str, Field(min_length=1)]
    site: Annotated[str, Field(min_length=1)]
    polygon: tuple[tuple[Latitude, Longitude], ...] = ()

    def grid(self) -> Grid:
        """Return it as the directory has it."""
        return Grid(name=self.name, site=self.site, polygon=self.polygon)


class StepSection(_Section):
    """`[[chains.steps]]`: who is asked, and how long after the step before."""

    to: Texts = Field(min_length=1)
    after: Seconds = 0.0
    need: int = Field(1, ge=1)
    inform: bool = False

    def step(self) -> Step:
        """Return it as the directory has it."""
        return Step(to=self.to, after_s=self.after, need=self.need, inform=self.inform)


class ChainSection(_Section):
    """`[[chains]]`: who is asked in which order. repeat: "never", or how long after the last step it begins anew."""

    name: Name
    steps: tuple[StepSection, ...] = Field(min_length=1)
    repeat: Repeat = 300.0
    rounds: int | None = Field(None, ge=1)
    receipt: Seconds = 30.0
    answer: Seconds = 60.0

    @field_validator("repeat", "receipt", "answer")
    @classmethod
    def _waits(cls, seconds: float | None) -> float | None:
        if seconds is not None and seconds < 1:
            raise ValueError("below 1 s; wanted 1 s or more")
        return seconds

    def chain(self) -> Chain:
        """Return it as the directory has it."""
        return Chain(
            name=self.name,
            steps=tuple(one.step() for one in self.steps),
            repeat_s=self.repeat,
            rounds=self.rounds,
            receipt_s=self.receipt,
            answer_s=self.answer,
        )


class RouteSection(_Section):
    """`[[routes]]`: which incidents go to which chain; the first that matches counts."""

    chain: str
    sites: Texts = ()
    grids: Texts = ()
    buildings: Texts = ()
    kinds: tuple[Kind, ...] = ()
    classes: tuple[AlarmClass, ...] = ()
    rules: Texts = ()
    min_severity: Severity = Severity.ADVISORY

    @field_validator("rules")
    @classmethod
    def _are_patterns(cls, rules: tuple[str, ...]) -> tuple[str, ...]:
        wrong = [rule for rule in rules if "*" in rule.removesuffix(".*") or "?" in rule]
        if wrong:
            raise ValueError(f"{wrong[0]!r}; wanted the id of a rule, or 'prefix.*'")
        return rules

    def route(self) -> Route:
        """Return it as the directory has it."""
        return Route(**self.model_dump())


class LimitsSection(_Section):
    """`[[limits]]`: how long each step of the response may take."""

    classes: tuple[AlarmClass, ...] = ()
    kinds: tuple[Kind, ...] = ()
    min_severity: Severity = Severity.ADVISORY
    accept: Seconds | None = None
    dispatch: Seconds | None = None
    arrive: Seconds | None = None
    verify: Seconds | None = None
    resolve: Seconds | None = None

    def limits(self) -> StepLimits:
        """Return them as the directory has them."""
        return StepLimits(
            classes=self.classes,
            kinds=self.kinds,
            min_severity=self.min_severity,
            accept_s=self.accept,
            dispatch_s=self.dispatch,
            arrive_s=self.arrive,
            verify_s=self.verify,
            resolve_s=self.resolve,
        )


class LevelSection(_Section):
    """`[[levels]]`: a level of supervision, from the grid up."""

    name: Name
    label: str = ""
    to: Texts = Field(min_length=1)

    def level(self) -> Level:
        """Return it as the directory has it."""
        return Level(name=self.name, label=self.label, to=self.to)


class ResidentSection(_Section):
    """`[[residents]]`: whom a device is about."""

    device: Annotated[str, Field(pattern=r"^[^/]+/[^/]+$")]
    person: str = ""
    family: Names = ()

    def resident(self) -> Resident:
        """Return them as the directory has them."""
        return Resident(device=self.device, person=self.person, family=self.family)


class DirectoryArrays(_Section):
    """The arrays of tables that may stand in the settings themselves as well as in files of their own."""

    people: tuple[PersonSection, ...] = ()
    teams: tuple[TeamSection, ...] = ()
    rotas: tuple[RotaSection, ...] = ()
    stations: tuple[StationSection, ...] = ()
    grids: tuple[GridSection, ...] = ()
    chains: tuple[ChainSection, ...] = ()
    routes: tuple[RouteSection, ...] = ()
    limits: tuple[LimitsSection, ...] = ()
    levels: tuple[LevelSection, ...] = ()
    residents: tuple[ResidentSection, ...] = ()


class DirectorySections(DirectoryArrays):
    """Every section of one file. holidays: of the rotas that have `holiday_shifts` and name none."""

    holidays: tuple[Day, ...] = ()
    timezone: str = ""

    @field_validator("timezone")
    @classmethod
    def _is_a_timezone(cls, timezone: str) -> str:
        if timezone and not is_timezone(timezone):
            raise ValueError(f"{timezone!r} is no time zone; wanted a name like {TIMEZONE!r}")
        return timezone
