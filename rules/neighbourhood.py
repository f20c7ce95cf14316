"""Neighbourhood rules: any of some rules, on so many devices of one place.

Met while one of the rules holds now, however long already, or was raised within `within_s`: on at least `at_least`
devices, and at least the share of those that any of the rules watches.

- *What holds counts while it holds*, however old: two detectors that sound are two detectors that sound, with seconds
  or an hour between them, and somebody must hear of it. The window is for what no longer holds, or never ceases
  (events, latched alarms): `within_s` makes more count, never less. Whoever wants only what comes together lets it hear
  rules that end by themselves (a fall of pressure), or asks for a share: ten dead batteries of a year are no power
  failure where half of the building must be silent.
- *The share* is of the devices of the place that the rules watch now: retired ones are not among them, nor those under
  maintenance but for what guards lives.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rules.evidence import Weighing
from rules.relation import Relation
from rules.scene import us

if TYPE_CHECKING:
    from devices.model import Device
    from rules.model import NeighbourhoodTerms, Rule
    from rules.places import Place
    from rules.scene import Agenda, Scene

__all__ = ["Neighbourhood"]

_ROUNDING: Final = 1e-9


class Neighbourhood(Relation):
    """One variant of a neighbourhood rule.

    devices: place → how many devices its rules watch there
    """

    def __init__(self, rule: Rule, terms: NeighbourhoodTerms, order: int, number: int, agenda: Agenda) -> None:
        heard = tuple(dict.fromkeys(terms.rules))
        window_us = us(terms.within_s)
        weighing = Weighing((True,) * len(heard), window_us, lingers=True, keeps=window_us > 0)
        super().__init__(rule, terms.scope, order, number, agenda, heard, weighing)
        self.devices: dict[Place, int] = {}
        self._at_least = terms.at_least
        self._share = terms.share

    def _is_met(self, scene: Scene) -> bool:
        return self._are_enough(len(scene.counting), self.devices.get(scene.place, 0))

    def _are_enough(self, found: int, devices: int) -> bool:
        return found >= max(self._at_least, 1) and found >= self._share * devices - _ROUNDING

    def _note(self, scene: Scene, rule: int, at_us: int, *, endless: bool) -> None:
        """Any of the rules is as good as another."""

    def _figures(self, scene: Scene) -> tuple[float | None, float | None]:
        found = len(scene.counting)
        return float(found), float(max(found, self.devices.get(scene.place, 0)))

    def watch(self, row: int, device: Device, by: int) -> None:
        """Count a device that the rules watch: 1 as it comes, -1 as it goes."""
        del row
        place = self.place_of(device)
        if place is not None:
            devices = self.devices.get(place, 0) + by
            if devices:
                self.devices[place] = devices
            else:
                del self.devices[place]
