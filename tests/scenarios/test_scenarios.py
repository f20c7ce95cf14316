"""Every danger of the labelled suite is found in time, nothing wrong is said of it, and quiet days are quiet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.rehearsal import DAY_US
from simulator.disturbance import DisturbanceKind
from simulator.suite import LABELS, Pace
from tests.scenarios.days import BEGIN_US, QUIET_DAYS, SETTLING_DAYS

if TYPE_CHECKING:
    from bench.rehearsal import Rehearsal

FALSE_ALARMS_A_DAY = 6
"""Of 1,059 devices; a month of quiet has about 2.5 a day, and three days of it may be worse."""


def names(pace: Pace) -> list[str]:
    return [name for name, label in LABELS.items() if label.pace is pace]


def judge(rehearsal: Rehearsal, name: str) -> None:
    (outcome,) = [one for one in rehearsal.outcomes() if one.incident.name == name]
    for found in outcome.found:
        assert found.in_time, f"{found.finding.rules}: said after {found.delay_s} s, allowed {found.finding.within_s} s"
    assert outcome.wrong == ()


@pytest.mark.parametrize("name", names(Pace.PROMPT))
def test_a_danger_is_found_in_time_and_nothing_wrong_is_said(prompt: Rehearsal, name: str) -> None:
    judge(prompt, name)


@pytest.mark.parametrize("name", names(Pace.SLOW))
def test_a_danger_that_comes_slowly_or_must_be_learned_is_found_in_time(slow: Rehearsal, name: str) -> None:
    judge(slow, name)


def test_quiet_days_have_few_false_alarms_and_each_is_explained(prompt: Rehearsal) -> None:
    quiet_us = BEGIN_US + SETTLING_DAYS * DAY_US
    false = prompt.false_alarms(quiet_us, quiet_us + QUIET_DAYS * DAY_US)
    assert sum(false.values()) <= FALSE_ALARMS_A_DAY * QUIET_DAYS, false
    assert not [rule for rule, cause in false if cause is None]


def test_the_quiet_days_were_not_empty(prompt: Rehearsal) -> None:
    quiet_us = BEGIN_US + SETTLING_DAYS * DAY_US
    notices = prompt.notices(quiet_us, quiet_us + QUIET_DAYS * DAY_US)
    assert notices["watch.not-worn", DisturbanceKind.NIGHT_OFF] > QUIET_DAYS * 5
    assert len(prompt.log) > 3000
    assert prompt.readings > 5_000_000
