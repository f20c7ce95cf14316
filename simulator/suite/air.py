"""Incidents of smoke, gas and carbon monoxide."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices import Kind
from simulator.deviation import Curve, Deviation, Saying
from simulator.moments import DAY_S, HOUR_S
from simulator.suite.casting import MINUTE_S, Scene, flat, scene

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simulator.suite.casting import Casting, Script, Window

__all__ = ["AIR"]

WATCHING_S = 10.0
"""How often a detector reports while something happens."""


def _raised(metric: str, at_s: float, lasts_s: float) -> tuple[Saying, Saying]:
    """Return a flag that is raised, and taken back when all is over."""
    return Saying(at_s, {metric: 1.0}), Saying(lasts_s + 1, {metric: 0.0})


def _stairwell_fire(cast: Casting, window: Window) -> Scene:
    lasts = 20 * MINUTE_S
    up = flat(1.0)
    return scene(window.at(0, 2.1), lasts, cast.one(Kind.SMOKE), {"smoke": up}, sayings=_raised("smoke", 0, lasts))


def _kitchen_fire(cast: Casting, window: Window) -> Scene:
    begins, lasts = window.at(0, 18.4), 15 * MINUTE_S
    rows = cast.home(Kind.SMOKE, Kind.SMOKE)
    deviations = [
        Deviation(
            row,
            begins,
            begins + round(lasts * 1e6),
            {"smoke": Curve(((after, 0.0), (after, 1.0))), "density_db_m": Curve(((0, 0.0), (after + 60, 0.8)))},
            sayings=_raised("smoke", after, lasts),
        )
        for row, after in zip(rows, (0.0, 25.0), strict=True)
    ]
    return Scene(rows, begins, begins + round(lasts * 1e6), tuple(deviations))


def _smoke_while_testing(cast: Casting, window: Window) -> Scene:
    lasts = 10 * MINUTE_S
    both = Saying(0, {"test": 1.0, "smoke": 1.0}), Saying(lasts + 1, {"test": 0.0, "smoke": 0.0})
    return scene(window.at(0, 10.2), lasts, cast.one(Kind.SMOKE), {"smoke": flat(1.0)}, sayings=both)


def _in_test(cast: Casting, window: Window) -> Scene:
    lasts = 5 * MINUTE_S
    return scene(window.at(0, 10.6), lasts, cast.one(Kind.SMOKE), sayings=_raised("test", 0, lasts))


def _removed(cast: Casting, window: Window) -> Scene:
    lasts = 2 * HOUR_S
    return scene(window.at(0, 14.3), lasts, cast.one(Kind.SMOKE), sayings=_raised("tamper", 0, lasts))


def _gas_while_preheating(cast: Casting, window: Window) -> Scene:
    lasts = 6 * MINUTE_S
    curves = {"preheating": flat(1.0), "gas": flat(1.0)}
    return scene(window.at(0, 9.3), lasts, cast.one(Kind.GAS), curves, sayings=_raised("gas", 0, lasts))


def _gas_12(cast: Casting, window: Window) -> Scene:
    course = ((0.0, 0.5), (45.0, 5.5), (100.0, 12.0), (600.0, 12.0), (900.0, 0.5))
    return scene(window.at(0, 15.1), 900.0, cast.one(Kind.GAS), {"gas_lel": course}, every_s=WATCHING_S)


def _gas_30(cast: Casting, window: Window) -> Scene:
    course = ((0.0, 0.5), (50.0, 30.0), (400.0, 31.0), (600.0, 0.5))
    return scene(window.at(0, 15.6), 600.0, cast.one(Kind.GAS), {"gas_lel": course}, every_s=WATCHING_S)


def _gas_rising(cast: Casting, window: Window) -> Scene:
    course = ((0.0, 0.2), (85.0, 4.5), (300.0, 4.6), (600.0, 0.4))
    return scene(window.at(0, 3.2), 600.0, cast.one(Kind.GAS), {"gas_lel": course}, every_s=WATCHING_S)


def _smoke_and_gas(cast: Casting, window: Window) -> Scene:
    begins, lasts = window.at(0, 21.3), 15 * MINUTE_S
    smoke, gas = cast.home(Kind.SMOKE, Kind.GAS)
    ends = begins + round(lasts * 1e6)
    course = Curve(((0.0, 0.5), (40.0, 6.5), (lasts, 6.5)))
    return Scene(
        (smoke, gas),
        begins,
        ends,
        (
            Deviation(smoke, begins, ends, {"smoke": Curve(flat(1.0))}, sayings=_raised("smoke", 0, lasts)),
            Deviation(gas, begins, ends, {"gas_lel": course}, every_s=WATCHING_S),
        ),
    )


def _gas_unusual(cast: Casting, window: Window) -> Scene:
    course = ((0.0, 1.5), (20 * MINUTE_S, 4.4), (2 * HOUR_S, 4.4))
    return scene(window.at(1, 20.5), 2 * HOUR_S, cast.one(Kind.GAS), {"gas_lel": course})


def _co_alarm(cast: Casting, window: Window) -> Scene:
    lasts = 10 * MINUTE_S
    return scene(window.at(0, 5.3), lasts, cast.one(Kind.CO), {"co": flat(1.0)}, sayings=_raised("co", 0, lasts))


def _co(ppm: float, hour: float, lasts_s: float) -> Script:
    def script(cast: Casting, window: Window) -> Scene:
        return scene(window.at(0, hour), lasts_s, cast.one(Kind.CO), {"co_ppm": flat(ppm)}, every_s=WATCHING_S)

    return script


def _co_now_and_then(cast: Casting, window: Window) -> Scene:
    course: list[tuple[float, float]] = []
    for start in range(0, 3600, 1200):
        course += [(start, 130.0), (start + 720, 130.0), (start + 730, 34.0), (start + 1190, 34.0)]
    return scene(window.at(0, 6.2), 3600.0, cast.one(Kind.CO), {"co_ppm": tuple(course)}, every_s=WATCHING_S)


def _contaminated(cast: Casting, window: Window) -> Scene:
    """Let the resting value creep up by 0.004 dB/m a day, from nothing to 0.08 dB/m."""
    course = Curve(((0.0, 0.0), (20 * DAY_S, 0.08), (30 * DAY_S, 0.08)), added=True)
    return scene(window.at(-10), 13 * DAY_S, cast.one(Kind.SMOKE), {"density_db_m": course})


AIR: Mapping[str, Script] = {
    "fire in a stairwell": _stairwell_fire,
    "kitchen fire": _kitchen_fire,
    "smoke while testing": _smoke_while_testing,
    "detector in test": _in_test,
    "detector removed": _removed,
    "gas alarm while preheating": _gas_while_preheating,
    "gas at 12 %LEL": _gas_12,
    "gas at 30 %LEL": _gas_30,
    "gas rising": _gas_rising,
    "smoke and gas in one home": _smoke_and_gas,
    "gas unusual": _gas_unusual,
    "CO alarm": _co_alarm,
    "CO at 320 ppm": _co(320.0, 4.1, 15 * MINUTE_S),
    "CO at 120 ppm": _co(120.0, 4.4, 40 * MINUTE_S),
    "CO at 55 ppm": _co(55.0, 20.2, 1.5 * HOUR_S),
    "CO now and then": _co_now_and_then,
    "smoke detector contaminated": _contaminated,
}
