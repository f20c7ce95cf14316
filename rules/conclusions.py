"""Conclusions: what is said in the end, after schedules, maintenance windows and relations had their say.

A change passes the gate (`rules.gate`); then the relations hear it that are about its rule (`rules.neighbourhood`,
`rules.composite`), each after those that it hears itself. What they say passes the gate in its turn, and is heard by
others. Rules of the mode *part* are heard like any others, and taken out at the end.

What one step says, in this order:
1. what the registry's changes did to relations, by relation and place;
2. what was withheld and is raised now, by device row and rule, relations last;
3. each change of the block, followed by what it brings about, in order of the relations;
4. what ran out by now, in order of time;
5. neighbourhoods by distance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.profile import MetricType
from rules.authoring.relations import heard_by
from rules.census import Census
from rules.clusters import point_at
from rules.composite import Composite
from rules.conclusions_state import encode, fill
from rules.gate import Gate
from rules.model import AlarmTerms, CompositeTerms, NeighbourhoodTerms, RuleMode, Scope
from rules.nearby import Nearby
from rules.neighbourhood import Neighbourhood
from rules.scene import Agenda

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from devices.model import Device
    from devices.profile import Profile
    from rules.census import Standing
    from rules.clusters import Point
    from rules.evidence import Fact
    from rules.model import Change, Rule
    from rules.places import Place
    from rules.relation import Relation
    from rules.ruleset import RuleSet
    from rules.scene import Scene

__all__ = ["Conclusions"]


class Conclusions:
    """Says what follows from the changes of a step.

    profiles: tell which alarms are of events, which never cease; of a metric that they do not have that is not known,
              and its rules are taken to cease
    Raises ValueError where a relation hears itself, through whatever others.
    """

    def __init__(self, rules: RuleSet, profiles: Mapping[str, Profile] | None = None) -> None:
        self._profiles = profiles or {}
        self._natures: dict[int, tuple[Rule, bool, bool]] = {}
        self._agenda = Agenda()
        self._has_parts = any(rule.mode is RuleMode.PART for rule in _every(rules))
        order = in_order(rules)
        self._listeners = _listeners(order)
        self._relations = self._variants(rules, order)
        self._nearby = [relation for relation in self._relations if isinstance(relation, Nearby)]
        by_rule = {id(relation.rule): relation for relation in self._relations}
        self._census = Census(rules, order, _bases(order), lambda rule: by_rule[id(rule)])
        self._gate = Gate(rules, self._census.device, self._is_event)
        self._is_gated = self._gate.is_needed
        self._dirty: set[tuple[int, int, Place]] = set()
        self._next_us = 0

    def _variants(self, rules: RuleSet, order: Sequence[Rule]) -> list[Relation]:
        """Return every relation as it may be in force, in their order, the one without overrides first."""
        found: list[Relation] = []
        for nth, base in enumerate(order):
            others = (one.rule for one in rules.variants if one.rule_id == base.id and one.rule is not None)
            for rule in (base, *others):
                found.append(self._relation(rule, nth, len(found)))
        return found

    def _relation(self, rule: Rule, order: int, number: int) -> Relation:
        match rule.terms:
            case NeighbourhoodTerms(scope=Scope.RADIUS) as terms:
                return Nearby(rule, terms, order, number, self._agenda, self._point_of)
            case NeighbourhoodTerms() as terms:
                return Neighbourhood(rule, terms, order, number, self._agenda)
            case CompositeTerms() as terms:
                return Composite(rule, terms, order, number, self._agenda)
            case _:
                raise TypeError(f"rule {rule.id!r} is of kind {rule.kind}; wanted a relation")

    # ── devices ──────────────────────────────────────────────────────────────────────────────────────────────────

    def sync(self, devices: Iterable[tuple[int, Device]]) -> None:
        """Take up devices that are new or not what they were; the next step says what comes of it."""
        census = self._census
        if not self._relations and not self._is_gated:
            for row, device in devices:
                census.put(row, device)
            return
        for row, device in devices:
            before, stood, stands = census.device(row), census.standing(row), census.standing_of(device)
            if before is None or stood is None:
                self._join(row, device, stands)
            elif stood is stands and before == device:
                continue
            else:
                self._move(row, before, stood, device, stands)
            census.put(row, device)
            if self._is_gated:
                self._gate.review(row, stands.rules)
                self._next_us = min(self._next_us, self._gate.next_us)

    def _join(self, row: int, device: Device, stands: Standing) -> None:
        """Count a new device in its places; with one more, a share may no longer be enough."""
        for relation in stands.relations:
            if relation is not None:
                relation.watch(row, device, 1)
                place = relation.place_of(device) if relation.scenes else None
                if place is not None and place in relation.scenes:
                    self._disturb(relation, place)

    def _move(self, row: int, before: Device, stood: Standing, device: Device, stands: Standing) -> None:
        """Take what is known of a device from the places where it was to those where it is."""
        for old, new in zip(stood.relations, stands.relations, strict=True):
            place = None if old is None else old.place_of(before)
            to = None if new is None else new.place_of(device)
            facts: list[tuple[str, Fact]] = []
            if old is not None:
                old.watch(row, before, -1)
                if place is not None:
                    facts = old.leave(row, place, stays=old is new and place == to)
            if new is not None:
                new.watch(row, device, 1)
                if to is not None:
                    for rule_id, fact in facts:
                        if stood.goes_on(rule_id, stands):
                            new.enter(row, to, rule_id, fact)
            for relation, its_place in ((old, place), (new, to)):
                if relation is not None and its_place is not None:
                    relation.tidy(its_place)
                    self._disturb(relation, its_place)

    def _disturb(self, relation: Relation, place: Place) -> None:
        """Have a place looked at in the next step, whether anything is said of it or not."""
        if isinstance(relation, Nearby):
            relation.changed = True
        else:
            self._dirty.add((relation.order, relation.number, place))
        self._next_us = 0

    def _point_of(self, row: int) -> Point:
        device = self._census.device(row)
        if device is None or device.latitude is None or device.longitude is None:
            raise ValueError(f"device row {row} has no coordinates; wanted one that has a place")
        return point_at(device.latitude, device.longitude)

    # ── folding ──────────────────────────────────────────────────────────────────────────────────────────────────

    def step(self, changes: list[Change], now_us: int) -> list[Change]:
        """Return what is said: `changes`, those of one step in order, and what follows from them and from the time."""
        if not self._relations and not self._is_gated:
            return (
                [change for change in changes if change.rule.mode is not RuleMode.PART] if self._has_parts else changes
            )
        if not changes and now_us < self._next_us:
            return changes
        said: list[Change] = []
        opening = self._gate.turn(now_us, changes)
        for _, number, place in sorted(self._dirty):
            found: list[Change] = []
            self._relations[number].review(place, now_us, found)
            self._say(found, now_us, said)
        self._dirty.clear()
        self._spread(self._gate.opened(opening, changes, now_us), now_us, said)
        for change in changes:
            self._say((change,), now_us, said)
        self._run_out(now_us, said)
        for relation in self._nearby:
            found = []
            relation.look(now_us, found)
            self._say(found, now_us, said)
        self._next_us = min(self._agenda.next_us, self._gate.next_us)
        return [change for change in said if change.rule.mode is not RuleMode.PART] if self._has_parts else said

    def _say(self, changes: Iterable[Change], now_us: int, said: list[Change]) -> None:
        """Say each of `changes` that passes the gate, and what follows from it."""
        for change in changes:
            passed = self._gate.passes(change) if self._is_gated else change
            if passed is not None:
                self._spread((passed,), now_us, said)

    def _spread(self, changes: Iterable[Change], now_us: int, said: list[Change]) -> None:
        """Say `changes`, which passed the gate and count at once, and what follows from them.

        A relation hears all that the ones before it said before it judges: so what hangs on two of them is judged once.
        """
        heard: dict[int, list[Change]] = {}
        for change in changes:
            said.append(change)
            for order in self._listeners.get(change.rule.id, ()):
                heard.setdefault(order, []).append(change)
        while heard:
            order = min(heard)
            for change in self._judged(order, heard.pop(order), now_us):
                passed = self._gate.passes(change) if self._is_gated else change
                if passed is not None:
                    said.append(passed)
                    for later in self._listeners.get(passed.rule.id, ()):
                        heard.setdefault(later, []).append(passed)

    def _judged(self, order: int, changes: Sequence[Change], now_us: int) -> list[Change]:
        """Have the relations of `order` hear `changes`, and return what they say.

        A place is judged once it has heard all of them, or what is of a later time is next.
        """
        said: list[Change] = []
        heard: dict[int, tuple[Relation, Scene, int, bool]] = {}
        for change in changes:
            row = change.device_row
            device, standing = self._census.device(row), self._census.standing(row)
            relation = None if standing is None else standing.relations[order]
            place = None if relation is None or device is None else relation.place_of(device)
            if relation is None or place is None:
                continue
            if heard:
                scene = relation.scenes.get(place)
                if scene is not None and change.time_us > scene.newest_us and id(scene) in heard:
                    _, _, at_us, late = heard.pop(id(scene))
                    relation.judge(scene, at_us, said, late=late)
            scene = relation.hear(change, place, now_us, said, endless=self._is_endless(change.rule))
            if scene is None:
                continue
            if len(changes) == 1:
                relation.judge(scene, change.time_us, said, late=change.late)
                continue
            _, _, at_us, late = heard.get(id(scene), (relation, scene, change.time_us, False))
            heard[id(scene)] = relation, scene, max(at_us, change.time_us), late or change.late
        for relation, scene, at_us, late in heard.values():
            relation.judge(scene, at_us, said, late=late)
        return said

    def _run_out(self, now_us: int, said: list[Change]) -> None:
        while self._agenda.next_us <= now_us:
            appointment = self._agenda.take()
            found: list[Change] = []
            self._relations[appointment[2]].wake(appointment, found)
            self._say(found, now_us, said)

    def _is_endless(self, rule: Rule) -> bool:
        return self._nature(rule)[2]

    def _is_event(self, rule: Rule) -> bool:
        return self._nature(rule)[1]

    def _nature(self, rule: Rule) -> tuple[Rule, bool, bool]:
        """Return the rule (so that its id stays its own), whether it is of an event, and whether it never ceases."""
        found = self._natures.get(id(rule))
        if found is None:
            profile = self._profiles.get(rule.profile)
            metric = None if profile is None else profile.metrics.get(rule.metric)
            terms = rule.terms
            is_alarm = isinstance(terms, AlarmTerms)
            is_event = is_alarm and metric is not None and metric.type is MetricType.EVENT
            is_latched = isinstance(terms, AlarmTerms) and terms.latched
            found = self._natures[id(rule)] = rule, is_event, is_event or is_latched
        return found

    # ── state ────────────────────────────────────────────────────────────────────────────────────────────────────

    def bound(self, now_us: int) -> None:
        """Bring every time that lies after `now_us` back to it: the fold's clock was set back."""
        self._agenda.clear()
        for relation in self._relations:
            relation.bound(now_us)
        self._gate.bound(now_us)
        self._next_us = 0

    def snapshot(self) -> bytes:
        """Return the whole state; `restore` takes it. Equal states give equal bytes, and no state none."""
        return encode(self._relations, self._census, self._gate)

    def restore(self, data: bytes) -> Sequence[str]:
        """Fill fresh conclusions, once `sync` knows the devices, from a snapshot; rules may be others now.

        Returns the ids of the rules whose state is not that of any rule now, in order. Of a relation that is new, what
        holds already is not known until it is said again. (Nor is it, of a device that had no place before.)
        """
        dropped = fill(data, self._relations, self._census, self._gate) if data else []
        self._is_gated |= any(self._gate.withheld())
        self._dirty.update(
            (relation.order, relation.number, place)
            for relation in self._relations
            for place in relation.scenes
            if not isinstance(relation, Nearby)
        )
        self._next_us = 0
        return dropped


