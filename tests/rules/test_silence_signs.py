"""What is a sign of life, how long a silence may last, and what is said about it."""

from __future__ import annotations

import numpy as np
import pytest

from devices import Flag
from rules import Change
from tests.rules.watchers import DAY, HOUR, MINUTE, SECOND, hear, live, no_data, said, watching

QUARTER, DEAD = no_data("quarter", 900), no_data("dead", 3600)
LEARNING = no_data("learning", 26 * 3600, 3.0, 600)
NOW = 100 * DAY


# ── signs of life ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_silence_of_exactly_its_time_counts() -> None:
    silence = watching([QUARTER], [[0]], at_us=NOW)
    assert silence.check(NOW + 900 * SECOND - 1) == []
    assert silence.check(NOW + 900 * SECOND) == [
        Change(0, -1, QUARTER, True, False, False, NOW + 900 * SECOND, NOW, measure=900.0)
    ]
    assert silence.check(NOW + DAY) == []


def test_hearing_it_again_ends_it_and_says_how_long_it_was() -> None:
    silence = watching([QUARTER], [[0]], at_us=NOW)
    silence.check(NOW + HOUR)
    assert live(silence, 0, NOW + 2 * HOUR) == [
        Change(0, -1, QUARTER, False, False, False, NOW + 2 * HOUR, NOW, measure=7200.0)
    ]
    assert live(silence, 0, NOW + 2 * HOUR + 1) == []


@pytest.mark.parametrize("flag", [0, Flag.LATE, Flag.TIME_FILLED, Flag.TIME_CLAMPED, Flag.ALARM_LANE])
def test_silence_counts_from_the_newest_event_time(flag: int) -> None:
    silence = watching([QUARTER], [[0]], at_us=NOW)
    at = NOW + 10 * MINUTE
    hear(silence, [(0, at - 60 * SECOND, 0), (0, at - 5 * SECOND, flag), (0, at - 90 * SECOND, 0)], at)
    assert silence.check(at + 895 * SECOND - 1) == []
    assert said(silence.check(at + 895 * SECOND)) == [(0, "quarter", True)]


def test_a_time_ahead_of_ours_counts_as_now() -> None:
    silence = watching([QUARTER], [[0]], at_us=NOW)
    hear(silence, [(0, NOW + DAY, 0)], NOW + MINUTE)
    assert silence.check(NOW + MINUTE + 900 * SECOND - 1) == []
    assert said(silence.check(NOW + MINUTE + 900 * SECOND)) == [(0, "quarter", True)]


def test_a_days_samples_in_one_upload_count_by_the_newest() -> None:
    silence = watching([no_data("day", 26 * 3600)], [[0]], at_us=NOW)
    at = NOW + 25 * HOUR
    samples = [(0, at - n * 30 * MINUTE, 0) for n in range(48)]
    hear(silence, samples[24:], at)
    hear(silence, samples[:24], at + SECOND)
    assert silence.check(at + 26 * HOUR - 1) == []
    assert said(silence.check(at + 26 * HOUR)) == [(0, "day", True)]


def test_a_cache_that_is_sent_again_makes_no_dead_device_look_alive() -> None:
    silence = watching([QUARTER], [[0]], at_us=NOW)
    live(silence, 0, NOW + MINUTE)
    for minute in range(2, 30):
        at = NOW + minute * MINUTE
        assert hear(silence, [(0, NOW + MINUTE - n * SECOND, Flag.LATE) for n in range(5)], at) == []
        begins = silence.check(at)
        assert said(begins) == ([(0, "quarter", True)] if minute == 16 else [])
    assert silence.n_silent == 1


def test_a_backlog_older_than_the_silence_allowed_ends_only_the_levels_that_allow_it() -> None:
    silence = watching([QUARTER, DEAD], [[0, 1]], at_us=NOW)
    assert said(silence.check(NOW + 2 * HOUR)) == [(0, "quarter", True), (0, "dead", True)]
    at = NOW + 3 * HOUR
    assert hear(silence, [(0, at - 61 * MINUTE, 0)], at) == []
    assert said(hear(silence, [(0, at - 30 * MINUTE, 0)], at)) == [(0, "dead", False)]
    assert said(hear(silence, [(0, at - 14 * MINUTE, 0)], at)) == [(0, "quarter", False)]
    assert said(silence.check(at + MINUTE)) == [(0, "quarter", True)]


@pytest.mark.parametrize("flag", [Flag.RETAINED, Flag.OFFLINE, Flag.RETAINED | Flag.TIME_FILLED])
def test_what_the_broker_kept_or_made_is_no_sign_of_life(flag: int) -> None:
    silence = watching([QUARTER], [[0]], at_us=NOW)
    hear(silence, [(0, NOW + 10 * MINUTE, flag)], NOW + 10 * MINUTE)
    assert said(silence.check(NOW + 15 * MINUTE)) == [(0, "quarter", True)]
    assert hear(silence, [(0, NOW + 16 * MINUTE, flag)], NOW + 16 * MINUTE) == []
    assert said(live(silence, 0, NOW + 16 * MINUTE)) == [(0, "quarter", False)]


def test_an_empty_block_and_devices_that_nobody_watches_say_nothing() -> None:
    silence = watching([QUARTER], [[0], []], at_us=NOW)
    assert hear(silence, [], NOW) == []
    assert live(silence, [1, 1], NOW + MINUTE) == []
    assert said(silence.check(NOW + DAY)) == [(0, "quarter", True)]


