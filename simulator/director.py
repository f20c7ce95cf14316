"""The director: when which incident begins."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator.scenario import Incident, write_incident
from simulator.stories import ScenarioKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from devices import Profile
    from simulator.fleet import Fleet

__all__ = ["Director", "ScenarioPlan"]

REST_S = 300.0
"""A device is left alone for so long after its incident, so that one story ends before the next."""


@dataclass(frozen=True, slots=True)
class ScenarioPlan:
    """Which incidents, and when.

    kinds:    each of these once at the beginning, in this order, then any of them
    first_s:  the first ones begin evenly spread between these, s after the start
    every_s:  later ones follow each other by a random time between these, s; None for none
    """

    kinds: tuple[ScenarioKind, ...] = tuple(ScenarioKind)
    first_s: tuple[float, float] = (3.0, 38.0)
    every_s: tuple[float, float] | None = (120.0, 240.0)


class Director:
    """Begins incidents at their times; one seed and fleet always give the same ones, to the µs after `begin_us`."""

    def __init__(
        self, fleet: Fleet, profiles: Mapping[str, Profile], plan: ScenarioPlan, seed: int, begin_us: int
    ) -> None:
        self._fleet = fleet
        self._profiles = profiles
        self._rng = random.Random(f"scenario-{seed}")  # noqa: S311 - a made-up story, not a secret
        self._cast: dict[int, int] = {}
        self._story = self._write(plan, begin_us)
        self._next = next(self._story, None)

    def due(self, now_us: int) -> list[Incident]:
        """Return the incidents that have begun since the last call."""
        begun = []
        while self._next is not None and self._next.starts_us <= now_us:
            begun.append(self._next)
            self._next = next(self._story, None)
        return begun

    def _write(self, plan: ScenarioPlan, begin_us: int) -> Iterator[Incident]:
        low, high = plan.first_s
        step = (high - low) / max(len(plan.kinds), 1)
        after_s = low
        playable = []  # a fleet without watches has no elder
        for place, kind in enumerate(plan.kinds):
            after_s = low + step * (place + self._rng.uniform(0.0, 0.5))
            incident = self._incident(kind, begin_us + int(after_s * 1e6))
            if incident is not None:
                playable.append(kind)
                yield incident
        while playable and plan.every_s is not None:
            after_s += self._rng.uniform(*plan.every_s)
            incident = self._incident(self._rng.choice(playable), begin_us + int(after_s * 1e6))
            if incident is not None:
                yield incident

    def _incident(self, kind: ScenarioKind, starts_us: int) -> Incident | None:
        self._cast = {row: until for row, until in self._cast.items() if until > starts_us}
        incident = write_incident(kind, self._fleet, self._profiles, self._rng, starts_us=starts_us, taken=self._cast)
        if incident is not None:
            self._cast |= {part.row: incident.ends_us + int(REST_S * 1e6) for part in incident.parts}
        return incident
