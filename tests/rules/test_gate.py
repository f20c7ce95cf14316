"""The gate: schedules by the clock on the wall, maintenance windows, and what becomes of what they withhold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.gate import is_in
from rules.ruleset import Period, RuleSet, Schedule, Window
from tests.rules.town import BASE, FIRE, GAS, LATCHED, SECOND, SOS, Town, around, together

if TYPE_CHECKING:
    from rules.model import Rule

EVERY_DAY = tuple(range(7))
NIGHTS = Schedule("nights", (Period((0, 1, 2, 3, 4), 20 * 60, 7 * 60), Period((5, 6))))
"""Monday to Friday from 20 to 7, the weekend all day."""
MINUTES = Schedule("minutes", (Period(EVERY_DAY, 8 * 60 + 1, 8 * 60 + 3),))
"""The second and third minute after the epoch, in China."""


def by(schedule: str, rule: Rule, **others: object) -> Rule:
    return msgspec.structs.replace(rule, schedule=schedule, **others)


def town(*rules: Rule, windows: tuple[Window, ...] = (), zone: str = "Asia/Shanghai") -> Town:
    ids = {rule.id for rule in rules}
    made = RuleSet.of([*(rule for rule in BASE if rule.id not in ids), *rules])
    gated = msgspec.structs.replace(made, schedules=(NIGHTS, MINUTES), windows=windows, timezone=zone)
    found = Town(rule_set=gated)
    found.only_relations = False
    return found


def window(from_s: float, to_s: float, **others: str | tuple[str, ...]) -> Window:
    given = {"site": "site", "by": "Wang", "reason": "risers", **others}
    return Window(from_us=round(from_s * SECOND), to_us=round(to_s * SECOND), **given)  # type: ignore[arg-type]


def check(found: Town, line: str) -> None:
    expected, said = found.play(line)
    assert said == expected


# ── schedules ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("local", "inside"),
    [
        ("2026-03-02 19:59", False),  # a Monday
        ("2026-03-02 20:00", True),
        ("2026-03-02 23:59", True),
        ("2026-03-03 00:00", True),
        ("2026-03-03 06:59", True),
        ("2026-03-03 07:00", False),
        ("2026-03-02 06:59", False),  # the night before was a Sunday's, which ends at midnight
        ("2026-03-06 21:00", True),  # Friday's night ends on Saturday, which is in all day
        ("2026-03-07 07:00", True),
        ("2026-03-07 12:00", True),
        ("2026-03-08 23:59", True),
        ("2026-03-09 00:00", False),
    ],
)
def test_a_period_may_go_over_midnight_and_belongs_to_the_day_on_which_it_begins(local: str, inside: bool) -> None:
    assert is_in(NIGHTS, datetime.fromisoformat(local)) is inside


def test_a_period_that_ends_where_it_begins_lasts_a_day() -> None:
    whole = Schedule("whole", (Period((0,), 480, 480),))
    assert [is_in(whole, datetime(2026, 3, day, hour)) for day, hour in ((2, 7), (2, 8), (3, 7), (3, 8))] == [  # noqa: DTZ001  # the clock on the wall
        False,
        True,
        True,
        False,
    ]


@given(
    st.lists(st.tuples(st.sets(st.integers(0, 6)), st.integers(0, 1439), st.integers(1, 1440)), min_size=1, max_size=3),
    st.integers(0, 7 * 1440 - 1),
)
def test_a_schedule_is_its_minutes_of_the_week(given_periods: list[tuple[set[int], int, int]], at: int) -> None:
    schedule = Schedule("any", tuple(Period(tuple(sorted(days)), start, end) for days, start, end in given_periods))
    minutes = {
        (day * 1440 + minute) % (7 * 1440)
        for days, start, end in given_periods
        for day in days
        for minute in range(start, end if end > start else end + 1440)
    }
    assert is_in(schedule, datetime(2026, 3, 2) + timedelta(minutes=at)) is (at in minutes)  # noqa: DTZ001  # the clock on the wall


@pytest.mark.parametrize(
    "line",
    [
        # From 60 s to 180 s it is open.
        "30 s gas a; 60 s; 61 s → 60 s gas a since 30 s",
        "30 s gas a; 59.999999 s → nothing",
        "60 s gas a → 60 s gas a",
        "179 s gas a; 200 s off gas a → 179 s gas a; 200 s off gas a",
        "180 s gas a → nothing",
        # What was withheld and ceases says nothing, and may begin again.
        "30 s gas a; 50 s off gas a; 60 s → nothing",
        "30 s gas a; 60 s off gas a; 61 s → nothing",
        "30 s gas a; 50 s off gas a; 55 s gas a; 60 s → 60 s gas a since 55 s",
        # What is said again stays withheld; as it opens it begins, and is not said as a repetition.
        "30 s gas a; 40 s again gas a; 70 s → 70 s gas a since 30 s",
        "30 s gas a; 70 s again gas a → 70 s gas a since 30 s",
        # What was said before it shut may be said again, and is not raised anew as it opens the next day.
        "170 s gas a; 190 s again gas a → 170 s gas a; 190 s again gas a",
        "170 s gas a; 190 s; 86460 s; 86470 s off gas a → 170 s gas a; 86470 s off gas a",
        # A late one is late.
        "30 s late gas a @ 20 s; 60 s → 60 s late gas a since 20 s",
        # An event is over when it opens; the next one begins.
        "30 s sos a; 60 s; 61 s → nothing",
        "30 s sos a; 61 s again sos a; 70 s again sos a → 61 s sos a since 30 s; 70 s again sos a",
        "61 s sos a; 200 s again sos a; 86461 s again sos a → 61 s sos a; 86461 s again sos a",
        # A latched alarm holds until a person ends it.
        "30 s latched a; 60 s → 60 s latched a since 30 s",
        # In the order of devices, whatever came first.
        "30 s gas b, gas a; 60 s → 60 s gas a since 30 s; 60 s gas b since 30 s",
        # A restart, and our own clock set back.
        "30 s gas a; restart; 60 s → 60 s gas a since 30 s",
        "61 s gas a; back to 30 s; 31 s gas b; 60 s → 61 s gas a; 60 s gas b since 31 s",
        # The device is retired, or its rule no longer watches it.
        "30 s gas a; 40 s a is retired; 60 s → nothing",
        "30 s gas a; 40 s a is maintenance; 60 s → nothing",
        "30 s gas a; 40 s a to unit 9; 60 s → 60 s gas a since 30 s",
    ],
)
def test_outside_of_its_periods_a_rule_raises_nothing(line: str) -> None:
    check(town(by("minutes", GAS), by("minutes", SOS), by("minutes", LATCHED)), line)


def test_a_danger_to_life_keeps_no_hours_unless_somebody_signs_for_it() -> None:
    check(town(by("minutes", FIRE)), "30 s fire a → 30 s fire a")
    check(town(by("minutes", FIRE, signed_by="chief")), "30 s fire a; 60 s → 60 s fire a since 30 s")


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Shanghai"])
def test_summer_time_shifts_a_schedule_with_the_clock_on_the_wall(zone: str) -> None:
    early = Schedule("early", (Period(EVERY_DAY, 120, 150), Period(EVERY_DAY, 179, 181)))
    found = town(by("early", GAS), zone=zone)
    rules = msgspec.structs.replace(found.rules, schedules=(early,))
    for start in (datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 10, 24, 12, tzinfo=UTC)):
        found = Town(rule_set=rules)
        found.only_relations = False
        inside = 0
        for minute in range(24 * 60):
            at = start + timedelta(minutes=minute)
            seconds = at.timestamp()
            is_open = bool(found.step(f"{seconds} s gas a"))
            found.step(f"{seconds} s off gas a")
            assert is_open is is_in(early, at.astimezone(ZoneInfo(zone))), at
            inside += is_open
        shifts = {at.astimezone(ZoneInfo(zone)).utcoffset() for at in (start, start + timedelta(days=1))}
        assert inside == 32 or len(shifts) == 2


# ── windows ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("line", "over"),
    [
        ("10 s gas a; 19.999999 s → nothing", {}),
        ("10 s gas a; 20 s → 20 s gas a since 10 s", {}),
        ("9 s gas a; 15 s off gas a → 9 s gas a; 15 s off gas a", {}),
        ("10 s gas a; 15 s off gas a; 20 s → nothing", {}),
        ("15 s fire a → 15 s fire a", {}),
        ("15 s fire a; 20 s → 20 s fire a since 15 s", {"signed_by": "chief"}),
        ("15 s gas a, gas f; 20 s → 15 s gas f; 20 s gas a since 15 s", {"building": "1"}),
        ("15 s gas a, gas b; 20 s → 15 s gas b; 20 s gas a since 15 s", {"device": "a"}),
        ("15 s gas a, gas g; 20 s → 15 s gas a; 20 s gas g since 15 s", {"grid": "h"}),
        ("15 s gas a, dead a; 20 s → 15 s gas a; 20 s dead a since 15 s", {"rules": ("x.dead",)}),
        ("15 s gas a → 15 s gas a", {"site": "elsewhere"}),
        # A device carried out of the window's place takes with it what is withheld, and into it, keeps what was said.
        ("15 s gas a; 16 s a to building 2 → 16 s gas a since 15 s", {"building": "1"}),
        ("15 s gas f; 16 s f to building 1; 17 s off gas f → 15 s gas f; 17 s off gas f", {"building": "1"}),
        ("15 s gas a; restart; 20 s → 20 s gas a since 15 s", {}),
    ],
)
def test_in_a_maintenance_window_nothing_is_raised_and_it_ends_by_itself(line: str, over: dict[str, str]) -> None:
    check(town(windows=(window(10, 20, **over),)), line)


def test_of_two_windows_the_later_end_counts() -> None:
    check(town(windows=(window(10, 20), window(15, 30))), "12 s gas a; 20 s; 30 s → 30 s gas a since 12 s")


# ── relations ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_withheld_has_no_part_in_a_relation_until_it_is_raised() -> None:
    both = around("both", "gas", within_s=0.0)
    check(
        town(both, windows=(window(10, 20, device="a"),)),
        "12 s gas a, gas b; 20 s → 12 s gas b; 20 s gas a since 12 s; 20 s both b [2 of 3] (a b)",
    )


def test_what_opens_at_one_moment_is_judged_at_once() -> None:
    alone = together("alone", all_of=["gas"], none_of=["dead"])
    check(
        town(alone, windows=(window(10, 20),)),
        "12 s gas a, dead a; 20 s → 20 s dead a since 12 s; 20 s gas a since 12 s",
    )


def test_a_relation_passes_the_gate_by_its_anchor() -> None:
    both = around("both", "fire", within_s=0.0)
    found = town(both, windows=(window(10, 20, device="a"),))
    check(found, "12 s fire a, fire b; 20 s → 12 s fire a; 12 s fire b; 20 s both a [2 of 3] (a b) since 12 s")


def test_of_what_opens_at_one_moment_relations_are_said_last() -> None:
    found = town(around("both", "fire"), windows=(window(10, 20),))
    check(
        found,
        "12 s fire a, fire b, gas c; 20 s → "
        "12 s fire a; 12 s fire b; 20 s gas c since 12 s; 20 s both a [2 of 3] (a b) since 12 s",
    )


def test_what_joins_a_relation_that_is_withheld_is_there_when_it_is_raised() -> None:
    both = around("both", "fire", within_s=0.0)
    found = town(both, windows=(window(10, 20, rules=("x.both",)),))
    found.only_relations = True
    check(found, "12 s fire a, fire b; 13 s fire c; 20 s → 20 s both a [3 of 3] (a b c) since 12 s")
    assert (
        town(both, windows=(window(10, 20),)).play("12 s fire a, fire b; 13 s off fire a; 20 s → ")[1].count("both")
        == 0
    )


# ── a reload ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_rule_that_decides_otherwise_now_drops_what_is_withheld_and_says_so() -> None:
    found = town(windows=(window(10, 20),))
    found.step("12 s gas a")
    other = msgspec.structs.replace(GAS, terms=msgspec.structs.replace(GAS.terms, limit=12.0))
    assert found.restart(msgspec.structs.replace(RuleSet.of([other]), windows=found.rules.windows)) == ["x.gas"]
    assert found.step("20 s") == []


def test_a_window_that_is_no_longer_there_lets_out_what_it_withheld_under_the_rule_as_it_is_now() -> None:
    found = town(windows=(window(10, 1000),))
    found.step("12 s gas a")
    renamed = msgspec.structs.replace(GAS, name_en="Gas!")
    assert found.restart(RuleSet.of([renamed])) == []
    (said,) = found.step("13 s")
    assert (said.rule, said.device_row, said.since_us) == (renamed, 0, 12 * SECOND)
