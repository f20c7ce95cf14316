"""Duty: hand-overs to come, and the times in which nobody could be asked.

A rota has a gap where nobody is on duty by it, or only people without a contact, unless it is meant to have
(`Rota.gaps_are_meant`, as an office has that closes at night). A chain has one where none of its steps is sure to reach
anybody; that is warned of whatever was meant.
"""

from __future__ import annotations

from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import msgspec

from alerts.people.local_time import LocalTime
from alerts.people.reach import Reach
from alerts.people.rota import Roster
from alerts.text import Text, span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alerts.people.model import Directory
    from alerts.people.reach import Silent

__all__ = ["Gap", "GapOf", "GapWarning", "Handover", "gap_warnings", "gaps", "handovers"]

_SECOND_US: Final = 1_000_000

_TOLD: Final = Text("{what}: {why} from {start} to {end} ({held})", "{what}：{start} 至 {end}（{held}）{why}")
_NOBODY: Final = Text("nobody is on duty", "无人值班")
_NO_CONTACT: Final = Text("nobody on duty has a contact ({names})", "值班人员均无联系方式（{names_zh}）")


class GapOf(StrEnum):
    """What has a gap."""

    ROTA = "rota"
    TEAM = "team"
    CHAIN = "chain"


_SUBJECTS: Final = {
    GapOf.ROTA: Text("rota {name}", "值班表{name}"),
    GapOf.TEAM: Text("team {name}", "班组{name}"),
    GapOf.CHAIN: Text("chain {name}", "流程{name}"),
}


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """A time in which nobody could be asked, µs since the epoch, the end not included.

    of, name: what has the gap
    without_contact: who is on duty then, but cannot be asked
    """

    of: GapOf
    name: str
    start_us: int
    end_us: int
    without_contact: tuple[str, ...] = ()


class GapWarning(msgspec.Struct, frozen=True, kw_only=True):
    """A gap that is told in advance. in_s: until it begins, s; 0 where it has begun."""

    gap: Gap
    in_s: float
    text_en: str
    text_zh: str


class Handover(msgspec.Struct, frozen=True, kw_only=True):
    """A change of who is on duty by a rota. came, went: who was not and is now, and the other way round."""

    rota: str
    time_us: int
    on_duty: tuple[str, ...]
    came: tuple[str, ...]
    went: tuple[str, ...]


def handovers(directory: Directory, from_us: int, to_us: int) -> list[Handover]:
    """Return the hand-overs of all rotas after `from_us` and before `to_us`, µs since the epoch, in their order."""
    found = []
    for rota in directory.rotas:
        stretches = Roster(rota).stretches(from_us, to_us)
        for before, after in pairwise(stretches):
            found.append(
                Handover(
                    rota=rota.name,
                    time_us=after.start_us,
                    on_duty=after.people,
                    came=tuple(one for one in after.people if one not in before.people),
                    went=tuple(one for one in before.people if one not in after.people),
                )
            )
    return sorted(found, key=lambda one: one.time_us)


def gaps(directory: Directory, from_us: int, to_us: int) -> list[Gap]:
    """Return the gaps from `from_us` to `to_us`, µs since the epoch, in their order, cut at both ends."""
    return sorted(_gaps(directory, from_us, to_us), key=lambda gap: gap.start_us)


def gap_warnings(directory: Directory, now_us: int, ahead_s: float) -> list[GapWarning]:
    """Return a warning of each gap that has begun or begins within `ahead_s`, the nearest first."""
    clock = LocalTime(directory.timezone)
    warnings = []
    for gap in gaps(directory, now_us, now_us + round(ahead_s * _SECOND_US)):
        text = _told(gap, clock)
        in_s = (gap.start_us - now_us) / _SECOND_US
        warnings.append(GapWarning(gap=gap, in_s=in_s, text_en=text.en, text_zh=text.zh))
    return warnings


def _gaps(directory: Directory, from_us: int, to_us: int) -> Iterator[Gap]:
    reach = Reach(directory)
    meant = {rota.name for rota in directory.rotas if rota.gaps_are_meant}
    of_teams = {team.rota for team in directory.teams}
    for team in directory.teams:
        if team.rota and team.rota not in meant:
            for silent in reach.silent([reach.team(team)], from_us, to_us):
                yield _gap(GapOf.TEAM, team.name, silent)
    for rota in directory.rotas:
        if rota.name not in meant and rota.name not in of_teams:
            for silent in reach.silent([reach.rota(rota.name)], from_us, to_us):
                yield _gap(GapOf.ROTA, rota.name, silent)
    for chain in directory.chains:
        asked = [selector for step in chain.steps if not step.inform for selector in step.to]
        for silent in reach.silent(reach.covers(asked), from_us, to_us):
            yield _gap(GapOf.CHAIN, chain.name, silent)


def _gap(of: GapOf, name: str, silent: Silent) -> Gap:
    return Gap(of=of, name=name, start_us=silent.start_us, end_us=silent.end_us, without_contact=silent.without_contact)


def _told(gap: Gap, clock: LocalTime) -> Text:
    start, end = (clock.shown(us).strftime("%Y-%m-%d %H:%M") for us in (gap.start_us, gap.end_us))
    held = span((gap.end_us - gap.start_us) / _SECOND_US)
    names = ", ".join(gap.without_contact)
    why = _NO_CONTACT.fill(names=names, names_zh=names.replace(", ", "、")) if names else _NOBODY
    return _TOLD.fill(what=_SUBJECTS[gap.of].fill(name=gap.name), start=start, end=end, held=held, why=why)
