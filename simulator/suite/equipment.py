"""Incidents of walls, devices and links."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices import Kind
from simulator.deviation import Curve, Deviation, Saying
from simulator.journey import GatewayDown
from simulator.moments import DAY_S, HOUR_S
from simulator.suite.casting import Scene, scene

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simulator.suite.casting import Casting, Script, Window

__all__ = ["EQUIPMENT"]

MANY = 30
SHAKES_US = 300_000_000


def _moved(cast: Casting, window: Window) -> Scene:
    course = Curve(((0.0, 1.3),), added=True)
    return scene(window.at(0, 4.7), 12 * HOUR_S, cast.one(Kind.TILT), {"tilt_x_deg": course}, every_s=600.0)


def _moving(cast: Casting, window: Window) -> Scene:
    course = Curve(((0.0, 0.0), (15 * DAY_S, 0.3)), added=True)
    return scene(window.at(-12), 15 * DAY_S, cast.one(Kind.TILT), {"tilt_y_deg": course})


def _dead(kind: Kind, hour: float, lasts_s: float) -> Script:
    def script(cast: Casting, window: Window) -> Scene:
        return scene(window.at(0, hour), lasts_s, cast.one(kind), silent=True)

    return script


def _mains_lost(cast: Casting, window: Window) -> Scene:
    sayings = Saying(0, {"mains_lost": 1.0}), Saying(HOUR_S + 1, {"mains_lost": 0.0})
    return scene(window.at(0, 18.9), HOUR_S, cast.one(Kind.GAS), sayings=sayings)


def _life_end(cast: Casting, window: Window) -> Scene:
    curves = {"life_left_d": ((0.0, 20.0), (DAY_S, 19.0))}
    return scene(window.at(0, 0.7), DAY_S, cast.one(Kind.GAS), curves)


def _battery_ending(cast: Casting, window: Window) -> Scene:
    """Let a battery be changed, and the new one fall by 2 % a day from 80 %: 10 % are left after five weeks."""
    course = ((0.0, 32.0), (5 * DAY_S - 1, 32.0), (5 * DAY_S, 80.0), (30 * DAY_S, 30.0))
    changed = scene(window.at(-27), 30 * DAY_S, cast.one(Kind.SMOKE), {"battery_pct": course})
    return Scene(changed.rows, window.at(-22), changed.ends_us, changed.deviations)


def _gateway_dead(cast: Casting, window: Window) -> Scene:
    begins, ends = window.at(0, 6.6), window.at(1, 12.6)
    row, children = cast.gateway()
    return Scene((row, *children), begins, ends, (), (GatewayDown(row, begins, ends),))


def _repeats_old(cast: Casting, window: Window) -> Scene:
    """Let a detector die; a day and a half later its gateway sends what it said before, twice."""
    begins, ends = window.at(0, 1.0), window.at(2, 0.0)
    behind = _behind_a_gateway(cast)
    old = {"smoke": 0.0, "fault": 0.0, "density_db_m": 0.003, "battery_pct": 71.0}
    sayings = tuple(
        Saying(measured_s, old, arrives_s=arrives_s)
        for measured_s, arrives_s in ((-8 * HOUR_S, 34 * HOUR_S), (-8 * HOUR_S + 60, 34 * HOUR_S + 5))
    )
    return Scene((behind,), begins, ends, (Deviation(behind, begins, ends, silent=True, sayings=sayings),))


def _behind_shaky_gateway(cast: Casting, window: Window) -> Scene:
    begins, ends = window.at(0, 3.0), window.at(2, 0.0)
    behind = _behind_a_gateway(cast)
    name = cast.fleet.devices[behind].gateway
    gateway = next(row for row in cast.fleet.of_kind(Kind.GATEWAY) if cast.fleet.devices[row].name == name)
    starts = [window.at(0, hour) for hour in range(6, 48, 6)]
    down = tuple(GatewayDown(gateway, start, start + SHAKES_US) for start in starts)
    return Scene((behind, gateway), begins, ends, (Deviation(behind, begins, ends, silent=True),), down)


def _behind_a_gateway(cast: Casting) -> int:
    """Return a smoke detector behind a gateway of which nobody plays yet."""
    taken = {one.gateway for row, one in enumerate(cast.fleet.devices) if not cast.is_free(row)}
    behind = [
        row
        for row in cast.fleet.of_kind(Kind.SMOKE)
        if cast.fleet.devices[row].gateway and cast.fleet.devices[row].gateway not in taken
    ]
    return cast.take(behind[:1], 1)[0]


def _no_power(cast: Casting, window: Window) -> Scene:
    return scene(window.at(0, 12.9), 40 * HOUR_S, cast.building(MANY), silent=True)


EQUIPMENT: Mapping[str, Script] = {
    "wall moved": _moved,
    "wall moving slowly": _moving,
    "smoke detector dead": _dead(Kind.SMOKE, 5.8, 40 * HOUR_S),
    "gas detector dead": _dead(Kind.GAS, 22.2, 3 * HOUR_S),
    "mains lost": _mains_lost,
    "life at its end": _life_end,
    "battery ending": _battery_ending,
    "gateway dead": _gateway_dead,
    "gateway repeats what is old": _repeats_old,
    "dead behind a shaky gateway": _behind_shaky_gateway,
    "building without power": _no_power,
}
