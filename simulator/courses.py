"""Courses: what a healthy device measures when nothing out of the ordinary happens, one function a kind.

Each takes m devices and as many moments, and returns a column a metric, (m,) float64, not yet rounded. They are pure
functions of the seed, the device and the time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from devices import Kind
from simulator.moments import DAY_S, HOUR_S, ZONE_S, Moments

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    Column = NDArray[np.float64]

__all__ = [
    "BATTERY_LIFE_S",
    "COURSES",
    "DECIMALS",
    "HYDRANT_FULL_MPA",
    "PERIOD_S",
    "TANK_FULL_PCT",
    "batteries",
    "loop_ma",
    "steps",
    "tilt_columns",
]

PERIOD_S: Mapping[Kind, tuple[float, float]] = {
    Kind.SMOKE: (12 * HOUR_S, 24 * HOUR_S),
    Kind.GAS: (60.0, 60.0),
    Kind.CO: (60.0, 60.0),
    Kind.HYDRANT: (300.0, 300.0),
    Kind.TANK: (600.0, 600.0),
    Kind.WATCH: (300.0, 300.0),
    Kind.TILT: (HOUR_S, HOUR_S),
    Kind.GATEWAY: (60.0, 60.0),
}
"""Shortest and longest time between two reports, s; each device keeps its own."""

DECIMALS: Mapping[str, int] = {
    "body_temp_c": 1,
    "density_db_m": 3,
    "gas_lel": 1,
    "level_pct": 1,
    "loop_ma": 2,
    "pressure_mpa": 3,
    "temperature_c": 1,
    "tilt_x_deg": 2,
    "tilt_y_deg": 2,
    "tilt_z_deg": 2,
}
"""What a device sends after the point; whole numbers where not named."""


HYDRANT_FULL_MPA: Final = 1.6
TANK_FULL_PCT: Final = 150.0
"""What the transmitters' 20 mA stand for."""
BATTERY_LIFE_S: Final[Mapping[Kind, float]] = {
    Kind.SMOKE: 3 * 365 * DAY_S,
    Kind.CO: 3 * 365 * DAY_S,
    Kind.HYDRANT: 2 * 365 * DAY_S,
    Kind.TANK: 2 * 365 * DAY_S,
    Kind.TILT: 3 * 365 * DAY_S,
}
"""After so long it is changed, at a third of its charge: 2 to 3 % a month."""
SLOT_S: Final = 600.0
SLOTS: Final = round(DAY_S / SLOT_S)


def loop_ma(value: Column, full: float) -> Column:
    """Return what a transmitter draws, mA: 4 … 20 for 0 … `full`."""
    drawn: Column = 4.0 + (16.0 / full) * value
    return drawn


def _hill(hour: Column, top: float, width: float) -> Column:
    """Return 1 at the hour `top`, falling to nothing over `width` hours on both sides."""
    hill: Column = np.exp(-(((hour - top) / width) ** 2))
    return hill


def batteries(kind: Kind, at: Moments) -> Column:
    """Return how many batteries each device has had, and how much of the life of this one is over, (m,)."""
    had: Column = at.time_s / BATTERY_LIFE_S[kind] + at.life("changed")
    return had


def _battery_pct(kind: Kind, at: Moments) -> Column:
    """Return a battery that falls from 100 % to 32 % over its life and is then changed."""
    return 100.0 - 68.0 * (batteries(kind, at) % 1.0)


# ── the kinds ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _smoke(at: Moments) -> dict[str, Column]:
    return {
        "smoke": at.constant(0.0),
        "fault": at.constant(0.0),
        "density_db_m": np.abs(0.004 * at.bell("density")),
        "battery_pct": _battery_pct(Kind.SMOKE, at),
    }


def _gas(at: Moments) -> dict[str, Column]:
    cooking = _hill(at.hour, 7.0, 0.8) + _hill(at.hour, 11.8, 1.0) + _hill(at.hour, 18.3, 1.3)
    level = 0.3 + at.life("cook", 0.2, 1.2) * cooking + 0.15 * at.bell("gas")
    life_d = 1735.0
    return {
        "gas": at.constant(0.0),
        "gas_lel": np.maximum(level, 0.0),
        "valve_open": at.constant(1.0),
        "preheating": at.constant(0.0),
        "life_left_d": 90.0 + (at.life("made", 0.0, life_d) - at.time_s / DAY_S) % life_d,
    }


def _co(at: Moments) -> dict[str, Column]:
    supper = 3.0 * _hill(at.hour, 18.3, 1.3)
    return {
        "co": at.constant(0.0),
        "co_ppm": np.maximum(1.0 + supper + 0.7 * at.bell("co"), 0.0),
        "fault": at.constant(0.0),
        "battery_pct": _battery_pct(Kind.CO, at),
    }


def _hydrant(at: Moments) -> dict[str, Column]:
    demand = 0.7 * _hill(at.hour, 7.5, 1.8) + _hill(at.hour, 19.5, 2.5)
    pressure = at.life("main", 0.27, 0.38) - 0.06 * demand + 0.004 * at.bell("mpa")
    return {
        "pressure_mpa": pressure,
        "loop_ma": loop_ma(pressure, HYDRANT_FULL_MPA),
        "valve_open": at.constant(0.0),
        "battery_pct": _battery_pct(Kind.HYDRANT, at),
    }


