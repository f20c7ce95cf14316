"""A small town of two grids and two stations, and incidents in it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from alerts.people.model import (
    Chain,
    Contact,
    Directory,
    Grid,
    Level,
    Person,
    Resident,
    Rota,
    Route,
    Shift,
    Station,
    Step,
    StepLimits,
    Team,
    Window,
)
from devices.model import Kind
from rules.model import AlarmClass, Severity
from tests.support.incident import incident as sample

if TYPE_CHECKING:
    from alerts.incident import Incident
    from alerts.people.who import Asked

ZONE: Final = "Asia/Shanghai"
DAILY: Final = tuple(range(7))
SMS: Final = (Contact("sms", "+86"),)


def us(text: str, zone: str = ZONE) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1e6)


NOON: Final = us("2026-05-11 12:00")
NIGHT: Final = us("2026-05-11 23:00")


def person(name: str, **more: Any) -> Person:
    return Person(**{"name": name, "contacts": SMS, **more})


def rota(name: str, day: str, night: str = "") -> Rota:
    shifts = [Shift(people=(day,), days=DAILY, start_min=8 * 60, end_min=20 * 60)]
    if night:
        shifts.append(Shift(people=(night,), days=DAILY, start_min=20 * 60, end_min=8 * 60))
    return Rota(name=name, timezone=ZONE, shifts=tuple(shifts))


TOWN: Final = Directory(
    people=(
        person("ann", roles=("staff",), grids=("1",)),
        person("ben", roles=("staff",), grids=("2",)),
        person("cat", roles=("staff", "warden"), sites=("town",), buildings=("7",)),
        person("dan"),
        person("eve"),
        person("fay"),
        person("gus"),
        person("hal", contacts=()),
        person("ida", quiet=Window(22 * 60, 7 * 60)),
        person("jon"),
    ),
    teams=(
        Team(name="east", members=("dan", "eve", "hal"), rota="east"),
        Team(name="west", label="West", members=("fay", "gus"), rota="west"),
        Team(name="office", members=("ida", "hal", "jon")),
    ),
    rotas=(rota("east", "dan", "eve"), rota("west", "fay"), rota("staff", "ann", "ann")),
    stations=(
        Station(name="e", label="East station", team="east", latitude=22.0, longitude=114.01, sites=("town",)),
        Station(name="w", team="west", latitude=22.0, longitude=114.0),
    ),
    grids=(
        Grid(name="1", site="town", polygon=((22.0, 114.0), (22.0, 114.01), (22.01, 114.01), (22.01, 114.0))),
        Grid(name="2", site="town", polygon=((22.0, 114.01), (22.0, 114.02), (22.01, 114.02), (22.01, 114.01))),
        Grid(name="1", site="village", polygon=((0.0, 0.0), (0.0, 1.0), (1.0, 0.0))),
    ),
    chains=(
        Chain(name="fire", steps=(Step(to=("role:staff",)), Step(to=("station:nearest",), after_s=60.0))),
        Chain(name="gas", steps=(Step(to=("team:office",)),)),
        Chain(name="rest", steps=(Step(to=("everyone",)),)),
    ),
    routes=(
        Route(chain="gas", kinds=(Kind.GAS,), sites=("town",), min_severity=Severity.ALARM),
        Route(chain="gas", rules=("co.*", "smoke.test")),
        Route(chain="fire", classes=(AlarmClass.LIFE_SAFETY,), grids=("1",)),
        Route(chain="rest", buildings=("7",)),
    ),
    limits=(
        StepLimits(kinds=(Kind.GAS,), accept_s=30.0),
        StepLimits(classes=(AlarmClass.LIFE_SAFETY,), min_severity=Severity.ALARM, accept_s=60.0, resolve_s=3600.0),
    ),
    levels=(
        Level(name="grid", label="Grid", to=("role:staff",)),
        Level(name="top", to=("recipient:cad", "person:jon", "recipient:siren")),
    ),
    residents=(Resident(device="town/w-1", person="ida", family=("jon", "dan")), Resident(device="town/w-2")),
    timezone=ZONE,
)
_SMOKE: Final = sample(at_us=NOON, device="town/s-1", site="town", grid="1", latitude=22.001, longitude=114.001)


def incident(**more: Any) -> Incident:
    """Return an emergency of smoke in grid 1 of the town, near the station in the west."""
    return replace(_SMOKE, **more)


def names(asked: list[Asked]) -> list[str]:
    return [one.person.name for one in asked]
