from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from alerts.conditions import condition, limit_of
from alerts.conditions.condition import _WORDS
from devices.model import Device, Kind
from devices.profile import Metric, MetricType
from rules.model import (
    AlarmTerms,
    Band,
    BaselineTerms,
    Comparison,
    CompositeTerms,
    Direction,
    DoseTerms,
    DriftTerms,
    FaultTerms,
    FlatlineTerms,
    ForecastTerms,
    InactivityTerms,
    NeighbourhoodTerms,
    NoDataTerms,
    RangeTerms,
    RateTerms,
    RuleKind,
    Scope,
    ThresholdTerms,
    Timing,
)
from tests.alerts.scene import FLAT, GAS, SMOKE, STRANGER, change, finding

if TYPE_CHECKING:
    from rules.model import Terms

PRESSURE = Metric("pressure_mpa", MetricType.GAUGE, "MPa", "water pressure", "水压", 0.0, 2.5, errors=(2.0,))
GAS_LEL = Metric("gas_lel", MetricType.GAUGE, "%LEL", "combustible gas", "可燃气体浓度", 0.0, 100.0)
CO = Metric("co_ppm", MetricType.GAUGE, "ppm", "carbon monoxide", "一氧化碳")
LEVEL = Metric("level_pct", MetricType.GAUGE, "%", "water level", "水位")
TILT = Metric("tilt", MetricType.GAUGE, "°", "tilt", "倾角")
STEPS = Metric("steps", MetricType.GAUGE, "steps", "steps", "步数", 0.0)
WORN = Metric("worn", MetricType.FLAG, "", "worn", "佩戴中")

MINUTE, HOUR, DAY = 60.0, 3_600.0, 86_400.0
WHERE = "shuibei, grid 3, building 5, floor 2, 201"
WHERE_ZH = "shuibei，网格3，楼栋5，楼层2，201"
SMOKES = [Device("shuibei", f"smoke-{n}", Kind.SMOKE, "smoke", "3", "5", "2", "201") for n in range(20)]
MIXED = [*SMOKES[:1], FLAT]

BELOW = ThresholdTerms(Comparison.BELOW, 0.14, 0.16)
RANGE = RangeTerms(0.14, 1.0, 0.16, 0.98)
FALL = RateTerms(Direction.DOWN, 0.05, 5 * MINUTE, 0.05)
RISE = RateTerms(Direction.UP, 3.0, MINUTE, 3.0)
DOSE = DoseTerms((Band(50.0, HOUR), Band(100.0, 10 * MINUTE), Band(300.0, 3 * MINUTE)), 30.0, HOUR)
FLATLINE = FlatlineTerms(7 * DAY, 3)
BASELINE = BaselineTerms(Direction.UP, 5.0, 3.0, 0.2, 14 * DAY)
INACTIVITY = InactivityTerms(0.01, 2 * HOUR, 21 * DAY, 12 * HOUR)
DRIFT = DriftTerms(Direction.BOTH, 0.17, 0.12, DAY, 7 * DAY)
EMPTY = ForecastTerms(Direction.DOWN, 0.0, 8 * HOUR, HOUR, 5.0, 10 * HOUR)
FULL = ForecastTerms(Direction.UP, 95.0, 2 * HOUR, HOUR, 5.0, 3 * HOUR)
SILENCE = NoDataTerms(93_600)
LEARNED = NoDataTerms(93_600, 3.0, 30.0)
TWO_SMOKES = NeighbourhoodTerms((SMOKE.id,), Scope.UNIT, 2, MINUTE)
BURST = NeighbourhoodTerms(("hydrant.fall", SMOKE.id), Scope.GRID, 3, 0.0, share=0.2)
AROUND = NeighbourhoodTerms((SMOKE.id,), Scope.RADIUS, 2, 0.0, radius_m=200.0)
BOTH = CompositeTerms(all_of=(SMOKE.id, GAS.id), scope=Scope.UNIT)
CHAIN = CompositeTerms(then=(GAS.id, SMOKE.id), none_of=("smoke.test",), within_s=10 * MINUTE)
EITHER = CompositeTerms(all_of=("watch.fall",), any_of=(SMOKE.id, GAS.id), scope=Scope.BUILDING)

