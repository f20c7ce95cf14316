"""The town of the boards' tests: its devices, and what happens in the three days before its end.

Two sites whose devices have the same names, so that nothing finds a device by its name alone, and a third one of which
nothing was ever heard. Times are hours before the end, which is the minute in which the test runs: boards ask what is
true now. Signals are calm; all that is out of the ordinary is in `deviations`, `downs` and
`INJECTED`. What people do about it: `tests.boards.people`.
"""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import replace as changed
from typing import Final

from devices import Device, Flag, Kind, Lifecycle, Reason
from simulator.deviation import Curve, Deviation, Saying
from simulator.fleet import Fleet
from simulator.journey import GatewayDown
from storage.journal import Gap, GapReason, Lane

__all__ = [
    "DAYS",
    "DORMANT",
    "DRILLS",
    "EAST",
    "FLEET",
    "INJECTED",
    "LOST",
    "NORTH",
    "RETIRED",
    "STRANGERS",
    "UNREAD",
    "Injected",
    "deviations",
    "downs",
]

DAYS: Final = 3
HOUR_US: Final = 3_600_000_000

NORTH, EAST = "shuibei", "cuizhu"


# ── devices ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _device(site: str, name: str, grid: str, building: str = "", floor: str = "", unit: str = "") -> Device:
    kind = Kind(name.rpartition("-")[0])
    number = int(name.rpartition("-")[2])
    latitude, longitude = (22.5735, 114.1235) if site == NORTH else (22.6035, 114.1435)
    return Device(
        site,
        name,
        kind,
        kind.value,
        grid,
        building,
        floor,
        unit,
        round(latitude + number * 1e-4, 6),
        round(longitude + len(name) * 1e-4, 6),
        lifecycle=Lifecycle.VERIFIED,
    )


def _homes(site: str, grid: str, building: str, gateway: str, homes: dict[str, str]) -> list[Device]:
    """Return devices by name → unit, whose floor is what the unit's number begins with."""
    return [
        changed(
            _device(site, name, grid, building, unit[:-2], unit),
            gateway=gateway if name.startswith("smoke") else "",
        )
        for name, unit in homes.items()
    ]


FLEET: Final = Fleet(
    NORTH,
    (
        _device(NORTH, "gateway-1", "01", "1", "", "roof"),
        _device(NORTH, "gateway-2", "02", "5", "", "roof"),
        _device(NORTH, "gateway-3", "03", "9", "", "roof"),
        *_homes(NORTH, "01", "1", "gateway-1", {
            "smoke-1": "101", "smoke-2": "101", "smoke-3": "201", "smoke-4": "202", "smoke-5": "301", "smoke-6": "302",
            "smoke-7": "401", "smoke-8": "501", "gas-1": "301", "gas-2": "302", "co-1": "401", "watch-1": "201",
            "watch-2": "502",
        }),
        *_homes(NORTH, "02", "5", "gateway-2", {
            "smoke-11": "101", "smoke-12": "102", "smoke-13": "201", "gas-3": "101", "watch-3": "202",
        }),
        *_homes(NORTH, "03", "9", "gateway-3", {
            "smoke-21": "101", "smoke-22": "201", "smoke-23": "301", "gas-4": "101", "co-2": "201", "watch-4": "301",
        }),
        _device(NORTH, "hydrant-1", "01"),
        _device(NORTH, "hydrant-2", "02"),
        _device(NORTH, "hydrant-3", "03"),
        _device(NORTH, "tank-1", "01", "1", "", "roof tank"),
        _device(NORTH, "tank-2", "02", "5", "", "roof tank"),
        _device(NORTH, "tilt-1", "01", "1", "", "outer wall"),
        _device(NORTH, "tilt-2", "03", "9", "", "outer wall"),
        *_homes(EAST, "A", "1", "", {
            "smoke-1": "101", "smoke-2": "102", "smoke-3": "201", "gas-1": "101", "gas-2": "102", "watch-1": "101",
        }),
        changed(_device(EAST, "smoke-4", "A", "1", "2", "202"), lifecycle=Lifecycle.MAINTENANCE),
        _device(EAST, "hydrant-1", "A"),
        _device(EAST, "tank-1", "A", "1", "", "roof tank"),
        _device(EAST, "tilt-1", "A", "1", "", "outer wall"),
    ),
)  # fmt: skip
"""All that are simulated. It is one fleet of two sites: only the gateways' names must be unique."""
DORMANT: Final = (_device("yongji", "smoke-1", "X", "1", "1", "101"), _device("yongji", "tank-1", "X", "1"))
"""A site of which nothing was ever heard."""
RETIRED: Final = changed(_device(NORTH, "smoke-99", "01", "1", "6", "601"), lifecycle=Lifecycle.RETIRED)
STRANGERS: Final = tuple(
    Device(NORTH, name, Kind.UNKNOWN, "unknown", lifecycle=Lifecycle.UNREGISTERED)
    for name in ("stranger-1", "stranger-2")
)


