"""The two rehearsals that all tests of this folder look at: days of a whole community, and weeks of a few devices."""

from __future__ import annotations

import pytest

from bench.rehearsal import DAY_US, Rehearsal, rehearse
from devices import Kind
from simulator import Fleet, shuibei_fleet
from simulator.suite import SUITE_DAYS, Pace, write_suite
from tests.scenarios.days import BEGIN_US, LEARNING_DAYS, QUIET_DAYS, SETTLING_DAYS

SEED = 1
FEW = {Kind.SMOKE: 6, Kind.GAS: 3, Kind.HYDRANT: 6, Kind.TANK: 6, Kind.WATCH: 3, Kind.TILT: 3}


@pytest.fixture(scope="session")
def prompt() -> Rehearsal:
    """A day to settle, three of quiet, and all incidents that need no more history, in a whole community."""
    fleet = shuibei_fleet(SEED, extended=True)
    window_us = BEGIN_US + (SETTLING_DAYS + QUIET_DAYS) * DAY_US
    return _played(fleet, window_us, Pace.PROMPT)


@pytest.fixture(scope="session")
def slow() -> Rehearsal:
    """Three weeks of a few devices, in which rules learn and things come about slowly, and then the other incidents."""
    whole = shuibei_fleet(SEED, extended=True)
    rows = [row for kind, n in FEW.items() for row in whole.of_kind(kind)[:n]]
    fleet = Fleet(whole.site, tuple(whole.devices[row] for row in rows))
    return _played(fleet, BEGIN_US + LEARNING_DAYS * DAY_US, Pace.SLOW)


def _played(fleet: Fleet, window_us: int, pace: Pace) -> Rehearsal:
    return rehearse(
        fleet,
        write_suite(fleet, window_us, SEED, {pace}),
        begin_us=BEGIN_US,
        window_us=window_us,
        until_us=window_us + SUITE_DAYS * DAY_US,
        seed=SEED,
    )
