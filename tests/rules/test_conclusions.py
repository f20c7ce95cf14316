"""Conclusions as a whole: whatever happens in a small town, they say what obvious loops say."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices import Lifecycle
from rules.conclusions import Conclusions
from rules.model import AlarmClass, Change, RuleMode, Scope, Timing
from rules.ruleset import Override, Period, RuleSet, Schedule, Variant, Window
from tests.rules.naive_conclusions import NaiveConclusions
from tests.rules.town import BASE, FIRE, GAS, HOME, PROFILES, SECOND, SOS, Town, around, together

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devices import Device
    from rules.model import Rule

MINUTE = 60 * SECOND
START = 1_000_000 * MINUTE

BY_UNIT = around("by-unit", "fire", "gas", within_s=60.0)
HALF = around("half", "dead", "fire", scope=Scope.BUILDING, share=0.5, within_s=0.0)
GATED = around("gated", "gas", "sos", scope=Scope.SITE, within_s=90.0, schedule="night")
NEAR = around("near", "fire", "sos", scope=Scope.RADIUS, radius_m=150.0, within_s=60.0)
FELL = together("fell", all_of=["sos"], none_of=["cancel"], hold_s=30.0)
BOTH = together("both", any_of=["fire", "y.open"], all_of=["gas"], none_of=["dead"], scope=Scope.BUILDING)
THEN = together("then", then=["gas", "sos", "fire"], within_s=60.0, scope=Scope.FLOOR, mode=RuleMode.PART)
OVER = together("over", any_of=["then", "by-unit"], none_of=["near"], scope=Scope.GATEWAY, hold_s=10.0)
MANY = around("many", "by-unit", "fell", "latched", scope=Scope.GRID, alarm_class=AlarmClass.LIFE_SAFETY)
RELATIONS = (OVER, BY_UNIT, HALF, GATED, NEAR, FELL, BOTH, THEN, MANY)


def night(rule: Rule) -> Rule:
    return msgspec.structs.replace(rule, schedule="night")


def rule_set() -> RuleSet:
    rules = [night(rule) if rule.id == "x.sos" else rule for rule in (*BASE, *RELATIONS)]
    by_id = {rule.id: rule for rule in rules}
    three = msgspec.structs.replace(BY_UNIT, terms=msgspec.structs.replace(BY_UNIT.terms, at_least=3))
    return msgspec.structs.replace(
        RuleSet.of(rules),
        overrides=(Override("site", "h", "", ("x.by-unit", "x.gas")), Override("site", "", "b", ("x.fell",))),
        variants=(
            Variant("x.by-unit", (0,), three),
            Variant("x.gas", (0,), night(by_id["x.gas"])),
            Variant("x.fell", (1,), None),
        ),
        schedules=(Schedule("night", (Period(tuple(range(7)), 22 * 60, 22 * 60 + 3), Period((3, 4), 600, 602))),),
        windows=(
            Window(from_us=START, to_us=START + 90 * SECOND, by="x", reason="x", site="site", building="2"),
            Window(
                from_us=START + MINUTE,
                to_us=START + 2 * MINUTE,
                by="x",
                reason="x",
                site="",
                device="a",
                rules=("x.fire", "x.by-unit"),
                signed_by="chief",
            ),
        ),
    )


def placed(nth: int, one: Device) -> Device:
    return replace(one, latitude=22.5 + 0.001 * (nth % 3), longitude=114.0 + 0.001 * (nth // 3))


TOWN = tuple(placed(nth, one) for nth, one in enumerate(HOME))
IDS = tuple(rule.id for rule in BASE)
WHERE = st.fixed_dictionaries(
    {},
    optional={
        "unit": st.sampled_from(["", "1", "2"]),
        "building": st.sampled_from(["", "1", "2"]),
        "grid": st.sampled_from(["g", "h"]),
        "gateway": st.sampled_from(["", "gw", "hw"]),
        "latitude": st.sampled_from([None, 22.5, 22.501, 22.5025]),
        "lifecycle": st.sampled_from(list(Lifecycle)),
    },
)
TIMES = [0, 1, SECOND, 10 * SECOND, 29 * SECOND, 30 * SECOND, 31 * SECOND, MINUTE, 61 * SECOND, 5 * MINUTE]
OFTEN = [0, SECOND, SECOND, 10 * SECOND, 10 * SECOND, 31 * SECOND]
DAY_IN_CHINA = START - START % (24 * 60 * MINUTE) - 8 * 60 * MINUTE


def stories(rows: Sequence[int], ids: Sequence[str]) -> st.SearchStrategy[list[tuple[object, ...]]]:
    """What happens to some devices under some rules: few of both, so that things meet."""
    row, often, any_time = st.sampled_from(rows), st.sampled_from(OFTEN), st.sampled_from(TIMES)
    ago = st.one_of(st.just(0), st.just(0), st.just(0), any_time)
    said = st.tuples(row, st.sampled_from(ids), st.integers(0, 5), ago, st.sampled_from([False] * 5 + [True]))
    step = st.tuples(st.just("step"), st.one_of(often, any_time), st.lists(said, max_size=4))
    others = (
        st.tuples(st.just("move"), row, WHERE),
        st.tuples(st.just("back"), any_time),
        st.tuples(st.just("restart")),
        st.tuples(st.just("until"), st.sampled_from([10 * 60, 22 * 60, 22 * 60 + 2])),
    )
    return st.lists(st.one_of(step, step, step, step, step, step, *others), min_size=15, max_size=40)


STORIES = st.tuples(
    st.lists(st.integers(0, len(TOWN) - 1), min_size=2, max_size=5, unique=True),
    st.lists(st.sampled_from(IDS), min_size=2, max_size=5, unique=True),
).flatmap(lambda chosen: stories(*chosen))


class Both:
    """Conclusions and their oracle, told the same."""

    def __init__(self, rules: RuleSet) -> None:
        self.rules = rules
        self.now_us = START
        self.devices = list(TOWN)
        self.on: set[tuple[int, str]] = set()
        self.fast = Conclusions(rules, PROFILES)
        self.fast.sync(enumerate(self.devices))
        self.naive = NaiveConclusions(rules, PROFILES)
        self.naive.sync(enumerate(self.devices))

    def step(self, elapsed_us: int, block: Sequence[tuple[int, str, int, int, bool]]) -> None:
        self.now_us += elapsed_us
        changes = [one for part in block if (one := self.change(*part)) is not None]
        assert self.fast.step(list(changes), self.now_us) == self.naive.step(changes, self.now_us)

    def change(self, row: int, rule_id: str, turn: int, ago_us: int, late: bool) -> Change | None:
        """Return a change as the engine could say it: of what watches the device, and a start before an end."""
        rule = self.naive.watching(self.devices[row]).get(rule_id)
        if rule is None:
            self.on.discard((row, rule_id))
            return None
        holds, held = turn < 4 or self.naive.gate.is_endless(rule), (row, rule_id) in self.on
        if not holds and not held:
            return None
        if holds:
            self.on.add((row, rule_id))
        else:
            self.on.discard((row, rule_id))
        at_us = self.now_us - ago_us
        return Change(row, -1, rule, holds, holds and held and turn != 0, late, at_us, at_us, value=float(turn))

    def move(self, row: int, where: dict[str, object]) -> None:
        self.devices[row] = replace(self.devices[row], **where)  # type: ignore[arg-type]
        for conclusions in (self.fast, self.naive):
            conclusions.sync([(row, self.devices[row])])

    def until(self, minute: int) -> None:
        """Let nothing happen until this minute of the day."""
        ahead_us = (DAY_IN_CHINA + minute * MINUTE - self.now_us) % (24 * 60 * MINUTE)
        self.step(ahead_us, [])

    def back(self, elapsed_us: int) -> None:
        self.now_us -= elapsed_us
        self.fast.bound(self.now_us)
        self.naive.bound(self.now_us)

    def restart(self) -> None:
        before = self.fast.snapshot()
        self.fast = Conclusions(self.rules, PROFILES)
        self.fast.sync(enumerate(self.devices))
        assert list(self.fast.restore(before)) == []
        assert self.fast.snapshot() == before


@settings(max_examples=120, deadline=None)
@given(STORIES)
def test_whatever_happens_conclusions_say_what_obvious_loops_say(story: list[tuple[object, ...]]) -> None:
    both = Both(rule_set())
    for what, *rest in story:
        getattr(both, str(what))(*rest)
    for _ in range(4):
        both.step(61 * SECOND, [])


# ── how blocks are divided ───────────────────────────────────────────────────────────────────────────────────────────

PLAIN = (BY_UNIT, HALF, FELL, BOTH, together("in-order", then=["gas", "sos", "fire"], within_s=60.0, scope=Scope.FLOOR))
in_time = st.lists(
    st.tuples(
        st.sampled_from([0, SECOND, 10 * SECOND, 31 * SECOND, 61 * SECOND]),
        st.integers(0, 4),
        st.sampled_from(IDS),
        st.booleans(),
        st.booleans(),
    ),
    max_size=40,
)


@settings(max_examples=100, deadline=None)
@given(in_time)
def test_however_changes_in_order_of_time_are_divided_into_steps_each_relation_says_the_same(
    story: list[tuple[int, int, str, bool, bool]],
) -> None:
    rules = RuleSet.of((*BASE, *PLAIN))
    one_by_one, in_blocks = (Conclusions(rules, PROFILES) for _ in range(2))
    for conclusions in (one_by_one, in_blocks):
        conclusions.sync(enumerate(TOWN))
    now_us, block, said = START, [], {one_by_one: [], in_blocks: []}  # type: ignore[var-annotated]
    for elapsed_us, row, rule_id, holds, ends in story:
        now_us += elapsed_us
        change = Change(row, -1, rules.by_id[rule_id], holds, False, False, now_us, now_us)
        said[one_by_one] += one_by_one.step([change], now_us)
        block.append(change)
        if ends:
            said[in_blocks] += in_blocks.step(block, now_us)
            block = []
    said[in_blocks] += in_blocks.step(block, now_us)
    for conclusions in (one_by_one, in_blocks):
        said[conclusions] += conclusions.step([], now_us + 3600 * SECOND)
    for rule in PLAIN:
        by_one, by_block = ([one for one in what if one.rule is rule] for what in said.values())
        assert sorted(by_one, key=_when) == sorted(by_block, key=_when)


def _when(change: Change) -> tuple[int, int, bool]:
    return change.time_us, change.device_row, change.holds


# ── other rules ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_relation_that_hears_itself_is_refused() -> None:
    one = around("one", "two")
    two, three = together("two", all_of=["three"]), together("three", none_of=["one"], all_of=["fire"])
    with pytest.raises(ValueError, match=r"'x.one' hears itself: x.one → x.two → x.three → x.one"):
        Conclusions(RuleSet.of((FIRE, one, two, three)), PROFILES)


def test_the_order_in_which_rules_are_written_does_not_matter() -> None:
    confirmed = around("confirmed", "fire")
    evacuate = together("evacuate", all_of=["confirmed"], scope=Scope.UNIT)
    for rules in ((confirmed, evacuate), (evacuate, confirmed)):
        said = Town(*rules).play("0 s fire a; 1 s fire b → ")[1]
        assert said == "1 s confirmed a [2 of 3] (a b); 1 s evacuate a (a)"


def test_parts_are_heard_by_relations_and_by_nobody_else() -> None:
    part = msgspec.structs.replace(FIRE, mode=RuleMode.PART)
    confirmed = around("confirmed", "fire", mode=RuleMode.PART)
    evacuate = together("evacuate", all_of=["confirmed"], scope=Scope.UNIT)
    town = Town(rule_set=RuleSet.of((part, confirmed, evacuate)))
    town.only_relations = False
    assert town.play("0 s fire a; 1 s fire b → ")[1] == "1 s evacuate a (a)"


def test_what_a_rule_in_shadow_says_is_heard_and_said() -> None:
    town = Town(rule_set=RuleSet.of((msgspec.structs.replace(FIRE, mode=RuleMode.SHADOW), around("both", "fire"))))
    assert town.play("0 s fire a; 1 s fire b → ")[1] == "1 s both a [2 of 3] (a b)"


def test_without_profiles_no_alarm_is_known_to_be_an_event() -> None:
    rules = RuleSet.of((SOS, together("called", all_of=["sos"])))
    conclusions = Conclusions(rules)
    conclusions.sync(enumerate(HOME))
    sos = Change(0, -1, SOS, True, False, False, START, START)
    assert len(conclusions.step([sos], START)) == 2
    assert conclusions.step([], START + 3600 * SECOND) == []


def test_where_nothing_is_related_or_gated_changes_pass_as_they_are() -> None:
    conclusions = Conclusions(RuleSet.of(BASE), PROFILES)
    conclusions.sync(enumerate(HOME))
    changes = [Change(0, -1, FIRE, True, False, False, START, START)]
    assert conclusions.step(changes, START) is changes
    assert conclusions.snapshot() == b""
    assert conclusions.restore(b"") == []


def test_a_change_of_a_device_that_is_not_known_is_said_and_has_no_part() -> None:
    conclusions = Conclusions(RuleSet.of((FIRE, around("both", "fire"))), PROFILES)
    fires = [Change(row, -1, FIRE, True, False, False, START, START) for row in (0, 1)]
    assert conclusions.step(fires, START) == fires


# ── a reload ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def reloaded(before: Sequence[Rule], after: Sequence[Rule], line: str) -> tuple[list[str], Town]:
    town = Town(rule_set=RuleSet.of(before))
    for step in line.split(";"):
        town.step(step.strip())
    return town.restart(RuleSet.of(after)), town


def test_a_relation_that_only_says_it_otherwise_goes_on() -> None:
    both = around("both", "fire")
    worded = msgspec.structs.replace(both, name_en="Both!", mode=RuleMode.SHADOW, source="other")
    dropped, town = reloaded((FIRE, both), (FIRE, worded), "0 s fire a; 1 s fire b")
    (said,) = town.step("99 s off fire a")
    assert (dropped, said.rule, said.holds, said.since_us) == ([], worded, False, SECOND)


def test_a_relation_that_decides_otherwise_begins_anew_and_is_named() -> None:
    both = around("both", "fire")
    for after in (
        (FIRE, around("both", "fire", within_s=61.0)),
        (FIRE,),
        (FIRE, together("both", all_of=["fire"], scope=Scope.UNIT)),
    ):
        dropped, town = reloaded((FIRE, both), after, "0 s fire a; 1 s fire b")
        assert (dropped, town.step("99 s off fire a")) == (["x.both"], [])


def test_what_a_rule_said_that_decides_otherwise_now_is_forgotten() -> None:
    both, other = around("both", "gas", "fire", within_s=0.0), msgspec.structs.replace(GAS, timing=Timing(5.0))
    dropped, town = reloaded((FIRE, GAS, both), (FIRE, other, both), "0 s gas a; 1 s gas b, fire c")
    (said,) = town.step("2 s")
    assert (dropped, said.holds, said.members) == ([], False, (2,))


def test_a_new_relation_hears_of_what_holds_already_as_it_is_said_again() -> None:
    both = around("both", "fire", within_s=0.0)
    dropped, town = reloaded((FIRE,), (FIRE, both), "0 s fire a; 1 s fire b")
    assert (dropped, town.step("2 s again fire a")) == ([], [])
    assert town.play("3 s again fire b → ")[1] == "3 s both a [2 of 3] (a b)"


# ── overrides ────────────────────────────────────────────────────────────────────────────────────────────────────────


def overridden(otherwise: Rule | None) -> Town:
    """Two of a home are needed; in grid h it is otherwise."""
    rules = msgspec.structs.replace(
        RuleSet.of((FIRE, TWO)),
        overrides=(Override("site", "h", "", ("x.two",)),),
        variants=(Variant("x.two", (0,), otherwise),),
    )
    return Town(rule_set=rules)


TWO = around("two", "fire", scope=Scope.BUILDING, within_s=0.0)
ONE = msgspec.structs.replace(TWO, terms=msgspec.structs.replace(TWO.terms, at_least=1))


def test_an_override_is_for_the_devices_that_it_is_about() -> None:
    assert overridden(ONE).play("0 s fire f; 1 s fire g → ")[1] == "1 s two g [1 of 1] (g)"


def test_where_an_override_switches_a_relation_off_its_devices_have_no_part() -> None:
    assert overridden(None).play("0 s fire f; 1 s fire g → ")[1] == "nothing"
    said = overridden(None).play("0 s fire f, fire g; 1 s g to grid g; 2 s again fire g → ")[1]
    assert said == "2 s two f [2 of 2] (f g)"


def test_a_device_that_comes_under_an_override_leaves_one_place_for_the_other() -> None:
    said = overridden(ONE).play("0 s fire a, fire b; 1 s a to grid h → ")[1]
    assert said == "0 s two a [2 of 5] (a b); 1 s off two a [1 of 4] (b); 1 s two a [1 of 1] (a)"
