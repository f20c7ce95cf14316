"""A snapshot holds all of the engine's state: what comes after a restore is what would have come without."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from rules import Engine, RuleSet, State, load_rules
from rules.model import AlarmClass, Comparison, Direction, RateTerms, Rule, Severity, ThresholdTerms
from rules.ruleset import Override, Variant
from tests.rules.fleet import SECOND, batch, register, registry, tank, tick

if TYPE_CHECKING:
    from devices import Registry

FIXTURES = Path(__file__).parent / "fixtures"
PLAIN = Rule(
    id="tank.plain",
    profile="tank",
    metric="level",
    severity=Severity.ALARM,
    alarm_class=AlarmClass.LIFE_SAFETY,
    name_en="plain",
    name_zh="plain",
    source="test",
    terms=ThresholdTerms(Comparison.AT_LEAST, 5.0, 3.0),
)


def running() -> tuple[Registry, Engine]:
    """Return an engine with a hold, a clear hold, an alarm and a silence under way."""
    of = registry(3)
    engine = Engine(of, load_rules(of.profiles))
    engine.step(batch([(0, 0, 6.0, False), (1, 0, 0.1, False), (2, 0, 1.0, False)]), 0)
    engine.step(batch([(5, SECOND, 0.5, False), (1, SECOND, 4.0, False)]), 5 * SECOND)
    engine.step(batch([(0, 2 * SECOND, 1.0, False), (1, 2 * SECOND, 0.1, False)]), 5 * SECOND + 1)
    engine.step(batch([(5, 6 * SECOND, 6.0, False), (1, 6 * SECOND, 4.0, False)]), 6 * SECOND)
    return of, engine


def test_restored_in_mid_hold_it_goes_on_as_if_nothing_had_been() -> None:
    of, engine = running()
    fresh = Engine(of, load_rules(of.profiles))
    report = fresh.restore(engine.snapshot())
    assert (report.kept, report.dropped_instances, report.dropped_rules) == (5, 0, ())
    assert fresh.snapshot() == engine.snapshot()
    for now in range(7, 20):
        block = batch([(1, now * SECOND, 4.0, False)]) if now % 3 == 0 else tick()
        assert fresh.step(block, now * SECOND) == engine.step(block, now * SECOND)
        assert fresh.snapshot() == engine.snapshot()


def test_state_goes_on_where_the_rule_is_still_there_and_the_rest_is_reported() -> None:
    of, engine = running()
    kept_rules = load_rules(of.profiles).rules
    gone = {"tank.free", "tank.silent"}
    fewer = RuleSet.of(rule for rule in kept_rules if rule.id not in gone)
    fresh = Engine(of, fewer)
    report = fresh.restore(engine.snapshot())
    assert set(report.dropped_rules) == gone
    assert report.dropped_instances == 2
    assert report.kept == 3
    held = {change.rule_id for change in fresh.step(tick(), 8 * SECOND)}
    assert held == {"tank.high"}


def test_equal_states_give_equal_bytes_however_they_came_about() -> None:
    of = registry(2)
    rows = [(5, 0, 6.0, False), (0, 0, 6.0, False), (7, 0, 1.0, False)]
    one, other = (Engine(of, load_rules(of.profiles)) for _ in range(2))
    one.step(batch(rows), SECOND)
    for row in reversed(rows):
        other.step(batch([row]), SECOND)
    assert one.snapshot() == other.snapshot()


def test_what_no_longer_matters_is_not_in_the_bytes() -> None:
    of = registry()
    snapshots = set()
    for value in (6.0, 7.0):  # the last value counts only while pending
        engine = Engine(of, load_rules(of.profiles))
        engine.step(batch([(0, 0, 6.0, False)]), 0)
        engine.step(batch([(0, SECOND, value, False)]), SECOND)
        engine.step(tick(), 2 * SECOND)
        snapshots.add(engine.snapshot())
    assert len(snapshots) == 1


def test_a_late_alarm_after_a_restore_leaves_the_bytes_that_it_leaves_without() -> None:
    of = registry()
    slow = msgspec.structs.replace(PLAIN, id="tank.slow", terms=RateTerms(Direction.UP, 300.0, 4.0, 2.0))
    rules = RuleSet.of((PLAIN, slow))  # with memory of the rate, what is idle stays, and knows its last reading
    engine = Engine(of, rules)
    for second, value in ((10, 9.0), (20, 1.0)):
        engine.step(batch([(0, second * SECOND, value, False)]), second * SECOND)
    fresh = Engine(of, rules)
    fresh.restore(engine.snapshot())
    late = batch([(0, 15 * SECOND, 9.0, True)])
    assert [change.late for change in fresh.step(late, 20 * SECOND)] == [True]
    engine.step(late, 20 * SECOND)
    assert fresh.snapshot() == engine.snapshot()


def test_the_bytes_do_not_tell_which_of_two_variants_that_decide_alike_was_in_force_first() -> None:
    of = registry()
    louder = Variant(PLAIN.id, (0,), msgspec.structs.replace(PLAIN, severity=Severity.EMERGENCY))
    rules = RuleSet((PLAIN,), (Override("", "north", "", (PLAIN.id,)),), (louder,))
    engine = Engine(of, rules)
    engine.sync(0)
    register(of, replace(tank(), grid="north"), tank(1))
    engine.step(batch([(of.channels_of(row)["level"], 0, 9.0, False) for row in (0, 1)]), 0)
    assert engine.n_instances == 2
    fresh = Engine(of, rules)
    fresh.restore(engine.snapshot())
    assert fresh.snapshot() == engine.snapshot()


@pytest.mark.parametrize("damage", [b"", b"\x00", b"\x03rest"])
def test_a_version_that_is_not_read_is_refused(damage: bytes) -> None:
    of = registry()
    with pytest.raises(ValueError, match="version"):
        Engine(of, load_rules(of.profiles)).restore(damage)


def test_damaged_bytes_are_refused() -> None:
    of, engine = running()
    data = bytearray(engine.snapshot())
    data[40] ^= 1
    with pytest.raises(ValueError, match="checksum"):
        Engine(of, load_rules(of.profiles)).restore(bytes(data))


def test_an_engine_that_has_run_is_not_restored() -> None:
    _, engine = running()
    with pytest.raises(ValueError, match="fresh"):
        engine.restore(engine.snapshot())


def test_the_first_version_is_still_read_and_goes_on() -> None:
    of = registry(4)
    begun = 1_700_000_000 * SECOND
    engine = Engine(of, load_rules(of.profiles))
    report = engine.restore((FIXTURES / "snapshot-1.bin").read_bytes())
    assert (report.kept, report.dropped_instances, report.dropped_rules) == (6, 0, ())
    assert (engine.count(State.PENDING), engine.count(State.HOLDS), engine.count(State.CLEARING)) == (1, 3, 1)
    assert engine.n_silent == 1
    ran_out = engine.step(tick(), begun + 8 * SECOND)
    assert [(c.rule_id, c.channel, c.time_us - begun, c.value) for c in ran_out if c.channel >= 0] == [
        ("tank.low", 10, 8 * SECOND, 0.5)
    ]
    cleared = engine.step(batch([(5, begun + 9 * SECOND, 2.0, False)]), begun + 9 * SECOND)
    assert [(c.rule_id, c.holds, c.since_us - begun) for c in cleared if c.channel >= 0] == [("tank.high", False, 0)]


def test_what_an_override_only_says_otherwise_keeps_its_silence_over_restore_and_reload() -> None:
    rules = load_rules(registry(2).profiles)
    silent = rules.by_id["tank.silent"]
    louder = Variant("tank.silent", (0,), msgspec.structs.replace(silent, severity=Severity.EMERGENCY))
    overridden = RuleSet(rules.rules, (Override("", "", "d1", ("tank.silent",)),), (louder,))
    of = registry(2)
    engine = Engine(of, overridden)
    engine.step(tick(), 0)
    assert [change.rule.severity for change in engine.step(tick(), 6 * SECOND)] == [
        Severity.WARNING,
        Severity.EMERGENCY,
    ]
    fresh = Engine(of, overridden)
    assert fresh.restore(engine.snapshot()).dropped_instances == 0
    assert fresh.snapshot() == engine.snapshot()
    assert engine.reload(rules, 6 * SECOND).reset == 0
    assert engine.n_silent == fresh.n_silent == 2