def in_order(rules: RuleSet) -> tuple[Rule, ...]:
    """Return the relations, each after those that it hears, else as `rules` has them.

    Raises ValueError where one hears itself.
    """
    relations = {rule.id: rule for rule in rules.relations}
    found: dict[str, Rule] = {}

    def put(rule: Rule, trail: tuple[str, ...]) -> None:
        if rule.id in trail:
            raise ValueError(f"rule {rule.id!r} hears itself: {' → '.join((*trail, rule.id))}; wanted no cycle")
        if rule.id in found:
            return
        for heard in heard_by(rule):
            if heard in relations:
                put(relations[heard], (*trail, rule.id))
        found[rule.id] = rule

    for rule in relations.values():
        put(rule, ())
    return tuple(found.values())


def _listeners(order: Sequence[Rule]) -> Mapping[str, tuple[int, ...]]:
    """Return rule id → the relations that hear it, by their order."""
    found: dict[str, tuple[int, ...]] = {}
    for nth, rule in enumerate(order):
        for heard in dict.fromkeys(heard_by(rule)):
            found[heard] = (*found.get(heard, ()), nth)
    return found


def _bases(order: Sequence[Rule]) -> list[frozenset[str]]:
    """Return, of each relation, the ids of the rules that it hears in the end, through other relations."""
    found: dict[str, frozenset[str]] = {}
    for rule in order:
        found[rule.id] = frozenset().union(*(found.get(heard, {heard}) for heard in heard_by(rule)))
    return list(found.values())


def _every(rules: RuleSet) -> list[Rule]:
    return [*rules.rules, *(variant.rule for variant in rules.variants if variant.rule is not None)]
