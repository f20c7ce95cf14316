"""Casting: which devices play in which incident, each in one only, and what they do there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devices import Kind
from simulator.deviation import Curve, Deviation, Saying
from simulator.moments import DAY_S, HOUR_S

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from devices import Device
    from simulator.fleet import Fleet
    from simulator.journey import GatewayDown

__all__ = ["MINUTE_S", "Casting", "Course", "NobodyLeft", "Scene", "Script", "Window", "flat", "scene"]

MINUTE_S: Final = 60.0

Course = tuple[tuple[float, float], ...]


class NobodyLeft(Exception):
    """The fleet has no device left for an incident."""


@dataclass(frozen=True, slots=True)
class Window:
    """The days in which a suite plays.

    from_us: midnight of the community's clock at which they begin, µs since the epoch
    """

    from_us: int

    def at(self, day: float, hour: float = 0.0) -> int:
        """Return the µs since the epoch of an hour of a day; days before the first are negative."""
        return self.from_us + round((day * DAY_S + hour * HOUR_S) * 1e6)


@dataclass(frozen=True, slots=True)
class Scene:
    """What happens in an incident; times as in `LabelledIncident`."""

    rows: tuple[int, ...]
    begins_us: int
    ends_us: int
    deviations: tuple[Deviation, ...]
    down: tuple[GatewayDown, ...] = ()


class Casting:
    """Gives out the devices of `fleet`, first to last, each once.

    daily: those that upload once a day, which are only given out where they are asked for
    """

    def __init__(self, fleet: Fleet, daily: Collection[int]) -> None:
        self.fleet = fleet
        self._daily = daily
        self._taken: set[int] = set()

    def is_free(self, row: int) -> bool:
        """Say whether a device plays in nothing yet."""
        return row not in self._taken

    def one(self, kind: Kind) -> int:
        """Return a device of `kind`. Raises NobodyLeft."""
        return self.several(kind, 1)[0]

    def several(self, kind: Kind, n: int) -> tuple[int, ...]:
        """Return `n` devices of `kind`. Raises NobodyLeft."""
        return self.take(self._free(kind)[:n], n)

    def daily_uploader(self) -> int:
        """Return a device that uploads once a day. Raises NobodyLeft."""
        return self.take([row for row in sorted(self._daily) if row not in self._taken][:1], 1)[0]

    def home(self, *kinds: Kind) -> tuple[int, ...]:
        """Return a device of each of `kinds` that hang in one home. Raises NobodyLeft."""
        wanted = Counter(kinds)
        homes: dict[tuple[str, ...], list[int]] = {}
        for row, device in enumerate(self.fleet.devices):
            if device.kind in wanted and device.floor and row not in self._taken:
                homes.setdefault(_home(device), []).append(row)
        for rows in homes.values():
            there = Counter(self.fleet.devices[row].kind for row in rows)
            if all(there[kind] >= n for kind, n in wanted.items()):
                left = {kind: iter([row for row in rows if self.fleet.devices[row].kind is kind]) for kind in wanted}
                return self.take([next(left[kind]) for kind in kinds], len(kinds))
        raise NobodyLeft(f"no home with {', '.join(kinds)}")

    def street(self, n: int, radius_m: float) -> tuple[int, ...]:
        """Return `n` hydrants within `radius_m` of the first. Raises NobodyLeft."""
        hydrants = self._free(Kind.HYDRANT)
        for row in hydrants:
            near = [other for other in hydrants if self.fleet.metres(row, other) <= radius_m]
            if len(near) >= n:
                return self.take(near[:n], n)
        raise NobodyLeft(f"no {n} hydrants within {radius_m:g} m")

    def building(self, at_least: int) -> tuple[int, ...]:
        """Return all devices of the building with the most, none of them taken. Raises NobodyLeft."""
        buildings: dict[tuple[str, str], list[int]] = {}
        for row, device in enumerate(self.fleet.devices):
            if device.building and device.kind is not Kind.WATCH:
                buildings.setdefault((device.grid, device.building), []).append(row)
        free = [rows for rows in buildings.values() if not self._taken & set(rows)]
        largest = max(free, key=len, default=[])
        return self.take(largest, at_least)

    def gateway(self) -> tuple[int, tuple[int, ...]]:
        """Return the gateway with the most devices behind it that are not taken, and these. Raises NobodyLeft."""
        found = []
        for row in self._free(Kind.GATEWAY):
            name = self.fleet.devices[row].name
            children = [
                child
                for child, device in enumerate(self.fleet.devices)
                if device.gateway == name and child not in self._taken
            ]
            found.append((len(children), row, children))
        if not found:
            raise NobodyLeft("no gateway")
        _, row, children = max(found)
        return self.take([row], 1)[0], self.take(children, 1)

    def take(self, rows: Sequence[int], n: int) -> tuple[int, ...]:
        """Give out `rows`. Raises NobodyLeft where they are fewer than `n`."""
        if len(rows) < n:
            raise NobodyLeft(f"{len(rows)} devices; wanted {n}")
        self._taken.update(rows)
        return tuple(rows)

    def _free(self, kind: Kind) -> list[int]:
        return [row for row in self.fleet.of_kind(kind) if row not in self._taken and row not in self._daily]


Script = Callable[[Casting, Window], Scene]


def scene(
    begins_us: int,
    lasts_s: float,
    rows: Sequence[int] | int,
    curves: Mapping[str, Course | Curve] | None = None,
    *,
    every_s: float | None = None,
    silent: bool = False,
    sayings: Sequence[Saying] = (),
) -> Scene:
    """Return a scene in which all of `rows` do the same."""
    rows = (rows,) if isinstance(rows, int) else tuple(rows)
    ends_us = begins_us + round(lasts_s * 1e6)
    courses = {
        metric: course if isinstance(course, Curve) else Curve(course) for metric, course in (curves or {}).items()
    }
    deviations = tuple(
        Deviation(row, begins_us, ends_us, courses, every_s=every_s, silent=silent, sayings=tuple(sayings))
        for row in rows
    )
    return Scene(rows, begins_us, ends_us, deviations)


def flat(value: float) -> Course:
    """Return the course of a metric that says `value` all the time."""
    return ((0.0, value),)


def _home(device: Device) -> tuple[str, ...]:
    return device.grid, device.building, device.floor, device.unit
