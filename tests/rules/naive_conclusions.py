"""The oracle of conclusions: obvious loops over lists, everything worked out anew each time, and nothing shared.

It knows no queues: what runs out is looked for among all facts and places, again after each that did. Everything is in
one class, over 400 lines, so that it can be read from top to bottom.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rules.model import Change, NeighbourhoodTerms, Rule, RuleMode, Scope
from tests.rules.naive_gate import NaiveGate
from tests.rules.naive_relations import (
    RELATIONS,
    alike,
    apart_m,
    covers,
    heard_by,
    heard_in_order,
    hold,
    is_part,
    joined,
    keeps,
    micro,
    place_of,
    terms,
    window,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from devices import Device, Profile
    from rules.ruleset import RuleSet

NEVER = -(10**18)


@dataclass
class Fact:
    row: int
    rule: str
    raised: int
    arrived: int
    holds: bool
    fresh: bool
    endless: bool


@dataclass
class Open:
    anchor: int
    raised: int
    since: int
    told: int
    left: bool = False
    members: tuple[int, ...] = ()


@dataclass
class Group:
    """One place under one variant."""

    rule: Rule
    order: int
    number: int
    place: tuple[str, ...]
    facts: list[Fact] = field(default_factory=list)
    newest: int = NEVER
    occurred: int = NEVER
    cancelled: int = NEVER
    reached: dict[int, int] = field(default_factory=dict)
    pending: tuple[int, bool] | None = None
    again: int | None = None
    open: Open | None = None
    devices: int = 0


@dataclass
class Around:
    """A variant by distance."""

    open: list[Open] = field(default_factory=list)
    changed: bool = False
    looked: int = 0
    late: set[int] = field(default_factory=set)


class NaiveConclusions:
    def __init__(self, rules: RuleSet, profiles: Mapping[str, Profile]) -> None:
        self.rules = rules
        self.profiles = profiles
        self.devices: dict[int, Device] = {}
        self.groups: list[Group] = []
        self.around: dict[int, Around] = {}
        self.dirty: set[tuple[int, tuple[str, ...]]] = set()
        self.gate = NaiveGate(rules, profiles, self.devices)
        self.relations: list[Rule] = []
        for rule in rules.relations:
            self.put_in_order(rule)
        self.variants: list[tuple[int, Rule]] = []
        for order, base in enumerate(self.relations):
            self.variants.append((order, base))
            self.variants += [(order, v.rule) for v in rules.variants if v.rule_id == base.id and v.rule is not None]

    def put_in_order(self, rule: Rule) -> None:
        for heard in self.rules.relations:
            if heard.id in heard_by(rule):
                self.put_in_order(heard)
        if rule not in self.relations:
            self.relations.append(rule)

    # ── who belongs where ────────────────────────────────────────────────────────────────────────────────────────

    def watching(self, device: Device) -> dict[str, Rule]:
        """Every rule that watches the device, relations among them."""
        chosen = self.rules.selection(device)
        found = {
            rule.id: rule
            for rule in self.rules.in_force(device.profile, chosen)
            if rule.kind not in RELATIONS and covers(device, rule)
        }
        for rule in self.relations:
            basis = [rule.id]
            while any(one in {r.id for r in self.relations} for one in basis):
                basis = [
                    deeper
                    for one in basis
                    for deeper in (
                        heard_by(next(r for r in self.relations if r.id == one))
                        if one in {r.id for r in self.relations}
                        else [one]
                    )
                ]
            here = [one for one in self.rules.in_force(rule.profile, chosen) if one.id == rule.id]
            if here and any(one in found for one in basis) and covers(device, here[0]):
                found[rule.id] = here[0]
        return found

    def number(self, rule: Rule) -> int:
        return next(nth for nth, (_, one) in enumerate(self.variants) if one is rule)

    def group(self, rule: Rule, place: tuple[str, ...]) -> Group | None:
        return next((one for one in self.groups if one.rule is rule and one.place == place), None)

    def made(self, rule: Rule, place: tuple[str, ...]) -> Group:
        group = self.group(rule, place)
        if group is None:
            number = self.number(rule)
            group = Group(rule, self.variants[number][0], number, place)
            self.groups.append(group)
        return group

    def watched(self, rule: Rule) -> list[int]:
        return [row for row, device in self.devices.items() if self.watching(device).get(rule.id) is rule]

    def sync(self, devices: Iterable[tuple[int, Device]]) -> None:  # noqa: C901 - one thing after the other
        for row, device in devices:
            before = self.devices.get(row)
            if before == device:
                continue
            was = {} if before is None else self.watching(before)
            now = self.watching(device)
            self.devices[row] = device
            for relation in self.relations:
                old, new = was.get(relation.id), now.get(relation.id)
                place = None if old is None or before is None else place_of(terms(old).scope, before)
                to = None if new is None else place_of(terms(new).scope, device)
                moved: list[Fact] = []
                if old is not None and place is not None:
                    self.dirty.add((self.number(old), place))
                    self.left(old, place, row, stays=old is new and place == to)
                    group = self.group(old, place)
                    if group is not None:
                        moved = [fact for fact in group.facts if fact.row == row]
                        group.facts = [fact for fact in group.facts if fact.row != row]
                if new is not None and to is not None:
                    if before is not None or self.group(new, to) is not None:
                        self.dirty.add((self.number(new), to))
                    for fact in moved:
                        same = alike(was.get(fact.rule), now.get(fact.rule))
                        fact.fresh = fact.fresh and (keeps(new) or fact.endless)
                        if same and (fact.holds or fact.fresh):
                            group = self.made(new, to)
                            group.facts.append(fact)
                            if is_part(new, fact.rule):
                                group.occurred = max(group.occurred, fact.raised)
                for group in list(self.groups):
                    self.tidy(group)
            self.gate.review(row, now)

    def left(self, rule: Rule, place: tuple[str, ...], row: int, *, stays: bool) -> None:
        group = self.group(rule, place)
        if group is not None and group.open is not None and group.open.anchor == row:
            group.open.left |= not stays
        for one in self.around.get(self.number(rule), Around()).open:
            if one.anchor == row:
                one.left |= not stays

    # ── folding ──────────────────────────────────────────────────────────────────────────────────────────────────

    def step(self, changes: Sequence[Change], now: int) -> list[Change]:
        out: list[Change] = []
        for number, place in sorted(self.dirty, key=lambda one: (self.variants[one[0]][0], *one)):
            rule = self.variants[number][1]
            found: list[Change] = []
            if terms(rule).scope is Scope.RADIUS:
                self.around.setdefault(number, Around()).changed = True
            elif (group := self.group(rule, place)) is not None:
                if group.open is not None and group.open.left:
                    self.end(group, now, found, late=False)
                self.judge(group, now, found, late=False)
            self.say(found, now, out)
        self.dirty.clear()
        self.spread(self.gate.opened(changes, now), now, out)
        for change in changes:
            self.say([change], now, out)
        while (due := self.due()) and due[0][0] <= now:
            found = []
            group, fact, timer = due[0][5:]
            if fact is not None:
                self.over(group, fact, found)
            else:
                self.fire(group, timer, found)
            self.say(found, now, out)
        for number, (_, rule) in enumerate(self.variants):
            if isinstance(rule.terms, NeighbourhoodTerms) and rule.terms.scope is Scope.RADIUS:
                found = []
                self.look(number, rule, now, found)
                self.say(found, now, out)
        return [change for change in out if change.rule.mode is not RuleMode.PART]

    def due(self) -> list[tuple[Any, ...]]:
        """What is due when, by our own clock: time, order, number, place, what; and group, fact, timer; in order."""
        found: list[tuple[Any, ...]] = []
        for group in self.groups:
            where = (group.order, group.number, group.place)
            if group.pending is not None:
                due = group.pending[0] + hold(group.rule)
                found.append((due, *where, (-1, 0), group, None, "hold"))
            if group.again is not None:
                found.append((group.again, *where, (-1, 1), group, None, "again"))
            heard = list(dict.fromkeys(heard_in_order(group.rule)))
            for fact in group.facts:
                if fact.fresh:
                    wake = fact.arrived + window(group.rule) + 1
                    found.append((wake, *where, (fact.row, heard.index(fact.rule)), group, fact, ""))
        return sorted(found, key=lambda one: one[:5])

    def say(self, changes: Iterable[Change], now: int, out: list[Change]) -> None:
        for change in changes:
            passed = self.gate.passed(change, now)
            if passed is not None:
                self.spread([passed], now, out)

    def spread(self, changes: list[Change], now: int, out: list[Change]) -> None:
        said = list(changes)
        out += said
        for relation in self.relations:
            found: list[Change] = []
            touched: list[tuple[Group, int, bool]] = []
            for change in said:
                if change.rule.id in heard_by(relation):
                    self.hear(relation, change, now, found, touched)
            for group in {id(one): one for one, _, _ in touched}.values():
                mine = [(at, late) for one, at, late in touched if one is group]
                self.judge(group, max(at for at, _ in mine), found, late=any(late for _, late in mine))
            for change in found:
                passed = self.gate.passed(change, now)
                if passed is not None:
                    said.append(passed)
                    out.append(passed)

    def hear(  # noqa: C901, PLR0912 - one thing after the other
        self, relation: Rule, change: Change, now: int, found: list[Change], touched: list[tuple[Group, int, bool]]
    ) -> None:
        device = self.devices.get(change.device_row)
        rule = None if device is None else self.watching(device).get(relation.id)
        place = None if rule is None or device is None else place_of(terms(rule).scope, device)
        if rule is None or place is None:
            return
        group = self.group(rule, place)
        if group is None and not change.holds:
            return
        group = self.made(rule, place)
        at, name = change.time_us, change.rule.id
        if at > group.newest:
            unjudged = [(its_at, late) for one, its_at, late in touched if one is group]
            if unjudged:
                touched[:] = [one for one in touched if one[0] is not group]
                self.judge(group, max(one for one, _ in unjudged), found, late=any(late for _, late in unjudged))
            self.run_out(group, at, found)
            if group not in self.groups:
                self.groups.append(group)
        group.newest = max(group.newest, at)
        fact = next((one for one in group.facts if (one.row, one.rule) == (change.device_row, name)), None)
        if not change.holds:
            if fact is not None and fact.holds:
                fact.holds = False
                fact.fresh = keeps(rule) and fact.raised + window(rule) >= group.newest
                if not fact.fresh:
                    group.facts.remove(fact)
                touched.append((group, at, change.late))
            return
        endless = self.gate.is_endless(change.rule)
        fresh = endless and at + window(rule) >= group.newest
        nothing_new = (fact is not None and fact.holds) or (
            endless and (not fresh or (fact is not None and at < fact.raised))
        )
        if nothing_new:
            self.tidy(group)
            return
        if fact is None:
            group.facts.append(Fact(change.device_row, name, at, now, not endless, fresh, endless))
        else:
            fact.holds, fact.fresh, fact.endless = not endless, fresh, endless
            if at >= fact.raised:
                fact.raised, fact.arrived = at, now
        if is_part(rule, name):
            group.occurred = max(group.occurred, at)
        elif endless:
            group.cancelled = max(group.cancelled, at)
        self.note(group, name, at)
        if change.late and terms(rule).scope is Scope.RADIUS:
            self.around.setdefault(group.number, Around()).late.add(change.device_row)
        touched.append((group, at, change.late))
        if endless and is_part(rule, name):
            group.said_again = True  # type: ignore[attr-defined]

    def note(self, group: Group, name: str, at: int) -> None:
        if isinstance(group.rule.terms, NeighbourhoodTerms) or not is_part(group.rule, name):
            return
        then = group.rule.terms.then  # type: ignore[union-attr]
        before = dict(group.reached)
        for step, its_name in enumerate(then):
            if its_name == name:
                previous = before.get(step - 1, NEVER)
                if step == 0 or 0 <= at - previous <= micro(group.rule.terms.within_s):  # type: ignore[union-attr]
                    group.reached[step] = max(group.reached.get(step, NEVER), at)

    # ── time ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def run_out(self, group: Group, at: int, found: list[Change]) -> None:
        while True:
            events: list[tuple[int, int, int, int, Any]] = []
            if group.pending is not None:
                events.append((group.pending[0] + hold(group.rule), 0, 0, 0, "hold"))
            if group.again is not None:
                events.append((group.again, 0, 1, 0, "again"))
            heard = list(dict.fromkeys(heard_in_order(group.rule)))
            events += [
                (fact.raised + window(group.rule) + 1, -1, fact.row, heard.index(fact.rule), fact)
                for fact in group.facts
                if fact.fresh
            ]
            events = [one for one in events if one[0] <= at]
            if not events:
                return
            _, _, _, _, what = min(events, key=lambda one: one[:4])
            if isinstance(what, Fact):
                self.over(group, what, found)
            else:
                self.fire(group, what, found)

    def over(self, group: Group, fact: Fact, found: list[Change]) -> None:
        group.facts.remove(fact)
        self.judge(group, fact.raised + window(group.rule), found, late=False)

    def fire(self, group: Group, timer: str, found: list[Change]) -> None:
        if timer == "hold":
            assert group.pending is not None
            since, late = group.pending
            group.pending = None
            self.begin(group, since + hold(group.rule), since, found, late=late)
        elif group.open is not None:
            again, group.again = group.again, None
            assert again is not None
            group.open.told = max(group.open.told, len(self.members(group)))
            found.append(self.change(group, group.open, again, holds=True, repeated=True))

    # ── judging ──────────────────────────────────────────────────────────────────────────────────────────────────

    def counts(self, group: Group, fact: Fact) -> bool:
        lingers = isinstance(group.rule.terms, NeighbourhoodTerms)
        return fact.holds or (fact.fresh and (lingers or (fact.endless and is_part(group.rule, fact.rule))))

    def parts(self, group: Group) -> list[Fact]:
        return [fact for fact in group.facts if self.counts(group, fact) and is_part(group.rule, fact.rule)]

    def members(self, group: Group) -> tuple[int, ...]:
        return tuple(sorted({fact.row for fact in self.parts(group)}))

    def is_met(self, group: Group) -> bool:
        its = group.rule.terms
        on = {fact.rule for fact in group.facts if self.counts(group, fact)}
        if isinstance(its, NeighbourhoodTerms):
            n = len(self.members(group))
            return n >= its.at_least and n >= its.share * self.whole(group) - 1e-9
        assert not isinstance(its, NeighbourhoodTerms)
        if its.then and its.then[-1] not in on:  # type: ignore[union-attr]
            group.reached.pop(len(its.then) - 1, None)  # type: ignore[union-attr]
        return (
            bool(self.members(group))
            and all(one in on for one in its.all_of)  # type: ignore[union-attr]
            and (not its.any_of or any(one in on for one in its.any_of))  # type: ignore[union-attr]
            and not any(one in on for one in its.none_of)  # type: ignore[union-attr]
            and (not its.then or len(its.then) - 1 in group.reached)  # type: ignore[union-attr]
            and group.occurred > group.cancelled
        )

    def whole(self, group: Group) -> int:
        scope = terms(group.rule).scope
        return sum(place_of(scope, self.devices[row]) == group.place for row in self.watched(group.rule))

    def judge(self, group: Group, at: int, found: list[Change], *, late: bool) -> None:
        said_again = getattr(group, "said_again", False)
        group.said_again = False  # type: ignore[attr-defined]
        if terms(group.rule).scope is Scope.RADIUS:
            self.around.setdefault(group.number, Around()).changed = True
            self.tidy(group)
            return
        met = self.is_met(group)
        now_open = group.open
        if now_open is not None and not met:
            self.end(group, at, found, late=late)
        elif now_open is not None:
            n = len(self.members(group))
            if n >= now_open.told + max(1, now_open.told // 8) or (said_again and hold(group.rule) == 0):
                now_open.told = max(now_open.told, n)
                found.append(self.change(group, now_open, at, holds=True, repeated=True, late=late))
            elif said_again and group.again is None:
                group.again = at + hold(group.rule)
        elif not met:
            group.pending = None
        elif group.pending is None:
            since = max(at, group.occurred)
            if hold(group.rule):
                group.pending = (since, late)
            else:
                self.begin(group, since, since, found, late=late)
        self.tidy(group)

    def tidy(self, group: Group) -> None:
        if not group.facts and group.open is None and group in self.groups:
            self.groups.remove(group)

    def begin(self, group: Group, at: int, since: int, found: list[Change], *, late: bool) -> None:
        anchor = min((fact.raised, fact.row) for fact in self.parts(group))[1]
        group.open = Open(anchor, at, since, len(self.members(group)))
        found.append(self.change(group, group.open, at, holds=True, late=late))

    def end(self, group: Group, at: int, found: list[Change], *, late: bool) -> None:
        assert group.open is not None
        found.append(self.change(group, group.open, at, holds=False, late=late))
        group.open, group.again = None, None

    def change(
        self, group: Group, one: Open, at: int, *, holds: bool, repeated: bool = False, late: bool = False
    ) -> Change:
        members = self.members(group)
        counted = isinstance(group.rule.terms, NeighbourhoodTerms)
        return Change(
            one.anchor,
            -1,
            group.rule,
            holds,
            repeated,
            late,
            max(at, one.raised),
            one.since,
            measure=float(len(members)) if counted else None,
            reference=float(max(len(members), self.whole(group))) if counted else None,
            members=members,
        )

    # ── by distance ──────────────────────────────────────────────────────────────────────────────────────────────

    def look(self, number: int, rule: Rule, now: int, found: list[Change]) -> None:  # noqa: C901 - as above
        around = self.around.setdefault(number, Around())
        if not around.changed:
            return
        around.changed = False
        before, around.looked = around.looked, now
        its = rule.terms
        assert isinstance(its, NeighbourhoodTerms)
        group = self.group(rule, ())
        rows = self.members(group) if group is not None else ()
        raised: dict[int, int] = {}
        for fact in self.parts(group) if group is not None else ():
            raised[fact.row] = min(raised.get(fact.row, fact.raised), fact.raised)

        def is_near(one: int, other: int) -> bool:
            return apart_m(self.devices[one], self.devices[other]) <= its.radius_m

        balls = [{other for other in rows if is_near(row, other)} for row in rows]
        clusters = joined([ball for ball in balls if len(ball) >= its.at_least])

        def whole(members: Iterable[int]) -> int:
            here = [row for row in self.watched(rule) if self.devices[row].latitude is not None]
            return sum(any(is_near(row, one) for one in members) for row in here)

        big = sorted(tuple(sorted(one)) for one in clusters if len(one) >= its.share * whole(one) - 1e-9)
        taken: dict[tuple[int, ...], Open] = {}
        for one in sorted(around.open, key=lambda one: (one.raised, one.anchor)):
            its_cluster = next((members for members in big if one.anchor in members), None)
            if its_cluster is None:
                its_cluster = next((members for members in big if set(members) & set(one.members)), None)
            if one.left or its_cluster is None or its_cluster in taken:
                left = tuple(row for row in one.members if row in raised)
                found.append(self.near(rule, one, left, now, whole(left), holds=False))
            else:
                taken[its_cluster] = one
        around.open = []
        for members in big:
            late = bool(around.late & set(members))
            if members not in taken:
                at = max(raised[row] for row in members)
                at = at if at > before else now
                one = Open(min((raised[row], row) for row in members)[1], at, at, len(members))
                found.append(self.near(rule, one, members, at, whole(members), holds=True, late=late))
            else:
                one = taken[members]
                if len(members) >= one.told + max(1, one.told // 8):
                    one.told = len(members)
                    found.append(self.near(rule, one, members, now, whole(members), holds=True, late=late, again=True))
            one.members = members
            around.open.append(one)
        around.late.clear()

    def near(
        self,
        rule: Rule,
        one: Open,
        members: tuple[int, ...],
        at: int,
        whole: int,
        *,
        holds: bool,
        late: bool = False,
        again: bool = False,
    ) -> Change:
        figures = {"measure": float(len(members)), "reference": float(max(len(members), whole))}
        return Change(
            one.anchor, -1, rule, holds, again, late, max(at, one.raised), one.since, members=members, **figures
        )

    def bound(self, now: int) -> None:
        for group in self.groups:
            was_cancelled = group.cancelled >= group.occurred
            group.newest, group.occurred = min(group.newest, now), min(group.occurred, now)
            group.cancelled = min(group.cancelled, now if was_cancelled else group.occurred - 1)
            group.reached = {step: min(at, now) for step, at in group.reached.items()}
            for fact in group.facts:
                fact.raised, fact.arrived = min(fact.raised, now), min(fact.arrived, now)
            if group.pending is not None:
                group.pending = (min(group.pending[0], now), group.pending[1])
            if group.again is not None:
                group.again = min(group.again, now + hold(group.rule))
        for around in self.around.values():
            around.looked = min(around.looked, now)
        every = [group.open for group in self.groups if group.open is not None]
        for one in (*every, *(one for around in self.around.values() for one in around.open)):
            one.raised, one.since = min(one.raised, now), min(one.since, now)
        self.gate.bound(now)
