"""Who: the people whom a step of a chain names, for one incident at one time.

People who have no contact are never among them: a step that has nobody else has nobody, and the next is taken at once.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from alerts.people.crew import crews_of_rotas, crews_of_teams
from alerts.people.local_time import MINUTES_A_DAY
from alerts.people.model import Rota, Shift
from alerts.people.rota import Roster
from alerts.people.routes import KEPT, Routes
from alerts.people.selectors import SelectorKind, parse_selector
from alerts.people.stations import Stations
from alerts.text import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from alerts.incident import Incident
    from alerts.people.crew import Crew
    from alerts.people.model import Chain, Directory, Person, Station, StepLimits, Window
    from alerts.people.selectors import Selector
    from alerts.people.stations import Post

__all__ = ["Asked", "Who"]

_PERSON: Final = Text("named by the chain", "链中指定")
_RESIDENT: Final = Text("who it is about", "本人")
_FAMILY: Final = Text("family of who it is about", "家属")
_EVERYONE: Final = Text("everyone", "全体人员")
_ROLE: Final = Text("{role} of {place}", "{place}的{role}")
_GRID: Final = Text("{site}, grid {grid}", "{site}网格{grid}")
_LEVEL: Final = Text("level {name}: ", "{name}级：")
_EVERY_DAY: Final = tuple(range(7))


class Asked(NamedTuple):
    """Somebody who is to be asked.

    why:     such as "team north, on duty until 18:00"
    station: name of the station for which they are asked; "" where it is for none
    """

    person: Person
    why: Text
    station: str = ""


class _Scene(NamedTuple):
    """What a selector is about. gone: as `without` of `Who.select`."""

    incident: Incident
    now_us: int
    gone: Collection[str]


class Who:
    """Answers from `directory`, which the loader found free of faults. Not thread-safe."""

    def __init__(self, directory: Directory) -> None:
        self.directory = directory
        self._people = {one.name: one for one in directory.people}
        self._roles = _by_role(directory.people)
        everyone = _everyone(directory)
        self._levels = {one.name: one for one in directory.levels}
        self._residents = {one.device: one for one in directory.residents}
        rosters = {one.name: Roster(one) for one in directory.rotas}
        self._teams = crews_of_teams(directory, self._people, rosters)
        self._rotas = crews_of_rotas(self._people, rosters)
        self._duties_of: dict[str, list[Crew]] = {}
        for crew in self._rotas.values():
            for name in crew.everybody:
                self._duties_of.setdefault(name, []).append(crew)
        self._routes = Routes(directory)
        self._stations = Stations(directory.stations, self._teams)
        self._selector = lru_cache(KEPT)(parse_selector)
        self._with_role = lru_cache(KEPT)(self._find_with_role)
        self._quiet = lru_cache(KEPT)(self._as_roster)
        self._ways: Mapping[SelectorKind, Callable[[Selector, _Scene], Iterable[Asked]]] = {
            SelectorKind.PERSON: self._of_person,
            SelectorKind.TEAM: self._of_team,
            SelectorKind.ROTA: self._of_rota,
            SelectorKind.ROLE: self._of_role,
            SelectorKind.STATION: self._of_station,
            SelectorKind.NEAREST: self._of_nearest,
            SelectorKind.LEVEL: self._of_level,
            SelectorKind.RECIPIENT: lambda _, __: (),  # told, and cannot answer
            SelectorKind.RESIDENT: self._of_resident,
            SelectorKind.FAMILY: self._of_family,
            SelectorKind.EVERYONE: lambda _, __: _reachable(everyone, _EVERYONE),
        }

    def person(self, name: str) -> Person | None:
        """Return the person of that name."""
        return self._people.get(name)

    def chain_for(self, incident: Incident) -> Chain | None:
        """Return the chain of the first route that matches; None where none does."""
        return self._routes.chain_for(incident)

    def limits_for(self, incident: Incident) -> StepLimits | None:
        """Return the first limits that match; None where its steps are not watched."""
        return self._routes.limits_for(incident)

    def grid_of(self, incident: Incident) -> str:
        """Return its grid: the ledger's, else the first of the site whose polygon it is in; "" where neither is."""
        return self._routes.grid_of(incident)

    def stations(self, incident: Incident, now_us: int) -> list[tuple[Station, float]]:
        """Return the stations on duty for its site and how far they are, m; the nearest first.

        Where it is not known where the incident is, they are in the order of the directory, and infinitely far.
        """
        return self._stations.on_duty(incident, now_us)

    def select(
        self, selectors: Sequence[str], incident: Incident, now_us: int, without: Collection[str] = ()
    ) -> list[Asked]:
        """Return whom `selectors` name at `now_us` (µs since the epoch), in their order, each once.

        without: names of people, and "station:NAME", that refused or cannot be reached
        A selector with a name that the directory has not names nobody. Raises ValueError where one is no selector.
        """
        scene = _Scene(incident, now_us, without if isinstance(without, frozenset | set) else frozenset(without))
        found: dict[str, Asked] = {}
        for text in selectors:
            selector = self._selector(text)
            for asked in self._ways[selector.kind](selector, scene):
                name = asked.person.name
                if name not in found and name not in scene.gone:
                    found[name] = asked
        return list(found.values())

    def recipients(self, selectors: Sequence[str]) -> list[str]:
        """Return the names of the systems and displays that `selectors` name, those of levels included."""
        found: dict[str, None] = {}
        for selector in map(self._selector, selectors):
            if selector.kind is SelectorKind.RECIPIENT:
                found[selector.name] = None
            elif selector.kind is SelectorKind.LEVEL:
                found.update(
                    (inner.name, None) for inner in self._within(selector) if inner.kind is SelectorKind.RECIPIENT
                )
        return list(found)

    def quiet_until_us(self, person: Person, now_us: int) -> int | None:
        """Return when the person's quiet hours that `now_us` is in end, µs since the epoch; None outside of them."""
        if person.quiet is None:
            return None
        stretch = self._quiet(person.quiet).stretch(now_us)
        return stretch.end_us if stretch.people else None

    # ── one way for each kind of selector ────────────────────────────────────────────────────────────────────────

    def _of_person(self, selector: Selector, _: _Scene) -> Iterator[Asked]:
        return self._named((selector.name,), _PERSON)

    def _of_team(self, selector: Selector, scene: _Scene) -> Iterator[Asked]:
        return _on_duty(self._teams.get(selector.name), scene.now_us)

    def _of_rota(self, selector: Selector, scene: _Scene) -> Iterator[Asked]:
        return _on_duty(self._rotas.get(selector.name), scene.now_us)

    def _of_station(self, selector: Selector, scene: _Scene) -> Iterator[Asked]:
        return _at(self._stations.named(selector.name, scene.now_us, scene.gone))

    def _of_nearest(self, selector: Selector, scene: _Scene) -> Iterator[Asked]:
        return _at(self._stations.nearest(scene.incident, scene.now_us, selector.stations, scene.gone))

    def _of_resident(self, _: Selector, scene: _Scene) -> Iterator[Asked]:
        resident = self._residents.get(scene.incident.device)
        return self._named((resident.person,) if resident else (), _RESIDENT)

    def _of_family(self, _: Selector, scene: _Scene) -> Iterator[Asked]:
        resident = self._residents.get(scene.incident.device)
        return self._named(resident.family if resident else (), _FAMILY)

    def _of_role(self, selector: Selector, scene: _Scene) -> Iterator[Asked]:
        """Yield who has the role there, and is on duty by a rota that names them, or is named by none."""
        incident = scene.incident
        people, why = self._with_role(selector.name, incident.site, self.grid_of(incident), incident.building)
        for person in people:
            duties = self._duties_of.get(person.name)
            if duties is None:
                yield Asked(person, why)
                continue
            for crew in duties:
                member = crew.members(scene.now_us).get(person.name)
                if member is not None:
                    yield Asked(person, why.and_then(member.until))
                    break

    def _of_level(self, selector: Selector, scene: _Scene) -> Iterator[Asked]:
        level = self._levels.get(selector.name)
        label = _LEVEL.fill(name=(level.label or level.name) if level else "")
        for inner in self._within(selector):
            for asked in self._ways[inner.kind](inner, scene):
                yield asked._replace(why=label.and_then(asked.why))

    def _within(self, selector: Selector) -> Iterator[Selector]:
        """Yield what a level is made of; levels of levels are a fault to the loader, and nobody here."""
        level = self._levels.get(selector.name)
        for inner in map(self._selector, level.to if level else ()):
            if inner.kind is not SelectorKind.LEVEL:
                yield inner

    def _named(self, names: Iterable[str], why: Text) -> Iterator[Asked]:
        return _reachable((self._people[name] for name in names if name in self._people), why)

    def _find_with_role(self, role: str, site: str, grid: str, building: str) -> tuple[tuple[Person, ...], Text]:
        there = (one for one in self._bearers(role, grid) if _has_place(one, site, grid, building))
        place = _GRID.fill(site=site, grid=grid) if grid else site
        return tuple(one for one in there if one.contacts), _ROLE.fill(role=role, place=place)

    def _bearers(self, role: str, grid: str) -> Sequence[Person]:
        """Return, in order of the directory, who has the role and may have the grid; all who have it where "" is given.

        A city has thousands of people of one role, and each incident is about one grid.
        """
        by_grid = self._roles.get(role)
        if by_grid is None:
            return ()
        if not grid:
            everybody = dict(pair for pairs in by_grid.values() for pair in pairs)
            return [everybody[place] for place in sorted(everybody)]
        return [person for _, person in sorted([*by_grid.get(grid, ()), *by_grid.get("", ())], key=_place)]

    def _as_roster(self, quiet: Window) -> Roster:
        """Return quiet hours as a rota, which knows what clocks do."""
        shift = Shift(
            people=("quiet",), days=_EVERY_DAY, start_min=quiet.start_min, end_min=quiet.end_min % MINUTES_A_DAY
        )
        return Roster(Rota(name="quiet", timezone=self.directory.timezone, shifts=(shift,)))


