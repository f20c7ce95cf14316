"""Rotas by the clock: patterns, overrides, holidays, and what clocks and calendars do to them."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.people.local_time import DAY_US, MINUTE_US, LocalTime, weekday_of
from alerts.people.model import DutyOverride, Rota, Shift
from alerts.people.rota import Roster, on_duty
from tests.alerts.people.naive import naive_on_duty

DAILY = tuple(range(7))
BERLIN, SHENZHEN = "Europe/Berlin", "Asia/Shanghai"

# The weeks around which clocks and calendars do something, and one in which they do not.
MOMENTS = (
    (BERLIN, "2025-03-30"),  # 02:00 → 03:00
    (BERLIN, "2025-10-26"),  # 03:00 → 02:00
    ("America/Santiago", "2025-09-07"),  # 24:00 → 01:00: the day begins at 01:00
    ("America/Havana", "2025-11-02"),  # 01:00 → 00:00: midnight comes twice
    ("Australia/Lord_Howe", "2025-10-05"),  # by half an hour
    ("Pacific/Apia", "2011-12-30"),  # a day that the calendar left out
    (SHENZHEN, "2024-02-29"),
    (SHENZHEN, "2026-01-01"),
    ("Asia/Kathmandu", "2025-06-11"),
)


def us(text: str, zone: str = SHENZHEN) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1e6)


def shift(*people: str, start: int, end: int, days: tuple[int, ...] = DAILY, weeks: tuple[int, ...] = ()) -> Shift:
    return Shift(people=people, days=days, start_min=start * 60, end_min=end * 60, weeks=weeks)


def rota(*shifts: Shift, zone: str = SHENZHEN, **more: object) -> Rota:
    return Rota(name="r", timezone=zone, shifts=shifts, **more)  # type: ignore[arg-type]  # the rest by name


DAY_AND_NIGHT = (shift("day", start=8, end=20), shift("night", start=20, end=8))


# ── against the oracle ───────────────────────────────────────────────────────────────────────────────────────────────

_MINUTES = st.integers(0, 1439) | st.sampled_from([0, 60, 90, 120, 150, 180, 1380, 1439])
_SHIFTS = st.builds(
    Shift,
    people=st.lists(st.sampled_from("abcd"), min_size=1, max_size=2).map(tuple),
    days=st.sets(st.integers(0, 6), min_size=1).map(lambda days: tuple(sorted(days))) | st.just(DAILY),
    start_min=_MINUTES,
    end_min=_MINUTES | st.just(1440),
    weeks=st.sampled_from([(), (), (0,), (1,), (0, 2)]),
)


@st.composite
def _cases(draw: st.DrawFn) -> tuple[Rota, int]:
    zone, around = draw(st.sampled_from(MOMENTS))
    day = date.fromisoformat(around)
    noon = datetime.combine(day, datetime.min.time(), ZoneInfo(zone)) + timedelta(hours=12)
    noon_us = round(noon.timestamp() * 1_000_000)
    start_us = noon_us - draw(st.integers(12, 40)) * 60 * MINUTE_US
    overrides = draw(
        st.lists(st.tuples(st.integers(-60, 60), st.integers(1, 50), st.sampled_from(["", "a", "xy"])), max_size=2)
    )
    return (
        Rota(
            name="r",
            timezone=zone,
            shifts=tuple(draw(st.lists(_SHIFTS, max_size=4))),
            overrides=tuple(
                DutyOverride(
                    start_us=noon_us + hour * 30 * MINUTE_US,
                    end_us=noon_us + (hour + hours) * 30 * MINUTE_US,
                    people=tuple(people),
                )
                for hour, hours, people in overrides
            ),
            holidays=tuple((day + timedelta(days=ago)).isoformat() for ago in draw(st.sets(st.integers(-1, 1)))),
            holiday_shifts=tuple(draw(st.lists(_SHIFTS, max_size=2))),
            cycle_weeks=3,
            cycle_start=(day - timedelta(days=draw(st.integers(-9, 30)))).isoformat(),
        ),
        start_us,
    )


@given(_cases())
@settings(max_examples=60, deadline=None)
def test_whoever_the_minute_by_minute_oracle_has_on_duty_is_on_duty(case: tuple[Rota, int]) -> None:
    rota, start_us = case
    expected = naive_on_duty(rota, start_us, 48 * 60)
    roster = Roster(rota)
    assert [roster.on_duty(start_us + minute * MINUTE_US) for minute in range(48 * 60)] == expected
    stretches = roster.stretches(start_us, start_us + 2 * DAY_US)
    assert [one.people for one in stretches for _ in range((one.end_us - one.start_us) // MINUTE_US)] == expected


@given(st.sampled_from(MOMENTS), st.sets(_MINUTES, min_size=1, max_size=6))
@settings(max_examples=60, deadline=None)
def test_shifts_that_join_on_paper_leave_nobody_out_and_nobody_on_duty_twice(
    moment: tuple[str, str], edges: set[int]
) -> None:
    zone, around = moment
    cuts = sorted(edges)
    shifts = [
        Shift(people=(str(nth),), days=DAILY, start_min=one, end_min=(cuts + cuts)[nth + 1])
        for nth, one in enumerate(cuts)
    ]
    middle_us = us(around, zone)
    for stretch in Roster(rota(*shifts, zone=zone)).stretches(middle_us - 2 * DAY_US, middle_us + 2 * DAY_US):
        assert len(stretch.people) == 1


# ── by example ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_shift_over_midnight_belongs_to_the_day_on_which_it_begins() -> None:
    weekdays = rota(shift("night", start=20, end=8, days=(0, 1, 2, 3, 4)))
    assert on_duty(weekdays, us("2026-05-09 07:59")) == ("night",)  # Saturday morning, since Friday
    assert on_duty(weekdays, us("2026-05-09 08:00")) == ()
    assert on_duty(weekdays, us("2026-05-11 07:59")) == ()  # Monday morning, since Sunday: nobody


@pytest.mark.parametrize(("day", "hours"), [("2025-03-29", 11), ("2025-10-25", 13), ("2025-06-01", 12)])
def test_the_night_of_a_clock_change_is_an_hour_shorter_or_longer(day: str, hours: int) -> None:
    roster = Roster(rota(*DAY_AND_NIGHT, zone=BERLIN))
    night = next(
        one
        for one in roster.stretches(us(f"{day} 12:00", BERLIN), us(f"{day} 12:00", BERLIN) + DAY_US)
        if one.people == ("night",)
    )
    assert night.end_us - night.start_us == hours * 3600 * 1_000_000
    assert roster.clock.shown(night.end_us).strftime("%H:%M") == "08:00"


def test_an_hour_that_is_shown_twice_is_worked_once() -> None:
    early, late = shift("early", start=0, end=2), shift("late", start=2, end=3)
    found = Roster(rota(early, late, zone=BERLIN)).stretches(
        us("2025-10-26 00:00", BERLIN), us("2025-10-26 05:00", BERLIN)
    )
    assert [(one.people, (one.end_us - one.start_us) // 60 // 1_000_000) for one in found] == [
        (("early",), 120),
        (("late",), 120),  # 02:00 to 03:00, an hour of which comes twice
        ((), 120),
    ]


def test_a_shift_of_the_hour_that_is_skipped_does_not_take_place() -> None:
    skipped, rest = shift("skipped", start=2, end=3), shift("rest", start=3, end=2)
    found = Roster(rota(skipped, rest, zone=BERLIN)).stretches(
        us("2025-03-30 00:00", BERLIN), us("2025-03-30 06:00", BERLIN)
    )
    assert [one.people for one in found] == [("rest",)]


def test_weeks_take_turns_over_the_year_s_end_and_before_the_first() -> None:
    turns = rota(
        shift("odd", start=0, end=24, weeks=(0,)),
        shift("even", start=0, end=24, weeks=(1,)),
        cycle_weeks=2,
        cycle_start="2025-12-24",  # a Wednesday: its week is the first
    )
    days = {"2025-12-22": "odd", "2025-12-28": "odd", "2025-12-29": "even", "2026-01-04": "even", "2026-01-05": "odd"}
    assert {day: on_duty(turns, us(f"{day} 12:00"))[0] for day in days} == days
    assert on_duty(turns, us("2025-12-21 12:00")) == ("even",)
    assert on_duty(turns, us("2020-03-01 12:00")) == on_duty(turns, us("2020-03-01 12:00") + 14 * 24 * DAY_US)


def test_on_a_holiday_its_shifts_stand_for_the_others_and_the_night_before_ends_as_it_began() -> None:
    feast = rota(*DAY_AND_NIGHT, holidays=("2026-02-17",), holiday_shifts=(shift("guard", start=10, end=10),))
    at = {"07:00": ("night",), "09:00": (), "12:00": ("guard",), "23:00": ("guard",)}
    assert {time: on_duty(feast, us(f"2026-02-17 {time}")) for time in at} == at
    assert on_duty(feast, us("2026-02-18 09:00")) == ("guard", "day")


def test_the_29th_of_february_is_a_day_like_any_other() -> None:
    leap = rota(*DAY_AND_NIGHT, holidays=("2028-02-29",), holiday_shifts=(shift("leap", start=0, end=24),))
    assert on_duty(leap, us("2028-02-28 12:00")) == ("day",)
    assert on_duty(leap, us("2028-02-29 12:00")) == ("leap",)
    assert on_duty(leap, us("2028-03-01 12:00")) == ("day",)


def test_people_of_shifts_that_overlap_are_in_the_order_of_the_shifts() -> None:
    overlapping = rota(shift("first", start=7, end=15), shift("second", start=20, end=8))
    assert on_duty(overlapping, us("2026-05-09 07:30")) == ("first", "second")


def test_an_override_stands_for_the_whole_rota_and_the_later_written_of_two_counts() -> None:
    start, end = us("2026-05-09 12:00"), us("2026-05-09 18:00")
    swapped = rota(
        *DAY_AND_NIGHT,
        overrides=(
            DutyOverride(start_us=start, end_us=end, people=("x",)),
            DutyOverride(start_us=start, end_us=start + 60 * MINUTE_US, people=()),
        ),
    )
    assert on_duty(swapped, start - 1) == ("day",)
    assert on_duty(swapped, start) == ()
    assert on_duty(swapped, start + 60 * MINUTE_US) == ("x",)
    assert on_duty(swapped, end) == ("day",)


def test_the_next_hand_over_is_when_other_people_come_however_far_that_is() -> None:
    roster = Roster(rota(*DAY_AND_NIGHT))
    assert roster.next_handover_us(us("2026-05-09 12:00")) == us("2026-05-09 20:00")
    assert Roster(rota(shift("all", start=8, end=8))).next_handover_us(us("2026-05-09 12:00")) is None
    yearly = rota(shift("all", start=8, end=8), holidays=("2027-01-01",), holiday_shifts=())
    assert Roster(yearly).next_handover_us(us("2026-05-09 12:00")) == us("2027-01-01 08:00")


def test_until_when_each_person_is_on_duty_is_known_up_to_a_week_ahead() -> None:
    roster = Roster(
        rota(shift("short", "both", start=8, end=12), shift("both", start=12, end=20), shift("ever", start=8, end=8))
    )
    assert roster.untils(us("2026-05-09 09:00")) == {
        "short": us("2026-05-09 12:00"),
        "both": us("2026-05-09 20:00"),
        "ever": None,
    }


@pytest.mark.parametrize(("zone", "around"), MOMENTS)
def test_times_of_a_day_come_in_the_order_in_which_they_are_written(zone: str, around: str) -> None:
    clock = LocalTime(zone)
    day = date.fromisoformat(around).toordinal()
    moments = [clock.moment_us(day, minute) for minute in range(-1440, 2880)]
    assert moments == sorted(moments)
    for minute, moment in zip(range(-1440, 2880), moments, strict=True):
        wall = datetime.combine(date.fromordinal(day), datetime.min.time()) + timedelta(minutes=minute)
        assert clock.shown(moment).replace(tzinfo=None) >= wall
        assert clock.shown(moment - 1).replace(tzinfo=None) < wall or clock.shown(moment - 1).fold


@given(st.dates(date(1990, 1, 1), date(2060, 1, 1)))
def test_days_of_the_week_are_the_calendar_s(day: date) -> None:
    assert weekday_of(day.toordinal()) == day.weekday()
