from __future__ import annotations

from itertools import product

import pytest

from alerts.breaker import TABLE, Breaker, BreakerLimits, BreakerState, Signal

LIMITS = BreakerLimits(failures=3, rest_s=5, rest_max_s=20)


def tripped(at: float = 0.0) -> Breaker:
    breaker = Breaker(LIMITS)
    for _ in range(3):
        assert breaker.admits(at)
        breaker.sent()
        breaker.failed(at)
    return breaker


def probe(breaker: Breaker, at: float) -> None:
    assert breaker.admits(at)
    breaker.sent()


def test_the_table_has_every_pair_that_can_be() -> None:
    missing = set(product(BreakerState, Signal)) - set(TABLE)
    assert missing == {(BreakerState.CLOSED, Signal.RESTED), (BreakerState.HALF_OPEN, Signal.RESTED)}


def test_it_opens_after_so_many_failures_in_a_row() -> None:
    breaker = Breaker(LIMITS)
    for answer in (breaker.failed, breaker.failed, breaker.answered, breaker.failed, breaker.failed):
        answer(0.0)
    assert breaker.admits(0.0)
    breaker.failed(0.0)
    assert breaker.state is BreakerState.OPEN
    assert not breaker.admits(4.99)
    assert breaker.rested_at() == 5.0


def test_it_lets_one_probe_through_when_it_has_rested() -> None:
    breaker = tripped()
    probe(breaker, 5.0)
    assert breaker.state is BreakerState.HALF_OPEN
    assert not breaker.admits(100.0)
    assert breaker.rested_at() is None


def test_a_probe_that_is_answered_closes_it() -> None:
    breaker = tripped()
    probe(breaker, 5.0)
    breaker.answered(6.0)
    assert breaker.state is BreakerState.CLOSED
    assert breaker.admits(6.0)


def test_each_probe_that_fails_doubles_the_rest_up_to_a_bound() -> None:
    breaker = tripped()
    rests = []
    at = 5.0
    for _ in range(4):
        probe(breaker, at)
        breaker.failed(at)
        rested_at = breaker.rested_at()
        assert rested_at is not None
        rests.append(rested_at - at)
        at = rested_at
    assert rests == [10, 20, 20, 20]
    probe(breaker, at)
    breaker.answered(at)
    for _ in range(3):
        breaker.failed(at)
    assert breaker.rested_at() == pytest.approx(at + 5), "a new outage begins with the short rest"


def test_failures_of_what_was_under_way_do_not_put_the_probe_off() -> None:
    breaker = tripped()
    breaker.failed(4.0)
    assert breaker.rested_at() == 5.0


def test_an_answer_to_what_was_under_way_closes_it() -> None:
    breaker = tripped()
    breaker.answered(1.0)
    assert breaker.admits(1.0)
