"""Neighbourhoods by distance: enough devices within a radius of one another, wherever that is.

Clusters (`rules.clusters`) of the devices on which a rule counts are looked for at the end of a step in which one came
or went; where many count, not before as many milliseconds as devices have passed since the last look. Each cluster that
is big enough is one occurrence, however many circles it takes to cover it.

- *An occurrence goes on* in the cluster that has its anchor, else in the first that has one of its devices. Of two that
  grew together the older one goes on, the other ceases. What parts from an occurrence and is still big enough is raised
  as one of its own.
- *The share* is of the devices within the radius of one that has a part. Where no share is asked for and many count,
  nobody counts those: the changes have no reference.
- *Time* is when the last of its devices was raised; of what came about otherwise, and of what ceases, that of the look.
  A device without coordinates is near nobody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rules.clusters import Grid, clusters, point_at
from rules.evidence import NEVER_US
from rules.model import Change
from rules.neighbourhood import Neighbourhood
from rules.places import EVERYWHERE
from rules.scene import TIMER, Occurrence

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from devices.model import Device
    from rules.clusters import Cell, Point
    from rules.evidence import Fact
    from rules.model import NeighbourhoodTerms, Rule
    from rules.places import Place
    from rules.scene import Agenda, Appointment, Scene

__all__ = ["Nearby"]

_AT_ONCE: Final = 256
"""Up to so many devices are looked at in every step in which something changed."""

_US_A_DEVICE: Final = 1_000
_LOOK: Final = 2


class Nearby(Neighbourhood):
    """One variant of a neighbourhood rule by distance.

    point_of:    device row → where it is; asked only for devices that have a place
    occurrences: anchor → occurrence and the rows that have a part in it, as of the last look
    changed:     whether a device came or went since the last look, which was at `looked_us`
    late:        rows that came by a late change since then
    """

    def __init__(
        self,
        rule: Rule,
        terms: NeighbourhoodTerms,
        order: int,
        number: int,
        agenda: Agenda,
        point_of: Callable[[int], Point],
    ) -> None:
        super().__init__(rule, terms, order, number, agenda)
        self.occurrences: list[tuple[Occurrence, tuple[int, ...]]] = []
        self.changed = False
        self.looked_us = 0
        self.late: set[int] = set()
        self._due_us = NEVER_US
        self._is_counted = True
        self._grid = Grid(terms.radius_m)
        self._point_of = point_of
        self._map: dict[Cell, set[int]] = {}
        self._points: dict[int, Point] = {}

    # ── hearing ──────────────────────────────────────────────────────────────────────────────────────────────────

    def hear(self, change: Change, place: Place, now_us: int, said: list[Change], *, endless: bool) -> Scene | None:
        """Take in a change; clusters are looked for at the end of the step."""
        scene = super().hear(change, place, now_us, said, endless=endless)
        if scene is not None and change.late and change.holds:
            self.late.add(change.device_row)
        return scene

    def judge(self, scene: Scene, at_us: int, said: list[Change], *, late: bool) -> None:
        """Have the clusters looked for."""
        del at_us, said, late
        self.changed = True
        scene.is_said_again = False
        self.tidy(scene.place)

    def wake(self, appointment: Appointment, said: list[Change]) -> None:
        """Let run out what is due; a look that is due is taken at the end of the step."""
        if appointment[4] != TIMER:
            super().wake(appointment, said)

    # ── looking ──────────────────────────────────────────────────────────────────────────────────────────────────

    def look(self, now_us: int, said: list[Change]) -> None:
        """Say what became of the clusters, where something changed and it is time."""
        if not self.changed:
            return
        scene = self.scenes.get(EVERYWHERE)
        rows = scene.counting if scene is not None else {}
        due_us = self.looked_us + len(rows) * _US_A_DEVICE
        if len(rows) > _AT_ONCE and self.looked_us <= now_us < due_us:
            if due_us != self._due_us:
                self._due_us = due_us
                self._agenda.put((due_us, self.order, self.number, EVERYWHERE, TIMER, _LOOK))
            return
        before_us, self.looked_us, self.changed = self.looked_us, now_us, False
        self._is_counted = self._share > 0 or len(rows) <= _AT_ONCE
        found = clusters({row: self._point(row) for row in rows}, self._grid, self._at_least)
        if self._share:
            found = [members for members in found if self._are_enough(len(members), self._devices_round(members))]
        raised_us = self._raised_us(scene) if scene is not None else {}
        self._match(found, raised_us, before_us, now_us, said)
        self.late.clear()
        self._points.clear()

    def _match(
        self, found: list[tuple[int, ...]], raised_us: dict[int, int], before_us: int, now_us: int, said: list[Change]
    ) -> None:
        """Let each occurrence go on in one of the clusters `found`, or cease; raise the clusters that are left.

        raised_us: device row → when its first fact was raised
        before_us: when clusters were looked for last
        """
        cluster_of = {row: nth for nth, members in enumerate(found) for row in members}
        going_on: dict[int, Occurrence] = {}
        self.occurrences.sort(key=lambda one: (one[0].raised_us, one[0].anchor))
        for occurrence, were in self.occurrences:
            nth = None if occurrence.is_left else self._cluster(occurrence, were, cluster_of)
            if nth is None or nth in going_on:
                left = tuple(row for row in were if row in raised_us)
                said.append(self._said(occurrence, left, now_us, holds=False))
            else:
                going_on[nth] = occurrence
        self.occurrences = []
        for nth, members in enumerate(found):
            late = not self.late.isdisjoint(members)
            if nth not in going_on:
                newest_us = max(raised_us[row] for row in members)
                at_us = newest_us if newest_us > before_us else now_us
                anchor = min(members, key=lambda row: (raised_us[row], row))
                occurrence = Occurrence(anchor, at_us, at_us, len(members))
                said.append(self._said(occurrence, members, at_us, holds=True, late=late))
            else:
                occurrence = going_on[nth]
                if occurrence.is_worth_saying(len(members)):
                    occurrence.told = len(members)
                    said.append(self._said(occurrence, members, now_us, holds=True, repeated=True, late=late))
            self.occurrences.append((occurrence, members))

    def _cluster(self, occurrence: Occurrence, were: Sequence[int], cluster_of: dict[int, int]) -> int | None:
        at_anchor = cluster_of.get(occurrence.anchor)
        if at_anchor is not None:
            return at_anchor
        return min((cluster_of[row] for row in were if row in cluster_of), default=None)

    def _point(self, row: int) -> Point:
        """Return where a device is; worked out once a look."""
        point = self._points.get(row)
        if point is None:
            point = self._points[row] = self._point_of(row)
        return point

    def _raised_us(self, scene: Scene) -> dict[int, int]:
        """Return when the first fact that counts of each device was raised."""
        found: dict[int, int] = {}
        for row, _, fact in scene.facts():
            if row in scene.counting:
                found[row] = min(found.get(row, fact.raised_us), fact.raised_us)
        return found

    def _devices_round(self, members: Sequence[int]) -> int:
        """Return how many of the devices that the rules watch are within the radius of one of `members`."""
        by_cell: dict[Cell, list[Point]] = {}
        for point in map(self._point, members):
            by_cell.setdefault(self._grid.cell(point), []).append(point)
        near: dict[Cell, list[Point]] = {}
        for cell, its_points in by_cell.items():
            for other in self._grid.near(cell):
                if other in self._map and other not in by_cell:
                    near.setdefault(other, []).extend(its_points)
        count = sum(len(self._map.get(cell, ())) for cell in by_cell)
        for cell, its_points in near.items():
            others = map(self._point, self._map[cell])
            count += sum(any(self._grid.are_near(point, other) for point in its_points) for other in others)
        return count

    def _said(
        self,
        occurrence: Occurrence,
        members: tuple[int, ...],
        at_us: int,
        *,
        holds: bool,
        repeated: bool = False,
        late: bool = False,
    ) -> Change:
        return Change(
            occurrence.anchor,
            -1,
            self.rule,
            holds,
            repeated,
            late,
            max(at_us, occurrence.raised_us),
            occurrence.since_us,
            measure=float(len(members)),
            reference=float(max(len(members), self._devices_round(members))) if self._is_counted else None,
            members=members,
        )

    # ── the registry, and our own clock ──────────────────────────────────────────────────────────────────────────

    def watch(self, row: int, device: Device, by: int) -> None:
        """Take a device that the rules watch onto the map, 1, or off it, -1."""
        if device.latitude is None or device.longitude is None:
            return
        cell = self._grid.cell(point_at(device.latitude, device.longitude))
        if by > 0:
            self._map.setdefault(cell, set()).add(row)
        else:
            self._map[cell].remove(row)
            if not self._map[cell]:
                del self._map[cell]

    def leave(self, row: int, place: Place, *, stays: bool) -> list[tuple[str, Fact]]:
        """Take out what is known of a device."""
        for occurrence, _ in self.occurrences:
            occurrence.is_left |= occurrence.anchor == row and not stays
        return super().leave(row, place, stays=stays)

    def bound(self, now_us: int) -> None:
        """Bring every time that lies after `now_us` back to it."""
        super().bound(now_us)
        self._due_us = NEVER_US
        self.looked_us = min(self.looked_us, now_us)
        for occurrence, _ in self.occurrences:
            occurrence.bound(now_us)