# (terms, metric, change, what it says): every kind where it begins to hold, and where it ended.
CASES: list[tuple[Terms, Metric | None, dict[str, Any], str, str]] = [
    (AlarmTerms(), PRESSURE, {}, "the device itself reports “water pressure”", "设备自身上报“水压”"),
    (
        AlarmTerms(),
        PRESSURE,
        {"repeated": True, "since": -300},
        "the device itself reports “water pressure” for 5 min",
        "设备自身上报“水压”，已持续5分",
    ),
    (
        AlarmTerms(),
        PRESSURE,
        {"holds": False, "since": -90},
        "the device reports “water pressure” no more, after 1 min 30 s",
        "设备不再上报“水压”，此前持续1分30秒",
    ),
    (
        BELOW,
        PRESSURE,
        {"value": 0.1 + 0.02, "since": -60},
        "water pressure 0.12 MPa (limit < 0.14 MPa) for 1 min",
        "水压 0.12 MPa（限值 < 0.14 MPa），已持续1分",
    ),
    (
        BELOW,
        PRESSURE,
        {"holds": False, "value": 0.17, "since": -660},
        "water pressure 0.17 MPa (limit < 0.14 MPa, clear > 0.16 MPa), after 11 min",
        "水压 0.17 MPa（限值 < 0.14 MPa，恢复值 > 0.16 MPa），此前持续11分",
    ),
    (ThresholdTerms(Comparison.BELOW, 1, 1), WORN, {"value": 0.0}, "“worn” is not set", "“佩戴中”为“否”"),
    (
        ThresholdTerms(Comparison.BELOW, 1, 1),
        WORN,
        {"value": 1.0, "holds": False},
        "“worn” is set",
        "“佩戴中”为“是”",
    ),
    (
        RANGE,
        PRESSURE,
        {"value": 1.2},
        "water pressure 1.2 MPa, above 0.14 … 1 MPa",
        "水压 1.2 MPa，高于允许范围 0.14 … 1 MPa",
    ),
    (
        RANGE,
        PRESSURE,
        {"value": 0.1},
        "water pressure 0.1 MPa, below 0.14 … 1 MPa",
        "水压 0.1 MPa，低于允许范围 0.14 … 1 MPa",
    ),
    (
        RANGE,
        PRESSURE,
        {"value": 0.9, "holds": False},
        "water pressure 0.9 MPa, within 0.16 … 0.98 MPa again",
        "水压 0.9 MPa，恢复在 0.16 … 0.98 MPa 之内",
    ),
    (
        FaultTerms(),
        PRESSURE,
        {"value": -0.3},
        "water pressure -0.3 MPa is outside what the sensor can say (0 … 2.5 MPa): sensor fault",
        "水压 -0.3 MPa 超出传感器量程（0 … 2.5 MPa）：传感器故障",
    ),
    (
        FaultTerms(),
        PRESSURE,
        {"value": 2.0},
        "water pressure 2 MPa is an error code of the sensor, no measurement: sensor fault",
        "水压 2 MPa 为传感器错误码，并非测量值：传感器故障",
    ),
    (
        FaultTerms(),
        STEPS,
        {"value": -1.0},
        "steps -1 steps is outside what the sensor can say (≥ 0 steps): sensor fault",
        "步数 -1 steps 超出传感器量程（≥ 0 steps）：传感器故障",
    ),
    (
        FaultTerms(),
        PRESSURE,
        {"value": 0.3, "holds": False},
        "water pressure 0.3 MPa, within 0 … 2.5 MPa again",
        "水压 0.3 MPa，恢复在 0 … 2.5 MPa 之内",
    ),
    (
        FaultTerms(),
        CO,
        {"value": 3, "holds": False},
        "carbon monoxide 3 ppm, a sound reading again",
        "一氧化碳 3 ppm，读数恢复正常",
    ),
    (
        FALL,
        PRESSURE,
        {"value": 0.21, "measure": 0.21 - 0.29, "reference": 0.29},
        "water pressure 0.21 MPa, fell by 0.08 MPa from 0.29 MPa within 5 min (limit 0.05 MPa)",
        "水压 0.21 MPa，5分内由 0.29 MPa 下降 0.08 MPa（限值 0.05 MPa）",
    ),
    (
        RISE,
        GAS_LEL,
        {"value": 4.0, "measure": 3.6, "since": -120},
        "combustible gas 4 %LEL, rose by 3.6 %LEL within 1 min (limit 3 %LEL) for 2 min",
        "可燃气体浓度 4 %LEL，1分内上升 3.6 %LEL（限值 3 %LEL），已持续2分",
    ),
    (
        FALL,
        PRESSURE,
        {"value": 0.21, "measure": 0.0, "reference": 0.21, "holds": False},
        "water pressure 0.21 MPa, fell by 0 MPa from 0.21 MPa within 5 min (limit 0.05 MPa)",
        "水压 0.21 MPa，5分内由 0.21 MPa 下降 0 MPa（限值 0.05 MPa）",
    ),
    (
        DOSE,
        CO,
        {"value": 120.0, "measure": 0.8, "since": -600},
        (
            "carbon monoxide 120 ppm: a whole dose taken in within 10 min "
            "(50 ppm for 1 h, 100 ppm for 10 min, 300 ppm for 3 min)"
        ),
        "一氧化碳 120 ppm：10分内累计暴露已达一个完整剂量（50 ppm 持续1小时、100 ppm 持续10分、300 ppm 持续3分）",
    ),
    (
        DOSE,
        CO,
        {"value": 400.0, "measure": 1.52},
        (
            "carbon monoxide 400 ppm: 1.5 times a whole dose taken in "
            "(50 ppm for 1 h, 100 ppm for 10 min, 300 ppm for 3 min)"
        ),
        "一氧化碳 400 ppm：累计暴露已达完整剂量的 1.5 倍（50 ppm 持续1小时、100 ppm 持续10分、300 ppm 持续3分）",
    ),
    (
        DOSE,
        CO,
        {"value": 12.0, "measure": 0.0, "holds": False, "since": -900},
        "carbon monoxide 12 ppm, below 30 ppm: the exposure has ended, after 15 min",
        "一氧化碳 12 ppm，低于 30 ppm：暴露已结束，此前持续15分",
    ),
    (
        FLATLINE,
        PRESSURE,
        {"value": 0.31, "measure": 7 * DAY + 1_800, "since": -5},
        "water pressure 0.31 MPa, unchanged for 7 d in at least 3 readings (limit 7 d)",
        "水压 0.31 MPa，连续至少3次读数、7天没有变化（限值7天）",
    ),
    (
        FLATLINE,
        PRESSURE,
        {"value": 0.32, "measure": 0.0, "holds": False},
        "water pressure 0.32 MPa, which changes again",
        "水压 0.32 MPa，读数恢复变化",
    ),
    (
        BASELINE,
        GAS_LEL,
        {"value": 3.2, "measure": 7.14, "reference": 0.9001},
        "combustible gas 3.2 %LEL, 7.1 usual deviations above the usual 0.9 %LEL of this hour of the week (limit 5)",
        "可燃气体浓度 3.2 %LEL，高于每周此时的常值 0.9 %LEL，相差 7.1 倍常见偏差（限值 5 倍）",
    ),
    (
        BASELINE,
        GAS_LEL,
        {"value": 0.8, "measure": -0.4, "reference": 0.9, "holds": False},
        "combustible gas 0.8 %LEL, 0.4 usual deviations below the usual 0.9 %LEL of this hour of the week (limit 5)",
        "可燃气体浓度 0.8 %LEL，低于每周此时的常值 0.9 %LEL，相差 0.4 倍常见偏差（限值 5 倍）",
    ),
    (
        INACTIVITY,
        STEPS,
        {"value": 0.0, "measure": 0.004, "reference": 19_200.0},
        "no change of “steps” for 5 h 20 min; at these hours a stillness that long has a chance of 0.4 % (limit 1 %)",
        "“步数”已5小时20分无变化；此时段出现这么久静止的概率为 0.4 %（限值 1 %）",
    ),
    (
        INACTIVITY,
        STEPS,
        {"value": 0.0, "measure": 0.0, "reference": 43_500.0},
        "no change of “steps” for 12 h 5 min (limit 12 h, this person's week not being learned yet)",
        "“步数”已12小时5分无变化（限值12小时，尚未学习到此人的作息）",
    ),
    (
        INACTIVITY,
        STEPS,
        {"value": 40.0, "measure": 1.0, "holds": False},
        "steps 40 steps: there is movement again",
        "步数 40 steps：已有活动",
    ),
    (
        DRIFT,
        TILT,
        {"value": 0.32, "measure": -0.19, "reference": 0.5134},
        "tilt 0.32°, drifted down by 0.19° from 0.513° at its installation (limit 0.17°)",
        "倾角 0.32°，较安装时的 0.513° 向下漂移 0.19°（限值 0.17°）",
    ),
    (
        DRIFT,
        TILT,
        {"value": 0.6, "measure": 0.1, "reference": 0.5, "holds": False},
        "tilt 0.6°, drifted up by 0.1° from 0.5° at its installation (limit 0.17°)",
        "倾角 0.6°，较安装时的 0.5° 向上漂移 0.1°（限值 0.17°）",
    ),
    (
        EMPTY,
        LEVEL,
        {"value": 61.0, "measure": 5 * HOUR, "reference": -292.8, "low": 4 * HOUR, "high": 7 * HOUR},
        "water level 61 %, empty in about 5 h (4 h to 7 h) at the present trend of -293 % a day (limit 8 h)",
        "水位 61 %，按当前趋势（每天 -293 %）约5小时（4小时至7小时）后耗尽（限值8小时）",
    ),
    (
        FULL,
        LEVEL,
        {"value": 80.0, "measure": 1.5 * HOUR, "low": HOUR, "high": 1e12},
        "water level 80 %, at 95 % in about 1 h 30 min (1 h or more) at the present trend (limit 2 h)",
        "水位 80 %，按当前趋势约1小时30分（至少1小时）后到达 95 %（限值2小时）",
    ),
    (FULL, LEVEL, {"value": 95.0, "measure": 0.0}, "water level 95 %: 95 % is reached", "水位 95 %，已达到 95 %"),
    (
        EMPTY,
        LEVEL,
        {"value": 92.0, "measure": float("inf"), "holds": False},
        "water level 92 %, not empty within 8 h any more",
        "水位 92 %，8小时内不会再耗尽",
    ),
    (
        SILENCE,
        None,
        {"value": None, "since": -97_200},
        "nothing heard of the device for 1 d 3 h (limit 1 d 2 h)",
        "设备已1天3小时无数据（限值1天2小时）",
    ),
    (
        LEARNED,
        None,
        {"value": None, "since": -240, "reference": 60.0, "members": tuple(range(58))},
        "nothing heard of the device and of 58 devices behind it for 4 min (limit 3 min; heard every 1 min until then)",
        "设备及其下58台设备已4分无数据（限值3分；此前每1分上报一次）",
    ),
    (
        LEARNED,
        None,
        {"value": None, "since": -40, "reference": 5.0, "members": (1,)},
        "nothing heard of the device and of one device behind it for 40 s (limit 30 s; heard every 5 s until then)",
        "设备及其下1台设备已40秒无数据（限值30秒；此前每5秒上报一次）",
    ),
    (
        LEARNED,
        None,
        {"value": None, "holds": False, "since": -7_200, "reference": 60.0},
        "the device is heard again, after 2 h",
        "设备恢复上报，此前中断2小时",
    ),
    (
        TWO_SMOKES,
        None,
        {"value": None, "measure": 3.0, "reference": 5.0, "members": (0, 1, 2)},
        f"“Smoke” on 3 of 5 smoke detectors in {WHERE} within 1 min: smoke-0, smoke-1 and smoke-2 (limit 2)",
        f"{WHERE_ZH}：5台感烟探测器中在1分内有3台出现“烟雾”（smoke-0、smoke-1、smoke-2），限值2台",
    ),
    (
        BURST,
        None,
        {"value": None, "measure": 18.0, "reference": 40.0, "members": tuple(range(18))},
        (
            "hydrant.fall or “Smoke” on 18 of 40 smoke detectors in shuibei, grid 3: smoke-0, smoke-1, smoke-2, "
            "smoke-3, smoke-4, smoke-5 and 12 more (limit 3 and 20 %)"
        ),
        (
            "shuibei，网格3：40台感烟探测器中有18台出现hydrant.fall或“烟雾”"
            "（smoke-0、smoke-1、smoke-2、smoke-3、smoke-4、smoke-5等另12台），限值3台且占 20 %"
        ),
    ),
    (
        AROUND,
        None,
        {"value": None, "holds": False, "measure": 1.0, "members": (0,), "since": -120},
        f"“Smoke” on only 1 of the smoke detectors in the 200 m around {WHERE} now (limit 2), after 2 min",
        f"{WHERE_ZH}周围 200 m：感烟探测器中现仅有1台出现“烟雾”，限值2台，此前持续2分",
    ),
    (
        BOTH,
        None,
        {"value": None, "members": (0, 1)},
        f"“Smoke” and “Gas concentration high” in {WHERE}: smoke-0 and smoke-1",
        f"{WHERE_ZH}：出现“烟雾”与“燃气浓度高”（smoke-0、smoke-1）",
    ),
    (
        CHAIN,
        None,
        {"value": None, "since": -30},
        (
            "“Gas concentration high”, then “Smoke”, each within 10 min of the one before, but not smoke.test "
            "of one device for 30 s"
        ),
        "同一设备出现“燃气浓度高”、随后“烟雾”（先后间隔不超过10分），且无smoke.test，已持续30秒",
    ),
    (
        EITHER,
        None,
        {"value": None, "holds": False},
        "no longer watch.fall and “Smoke” or “Gas concentration high” in shuibei, grid 3, building 5",
        "shuibei，网格3，楼栋5：不再出现watch.fall与“烟雾”或“燃气浓度高”",
    ),
]


