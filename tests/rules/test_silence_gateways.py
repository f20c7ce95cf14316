"""One dead gateway is one incident, and a living one hides nobody."""

from __future__ import annotations

import numpy as np
import pytest

from devices import Flag
from tests.rules.watchers import DAY, HOUR, MINUTE, SECOND, hear, live, no_data, place, said, watching

RULES = [no_data("gateway", 1800), no_data("child", 900), no_data("child-dead", 7200)]
GATEWAY, CHILD = (0,), (1, 2)
NOW = 100 * DAY


# ── one incident ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_dead_gateway_is_one_incident_that_names_those_behind_it() -> None:
    silence = watching(RULES, [GATEWAY, *[CHILD] * 100, CHILD], [-1, *[0] * 100, -1], at_us=NOW)
    assert said(silence.check(NOW + 15 * MINUTE)) == [(101, "child", True)]
    (begins,) = silence.check(NOW + 30 * MINUTE)
    assert said([begins]) == [(0, "gateway", True)]
    assert begins.members == tuple(range(1, 101))
    assert (silence.n_silent, silence.n_hidden) == (2, 100)
    assert said(silence.check(NOW + DAY)) == [(101, "child-dead", True)]


def test_only_what_is_silent_behind_it_is_named() -> None:
    silence = watching(RULES, [GATEWAY, CHILD, (2,), ()], [-1, 0, 0, 0], at_us=NOW)
    (begins,) = silence.check(NOW + 30 * MINUTE)
    assert begins.members == (1,)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_due_in_the_same_second_the_gateway_is_said(order: tuple[int, int]) -> None:
    gateway, child = order
    behind = [-1, -1]
    behind[child] = gateway
    silence = watching(RULES, [(1,), (1,)], behind, at_us=NOW)
    (begins,) = silence.check(NOW + 15 * MINUTE)
    assert (begins.device_row, begins.members) == (gateway, (child,))


def test_a_silent_device_behind_a_living_gateway_is_said() -> None:
    silence = watching(RULES, [GATEWAY, CHILD], [-1, 0], at_us=NOW)
    for minute in range(16):
        at = NOW + minute * MINUTE
        live(silence, 0, at)
        assert said(silence.check(at)) == ([(1, "child", True)] if minute == 15 else [])


def test_a_device_that_is_due_waits_for_word_of_its_gateway() -> None:
    silence = watching(RULES, [GATEWAY, CHILD], [-1, 0], at_us=NOW)
    live(silence, 0, NOW + 14 * MINUTE)
    assert silence.check(NOW + 15 * MINUTE) == []
    assert silence.check(NOW + 24 * MINUTE) == []
    live(silence, 0, NOW + 25 * MINUTE)
    (begins,) = silence.check(NOW + 25 * MINUTE)
    assert (begins.device_row, begins.measure, begins.since_us) == (1, 1500.0, NOW)


def test_what_is_heard_of_a_device_is_heard_of_its_gateway() -> None:
    silence = watching(RULES, [GATEWAY, CHILD, CHILD], [-1, 0, 0], at_us=NOW)
    for minute in range(60):
        at = NOW + minute * MINUTE
        live(silence, 2, at)
        assert said(silence.check(at)) == ([(1, "child", True)] if minute == 15 else [])


def test_a_cache_sent_again_is_nothing_heard_of_the_gateway() -> None:
    silence = watching(RULES, [GATEWAY, CHILD], [-1, 0], at_us=NOW)
    live(silence, 1, NOW + MINUTE)
    for minute in range(2, 31):
        hear(silence, [(1, NOW + MINUTE, 0), (1, NOW, Flag.LATE)], NOW + minute * MINUTE)
        assert silence.check(NOW + minute * MINUTE) == []
    assert said(silence.check(NOW + 31 * MINUTE)) == [(0, "gateway", True)]


def test_the_wills_of_those_behind_a_dead_gateway_are_nothing_heard_of_it() -> None:
    silence = watching(RULES, [GATEWAY, CHILD, CHILD], [-1, 0, 0], at_us=NOW)
    at = NOW + 16 * MINUTE
    hear(silence, [(1, at, Flag.OFFLINE | Flag.TIME_FILLED), (2, at, Flag.OFFLINE | Flag.TIME_FILLED)], at)
    assert silence.check(at) == []
    assert said(silence.check(NOW + 30 * MINUTE)) == [(0, "gateway", True)]


