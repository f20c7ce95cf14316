"""Routing: which systems and displays are told of an incident. Nothing pages nobody silently.

Whom people's chains ask is in `alerts.people`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from alerts.counters import Fallback
from alerts.incident import Exercise
from alerts.notification import CONSOLE
from rules.model import Severity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alerts.incident import Incident
    from devices.model import Kind
    from rules.model import AlarmClass

__all__ = ["CONSOLE", "Recipient", "Route", "Routing"]


@dataclass(frozen=True, slots=True)
class Recipient:
    """A system or a display, and what it is told of; it is never asked to answer.

    sites, grids, kinds, classes: () means all
    min_severity: nothing below it
    channels:     names of channels; every one of them gets every message
    updates:      also told what people did about an incident, and when it has cleared
    exercises:    also told of Vigil's own synthetic alarms, wherever they are; drills are told as what they rehearse

    Life safety that no recipient of a place wants, by kind, class or severity, is told to all of that place.
    """

    name: str
    channels: tuple[str, ...]
    sites: tuple[str, ...] = ()
    grids: tuple[str, ...] = ()
    min_severity: Severity = Severity.ADVISORY
    updates: bool = False
    kinds: tuple[Kind, ...] = ()
    classes: tuple[AlarmClass, ...] = ()
    exercises: bool = False

    def has_site(self, incident: Incident) -> bool:
        """Say whether the incident's site is theirs."""
        return not self.sites or incident.site in self.sites

    def has_grid(self, incident: Incident) -> bool:
        """Say whether the incident's grid is theirs."""
        return not self.grids or incident.grid in self.grids

    def wants(self, incident: Incident) -> bool:
        """Say whether it is of a kind and class that are theirs, and severe enough."""
        return (
            incident.severity.rank >= self.min_severity.rank
            and (not self.kinds or incident.kind in self.kinds)
            and (not self.classes or incident.alarm_class in self.classes)
        )


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
        self._named = {recipient.name: recipient for recipient in self._recipients}

    def named(self, name: str) -> Recipient | None:
        """Return the recipient of that name."""
        return self._named.get(name)

    def recipients_for(self, incident: Incident) -> Route:
        """Return who is told: those with the place; else all of the site; else everybody; else the console.

        What nobody wants goes to the console; life safety goes to those with the place all the same. A synthetic alarm
        goes to those who take exercises, and to nobody else.
        """
        if incident.exercise is Exercise.SYNTHETIC:
            return Route(tuple(r for r in self._recipients if r.exercises))
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