def test_several_devices_begin_and_cease_in_order_of_device_and_level() -> None:
    silence = watching([QUARTER, DEAD], [[0, 1], [0], [0, 1]], at_us=NOW)
    order = [(0, "quarter"), (0, "dead"), (1, "quarter"), (2, "quarter"), (2, "dead")]
    assert said(silence.check(NOW + DAY)) == [(*one, True) for one in order]
    assert said(live(silence, [2, 0, 1, 2], NOW + DAY + SECOND)) == [(*one, False) for one in order]


# ── how long ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_until_its_period_is_learned_the_rules_own_time_counts() -> None:
    silence = watching([LEARNING], [[0]], at_us=NOW)
    at = NOW
    for _ in range(23 * 60):
        at += MINUTE
        live(silence, 0, at)
    assert silence.check(at + 26 * HOUR - SECOND) == []
    (begins,) = silence.check(at + 26 * HOUR)
    assert begins.reference is None


def test_a_learned_period_makes_it_sooner_but_not_too_soon() -> None:
    silence = watching([LEARNING], [[0], [0]], at_us=NOW)
    for minute in range(2, 2 * 24 * 60):
        live(silence, [0] if minute % 30 else [0, 1], NOW + minute * MINUTE)
    at = NOW + 2 * 24 * 60 * MINUTE
    live(silence, [0, 1], at)
    assert silence.check(at + 600 * SECOND - 1) == []
    (often,) = silence.check(at + 600 * SECOND)
    assert (often.device_row, often.reference, often.measure) == (0, 60.0, 600.0)
    assert silence.check(at + 90 * MINUTE - 1) == []
    (seldom,) = silence.check(at + 90 * MINUTE)
    assert (seldom.device_row, seldom.reference, seldom.measure) == (1, 1800.0, 5400.0)


def test_a_learned_period_never_makes_it_later() -> None:
    silence = watching([no_data("hour", 3600, 100.0)], [[0]], at_us=NOW)
    for n in range(1, 60):
        live(silence, 0, NOW + n * HOUR)
    at = NOW + 59 * HOUR
    assert silence.check(at + HOUR - 1) == []
    assert said(silence.check(at + HOUR)) == [(0, "hour", True)]


def test_a_message_of_readings_that_are_sent_again_is_no_report() -> None:
    once, twice = (watching([LEARNING], [[0]], at_us=NOW) for _ in range(2))
    for n in range(1, 60):
        at = NOW + n * HOUR
        live(once, 0, at)
        live(twice, 0, at)
        hear(twice, [(0, at, 0)], at + 25 * MINUTE)
    assert once.snapshot() == twice.snapshot()


# ── what happens around it ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_rule_more_and_a_rule_less() -> None:
    rules = [QUARTER]
    silence = watching(rules, [[0]], at_us=NOW)
    assert said(silence.check(NOW + HOUR)) == [(0, "quarter", True)]
    rules += [DEAD, no_data("week", 7 * 86400)]
    assert silence.watch(np.array([0]), (0, 1, 2), NOW + HOUR) == 0
    assert said(silence.check(NOW + HOUR + SECOND)) == [(0, "dead", True)]
    assert silence.watch(np.array([0]), (1, 2), NOW + 2 * HOUR) == 1
    assert said(silence.check(NOW + 8 * DAY)) == [(0, "week", True)]
    assert silence.watch(np.array([0]), (), NOW + 9 * DAY) == 2
    assert silence.n_silent == 0
    assert live(silence, 0, NOW + 9 * DAY) == []


def test_watching_a_device_again_begins_anew() -> None:
    silence = watching([QUARTER], [[0]], at_us=NOW)
    silence.watch(np.array([0]), (), NOW + MINUTE)
    assert silence.check(NOW + DAY) == []
    silence.watch(np.array([0]), (0,), NOW + DAY)
    assert silence.check(NOW + DAY + 900 * SECOND - 1) == []
    assert said(silence.check(NOW + DAY + 900 * SECOND)) == [(0, "quarter", True)]


def test_time_in_which_nobody_listened_counts_for_nobody() -> None:
    silence = watching([QUARTER, DEAD], [[0, 1], [0, 1]], at_us=NOW)
    live(silence, 1, NOW + 14 * MINUTE)
    silence.check(NOW + 15 * MINUTE)
    assert silence.n_silent == 1
    silence.resume(DAY)
    assert silence.check(NOW + DAY + 29 * MINUTE - SECOND) == []
    assert said(silence.check(NOW + DAY + 29 * MINUTE)) == [(1, "quarter", True)]
    assert said(silence.check(NOW + DAY + HOUR)) == [(0, "dead", True)]


def test_a_clock_set_back_hides_nobody_for_longer_than_the_rule_allows() -> None:
    silence = watching([QUARTER], [[0], [0]], at_us=NOW)
    live(silence, [0, 1], NOW + DAY)
    silence.bound(NOW)
    assert silence.check(NOW + 900 * SECOND - 1) == []
    live(silence, 1, NOW + 900 * SECOND - 1)
    assert said(silence.check(NOW + 900 * SECOND)) == [(0, "quarter", True)]
