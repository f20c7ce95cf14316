"""The state of silence as bytes: what goes on after a restart, and what does not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rules.silence import Silence
from rules.silence_state import SilenceState
from tests.rules.watchers import DAY, HOUR, MINUTE, SECOND, Rules, hear, live, no_data, place, said, watching

RULES = [no_data("gateway", 1800), no_data("child", 900, 3.0), no_data("dead", 7200)]
WATCHED = [(0,), (1, 2), (1, 2), (), (1, 2)]
BEHIND = [-1, 0, 0, -1, -1]
NOW = 100 * DAY
ROWS = np.arange(3, dtype=np.int32)


def running() -> Silence:
    """Return one in which a gateway is silent, two devices are hidden, one is heard and its period learned."""
    silence = watching(RULES, WATCHED, BEHIND, at_us=NOW - 2 * DAY)
    for minute in range(0, 2 * 24 * 60, 5):
        live(silence, [0, 1, 2, 3, 4], NOW - 2 * DAY + minute * MINUTE)
    live(silence, 4, NOW + 29 * MINUTE)
    assert said(silence.check(NOW + 29 * MINUTE)) == [(0, "gateway", True)]
    assert silence.n_hidden == 2
    return silence


def test_a_restored_silence_goes_on_as_the_first_would_have() -> None:
    first = running()
    again = watching(RULES, WATCHED, BEHIND, at_us=NOW + 29 * MINUTE)
    assert again.restore(first.snapshot(), ROWS) == 1
    for silence in (first, again):
        assert silence.check(NOW + 29 * MINUTE + 1) == []  # the same second
        silence.hear(*block(4, NOW + 40 * MINUTE))
    assert again.snapshot() == first.snapshot()
    both = [
        [*silence.check(NOW + 56 * MINUTE), *live(silence, 2, NOW + HOUR), *silence.check(NOW + 3 * HOUR)]
        for silence in (first, again)
    ]
    assert said(both[0]) == [(4, "child", True), (0, "gateway", False), (0, "gateway", True), (4, "dead", True)]
    assert both[0] == both[1]


def block(row: int, now_us: int) -> tuple[Any, Any, Any, int]:
    return np.array([row], np.int32), np.array([now_us]), np.zeros(1, np.uint8), now_us


def test_a_rule_that_is_gone_holds_no_longer_and_its_gateway_hides_nobody() -> None:
    first = running()
    again = watching(RULES[1:], [(), (0, 1), (0, 1), (), (0, 1)], BEHIND, at_us=NOW + 29 * MINUTE)
    assert again.restore(first.snapshot(), np.array([-1, 0, 1], np.int32)) == 0
    assert again.n_silent == 0
    at = NOW + 30 * MINUTE
    live(again, 4, at)
    assert again.check(at) == []
    assert said(again.check(at + 15 * MINUTE)) == [(1, "child", True), (2, "child", True), (4, "child", True)]


def test_rules_may_stand_in_other_rows() -> None:
    first = running()
    again = watching(RULES[::-1], [(2,), (1, 0), (1, 0), (), (1, 0)], BEHIND, at_us=NOW + 29 * MINUTE)
    assert again.restore(first.snapshot(), np.array([2, 1, 0], np.int32)) == 1
    assert said(live(again, 0, NOW + 30 * MINUTE)) == [(0, "gateway", False)]


def test_the_first_version_told_only_when_devices_were_heard_and_what_held() -> None:
    state = SilenceState(
        second=NOW // SECOND,
        heard_us=np.array([NOW - HOUR, NOW - MINUTE, NOW, 0], np.int64).tobytes(),
        silent_device=np.array([0], np.int32).tobytes(),
        silent_rule=np.array([0], np.int32).tobytes(),
    )
    silence = watching(RULES, [(0,), (1, 2), (1, 2), ()], [-1, -1, -1, -1], at_us=NOW)
    assert silence.restore(state, ROWS) == 1
    assert silence.n_silent == 1
    assert hear(silence, [(1, NOW - MINUTE, 0)], NOW + SECOND) == []
    assert said(silence.check(NOW + 14 * MINUTE)) == [(1, "child", True)]
    assert said(silence.check(NOW + 15 * MINUTE)) == [(2, "child", True)]
    assert said(live(silence, 0, NOW + 15 * MINUTE)) == [(0, "gateway", False)]


def test_a_device_that_was_not_watched_then_is_silent_from_now_on() -> None:
    first = running()
    again = watching(RULES, [*WATCHED[:3], (1,), WATCHED[4]], BEHIND, at_us=NOW + 29 * MINUTE)
    again.restore(first.snapshot(), ROWS)
    live(again, 4, NOW + 44 * MINUTE)
    assert again.check(NOW + 44 * MINUTE - 1) == []
    assert said(again.check(NOW + 44 * MINUTE)) == [(3, "child", True)]


def test_devices_registered_since_are_silent_from_now_on() -> None:
    first = running()
    again = watching(RULES, [*WATCHED, (1,)], [*BEHIND, -1], at_us=NOW + 30 * MINUTE)
    again.restore(first.snapshot(), ROWS)
    live(again, 4, NOW + 45 * MINUTE)
    assert said(again.check(NOW + 45 * MINUTE)) == [(5, "child", True)]


@pytest.mark.parametrize("at_once", [False, True])
def test_equal_states_are_equal_bytes_however_the_devices_came(*, at_once: bool) -> None:
    silence = Silence(Rules(RULES))
    for n in [5] if at_once else range(1, 6):
        silence.extend(n)
    for row, rules in enumerate(WATCHED):
        silence.watch(np.array([row]), rules, NOW)
    place(silence, BEHIND)
    silence.resume(HOUR)
    silence.extend(7)
    reference = watching(RULES, [*WATCHED, (), ()], [*BEHIND, -1, -1], at_us=NOW + HOUR)
    assert silence.snapshot() == reference.snapshot()
