"""Everyday life: what makes false alarms in a community where nothing is wrong, on top of the calm courses.

Figures are design: what a detector in such a place meets, not what a standard says. Each is one `Occasion`, so that the
log can name it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from devices import Kind
from simulator.courses import HYDRANT_FULL_MPA, TANK_FULL_PCT, loop_ma, steps, tilt_columns
from simulator.disturbance import DisturbanceKind
from simulator.moments import DAY_S, HOUR_S, Moments
from simulator.occasion import Happening, Occasion

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    Column = NDArray[np.float64]

__all__ = ["EVERYDAY", "OCCASIONS", "momentary", "standing"]

SMOKE_ALARM_DB_M = 0.12
"""Where a detector alarms by itself (EN 14604 asks for 0.05 to 0.2 dB/m or so, by make)."""
GAS_ALARM_LEL = 10.0
CO_ALARM_PPM = 300.0
HAMMER_CHANCE = 1e-4
"""Of a sample that falls into a water hammer."""
LOOSE_CHANCE = 0.004
"""Of a sample without skin contact."""
FRONT_S = 2 * DAY_S

MINUTE_S = 60.0

STEAM = Occasion(
    "steam", DisturbanceKind.STEAM, chance=0.002, hours=(6, 23), lasts_s=(2 * MINUTE_S, 15 * MINUTE_S),
    size=(0.02, 0.05, 0.2), reports=(0.0, 0.2, 0.6, 1.0),
)  # fmt: skip
MEALS = tuple(
    Occasion(
        f"meal {number}", DisturbanceKind.COOKING, chance=0.8, hours=hours, lasts_s=(15 * MINUTE_S, 50 * MINUTE_S),
        size=(0.4, 0.4, 6.0),
    )
    for number, hours in enumerate(((6.0, 8.0), (11.0, 12.5), (17.0, 19.5)))
)  # fmt: skip
CLEANING = Occasion(
    "cleaning", DisturbanceKind.CLEANING, chance=0.004, hours=(9, 18), lasts_s=(4 * MINUTE_S, 15 * MINUTE_S),
    size=(2.5, 3.0, 14.0),
)  # fmt: skip
PREHEATING = Occasion(
    "preheating", DisturbanceKind.PREHEATING, chance=0.003, hours=(0, 24), lasts_s=(3 * MINUTE_S, 3 * MINUTE_S),
    size=(2.0, 2.0, 12.0),
)  # fmt: skip
CO_SUPPER = Occasion(
    "co supper", DisturbanceKind.COOKING, chance=0.6, hours=(17, 19.5), lasts_s=(15 * MINUTE_S, 50 * MINUTE_S),
    size=(4.0, 4.0, 40.0),
)  # fmt: skip
BARBECUE = Occasion(
    "barbecue", DisturbanceKind.BARBECUE, chance=0.01, hours=(17, 21), lasts_s=(20 * MINUTE_S, 70 * MINUTE_S),
    size=(15.0, 20.0, 90.0),
)  # fmt: skip
WATER_DRAWN = Occasion(
    "draw", DisturbanceKind.WATER_DRAWN, chance=0.02, hours=(5, 16), lasts_s=(5 * MINUTE_S, 25 * MINUTE_S),
    size=(0.03, 0.02, 0.12), reports=(0.02, 1.0),
)  # fmt: skip
PUMP_TEST = Occasion(
    "pump", DisturbanceKind.PUMP_TEST, chance=1 / 30, hours=(9, 16), lasts_s=(1.5 * HOUR_S, 2.5 * HOUR_S),
    size=(1.5, 1.0, 8.0),
)  # fmt: skip
NIGHT_OFF = Occasion(
    "night", DisturbanceKind.NIGHT_OFF, chance=0.9, hours=(21, 23.5), lasts_s=(7 * HOUR_S, 9 * HOUR_S), share=0.4,
    reports=(0.0, 1.0),
)  # fmt: skip
SHOWER = Occasion(
    "shower", DisturbanceKind.SHOWER, chance=0.5, hours=(18, 21), lasts_s=(15 * MINUTE_S, 50 * MINUTE_S),
    reports=(0.0, 1.0),
)  # fmt: skip
LEFT_AT_HOME = Occasion(
    "left", DisturbanceKind.LEFT_AT_HOME, chance=0.01, hours=(8, 10), lasts_s=(6 * HOUR_S, 10 * HOUR_S),
    reports=(0.0, 1.0),
)  # fmt: skip
LAZY_DAY = Occasion("lazy", DisturbanceKind.LAZY_DAY, chance=0.03, hours=(6, 7), lasts_s=(8 * HOUR_S, 14 * HOUR_S))
EXERCISE = Occasion(
    "exercise", DisturbanceKind.EXERCISE, chance=0.15, hours=(7, 18), lasts_s=(15 * MINUTE_S, 40 * MINUTE_S),
    size=(25.0, 8.0, 60.0),
)  # fmt: skip

OCCASIONS: Mapping[Kind, tuple[Occasion, ...]] = {
    Kind.SMOKE: (STEAM,),
    Kind.GAS: (*MEALS, CLEANING, PREHEATING),
    Kind.CO: (CO_SUPPER, BARBECUE),
    Kind.HYDRANT: (WATER_DRAWN,),
    Kind.TANK: (PUMP_TEST,),
    Kind.WATCH: (NIGHT_OFF, SHOWER, LEFT_AT_HOME, LAZY_DAY, EXERCISE),
}
"""What may happen on a day to a device of each kind."""

STILL_SHARE, SHARED_SHARE = 0.07, 0.3
"""Of the tanks: nobody draws from them; the homes do as well …"""
SHARED_PCT, FILLS_AT = 4.0, 0.95
"""… by so much in 8 h, of which the last twentieth fills them again."""


def _water_use(noise_share: Column) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which tanks nobody draws from, and which the homes draw from too; `noise_share` (m,) is "water use"."""
    return noise_share < STILL_SHARE, noise_share > 1.0 - SHARED_SHARE


