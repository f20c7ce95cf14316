"""Signals of ordinary life for weeks on end: noise, the course of the day and of the week, whole steps of the sensor.

Each is (seconds since a Monday's midnight, values), of one household, wearer or device that `seed` stands for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Column = NDArray[np.float64]
    Signal = tuple[Column, Column]

MINUTE_S = 60.0
HOUR_S = 3600.0
DAY_S = 86400.0

MEALS = ((7.0, 0.8), (11.8, 1.0), (18.3, 1.3))
"""Hour at which a meal is cooked, and for how long about it."""


def times(random: np.random.Generator, days: int, step_s: float) -> Column:
    """Every `step_s`, up to a tenth of it early or late."""
    n = int(days * DAY_S / step_s)
    late: Column = (np.arange(n) + random.uniform(0.0, 0.2, n)) * step_s
    return late


def said(value: Column, decimals: int) -> Column:
    """What the device sends."""
    rounded: Column = np.round(value, decimals)
    return rounded


def kitchen(seed: int, days: int, step_s: float = 600.0, *, whim: float = 1.0) -> Signal:
    """Gas in %LEL to 0.1: three meals a day of changing size and hour, larger at the weekend, some left out."""
    random = np.random.default_rng(seed)
    s = times(random, days, step_s)
    day, hour = (s // DAY_S).astype(int), s % DAY_S / HOUR_S
    level = np.full(len(s), 0.3)
    size = random.uniform(0.3, 1.2) * np.where(day % 7 >= 5, 1.3, 1.0)
    for top, width in MEALS:
        at = top + 0.4 * whim * random.normal(size=days)
        of_day = random.lognormal(0.0, 0.35 * whim, days) * (random.random(days) >= 0.1 * whim)
        level += size * of_day[day] * np.exp(-(((hour - at[day]) / width) ** 2))
    return s, said(np.maximum(0.0, level + random.normal(0.0, 0.15, len(s))), 1)


def main(seed: int, days: int, step_s: float = 600.0) -> Signal:
    """Pressure of a water main in MPa to 0.001: low while people wash and cook, later at the weekend."""
    random = np.random.default_rng(seed)
    s = times(random, days, step_s)
    day, hour = (s // DAY_S).astype(int), s % DAY_S / HOUR_S
    demand = 0.7 * np.exp(-(((hour - 7.5 - (day % 7 >= 5)) / 1.8) ** 2)) + np.exp(-(((hour - 19.5) / 2.5) ** 2))
    demand *= (1.0 + random.normal(0.0, 0.15, days))[day]
    return s, said(random.uniform(0.27, 0.38) - 0.06 * demand + random.normal(0.0, 0.004, len(s)), 3)


def wearer(seed: int, days: int, *, lies_from_s: float = np.inf) -> Signal:
    """Steps since midnight: up about 6:30, to bed about 21:30, naps, hours in the chair, once out at night.

    Some days begin one to three hours late. From `lies_from_s` on there are no more steps.
    """
    random = np.random.default_rng(seed)
    a_day = 144
    hour = np.arange(a_day) / 6
    counts = np.zeros((days, a_day))
    brisk = True
    for day in range(days):
        up = 6.5 + 0.5 * (day % 7 >= 5) + random.normal(0.0, 0.67)
        if random.random() < 0.03:
            up += random.uniform(1.0, 3.0)
        nap_at, nap = 12.8 + random.normal(0.0, 0.4), random.exponential() if random.random() < 0.7 else 0.0
        awake = (hour >= up) & (hour < 21.5 + random.normal(0.0, 0.67)) & ~((hour >= nap_at) & (hour < nap_at + nap))
        for nth in np.flatnonzero(awake):
            if random.random() < 0.25:
                brisk = random.random() < 0.55
            counts[day, nth] = random.random() < (0.66 if brisk else 0.09)
        counts[day, [int(up * 6), int(random.uniform(0.0, up) * 6)]] = 1.0
    s = np.arange(days * a_day) * DAY_S / a_day
    walked = counts.ravel() * random.integers(5, 120, days * a_day) * (s < lies_from_s)
    return s, walked.reshape(days, a_day).cumsum(axis=1).ravel()


def chamber(seed: int, days: int, *, a_month: float = 0.0) -> Signal:
    """Smoke density in dB/m to 0.001, every 12 h: noise and warmth, and dust that adds so much in 30 days."""
    random = np.random.default_rng(seed)
    s = times(random, days, 12 * HOUR_S)
    warmth = 0.003 * np.sin(2 * np.pi * (s / DAY_S - 0.6)) + 0.002 * np.sin(2 * np.pi * s / (7 * DAY_S))
    return s, said(np.abs(0.02 + warmth + a_month * s / (30 * DAY_S) + random.normal(0.0, 0.004, len(s))), 3)


def tank(seed: int, days: int, *, leaks_from_s: float = np.inf, an_hour: float = 0.0) -> Signal:
    """Level in % to 0.1, every 10 min: used by day, filled again by a pump; from some time on it also leaks."""
    random = np.random.default_rng(seed)
    s = times(random, days, 600.0)
    use, low = random.uniform(0.3, 1.2), 101.0 - random.uniform(3.0, 10.0)
    level, fills, levels = 101.0, False, []
    for time_s in s:
        hour = time_s % DAY_S / HOUR_S
        leaks = time_s >= leaks_from_s
        fills = not leaks and level < (101.0 if fills else low)
        demand = 0.3 + 1.4 * np.exp(-(((hour - 7.5) / 1.5) ** 2)) + 1.4 * np.exp(-(((hour - 19.0) / 2.0) ** 2))
        rate = 8.0 if fills else -use * demand * random.lognormal(0.0, 0.5)
        level = max(0.0, level + (rate - an_hour * leaks) / 6)
        levels.append(level)
    return s, said(np.maximum(0.0, np.array(levels) + random.normal(0.0, 0.1, len(s))), 1)


def battery(seed: int, days: int, *, fails_on_day: float = np.inf) -> Signal:
    """Whole % every 12 h: 1 % a month, and from some day on 1 % a day."""
    random = np.random.default_rng(seed)
    s = times(random, days, 12 * HOUR_S)
    age = s / DAY_S
    charge = 100.0 - age / 30 - np.maximum(0.0, age - fails_on_day) * (1 - 1 / 30)
    return s, np.clip(np.floor(charge + random.normal(0.0, 0.3, len(s))), 0.0, 100.0)
