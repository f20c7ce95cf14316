"""Stations: which are on duty, and which are nearest to an incident."""

from __future__ import annotations

from functools import lru_cache
from math import isinf
from typing import TYPE_CHECKING, Final, NamedTuple

from alerts.people.places import metres
from alerts.people.routes import KEPT
from alerts.text import Text, quantity

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from alerts.incident import Incident
    from alerts.people.crew import Crew, Member
    from alerts.people.model import Station

__all__ = ["Post", "Stations"]

_KILOMETRE_M: Final = 1000.0
_DIGITS: Final = 2
_NEAREST: Final = Text("nearest station on duty {name}, {far}", "最近的在岗站点{name}，{far}")
_FIRST: Final = Text("station on duty {name}", "在岗站点{name}")
_STATION: Final = Text("station {name}", "站点{name}")


class Post(NamedTuple):
    """A station on duty. label: as it begins the reason why its people are asked."""

    station: Station
    label: Text
    members: Mapping[str, Member]


class Stations:
    """The stations of a directory; each can be asked while somebody of its team is on duty."""

    def __init__(self, stations: Sequence[Station], teams: Mapping[str, Crew]) -> None:
        self._stations = stations
        self._by_name = {one.name: one for one in stations}
        self._teams = teams
        self._around = lru_cache(KEPT)(self._find_around)

    def on_duty(self, incident: Incident, now_us: int) -> list[tuple[Station, float]]:
        """Return those on duty for its site, and how far they are, m; the nearest first.

        Where it is not known where the incident is, they are in the order of the directory, and infinitely far.
        """
        around = self._around(incident.site, incident.latitude, incident.longitude)
        return [(station, far_m) for station, far_m, _ in around if self._members(station, now_us)]

    def nearest(self, incident: Incident, now_us: int, most: int, gone: Collection[str]) -> Iterator[Post]:
        """Yield up to `most` stations of which somebody on duty is not `gone`, in the order of `on_duty`."""
        left = most
        for station, _, label in self._around(incident.site, incident.latitude, incident.longitude):
            if not left:
                return
            members = self._members(station, now_us)
            if f"station:{station.name}" not in gone and any(name not in gone for name in members):
                left -= 1
                yield Post(station, label, members)

    def named(self, name: str, now_us: int, gone: Collection[str]) -> Iterator[Post]:
        """Yield the station of that name, unless it is `gone`."""
        station = self._by_name.get(name)
        if station is not None and f"station:{name}" not in gone:
            yield Post(station, _STATION.fill(name=station.label or name), self._members(station, now_us))

    def _members(self, station: Station, now_us: int) -> Mapping[str, Member]:
        crew = self._teams.get(station.team)
        return {} if crew is None else crew.members(now_us)

    def _find_around(
        self, site: str, latitude: float | None, longitude: float | None
    ) -> tuple[tuple[Station, float, Text], ...]:
        here = (one for one in self._stations if not one.sites or site in one.sites)
        far = [(one, metres(latitude, longitude, one.latitude, one.longitude)) for one in here]
        far.sort(key=lambda pair: pair[1])
        return tuple((one, far_m, _nearest(one, far_m)) for one, far_m in far)


def _nearest(station: Station, far_m: float) -> Text:
    name = station.label or station.name
    if isinf(far_m):
        return _FIRST.fill(name=name)
    is_near = far_m < _KILOMETRE_M
    far = quantity(far_m, "m", _DIGITS) if is_near else quantity(far_m / _KILOMETRE_M, "km", _DIGITS)
    return _NEAREST.fill(name=name, far=far)
