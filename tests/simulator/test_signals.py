"""Healthy signals: within what the sensors can say, and beyond no default rule."""

from __future__ import annotations

import operator
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices import Kind, MetricType
from devices.profile_loader import load_profiles
from simulator import Fleet, shuibei_fleet
from simulator.signals import Signals

PROFILES = load_profiles()
FLEET = shuibei_fleet(seed=1, extended=True)
SAMPLE = np.concatenate([np.array(FLEET.of_kind(kind)[:40]) for kind in sorted({d.kind for d in FLEET.devices})])
MOMENTS = st.floats(1.7e9, 1.7e9 + 5 * 365 * 86400)
DAY_S = 86400
MIDNIGHT_S = datetime(2026, 11, 7, tzinfo=timezone(timedelta(hours=8))).timestamp()
"""In China."""


def healthy(kind: Kind, hour: float) -> dict[str, np.ndarray]:
    rows = np.array(FLEET.of_kind(kind))
    readings = Signals(FLEET).readings(rows, MIDNIGHT_S + hour * 3600)
    return {metric: np.array([reading[metric] for reading in readings]) for metric in readings[0]}


@settings(max_examples=40, deadline=None)
@given(time_s=MOMENTS, seed=st.integers(0, 2**31))
def test_every_reading_is_one_of_its_profile_and_in_the_sensors_range(time_s: float, seed: int) -> None:
    for row, reading in zip(SAMPLE, Signals(FLEET, seed).readings(SAMPLE, time_s), strict=True):
        metrics = PROFILES[FLEET.devices[row].profile].metrics
        assert reading
        for name, value in reading.items():
            metric = metrics[name]
            if metric.type is MetricType.GAUGE:
                assert metric.minimum is None or value >= metric.minimum
                assert metric.maximum is None or value <= metric.maximum
            else:
                assert value in {0, 1}


@settings(max_examples=40, deadline=None)
@given(time_s=MOMENTS, seed=st.integers(0, 2**31))
def test_no_healthy_reading_reaches_a_default_rule(time_s: float, seed: int) -> None:
    for row, reading in zip(SAMPLE, Signals(FLEET, seed).readings(SAMPLE, time_s), strict=True):
        for rule in PROFILES[FLEET.devices[row].profile].rules:
            metric = rule.get("metric")
            if metric not in reading:
                continue
            value = reading[str(metric)]
            if rule["kind"] == "alarm":
                assert value == 0, rule["id"]
            for word, reached in (
                ("at_least", operator.ge),
                ("above", operator.gt),
                ("at_most", operator.le),
                ("below", operator.lt),
            ):
                if word in rule:
                    assert not reached(value, float(str(rule[word]))), f"{rule['id']}: {value}"


def test_a_reading_depends_on_the_seed_the_device_and_the_time_alone() -> None:
    signals = Signals(FLEET, seed=3)
    together = signals.readings(SAMPLE, MIDNIGHT_S)
    backwards = signals.readings(SAMPLE[::-1], MIDNIGHT_S)[::-1]
    assert together == backwards == [signals.readings(np.array([row]), MIDNIGHT_S)[0] for row in SAMPLE]
    assert together != Signals(FLEET, seed=4).readings(SAMPLE, MIDNIGHT_S)
    assert together != signals.readings(SAMPLE, MIDNIGHT_S + 1)


def test_water_pressure_falls_when_people_come_home_and_hearts_beat_slower_at_night() -> None:
    assert healthy(Kind.HYDRANT, 19.5)["pressure_mpa"].mean() < healthy(Kind.HYDRANT, 3)["pressure_mpa"].mean() - 0.04
    assert healthy(Kind.WATCH, 3.5)["heart_rate"].mean() < healthy(Kind.WATCH, 15.5)["heart_rate"].mean() - 8


def test_a_battery_falls_and_is_changed_before_it_is_low() -> None:
    rows = np.array(FLEET.of_kind(Kind.SMOKE)[:1])
    days = [Signals(FLEET).readings(rows, MIDNIGHT_S + day * DAY_S)[0]["battery_pct"] for day in range(0, 1200, 10)]
    steps = np.diff(days)
    assert (steps <= 0).sum() >= len(steps) - 2
    assert min(days) >= 32
    assert max(days) - min(days) > 60


def test_devices_report_at_the_periods_of_their_kind() -> None:
    period_s = Signals(FLEET).period_s
    smoke = period_s[list(FLEET.of_kind(Kind.SMOKE))]
    assert smoke.min() >= 12 * 3600
    assert smoke.max() <= 24 * 3600
    assert np.ptp(smoke) > 6 * 3600
    for kind, wanted_s in ((Kind.GAS, 60), (Kind.CO, 60), (Kind.HYDRANT, 300), (Kind.TANK, 600), (Kind.WATCH, 300)):
        assert set(period_s[list(FLEET.of_kind(kind))]) == {wanted_s}


def test_a_kind_without_signals_is_refused_by_name() -> None:
    device = replace(FLEET.devices[0], kind=Kind.SERVICE)
    with pytest.raises(ValueError, match="service"):
        Signals(Fleet("shuibei", (device,)))
