"""Who is asked: routes, selectors, stations, grids, quiet hours."""

from __future__ import annotations

from math import inf
from time import process_time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from alerts.people.local_time import DAY_US
from alerts.people.model import Directory, Shift, Team, Window
from alerts.people.who import Who
from alerts.text import Text
from devices.model import Kind
from rules.model import AlarmClass, Severity
from tests.alerts.people.town import NIGHT, NOON, TOWN, incident, names, person, us

WHO = Who(TOWN)
NOWHERE: dict[str, Any] = {"latitude": None, "longitude": None}


def chosen(selector: str, now_us: int = NOON, without: tuple[str, ...] = (), **more: object) -> list[str]:
    return names(WHO.select([selector], incident(**more), now_us, without))


# ── selectors ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("selector", "by_day", "by_night"),
    [
        ("person:dan", ["dan"], ["dan"]),
        ("team:east", ["dan"], ["eve"]),
        ("team:west", ["fay"], []),
        ("team:office", ["ida", "jon"], ["ida", "jon"]),  # hal has no contact
        ("rota:east", ["dan"], ["eve"]),
        ("role:warden", [], []),  # in building 7 only
        ("role:staff", ["ann"], ["ann"]),
        ("station:e", ["dan"], ["eve"]),
        ("station:nearest", ["fay"], ["eve"]),  # the station in the west is empty at night
        ("station:nearest:2", ["fay", "dan"], ["eve"]),
        ("level:grid", ["ann"], ["ann"]),
        ("level:top", ["jon"], ["jon"]),
        ("recipient:cad", [], []),
        ("resident", [], []),
        ("everyone", ["ann", "ben", "cat", "dan", "eve", "fay", "gus", "ida", "jon"], None),
        ("person:nobody", [], []),
        ("team:nobody", [], []),
        ("station:nobody", [], []),
        ("level:nobody", [], []),
    ],
)
def test_a_selector_names_those_on_duty(selector: str, by_day: list[str], by_night: list[str] | None) -> None:
    assert chosen(selector) == by_day
    assert chosen(selector, NIGHT) == (by_day if by_night is None else by_night)


def test_a_word_that_is_no_selector_is_refused() -> None:
    for text in ("", "dan", "person:", "station:nearest:0", "station:nearest:", "station:nearest:x", "team: east"):
        with pytest.raises(ValueError, match="wanted"):
            WHO.select([text], incident(), NOON)


def test_everybody_is_asked_once_and_in_the_order_of_the_selectors() -> None:
    asked = WHO.select(["person:dan", "team:east", "person:jon", "team:office"], incident(), NOON)
    assert names(asked) == ["dan", "jon", "ida"]
    assert asked[0].why.en == "named by the chain"  # the first reason counts


def test_whoever_refused_is_left_out_and_the_next_nearest_station_takes_their_station_s_place() -> None:
    assert chosen("team:office", without=("ida",)) == ["jon"]
    assert chosen("station:nearest", without=("station:w",)) == ["dan"]
    assert chosen("station:nearest", without=("fay",)) == ["dan"]  # nobody of the nearest is left
    assert chosen("station:nearest", without=("station:w", "station:e")) == []
    assert chosen("station:w", without=("station:w",)) == []


def test_the_resident_and_the_family_are_those_of_the_device() -> None:
    assert chosen("resident", device="town/w-1") == ["ida"]
    assert chosen("family", device="town/w-1") == ["jon", "dan"]
    assert chosen("resident", device="town/w-2") == chosen("family", device="town/w-2") == []


def test_a_role_is_of_a_place_and_an_unknown_place_may_be_any_of_the_site() -> None:
    assert chosen("role:staff", grid="2") == ["ben"]
    assert chosen("role:staff", grid="1", building="7") == ["ann", "cat"]
    assert chosen("role:staff", grid="", **NOWHERE) == ["ann", "ben", "cat"]
    assert chosen("role:staff", grid="", building="7", **NOWHERE) == ["ann", "ben", "cat"]
    assert chosen("role:staff", grid="", building="8", **NOWHERE) == ["ann", "ben"]
    assert chosen("role:staff", site="elsewhere", grid="", **NOWHERE) == ["ann", "ben"]


