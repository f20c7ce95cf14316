"""A crew: the people of a team or of a rota who can be asked now, and how long each is on duty."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from alerts.people.local_time import DAY_US
from alerts.text import NOTHING, Text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from alerts.people.model import Directory, Person
    from alerts.people.rota import Roster

__all__ = ["Crew", "Member", "crews_of_rotas", "crews_of_teams"]

_UNTIL: Final = Text(", on duty until {time}", "，值班至{time}")


class Member(NamedTuple):
    """Somebody on duty. until: as it follows a name in a text."""

    person: Person
    until: Text


class Crew:
    """Who of `people`, who are asked in this order, is on duty by `roster`; all of them where there is none.

    Whoever has no contact is left out: nobody waits for them. The answer is kept for as long as it is right.
    """

    def __init__(self, label: Text, people: Iterable[Person], roster: Roster | None) -> None:
        self.label = label
        self.roster = roster
        self._people: Mapping[str, Person] = {one.name: one for one in people if one.contacts}
        self._members: Mapping[str, Member] = {}
        if roster is None:
            self._members = {name: Member(one, NOTHING) for name, one in self._people.items()}
        self._from_us = self._to_us = 0

    @property
    def everybody(self) -> Collection[str]:
        """The names of all who can be asked when they are on duty."""
        return self._people.keys()

    def members(self, now_us: int) -> Mapping[str, Member]:
        """Return who can be asked, by name, in the order of the rota's shifts."""
        if self.roster is not None and not self._from_us <= now_us < self._to_us:
            self._look(self.roster, now_us)
        return self._members

    def _look(self, roster: Roster, now_us: int) -> None:
        stretch, untils = roster.stretch(now_us), roster.untils(now_us)
        here = [(self._people[name], untils[name]) for name in stretch.people if name in self._people]
        self._members = {one.name: Member(one, _until(roster, until_us, now_us)) for one, until_us in here}
        # A day before somebody's duty ends, the date is said no more.
        short = [until_us - DAY_US for _, until_us in here if until_us is not None]
        self._from_us, self._to_us = now_us, min([stretch.end_us, *(us for us in short if us > now_us)])


def _until(roster: Roster, until_us: int | None, now_us: int) -> Text:
    """Say until when, in the rota's local time: with the date where that is more than a day."""
    if until_us is None:
        return NOTHING
    form = "%H:%M" if until_us - now_us <= DAY_US else "%m-%d %H:%M"
    return _UNTIL.fill(time=roster.clock.shown(until_us).strftime(form))


def crews_of_teams(
    directory: Directory, people: Mapping[str, Person], rosters: Mapping[str, Roster]
) -> dict[str, Crew]:
    """Return the crew of each team; one without members has those whom its rota names."""
    crews = {}
    for team in directory.teams:
        roster = rosters.get(team.rota)
        names = team.members or (roster.named if roster is not None else ())
        called = team.label or team.name
        label = Text(f"team {called}", f"班组{called}")
        crews[team.name] = Crew(label, [people[name] for name in names if name in people], roster)
    return crews


def crews_of_rotas(people: Mapping[str, Person], rosters: Mapping[str, Roster]) -> dict[str, Crew]:
    """Return, for each rota, everybody whom it names."""
    return {
        name: Crew(
            Text(f"rota {name}", f"值班表{name}"), [people[one] for one in roster.named if one in people], roster
        )
        for name, roster in rosters.items()
    }