def _everyone(directory: Directory) -> list[Person]:
    """Return who is asked where nobody else can be: not those who are only cared for, or only care for one of them."""
    private = {name for one in directory.residents for name in (one.person, *one.family)}
    private -= {name for team in directory.teams for name in team.members}
    private -= {name for rota in directory.rotas for shift in rota.shifts for name in shift.people}
    staff = [one for one in directory.people if one.roles or one.name not in private]
    return staff if any(one.contacts for one in staff) else list(directory.people)


def _place(numbered: tuple[int, Person]) -> int:
    return numbered[0]


def _by_role(people: Sequence[Person]) -> dict[str, dict[str, list[tuple[int, Person]]]]:
    """Return role → grid → who has both, each with the place in the directory; "" for those who have every grid."""
    found: dict[str, dict[str, list[tuple[int, Person]]]] = {}
    for place, person in enumerate(people):
        for role in dict.fromkeys(person.roles):
            of_role = found.setdefault(role, {})
            for grid in dict.fromkeys(person.grids or ("",)):
                of_role.setdefault(grid, []).append((place, person))
    return found


def _reachable(people: Iterable[Person], why: Text) -> Iterator[Asked]:
    return (Asked(person, why) for person in people if person.contacts)


def _on_duty(crew: Crew | None, now_us: int) -> Iterator[Asked]:
    if crew is not None:
        for person, until in crew.members(now_us).values():
            yield Asked(person, crew.label.and_then(until))


def _at(posts: Iterable[Post]) -> Iterator[Asked]:
    for station, label, members in posts:
        for person, until in members.values():
            yield Asked(person, label.and_then(until), station.name)


def _has_place(person: Person, site: str, grid: str, building: str) -> bool:
    """Say whether the place is theirs; where nobody knows the grid, any grid of the site may be the one."""
    if person.sites and site not in person.sites:
        return False
    if not grid and not building:
        return True
    has_grid = not person.grids or not grid or grid in person.grids
    return has_grid and (not person.buildings or building in person.buildings)
