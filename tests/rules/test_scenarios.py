"""Rules told as readings with seconds and what is said with seconds."""

from __future__ import annotations

import pytest

from devices import Metric, MetricType
from tests.rules.scenario import play

PRESSURE = Metric("pressure", MetricType.GAUGE, "MPa", "Pressure", "水压", minimum=0.0, maximum=2.5)
GAS = Metric("gas", MetricType.GAUGE, "%LEL", "Gas", "燃气", minimum=0.0, maximum=100.0)
FLAG = Metric("smoke", MetricType.FLAG, "", "Smoke", "烟雾")
EVENT = Metric("sos", MetricType.EVENT, "", "SOS", "呼救")

HELD = 'kind = "threshold"\nbelow = 0.3\nclear = 0.5\nhold_s = 60'
LEVELS = 'kind = "threshold"\nat_least = 10\nclear = 5'
CLEAR_HELD = 'kind = "threshold"\nat_least = 10\nclear = 5\nclear_hold_s = 60'
ALARM = 'kind = "alarm"'
FAULT = 'kind = "fault"'


def told(rule: str, metric: Metric, *lines: str) -> list[object]:
    return [pytest.param(line, rule, metric, id=line) for line in lines]


@pytest.mark.parametrize(
    ("line", "rule", "metric"),
    [
        # A breach must last for its hold time.
        *told(
            HELD,
            PRESSURE,
            "0 s 0.2; 60 s 0.1 → raised at 60 s",
            "0 s 0.2; 59.999999 s 0.1 → nothing",
            "0 s 0.2; tick 59.999999 s → nothing",
            "0 s 0.2; tick 60 s → raised at 60 s",
            "0 s 0.2; 30 s 0.3; tick 100 s → nothing",
            "0 s 0.2; 30 s 0.3; 40 s 0.2; tick 99 s → nothing",
            "0 s 0.2; 30 s 0.3; 40 s 0.2; tick 100 s → raised at 100 s",
            "0 s 0.2; 30 s 0.3; tick 60 s; 70 s 0.2; tick 130 s → raised at 130 s",
            "0 s 0.2; tick 60 s; 61 s 0.6; 70 s 0.2; tick 130 s → raised at 60 s; ceased at 61 s; raised at 130 s",
        ),
        # Silence and readings without a value keep the timer; so does a reading that no sensor can give.
        *told(
            HELD,
            PRESSURE,
            "0 s 0.2; tick 3600 s → raised at 60 s",
            "0 s 0.2; 30 s ?; tick 60 s → raised at 60 s",
            "0 s 0.2; 30 s 99; tick 60 s → raised at 60 s",
            "0 s 0.2; 90 s 0.6 → raised at 60 s; ceased at 90 s",
            "0 s ? → nothing",
        ),
        # Event time decides, arrival bounds it.
        *told(
            HELD,
            PRESSURE,
            "0 s 0.2 @ 50 s; tick 60 s → raised at 60 s",
            "0 s 0.2 @ 90 s → raised at 60 s",
            "500 s 0.2 @ 10 s; tick 69 s → nothing",
            "500 s 0.2 @ 10 s; tick 70 s → raised at 70 s",
            "500 s 0.2 @ 10 s; 20 s 0.6; tick 70 s → nothing",
        ),
        # Between the limit and the clear level nothing changes.
        *told(
            LEVELS,
            GAS,
            "0 s 9.9 → nothing",
            "0 s 10 → raised at 0 s",
            "0 s 10; 1 s 5; 2 s 9; 3 s 12 → raised at 0 s",
            "0 s 10; 1 s 5; 2 s 4.9; 3 s 9.9 → raised at 0 s; ceased at 2 s",
            "0 s 10; 1 s 4; 2 s 10 → raised at 0 s; ceased at 1 s; raised at 2 s",
        ),
        # The clear level must last too, and silence is never clear.
        *told(
            CLEAR_HELD,
            GAS,
            "0 s 20; 10 s 1; 69 s 1 → raised at 0 s",
            "0 s 20; 10 s 1; 70 s 1 → raised at 0 s; ceased at 70 s",
            "0 s 20; 10 s 1; tick 3600 s → raised at 0 s",
            "0 s 20; 10 s 1; 40 s 7; 70 s 1; 100 s 1 → raised at 0 s",
            "0 s 20; 10 s 1; 40 s 7; 70 s 1; 130 s 1 → raised at 0 s; ceased at 130 s",
            "0 s 20; 10 s 1; 40 s ?; 70 s 1 → raised at 0 s; ceased at 70 s",
        ),
        # Each comparison at its limit; where no clear level is given, what is no breach is clear.
        *told('kind = "threshold"\nabove = 10', GAS, "0 s 10; 1 s 10.1; 2 s 10 → raised at 1 s; ceased at 2 s"),
        *told('kind = "threshold"\nat_least = 10', GAS, "0 s 10; 1 s 9.9 → raised at 0 s; ceased at 1 s"),
        *told('kind = "threshold"\nat_most = 10', GAS, "0 s 10; 1 s 10.1 → raised at 0 s; ceased at 1 s"),
        *told('kind = "threshold"\nbelow = 10', GAS, "0 s 10; 1 s 9.9; 2 s 10 → raised at 1 s; ceased at 2 s"),
        *told(
            'kind = "threshold"\nabove = 10\nclear = 8', GAS, "0 s 11; 1 s 8; 2 s 7.9 → raised at 0 s; ceased at 2 s"
        ),
        *told(
            'kind = "threshold"\nbelow = 10\nclear = 12', GAS, "0 s 9; 1 s 12; 2 s 12.1 → raised at 0 s; ceased at 2 s"
        ),
        # A late reading raises, labelled so; it clears and resets nothing.
        *told(
            LEVELS,
            GAS,
            "60 s 0; late 0 s 20 @ 61 s → late raised at 0 s",
            "60 s 0; 0 s 20 @ 61 s → late raised at 0 s",
            "60 s 20; late 0 s 0 @ 61 s → raised at 60 s",
            "60 s 0; late 0 s 20 @ 61 s; 62 s 0 → late raised at 0 s; ceased at 62 s",
        ),
        *told(
            HELD,
            PRESSURE,
            "60 s 0.2; late 0 s 0.6 @ 61 s; tick 120 s → raised at 120 s",
            "60 s 0.6; late 0 s 0.2 @ 61 s → late raised at 0 s",
            "60 s 0.6; late 1 s 0.2 @ 61 s; tick 300 s → nothing",
        ),
        # A flag: every reading of it that is set is said, and it ceases when it goes to 0.
        *told(
            ALARM,
            FLAG,
            "0 s 0; 1 s 1 → raised at 1 s",
            "0 s 1; 1 s 1; 2 s 0; 3 s 0; 4 s 1 → raised at 0 s; repeated at 1 s; ceased at 2 s; raised at 4 s",
            "0 s 0.5; 1 s 0.4 → raised at 0 s; ceased at 1 s",
            "9 s 1; late 3 s 0 @ 10 s → raised at 9 s",
            "9 s 0; late 3 s 1 @ 10 s → late raised at 3 s",
            "9 s 1; late 3 s 1 @ 10 s → raised at 9 s; late repeated at 3 s",
            "0 s 1; 1 s ?; 2 s 1 → raised at 0 s; repeated at 2 s",
        ),
        # An event: nothing sets it back, and every press is said.
        *told(ALARM, EVENT, "0 s 1; 1 s 0; 86400 s 1 → raised at 0 s; repeated at 86400 s"),
        # Outside what the sensor can say is a fault, never a low reading.
        *told(
            FAULT,
            PRESSURE,
            "0 s 0; 1 s 2.5 → nothing",
            "0 s -0.1; 1 s -0.1; 2 s 0.3 → raised at 0 s; ceased at 2 s",
            "0 s 2.6; 1 s ?; 2 s 2.5 → raised at 0 s; ceased at 2 s",
            "9 s 0.3; late 0 s -1 @ 10 s → late raised at 0 s",
            "9 s -1; late 0 s 0.3 @ 10 s → raised at 9 s",
        ),
        *told(
            'kind = "threshold"\nbelow = 0.3',
            PRESSURE,
            "0 s -1 → nothing",
            "0 s 0.2; 1 s -1; 2 s 0.4 → raised at 0 s; ceased at 2 s",
        ),
        # The fold's clock is set back by an hour: timers and the order of readings begin again there.
        *told(
            HELD,
            PRESSURE,
            "7200 s 0.2; tick 3600 s; tick 3659 s → nothing",
            "7200 s 0.2; tick 3600 s; tick 3660 s → raised at 3660 s",
            "7200 s 0.2; tick 7270 s; 3610 s 0.6 → raised at 7260 s; ceased at 3610 s",
            "0 s 0.2; tick 315360000 s → raised at 60 s",
        ),
    ],
)
def test_scenario(line: str, rule: str, metric: Metric) -> None:
    expected, said = play(line, rule, metric)
    assert said == expected
