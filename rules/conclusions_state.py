"""The state of conclusions as bytes. Equal states give equal bytes; where nothing is remembered there are none.

Rules go by their keys (`compiler.key_of`): what is known goes on under a rule that decides alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from rules.compiler import key_of, rule_of_key
from rules.evidence import Fact
from rules.model import Change
from rules.nearby import Nearby
from rules.places import Place  # msgspec reads it
from rules.scene import FOREVER_US, Occurrence

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rules.census import Census
    from rules.gate import Gate
    from rules.model import Rule
    from rules.relation import Relation
    from rules.scene import Scene

__all__ = ["encode", "fill"]


class _Occurrence(msgspec.Struct, frozen=True, array_like=True):
    """As `relation.Occurrence`; members only of neighbourhoods by distance."""

    anchor: int
    raised_us: int
    since_us: int
    told: int
    is_left: bool
    members: tuple[int, ...] = ()

    @classmethod
    def of(cls, one: Occurrence, members: tuple[int, ...] = ()) -> _Occurrence:
        return cls(one.anchor, one.raised_us, one.since_us, one.told, one.is_left, members)

    def back(self) -> Occurrence:
        return Occurrence(self.anchor, self.raised_us, self.since_us, self.told, is_left=self.is_left)


class _Fact(msgspec.Struct, frozen=True, array_like=True):
    """As `evidence.Fact`; key: of the rule, a place in `_State.keys`; rule: its place among those heard."""

    row: int
    rule: int
    key: int
    raised_us: int
    arrived_us: int
    endless: bool
    holds: bool
    fresh: bool


class _Scene(msgspec.Struct, frozen=True, array_like=True):
    """As `relation.Scene`; key: of the relation."""

    key: int
    place: Place
    newest_us: int
    occurred_us: int
    cancelled_us: int
    reached_us: list[int]
    since_us: int
    due_us: int
    again_us: int
    is_late: bool
    occurrence: _Occurrence | None
    facts: list[_Fact]


class _Nearby(msgspec.Struct, frozen=True, array_like=True):
    """As `nearby.Nearby`."""

    key: int
    occurrences: list[_Occurrence]
    changed: bool
    looked_us: int
    late: list[int]


class _Withheld(msgspec.Struct, frozen=True, array_like=True):
    """As `model.Change`; key: of its rule."""

    key: int
    device_row: int
    channel: int
    holds: bool
    repeated: bool
    late: bool
    time_us: int
    since_us: int
    value: float | None
    measure: float | None
    reference: float | None
    low: float | None
    high: float | None
    members: tuple[int, ...]


class _State(msgspec.Struct, frozen=True, array_like=True):
    """All of it; rules are numbered by their place in `keys`.

    holding: rule and device row of what holds and is named in `unless`
    """

    keys: list[bytes]
    scenes: list[_Scene]
    nearby: list[_Nearby]
    withheld: list[_Withheld]
    holding: list[tuple[int, int]] = []


_SAID = tuple(name for name in _Withheld.__struct_fields__ if name != "key")
_NO_KEY = -1


# ── out ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def encode(relations: Sequence[Relation], census: Census, gate: Gate) -> bytes:
    """Return the state of `relations` and `gate`."""
    keys = _Keys(census)
    state = _State(
        keys=keys.found,
        scenes=[
            _scene(relation, scene, keys) for relation in relations for _, scene in sorted(relation.scenes.items())
        ],
        nearby=[
            _Nearby(
                keys.of(relation.rule),
                [_Occurrence.of(*one) for one in sorted(relation.occurrences, key=lambda one: one[0].anchor)],
                relation.changed,
                relation.looked_us,
                sorted(relation.late),
            )
            for relation in relations
            if isinstance(relation, Nearby) and (relation.occurrences or relation.changed or relation.looked_us)
        ],
        withheld=[
            _Withheld(keys.of(change.rule), *(getattr(change, name) for name in _SAID)) for _, change in gate.withheld()
        ],
        holding=[(keys.of(rule), row) for row, rule in gate.inhibition.holding()],
    )
    is_any = state.scenes or state.nearby or state.withheld or state.holding
    return msgspec.msgpack.encode(state) if is_any else b""


class _Keys:
    """Numbers the rules that are written of."""

    def __init__(self, census: Census) -> None:
        self._census = census
        self._numbers: dict[int, int] = {}
        self.found: list[bytes] = []

    def of(self, rule: Rule) -> int:
        number = self._numbers.get(id(rule))
        if number is None:
            key = key_of(rule)
            if key not in self.found:
                self.found.append(key)
            number = self._numbers[id(rule)] = self.found.index(key)
        return number

    def on_device(self, rule_id: str, row: int) -> int:
        """Return the number of a rule as it watches the device of `row`."""
        standing = self._census.standing(row)
        rule = None if standing is None else standing.rules.get(rule_id)
        return _NO_KEY if rule is None else self.of(rule)


def _scene(relation: Relation, scene: Scene, keys: _Keys) -> _Scene:
    occurrence = scene.occurrence
    is_pending = scene.due_us != FOREVER_US
    return _Scene(
        key=keys.of(relation.rule),
        place=scene.place,
        newest_us=scene.newest_us,
        occurred_us=scene.occurred_us,
        cancelled_us=scene.cancelled_us,
        reached_us=list(scene.reached_us),
        since_us=scene.since_us if is_pending else 0,
        due_us=scene.due_us,
        again_us=scene.again_us,
        is_late=is_pending and scene.is_late,
        occurrence=None if occurrence is None else _Occurrence.of(occurrence),
        facts=[
            _Fact(
                row,
                rule,
                keys.on_device(relation.heard[rule], row),
                fact.raised_us,
                fact.arrived_us,
                fact.endless,
                fact.holds,
                fact.fresh,
            )
            for row, rule, fact in sorted(scene.facts(), key=lambda one: one[:2])
        ],
    )


# ── in ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def fill(data: bytes, relations: Sequence[Relation], census: Census, gate: Gate) -> list[str]:
    """Fill fresh `relations` and `gate`, whose devices are known to `census`, with the state in `data`.

    Returns the ids of the rules whose state is not that of any rule now, in order.
    """
    state = msgspec.msgpack.decode(data, type=_State)
    by_key: dict[bytes, list[Relation]] = {}
    for relation in relations:
        by_key.setdefault(key_of(relation.rule), []).append(relation)
    filling = _Filling(state.keys, by_key, census)
    for scene in state.scenes:
        filling.scene(scene)
    for kept in state.nearby:
        filling.nearby(kept)
    for change in state.withheld:
        filling.withheld(change, gate)
    for key, row in state.holding:
        filling.holding(key, row, gate)
    return sorted(filling.dropped)


class _Filling:
    """One restore. dropped: ids of rules that are gone or decide otherwise."""

    def __init__(self, keys: Sequence[bytes], by_key: Mapping[bytes, Sequence[Relation]], census: Census) -> None:
        self._keys = keys
        self._by_key = by_key
        self._census = census
        self.dropped: set[str] = set()

    def scene(self, kept: _Scene) -> None:
        """Put back what is still known of a place, under the relation that its devices belong to now."""
        candidates = self._relations(kept.key)
        facts = [
            (relation, fact)
            for fact in kept.facts
            if (relation := self._relation_of(fact, kept.place, candidates)) is not None
        ]
        if not candidates or (kept.occurrence is None and not facts):
            return
        target = facts[0][0] if facts else candidates[0]
        scene = target.scene(kept.place)
        scene.cancelled_us, scene.reached_us = kept.cancelled_us, list(kept.reached_us)
        scene.since_us, scene.is_late = kept.since_us, kept.is_late
        scene.due_us, scene.again_us = kept.due_us, kept.again_us
        scene.occurrence = None if kept.occurrence is None else kept.occurrence.back()
        for relation, fact in facts:
            its_fact = Fact(fact.raised_us, fact.arrived_us, fact.endless, fact.holds, fact.fresh)
            relation.scene(kept.place).enter(fact.row, fact.rule, its_fact)
        scene.newest_us, scene.occurred_us = kept.newest_us, kept.occurred_us
        for relation in dict.fromkeys([target, *(relation for relation, _ in facts)]):
            relation.resume(relation.scene(kept.place))

    def nearby(self, kept: _Nearby) -> None:
        """Put back the occurrences of a neighbourhood by distance."""
        candidates = self._relations(kept.key)
        rule_id = rule_of_key(self._keys[kept.key])
        for relation in candidates:
            is_theirs = len(candidates) == 1 or any(
                self._rule_on(rule_id, one.anchor, kept.key) is relation.rule for one in kept.occurrences
            )
            if isinstance(relation, Nearby) and is_theirs:
                relation.occurrences = [(one.back(), one.members) for one in kept.occurrences]
                relation.changed, relation.looked_us, relation.late = kept.changed, kept.looked_us, set(kept.late)
                return

    def withheld(self, kept: _Withheld, gate: Gate) -> None:
        """Put back a change that was withheld, where its rule still watches its device."""
        rule_id = rule_of_key(self._keys[kept.key])
        rule = self._rule_on(rule_id, kept.device_row, kept.key)
        if rule is None:  # the anchor of a relation may have left it: then the next step lets it cease
            rule = next((relation.rule for relation in self._by_key.get(self._keys[kept.key], ())), None)
        if rule is None:
            self.dropped.add(rule_id)
        else:
            gate.withhold(Change(rule=rule, **{name: getattr(kept, name) for name in _SAID}))

    def holding(self, key: int, row: int, gate: Gate) -> None:
        """Put back that a rule holds, where it still watches its device."""
        rule = self._rule_on(rule_of_key(self._keys[key]), row, key)
        if rule is not None:
            gate.inhibition.hold(row, rule)

    def _relations(self, key: int) -> Sequence[Relation]:
        found = self._by_key.get(self._keys[key], ())
        if not found:
            self.dropped.add(rule_of_key(self._keys[key]))
        return found

    def _relation_of(self, fact: _Fact, place: Place, candidates: Sequence[Relation]) -> Relation | None:
        """Return the one of `candidates` to which the device of `fact` belongs, at `place`; None where it is not so.

        Nor is it where the rule of the fact now decides otherwise: the engine has begun it anew.
        """
        standing, device = self._census.standing(fact.row), self._census.device(fact.row)
        if standing is None or device is None:
            return None
        for relation in candidates:
            if standing.relations[relation.order] is relation and relation.place_of(device) == place:
                is_same = self._rule_on(relation.heard[fact.rule], fact.row, fact.key) is not None
                return relation if is_same else None
        return None

    def _rule_on(self, rule_id: str, row: int, key: int) -> Rule | None:
        """Return the rule as it watches the device of `row` now, where it decides like that of `key`; else None."""
        standing = self._census.standing(row)
        rule = None if standing is None else standing.rules.get(rule_id)
        return rule if rule is not None and key != _NO_KEY and key_of(rule) == self._keys[key] else None
