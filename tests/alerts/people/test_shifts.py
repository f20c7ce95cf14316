"""Turns, days and durations as people write them."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from alerts.people.rota import Roster
from alerts.people.settings import (
    ChainSection,
    PersonSection,
    RotaSection,
    ShiftSection,
    make_directory,
)
from tests.alerts.people.town import us


def at_noon(rota: RotaSection, days: list[str]) -> list[tuple[str, ...]]:
    people = [PersonSection(name=one, contacts="app") for one in "abcx"]
    made = make_directory(people, rotas=[rota], channels={"sms", "voice", "app"})
    return [Roster(made.rotas[0]).on_duty(us(f"{day} 12:00")) for day in days]


def test_crews_that_take_turns_by_the_day_begin_on_the_day_of_cycle_start() -> None:
    turns = {"people": ["a", ["b", "x"], "c"], "every": "day", "hours": "08:00-08:00"}
    rota = RotaSection.model_validate({"name": "r", "cycle_start": "2026-01-07", "turns": [turns]})
    days = [f"2026-01-{day:02d}" for day in (6, 7, 8, 9, 10)] + ["2026-01-28", "2027-01-06"]
    assert at_noon(rota, days) == [("c",), ("a",), ("b", "x"), ("c",), ("a",), ("a",), ("b", "x")]


def test_turns_by_the_week_hand_over_on_their_day_and_go_with_shifts_of_another_cycle() -> None:
    given = {
        "name": "r",
        "cycle_start": "2026-01-05",
        "cycle_weeks": 2,
        "turns": [{"people": ["a", "b", "c"], "starts": "wed", "hours": "00:00-24:00"}],
        "shifts": [{"people": "x", "hours": "11:00-13:00", "weeks": [2]}],
    }
    days = ["2026-01-06", "2026-01-07", "2026-01-13", "2026-01-14", "2026-01-21", "2026-01-28", "2026-02-04"]
    assert [set(on) for on in at_noon(RotaSection.model_validate(given), days)] == [
        {"c"},
        {"a"},
        {"a", "x"},
        {"b", "x"},
        {"c"},
        {"a", "x"},
        {"b"},
    ]


@pytest.mark.parametrize(
    ("given", "days"),
    [
        ("mon-fri", (0, 1, 2, 3, 4)),
        ("fri - mon", (0, 4, 5, 6)),
        ("Sat, sun", (5, 6)),
        (["mon-tue", "sun"], (0, 1, 6)),
        ("daily", (0, 1, 2, 3, 4, 5, 6)),
        ("wed", (2,)),
    ],
)
def test_days_are_written_as_people_write_them(given: object, days: tuple[int, ...]) -> None:
    assert ShiftSection.model_validate({"people": ["a"], "hours": "08:00-20:00", "days": given}).days == days


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"hours": "8-20"}, "'8-20' are no hours; wanted '08:00-20:00'"),
        ({"hours": "24:00-08:00"}, "are no hours"),
        ({"hours": "08:00-24:01"}, "are no hours"),
        ({"days": "mo"}, "'mo' is no day; wanted 'mon-fri'"),
        ({"days": []}, "are no days"),
        ({"weeks": [0]}, "greater than or equal to 1"),
        ({"people": []}, "at least 1 item"),
        ({"people": ["a:b"]}, "is no name"),
        ({"colour": "red"}, "Extra inputs are not permitted"),
    ],
)
def test_a_shift_that_cannot_be_says_why(table: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said.replace("(", r"\(")):
        ShiftSection.model_validate({"people": ["a"], "hours": "08:00-20:00", **table})


@pytest.mark.parametrize("given", ["5 apples", "-1 s", -1, True, float("nan"), float("inf"), "400 d", None])
def test_a_duration_is_a_finite_length_of_time(given: object) -> None:
    with pytest.raises(ValidationError):
        ChainSection.model_validate({"name": "c", "steps": [{"to": "everyone", "after": given}]})


@pytest.mark.parametrize("given", ["", ":1", {"channel": ""}, {"channel": "sms", "number": "1"}, 5])
def test_a_contact_that_is_none_is_refused_without_being_shown(given: object) -> None:
    with pytest.raises(ValidationError, match="no contact; wanted 'CHANNEL:ADDRESS'"):
        PersonSection.model_validate({"name": "a", "contacts": [given]})
