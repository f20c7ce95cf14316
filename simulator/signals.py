"""Signals: what a healthy device would measure, as a pure function of the seed, the device and the time.

The random part of a reading is a hash, not the next draw of a generator: a fleet of any size can be asked in any order,
and two runs of one seed agree wherever they ask for the same moment. No healthy reading reaches a default rule.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from devices import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from simulator.fleet import Fleet

    Column = NDArray[np.float64]

__all__ = ["Signals"]

HOUR_S = 3600.0
DAY_S = 24 * HOUR_S
ZONE_S = 8 * HOUR_S
"""China Standard Time; the day course follows the community's clock."""

PERIOD_S: Mapping[Kind, tuple[float, float]] = {
    Kind.SMOKE: (12 * HOUR_S, 24 * HOUR_S),
    Kind.GAS: (60.0, 60.0),
    Kind.HYDRANT: (300.0, 300.0),
    Kind.TANK: (600.0, 600.0),
    Kind.WATCH: (300.0, 300.0),
}
"""Shortest and longest time between two reports, s; each device keeps its own."""

DECIMALS: Mapping[str, int] = {
    "body_temp_c": 1,
    "density_db_m": 3,
    "gas_lel": 1,
    "level_pct": 1,
    "loop_ma": 2,
    "pressure_mpa": 3,
}
"""What a device sends after the point; whole numbers where not named."""


class Signals:
    """The healthy signals of a fleet.

    period_s: (n,) float64  s between two reports of each device
    Raises ValueError where the fleet has a kind of device whose signals are not known.
    """

    def __init__(self, fleet: Fleet, seed: int = 0) -> None:
        kinds = [device.kind for device in fleet.devices]
        unknown = sorted({kind for kind in kinds if kind not in _COURSES})
        if unknown:
            raise ValueError(f"no signals for devices of kind {', '.join(unknown)}; there are {', '.join(_COURSES)}")
        self._noise = _Noise(seed)
        self._kind_of = np.array([_KINDS.index(kind) for kind in kinds], np.int8)
        rows = np.arange(len(fleet), dtype=np.int64)
        shortest, longest = (np.array([PERIOD_S[kind][end] for kind in _KINDS])[self._kind_of] for end in (0, 1))
        self.period_s = shortest + (longest - shortest) * self._noise.uniform(rows, "period")

    def readings(self, rows: NDArray[np.int64], time_s: float) -> list[dict[str, float]]:
        """Return what each of `rows` measures at one moment, metric → value, in the order of `rows`.

        rows:   (m,) int64  positions in the fleet
        time_s: s since the epoch
        """
        found: list[dict[str, float]] = [{}] * len(rows)
        kinds = self._kind_of[rows]
        for index, kind in enumerate(_KINDS):
            (places,) = np.nonzero(kinds == index)
            if not len(places):
                continue
            columns = _COURSES[kind](self._noise, rows[places], time_s)
            names = tuple(columns)
            values = zip(*(_said(name, column) for name, column in columns.items()), strict=True)
            for place, reading in zip(places.tolist(), values, strict=True):
                found[place] = dict(zip(names, reading, strict=True))
        return found


def _said(metric: str, column: Column) -> list[float]:
    """Round as the device does."""
    decimals = DECIMALS.get(metric, 0)
    rounded: list[float] = (
        np.round(column, decimals).tolist() if decimals else np.rint(column).astype(np.int64).tolist()
    )
    return rounded


# ── noise ────────────────────────────────────────────────────────────────────────────────────────────────────────────