def test_what_was_said_before_the_gateway_fell_silent_stays() -> None:
    silence = watching(RULES, [GATEWAY, CHILD, CHILD], [-1, 0, 0], at_us=NOW)
    live(silence, [0, 2], NOW + 15 * MINUTE)
    assert said(silence.check(NOW + 15 * MINUTE)) == [(1, "child", True)]
    (begins,) = silence.check(NOW + 45 * MINUTE)
    assert (begins.device_row, begins.members) == (0, (1, 2))
    assert said(live(silence, 0, NOW + HOUR)) == [(0, "gateway", False)]
    assert silence.n_silent == 1
    assert said(live(silence, 1, NOW + HOUR)) == [(1, "child", False)]


# ── the gateway returns ──────────────────────────────────────────────────────────────────────────────────────────────


def test_the_absence_of_a_gateway_is_no_silence_of_those_behind_it() -> None:
    silence = watching(RULES, [GATEWAY, CHILD, CHILD], [-1, 0, 0], at_us=NOW)
    live(silence, 2, NOW + 5 * MINUTE)
    assert said(silence.check(NOW + 35 * MINUTE)) == [(0, "gateway", True)]
    assert silence.n_hidden == 2
    back = NOW + 5 * HOUR
    assert said(live(silence, 0, back)) == [(0, "gateway", False)]
    assert silence.n_hidden == 0
    for minute in range(1, 10):
        live(silence, 0, back + minute * MINUTE)
        assert silence.check(back + minute * MINUTE) == []
    live(silence, [0, 2], back + 10 * MINUTE)
    (begins,) = silence.check(back + 10 * MINUTE)
    assert (begins.device_row, begins.measure, begins.since_us) == (1, 900.0, back - 5 * MINUTE)


def test_behind_a_gateway_that_is_away_an_hour_a_day_the_dead_are_said_and_the_living_are_not() -> None:
    rules = [no_data("gateway", 1800), no_data("dead", 3 * 86400), no_data("living", 900)]
    silence = watching(rules, [(0,), (1,), (2,)], [-1, 0, 0], at_us=NOW)
    found = []
    for at in range(NOW, NOW + 10 * DAY, 10 * MINUTE):
        if not 6 * HOUR < at % DAY < 7 * HOUR:
            found += live(silence, [0, 2], at)
        found += silence.check(at)
    (dead,) = [change for change in found if change.device_row == 1]
    assert dead.time_us == NOW + 3 * DAY + 3 * HOUR
    assert dead.measure == 3 * 86400.0
    assert [change.device_row for change in found if change.device_row != 1] == [0, 0] * 10


def test_a_gateway_that_sends_what_it_kept_step_by_step_makes_nobody_silent() -> None:
    silence = watching(RULES, [GATEWAY, (2,)], [-1, 0], at_us=NOW)
    live(silence, 0, NOW + HOUR)
    assert said(silence.check(NOW + 2 * HOUR)) == [(0, "gateway", True)]
    silence.check(NOW + 3 * HOUR)
    back = NOW + 8 * HOUR
    for minute in range(61, 8 * 60 - 30):
        assert hear(silence, [(0, NOW + minute * MINUTE, 0)], back) == []
        assert (silence.n_silent, silence.n_hidden) == (1, 1)
    assert said(live(silence, 0, back)) == [(0, "gateway", False)]
    for minute in range(60):
        live(silence, 0, back + minute * MINUTE)
        assert silence.check(back + minute * MINUTE) == []
    live(silence, 0, back + HOUR)
    (begins,) = silence.check(back + HOUR)
    assert (begins.device_row, begins.measure) == (1, 7200.0)


def test_what_a_gateway_kept_makes_no_silence_longer() -> None:
    silence = watching(RULES, [GATEWAY, CHILD], [-1, -1], at_us=NOW)
    assert said(silence.check(NOW + 30 * MINUTE)) == [(0, "gateway", True), (1, "child", True)]
    live(silence, 1, NOW + 40 * MINUTE)
    place(silence, [-1, 0])
    hear(silence, [(0, NOW + 10 * MINUTE, 0)], NOW + 41 * MINUTE)
    place(silence, [-1, -1])
    (begins,) = silence.check(NOW + 55 * MINUTE)
    assert (begins.device_row, begins.since_us) == (1, NOW + 40 * MINUTE)


