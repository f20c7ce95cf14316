"""Flapping: said once, held until it is steady; life safety is never held."""

from __future__ import annotations

from typing import Any, Final

from alerts.incident import Exercise
from alerts.noise.counters import Bound
from alerts.noise.flapping import FlappingLimits
from alerts.noise.limits import NoiseLimits
from alerts.response_event import ResponseKind
from tests.alerts.noise.scene import SMOKE, TANK, Street
from tests.alerts.noise.test_silences import silence

TANK_5: Final[dict[str, Any]] = {**TANK, "device": "s/tank"}


def flapping(street: Street, n: int, every: float = 60, **facts: Any) -> list[bool]:
    """Raise and close it so many times; return which were told."""
    told = []
    for number in range(n):
        told.append(street.raised(f"T{number}", number * every, **{**TANK_5, **facts}).told)
        street.closed(f"T{number}", number * every + 1)
    return told


def test_the_sixth_in_half_an_hour_is_told_as_flapping_and_the_next_are_held() -> None:
    street = Street()
    assert flapping(street, 5) == [True] * 5
    sixth = street.raised("T6", 300, **TANK_5)
    assert (sixth.told, sixth.kind) == (True, ResponseKind.FLAPPING)
    assert sixth.text.en == "It comes and goes: raised 6 times. It is not told again until it is steady for 30 min."
    assert "已报 6 次" in sixth.text.zh
    street.closed("T6", 301)
    seventh = street.raised("T7", 360, **TANK_5)
    assert (seventh.told, seventh.kind) == (False, ResponseKind.FLAPPING)
    assert "7 times" in seventh.text.en
    assert street.counters.flapping == 1


def test_raisings_of_one_incident_count_as_those_of_several() -> None:
    street = Street()
    street.raised("T", 0, **TANK_5)
    told = [street.reopened("T", 60 * n).told for n in range(1, 8)]
    assert told == [True] * 5 + [False] * 2


def test_five_in_half_an_hour_do_not_flap() -> None:
    street = Street()
    assert all(flapping(street, 50, every=361))
    assert street.counters.flapping == 0


def test_no_more_times_are_kept_than_need_be_counted() -> None:
    street = Street()
    flapping(street, 100, every=1)
    (course,) = street.noise._flapping.saved()
    assert len(course.times_us) == 6
    assert course.raisings == 100


def test_what_is_open_and_steady_for_half_an_hour_is_told() -> None:
    street = Street()
    flapping(street, 7)
    assert not street.raised("LAST", 420, **TANK_5).told
    street = street.restarted()
    assert street.freed(420 + 1_799) == []
    assert street.freed(420 + 1_800) == ["LAST"]
    street.closed("LAST", 2_221)
    assert flapping(street, 1, every=0) == [True], "it begins to be counted anew"


def test_each_raising_puts_it_off() -> None:
    street = Street()
    flapping(street, 7)
    street.raised("X", 420, **TANK_5)
    street.reopened("X", 2_000)
    assert street.freed(3_799) == []
    assert street.freed(3_800) == ["X"]


def test_life_safety_is_told_each_time_and_says_that_it_flaps() -> None:
    street = Street()
    assert flapping(street, 12, 60, **SMOKE) == [True] * 12
    verdict = street.raised("S", 720, **{**SMOKE, "device": "s/tank"})
    assert (verdict.told, verdict.kind) == (True, ResponseKind.FLAPPING)
    assert verdict.text.en == "It comes and goes: raised 13 times."


def test_others_are_not_held() -> None:
    street = Street()
    flapping(street, 7)
    assert street.raised("OTHER", 420, **{**TANK, "device": "s/other", "building": "9"}).told
    assert street.raised("RULE", 420, **{**TANK_5, "rule": "tank.level-critical", "building": "8"}).told


def test_what_a_person_raises_again_does_not_count() -> None:
    street = Street()
    street.raised("T", 0, **TANK_5)
    assert all(street.reopened("T", n, by="li").told for n in range(1, 20))
    assert street.counters.flapping == 0


def test_an_exercise_does_not_count_nor_is_it_held() -> None:
    street = Street()
    assert flapping(street, 20, exercise=Exercise.SYNTHETIC) == [True] * 20
    flapping(street, 7)
    assert street.raised("D", 500, **TANK_5, exercise=Exercise.DRILL).told


def test_that_it_flaps_is_said_when_it_can_be() -> None:
    street = Street()
    street.ordered(silence(1_000, kind="tank"), 0)
    assert flapping(street, 7) == [False] * 7
    street.raised("LAST", 430, **TANK_5)
    (released,) = street.releases(1_000)
    assert "comes and goes: raised 8 times" in released.text.en
    street.closed("LAST", 1_001)
    assert not street.raised("NEXT", 1_100, **TANK_5).told


def test_only_so_many_are_counted_and_what_is_forgotten_is_counted() -> None:
    street = Street(NoiseLimits(flapping=FlappingLimits(kept=10)))
    for number in range(25):
        street.raised(f"T{number}", number, **{**TANK, "device": f"s/{number}"})
    assert len(street.noise._flapping) == 10
    assert street.counters.full[Bound.FLAPPING] == 15
    street.raised("LATER", 5_000, **{**TANK, "device": "s/later"})
    assert len(street.noise._flapping) == 1, "what is steady makes room"
    assert street.counters.full[Bound.FLAPPING] == 15


def test_a_clock_that_goes_back_holds_nothing_longer() -> None:
    street = Street()
    flapping(street, 7)
    street.raised("LAST", 420, **TANK_5)
    assert street.freed(-10_000) == []
    assert street.freed(-10_000 + 1_800) == ["LAST"]