def test_why_somebody_is_asked_says_the_team_the_distance_and_until_when() -> None:
    (fay,) = WHO.select(["station:nearest"], incident(), NOON)
    assert fay.why == Text(
        "nearest station on duty w, 152 m, on duty until 20:00", "最近的在岗站点w，152 m，值班至20:00"
    )
    assert fay.station == "w"
    (dan,) = WHO.select(["team:east"], incident(), NOON)
    assert (dan.why.en, dan.station) == ("team east, on duty until 20:00", "")
    (ann,) = WHO.select(["role:staff"], incident(), NOON)
    assert ann.why == Text("staff of town, grid 1", "town网格1的staff")  # on duty for more than a week
    (jon,) = WHO.select(["level:top"], incident(), NOON)
    assert jon.why.en == "level top: named by the chain"


def test_a_duty_that_ends_in_more_than_a_day_is_told_with_its_date() -> None:
    whole = Shift(people=("dan",), days=(0, 1), start_min=0, end_min=1440)
    last = Shift(people=("dan",), days=(2,), start_min=0, end_min=14 * 60)
    who = Who(replace(TOWN, rotas=(replace(TOWN.rotas[0], shifts=(whole, last)), *TOWN.rotas[1:])))
    told = [
        who.select(["team:east"], incident(), us(time))[0].why.en
        for time in ("2026-05-11 12:00", "2026-05-12 13:59", "2026-05-12 14:00", "2026-05-13 13:59")
    ]
    assert told == [
        "team east, on duty until 05-13 14:00",
        "team east, on duty until 05-13 14:00",
        "team east, on duty until 14:00",
        "team east, on duty until 14:00",
    ]


def test_levels_within_levels_name_nobody_and_end() -> None:
    loop = replace(TOWN.levels[0], to=("level:grid", "person:jon"))
    assert names(Who(replace(TOWN, levels=(loop,))).select(["level:grid"], incident(), NOON)) == ["jon"]


def test_recipients_are_named_once_those_of_levels_included() -> None:
    assert WHO.recipients(["recipient:cad", "team:east", "level:top", "level:nobody"]) == ["cad", "siren"]


# ── places ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_stations_on_duty_come_nearest_first_with_metres() -> None:
    here = incident()
    (first, near), (second, far) = WHO.stations(here, NOON)
    assert (first.name, second.name) == ("w", "e")
    assert near == pytest.approx(152, abs=2)
    assert far == pytest.approx(935, abs=5)
    assert [one.name for one, _ in WHO.stations(here, NIGHT)] == ["e"]


def test_without_a_location_stations_are_in_the_directory_s_order() -> None:
    assert [(one.name, far) for one, far in WHO.stations(incident(**NOWHERE), NOON)] == [("e", inf), ("w", inf)]
    assert (
        WHO.select(["station:nearest"], incident(**NOWHERE), NOON)[0].why.en
        == "station on duty East station, on duty until 20:00"
    )


def test_a_station_is_asked_for_its_own_sites_only() -> None:
    assert [one.name for one, _ in WHO.stations(incident(site="village"), NOON)] == ["w"]


@pytest.mark.parametrize(
    ("latitude", "longitude", "grid"),
    [(22.005, 114.005, "1"), (22.005, 114.015, "2"), (22.005, 114.01, "1"), (22.0, 114.02, "2"), (23.0, 114.0, "")],
)
def test_a_device_without_a_grid_belongs_by_its_place(latitude: float, longitude: float, grid: str) -> None:
    assert WHO.grid_of(incident(grid="", latitude=latitude, longitude=longitude)) == grid


def test_the_ledger_s_grid_goes_before_the_polygon_and_a_grid_is_of_its_site() -> None:
    assert WHO.grid_of(incident(grid="2")) == "2"
    assert WHO.grid_of(incident(grid="", site="village")) == ""
    assert WHO.grid_of(incident(grid="", **NOWHERE)) == ""