def test_of_a_silence_that_was_said_the_absence_is_a_part() -> None:
    silence = watching(RULES, [GATEWAY, CHILD], [-1, 0], at_us=NOW)
    live(silence, 0, NOW + 15 * MINUTE)
    assert said(silence.check(NOW + 15 * MINUTE)) == [(1, "child", True)]
    silence.check(NOW + HOUR)
    live(silence, 0, NOW + 2 * HOUR)
    assert said(silence.check(NOW + 2 * HOUR)) == [(1, "child-dead", True)]


def test_a_device_heard_through_it_brings_the_gateway_back() -> None:
    silence = watching(RULES, [GATEWAY, CHILD, CHILD], [-1, 0, 0], at_us=NOW)
    silence.check(NOW + 30 * MINUTE)
    assert said(live(silence, 2, NOW + HOUR)) == [(0, "gateway", False)]
    assert silence.n_hidden == 0


def test_an_old_reading_through_it_does_not() -> None:
    silence = watching(RULES, [GATEWAY, CHILD], [-1, 0], at_us=NOW)
    silence.check(NOW + 30 * MINUTE)
    assert hear(silence, [(1, NOW + MINUTE, 0)], NOW + HOUR) == []
    assert (silence.n_silent, silence.n_hidden) == (1, 1)


def test_a_device_is_hidden_only_as_long_as_something_unsaid_is_due() -> None:
    silence = watching(RULES, [GATEWAY, CHILD], [-1, 0], at_us=NOW)
    live(silence, 0, NOW + 15 * MINUTE)
    assert said(silence.check(NOW + 15 * MINUTE)) == [(1, "child", True)]
    assert said(silence.check(NOW + 45 * MINUTE)) == [(0, "gateway", True)]
    assert silence.check(NOW + 2 * HOUR) == []
    assert (silence.n_silent, silence.n_hidden) == (2, 1)
    assert hear(silence, [(1, NOW + 30 * MINUTE, 0)], NOW + 2 * HOUR) == []
    assert (silence.n_silent, silence.n_hidden) == (2, 0)
    assert silence.check(NOW + 151 * MINUTE) == []
    assert (silence.n_silent, silence.n_hidden) == (2, 1)


# ── gateways that do not count ───────────────────────────────────────────────────────────────────────────────────────


def test_a_gateway_that_nobody_watches_hides_nobody() -> None:
    silence = watching(RULES, [(), CHILD], [-1, 0], at_us=NOW)
    assert said(silence.check(NOW + 15 * MINUTE)) == [(1, "child", True)]


def test_a_gateway_taken_out_of_service_hides_nobody_any_more() -> None:
    silence = watching(RULES, [GATEWAY, CHILD], [-1, 0], at_us=NOW)
    silence.check(NOW + 30 * MINUTE)
    assert silence.n_hidden == 1
    assert silence.watch(np.array([0]), (), NOW + HOUR) == 1
    assert silence.check(NOW + HOUR + 15 * MINUTE - 1) == []
    assert said(silence.check(NOW + HOUR + 15 * MINUTE)) == [(1, "child", True)]


def test_devices_that_waited_for_it_are_said_when_it_is_taken_out_of_service() -> None:
    silence = watching(RULES, [GATEWAY, CHILD], [-1, 0], at_us=NOW)
    assert silence.check(NOW + 20 * MINUTE) == []
    silence.watch(np.array([0]), (), NOW + 21 * MINUTE)
    assert said(silence.check(NOW + 21 * MINUTE)) == [(1, "child", True)]


def test_a_device_that_waited_is_said_when_it_is_put_behind_a_living_gateway() -> None:
    silence = watching(RULES, [GATEWAY, CHILD, GATEWAY], [-1, 0, -1], at_us=NOW)
    live(silence, 2, NOW + 20 * MINUTE)
    assert silence.check(NOW + 20 * MINUTE) == []
    place(silence, [-1, 2, -1])
    assert said(silence.check(NOW + 20 * MINUTE + SECOND)) == [(1, "child", True)]


