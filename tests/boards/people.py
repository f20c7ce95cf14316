"""The people of the town: who is asked, and what each of them does about which incident."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from alerts import Recipient
from alerts.command import Accept, Arrive, Close, Dispatch, Refuse, Resolve, Verify
from alerts.incident import Outcome
from alerts.people.model import (
    Chain,
    Contact,
    Directory,
    Level,
    Person,
    Resident,
    Route,
    Station,
    Step,
    StepLimits,
    Team,
)
from devices import Kind
from rules.model import AlarmClass
from tests.boards.town import EAST, NORTH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from alerts.command import IncidentCommand

__all__ = ["ACTS", "DIRECTORY", "RECIPIENTS", "Act"]

APP, SMS = Contact("app"), Contact("sms", "+8613800000000")
PLAIN: Final = (APP, SMS)

DIRECTORY: Final = Directory(
    people=(
        Person(name="li", contacts=PLAIN, roles=("grid-staff",), sites=(NORTH,), grids=("01", "02")),
        Person(name="zhou", contacts=PLAIN, roles=("grid-staff",), sites=(NORTH,), grids=("03",)),
        Person(name="sun", contacts=PLAIN, roles=("grid-staff",), sites=(EAST,)),
        Person(name="crew1", contacts=PLAIN),
        Person(name="crew2", contacts=PLAIN),
        Person(name="crew3", contacts=PLAIN),
        Person(name="manager", contacts=PLAIN, roles=("street-office",)),
        Person(name="granny", contacts=(Contact("watch", f"{NORTH}/watch-1"),)),
        Person(name="son", contacts=PLAIN),
    ),
    teams=(Team(name="south", members=("crew1", "crew2")), Team(name="north", members=("crew3",))),
    stations=(
        Station(name="south", label="South", team="south", latitude=22.5735, longitude=114.1235),
        Station(name="north", label="North", team="north", latitude=22.6035, longitude=114.1435),
    ),
    chains=(
        Chain(
            name="danger",
            steps=(
                Step(to=("role:grid-staff", "station:nearest")),
                Step(to=("role:street-office",), after_s=60.0),
            ),
            repeat_s=300.0,
        ),
        Chain(
            name="elder",
            steps=(
                Step(to=("resident",)),
                Step(to=("family",), after_s=30.0),
                Step(to=("role:grid-staff",), after_s=60.0),
            ),
        ),
        Chain(name="water", steps=(Step(to=("role:grid-staff",)),), repeat_s=None),
    ),
    routes=(
        Route(chain="elder", kinds=(Kind.WATCH,), classes=(AlarmClass.LIFE_SAFETY,)),
        Route(chain="danger", classes=(AlarmClass.LIFE_SAFETY,)),
        Route(chain="water", kinds=(Kind.HYDRANT, Kind.TANK), classes=(AlarmClass.SUPERVISORY,)),
    ),
    limits=(
        StepLimits(classes=(AlarmClass.LIFE_SAFETY,), accept_s=60, dispatch_s=120, arrive_s=180, resolve_s=7200),
        StepLimits(classes=(AlarmClass.SUPERVISORY,), accept_s=900, resolve_s=86_400),
    ),
    levels=(
        Level(name="grid", to=("role:grid-staff",)),
        Level(name="station", to=("station:nearest",)),
        Level(name="street", to=("role:street-office",)),
    ),
    residents=(Resident(device=f"{NORTH}/watch-1", person="granny", family=("son",)),),
)
RECIPIENTS: Final = (Recipient("control-room", ("console",), updates=True),)

# ── what people do ───────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Act:
    """What a person does about the incident of a device and rule, so many s after it was raised.

    what: makes the command of an incident's id
    """

    device: str
    rule: str
    after_s: float
    what: Callable[[str], IncidentCommand]


def _doing(make: Callable[..., IncidentCommand], by: str, **more: object) -> Callable[[str], IncidentCommand]:
    """Return what makes the command of a person about an incident's id."""
    return lambda incident: make(incident=incident, by=by, origin="app", **more)


def _acts(
    device: str,
    *rules: str,
    refuse: tuple[float, str] | None = None,
    accept: tuple[float, str] | None = None,
    dispatch: tuple[float, str, str] | None = None,
    arrive: tuple[float, str] | None = None,
    verify: tuple[float, str, Outcome] | None = None,
    resolve: tuple[float, str, Outcome] | None = None,
    rate: tuple[float, str, int] | None = None,
) -> Iterator[Act]:
    """Yield the acts about each of `rules` on a device; each is (s after it was raised, who, …)."""
    steps = [
        (step[0], _doing(make, step[1], **dict(zip(words, step[2:], strict=True))))
        for make, step, words in (
            (Refuse, refuse, ()),
            (Accept, accept, ()),
            (Dispatch, dispatch, ("to",)),
            (Arrive, arrive, ()),
            (Verify, verify, ("outcome",)),
            (Resolve, resolve, ("outcome",)),
            (Close, rate, ("rating",)),
        )
        if step is not None
    ]
    for rule in rules:
        yield from (Act(device, rule, after_s, what) for after_s, what in steps)


