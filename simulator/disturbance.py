"""Disturbances: what happens in a community where nothing is wrong, and looks as if something were.

Each has a kind, devices and a time, so that a false alarm can be explained by name.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Disturbance", "DisturbanceKind", "DisturbanceLog"]


class DisturbanceKind(StrEnum):
    """What there is."""

    # of what is measured
    STEAM = "steam at a smoke detector"
    COOKING = "cooking"
    CLEANING = "cleaning with alcohol"
    BARBECUE = "a charcoal barbecue"
    PREHEATING = "a restart, and preheating"
    WATER_HAMMER = "water hammer"
    WATER_DRAWN = "water drawn for the street"
    PUMP_TEST = "the monthly test of the fire pump"
    SHARED_TANK = "a tank that the homes draw from as well"
    STILL_TANK = "a tank that nobody draws from"
    NIGHT_OFF = "the watch is off and charges at night"
    SHOWER = "the watch is off for a shower"
    LEFT_AT_HOME = "the watch stays on the table all day"
    LAZY_DAY = "a day in bed or on the sofa"
    EXERCISE = "the wearer exercises"
    LOOSE_WATCH = "the watch sits loose"
    WEATHER = "sun and weather on a tilt sensor"
    BATTERY_CHANGED = "a new battery"
    # of how it travels
    LOSSES = "some reports are lost, late or twice"
    HEARTBEAT_LOST = "a heartbeat is lost, repeats included"
    RESTART = "the device restarts"
    WRONG_CLOCK = "the device's clock is wrong"
    DAILY_UPLOAD = "the device uploads once a day"
    GATEWAY_DOWN = "the gateway is down"

    @property
    def is_standing(self) -> bool:
        """Whether it goes on all the time rather than happening."""
        return self in _STANDING

    @property
    def is_of_the_journey(self) -> bool:
        """Whether it is about how reports travel, not about what is measured."""
        return self not in _DISTURBED

    def disturbs(self, metric: str) -> bool:
        """Say whether readings of `metric` show it, or the silence of their device if that is "".

        What disturbs the journey of reports may show in anything.
        """
        return metric in _DISTURBED.get(self, (metric,))


_STANDING = frozenset(
    {
        DisturbanceKind.SHARED_TANK,
        DisturbanceKind.STILL_TANK,
        DisturbanceKind.WEATHER,
        DisturbanceKind.LOSSES,
        DisturbanceKind.WRONG_CLOCK,
        DisturbanceKind.DAILY_UPLOAD,
    }
)


_WORN = ("worn", "heart_rate", "spo2_pct", "body_temp_c", "steps", "battery_pct")
_WATER = ("pressure_mpa", "loop_ma", "valve_open")
_TANK = ("level_pct", "loop_ma")
_BATTERY = ("battery_pct",)
_DISTURBED: Mapping[DisturbanceKind, tuple[str, ...]] = {
    DisturbanceKind.STEAM: ("smoke", "density_db_m"),
    DisturbanceKind.COOKING: ("gas_lel", "co_ppm"),
    DisturbanceKind.CLEANING: ("gas", "gas_lel"),
    DisturbanceKind.BARBECUE: ("co", "co_ppm"),
    DisturbanceKind.PREHEATING: ("preheating", "gas_lel"),
    DisturbanceKind.WATER_HAMMER: _WATER,
    DisturbanceKind.WATER_DRAWN: _WATER,
    DisturbanceKind.PUMP_TEST: _TANK,
    DisturbanceKind.SHARED_TANK: _TANK,
    DisturbanceKind.STILL_TANK: _TANK,
    DisturbanceKind.NIGHT_OFF: _WORN,
    DisturbanceKind.SHOWER: _WORN,
    DisturbanceKind.LEFT_AT_HOME: _WORN,
    DisturbanceKind.LAZY_DAY: ("steps",),
    DisturbanceKind.EXERCISE: ("heart_rate",),
    DisturbanceKind.LOOSE_WATCH: ("heart_rate", "spo2_pct"),
    DisturbanceKind.WEATHER: ("tilt_x_deg", "tilt_y_deg", "temperature_c"),
    DisturbanceKind.BATTERY_CHANGED: _BATTERY,
}


@dataclass(frozen=True, slots=True)
class Disturbance:
    """One disturbance.

    row:            position of its device in the fleet
    from_us, to_us: µs since the epoch
    size:           how large, in the unit of what it disturbs; 0 where that means nothing
    """

    kind: DisturbanceKind
    row: int
    from_us: int
    to_us: int
    size: float = 0.0


class DisturbanceLog:
    """What disturbed which device when."""

    def __init__(self) -> None:
        self._of: defaultdict[int, list[Disturbance]] = defaultdict(list)

    def __len__(self) -> int:
        return sum(map(len, self._of.values()))

    def add(self, disturbances: Iterable[Disturbance]) -> None:
        """Note `disturbances`."""
        for disturbance in disturbances:
            self._of[disturbance.row].append(disturbance)

    def of(self, row: int, from_us: int, to_us: int) -> list[Disturbance]:
        """Return what disturbed the device `row` between two times, what happened before what goes on all the time.

        Of what happened, the latest to begin comes first: an alarm mostly follows what has just begun.
        """
        found = [one for one in self._of[row] if one.from_us <= to_us and one.to_us >= from_us]
        return sorted(found, key=lambda one: (one.kind.is_standing, -one.from_us))