def test_devices_put_behind_another_gateway_start_afresh() -> None:
    silence = watching(RULES, [GATEWAY, CHILD, GATEWAY], [-1, 0, -1], at_us=NOW)
    silence.check(NOW + 30 * MINUTE)
    moved = NOW + HOUR
    live(silence, 2, moved)
    place(silence, [-1, 2, -1])
    assert silence.check(moved) == []
    assert silence.n_hidden == 0
    live(silence, 2, moved + 15 * MINUTE)
    (begins,) = silence.check(moved + 15 * MINUTE)
    assert (begins.device_row, begins.since_us) == (1, moved)


def test_those_put_behind_another_silent_gateway_stay_hidden() -> None:
    silence = watching(RULES, [GATEWAY, CHILD, GATEWAY], [-1, 0, -1], at_us=NOW)
    silence.check(NOW + 30 * MINUTE)
    place(silence, [-1, 2, -1])
    assert silence.check(NOW + HOUR) == []
    assert silence.n_hidden == 1
    assert said(live(silence, 2, NOW + HOUR)) == [(2, "gateway", False)]
    assert silence.n_hidden == 0


# ── gateways behind gateways ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_dead_gateway_hides_the_gateways_behind_it_and_all_that_is_behind_them() -> None:
    silence = watching(RULES, [GATEWAY, GATEWAY, CHILD, CHILD], [-1, 0, 1, 0], at_us=NOW)
    (begins,) = silence.check(NOW + 30 * MINUTE)
    assert (begins.device_row, begins.members) == (0, (1, 2, 3))
    assert said(live(silence, 2, NOW + HOUR)) == [(0, "gateway", False)]
    assert silence.n_hidden == 0
    assert silence.check(NOW + HOUR + MINUTE) == []


def test_one_that_nobody_watches_in_between_is_passed_over() -> None:
    silence = watching(RULES, [GATEWAY, (), CHILD], [-1, 0, 1], at_us=NOW)
    (begins,) = silence.check(NOW + 30 * MINUTE)
    assert (begins.device_row, begins.members) == (0, (2,))


def test_a_dead_gateway_behind_a_living_one_is_said_for_its_own() -> None:
    silence = watching(RULES, [GATEWAY, GATEWAY, CHILD], [-1, 0, 1], at_us=NOW)
    live(silence, 0, NOW + 30 * MINUTE)
    (begins,) = silence.check(NOW + 30 * MINUTE)
    assert (begins.device_row, begins.members) == (1, (2,))


def test_a_gateway_and_the_device_behind_it_that_wait_are_decided_together() -> None:
    rules = [no_data("gateway", 1800), no_data("sooner", 900), no_data("child", 1200)]
    silence = watching(rules, [(0,), (1,), (2,)], [-1, 0, 1], at_us=NOW)
    for minute in range(21):
        assert silence.check(NOW + minute * MINUTE) == []
    hear(silence, [(0, NOW + 17 * MINUTE, 0)], NOW + 21 * MINUTE)
    (begins,) = silence.check(NOW + 21 * MINUTE)
    assert (begins.device_row, begins.members) == (1, (2,))
    assert silence.n_hidden == 1


def test_no_absence_counts_beyond_a_gateway_that_is_still_silent() -> None:
    silence = watching(RULES, [GATEWAY, GATEWAY, CHILD], [-1, 0, 1], at_us=NOW)
    live(silence, 0, NOW + 30 * MINUTE)
    assert said(silence.check(NOW + 30 * MINUTE)) == [(1, "gateway", True)]
    assert said(silence.check(NOW + HOUR)) == [(0, "gateway", True)]
    assert said(live(silence, 0, NOW + 2 * HOUR)) == [(0, "gateway", False)]
    assert silence.n_hidden == 1
    live(silence, 0, NOW + 3 * HOUR)
    assert silence.check(NOW + 3 * HOUR) == []


@pytest.mark.parametrize(
    ("behind", "told"),
    [
        ([0, 0, 0, 0, 0, 0], range(6)),  # behind itself
        ([1, 0, 0, 1, 2, 3], range(6)),  # in a circle, and behind it
        ([-1, 0, 1, 2, 3, 4], [0, 5]),  # the last one has five gateways before it
    ],
)
def test_circles_and_endless_chains_hide_nobody(behind: list[int], told: list[int]) -> None:
    silence = watching(RULES, [(1,)] * 6, behind, at_us=NOW)
    assert said(silence.check(NOW + 15 * MINUTE + SECOND)) == [(row, "child", True) for row in told]
    assert said(live(silence, range(6), NOW + HOUR)) == [(row, "child", False) for row in told]
