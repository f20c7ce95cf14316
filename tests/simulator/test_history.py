"""Histories: the same signals as the live simulation's, in order of arrival, whole however they are divided."""

from __future__ import annotations

import time

import numpy as np
import pytest

from devices import Kind, ReadingBatch
from simulator import Fleet, shuibei_fleet
from simulator.deviation import Curve, Deviation, Saying
from simulator.history import History
from simulator.signals import Signals
from tests.simulator.history import BEGIN_US, DAY_US, HOUR_US, history, registered, tell

FLEET = shuibei_fleet(seed=1, extended=True)


def some(*kinds: Kind, n: int = 3) -> Fleet:
    return Fleet("shuibei", tuple(FLEET.devices[row] for kind in kinds for row in FLEET.of_kind(kind)[:n]))


def columns(blocks: list[ReadingBatch]) -> list[tuple[int, int, float]]:
    whole = ReadingBatch.concat(blocks)
    return list(zip(whole.channel.tolist(), whole.time_us.tolist(), whole.value.tolist(), strict=True))


@pytest.mark.parametrize("everyday", [False, True])
def test_a_reading_is_what_the_live_simulation_would_have_sent_at_that_time(everyday: bool) -> None:
    fleet = some(Kind.SMOKE, Kind.GAS, Kind.CO, Kind.HYDRANT, Kind.TANK, Kind.WATCH, Kind.TILT, Kind.GATEWAY)
    signals = Signals(fleet, seed=3, everyday=everyday)
    told = tell(fleet, 0.3, seed=3, everyday=everyday)
    looked_at = 0
    for row in range(len(fleet)):
        if told.history._reporter.journey.clock_s[row]:
            continue  # its times are not those at which it measures
        for metric in ("gas_lel", "co_ppm", "pressure_mpa", "level_pct", "heart_rate", "tilt_x_deg"):
            if metric not in told.registry.channels_of(row):
                continue
            times, _, values = told.of(row, metric)
            for at_s, value in list(zip(times.tolist(), values.tolist(), strict=True))[:40]:
                # It measures at microseconds and says milliseconds; the noise goes by the millisecond that has begun.
                exact = [
                    signals.readings(np.array([row]), (BEGIN_US / 1e6 + at_s) + late)[0] for late in (0, 5e-4, -5e-4)
                ]
                assert any(abs(one[metric] - value) < 1e-9 for one in exact), (row, metric, at_s)
                looked_at += 1
    assert looked_at > 200


