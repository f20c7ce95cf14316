"""The six boards that one table makes: what the table may name, and what becomes of the words in its queries."""

from __future__ import annotations

import pytest

from alerts.text import Text
from deploy.boards.classes import BOARDS, CLASSES
from deploy.boards.device_class import DeviceClass, Measure, Rate, grafana_unit, sql_of
from devices import Kind, load_profiles
from devices.profile import MetricType

PROFILES = load_profiles()
TILT = next(one for one in CLASSES if one.uid == "vigil-tilt")
X = Measure("tilt", "tilt_x_deg", Rate("d", 3600))
each_class = pytest.mark.parametrize("one", CLASSES, ids=lambda one: one.uid)


def test_every_kind_that_measures_has_one_board() -> None:
    kinds = [kind for one in CLASSES for kind in one.kinds]
    apart = {Kind.GATEWAY, Kind.SERVICE, Kind.EXTERNAL, Kind.UNKNOWN}
    assert sorted(kinds) == sorted(kind for kind in Kind if kind not in apart)
    assert [board.uid for board in BOARDS] == [one.uid for one in CLASSES]


@each_class
def test_every_measure_is_one_that_devices_of_the_class_have(one: DeviceClass) -> None:
    for measure in one.measures:
        assert measure.profile in one.profiles
        assert measure.found.type is MetricType.GAUGE
    metrics = [measure.metric for measure in one.measures]
    assert len(set(metrics)) == len(metrics)


@each_class
def test_every_gauge_of_the_class_has_a_panel(one: DeviceClass) -> None:
    gauges = {
        metric.name
        for profile in one.profiles
        for metric in PROFILES[profile].metrics.values()
        if metric.type is MetricType.GAUGE
    }
    assert gauges == {measure.metric for measure in one.measures}


@each_class
def test_flags_and_events_are_bands_and_gauges_are_not(one: DeviceClass) -> None:
    assert not set(one.flags) & {measure.metric for measure in one.measures}
    assert "alarm" in one.flags


def test_a_line_breaks_after_three_reports_of_the_slowest_device() -> None:
    assert TILT.gap_s == 3 * 3600
    both = DeviceClass("x", Text("x", "x"), Text("x", "x"), ("smoke", "gas"), (), "now-1h")
    assert both.gap_s == 3 * 86_400


def test_a_query_names_the_metric_and_the_figures_of_its_measure() -> None:
    sql = sql_of("rate", TILT, X)
    assert "ARRAY['tilt_x_deg']" in sql
    assert "* 86400 AS rate" in sql
    assert "greatest($__interval_ms, 3600 * 1000)" in sql
    assert "@" not in sql


def test_a_query_about_all_devices_has_a_column_for_each_measure() -> None:
    sql = sql_of("members", TILT)
    assert "kind IN ('tilt')" in sql
    for measure in TILT.measures:
        assert f"FILTER (WHERE metric = '{measure.metric}') AS {measure.metric}" in sql
        assert f"figures.{measure.metric}" in sql


def test_a_query_about_a_measure_needs_one_and_a_rate_needs_its_figures() -> None:
    with pytest.raises(KeyError, match="metric"):
        sql_of("readings", TILT)
    with pytest.raises(KeyError, match="rate_over_s"):
        sql_of("rate", TILT, Measure("tilt", "tilt_x_deg"))


def test_a_measure_that_no_profile_has_is_a_fault() -> None:
    with pytest.raises(KeyError, match="tilt_w_deg"):
        _ = Measure("tilt", "tilt_w_deg").label


@pytest.mark.parametrize(
    ("unit", "named"), [("%", "percent"), ("°C", "celsius"), ("°", "degree"), ("MPa", "suffix: MPa"), ("", "none")]
)
def test_units_are_grafanas_own_or_stand_behind_the_value(unit: str, named: str) -> None:
    assert grafana_unit(unit) == named
