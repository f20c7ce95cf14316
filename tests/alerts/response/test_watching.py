"""The supervision of every step's time."""

from __future__ import annotations

import pytest

from alerts.incident import IncidentState
from alerts.people.model import Level, Step, StepLimits
from alerts.response import Colour, ResponseLimits, Stage
from alerts.response.supervision import Watch, awaited
from rules.model import AlarmClass
from tests.alerts.response.desk import LEVELS, LIMITS, Desk, directory, play

STEP = Step(to=("person:zhao",))
WATCHED = directory(STEP, levels=LEVELS, limits=(LIMITS,), chain_repeat_s=None)


def test_blue_yellow_red_and_up_to_the_top() -> None:
    desk = Desk(WATCHED, limits=ResponseLimits(repeat_s=10_000))
    play(
        desk,
        """
          0 raise smoke
          0 > tell cad hook
          0 > ask zhao sms
          1 handed zhao sms
         50 | reminded
         50 > remind zhao sms
         80 | warned
         80 > remind zhao sms
         80 > remind boss app
        100 | overdue
        100 > remind zhao sms
        100 > remind boss app
        100 | whistled
        100 > whistle chief sms
        200 | whistled
        200 > whistle mayor sms
        200 > whistle cad hook
        300 restart
        999 restart
        """,
    )
    assert desk.response.colour(desk.incident().id) is Colour.RED
    whistle = desk.newest("mayor", "sms")
    assert (whistle.wants_answer, len(whistle.code)) == (True, 4)
    assert "The 1 min 40 s to accept it are over." in whistle.body_en
    assert desk.response.ask_of(whistle.id) is not None
    assert desk.newest("zhao", "sms").title_en.startswith("Overdue: ")


def test_each_step_has_its_own_time_and_what_is_answered_is_in_time() -> None:
    desk = Desk(WATCHED)
    play(
        desk,
        """
          0 raise smoke
          0 > ask zhao sms
         50 > remind zhao sms
         60 accept zhao
        160 | reminded
         50 | reminded
        160 > remind zhao sms
        170 dispatch zhao
        200 verify zhao true
        700 > remind zhao sms
        700 | reminded
        """,
    )
    assert desk.response.colour(desk.incident().id) is Colour.BLUE
    assert [(at, one.kind) for at, one in desk.responses() if one.detail == Stage.RESOLVE] == [(700, "reminded")]
    desk.do(["resolve", "zhao", "true"])
    assert desk.response.colour(desk.incident().id) is Colour.NONE


def test_what_several_are_asked_about_is_reminded_to_all_but_who_refused() -> None:
    play(
        Desk(directory(Step(to=("person:zhao", "person:chief", "person:mayor")), limits=(LIMITS,))),
        """
          0 raise smoke
          0 > ask zhao sms
          0 > ask chief sms
          0 > ask mayor sms
          5 refuse chief
         50 > remind zhao sms
         50 > remind mayor sms
        """,
    )


def test_a_level_where_nobody_is_passes_the_whistle_on() -> None:
    levels = (LEVELS[0], Level(name="station", to=("team:empty",)), LEVELS[2])
    play(
        Desk(directory(STEP, levels=levels, limits=(LIMITS,))),
        """
          0 raise smoke
          0 > tell cad hook
          0 > ask zhao sms
         50 > remind zhao sms
         80 > remind zhao sms
         80 > remind boss app
        100 > remind zhao sms
        100 > remind boss app
        100 > whistle mayor sms
        100 > whistle cad hook
        100 | whistled
        100 | whistled
        299 silence elsewhere 9999
        """,
    )


def test_one_level_is_whistled_to_and_none_is_not() -> None:
    desk = Desk(directory(STEP, levels=LEVELS[:1], limits=(LIMITS,)))
    desk.do(["raise", "smoke"])
    desk.advance(290)
    assert [(at, one.recipient) for at, one in desk.sent if one.purpose == "whistle"] == [(100, "boss")]
    none = Desk(directory(STEP, limits=(LIMITS,)))
    none.do(["raise", "smoke"])
    none.advance(290)
    assert [at for at, _ in none.responses("overdue", "whistled")] == [100]


def test_whistles_come_as_often_as_the_settings_say() -> None:
    desk = Desk(WATCHED, limits=ResponseLimits(whistle_every_s=20))
    desk.do(["raise", "smoke"])
    desk.advance(290)
    whistles = [(at, one.recipient) for at, one in desk.sent if one.purpose == "whistle"]
    assert sorted(whistles) == [(100, "chief"), (120, "cad"), (120, "mayor")]


def test_after_an_outage_only_the_last_colour_is_said() -> None:
    desk = Desk(WATCHED)
    desk.do(["raise", "smoke"])
    desk.now = 130
    desk.tick()
    assert [one.kind for _, one in desk.responses() if one.detail] == ["asked", "overdue", "whistled"]


def test_a_reminder_of_what_was_accepted_since_is_taken_back() -> None:
    desk = Desk(WATCHED)
    desk.do(["raise", "smoke"])
    desk.advance(55)
    reminder = desk.newest("zhao", "sms")
    assert reminder.purpose == "remind"
    desk.do(["accept", "zhao"])
    assert reminder.id in desk.withdrawn


def test_a_whistle_that_has_not_left_is_taken_back_with_the_answer() -> None:
    desk = Desk(WATCHED)
    desk.do(["raise", "smoke"])
    desk.advance(105)
    whistle = desk.newest("chief", "sms")
    assert whistle.purpose == "whistle"
    desk.do(["accept", "zhao"])
    assert whistle.id in desk.withdrawn
    assert {one.purpose for one in desk.response._sender.told} == {"inform"}


def test_who_accepted_and_was_never_asked_is_reminded() -> None:
    desk = Desk(WATCHED)
    play(
        desk,
        """
          0 raise smoke
          0 > ask zhao sms
          5 accept chief
          5 > inform zhao sms
        105 > remind chief sms
        """,
    )


@pytest.mark.parametrize(
    ("state", "limits", "stage"),
    [
        (IncidentState.RAISED, LIMITS, (Stage.ACCEPT, 100)),
        (IncidentState.ACCEPTED, LIMITS, (Stage.DISPATCH, 200)),
        (IncidentState.DISPATCHED, LIMITS, (Stage.RESOLVE, 1000)),
        (IncidentState.VERIFIED, LIMITS, (Stage.RESOLVE, 1000)),
        (IncidentState.VERIFIED, StepLimits(accept_s=1, verify_s=1), None),
        (IncidentState.RAISED, StepLimits(classes=(AlarmClass.TROUBLE,)), None),
        (IncidentState.RAISED, None, None),
        (IncidentState.CLEARED, LIMITS, None),
    ],
)
def test_the_next_step_that_has_a_limit_is_waited_for(
    state: IncidentState, limits: StepLimits | None, stage: tuple[Stage, float] | None
) -> None:
    assert awaited(state, limits) == stage


def test_a_watch_is_never_early() -> None:
    watch = Watch(stage=Stage.ACCEPT, since_us=10, limit_us=7, every_us=7, levels=2)
    assert watch.due_us == 14  # half of 7 µs is 3.5
    assert [watch.colour_at(us) for us in (13, 14, 15, 16, 17)] == ["none", "blue", "blue", "yellow", "red"]