def test_blocks_come_in_time_whole_and_in_order_of_arrival() -> None:
    told = tell(some(Kind.GAS, Kind.HYDRANT, n=20), 0.5)
    assert [now for now, _ in told.blocks] == list(range(BEGIN_US + 60_000_000, BEGIN_US + DAY_US // 2 + 1, 60_000_000))
    for now_us, block in told.blocks:
        assert now_us - 60_000_000 <= block.arrival_us <= now_us
        pairs = list(zip(block.channel.tolist(), block.time_us.tolist(), strict=True))
        assert len(set(pairs)) == len(pairs)


def test_however_a_history_is_asked_for_it_says_the_same() -> None:
    fleet = some(Kind.SMOKE, Kind.GAS, Kind.HYDRANT, Kind.WATCH, n=6)
    whole = [block for _, block in tell(fleet, 2).blocks]
    _, parts = history(fleet)
    divided = [block for _, block in parts.blocks(BEGIN_US + 7 * HOUR_US, 13.0)]
    divided += [block for _, block in parts.blocks(BEGIN_US + 30 * HOUR_US + 1, 60.0)]
    divided += [block for _, block in parts.blocks(BEGIN_US + 2 * DAY_US, 25.0)]
    assert columns(divided) == columns(whole)
    assert columns(whole) != columns([block for _, block in tell(fleet, 2, seed=5).blocks])


def test_a_month_of_a_community_is_made_at_millions_of_readings_a_second() -> None:
    registry, told = history(FLEET)
    assert registry.n_devices == 1059
    next(told.blocks(BEGIN_US + HOUR_US))
    began = time.process_time()
    readings = sum(len(block) for _, block in told.blocks(BEGIN_US + 2 * DAY_US))
    spent_s = time.process_time() - began
    assert readings > 1_500_000
    assert readings / spent_s > 1_500_000  # 6 million alone on a machine; a slow or busy one has a third of it


def test_a_block_longer_than_a_minute_is_refused() -> None:
    _, told = history(some(Kind.GAS))
    with pytest.raises(ValueError, match="at most 60"):
        next(told.blocks(BEGIN_US + HOUR_US, 61.0))


def test_a_device_without_a_channel_for_what_it_measures_is_refused_by_name() -> None:
    fleet = some(Kind.GAS)
    channels = [dict(registered(fleet).channels_of(row)) for row in range(len(fleet))]
    del channels[1]["gas_lel"]
    with pytest.raises(ValueError, match="shuibei/gas-0002 has no channel for gas_lel"):
        History(fleet, channels, begin_us=BEGIN_US)


def test_a_deviation_changes_one_device_in_its_time_and_nothing_else() -> None:
    fleet = some(Kind.GAS)
    calm = tell(fleet, 0.5)
    from_us = BEGIN_US + 3 * HOUR_US
    course = Curve(((0.0, 10.0), (600.0, 20.0)))
    deviation = Deviation(1, from_us, from_us + 600_000_000, {"gas_lel": course}, every_s=10.0)
    told = tell(fleet, 0.5, deviations=[deviation])
    for row in (0, 2):
        assert [a.tolist() for a in told.of(row, "gas_lel")] == [a.tolist() for a in calm.of(row, "gas_lel")]
    times, _, values = told.of(1, "gas_lel")
    since = times - 3 * 3600
    inside = (since >= 0) & (since < 600)
    assert inside.sum() >= 60
    assert np.allclose(values[inside], 10.0 + since[inside] / 60.0, atol=0.051)
    others = dict(zip(*[a.tolist() for a in calm.of(1, "gas_lel")[::2]], strict=True))
    assert all(others[at] == value for at, value in zip(times[~inside].tolist(), values[~inside].tolist(), strict=True))


def test_what_is_added_comes_on_top_of_what_the_device_would_say() -> None:
    fleet = some(Kind.HYDRANT)
    from_us = BEGIN_US + 3 * HOUR_US
    added = Curve(((0.0, -0.1),), added=True)
    deviation = Deviation(0, from_us, from_us + HOUR_US, {"pressure_mpa": added})
    calm = tell(fleet, 0.3, everyday=False).of(0, "pressure_mpa")
    told = tell(fleet, 0.3, everyday=False, deviations=[deviation]).of(0, "pressure_mpa")
    inside = (told[0] >= 3 * 3600) & (told[0] < 4 * 3600)
    assert inside.sum() == 12
    assert np.allclose(told[2], np.where(inside, calm[2] - 0.1, calm[2]), atol=1e-9)


def test_a_silent_device_says_only_what_it_was_given_to_say_and_held_back_it_keeps_its_time() -> None:
    fleet = some(Kind.GAS)
    from_us = BEGIN_US + HOUR_US
    said = Saying(60.0, {"gas": 1.0}), Saying(120.0, {"gas_lel": 33.0}, arrives_s=3600.0)
    deviation = Deviation(0, from_us, from_us + 4 * HOUR_US, silent=True, sayings=said)
    told = tell(fleet, 0.5, everyday=False, deviations=[deviation])
    times, ats, values = told.of(0, "gas_lel")
    inside = (times >= 3600) & (times < 5 * 3600)
    assert values[inside].tolist() == [33.0]
    assert times[inside].tolist() == [3600 + 120]
    assert ats[inside].tolist() == [2 * 3600 + 60]
    times, _, values = told.of(0, "gas")
    assert [(at, value) for at, value in zip(times.tolist(), values.tolist(), strict=True) if value] == [(3660.0, 1.0)]