def _row(key: str) -> int:
    return next(row for row, device in enumerate(FLEET.devices) if device.key == key)


# ── what happens ─────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Injected:
    """Readings that no signal makes. hours: before the end; value: None where the device gave none."""

    hours: float
    device: str
    metric: str
    value: float | None
    flags: int = 0


INJECTED: Final = (
    Injected(1.5, STRANGERS[0].key, "alarm", 1.0, Flag.UNREGISTERED | Flag.ALARM_LANE),
    Injected(2.7, STRANGERS[1].key, "mystery", 4.0, Flag.UNREGISTERED),
    Injected(50.0, RETIRED.key, "battery_pct", 77.0),
    Injected(7.0, f"{NORTH}/gas-4", "gas_lel", None),
    Injected(6.5, f"{NORTH}/hydrant-3", "tamper", None),
    Injected(4.4, f"{NORTH}/smoke-6", "battery_pct", 61.0, Flag.TIME_FILLED),
    *(
        Injected(hours, f"{NORTH}/hydrant-3", "temperature_c", 20 + hours, Flag.TIME_CLAMPED)
        for hours in (9.1, 5.2, 0.2)
    ),
    Injected(1.4, f"{NORTH}/gateway-3", "online", 0.0, Flag.OFFLINE),
    Injected(0.15, f"{NORTH}/hydrant-3", "fault", 0.0, Flag.TIME_CLAMPED),
    Injected(0.4, f"{NORTH}/smoke-6", "muted", 0.0, Flag.TIME_FILLED),
    Injected(8.0, f"{NORTH}/smoke-3", "density_pct", 0.4),
    Injected(2.0, f"{NORTH}/smoke-3", "density_pct", 0.9),
    Injected(8.5, f"{NORTH}/tank-1", "level_m", 2.31),
    Injected(0.3, f"{NORTH}/watch-1", "systolic_mmhg", 131.0),
    Injected(0.3, f"{NORTH}/watch-1", "diastolic_mmhg", 84.0),
    Injected(40.0, f"{NORTH}/watch-3", "systolic_mmhg", 128.0),
    Injected(6.0, f"{NORTH}/tilt-1", "tilt_z_deg", 89.4),
    Injected(3.1, f"{EAST}/gas-2", "temp_board_c", 31.5),  # a metric that no profile names
    Injected(13.0, "vigil/service", "delivery_failed", 1.0, Flag.ALARM_LANE),
)


def _flagged(metric: str, lasts_h: float) -> tuple[Saying, Saying]:
    return Saying(0, {metric: 1.0}), Saying(lasts_h * 3600 + 1, {metric: 0.0})


def _flat(**values: float) -> dict[str, Curve]:
    return {metric: Curve(((0.0, value),)) for metric, value in values.items()}


ON_THE_WRIST: Final = {"worn": 1.0, "spo2_pct": 97.0, "body_temp_c": 36.5}


