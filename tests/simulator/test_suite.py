"""The labelled suite as data: what it covers, and that its devices are its own."""

from __future__ import annotations

from itertools import chain

import pytest

from devices import Kind
from devices.profile_loader import load_profiles
from simulator import Fleet, shuibei_fleet
from simulator.suite import LABELS, SUITE_DAYS, Pace, write_suite
from simulator.suite.casting import NobodyLeft
from tests.simulator.history import BEGIN_US, DAY_US

FLEET = shuibei_fleet(seed=1, extended=True)
SUITE = write_suite(FLEET, BEGIN_US, 1)
RULES = {str(rule["id"]): rule for profile in load_profiles().values() for rule in profile.rules}
KINDS = {
    "alarm", "threshold", "range", "fault", "rate", "dose", "flatline", "baseline", "inactivity", "drift", "forecast",
    "no_data", "neighbourhood", "composite",
}  # fmt: skip


def test_the_suite_has_more_than_forty_incidents_and_tries_every_kind_of_rule() -> None:
    assert {incident.name for incident in SUITE} == set(LABELS)
    assert len(SUITE) >= 40
    assert {kind for label in LABELS.values() for kind in label.tries} == KINDS


@pytest.mark.parametrize("seed", range(4))
def test_every_device_plays_in_one_incident_only(seed: int) -> None:
    suite = write_suite(shuibei_fleet(seed, extended=True), BEGIN_US, seed)
    rows = list(chain.from_iterable(incident.rows for incident in suite))
    assert len(set(rows)) == len(rows)


def test_incidents_play_in_the_window_and_only_slow_ones_begin_before() -> None:
    for incident in SUITE:
        assert incident.begins_us < incident.ends_us <= BEGIN_US + SUITE_DAYS * DAY_US
        if incident.label.pace is Pace.PROMPT:
            assert incident.earliest_us >= BEGIN_US
        for finding in incident.label.found:
            last_us = incident.begins_us + round(finding.within_s * 1e6)
            assert last_us <= BEGIN_US + SUITE_DAYS * DAY_US, incident.name
    assert write_suite(FLEET, BEGIN_US, 1, {Pace.SLOW}) != ()


def test_every_rule_that_a_label_names_is_shipped() -> None:
    for name, label in LABELS.items():
        for finding in label.found:
            assert any(_is_shipped(rule) for rule in finding.rules), f"{name}: none of {finding.rules}"
        for rule in (*label.never.raised, *label.never.ceased):
            assert _is_shipped(rule) or rule == "tank.level-range", f"{name}: no {rule}"


def _is_shipped(rule: str) -> bool:
    return any(one == rule or one.startswith(f"{rule}.") for one in RULES)


def test_every_incident_where_something_is_wrong_has_a_finding_and_the_others_say_what_must_not_be_said() -> None:
    for name, label in LABELS.items():
        assert label.found or label.never.raised, name
        assert all(finding.within_s > 0 for finding in label.found)


def test_a_fleet_too_small_for_the_suite_is_refused() -> None:
    with pytest.raises(NobodyLeft):
        write_suite(Fleet("shuibei", tuple(d for d in FLEET.devices if d.kind is Kind.SMOKE)), BEGIN_US, 1)
