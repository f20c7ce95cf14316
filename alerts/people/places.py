"""Places: which polygon a point is in, and how far two points are apart."""

from __future__ import annotations

from math import asin, cos, inf, radians, sin, sqrt
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Corner", "area_of", "corners_of", "holds", "metres"]

Corner = tuple[int, int]
"""Latitude and longitude in 1e-9 degrees (0.1 mm): whole numbers, so that nothing below is rounded."""

EARTH_M: Final = 6_371_008.8
"""Mean radius of WGS 84 (IUGG); great circles on it are within 0.6 % of the ellipsoid."""
_FINE: Final = 1_000_000_000


def corners_of(polygon: Sequence[tuple[float, float]]) -> tuple[Corner, ...]:
    """Return (latitude, longitude) corners, degrees, as whole numbers."""
    return tuple((round(latitude * _FINE), round(longitude * _FINE)) for latitude, longitude in polygon)


def holds(polygon: Sequence[Corner], point: Corner) -> bool:
    """Say whether `point` is in `polygon`, its edges and corners included.

    polygon: without holes, not over the 180th meridian; closed by itself
    A point between two cells that share an edge is always in one of them: nothing is rounded.
    Source: the crossing test of M. Shimrat, "Algorithm 112", CACM 5 (1962), with the edges added.
    """
    y, x = point
    inside = False
    y0, x0 = polygon[-1]
    for y1, x1 in polygon:
        # Twice the area of the triangle with the edge: which side of it the point is on, 0 for on its line.
        side = (x1 - x0) * (y - y0) - (x - x0) * (y1 - y0)
        if side == 0 and min(x0, x1) <= x <= max(x0, x1) and min(y0, y1) <= y <= max(y0, y1):
            return True
        if (y0 > y) != (y1 > y) and (side > 0) == (y1 > y0):
            inside = not inside
        y0, x0 = y1, x1
    return inside


def area_of(polygon: Sequence[Corner]) -> int:
    """Return twice the area, 0 where the corners lie on a line; below 0 where they run one way round."""
    edges = zip(polygon, (*polygon[1:], *polygon[:1]), strict=True)
    return sum(x0 * y1 - x1 * y0 for (y0, x0), (y1, x1) in edges)


def metres(latitude: float | None, longitude: float | None, other_latitude: float, other_longitude: float) -> float:
    """Return the great-circle distance, m; degrees WGS 84. Infinity where it is not known where the first is.

    Source: the haversine formula, R. W. Sinnott, "Virtues of the Haversine", Sky and Telescope 68 (1984).
    """
    if latitude is None or longitude is None:
        return inf
    phi, other_phi = radians(latitude), radians(other_latitude)
    half_east = radians(other_longitude - longitude) / 2
    square = sin((other_phi - phi) / 2) ** 2 + cos(phi) * cos(other_phi) * sin(half_east) ** 2
    return 2 * EARTH_M * asin(min(1.0, sqrt(square)))
