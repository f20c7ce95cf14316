"""Checks of a directory: what is wrong between its sections, each fault with its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from alerts.people.chain_checks import check_chains, check_levels
from alerts.people.names import Names
from alerts.people.places import area_of, corners_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from alerts.people.model import Directory
    from alerts.people.written import Entry, Written

__all__ = ["check"]

_CORNERS: Final = 3


def check(
    written: Written, directory: Directory, channels: Collection[str], recipients: Collection[str] | None
) -> Iterator[str]:
    """Yield every fault between sections; the same one may come twice.

    directory:  what the sound ones of `written` come to, in the same order
    channels:   names of the settings' channels
    recipients: names of its systems and displays; None where they are not known
    """
    names = Names(written, channels, recipients)
    yield from _timezones(written)
    for array, entries in written.entries.items():
        yield from _doubles(entries)
        for entry in entries:
            yield from _CHECKS[array](entry, names)
    yield from _lengths(written, directory)
    for entry in written.entries["rotas"]:
        yield from _strangers(entry, written)
    yield from check_levels(written, names)
    yield from check_chains(written, directory, names)


def _timezones(written: Written) -> Iterator[str]:
    (first, first_place), *others = written.timezones.items() or [("", "")]
    for name, place in others:
        yield f"{place}: time zone {name!r}, and {first!r} at {first_place}; wanted one for all"


def _doubles(entries: list[Entry]) -> Iterator[str]:
    """Say which names are given more than once; grids are told apart by their site as well."""
    found: dict[tuple[str, str], Entry] = {}
    for entry in entries:
        key = (getattr(entry.section, "site", ""), entry.name)
        first = found.setdefault(key, entry)
        if entry.name and first is not entry:
            yield entry.fault(("name",), f"the name is given already at {first.place('name')}", "another name")


def _person(entry: Entry, names: Names) -> Iterator[str]:
    for nth, contact in enumerate(entry.section.contacts):
        yield from names.check_channel(entry, ("contacts", nth), contact.channel)
    if entry.name in (names.recipients or ()):
        yield entry.fault(("name",), "a recipient has this name too", "another name")


def _team(entry: Entry, names: Names) -> Iterator[str]:
    team = entry.section
    if not team.members and not team.rota:
        yield entry.fault((), "neither members nor a rota", "one of them, or both")
    yield from names.check(entry, ("members",), "people", team.members)
    yield from names.check(entry, ("rota",), "rotas", filter(None, [team.rota]))


def _rota(entry: Entry, names: Names) -> Iterator[str]:
    rota = entry.section
    for key in ("shifts", "holiday_shifts", "overrides"):
        for nth, part in enumerate(getattr(rota, key) or ()):
            yield from names.check(entry, (key, nth, "people"), "people", part.people)
    for nth, turns in enumerate(rota.turns):
        for crew in turns.people:
            yield from names.check(entry, ("turns", nth, "people"), "people", crew)


def _lengths(written: Written, directory: Directory) -> Iterator[str]:
    """Say which overrides end before they begin; an end may be local and the other have an offset."""
    for entry, rota in zip(written.entries["rotas"], directory.rotas, strict=True):
        for nth, override in enumerate(rota.overrides):
            if override.end_us <= override.start_us:
                yield entry.fault(("overrides", nth, "to"), "it has no length", "a time after `from`")


def _strangers(entry: Entry, written: Written) -> Iterator[str]:
    """Say who is on duty by a rota that is for teams alone, and is a member of none of them."""
    teams = [one.section for one in written.entries["teams"] if one.section.rota == entry.name]
    if not teams or not all(team.members for team in teams) or _is_selected(entry.name, written):
        return
    members = {name for team in teams for name in team.members}
    rota = entry.section
    parts = (*rota.shifts, *(rota.holiday_shifts or ()), *rota.overrides)
    on_duty = [*(part.people for part in parts), *(crew for turns in rota.turns for crew in turns.people)]
    for name in dict.fromkeys(name for people in on_duty for name in people):
        if name not in members:
            called = ", ".join(repr(team.name) for team in teams)
            wanted = f"them among the members of {called}, else nobody asks them"
            yield entry.fault((), f"{name!r} is on duty, and no member of a team that has this rota", wanted)


def _is_selected(rota: str, written: Written) -> bool:
    steps = (step for one in written.entries["chains"] for step in one.section.steps)
    levels = (one.section for one in written.entries["levels"])
    return any(f"rota:{rota}" in part.to for part in (*steps, *levels))


def _station(entry: Entry, names: Names) -> Iterator[str]:
    yield from names.check(entry, ("team",), "teams", [entry.section.team])


def _grid(entry: Entry, _: Names) -> Iterator[str]:
    corners = corners_of(entry.section.polygon)
    if corners and len(set(corners)) < _CORNERS:
        yield entry.fault(("polygon",), f"{len(set(corners))} corners", f"{_CORNERS} or more, or no polygon")
    elif corners and not area_of(corners):
        yield entry.fault(("polygon",), "its corners lie on a line", "corners round an area")


def _route(entry: Entry, names: Names) -> Iterator[str]:
    yield from names.check(entry, ("chain",), "chains", [entry.section.chain])


def _limits(entry: Entry, _: Names) -> Iterator[str]:
    limits = entry.section
    steps = ("accept", "dispatch", "arrive", "verify", "resolve")
    if all(getattr(limits, step) is None for step in steps):
        yield entry.fault((), "no step has a limit", f"one of {', '.join(steps)}")
    for step in steps:
        if getattr(limits, step) == 0:
            yield entry.fault((step,), f"{step} = 0 is over before it begins", "more than 0 s")


def _resident(entry: Entry, names: Names) -> Iterator[str]:
    resident = entry.section
    if not resident.person and not resident.family:
        yield entry.fault((), "neither a person nor a family", "one of them, or both")
    for key, people in (("person", filter(None, [resident.person])), ("family", resident.family)):
        for name in people:
            yield from names.check(entry, (key,), "people", [name])


def _nothing(_: Entry, __: Names) -> Iterator[str]:
    yield from ()


_CHECKS: Final[dict[str, Callable[[Entry, Names], Iterator[str]]]] = {
    "people": _person,
    "teams": _team,
    "rotas": _rota,
    "stations": _station,
    "grids": _grid,
    "chains": _nothing,  # `chain_checks` has a look at these
    "routes": _route,
    "limits": _limits,
    "levels": _nothing,
    "residents": _resident,
}
