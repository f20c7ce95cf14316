"""Routes: which chain an incident goes to, which limits watch it, and in which grid it is.

What was found for a place and a rule is kept for the next incident of its like; that changes no answer.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from alerts.people.places import corners_of, holds

if TYPE_CHECKING:
    from alerts.incident import Incident
    from alerts.people.model import Chain, Directory, Route, StepLimits
    from devices.model import Kind
    from rules.model import AlarmClass, Severity

__all__ = ["KEPT", "Routes"]

KEPT: Final = 4096
"""So many answers of each sort are kept; beyond, those that were not asked for longest are found anew."""


class Routes:
    """The routes, limits and grids of `directory`."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._chains = {one.name: one for one in directory.chains}
        self._cells = [(one.name, one.site, corners_of(one.polygon)) for one in directory.grids if one.polygon]
        self.chain_of = lru_cache(KEPT)(self._find_chain)
        self._limits_of = lru_cache(KEPT)(self._find_limits)
        self._grid_at = lru_cache(KEPT)(self._find_grid)

    def chain_for(self, incident: Incident) -> Chain | None:
        """Return the chain of the first route that matches; None where none does."""
        return self.chain_of(
            incident.site,
            self.grid_of(incident),
            incident.building,
            incident.kind,
            incident.alarm_class,
            incident.rule_id,
            incident.severity,
        )

    def limits_for(self, incident: Incident) -> StepLimits | None:
        """Return the first limits that match; None where its steps are not watched."""
        return self._limits_of(incident.kind, incident.alarm_class, incident.severity)

    def grid_of(self, incident: Incident) -> str:
        """Return its grid: the ledger's, else the first of the site whose polygon it is in; "" where neither is."""
        if incident.grid or incident.latitude is None or incident.longitude is None:
            return incident.grid
        return self._grid_at(incident.site, incident.latitude, incident.longitude)

    def _find_chain(
        self,
        site: str,
        grid: str,
        building: str,
        kind: Kind,
        alarm_class: AlarmClass,
        rule_id: str,
        severity: Severity,
    ) -> Chain | None:
        for route in self._directory.routes:
            if (
                (not route.sites or site in route.sites)
                and (not route.grids or grid in route.grids)
                and (not route.buildings or building in route.buildings)
                and _fits(route, kind, alarm_class, severity)
                and (not route.rules or any(_is_named(rule_id, rule) for rule in route.rules))
            ):
                return self._chains.get(route.chain)
        return None

    def _find_limits(self, kind: Kind, alarm_class: AlarmClass, severity: Severity) -> StepLimits | None:
        fitting = (one for one in self._directory.limits if _fits(one, kind, alarm_class, severity))
        return next(fitting, None)

    def _find_grid(self, site: str, latitude: float, longitude: float) -> str:
        (point,) = corners_of(((latitude, longitude),))
        return next((name for name, of_site, cell in self._cells if of_site == site and holds(cell, point)), "")


def _fits(wanted: Route | StepLimits, kind: Kind, alarm_class: AlarmClass, severity: Severity) -> bool:
    return (
        (not wanted.kinds or kind in wanted.kinds)
        and (not wanted.classes or alarm_class in wanted.classes)
        and severity.rank >= wanted.min_severity.rank
    )


def _is_named(rule_id: str, pattern: str) -> bool:
    """Say whether `pattern`, an id or `prefix.*`, is about the rule."""
    return rule_id.startswith(pattern[:-1]) if pattern.endswith(".*") else rule_id == pattern
