"""Gaps and hand-overs: when nobody could be asked is known in advance."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from alerts.people.doubts import doubts
from alerts.people.duty import Gap, GapOf, gap_warnings, gaps, handovers
from alerts.people.local_time import DAY_US, MINUTE_US
from alerts.people.model import Chain, Contact, Directory, DutyOverride, Person, Rota, Route, Shift, Step, Team
from alerts.people.who import Who
from devices.model import Kind
from rules.model import AlarmClass, Severity
from tests.alerts.people.town import DAILY, NOON, TOWN, ZONE, incident, person, rota, us

HOUR_US = 60 * MINUTE_US


def told(directory: Directory, hours: int = 24) -> list[tuple[str, str, int, int, tuple[str, ...]]]:
    """Return the gaps, their times in hours after noon."""
    return [
        (one.of, one.name, (one.start_us - NOON) // HOUR_US, (one.end_us - NOON) // HOUR_US, one.without_contact)
        for one in gaps(directory, NOON, NOON + hours * HOUR_US)
    ]


def test_a_team_has_a_gap_while_nobody_of_its_members_is_on_duty() -> None:
    only = replace(
        TOWN, chains=(), rotas=(rota("east", "dan", "eve"), rota("west", "fay"), rota("staff", "ann", "ann"))
    )
    assert told(only) == [("team", "west", 8, 20, ())]


def test_a_rota_without_a_team_has_its_own_gaps() -> None:
    alone = Directory(people=(person("ann"),), rotas=(rota("days", "ann"),))
    assert told(alone, 48) == [("rota", "days", 8, 20, ()), ("rota", "days", 32, 44, ())]


def test_people_without_a_contact_fill_no_gap_and_are_named() -> None:
    mute = replace(TOWN, people=tuple(replace(one, contacts=()) if one.name == "eve" else one for one in TOWN.people))
    assert ("team", "east", 8, 20, ("eve",)) in told(mute)


def test_a_gap_that_is_meant_is_none_but_of_a_chain_that_has_nobody_else() -> None:
    office = replace(rota("office", "ann"), gaps_are_meant=True)
    directory = Directory(
        people=(person("ann"), person("ben")),
        teams=(Team(name="office", members=("ann",), rota="office"),),
        rotas=(office,),
        chains=(
            Chain(name="alone", steps=(Step(to=("team:office",)), Step(to=("person:ben",), inform=True))),
            Chain(name="backed", steps=(Step(to=("team:office",)), Step(to=("person:ben",)))),
        ),
    )
    assert told(directory) == [("chain", "alone", 8, 20, ())]
    assert told(Directory(people=(person("ann"),), rotas=(office,))) == []


def test_a_chain_of_people_without_a_contact_reaches_nobody() -> None:
    chain = Chain(name="mute", steps=(Step(to=("person:hal",)), Step(to=("team:office",))))
    offices = replace(TOWN.teams[2], members=("hal",))
    assert told(Directory(people=(person("hal", contacts=()),), teams=(offices,), chains=(chain,))) == [
        ("chain", "mute", 0, 24, ("hal",))
    ]


def test_an_override_that_leaves_nobody_is_a_gap() -> None:
    away = DutyOverride(start_us=NOON + HOUR_US, end_us=NOON + 3 * HOUR_US, people=())
    directory = Directory(
        people=(person("ann"), person("ben")), rotas=(replace(rota("days", "ann", "ben"), overrides=(away,)),)
    )
    assert told(directory) == [("rota", "days", 1, 3, ())]


def test_a_family_is_not_counted_on_where_nobody_else_is() -> None:
    directory = replace(TOWN, chains=(Chain(name="care", steps=(Step(to=("resident", "family")),)),))
    assert ("chain", "care", 0, 24, ()) in told(directory)


@st.composite
def _teams(draw: st.DrawFn) -> Directory:
    shift = st.builds(
        Shift,
        people=st.lists(st.sampled_from("abc"), min_size=1, max_size=2).map(tuple),
        days=st.just(DAILY),
        start_min=st.integers(0, 23).map(lambda hour: hour * 60),
        end_min=st.integers(1, 24).map(lambda hour: hour * 60),
    )
    rotas = tuple(
        Rota(name=name, timezone=ZONE, shifts=tuple(draw(st.lists(shift, min_size=1, max_size=3))))
        for name in ("r", "s")
    )
    contacts: tuple[tuple[Contact, ...], ...] = ((), (Contact("sms", "1"),))
    people = tuple(Person(name=name, contacts=draw(st.sampled_from(contacts)), roles=("x",)) for name in "abc")
    selectors = draw(st.lists(st.sampled_from(["team:t", "rota:s", "role:x", "resident"]), min_size=1, max_size=2))
    return Directory(
        people=people,
        teams=(Team(name="t", members=("a", "b"), rota="r"),),
        rotas=rotas,
        chains=(Chain(name="c", steps=tuple(Step(to=(one,)) for one in selectors)),),
    )


@given(_teams())
@settings(max_examples=60, deadline=None)
def test_in_a_gap_and_only_then_nobody_would_be_asked(directory: Directory) -> None:
    found = gaps(directory, NOON, NOON + DAY_US)
    who = Who(directory)
    steps = directory.chains[0].steps
    asked: dict[tuple[GapOf, str], tuple[str, ...]] = {(GapOf.TEAM, "t"): ("team:t",), (GapOf.ROTA, "s"): ("rota:s",)}
    asked[GapOf.CHAIN, "c"] = tuple(selector for step in steps for selector in step.to)
    for minute in range(0, 24 * 60, 30):
        now_us = NOON + minute * MINUTE_US
        for (of, name), selectors in asked.items():
            in_gap = any((one.of, one.name) == (of, name) and one.start_us <= now_us < one.end_us for one in found)
            assert in_gap is not bool(who.select(selectors, incident(), now_us))


def test_a_warning_says_when_it_begins_and_what_is_missing_in_both_languages() -> None:
    (warning,) = gap_warnings(replace(TOWN, chains=()), NOON, 23 * 3600.0)
    assert warning.gap == Gap(of=GapOf.TEAM, name="west", start_us=NOON + 8 * HOUR_US, end_us=NOON + 20 * HOUR_US)
    assert warning.in_s == 8 * 3600
    assert warning.text_en == "team west: nobody is on duty from 2026-05-11 20:00 to 2026-05-12 08:00 (12 h)"
    assert warning.text_zh == "班组west：2026-05-11 20:00 至 2026-05-12 08:00（12小时）无人值班"
    assert gap_warnings(replace(TOWN, chains=()), NOON, 7 * 3600.0) == []
    (begun,) = gap_warnings(replace(TOWN, chains=()), NOON + 9 * HOUR_US, 3600.0)
    assert begun.in_s == 0


def test_a_hand_over_says_who_comes_and_who_goes() -> None:
    found = handovers(TOWN, NOON, NOON + DAY_US)
    assert [(one.rota, one.time_us, one.came, one.went) for one in found] == [
        ("east", us("2026-05-11 20:00"), ("eve",), ("dan",)),
        ("west", us("2026-05-11 20:00"), (), ("fay",)),
        ("east", us("2026-05-12 08:00"), ("dan",), ("eve",)),
        ("west", us("2026-05-12 08:00"), ("fay",), ()),
    ]


# ── doubts ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def doubted(*routes: Route, **more: Any) -> list[str]:
    chains = (Chain(name="fire", steps=(Step(to=("person:ann",)),)),)
    return doubts(Directory(people=(person("ann", sites=("town",)),), chains=chains, routes=routes, **more), NOON)


def test_life_safety_that_no_route_catches_is_doubted() -> None:
    assert doubted(Route(chain="fire")) == []
    assert doubted(Route(chain="fire", sites=("town",), classes=(AlarmClass.LIFE_SAFETY,))) == []
    (mild,) = doubted(Route(chain="fire", min_severity=Severity.ALARM))
    assert mild.startswith("life-safety incidents of site 'town' of any kind and severity advisory, warning may match")
    others = tuple(kind for kind in Kind if kind not in {Kind.SMOKE, Kind.GAS})
    assert doubted(Route(chain="fire", kinds=others)) == [
        "life-safety incidents of site 'town' of smoke, gas may match no route: then no person is asked"
    ]
    assert len(doubted(Route(chain="fire", rules=("smoke.*",)))) == 1
    assert len(doubted(Route(chain="fire", grids=("1",)))) == 1


def test_what_is_never_used_is_doubted() -> None:
    twice = doubted(Route(chain="fire"), Route(chain="fire", kinds=(Kind.GAS,)))
    assert twice == ["route 2, to chain 'fire': never matches, route 1 goes before it"]
    assert "chain 'fire': no route leads to it" in doubted()
    assert doubts(Directory(), NOON) == []


def test_gaps_of_the_next_fortnight_are_doubted_the_first_twenty_in_words() -> None:
    rotas = tuple(rota(f"r{nth}", "ann") for nth in range(3))
    said = doubted(Route(chain="fire"), rotas=rotas)
    assert said[0] == "rota r0: nobody is on duty from 2026-05-11 20:00 to 2026-05-12 08:00 (12 h)"
    assert said[19:] == [
        "rota r1: nobody is on duty from 2026-05-17 20:00 to 2026-05-18 08:00 (12 h)",
        "22 more gaps in the next 14 days",
    ]
