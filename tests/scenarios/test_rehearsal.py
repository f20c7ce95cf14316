"""The judge: what counts as found, as late, as wrong, as false, and as explained."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.rehearsal import Alarm, Rehearsal
from devices.profile_loader import load_profiles
from rules import load_rules
from simulator import shuibei_fleet
from simulator.deviation import Deviation
from simulator.disturbance import Disturbance, DisturbanceKind, DisturbanceLog
from simulator.suite import Finding, Label, LabelledIncident, Never

if TYPE_CHECKING:
    from collections.abc import Iterable

RULES = load_rules(load_profiles()).by_id
SECOND_US = 1_000_000
BEGIN_US = 1_000_000 * SECOND_US
HOUR_US = 3600 * SECOND_US
LABEL = Label("danger", ("threshold",), (Finding(("gas.high",), 60.0),), Never(("gas.urgent",), ("gas.no-data",)))
INCIDENT = LabelledIncident(
    "gas", LABEL, (5,), BEGIN_US, BEGIN_US + HOUR_US, (Deviation(5, BEGIN_US - HOUR_US, BEGIN_US + HOUR_US),)
)


def alarm(rule: str, row: int, after_s: float, *, holds: bool = True, members: tuple[int, ...] = ()) -> Alarm:
    at_us = BEGIN_US + round(after_s * SECOND_US)
    return Alarm(RULES[rule], frozenset({row, *members}), holds, at_us, at_us)


def rehearsal(alarms: Iterable[Alarm], disturbances: Iterable[Disturbance] = ()) -> Rehearsal:
    log = DisturbanceLog()
    log.add(disturbances)
    return Rehearsal(shuibei_fleet(1), (INCIDENT,), tuple(alarms), log, 0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("alarms", "delay_s", "in_time", "held"),
    [
        ([alarm("gas.high", 5, 60)], 60, True, False),
        ([alarm("gas.high", 5, 61)], 61, False, False),
        ([alarm("gas.high", 6, 10)], None, False, False),
        ([alarm("gas.high", 6, 10, members=(5,))], 10, True, False),
        ([alarm("gas.urgent", 5, 10)], None, False, False),
        ([alarm("gas.high", 5, 10, holds=False)], None, False, False),
        ([alarm("gas.high", 5, -10)], None, False, True),
        ([alarm("gas.high", 5, -10), alarm("gas.high", 5, -5, holds=False), alarm("gas.high", 5, 9)], 9, True, False),
    ],
)
def test_a_finding_is_said_of_its_devices_after_the_beginning_and_within_its_time(
    alarms: list[Alarm], delay_s: float | None, in_time: bool, held: bool
) -> None:
    (outcome,) = rehearsal(alarms).outcomes()
    (found,) = outcome.found
    assert (found.delay_s, found.in_time, found.held) == (delay_s, in_time, held)
    assert outcome.is_good == (in_time and not outcome.wrong)


@pytest.mark.parametrize(
    ("one", "wrong"),
    [
        (alarm("gas.urgent", 5, 10), ("gas.urgent",)),
        (alarm("gas.urgent", 5, 10, holds=False), ()),
        (alarm("gas.urgent", 5, -10), ()),
        (alarm("gas.urgent", 6, 10), ()),
        (alarm("gas.no-data", 5, 10, holds=False), ("gas.no-data",)),
        (alarm("gas.no-data", 5, 10), ()),
    ],
)
def test_what_must_not_be_said_is_wrong_while_the_incident_lasts(one: Alarm, wrong: tuple[str, ...]) -> None:
    (outcome,) = rehearsal([one]).outcomes()
    assert outcome.wrong == wrong


def test_an_alarm_is_false_where_no_incident_is_and_explained_by_what_disturbs_its_metric() -> None:
    cooking = Disturbance(DisturbanceKind.COOKING, 7, BEGIN_US, BEGIN_US + HOUR_US)
    losses = Disturbance(DisturbanceKind.LOSSES, 7, 0, 2 * BEGIN_US)
    alarms = [
        alarm("gas.high", 5, 100),  # of the incident
        alarm("gas.high", 5, 3600 + 3599),  # in its aftermath
        alarm("gas.high", 5, 3600 + 3601),
        alarm("gas.high", 7, 100),
        alarm("gas.tamper", 7, 100),
        alarm("gas.high", 8, 100),
        alarm("gas.high", 7, 100, holds=False),
    ]
    false = rehearsal(alarms, [cooking, losses]).false_alarms(BEGIN_US, BEGIN_US + 3 * HOUR_US)
    assert false == {
        ("gas.high", None): 2,
        ("gas.high", DisturbanceKind.COOKING): 1,
        ("gas.tamper", DisturbanceKind.LOSSES): 1,
    }
    assert rehearsal(alarms).false_alarms(BEGIN_US + 3 * HOUR_US, BEGIN_US + 4 * HOUR_US) == {}


def test_what_is_rightly_said_of_everyday_life_is_a_notice_and_not_false() -> None:
    night = Disturbance(DisturbanceKind.NIGHT_OFF, 7, BEGIN_US, BEGIN_US + HOUR_US)
    alarms = [
        alarm("watch.not-worn", 7, 1800),
        alarm("watch.out-of-range.heart_rate", 7, 10),
        alarm("watch.still", 7, 20),
    ]
    one = rehearsal(alarms, [night])
    assert one.notices(BEGIN_US, BEGIN_US + HOUR_US) == {
        ("watch.not-worn", DisturbanceKind.NIGHT_OFF): 1,
        ("watch.out-of-range.heart_rate", DisturbanceKind.NIGHT_OFF): 1,
    }
    assert one.false_alarms(BEGIN_US, BEGIN_US + HOUR_US) == {("watch.still", DisturbanceKind.NIGHT_OFF): 1}