def _standing_tank(share: float) -> DisturbanceKind | None:
    still, shared = _water_use(np.array([share]))
    return DisturbanceKind.STILL_TANK if still[0] else DisturbanceKind.SHARED_TANK if shared[0] else None


# ── the kinds ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _rise(level: Column, happening: Happening, crest: float) -> None:
    level[happening.places] += happening.triangle(crest)


def _smoke(at: Moments, calm: dict[str, Column]) -> None:
    density = calm["density_db_m"]
    _rise(density, STEAM.at(at), crest=0.2)
    calm["smoke"] = (density >= SMOKE_ALARM_DB_M).astype(np.float64)


def _gas(at: Moments, calm: dict[str, Column]) -> None:
    level = calm["gas_lel"]
    for meal in MEALS:
        _rise(level, meal.at(at), crest=0.25)
    _rise(level, CLEANING.at(at), crest=0.2)
    calm["gas"] = (level >= GAS_ALARM_LEL).astype(np.float64)  # not while preheating
    preheating = PREHEATING.at(at)
    level[preheating.places] += preheating.size * (1.0 - preheating.since_s / preheating.lasts_s)
    calm["preheating"][preheating.places] = 1.0


def _co(at: Moments, calm: dict[str, Column]) -> None:
    level = calm["co_ppm"]
    _rise(level, CO_SUPPER.at(at), crest=0.5)
    _rise(level, BARBECUE.at(at), crest=0.3)
    calm["co"] = (level >= CO_ALARM_PPM).astype(np.float64)


def _hydrant(at: Moments, calm: dict[str, Column]) -> None:
    pressure = calm["pressure_mpa"]
    drawn = WATER_DRAWN.at(at)
    pressure[drawn.places] -= drawn.size
    calm["valve_open"][drawn.places] = 1.0
    hit = _hammered(at)
    hammer = Moments(at.noise, at.rows[hit], at.time_s[hit])
    swing = np.minimum(0.03 - 0.05 * np.log1p(-hammer.uniform("swing")), 0.25)
    pressure[hit] = np.maximum(pressure[hit] + swing * np.sign(hammer.uniform("sign") - 0.5), 0.0)
    calm["loop_ma"] = loop_ma(pressure, HYDRANT_FULL_MPA)


