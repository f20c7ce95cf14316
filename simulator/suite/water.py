"""Incidents of hydrants and fire-water tanks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices import Kind
from simulator.courses import HYDRANT_FULL_MPA, TANK_FULL_PCT
from simulator.deviation import Curve, Saying
from simulator.moments import DAY_S, HOUR_S
from simulator.suite.casting import MINUTE_S, Scene, flat, scene

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simulator.suite.casting import Casting, Course, Script, Window

__all__ = ["WATER"]

WATCHING_S = 60.0
"""How often a gauge samples while something happens."""
BURST_M = 300.0


def _pressure(course: Course) -> dict[str, Course]:
    """Return a hydrant's pressure, and the loop current that goes with it."""
    return {"pressure_mpa": course, "loop_ma": tuple((s, 4.0 + 16.0 * mpa / HYDRANT_FULL_MPA) for s, mpa in course)}


def _level(course: Course) -> dict[str, Course]:
    """Return a tank's level, and the loop current that goes with it."""
    return {"level_pct": course, "loop_ma": tuple((s, 4.0 + 16.0 * pct / TANK_FULL_PCT) for s, pct in course)}


def _run_over(cast: Casting, window: Window) -> Scene:
    lasts = 3 * HOUR_S
    sayings = Saying(0, {"tilt": 1.0}), Saying(lasts + 1, {"tilt": 0.0})
    return scene(window.at(0, 11.4), lasts, cast.one(Kind.HYDRANT), sayings=sayings)


def _knocked(cast: Casting, window: Window) -> Scene:
    sayings = [Saying(at_s, {"knock": 1.0}) for at_s in (0.0, 55.0, 120.0, 170.0, 235.0)]
    return scene(window.at(0, 3.7), 10 * MINUTE_S, cast.one(Kind.HYDRANT), sayings=sayings)


def _pressure_low(cast: Casting, window: Window) -> Scene:
    return scene(window.at(0, 13.2), 2 * HOUR_S, cast.one(Kind.HYDRANT), _pressure(flat(0.12)))


def _pressure_gone(cast: Casting, window: Window) -> Scene:
    return scene(window.at(0, 16.8), HOUR_S, cast.one(Kind.HYDRANT), _pressure(flat(0.05)), every_s=WATCHING_S)


def _gone_unseen(cast: Casting, window: Window) -> Scene:
    return scene(window.at(0, 3.3), 2 * HOUR_S, cast.daily_uploader(), _pressure(flat(0.05)))


def _pressure_high(cast: Casting, window: Window) -> Scene:
    return scene(window.at(0, 1.2), HOUR_S, cast.one(Kind.HYDRANT), _pressure(flat(1.2)), every_s=WATCHING_S)


def _lost(mpa: float, over_s: float, lasts_s: float) -> dict[str, Curve]:
    """Return what a hydrant that loses `mpa` within `over_s` says."""
    course = ((0.0, 0.0), (over_s, -mpa), (lasts_s, -mpa))
    loop = tuple((s, 16.0 * value / HYDRANT_FULL_MPA) for s, value in course)
    return {"pressure_mpa": Curve(course, added=True), "loop_ma": Curve(loop, added=True)}


def _pressure_falling(cast: Casting, window: Window) -> Scene:
    curves = _lost(0.10, 4 * MINUTE_S, HOUR_S)
    return scene(window.at(0, 2.4), HOUR_S, cast.one(Kind.HYDRANT), curves, every_s=WATCHING_S)


def _main_burst(cast: Casting, window: Window) -> Scene:
    curves = _lost(0.10, 4 * MINUTE_S, HOUR_S)
    return scene(window.at(0, 23.1), HOUR_S, cast.street(4, BURST_M), curves, every_s=WATCHING_S)


def _pressure_unusual(cast: Casting, window: Window) -> Scene:
    curves = _lost(0.08, 2 * HOUR_S, 12 * HOUR_S)
    return scene(window.at(0, 23.5), 12 * HOUR_S, cast.one(Kind.HYDRANT), curves)


def _gauge_stuck(cast: Casting, window: Window) -> Scene:
    return scene(window.at(-6), 9 * DAY_S, cast.one(Kind.HYDRANT), _pressure(flat(0.312)))


def _loop_broken(cast: Casting, window: Window) -> Scene:
    curves = {"pressure_mpa": flat(0.0), "loop_ma": flat(0.0)}
    return scene(window.at(0, 8.7), 2 * HOUR_S, cast.one(Kind.HYDRANT), curves, every_s=WATCHING_S)


def _pressure_error(cast: Casting, window: Window) -> Scene:
    curves = {"pressure_mpa": flat(65.535)}
    return scene(window.at(0, 9.9), HOUR_S, cast.one(Kind.HYDRANT), curves, every_s=WATCHING_S)


def _tank(level: float, hour: float) -> Script:
    def script(cast: Casting, window: Window) -> Scene:
        return scene(window.at(0, hour), 2 * HOUR_S, cast.one(Kind.TANK), _level(flat(level)))

    return script


def _leaking(cast: Casting, window: Window) -> Scene:
    course = ((0.0, 100.4), (56 * MINUTE_S, 92.0), (2 * HOUR_S, 92.0))
    return scene(window.at(0, 12.3), 2 * HOUR_S, cast.one(Kind.TANK), _level(course))


def _empty_soon(cast: Casting, window: Window) -> Scene:
    course = ((0.0, 100.4), (8.3 * HOUR_S, 1.0))
    return scene(window.at(1, 22.0), 8.3 * HOUR_S, cast.one(Kind.TANK), _level(course))


def _tank_stuck(cast: Casting, window: Window) -> Scene:
    return scene(window.at(-7), 10 * DAY_S, cast.one(Kind.TANK), _level(flat(98.7)))


def _tank_error(cast: Casting, window: Window) -> Scene:
    return scene(window.at(0, 17.2), 2 * HOUR_S, cast.one(Kind.TANK), {"level_pct": flat(6553.5)})


WATER: Mapping[str, Script] = {
    "hydrant run over": _run_over,
    "hydrant hit again and again": _knocked,
    "pressure low": _pressure_low,
    "pressure gone": _pressure_gone,
    "pressure gone, told a day later": _gone_unseen,
    "pressure high": _pressure_high,
    "pressure falling": _pressure_falling,
    "main burst": _main_burst,
    "pressure unusual": _pressure_unusual,
    "gauge stuck": _gauge_stuck,
    "loop broken": _loop_broken,
    "pressure error code": _pressure_error,
    "tank low": _tank(85.0, 7.2),
    "tank half empty": _tank(45.0, 19.2),
    "tank overflowing": _tank(114.0, 10.9),
    "tank leaking": _leaking,
    "tank empty soon": _empty_soon,
    "tank gauge stuck": _tank_stuck,
    "tank gauge error": _tank_error,
}
