"""Polygons and distances."""

from __future__ import annotations

from fractions import Fraction
from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.people.places import Corner, area_of, corners_of, holds, metres

SQUARE = ((0, 0), (0, 4), (4, 4), (4, 0))
BAY = ((0, 0), (0, 6), (6, 6), (6, 4), (2, 4), (2, 2), (6, 2), (6, 0))  # a U: the bay is outside

_POINTS = st.tuples(st.integers(-6, 6), st.integers(-6, 6))


def naive_holds(polygon: list[Corner], point: Corner) -> bool:
    """Say the same by a ray in a direction on which no corner lies, in fractions."""
    py, px = Fraction(point[0]), Fraction(point[1])
    dy, dx = Fraction(1, 1009), Fraction(1)
    crossings = 0
    for (y0, x0), (y1, x1) in zip(polygon, [*polygon[1:], polygon[0]], strict=True):
        ey, ex = y1 - y0, x1 - x0
        side = ex * (py - y0) - ey * (px - x0)
        if side == 0 and min(x0, x1) <= px <= max(x0, x1) and min(y0, y1) <= py <= max(y0, y1):
            return True
        turn = dx * ey - dy * ex
        if turn != 0:
            along = ((x0 - px) * ey - (y0 - py) * ex) / turn
            at = ((x0 - px) * dy - (y0 - py) * dx) / turn
            crossings += along > 0 and 0 <= at < 1
    return crossings % 2 == 1


@pytest.mark.parametrize(
    ("point", "inside"),
    [((1, 1), True), ((0, 0), True), ((0, 2), True), ((4, 4), True), ((4, 2), True), ((5, 2), False), ((2, -1), False)],
)
def test_edges_and_corners_are_inside(point: Corner, inside: bool) -> None:
    assert holds(SQUARE, point) is inside
    assert holds(SQUARE[::-1], point) is inside


def test_a_bay_is_outside() -> None:
    assert not holds(BAY, (4, 3))
    assert holds(BAY, (4, 1))
    assert holds(BAY, (1, 3))


@given(st.lists(_POINTS, min_size=3, max_size=7, unique=True), _POINTS)
@settings(max_examples=400, deadline=None)
def test_a_ray_at_a_slant_says_the_same(polygon: list[Corner], point: Corner) -> None:
    assert holds(polygon, point) is naive_holds(polygon, point)


@given(
    st.tuples(st.floats(22.1, 22.9), st.floats(114.1, 114.9)),
    st.tuples(st.floats(22.1, 22.9), st.floats(114.1, 114.9)),
    st.floats(0, 1),
)
@settings(max_examples=300, deadline=None)
def test_between_two_cells_that_share_an_edge_nobody_is_left_out(
    one: tuple[float, float], other: tuple[float, float], at: float
) -> None:
    """The edge is at a slant, and the point as near to it as figures can be."""
    south, north = (one[0], 114.0), (other[0], 115.0)
    west = corners_of(((22.0, 114.0), south, north, (22.0, 115.0)))
    east = corners_of(((23.0, 114.0), (23.0, 115.0), north, south))
    point = (south[0] + at * (north[0] - south[0]), south[1] + at * (north[1] - south[1]))
    (place,) = corners_of((point,))
    assert holds(west, place) or holds(east, place)


def test_the_area_says_which_corners_lie_on_a_line() -> None:
    assert area_of(corners_of(((0.0, 0.0), (1.0, 1.0), (2.0, 2.0)))) == 0
    assert area_of(SQUARE) == -area_of(SQUARE[::-1]) == 32


@pytest.mark.parametrize(
    ("one", "other", "far"),
    [
        ((22.5735, 114.1235), (22.5735, 114.1235), 0),
        ((0.0, 0.0), (0.0, 1.0), 111_195),
        ((0.0, 179.9), (0.0, -179.9), 22_239),  # over the 180th meridian
        ((90.0, 0.0), (-90.0, 0.0), 20_015_115),
        ((22.5431, 114.0579), (39.9042, 116.4074), 1_943_000),  # Shenzhen to Beijing
    ],
)
def test_metres_are_those_of_the_great_circle(one: tuple[float, float], other: tuple[float, float], far: float) -> None:
    assert metres(*one, *other) == pytest.approx(far, rel=0.005)
    assert metres(*other, *one) == pytest.approx(metres(*one, *other))


def test_nobody_is_near_what_is_nowhere() -> None:
    assert metres(None, 114.0, 22.0, 114.0) == metres(22.0, None, 22.0, 114.0) == inf