@pytest.mark.parametrize(("terms", "metric", "told", "en", "zh"), CASES)
def test_every_kind_says_which_value_which_limit_and_for_how_long(
    terms: Terms, metric: Metric | None, told: dict[str, Any], en: str, zh: str
) -> None:
    rule = replace(GAS, terms=terms, metric=metric.name if metric else "", timing=Timing())
    assert condition(finding(change(rule, 0, **told), metric=metric, devices=SMOKES)) == (en, zh)


def test_there_are_words_for_every_kind_and_a_test_of_its_beginning_and_its_end() -> None:
    assert set(_WORDS) == set(RuleKind)
    assert {(terms.kind, told.get("holds", True)) for terms, _, told, _, _ in CASES} == {
        (kind, holds) for kind in RuleKind for holds in (True, False)
    }


@pytest.mark.parametrize("terms", [terms for terms, *_ in CASES])
@pytest.mark.parametrize("holds", [True, False])
def test_a_change_that_knows_nothing_still_has_words(terms: Terms, holds: bool) -> None:
    rule = replace(GAS, terms=terms, metric="strange", timing=Timing())
    said = condition(finding(change(rule, 0, holds=holds, value=None)))
    assert said.en
    assert said.zh
    assert "None" not in said.en + said.zh
    assert "nan" not in said.en + said.zh


