"""Composite rules: other rules hold together, or one after the other, in one place.

Met while each rule of `all`, one of `any` and none of `none` counts (`rules.evidence`) on some device of the place, and
`then` has come about; that for the hold time, and it is raised. It ceases when it is no longer met.

- *then*: each rule was raised no later than `within_s` after the one before it, in event time, and the last one still
  counts. Of several raises of a rule the last one counts, so of what comes out of order not all is found.
- *Events* (and latched alarms) never cease. Each counts, from when it was said last, for `LINGER_S` longer than the
  hold time or `within_s`, whichever is longer: so far apart, two of them are still together. A composite of events thus
  ceases by itself, and the fall of next week raises it anew. One that is said again while the composite holds is said
  as repeated, once the hold time has passed again.
- *Events in `none`* (a button that cancels a fall) take away for good what was raised before them, or at the same time,
  and nothing that comes later: who falls again after cancelling is found.
- A rule that is not known to hold (it began before this one was loaded) does not hold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rules.evidence import NEVER_US, Weighing
from rules.relation import Relation
from rules.scene import us

if TYPE_CHECKING:
    from devices.model import Device
    from rules.model import CompositeTerms, Rule
    from rules.scene import Agenda, Scene

__all__ = ["LINGER_S", "Composite"]

LINGER_S: Final = 60.0
"""Devices of one place tell the same thing within a minute of one another; design."""


class Composite(Relation):
    """One variant of a composite rule."""

    def __init__(self, rule: Rule, terms: CompositeTerms, order: int, number: int, agenda: Agenda) -> None:
        heard = tuple(dict.fromkeys((*terms.all_of, *terms.any_of, *terms.then, *terms.none_of)))
        window_us = us(max(terms.within_s, rule.timing.hold_s) + LINGER_S)
        parts = tuple(rule_id not in terms.none_of for rule_id in heard)
        weighing = Weighing(parts, window_us, lingers=False, keeps=bool(terms.then))
        super().__init__(rule, terms.scope, order, number, agenda, heard, weighing)
        self._steps = len(terms.then)
        self._within_us = us(terms.within_s)
        self._all = frozenset(map(heard.index, terms.all_of))
        self._any = frozenset(map(heard.index, terms.any_of))
        self._none = frozenset(map(heard.index, terms.none_of))
        self._then = tuple(map(heard.index, terms.then))

    def _is_met(self, scene: Scene) -> bool:
        on = scene.on
        if self._then and self._then[-1] not in on:
            scene.reached_us = (*scene.reached_us[:-1], NEVER_US)
        return (
            bool(scene.counting)
            and self._all <= on.keys()
            and (not self._any or not self._any.isdisjoint(on))
            and (not self._then or scene.reached_us[-1] != NEVER_US)
            and self._none.isdisjoint(on)
            and scene.occurred_us > scene.cancelled_us
        )

    def _note(self, scene: Scene, rule: int, at_us: int, *, endless: bool) -> None:
        if not self._weighing.parts[rule]:
            if endless:
                scene.cancelled_us = max(scene.cancelled_us, at_us)
        elif rule in self._then:
            before = scene.reached_us
            scene.reached_us = tuple(
                max(before[step], at_us)
                if one == rule and (step == 0 or 0 <= at_us - before[step - 1] <= self._within_us)
                else before[step]
                for step, one in enumerate(self._then)
            )

    def _figures(self, scene: Scene) -> tuple[float | None, float | None]:
        del scene
        return None, None

    def watch(self, row: int, device: Device, by: int) -> None:
        """Count nothing: however many devices there are, one that says it is enough."""
