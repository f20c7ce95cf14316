"""Clusters: which of many points on the map are so many, so near together.

The points within the radius of one point, itself included, are its *ball*. A ball with enough points counts, and balls
that have a point in common are one cluster.
Points go into cells of which any two points are within the radius of one another: a full cell needs no measuring, so
the work stays near the number of points however dense they are.
"""

from __future__ import annotations

from math import ceil, cos, floor, radians, sin, sqrt
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Cell", "Grid", "Point", "clusters", "point_at"]

EARTH_M: Final = 6_371_008.8
_METRES_A_DEGREE: Final = radians(1) * EARTH_M
_FURTHEST_NORTH: Final = 89.9
"""Cells get no narrower beyond: nobody lives nearer to a pole."""

_FEW: Final = 32
"""So many pairs of points are measured before anything is ruled out."""

Cell = tuple[int, int]
"""Band of latitude, and column in it."""


class Point(NamedTuple):
    """A place on a sphere, m from its centre, and its latitude and longitude, degrees WGS 84.

    What is near is measured straight through the ground, which at 100 km is 1 m less than over it.
    """

    x: float
    y: float
    z: float
    latitude: float
    longitude: float


def point_at(latitude: float, longitude: float) -> Point:
    """Return the point at these degrees."""
    north, east = radians(latitude), radians(longitude)
    out = EARTH_M * cos(north)
    return Point(out * cos(east), out * sin(east), EARTH_M * sin(north), latitude, longitude)


class Grid:
    """Cells for one radius, m: any two points of a cell are within it."""

    def __init__(self, radius_m: float) -> None:
        self.radius_m = radius_m
        self.square_m2 = radius_m * radius_m
        self._side = 0.999 * radius_m / sqrt(2) / _METRES_A_DEGREE
        self._reach = 1.001 * radius_m / _METRES_A_DEGREE
        self._bands: dict[int, tuple[int, list[tuple[int, int, float]]]] = {}

    def cell(self, point: Point) -> Cell:
        """Return the cell of `point`."""
        band = floor(point.latitude / self._side)
        columns = self._columns(band)
        return band, floor((point.longitude + 180.0) / 360.0 * columns) % columns

    def near(self, cell: Cell) -> list[Cell]:
        """Return the other cells that may hold a point within the radius of a point of `cell`."""
        band, column = cell
        if band not in self._bands:
            self._bands[band] = self._beside(band)
        columns, others = self._bands[band]
        found: list[Cell] = []
        for other, count, aside in others:
            first = floor((column / columns - aside) * count)
            last = min(floor(((column + 1) / columns + aside) * count), first + count - 1)
            found += [(other, place % count) for place in range(first, last + 1)]
        return [other for other in found if other != cell]

    def are_near(self, one: Point, other: Point) -> bool:
        """Say whether two points are within the radius of one another."""
        x, y, z = one[0] - other[0], one[1] - other[1], one[2] - other[2]
        return x * x + y * y + z * z <= self.square_m2

    def _beside(self, band: int) -> tuple[int, list[tuple[int, int, float]]]:
        """Return the columns of `band`; and bands within reach, their columns, and the reach in turns of the Earth."""
        side, reach = self._side, self._reach
        found = []
        for other in range(floor(band - reach / side), floor(band + 1 + reach / side) + 1):
            outermost = max(abs(edge * side) for edge in (band, band + 1, other, other + 1))
            found.append((other, self._columns(other), reach / 360.0 / _narrowing(outermost)))
        return self._columns(band), found

    def _columns(self, band: int) -> int:
        """Return into how many columns a band is cut: none is wider than the side, where it is widest."""
        widest = min(abs(band), abs(band + 1)) * self._side
        return max(1, ceil(360.0 * _narrowing(widest) / self._side))


def _narrowing(latitude: float) -> float:
    """Return how long a degree of longitude is, in degrees of latitude."""
    return cos(radians(min(latitude, _FURTHEST_NORTH)))


def clusters(points: Mapping[int, Point], grid: Grid, at_least: int) -> list[tuple[int, ...]]:
    """Return the clusters of `points`, whose balls have the radius of `grid` and hold at least so many.

    points: number → point; any order gives the same
    Returns the numbers of each cluster, rising, the cluster with the lowest number first.
    """
    return _Finding(points, grid, at_least).clusters()