def _tank(at: Moments, calm: dict[str, Column]) -> None:
    still, shared = _water_use(at.life("water use"))
    eight_hours = (at.time_s / (8 * HOUR_S) + at.life("filled")) % 1.0
    daily = np.where(
        eight_hours < FILLS_AT, SHARED_PCT * eight_hours / FILLS_AT, SHARED_PCT * (1.0 - eight_hours) / (1.0 - FILLS_AT)
    )
    level = np.where(still, 100.04, calm["level_pct"]) - np.where(shared, daily, 0.0)
    test = PUMP_TEST.at(at)
    level[test.places] -= test.triangle(crest=0.2)
    calm["level_pct"] = level
    calm["loop_ma"] = loop_ma(level, TANK_FULL_PCT)


def _hammered(at: Moments) -> NDArray[np.intp]:
    return np.flatnonzero(at.uniform("hammer") < HAMMER_CHANCE)


def _loose(at: Moments) -> NDArray[np.intp]:
    return np.flatnonzero(at.uniform("loose") < LOOSE_CHANCE)


def _off(at: Moments) -> NDArray[np.bool_]:
    off = np.zeros(len(at), np.bool_)
    for occasion in (NIGHT_OFF, SHOWER, LEFT_AT_HOME):
        off[occasion.at(at).places] = True
    return off


def _moving(at: Moments) -> Column:
    moving = np.where(_off(at), 0.0, 1.0)
    moving[LAZY_DAY.at(at).places] *= 0.1
    return moving


def _watch(at: Moments, calm: dict[str, Column]) -> None:
    off = _off(at)
    loose = off.copy()
    loose[_loose(at)] = True
    _rise(calm["heart_rate"], EXERCISE.at(at), crest=0.3)
    calm["heart_rate"][loose] = 255.0 * np.rint(at.uniform("said")[loose])
    calm["spo2_pct"][loose] = 0.0
    calm["body_temp_c"][off] = 27.0  # of the table it lies on
    calm["worn"][off] = 0.0
    calm["steps"] = steps(at, _moving)
    charging = NIGHT_OFF.at(at)
    calm["battery_pct"][charging.places] = np.minimum(40.0 + charging.since_s / 90.0, 100.0)


def _tilt(at: Moments, calm: dict[str, Column]) -> None:
    """Sun on the wall by day, and a front every two days or so, the same for all."""
    since = at.time_s / FRONT_S
    nodes = np.floor(since).astype(np.int64)
    everywhere = np.zeros(len(at), np.int64)
    before, after = (at.noise.uniform(everywhere, "front", nodes + step) for step in (0, 1))
    front = 16.0 * (before + (after - before) * (since - nodes) - 0.5)
    sun = at.life("sun", 2.0, 9.0) * np.maximum(np.cos(2 * np.pi * (at.hour - 14.0) / 24), -0.3)
    calm.update(tilt_columns(at, 22.0 + front + sun + 0.2 * at.bell("degc")))


EVERYDAY: Mapping[Kind, Callable[[Moments, dict[str, Column]], None]] = {
    Kind.SMOKE: _smoke,
    Kind.GAS: _gas,
    Kind.CO: _co,
    Kind.HYDRANT: _hydrant,
    Kind.TANK: _tank,
    Kind.WATCH: _watch,
    Kind.TILT: _tilt,
}
"""What everyday life makes of the calm columns of each kind, in place."""


def standing(kind: Kind, at: Moments) -> tuple[DisturbanceKind | None, ...]:
    """Return what goes on all the time at each device (m,), or None."""
    if kind is Kind.TANK:
        return tuple(map(_standing_tank, at.life("water use").tolist()))
    return (DisturbanceKind.WEATHER if kind is Kind.TILT else None,) * len(at)


def momentary(kind: Kind, at: Moments) -> tuple[DisturbanceKind | None, NDArray[np.intp]]:
    """Return what hits single samples of a kind, and which of those at `at`, (k,) intp."""
    if kind is Kind.HYDRANT:
        return DisturbanceKind.WATER_HAMMER, _hammered(at)
    if kind is Kind.WATCH:
        return DisturbanceKind.LOOSE_WATCH, _loose(at)
    return None, np.zeros(0, np.intp)