class _Noise:
    """Numbers that look random and depend on nothing but the seed, the device, what is asked, and the moment."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def uniform(self, rows: NDArray[np.int64], what: str, time_s: float = 0.0) -> Column:
        """Return (m,) float64 in [0, 1). Source of the mixing: splitmix64 (Steele, Lea, Flood 2014)."""
        salt = int.from_bytes(what.encode()[:8], "big") ^ (self._seed * 0x9E3779B97F4A7C15)
        offset = (salt + int(time_s * 1000) * 0xD1342543DE82EF95) & 0xFFFFFFFFFFFFFFFF
        x = rows.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(offset)
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            x = (x ^ (x >> np.uint64(shift))) * np.uint64(factor)
        x ^= x >> np.uint64(31)
        return (x >> np.uint64(11)).astype(np.float64) / float(1 << 53)

    def bell(self, rows: NDArray[np.int64], what: str, time_s: float) -> Column:
        """Return (m,) float64, bell-shaped with mean 0 and deviation 1, and never beyond ±3.5."""
        total = np.sum([self.uniform(rows, f"{what}{i}", time_s) for i in range(4)], axis=0, dtype=np.float64)
        scaled: Column = (total - 2.0) * 3.0**0.5
        return scaled

    def between(self, rows: NDArray[np.int64], what: str, low: float, high: float) -> Column:
        """Return (m,) float64: what each device keeps for life, in [low, high)."""
        return low + (high - low) * self.uniform(rows, what)


def _share_of_day(time_s: float) -> float:
    return (time_s + ZONE_S) % DAY_S / DAY_S


def _hill(hour: float, top: float, width: float) -> float:
    """Return 1 at the hour `top`, falling to nothing over `width` hours on both sides."""
    return float(np.exp(-(((hour - top) / width) ** 2)))


def _battery_pct(noise: _Noise, rows: NDArray[np.int64], time_s: float, life_s: float) -> Column:
    """Return a battery that falls from 100 % to 32 % over its life and is then changed."""
    age = (time_s / life_s + noise.uniform(rows, "changed")) % 1.0
    return 100.0 - 68.0 * age


# ── courses ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _smoke(noise: _Noise, rows: NDArray[np.int64], time_s: float) -> dict[str, Column]:
    return {
        "smoke": np.zeros(len(rows)),
        "fault": np.zeros(len(rows)),
        "density_db_m": np.abs(0.004 * noise.bell(rows, "density", time_s)),
        "battery_pct": _battery_pct(noise, rows, time_s, 3 * 365 * DAY_S),
    }


def _gas(noise: _Noise, rows: NDArray[np.int64], time_s: float) -> dict[str, Column]:
    hour = 24 * _share_of_day(time_s)
    cooking = _hill(hour, 7.0, 0.8) + _hill(hour, 11.8, 1.0) + _hill(hour, 18.3, 1.3)
    level = 0.3 + noise.between(rows, "cook", 0.2, 1.2) * cooking + 0.15 * noise.bell(rows, "gas", time_s)
    life_d = 1735.0
    return {
        "gas": np.zeros(len(rows)),
        "gas_lel": np.maximum(level, 0.0),
        "valve_open": np.ones(len(rows)),
        "life_left_d": 90.0 + (noise.between(rows, "made", 0.0, life_d) - time_s / DAY_S) % life_d,
    }


def _hydrant(noise: _Noise, rows: NDArray[np.int64], time_s: float) -> dict[str, Column]:
    hour = 24 * _share_of_day(time_s)
    demand = 0.7 * _hill(hour, 7.5, 1.8) + _hill(hour, 19.5, 2.5)
    pressure = noise.between(rows, "main", 0.27, 0.38) - 0.06 * demand + 0.004 * noise.bell(rows, "mpa", time_s)
    return {
        "pressure_mpa": pressure,
        "loop_ma": 4.0 + 16.0 * pressure / 1.6,
        "valve_open": np.zeros(len(rows)),
        "battery_pct": _battery_pct(noise, rows, time_s, 2 * 365 * DAY_S),
    }


def _tank(noise: _Noise, rows: NDArray[np.int64], time_s: float) -> dict[str, Column]:
    refilled = (time_s / noise.between(rows, "refill", 3 * DAY_S, 6 * DAY_S) + noise.uniform(rows, "phase")) % 1.0
    return {
        "level_pct": 101.0 - 2.0 * refilled + 0.1 * noise.bell(rows, "level", time_s),
        "loop_ma": 4.0 + 16.0 * (101.0 - 2.0 * refilled) / 150.0,
        "valve_open": np.zeros(len(rows)),
        "battery_pct": _battery_pct(noise, rows, time_s, 2 * 365 * DAY_S),
    }


def _watch(noise: _Noise, rows: NDArray[np.int64], time_s: float) -> dict[str, Column]:
    share = _share_of_day(time_s)
    awake = 0.5 - 0.5 * np.cos(2 * np.pi * (share - 3.5 / 24))  # 0 at 03:30, 1 at 15:30
    charge_at = noise.between(rows, "charge", 20.0, 23.0) / 24
    return {
        "heart_rate": noise.between(rows, "rest", 60, 74) + 12 * awake + 3 * noise.bell(rows, "heart", time_s),
        "spo2_pct": noise.between(rows, "oxygen", 97.0, 98.2) + 0.35 * noise.bell(rows, "spo2", time_s),
        "body_temp_c": 36.3 + 0.4 * awake + 0.08 * noise.bell(rows, "temp", time_s),
        "worn": np.ones(len(rows)),
        "battery_pct": 100.0 - 60.0 * ((share - charge_at) % 1.0),
    }


_COURSES: Mapping[Kind, Callable[[_Noise, NDArray[np.int64], float], dict[str, Column]]] = {
    Kind.SMOKE: _smoke,
    Kind.GAS: _gas,
    Kind.HYDRANT: _hydrant,
    Kind.TANK: _tank,
    Kind.WATCH: _watch,
}
_KINDS = tuple(_COURSES)
