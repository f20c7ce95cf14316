"""A relation: a rule about what other rules say, in all places that it looks at. Its state machine, whole.

| a place is | and | then it is |
|---|---|---|
| idle | the condition is met | pending; raised at once, where there is no hold time |
| pending | the condition is no longer met | idle |
| pending | the hold time is up | raised, at the moment it was up |
| raised | more devices have a part, enough to be worth saying | repeated |
| raised | a rule that never ceases is said again, and the condition lasts for the hold time | repeated |
| raised | the condition is no longer met | ceased |
| raised | the anchor leaves the place | ceased on it; where the condition is still met, raised on another |

- *The anchor* is the device on which all of an occurrence is said: that whose fact was raised first, the lowest row of
  equals. It stays the anchor when its own rule ceases, so that what ends is what began.
- *More devices* are worth saying one by one up to sixteen, then by each eighth: a storm over n devices is told in few
  changes, of n members at most.
- *Time* is that of the change that decides, but not before all that has a part was raised. What runs out does so at its
  moment: before a later change of the same place is heard, or once our own clock has passed it. So however changes in
  order of time are divided into steps, each relation says the same; one over other relations hears of what ran out
  elsewhere at the end of a step.
- *Under several variants* of a rule (overrides), the devices of one place are as in two places, a variant each.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Final

from rules.evidence import NEVER_US
from rules.model import Change
from rules.places import PLACES
from rules.scene import FOREVER_US, TIMER, Occurrence, Scene, us

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devices.model import Device
    from rules.evidence import Fact, Weighing
    from rules.model import Rule, Scope
    from rules.places import Place
    from rules.scene import Agenda, Appointment

__all__ = ["Relation"]

_HOLD: Final = 0
_AGAIN: Final = 1


class Relation(ABC):
    """One variant of a relation rule.

    order:   its place among all relations: after those that it hears
    number:  its place among all variants
    heard:   ids of the rules that it hears, each once
    scenes:  place → what was said there, where anything was
    place_of: names the place of a device, None where it has none
    """

    def __init__(
        self,
        rule: Rule,
        scope: Scope,
        order: int,
        number: int,
        agenda: Agenda,
        heard: Sequence[str],
        weighing: Weighing,
    ) -> None:
        self.rule = rule
        self.order = order
        self.number = number
        self.heard = tuple(heard)
        self.scenes: dict[Place, Scene] = {}
        self.place_of = PLACES[scope]
        self._weighing = weighing
        self._hold_us = us(rule.timing.hold_s)
        self._steps = 0
        self._agenda = agenda
        self._index = {rule_id: index for index, rule_id in enumerate(self.heard)}

    # ── what a kind decides ──────────────────────────────────────────────────────────────────────────────────────

    @abstractmethod
    def _is_met(self, scene: Scene) -> bool:
        """Say whether the condition is met."""

    @abstractmethod
    def watch(self, row: int, device: Device, by: int) -> None:
        """Count a device that the rules watch: 1 as it comes, -1 as it goes."""

    @abstractmethod
    def _note(self, scene: Scene, rule: int, at_us: int, *, endless: bool) -> None:
        """Take note that `rule` was raised, or said again if it never ceases."""

    @abstractmethod
    def _figures(self, scene: Scene) -> tuple[float | None, float | None]:
        """Return the measure and the reference of a change."""

    # ── hearing ──────────────────────────────────────────────────────────────────────────────────────────────────

    def hear(self, change: Change, place: Place, now_us: int, said: list[Change], *, endless: bool) -> Scene | None:
        """Take in a change of a device of `place`; return what is to be judged then, None for nothing.

        endless: the change's rule never ceases
        said:    gains what ran out before
        """
        scene = self.scenes.get(place)
        rule, row, at_us = self._index[change.rule.id], change.device_row, change.time_us
        if scene is None:
            if not change.holds:
                return None
            scene = self.scene(place)
        elif at_us > scene.newest_us:
            self._run_out(scene, at_us, said)
        scene.newest_us = max(scene.newest_us, at_us)
        if not change.holds:
            fact = scene.cease(row, rule)
            if fact is None:
                return None
            if fact.fresh:
                self._queue(scene, row, rule, fact)
            return scene
        fact = scene.say(row, rule, at_us, now_us, endless=endless)
        if fact is None:
            self.tidy(place)
            return None
        if fact.fresh:
            self._queue(scene, row, rule, fact)
        self._note(scene, rule, at_us, endless=endless)
        if endless and self._weighing.parts[rule]:
            scene.is_said_again = True
        return scene

    def scene(self, place: Place) -> Scene:
        """Return the scene of `place`, a blank one where there was none."""
        scene = self.scenes.get(place)
        if scene is None:
            scene = self.scenes[place] = Scene(place, self._weighing, self._steps)
        return scene

    def judge(self, scene: Scene, at_us: int, said: list[Change], *, late: bool) -> None:
        """Say what the evidence, as it is since `at_us`, makes of the scene."""
        is_said_again, scene.is_said_again = scene.is_said_again, False
        occurrence = scene.occurrence
        is_met = self._is_met(scene)
        if occurrence is not None:
            if not is_met:
                self._end(scene, occurrence, at_us, said, late=late)
            elif occurrence.is_worth_saying(len(scene.counting)) or (is_said_again and not self._hold_us):
                self._repeat(scene, occurrence, at_us, said, late=late)
            elif is_said_again and scene.again_us == FOREVER_US:
                scene.again_us = at_us + self._hold_us
                self._put(scene, scene.again_us, _AGAIN)
        elif not is_met:
            scene.due_us = FOREVER_US
        elif scene.due_us == FOREVER_US:
            scene.since_us, scene.is_late = max(at_us, scene.occurred_us), late
            if self._hold_us:
                scene.due_us = scene.since_us + self._hold_us
                self._put(scene, scene.due_us, _HOLD)
            else:
                self._raise(scene, scene.since_us, said)
        if scene.is_empty:
            self.tidy(scene.place)

    def tidy(self, place: Place) -> None:
        """Forget the scene of `place` where nothing is left of it."""
        scene = self.scenes.get(place)
        if scene is not None and scene.is_over:
            del self.scenes[place]

    # ── time ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def wake(self, appointment: Appointment, said: list[Change]) -> None:
        """Let run out what was due, if it still is."""
        due_us, _, _, place, row, rule = appointment
        scene = self.scenes.get(place)
        if scene is None:
            return
        if row == TIMER:
            if due_us == (scene.due_us if rule == _HOLD else scene.again_us):
                self._fire(scene, rule, said)
            return
        fact = scene.fact(row, rule)
        if fact is None or fact.wakes_us != due_us:
            return
        fact.wakes_us = NEVER_US
        if not fact.fresh:
            return
        if scene.wake_us(fact) > due_us:
            self._queue(scene, row, rule, fact)
            return
        scene.end(row, rule)
        self.judge(scene, scene.over_us(fact) - 1, said, late=False)

    def _run_out(self, scene: Scene, at_us: int, said: list[Change]) -> None:
        """Let run out what does so before `at_us`, in order of time."""
        while True:
            end = scene.next_end(at_us)
            timer = _HOLD if scene.due_us <= scene.again_us else _AGAIN
            due_us = min(scene.due_us, scene.again_us)
            if due_us <= at_us and (end is None or due_us < end[0]):
                self._fire(scene, timer, said)
            elif end is not None:
                over_us, row, rule = end
                scene.end(row, rule)
                self.judge(scene, over_us - 1, said, late=False)
            else:
                break
        self.scenes[scene.place] = scene

    def _fire(self, scene: Scene, timer: int, said: list[Change]) -> None:
        if timer == _HOLD:
            due_us, scene.due_us = scene.due_us, FOREVER_US
            self._raise(scene, due_us, said)
        elif scene.occurrence is not None:
            again_us, scene.again_us = scene.again_us, FOREVER_US
            self._repeat(scene, scene.occurrence, again_us, said, late=False)

    def _put(self, scene: Scene, due_us: int, timer: int) -> None:
        self._agenda.put((due_us, self.order, self.number, scene.place, TIMER, timer))

    def _queue(self, scene: Scene, row: int, rule: int, fact: Fact) -> None:
        if fact.wakes_us == NEVER_US:
            fact.wakes_us = scene.wake_us(fact)
            self._agenda.put((fact.wakes_us, self.order, self.number, scene.place, row, rule))

    # ── saying ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _raise(self, scene: Scene, at_us: int, said: list[Change]) -> None:
        scene.occurrence = Occurrence(scene.first(), at_us, scene.since_us, len(scene.counting))
        said.append(self._change(scene, scene.occurrence, at_us, holds=True, late=scene.is_late))

    def _repeat(self, scene: Scene, occurrence: Occurrence, at_us: int, said: list[Change], *, late: bool) -> None:
        occurrence.told = max(occurrence.told, len(scene.counting))
        said.append(self._change(scene, occurrence, at_us, holds=True, late=late, repeated=True))

    def _end(self, scene: Scene, occurrence: Occurrence, at_us: int, said: list[Change], *, late: bool) -> None:
        said.append(self._change(scene, occurrence, at_us, holds=False, late=late))
        scene.occurrence, scene.again_us = None, FOREVER_US

    def _change(
        self,
        scene: Scene,
        occurrence: Occurrence,
        at_us: int,
        *,
        holds: bool,
        late: bool,
        repeated: bool = False,
    ) -> Change:
        measure, reference = self._figures(scene)
        return Change(
            occurrence.anchor,
            -1,
            self.rule,
            holds,
            repeated,
            late,
            max(at_us, occurrence.raised_us),
            occurrence.since_us,
            measure=measure,
            reference=reference,
            members=scene.members(),
        )

    # ── the registry, and our own clock ──────────────────────────────────────────────────────────────────────────

    def leave(self, row: int, place: Place, *, stays: bool) -> list[tuple[str, Fact]]:
        """Take out what is known of a device of `place`, and return it by rule id; `review` then judges.

        stays: it comes back to the same place at once
        """
        scene = self.scenes.get(place)
        if scene is None:
            return []
        if scene.occurrence is not None and scene.occurrence.anchor == row:
            scene.occurrence.is_left |= not stays
        return [(self.heard[rule], fact) for rule, fact in scene.leave(row)]

    def enter(self, row: int, place: Place, rule_id: str, fact: Fact) -> None:
        """Take in what is known of a device that came to `place`; `review` then judges."""
        scene, rule = self.scene(place), self._index[rule_id]
        if scene.enter(row, rule, fact) and fact.fresh:
            self._queue(scene, row, rule, fact)

    def review(self, place: Place, now_us: int, said: list[Change]) -> None:
        """Judge a scene whose devices are not what they were."""
        scene = self.scenes.get(place)
        if scene is None:
            return
        if scene.occurrence is not None and scene.occurrence.is_left:
            self._end(scene, scene.occurrence, now_us, said, late=False)
        self.judge(scene, now_us, said, late=False)

    def bound(self, now_us: int) -> None:
        """Bring every time that lies after `now_us` back to it. The agenda was cleared before."""
        for scene in self.scenes.values():
            was_cancelled = scene.cancelled_us >= scene.occurred_us
            scene.bound(now_us)
            scene.cancelled_us = min(scene.cancelled_us, now_us if was_cancelled else scene.occurred_us - 1)
            scene.reached_us = [min(at_us, now_us) for at_us in scene.reached_us]
            if scene.occurrence is not None:
                scene.occurrence.bound(now_us)
            if scene.due_us != FOREVER_US:
                scene.due_us = min(scene.due_us, now_us + self._hold_us)
                scene.since_us = scene.due_us - self._hold_us
            if scene.again_us != FOREVER_US:
                scene.again_us = min(scene.again_us, now_us + self._hold_us)
            self.resume(scene)

    def resume(self, scene: Scene) -> None:
        """Put all that the scene waits for on the agenda."""
        if scene.due_us != FOREVER_US:
            self._put(scene, scene.due_us, _HOLD)
        if scene.again_us != FOREVER_US:
            self._put(scene, scene.again_us, _AGAIN)
        for row, rule, fact in scene.facts():
            fact.wakes_us = NEVER_US
            if fact.fresh:
                self._queue(scene, row, rule, fact)
