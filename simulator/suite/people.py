"""Incidents of people with a watch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices import Kind
from simulator.deviation import Deviation, Saying
from simulator.moments import HOUR_S
from simulator.suite.casting import MINUTE_S, Scene, flat, scene

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simulator.suite.casting import Casting, Script, Window

__all__ = ["PEOPLE"]

ON_THE_WRIST = {"worn": flat(1.0), "spo2_pct": flat(97.0), "body_temp_c": flat(36.5)}
WATCHING_S = 120.0


def _said(hour: float, *sayings: Saying) -> Script:
    def script(cast: Casting, window: Window) -> Scene:
        return scene(window.at(0, hour), 10 * MINUTE_S, cast.one(Kind.WATCH), sayings=sayings)

    return script


def _measured(hour: float, metric: str, value: float, lasts_s: float = HOUR_S) -> Script:
    def script(cast: Casting, window: Window) -> Scene:
        curves = {"heart_rate": flat(80.0), **ON_THE_WRIST, metric: flat(value)}
        return scene(window.at(0, hour), lasts_s, cast.one(Kind.WATCH), curves, every_s=WATCHING_S)

    return script


def _does_not_get_up(cast: Casting, window: Window) -> Scene:
    """Let an elder lie still from 21:30 on, with a pulse; the danger begins at 07:00."""
    lies_from, ends = window.at(0, 21.5), window.at(1, 18.0)
    row = cast.one(Kind.WATCH)
    still = scene(
        lies_from, (ends - lies_from) / 1e6, row, {"heart_rate": flat(66.0), **ON_THE_WRIST, "steps": flat(3120.0)}
    )
    return Scene((row,), window.at(1, 7.0), ends, still.deviations)


def _silent(cast: Casting, window: Window) -> Scene:
    begins, ends = window.at(0, 10.0), window.at(0, 15.0)
    row = cast.one(Kind.WATCH)
    return Scene((row,), begins, ends, (Deviation(row, begins, ends, silent=True),))


PEOPLE: Mapping[str, Script] = {
    "SOS": _said(11.1, Saying(0, {"sos": 1.0}), Saying(20, {"sos": 1.0})),
    "fall": _said(8.2, Saying(0, {"fall": 1.0})),
    "fall cancelled": _said(16.2, Saying(0, {"fall": 1.0}), Saying(15, {"fall_cancelled": 1.0})),
    "unreadable alarm": _said(12.7, Saying(0, {"alarm": 1.0})),
    "heart racing": _measured(9.1, "heart_rate", 142.0),
    "heart slow": _measured(10.1, "heart_rate", 36.0),
    "oxygen low": _measured(13.4, "spo2_pct", 87.0),
    "no skin contact": _measured(14.6, "heart_rate", 255.0, 20 * MINUTE_S),
    "does not get up": _does_not_get_up,
    "watch silent by day": _silent,
}
