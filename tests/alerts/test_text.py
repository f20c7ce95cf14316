from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.text import Text, enumerated, number, quantity, span


@pytest.mark.parametrize(
    ("seconds", "en", "zh"),
    [
        (0, "0 s", "0秒"),
        (-3, "0 s", "0秒"),
        (59.4, "59 s", "59秒"),
        (60, "1 min", "1分"),
        (90, "1 min 30 s", "1分30秒"),
        (93_600, "1 d 2 h", "1天2小时"),
        (86_400, "1 d", "1天"),
        (3_661, "1 h 1 min", "1小时1分"),
    ],
)
def test_spans_are_said_in_their_two_largest_units(seconds: float, en: str, zh: str) -> None:
    assert span(seconds) == (en, zh)


@pytest.mark.parametrize(
    ("value", "digits", "beside", "said"),
    [
        (0.1 + 0.2, 6, None, "0.3"),
        (0.35 - 0.30, 3, 0.05, "0.05"),
        (0.08341, 3, 0.05, "0.0834"),
        (123_456.7, 6, None, "123457"),
        (200_000.0, 3, None, "200000"),
        (-0.0, 6, None, "0"),
        (-12.50, 6, None, "-12.5"),
        (9.9999996, 6, None, "10"),
        (9.9999996, 6, 10.0, "9.9999996"),
        (7.04, 2, 7.0, "7.04"),
        (0.30000000000000004, 6, 0.3, "0.3"),
        (2.5e-9, 3, None, "2.5e-09"),
        (1e300, 3, None, "1e+300"),
        (math.inf, 3, 1.0, "inf"),
        (None, 6, None, "?"),
    ],
)
def test_numbers_are_said_as_exactly_as_they_mean_something(
    value: float | None, digits: int, beside: float | None, said: str
) -> None:
    assert number(value, digits, beside=beside) == said


@given(st.floats(allow_nan=False, width=32), st.floats(allow_nan=False, width=32))
def test_a_number_beside_its_limit_is_never_said_on_its_other_side(value: float, limit: float) -> None:
    said = float(number(value, 3, beside=limit))
    assert (said - limit) * (value - limit) >= 0 or not math.isfinite(said - limit)
    assert said == pytest.approx(value, rel=0.01)


def test_degrees_stand_close_to_their_number() -> None:
    assert (quantity(0.19, "°"), quantity(39.1, "°C"), quantity(1.0, "")) == ("0.19°", "39.1 °C", "1")


@pytest.mark.parametrize(
    ("names", "count", "en", "zh"),
    [
        ([], 3, "", ""),
        (["a"], 1, "a", "a"),
        (["a", "b"], 2, "a and b", "a、b"),
        (["a", "b", "c"], 3, "a, b and c", "a、b、c"),
        (list("abcdefgh"), 18, "a, b, c, d, e, f and 12 more", "a、b、c、d、e、f等另12台"),
    ],
)
def test_long_lists_are_cut(names: list[str], count: int, en: str, zh: str) -> None:
    assert enumerated(names, count) == (en, zh)


def test_braces_of_what_is_filled_in_are_only_text() -> None:
    assert Text("{a} {b}", "{b}{a}").fill(a="{b}", b=Text("{", "}")) == ("{b} {", "}{b}")