def deviations(end_us: int) -> tuple[Deviation, ...]:
    """Return what devices do otherwise than they would."""

    def deviation(
        key: str,
        hours: float,
        lasts_h: float,
        curves: dict[str, Curve] | None = None,
        *,
        every_s: float | None = None,
        silent: bool = False,
        sayings: tuple[Saying, ...] = (),
    ) -> Deviation:
        begins_us = end_us - round(hours * HOUR_US)
        ends_us = begins_us + round(lasts_h * HOUR_US)
        return Deviation(_row(key), begins_us, ends_us, curves or {}, every_s, silent, sayings)

    def fire(key: str, hours: float, lasts_h: float) -> Deviation:
        return deviation(key, hours, lasts_h, _flat(smoke=1.0), sayings=_flagged("smoke", lasts_h))

    gas_12 = Curve(((0.0, 0.5), (45.0, 5.5), (100.0, 12.0), (600.0, 12.0), (900.0, 0.5)))
    gas_30 = Curve(((0.0, 0.5), (50.0, 30.0), (400.0, 31.0), (600.0, 0.5)))
    held = tuple(
        Saying(at_s, {"level_pct": 100.0 + at_s / 36_000}, arrives_s=3 * 3600.0 + at_s / 100)
        for at_s in range(60, 3600, 600)
    )
    unheard = tuple(Saying(at_s, {"gas_lel": 30.0}, arrives_s=7200.0 + at_s / 60) for at_s in range(30, 600, 30))
    return (
        fire(f"{NORTH}/smoke-3", 69, 0.3),
        fire(f"{NORTH}/smoke-1", 58, 0.3),
        fire(f"{NORTH}/smoke-2", 58 - 25 / 3600, 0.3),
        deviation(f"{NORTH}/gas-1", 49, 0.25, {"gas_lel": gas_12}, every_s=10.0),
        deviation(f"{NORTH}/hydrant-1", 44, 1.0, _flat(pressure_mpa=0.05, loop_ma=4.5), every_s=60.0),
        deviation(f"{NORTH}/smoke-13", 41, 100, silent=True),
        deviation(f"{NORTH}/co-1", 33, 0.25, _flat(co_ppm=320.0), every_s=10.0),
        deviation(f"{NORTH}/watch-2", 30, 0.2, sayings=(Saying(0, {"sos": 1.0}),)),
        fire(f"{NORTH}/smoke-12", 26, 0.2),
        deviation(f"{NORTH}/smoke-21", 20, 100, _flat(fault=1.0), sayings=(Saying(0, {"fault": 1.0}),)),
        deviation(f"{NORTH}/watch-3", 19, 1.0, _flat(heart_rate=142.0, **ON_THE_WRIST), every_s=120.0),
        fire(f"{EAST}/smoke-2", 15, 0.2),
        deviation(f"{NORTH}/tilt-1", 12, 100, {"tilt_x_deg": Curve(((0.0, 1.3),), added=True)}, every_s=600.0),
        deviation(f"{EAST}/gas-1", 9, 1 / 6, {"gas_lel": gas_30}, every_s=10.0),
        deviation(f"{NORTH}/tank-2", 6, 1.0, silent=True, sayings=held),
        deviation(f"{NORTH}/tank-1", 3, 100, _flat(level_pct=45.0, loop_ma=8.8)),
        deviation(f"{NORTH}/gas-2", 2, 100, silent=True),
        deviation(f"{EAST}/tank-1", 1, 100, _flat(level_pct=85.0, loop_ma=13.07)),
        deviation(f"{NORTH}/watch-1", 0.7, 100, _flat(heart_rate=142.0, **ON_THE_WRIST), every_s=120.0),
        fire(f"{NORTH}/smoke-8", 0.35, 100),
        deviation(f"{NORTH}/gas-3", 31, 2, silent=True, sayings=unheard),
        fire(f"{NORTH}/smoke-11", 8.5, 0.1),
        deviation(f"{NORTH}/smoke-7", 18, 1, sayings=_flagged("fault", 1)),
        deviation(f"{NORTH}/smoke-4", 100, 200, _flat(battery_pct=20.0)),
        deviation(f"{EAST}/smoke-3", 100, 200, _flat(battery_pct=10.0)),
        deviation(f"{NORTH}/gas-1", 100, 200, _flat(life_left_d=90.0)),
        deviation(f"{NORTH}/gas-3", 100, 200, _flat(life_left_d=160.0)),
        deviation(f"{EAST}/gas-2", 100, 200, _flat(life_left_d=180.0)),
        deviation(
            f"{NORTH}/hydrant-2", 100, 200, {"battery_pct": Curve(((0, 30.0), (230_400, 30.0), (230_401, 95.0)))}
        ),
        deviation(f"{NORTH}/smoke-22", 100, 200, _flat(battery_pct=15.0)),
        deviation(f"{NORTH}/smoke-23", 100, 200, _flat(battery_pct=8.0)),
    )


def downs(end_us: int) -> tuple[GatewayDown, ...]:
    """Return when gateways forward nothing."""
    begins_us, still_us = end_us - 10 * HOUR_US, end_us - 90 * 60_000_000
    return (
        GatewayDown(_row(f"{NORTH}/gateway-2"), begins_us, begins_us + 2 * HOUR_US),
        GatewayDown(_row(f"{NORTH}/gateway-3"), still_us, end_us + HOUR_US),
    )


DRILLS: Final = (
    (5.0, f"{NORTH}/smoke-5", "smoke.alarm"),
    (0.8, f"{NORTH}/gateway-1", "gateway.no-data"),
    (0.75, f"{NORTH}/gas-3", "gas.fault"),
    (0.65, f"{NORTH}/co-2", "co.high"),
)
"""Hours before the end, device, rule; the last three are open at the end."""
UNREAD: Final = (
    (30.0, {Reason.TOO_LARGE: 1}),
    (3.5, {Reason.NOT_JSON: 3, Reason.BAD_TOPIC: 2}),
    (2.0, {Reason.NOT_JSON: 1}),
)
"""Hours before the end, and what could not be read."""
LOST: Final = (
    (6.2, Gap(GapReason.SHED, Lane.TELEMETRY, 5, 9, 0, 0, 5, 321)),
    (0.5, Gap(GapReason.CORRUPT, Lane.CONTROL, 20, 20, 0, 0, 1, 0)),
)
"""Hours before the end, and what a journal lost."""
