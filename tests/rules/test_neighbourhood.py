"""Neighbourhoods: what a place is, storms, and clusters on the map."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices import Kind
from rules.clusters import Grid, Point, clusters, point_at
from rules.model import Change, Scope
from rules.places import PLACES
from tests.rules.naive_relations import joined
from tests.rules.town import DEAD, FIRE, SECOND, SOS, Town, around, device

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rules.model import Rule

N = 10_000

# ── places ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("scope", "what", "place"),
    [
        (Scope.DEVICE, {}, ("site", "a")),
        (Scope.UNIT, {}, ("site", "1", "1", "1")),
        (Scope.UNIT, {"building": "", "floor": ""}, ("site", "", "", "1")),
        (Scope.UNIT, {"unit": ""}, None),
        (Scope.FLOOR, {"unit": ""}, ("site", "1", "1")),
        (Scope.FLOOR, {"floor": ""}, None),
        (Scope.FLOOR, {"building": ""}, None),
        (Scope.BUILDING, {"floor": ""}, ("site", "1")),
        (Scope.BUILDING, {"building": ""}, None),
        (Scope.GRID, {}, ("site", "g")),
        (Scope.GRID, {"grid": ""}, None),
        (Scope.SITE, {"grid": "", "building": ""}, ("site",)),
        (Scope.GATEWAY, {}, ("site", "gw")),
        (Scope.GATEWAY, {"gateway": ""}, None),
        (Scope.GATEWAY, {"gateway": "", "kind": Kind.GATEWAY}, ("site", "a")),
        (Scope.RADIUS, {"latitude": 0.0, "longitude": 0.0}, ()),
        (Scope.RADIUS, {"latitude": 0.0}, None),
    ],
)
def test_what_a_device_does_not_say_makes_no_place(
    scope: Scope, what: dict[str, object], place: tuple[str, ...] | None
) -> None:
    assert PLACES[scope](replace(device("a"), **what)) == place  # type: ignore[arg-type]


def test_every_scope_has_its_places() -> None:
    assert set(PLACES) == set(Scope)


def test_a_gateway_and_what_is_behind_it_are_one_place() -> None:
    gateway = replace(device("gw", gateway=""), kind=Kind.GATEWAY)
    behind = around("behind", "dead", scope=Scope.GATEWAY, within_s=0.0)
    town = Town(behind, devices=(gateway, device("a"), device("b", gateway="other")))
    assert town.play("0 s dead gw, dead b; 1 s dead a → ")[1] == "1 s behind gw [2 of 2] (gw a)"


# ── storms ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def storm(rule: Rule, said_by: Rule, in_steps: int = 1) -> tuple[Town, list[Change]]:
    town = Town(rule, devices=[device(f"d{n}", latitude=22.5 + n * 1e-5, longitude=114.0) for n in range(N)])
    said: list[Change] = []
    for start in range(0, N, N // in_steps):
        at_us = SECOND + start
        rows = range(start, start + N // in_steps)
        changes = [Change(row, -1, said_by, True, False, False, at_us, at_us) for row in rows]
        said += [one for one in town.conclusions.step(changes, at_us) if one.rule is rule]
    return town, said


@pytest.mark.parametrize("in_steps", [1, 100])
def test_a_storm_is_told_in_few_changes(in_steps: int) -> None:
    town, said = storm(around("power", "dead", scope=Scope.SITE, at_least=10), DEAD, in_steps)
    assert [len(one.members) for one in said[:9]] == [10, 11, 12, 13, 14, 15, 16, 18, 20]
    assert {one.device_row for one in said} == {0}
    assert len(said[-1].members) > N * 8 / 9
    assert sum(len(one.members) for one in said) < 10 * N
    ends = [Change(row, -1, DEAD, False, False, False, 90 * SECOND, SECOND) for row in range(N)]
    (over,) = [one for one in town.conclusions.step(ends, 90 * SECOND) if one.rule is not DEAD]
    assert (over.holds, over.measure, over.reference) == (False, 9.0, float(N))
    assert town.conclusions.snapshot() == b""


def test_by_distance_many_are_not_looked_at_in_every_step() -> None:
    near = around("near", "fire", scope=Scope.RADIUS, radius_m=100.0, at_least=3)
    town, said = storm(near, FIRE, in_steps=10)
    assert [one.measure for one in said] == [1000.0]
    assert town.conclusions.step([], SECOND + 900_000) == []
    (grown,) = town.conclusions.step([], 3 * SECOND + N * 1000)
    assert (grown.repeated, grown.measure) == (True, float(N))


def test_what_is_said_over_and_over_takes_no_more_room() -> None:
    town = Town(around("many", "sos", scope=Scope.SITE, within_s=3600.0))
    for second in range(500):
        sos = [Change(row, -1, SOS, True, second > 0, False, second * SECOND, second * SECOND) for row in (0, 1)]
        town.conclusions.step(sos, second * SECOND)
    (relation,) = town.conclusions._relations
    (scene,) = relation.scenes.values()
    assert len(town.conclusions._agenda._due) == 2
    assert scene._ends is not None
    assert len(scene._ends) == 2


# ── on the map ───────────────────────────────────────────────────────────────────────────────────────────────────────

EARTH_M = 6_371_008.8


def haversine_m(one: Point, other: Point) -> float:
    north, south = math.radians(one.latitude), math.radians(other.latitude)
    east = math.radians(other.longitude - one.longitude)
    square = math.sin((north - south) / 2) ** 2 + math.cos(north) * math.cos(south) * math.sin(east / 2) ** 2
    return 2 * EARTH_M * math.asin(min(1.0, math.sqrt(square)))


def naive_clusters(points: Mapping[int, Point], radius_m: float, at_least: int) -> list[tuple[int, ...]]:
    balls = [{other for other in points if haversine_m(points[one], points[other]) <= radius_m} for one in points]
    return sorted(tuple(sorted(one)) for one in joined([ball for ball in balls if len(ball) >= at_least]))


steps = st.integers(-40, 40)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(steps, steps), max_size=25),
    st.sampled_from([30.0, 300.0, 3000.0, 30_000.0]),
    st.sampled_from([0.07, 0.13, 0.31, 1.1]),
    st.sampled_from([(22.5, 114.0), (0.0, 0.0), (-33.9, 180.0), (60.0, -180.0), (-80.0, 12.0)]),
    st.integers(2, 6),
)
def test_clusters_are_what_obvious_loops_find(
    where: list[tuple[int, int]], radius_m: float, stride: float, centre: tuple[float, float], at_least: int
) -> None:
    north_deg = stride * radius_m / 111_195
    east_deg = north_deg / math.cos(math.radians(centre[0]))
    points = {
        number: point_at(centre[0] + north * north_deg, (centre[1] + east * east_deg + 180) % 360 - 180)
        for number, (north, east) in enumerate(where)
    }
    assert clusters(points, Grid(radius_m), at_least) == naive_clusters(points, radius_m, at_least)


def test_in_a_crowd_nothing_is_measured_twice() -> None:
    crowd = {n: point_at(22.5 + n % 100 * 1e-6, 114.0 + n // 100 * 1e-6) for n in range(N)}
    assert clusters(crowd, Grid(1000.0), 3) == [tuple(range(N))]
    assert clusters(dict.fromkeys(range(N), point_at(22.5, 114.0)), Grid(1.0), N + 1) == []


def test_circles_that_have_a_device_in_common_are_one_occurrence() -> None:
    # b hangs between two pairs, and is within reach of both: 90 m from each.
    homes = [
        device(name, latitude=22.5 + metres / 111_195, longitude=114.0)
        for name, metres in (("a", 0), ("b", 90), ("c", 180), ("d", 500))
    ]
    town = Town(around("near", "fire", scope=Scope.RADIUS, radius_m=100.0), devices=homes)
    assert town.play("0 s fire a, fire c, fire d; 1 s fire b → ")[1] == "1 s near a [3 of 3] (a b c)"


def test_of_two_occurrences_that_grow_together_the_older_goes_on_and_what_parts_is_raised_anew() -> None:
    row = [device(name, latitude=22.5 + n * 90 / 111_195, longitude=114.0) for n, name in enumerate("abcde")]
    town = Town(around("near", "fire", scope=Scope.RADIUS, radius_m=100.0, within_s=0.0), devices=row)
    assert town.play("0 s fire a, fire b; 1 s fire d, fire e; 2 s fire c; 3 s off fire c → ")[1] == (
        "0 s near a [2 of 3] (a b); 1 s near d [2 of 3] (d e); "
        "2 s off near d [2 of 3] (d e); 2 s again near a [5 of 5] (a b c d e); 3 s near d [2 of 3] (d e)"
    )