class _Site:
    """A cell with its points; those of one place are one, with all their numbers.

    here:     how many numbers there are
    cores:    the points whose balls count; a cell that has one is in one cluster as a whole
    near:     the cells that may be within reach
    low, high: corners of the box round its points
    above:    the cell that it was joined to
    """

    __slots__ = ("above", "cores", "here", "high", "low", "near", "numbers", "points")

    def __init__(self) -> None:
        self.numbers: dict[Point, list[int]] = {}
        self.points: Sequence[Point] = ()
        self.cores: Sequence[Point] = ()
        self.near: Sequence[_Site] = ()
        self.low: Sequence[float] = ()
        self.high: Sequence[float] = ()
        self.here = 0
        self.above: _Site | None = None

    def settle(self) -> None:
        self.points = list(self.numbers)
        self.here = sum(map(len, self.numbers.values()))
        axes = list(zip(*self.points, strict=True))[:3]
        self.low, self.high = [min(axis) for axis in axes], [max(axis) for axis in axes]

    def root(self) -> _Site:
        root = self.above or self
        while root.above is not None:
            root = root.above
        site = self
        while site.above is not None:
            site.above, site = root, site.above
        return root

    def gap_m2(self, point: Point) -> float:
        """Return the square of the distance from `point` to the box, 0 inside."""
        gap = 0.0
        for low, at, high in zip(self.low, point, self.high, strict=False):
            aside = low - at if at < low else max(at - high, 0.0)
            gap += aside * aside
        return gap


class _Finding:
    def __init__(self, points: Mapping[int, Point], grid: Grid, at_least: int) -> None:
        self._grid = grid
        self._at_least = at_least
        sites: dict[Cell, _Site] = {}
        for number in sorted(points):
            sites.setdefault(grid.cell(points[number]), _Site()).numbers.setdefault(points[number], []).append(number)
        for cell, site in sites.items():
            site.settle()
            site.near = [sites[near] for near in grid.near(cell) if near in sites]
        for site in sites.values():
            full = site.here >= at_least
            site.cores = site.points if full else [point for point in site.points if self._is_core(point, site)]
        self._cored = [site for site in sites.values() if site.cores]
        self._coreless = [site for site in sites.values() if not site.cores]

    def clusters(self) -> list[tuple[int, ...]]:
        for site in self._cored:
            for near in site.near:
                if near.cores:
                    root, its_root = site.root(), near.root()
                    if root is not its_root and self._reach(site, near):
                        its_root.above = root
        lone = [(point, site) for site in self._coreless for point in site.points]
        owners = [self._owner(point, site) for point, site in lone]
        members: dict[int, list[int]] = {}
        for site in self._cored:
            for numbers in site.numbers.values():
                members.setdefault(id(site.root()), []).extend(numbers)
        for (point, site), owner in zip(lone, owners, strict=True):
            if owner is not None:
                members[id(owner.root())] += site.numbers[point]
        return sorted(tuple(sorted(numbers)) for numbers in members.values())

    def _is_core(self, point: Point, site: _Site) -> bool:
        found = site.here
        for near in site.near:
            for other in near.points:
                if self._grid.are_near(point, other):
                    found += len(near.numbers[other])
                    if found >= self._at_least:
                        return True
        return False

    def _reach(self, site: _Site, other: _Site) -> bool:
        """Say whether a ball of `site` has a point of `other`."""
        square_m2, cores, points = self._grid.square_m2, site.cores, other.points
        if len(cores) * len(points) > _FEW:
            cores = [core for core in cores if other.gap_m2(core) <= square_m2]
            points = [point for point in points if site.gap_m2(point) <= square_m2] if cores else ()
        return any(self._grid.are_near(core, point) for core in cores for point in points)

    def _owner(self, point: Point, site: _Site) -> _Site | None:
        """Join all whose balls have `point`, of a cell without cores; return one of them."""
        owner = None
        for near in site.near:
            if near.cores and any(self._grid.are_near(core, point) for core in near.cores):
                if owner is not None and owner.root() is not near.root():
                    near.root().above = owner.root()
                owner = near
        return owner
