"""Routing: who is told of an incident. Nothing pages nobody silently."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from alerts.counters import Fallback
from rules.model import Severity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alerts.incident import Incident

__all__ = ["CONSOLE", "Recipient", "Route", "Routing"]

CONSOLE: Final = "console"
"""The channel, and the recipient, of last resort; delivery always has it."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """A person or a post, and what they are told of.

    sites, grids: () means all
    min_severity: nothing below it, except life safety where nobody else would be told
    channels:     names of channels; every one of them gets every message
    updates:      also told when an incident is acknowledged, cleared or resolved
    """

    name: str
    channels: tuple[str, ...]
    sites: tuple[str, ...] = ()
    grids: tuple[str, ...] = ()
    min_severity: Severity = Severity.ADVISORY
    updates: bool = False

    def has_site(self, incident: Incident) -> bool:
        """Say whether the incident's site is theirs."""
        return not self.sites or incident.site in self.sites

    def has_grid(self, incident: Incident) -> bool:
        """Say whether the incident's grid is theirs."""
        return not self.grids or incident.grid in self.grids

    def wants(self, incident: Incident) -> bool:
        """Say whether it is severe enough for them."""
        return incident.severity.rank >= self.min_severity.rank


@dataclass(frozen=True, slots=True)
class Route:
    """Who is told; `fallback` is why others than those with the place, None where it is those."""

    recipients: tuple[Recipient, ...]
    fallback: Fallback | None = None


_LAST_RESORT: Final = Route((Recipient(CONSOLE, (CONSOLE,), updates=True),), Fallback.CONSOLE)


class Routing:
    """The recipients of the settings."""

    def __init__(self, recipients: Sequence[Recipient]) -> None:
        self._recipients = tuple(recipient for recipient in recipients if recipient.channels)

    def recipients_for(self, incident: Incident) -> Route:
        """Return who is told: those with the place; else all of the site; else everybody; else the console.

        A severity that nobody wants goes to the console; life safety goes to those with the place all the same.
        """
        here = tuple(r for r in self._recipients if r.has_site(incident))
        by_place = (
            (tuple(r for r in here if r.has_grid(incident)), None),
            (here, Fallback.SITE),
            (self._recipients, Fallback.EVERYBODY),
        )
        for some, fallback in by_place:
            willing = tuple(r for r in some if r.wants(incident))
            told = willing or (some if incident.is_life_safety else ())
            if told:
                return Route(told, fallback)
        return _LAST_RESORT