TRUE, FALSE, TEST, NOTHING = Outcome.TRUE, Outcome.FALSE_ALARM, Outcome.TEST, Outcome.UNFOUNDED

ACTS: Final = (
    *_acts(
        f"{NORTH}/smoke-3", "smoke.alarm", accept=(40, "li"), dispatch=(70, "crew1", "south"), arrive=(160, "crew1"),
        verify=(200, "crew1", TRUE), resolve=(1500, "crew1", TRUE), rate=(1800, "manager", 5),
    ),
    *_acts(
        f"{NORTH}/smoke-1", "smoke.alarm", accept=(75, "li"), dispatch=(100, "crew2", "south"), arrive=(290, "crew2"),
        resolve=(2400, "crew2", TRUE), rate=(2600, "manager", 3),
    ),
    *_acts(f"{NORTH}/smoke-2", "smoke.alarm", accept=(80, "li"), resolve=(2410, "crew2", TRUE)),
    *_acts(
        f"{NORTH}/smoke-1", "smoke.confirmed", accept=(70, "crew1"), arrive=(265, "crew1"),
        resolve=(2420, "crew1", TRUE),
    ),
    *_acts(f"{NORTH}/gas-1", "gas.pre-alarm", "gas.rising", resolve=(1600, "li", FALSE)),
    *_acts(f"{NORTH}/gas-1", "gas.high", accept=(400, "li"), arrive=(700, "li"), resolve=(1500, "li", FALSE)),
    *_acts(f"{NORTH}/hydrant-1", "hydrant.pressure-critical", "hydrant.pressure-low", accept=(600, "li")),
    *_acts(
        f"{NORTH}/co-1", "co.high", "co.dose", refuse=(5, "li"), accept=(20, "crew2"), dispatch=(30, "crew2", "south"),
        arrive=(150, "crew2"), resolve=(3000, "crew2", TRUE), rate=(3100, "manager", 4),
    ),
    *_acts(f"{NORTH}/watch-2", "watch.sos", accept=(50, "li"), arrive=(300, "li"), resolve=(900, "li", TRUE)),
    *_acts(
        f"{NORTH}/smoke-12", "smoke.alarm", refuse=(20, "li"), accept=(60.5, "crew1"), dispatch=(65, "crew1", "south"),
        arrive=(170, "crew1"), resolve=(600, "crew1", NOTHING),
    ),
    *_acts(
        f"{NORTH}/watch-3", "watch.heart-rate-high", "watch.heart-rate-very-high", accept=(55, "li"),
        arrive=(400, "li"), resolve=(5000, "li", TRUE),
    ),
    *_acts(
        f"{EAST}/smoke-2", "smoke.alarm", accept=(60, "sun"), dispatch=(65, "crew3", "north"), arrive=(180, "sun"),
        resolve=(500, "sun", FALSE),
    ),
    *_acts(f"{NORTH}/tilt-1", "tilt.moved.x", accept=(300, "li")),
    *_acts(
        f"{EAST}/gas-1", "gas.urgent", "gas.high", "gas.pre-alarm", "gas.rising", accept=(45, "sun"),
        dispatch=(60, "crew3", "north"), arrive=(200, "crew3"), resolve=(2000, "crew3", TRUE),
    ),
    *_acts("vigil/service", "service.delivery-failed", accept=(500, "manager"), resolve=(600, "manager", TRUE)),
    *_acts(f"{NORTH}/tank-1", "tank.level-critical", accept=(300, "li")),
    *_acts(f"{NORTH}/watch-1", "watch.heart-rate-very-high", accept=(65, "son")),
    *_acts(
        f"{NORTH}/smoke-5", "smoke.alarm", accept=(33, "li"), arrive=(99, "crew1"), resolve=(400, "manager", FALSE),
        rate=(500, "manager", 1),
    ),
    *_acts(f"{NORTH}/gas-3", "gas.urgent", "gas.high", "gas.pre-alarm", accept=(30, "li"), arrive=(500, "li")),
    *_acts(f"{NORTH}/smoke-11", "smoke.alarm", accept=(10, "li"), arrive=(30, "li"), resolve=(50, "li", TEST)),
    *_acts(f"{NORTH}/smoke-7", "smoke.fault", dispatch=(600, "li", "south")),
    *_acts(f"{NORTH}/gateway-2", "gateway.no-data", dispatch=(600, "li", "south")),
    *_acts(f"{NORTH}/gateway-3", "gateway.offline", resolve=(300, "zhou", TRUE)),
    *_acts(f"{NORTH}/smoke-13", "smoke.no-data", accept=(3000, "li")),
    *_acts("yongji/smoke-1", "smoke.no-data", "smoke.no-data-long", resolve=(900, "manager", TRUE)),
    *_acts("yongji/tank-1", "tank.no-data", resolve=(900, "manager", TRUE)),
)  # fmt: skip