def test_what_must_come_several_times_says_how_often_where_it_begins() -> None:
    rule = replace(SMOKE, timing=Timing(count=3, count_within_s=600))
    assert condition(finding(change(rule, 0))) == (
        "the device itself reports “smoke alarm”, 3 times within 10 min (limit 3)",
        "设备自身上报“烟雾报警”，10分内3次（限值3次）",
    )
    assert "times" not in condition(finding(change(rule, 0, repeated=True))).en


def test_members_of_several_kinds_are_called_devices() -> None:
    rule = replace(GAS, terms=TWO_SMOKES, metric="", timing=Timing())
    told = change(rule, 0, value=None, measure=2.0, reference=4.0, members=(0, 1, 7))
    said = condition(finding(told, devices=MIXED)).en
    assert said == f"“Smoke” on 2 of 4 devices in {WHERE} within 1 min: smoke-0, flat-201 and 1 more (limit 2)"


def test_a_late_reading_is_called_late() -> None:
    said = condition(finding(change(SMOKE, 0, late=True), arrives=3_600))
    assert said.en == "the device itself reports “smoke alarm”, measured 1 h before it reached us"
    assert "迟到1小时" in said.zh


def test_a_device_in_no_ledger_is_called_so() -> None:
    said = condition(finding(change(SMOKE, 0), device=STRANGER))
    assert "UNREGISTERED" in said.en
    assert "未登记" in said.zh
    assert "UNREGISTERED" not in condition(finding(change(SMOKE, 0))).en