# ── routes and limits ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("changes", "chain"),
    [
        ({}, "fire"),
        ({"grid": "2"}, None),
        ({"grid": ""}, "fire"),  # by its place
        ({"grid": "2", "building": "7"}, "rest"),
        ({"kind": Kind.GAS}, "gas"),
        ({"kind": Kind.GAS, "severity": Severity.WARNING}, "fire"),
        ({"kind": Kind.GAS, "site": "village"}, "fire"),
        ({"rule_id": "co.high"}, "gas"),
        ({"rule_id": "cooker.on"}, "fire"),
        ({"rule_id": "smoke.test"}, "gas"),
        ({"rule_id": "smoke.test.x"}, "fire"),
        ({"alarm_class": AlarmClass.TROUBLE}, None),
    ],
)
def test_the_first_route_that_matches_says_the_chain(changes: dict[str, object], chain: str | None) -> None:
    found = WHO.chain_for(incident(**changes))
    assert (found.name if found else None) == chain


def test_the_first_limits_that_match_count() -> None:
    def accept_s(**more: object) -> float | None:
        found = WHO.limits_for(incident(**more))
        return found.accept_s if found else None

    assert (accept_s(), accept_s(kind=Kind.GAS), accept_s(severity=Severity.WARNING)) == (60.0, 30.0, None)


# ── quiet hours ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_quiet_hours_over_midnight_end_in_the_morning() -> None:
    ida = TOWN.people[8]
    assert WHO.quiet_until_us(ida, us("2026-05-11 21:59")) is None
    assert WHO.quiet_until_us(ida, us("2026-05-11 22:00")) == us("2026-05-12 07:00")
    assert WHO.quiet_until_us(ida, us("2026-05-12 06:59")) == us("2026-05-12 07:00")
    assert WHO.quiet_until_us(ida, us("2026-05-12 07:00")) is None
    assert WHO.quiet_until_us(person("x"), NIGHT) is None


def test_quiet_hours_are_those_of_the_wall_clock_when_it_is_changed() -> None:
    who = Who(Directory(timezone="Europe/Berlin"))
    early = person("x", quiet=Window(60, 150))  # 01:00-02:30
    assert who.quiet_until_us(early, us("2025-03-30 01:30", "Europe/Berlin")) == us("2025-03-30 03:00", "Europe/Berlin")
    assert who.quiet_until_us(early, us("2025-10-26 01:30", "Europe/Berlin")) == us("2025-10-26 02:30", "Europe/Berlin")


# ── what is kept ─────────────────────────────────────────────────────────────────────────────────────────────────────

_SELECTORS = ("team:east", "team:west", "role:staff", "station:nearest", "station:nearest:2", "rota:east", "level:grid")


@given(
    st.lists(
        st.tuples(
            st.sampled_from(_SELECTORS),
            st.integers(0, 9 * 24 * 60),
            st.sampled_from(["1", "2", ""]),
            st.sampled_from([(), ("dan",), ("station:w",)]),
        ),
        max_size=12,
    )
)
@settings(max_examples=40, deadline=None)
def test_what_was_asked_before_changes_no_answer(questions: list[tuple[str, int, str, tuple[str, ...]]]) -> None:
    used = Who(TOWN)
    for selector, minute, grid, without in questions:
        scene = ([selector], incident(grid=grid), NOON + minute * 60_000_000, without)
        assert used.select(*scene) == Who(TOWN).select(*scene)


def test_an_answer_for_one_of_ten_thousand_incidents_takes_less_than_50_us() -> None:
    who = Who(TOWN)
    storm = [
        incident(latitude=22 + nth % 997 * 1e-5, grid=("1", "2", "")[nth % 3], raised_us=NOON + nth * 1000)
        for nth in range(10_000)
    ]
    start = process_time()
    for one in storm:
        who.chain_for(one)
        who.select(("role:staff", "station:nearest", "team:office"), one, one.raised_us)
    assert process_time() - start < 0.5  # 50 µs each


def test_a_team_without_members_has_those_whom_its_rota_names() -> None:
    who = Who(replace(TOWN, teams=(Team(name="east", rota="east"),)))
    assert names(who.select(["team:east"], incident(), NOON)) == ["dan"]
    assert names(who.select(["team:east"], incident(), NOON + DAY_US // 2)) == ["eve"]
