"""Units: exact factors, zeros that are shifted or not, and what cannot be had said with what could."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.profile_loader import load_profiles
from devices.units import _UNITS, UnitFault, amount_in, duration_text, seconds_in, units_beside


@pytest.mark.parametrize(
    ("unit", "text", "amount"),
    [
        ("MPa", "140 kPa", 0.14),
        ("MPa", "1.4bar", 0.14),
        ("MPa", "140000 Pa", 0.14),
        ("MPa", "1 kgf/cm²", 0.0980665),
        ("kPa", "10 mH2O", 98.0665),
        ("mmHg", "1 kPa", 7.500615758456563),
        ("°C", "300 K", 26.85),
        ("°C", "104 °F", 40.0),
        ("°C", "-40 ℉", -40.0),
        ("°F", "-40 °C", -40.0),
        ("%", "20 ‰", 2.0),
        ("%", "20％", 20.0),
        ("%LEL", "10 %LEL", 10.0),
        ("ppm", "0.005 %vol", 50.0),
        ("ppm", "500 ppb", 0.5),
        ("m", "250 cm", 2.5),
        ("m", "3 mm", 0.003),
        ("mA", "3600 μA", 3.6),
        ("V", "3300 mV", 3.3),
        ("bpm", "2 Hz", 120.0),
        ("bpm", "40 1/min", 40.0),
        ("dB/m", "0.15 dB/m", 0.15),
        ("°", "30 ′", 0.5),
        ("°", "0.115 deg", 0.115),
        ("g", "9.80665 m/s²", 1.0),
        ("g", "500 mg", 0.5),
        ("d", "720 h", 30.0),
        ("steps", "20 steps", 20.0),
        ("MPa", "1.4e2 kPa", 0.14),
        ("MPa", " +.5 MPa ", 0.5),
    ],
)
def test_a_quantity_is_had_in_another_unit(unit: str, text: str, amount: float) -> None:
    assert amount_in(unit, text) == amount


def test_a_change_shifts_no_zero() -> None:
    assert amount_in("°C", "18 °F", difference=True) == 10.0
    assert amount_in("°C", "5 K", difference=True) == 5.0


@pytest.mark.parametrize(
    ("unit", "text", "wrong", "wanted"),
    [
        ("%LEL", "140 kPa", "'140 kPa' cannot be had in %LEL", "one of %LEL"),
        ("MPa", "10 mmh2o", "cannot be had in MPa", "one of MPa, Pa, hPa, kPa, mbar, bar, mH2O, kgf/cm2, mmHg"),
        ("ppm", "10 %LEL", "cannot be had in ppm", "one of ppm, ppb, %vol"),
        ("steps", "3 h", "cannot be had in steps", "one of steps"),
        ("MPa", "0.2", "'0.2' is no number with its unit", "a text like '10 MPa'"),
        ("MPa", "kPa", "'kPa' is no number with its unit", "a text like '10 MPa'"),
        ("MPa", "1,4 bar", "'1,4 bar' is no number with its unit", "a text like"),
        ("MPa", "15", "'15' is no number with its unit", "a text like"),
        ("MPa", "1e400 Pa", "'1e400 Pa' is beyond all measure", "a finite number in MPa"),
        ("MPa", "nan MPa", "is no number with its unit", "a text like"),
        ("MPa", "1" * 5000 + " MPa", "", "MPa"),
        ("s", "5", "'5' is no number with its unit", "a text like '5 min'"),
        ("s", "5 m", "'5 m' cannot be had in s", "one of s, ms, min, h, d"),
    ],
)
def test_what_cannot_be_had_says_what_could(unit: str, text: str, wrong: str, wanted: str) -> None:
    with pytest.raises(UnitFault) as raised:
        amount_in(unit, text)
    assert wrong in raised.value.wrong
    assert wanted in raised.value.wanted
    assert str(raised.value) == f"{raised.value.wrong}; wanted {raised.value.wanted}"


@given(
    number=st.decimals(min_value=-1_000_000, max_value=1_000_000, places=4),
    pair=st.sampled_from([(a, b) for a in _UNITS for b in _UNITS if _UNITS[a].dimension == _UNITS[b].dimension]),
)
def test_the_result_is_the_float_nearest_to_the_exact_figure(number: object, pair: tuple[str, str]) -> None:
    given_in, wanted_in = pair
    one, other = _UNITS[given_in], _UNITS[wanted_in]
    exact = (Fraction(str(number)) * one.factor + one.offset - other.offset) / other.factor
    assert amount_in(wanted_in, f"{number} {given_in}") == (float(number) if one == other else float(exact))  # type: ignore[arg-type]


def test_every_unit_of_a_shipped_metric_is_known() -> None:
    units = {metric.unit for profile in load_profiles().values() for metric in profile.metrics.values() if metric.unit}
    assert {unit for unit in units if unit not in _UNITS} <= {"people", "steps"}
    assert units_beside("steps") == ["steps"]


@pytest.mark.parametrize(("text", "seconds"), [("5 min", 300.0), ("1.5 h", 5400.0), ("90s", 90.0), ("26 h", 93600.0)])
def test_a_duration_is_a_number_and_a_unit(text: str, seconds: float) -> None:
    assert seconds_in(text) == seconds


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.5, "0.5 s"),
        (90, "90 s"),
        (300, "5 min"),
        (5400, "90 min"),
        (93600, "26 h"),
        (172800, "2 d"),
        (86400.5, "86400.5 s"),
    ],
)
def test_a_duration_is_said_in_the_largest_unit_without_a_fraction(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text
    assert seconds_in(text) == seconds