def test_a_metric_that_no_profile_names_is_called_by_its_name() -> None:
    rule = replace(SMOKE, metric="haze")
    assert condition(finding(change(rule, 0))).en == "the device itself reports “haze”"


@pytest.mark.parametrize(
    ("terms", "limit"),
    [
        (AlarmTerms(), None),
        (FaultTerms(), None),
        (RANGE, None),
        (BOTH, None),
        (BELOW, 0.14),
        (FALL, 0.05),
        (DRIFT, 0.17),
        (DOSE, 1.0),
        (FLATLINE, 7 * DAY),
        (EMPTY, 8 * HOUR),
        (BASELINE, 5.0),
        (INACTIVITY, 0.01),
        (SILENCE, 93_600),
        (LEARNED, 180.0),
        (TWO_SMOKES, 2.0),
    ],
)
def test_the_limit_is_the_number_that_the_measure_is_compared_with(terms: Terms, limit: float | None) -> None:
    assert limit_of(change(replace(GAS, terms=terms), 0, reference=60.0)) == limit


@pytest.mark.parametrize(
    ("terms", "period_s", "limit_s"),
    [(LEARNED, None, 93_600), (LEARNED, 5.0, 30.0), (LEARNED, 1e6, 93_600), (SILENCE, 5.0, 93_600)],
)
def test_a_learned_period_only_ever_shortens_the_silence_and_never_below_its_least(
    terms: NoDataTerms, period_s: float | None, limit_s: float
) -> None:
    assert limit_of(change(replace(GAS, terms=terms), 0, reference=period_s)) == limit_s