def _tank(at: Moments) -> dict[str, Column]:
    refilled = (at.time_s / at.life("refill", 3 * DAY_S, 6 * DAY_S) + at.life("phase")) % 1.0
    level = 101.0 - 2.0 * refilled + 0.1 * at.bell("level")
    return {
        "level_pct": level,
        "loop_ma": loop_ma(level, TANK_FULL_PCT),
        "valve_open": at.constant(0.0),
        "battery_pct": _battery_pct(Kind.TANK, at),
    }


def _watch(at: Moments) -> dict[str, Column]:
    share = at.hour / 24.0
    awake = 0.5 - 0.5 * np.cos(2 * np.pi * (share - 3.5 / 24))  # 0 at 03:30, 1 at 15:30
    charge_at = at.life("charge", 20.0, 23.0) / 24
    return {
        "heart_rate": at.life("rest", 60, 74) + 12 * awake + 3 * at.bell("heart"),
        "spo2_pct": at.life("oxygen", 97.0, 98.2) + 0.35 * at.bell("spo2"),
        "body_temp_c": 36.3 + 0.4 * awake + 0.08 * at.bell("temp"),
        "worn": at.constant(1.0),
        "steps": steps(at),
        "battery_pct": 100.0 - 60.0 * ((share - charge_at) % 1.0),
    }


def _tilt(at: Moments) -> dict[str, Column]:
    """Zeroed at 25 °C when installed; the rest is its temperature's doing."""
    temperature = 24.0 + 4.0 * np.cos(2 * np.pi * (at.hour - 14.0) / 24) + 0.2 * at.bell("degc")
    return tilt_columns(at, temperature)


def tilt_columns(at: Moments, temperature_c: Column) -> dict[str, Column]:
    """Return what a tilt sensor says at `temperature_c` (m,): each axis has its own small coefficient."""
    warmer = temperature_c - 25.0
    return {
        "tilt": at.constant(0.0),
        "tilt_x_deg": at.life("zero x", -0.02, 0.02) + at.life("warm x", -0.003, 0.003) * warmer + 0.004 * at.bell("x"),
        "tilt_y_deg": at.life("zero y", -0.02, 0.02) + at.life("warm y", -0.003, 0.003) * warmer + 0.004 * at.bell("y"),
        "temperature_c": temperature_c,
        "battery_pct": _battery_pct(Kind.TILT, at),
    }


def _gateway(at: Moments) -> dict[str, Column]:
    return {
        "fault": at.constant(0.0),
        "mains_lost": at.constant(0.0),
        "backup_link": at.constant(0.0),
        "battery_pct": at.constant(100.0),
    }


COURSES: Mapping[Kind, Callable[[Moments], dict[str, Column]]] = {
    Kind.SMOKE: _smoke,
    Kind.GAS: _gas,
    Kind.CO: _co,
    Kind.HYDRANT: _hydrant,
    Kind.TANK: _tank,
    Kind.WATCH: _watch,
    Kind.TILT: _tilt,
    Kind.GATEWAY: _gateway,
}
"""The kinds whose signals are known, in the order in which arrays of kinds number them."""


# ── steps ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def steps(at: Moments, moving: Callable[[Moments], Column] | None = None) -> Column:
    """Return (m,): steps since midnight, where the counter begins anew; a person walks in slots of 10 min.

    moving: how much of its usual chance a slot has, (k,) for k moments; None for all of it
    """
    rows, row_of = np.unique(at.rows, return_inverse=True)
    days, day_of = np.unique(at.day, return_inverse=True)
    slots = np.arange(SLOTS)
    grid = Moments(
        at.noise,
        np.repeat(rows, len(days) * SLOTS),
        np.tile((days[:, None] * DAY_S - ZONE_S + (slots + 0.5) * SLOT_S).ravel(), len(rows)),
    )
    walks = _WALKS[np.minimum(grid.hour.astype(np.intp), 23)]
    if moving is not None:
        walks = walks * moving(grid)
    taken = np.where(grid.uniform("walks") < walks, np.floor(20.0 + 120.0 * grid.uniform("steps")), 0.0)
    taken = taken.reshape(len(rows), len(days), SLOTS)
    before = np.concatenate([np.zeros((len(rows), len(days), 1)), np.cumsum(taken, axis=2)], axis=2)
    into = at.hour * HOUR_S / SLOT_S
    slot = np.minimum(into.astype(np.intp), SLOTS - 1)
    counted: Column = before[row_of, day_of, slot] + taken[row_of, day_of, slot] * (into - slot)
    return np.floor(counted)


_WALKS = np.array(
    [0.02] * 5 + [0.1, 0.5, 0.7, 0.7, 0.7, 0.6, 0.6, 0.5, 0.2, 0.4, 0.6, 0.6, 0.7, 0.6, 0.6, 0.5, 0.4, 0.1, 0.03]
)
"""The chance that a slot of each hour has steps: at night hardly, little after lunch."""
