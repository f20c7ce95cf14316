"""Doubts: what is no fault of a directory, and still hardly meant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from alerts.people.duty import gap_warnings
from alerts.people.routes import Routes
from devices.model import Kind
from rules.model import AlarmClass, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alerts.people.model import Directory, Route

__all__ = ["doubts"]

AHEAD_S: Final = 14 * 86_400.0
_MOST_GAPS: Final = 20


def doubts(directory: Directory, now_us: int) -> list[str]:
    """Return what should be looked at: gaps in the next 14 days, life safety without a route, what is never used."""
    if not directory.people:
        return []
    warnings = gap_warnings(directory, now_us, AHEAD_S)
    said = [warning.text_en for warning in warnings[:_MOST_GAPS]]
    if len(warnings) > _MOST_GAPS:
        said.append(f"{len(warnings) - _MOST_GAPS} more gaps in the next 14 days")
    return [*said, *_uncaught(directory), *_unused(directory)]


def _uncaught(directory: Directory) -> Iterator[str]:
    """Say which life-safety incidents match no route where neither grid, building nor rule is one of those named."""
    routes = Routes(directory)
    named = [*(one.sites for one in directory.routes), *(one.sites for one in directory.people)]
    named += [*(one.sites for one in directory.stations), tuple(grid.site for grid in directory.grids)]
    sites = {site for of_one in named for site in of_one}
    for site in sorted(sites) or [""]:
        missed: dict[tuple[Severity, ...], list[str]] = {}
        for kind in Kind:
            of = tuple(
                one for one in Severity if not routes.chain_of(site, "", "", kind, AlarmClass.LIFE_SAFETY, "", one)
            )
            if of and kind is not Kind.SERVICE:
                missed.setdefault(of, []).append(kind)
        for severities, kinds in missed.items():
            whose = "any kind" if len(kinds) == len(Kind) - 1 else ", ".join(kinds)
            which = "" if len(severities) == len(Severity) else f" and severity {', '.join(severities)}"
            where = f" of site {site!r}" if site else ""
            yield f"life-safety incidents{where} of {whose}{which} may match no route: then no person is asked"


def _unused(directory: Directory) -> Iterator[str]:
    routed = {route.chain for route in directory.routes}
    for chain in directory.chains:
        if chain.name not in routed:
            yield f"chain {chain.name!r}: no route leads to it"
    for nth, route in enumerate(directory.routes):
        before = next((at for at, one in enumerate(directory.routes[:nth]) if _covers(one, route)), None)
        if before is not None:
            yield f"route {nth + 1}, to chain {route.chain!r}: never matches, route {before + 1} goes before it"


def _covers(wide: Route, narrow: Route) -> bool:
    """Say whether every incident that `narrow` matches is one of `wide`."""
    pairs = (
        (wide.sites, narrow.sites),
        (wide.grids, narrow.grids),
        (wide.buildings, narrow.buildings),
        (wide.kinds, narrow.kinds),
        (wide.classes, narrow.classes),
        (wide.rules, narrow.rules),
    )
    return wide.min_severity.rank <= narrow.min_severity.rank and all(
        not all_ or (some and set(some) <= set(all_)) for all_, some in pairs
    )
