"""Reach: whom selectors can reach wherever the incident is, and in which times they reach nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from alerts.people.rota import Roster
from alerts.people.selectors import SelectorKind, parse_selector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from alerts.people.model import Directory, Team
    from alerts.people.selectors import Selector

__all__ = ["Cover", "Reach", "Silent"]


class Cover(NamedTuple):
    """Whoever of `people` is on duty by `roster`; all of them where that is None.

    certain: False where it hangs on the device whether there is anybody, as with residents
    """

    people: tuple[str, ...]
    roster: Roster | None = None
    certain: bool = True


class Silent(NamedTuple):
    """A time in which nobody can be asked, µs since the epoch. without_contact: who is on duty all the same."""

    start_us: int
    end_us: int
    without_contact: tuple[str, ...]


class Reach:
    """What is said of `directory` as a whole, which need not be free of faults: a name that it has not names nobody."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self.rosters = {one.name: Roster(one) for one in directory.rotas}
        self._people = {one.name: one for one in directory.people}
        self._teams = {one.name: one for one in directory.teams}
        self._levels = {one.name: one for one in directory.levels}
        self._named = {name: frozenset(roster.named) for name, roster in self.rosters.items()}
        everyone = Cover(tuple(filter(self.can_be_asked, self._people)))
        self._ways: Mapping[SelectorKind, Callable[[Selector], Iterable[Cover]]] = {
            SelectorKind.PERSON: self._person,
            SelectorKind.TEAM: self._team,
            SelectorKind.ROTA: lambda selector: (self.rota(selector.name),),
            SelectorKind.ROLE: self._role,
            SelectorKind.STATION: self._stations,
            SelectorKind.NEAREST: self._stations,
            SelectorKind.LEVEL: self._level,
            SelectorKind.RECIPIENT: lambda _: (),
            SelectorKind.RESIDENT: self._residents,
            SelectorKind.FAMILY: self._residents,
            SelectorKind.EVERYONE: lambda _: (everyone,),
        }

    def can_be_asked(self, name: str) -> bool:
        """Say whether the person is known, and has a contact."""
        return name in self._people and bool(self._people[name].contacts)

    def team(self, team: Team) -> Cover:
        """Return the people of a team."""
        roster = self.rosters.get(team.rota)
        if team.rota and roster is None:
            return Cover(())
        return Cover(team.members or (roster.named if roster else ()), roster)

    def rota(self, name: str) -> Cover:
        """Return the people of a rota."""
        roster = self.rosters.get(name)
        return Cover(roster.named, roster) if roster else Cover(())

    def covers(self, selectors: Iterable[str]) -> list[Cover]:
        """Return all that `selectors` may name; what is no selector names nobody."""
        return [cover for selector in _parsed(selectors) for cover in self._ways[selector.kind](selector)]

    def silent(self, covers: Iterable[Cover], from_us: int, to_us: int) -> list[Silent]:
        """Return the times from `from_us` to `to_us` in which none of `covers` is sure to reach anybody."""
        left = [Silent(from_us, to_us, ())]
        for cover in covers:
            if cover.certain and left:
                left = [rest for one in left for rest in self._without(one, cover)]
        return left

    def _without(self, silent: Silent, cover: Cover) -> Iterator[Silent]:
        """Yield what is left of `silent` where `cover` reaches nobody either."""
        if cover.roster is None:
            if not any(map(self.can_be_asked, cover.people)):
                yield silent._replace(without_contact=tuple(dict.fromkeys((*silent.without_contact, *cover.people))))
            return
        ours = frozenset(cover.people)
        rest: list[Silent] = []
        for stretch in cover.roster.stretches(silent.start_us, silent.end_us):
            here = tuple(one for one in stretch.people if one in ours)
            if any(map(self.can_be_asked, here)):
                continue
            mute = tuple(dict.fromkeys((*silent.without_contact, *here)))
            if rest and rest[-1].end_us == stretch.start_us and rest[-1].without_contact == mute:
                rest[-1] = rest[-1]._replace(end_us=stretch.end_us)
            else:
                rest.append(Silent(stretch.start_us, stretch.end_us, mute))
        yield from rest

    def _person(self, selector: Selector) -> Iterator[Cover]:
        yield Cover((selector.name,) if selector.name in self._people else ())

    def _team(self, selector: Selector) -> Iterator[Cover]:
        if selector.name in self._teams:
            yield self.team(self._teams[selector.name])

    def _role(self, selector: Selector) -> Iterator[Cover]:
        """Yield whoever has the role, as every rota has them that names them, or, where none does, always."""
        for person in self._directory.people:
            if selector.name in person.roles:
                rosters = [roster for rota, roster in self.rosters.items() if person.name in self._named[rota]]
                for roster in rosters:
                    yield Cover((person.name,), roster)
                if not rosters:
                    yield Cover((person.name,))

    def _stations(self, selector: Selector) -> Iterator[Cover]:
        for station in self._directory.stations:
            is_meant = selector.kind is SelectorKind.NEAREST or station.name == selector.name
            if is_meant and station.team in self._teams:
                yield self.team(self._teams[station.team])

    def _level(self, selector: Selector) -> Iterator[Cover]:
        level = self._levels.get(selector.name)
        for inner in _parsed(level.to if level else ()):
            if inner.kind is not SelectorKind.LEVEL:
                yield from self._ways[inner.kind](inner)

    def _residents(self, selector: Selector) -> Iterator[Cover]:
        for one in self._directory.residents:
            is_family = selector.kind is SelectorKind.FAMILY
            yield Cover(one.family if is_family else tuple(filter(None, [one.person])), certain=False)


def _parsed(selectors: Iterable[str]) -> Iterator[Selector]:
    for text in selectors:
        try:
            yield parse_selector(text)
        except ValueError:
            continue
