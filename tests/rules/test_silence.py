"""No data, in the engine: who is watched, and what becomes of it as the registry and the clock change."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from devices import Flag, Lifecycle
from rules import Change, Engine, load_rules
from tests.rules.fleet import RULES, SECOND, batch, profile, register, registry, tank, tick

SILENT, DEAD = "tank.silent", "tank.dead"  # after 5 s and after 9 s


def engine(devices: int = 1) -> Engine:
    of = registry(devices)
    made = Engine(of, load_rules(of.profiles))
    made.sync(0)
    return made


def said(changes: list[Change]) -> list[tuple[int, str, bool]]:
    return [(change.device_row, change.rule_id, change.holds) for change in changes]


def test_a_device_never_heard_is_silent_exactly_when_its_time_is_up() -> None:
    made = engine()
    assert made.step(tick(), 5 * SECOND - 1) == []
    (begins,) = made.step(tick(), 5 * SECOND)
    assert begins == Change(0, -1, begins.rule, True, False, False, 5 * SECOND, 0, measure=5.0)
    assert begins.rule_id == SILENT
    assert made.step(tick(), 9 * SECOND - 1) == []
    assert said(made.step(tick(), 9 * SECOND)) == [(0, DEAD, True)]
    assert made.step(tick(), 900 * SECOND) == []


def test_both_levels_begin_and_cease_in_order_of_device_and_level() -> None:
    made = engine(2)
    both = [(0, SILENT), (0, DEAD), (1, SILENT), (1, DEAD)]
    assert said(made.step(tick(), 10 * SECOND)) == [(*one, True) for one in both]
    assert made.n_silent == 2
    back = made.step(batch([(7, 11 * SECOND, None, False), (0, 11 * SECOND, 4.0, False)]), 12 * SECOND)
    assert said(back) == [(*one, False) for one in both]
    assert {(change.time_us, change.since_us) for change in back} == {(12 * SECOND, 0)}
    assert made.n_silent == 0


@pytest.mark.parametrize(
    "reading",
    [
        (0, 3 * SECOND, 4.0, False),
        (0, 3 * SECOND, None, False),
        (0, 3 * SECOND, 99.0, True),
        (0, 9 * SECOND, 4.0, False),
        (4, 3 * SECOND, 4.0, False),
    ],
)
def test_every_reading_of_any_channel_is_a_sign_of_life(reading: tuple[int, int, float | None, bool]) -> None:
    made = engine()
    made.step(batch([reading]), 3 * SECOND)
    assert made.step(tick(), 8 * SECOND - 1) == []
    assert said(made.step(tick(), 8 * SECOND)) == [(0, SILENT, True)]


def test_the_check_waits_for_the_next_whole_second() -> None:
    made = engine()
    made.step(batch([(0, SECOND // 2, 4.0, False)]), SECOND // 2)
    assert made.step(tick(), 5 * SECOND + 1) == []
    assert made.step(tick(), 6 * SECOND - 1) == []
    assert said(made.step(tick(), 6 * SECOND)) == [(0, SILENT, True)]


def test_silence_is_counted_from_registration() -> None:
    of = registry(1)
    made = Engine(of, load_rules(of.profiles))
    made.step(tick(), 100 * SECOND)
    register(of, tank(1))
    made.sync(103 * SECOND)
    assert said(made.step(tick(), 105 * SECOND)) == [(0, SILENT, True)]
    assert said(made.step(tick(), 108 * SECOND)) == [(1, SILENT, True)]


@pytest.mark.parametrize("lifecycle", [Lifecycle.UNREGISTERED, Lifecycle.MAINTENANCE, Lifecycle.RETIRED])
def test_nobody_waits_for_a_device_that_is_not_in_service(lifecycle: Lifecycle) -> None:
    of = registry(1)
    register(of, tank(0, lifecycle))
    made = Engine(of, load_rules(of.profiles))
    made.step(tick(), 0)
    assert made.step(tick(), 3600 * SECOND) == []


def test_after_maintenance_the_silence_begins_anew() -> None:
    of = registry(1)
    made = Engine(of, load_rules(of.profiles))
    made.step(tick(), 0)
    register(of, tank(0, Lifecycle.MAINTENANCE))
    made.step(tick(), 100 * SECOND)
    register(of, tank(0, Lifecycle.VERIFIED))
    assert made.step(tick(), 200 * SECOND) == []
    assert said(made.step(tick(), 205 * SECOND)) == [(0, SILENT, True)]


def test_moving_a_device_keeps_what_is_known_of_its_silence() -> None:
    of = registry(1)
    made = Engine(of, load_rules(of.profiles))
    made.step(tick(), 0)
    assert said(made.step(tick(), 6 * SECOND)) == [(0, SILENT, True)]
    register(of, tank(0, Lifecycle.INSTALLED))
    assert made.step(tick(), 7 * SECOND) == []
    assert said(made.step(tick(), 9 * SECOND)) == [(0, DEAD, True)]


def test_another_profile_goes_on_counting() -> None:
    rules = RULES.replace("after_s = 5", "after_s = 7").replace('"tank.', '"other.')
    of = registry(1, profile(rules, "other"))
    made = Engine(of, load_rules(of.profiles))
    made.step(tick(), 0)
    assert said(made.step(tick(), 5 * SECOND)) == [(0, SILENT, True)]
    register(of, tank(0, profile="other"))
    assert made.step(tick(), 7 * SECOND - 1) == []
    assert said(made.step(tick(), 7 * SECOND)) == [(0, "other.silent", True)]
    assert made.counters.instances_reset == 1


def test_a_clock_set_back_makes_nobody_silent_and_hides_nobody_for_longer_than_the_limit() -> None:
    made = engine()
    made.step(batch([(0, 3600 * SECOND, 4.0, False)]), 3600 * SECOND)
    assert made.step(tick(), 60 * SECOND) == []
    assert made.step(tick(), 65 * SECOND - 1) == []
    assert said(made.step(tick(), 65 * SECOND)) == [(0, SILENT, True)]


def test_time_in_which_nobody_listened_is_nobodys_silence() -> None:
    made = engine()
    made.step(tick(), 4 * SECOND)
    made.resume(3604 * SECOND)
    assert made.step(tick(), 3605 * SECOND - 1) == []
    assert said(made.step(tick(), 3605 * SECOND)) == [(0, SILENT, True)]


def test_a_silent_gateway_is_said_for_the_devices_that_the_ledger_puts_behind_it() -> None:
    of = registry(1)
    register(of, *(replace(tank(n), gateway="d0") for n in (1, 2)))
    made = Engine(of, load_rules(of.profiles))
    made.sync(0)
    (silent,) = made.step(tick(), 5 * SECOND)
    assert (silent.device_row, silent.rule_id, silent.members) == (0, SILENT, (1, 2))
    assert said(made.step(batch([(5, 8 * SECOND, 4.0, False)]), 8 * SECOND)) == [(0, SILENT, False)]
    assert made.step(tick(), 13 * SECOND - 1) == []


def test_what_the_broker_had_retained_is_no_sign_of_life() -> None:
    made = engine()
    kept = replace(batch([(0, 4 * SECOND, 4.0, False)]), flags=np.array([Flag.RETAINED], np.uint8))
    made.step(kept, 4 * SECOND)
    assert said(made.step(tick(), 5 * SECOND)) == [(0, SILENT, True)]
