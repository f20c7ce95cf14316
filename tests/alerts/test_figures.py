"""How long people took, as the counters have it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from alerts.counters import AlertsCounters
from alerts.incident import Outcome
from alerts.incidents import Incidents
from alerts.lifecycle import Trigger
from tests.alerts.decisions import say
from tests.alerts.scene import SMOKE, TANK, Scene

if TYPE_CHECKING:
    from alerts.histogram import Histogram
    from rules.model import Rule


def scene(counters: AlertsCounters, rule: Rule = SMOKE) -> Scene:
    scene = Scene(Incidents(counters=counters))
    scene.rule(rule, 0)
    return scene


def seconds(histogram: Histogram) -> tuple[int, float]:
    return sum(histogram.counts), histogram.total


def test_each_step_is_timed_once_from_the_raising() -> None:
    counters = AlertsCounters()
    it = scene(counters)
    say(it, Trigger.ACCEPT, 20, "li")
    say(it, Trigger.ACCEPT, 30, "wang")
    say(it, Trigger.DISPATCH, 40)
    say(it, Trigger.ARRIVE, 100)
    say(it, Trigger.ARRIVE, 110, "wang")
    say(it, Trigger.RESOLVE, 500)
    say(it, Trigger.CLOSE, 900)
    response = counters.response
    assert seconds(response.accept) == (1, 20.0)
    assert seconds(response.arrive) == (1, 100.0)
    assert seconds(response.resolve) == (1, 500.0)
    assert response.accept.counts[response.accept.bounds.index(30.0)] == 1
    assert counters.closed[Outcome.TEST] == 1


def test_a_step_that_stands_for_the_ones_before_is_timed_for_them_too() -> None:
    counters = AlertsCounters()
    it = scene(counters)
    say(it, Trigger.ARRIVE, 50)
    assert seconds(counters.response.accept) == seconds(counters.response.arrive) == (1, 50.0)


def test_a_response_that_begins_anew_is_timed_anew() -> None:
    counters = AlertsCounters()
    it = scene(counters)
    say(it, Trigger.RESOLVE, 10)
    it.rule(SMOKE, 100)
    say(it, Trigger.ACCEPT, 105)
    say(it, Trigger.REFUSE, 110)
    say(it, Trigger.ACCEPT, 130, "wang")
    assert seconds(counters.response.accept) == (3, 10.0 + 5.0 + 30.0)
    assert seconds(counters.response.resolve) == (1, 10.0)


@pytest.mark.parametrize("then", [None, Trigger.RESOLVE])
def test_what_clears_by_itself_was_resolved_by_nobody(then: Trigger | None) -> None:
    counters = AlertsCounters()
    it = scene(counters, TANK)
    it.rule(TANK, 60, holds=False)
    if then:
        say(it, then, 99)
    assert seconds(counters.response.resolve) == seconds(counters.response.accept) == (0, 0.0)
    assert counters.closed[None] == 1
