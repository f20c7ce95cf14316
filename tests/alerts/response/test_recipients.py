"""Systems and displays, exercises, and what is kept back."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from alerts.incident import EventKind, Exercise
from alerts.noise.noise import NoiseLimits
from alerts.noise.post import PostLimits
from alerts.outbox import OutboxLimits
from alerts.people.model import Contact, Person, Step, Window
from alerts.response import Colour, ResponseLimits
from alerts.routing import Recipient
from tests.alerts.response.desk import CHIEF, LIMITS, ONE, TWO, ZHAO, Desk, directory, play
from tests.alerts.scene import T0, S, raised

WALL = Recipient("wall", ("tv",), updates=True)
PROBE = Recipient("probe", ("beat",), exercises=True)


def test_a_drill_goes_the_way_that_it_rehearses_and_is_marked() -> None:
    desk = play(
        Desk(directory(Step(to=("person:zhao",)), Step(to=("person:chief",), after_s=60), limits=(LIMITS,)),
             recipients=(WALL,)),
        """
         0 drill smoke flat-201
         0 > tell wall tv
         0 > ask zhao sms
        50 > remind zhao sms
        60 > ask chief sms
        70 accept zhao
        70 > tell wall tv
        70 > inform chief sms
        """,
    )  # fmt: skip
    assert all(one.drill and "DRILL" in one.title for _, one in desk.sent)


def test_a_synthetic_alarm_goes_only_to_those_who_take_exercises() -> None:
    desk = Desk(replace(ONE, limits=(LIMITS,)), recipients=(WALL, PROBE))
    event = raised()
    synthetic = replace(event, incident=replace(event.incident, exercise=Exercise.SYNTHETIC))
    desk.hear([synthetic])
    desk.advance(1000)
    assert [(one.recipient, one.drill) for _, one in desk.sent] == [("probe", True)]
    alone = Desk(ONE, recipients=(WALL,))
    alone.hear([synthetic])
    assert alone.sent == []


def test_those_who_asked_for_updates_hear_that_nobody_has_it_any_more() -> None:
    desk = play(
        Desk(ONE, recipients=(WALL,)),
        """
         0 raise smoke
         0 > tell wall tv
         0 > ask li app
         1 handed li app
         5 accept li
         5 > tell wall tv
         9 refuse li
         9 > tell wall tv
         9 > ask wang sms
         9 > ask zhao sms
         9 > ask boss app
         9 > ask chief sms
         9 > ask mayor sms
        """,
    )
    assert desk.newest("wall", "tv").kind is EventKind.REFUSED


def test_what_had_cleared_and_is_judged_later_is_told_as_an_update() -> None:
    desk = play(
        Desk(ONE, recipients=(WALL,)),
        """
         0 raise tank tank-1
         0 > tell wall tv
         0 > ask li app
         1 handed li app
         5 end tank tank-1
         5 > tell wall tv
         5 > inform li app
        60 resolve li false_alarm
        60 > tell wall tv
        """,
    )
    assert desk.newest("wall", "tv").kind is EventKind.RESOLVED


def test_messages_have_their_time() -> None:
    desk = Desk(ONE, limits=ResponseLimits(deadline_s=100, life_safety_deadline_s=200))
    desk.do(["raise", "smoke"])
    desk.do(["raise", "tank", "tank-1"])
    assert {(one.incident.rule_id, one.expires_us - T0) for _, one in desk.sent} == {
        ("smoke.alarm", 200 * S),
        ("tank.low", 100 * S),
    }


def test_what_is_silenced_is_asked_about_when_the_silence_ends() -> None:
    play(
        Desk(ONE, recipients=(WALL,)),
        """
          0 silence shuibei 100
          5 raise smoke
          5 | silenced
        100 | released
        100 > tell wall tv
        100 > ask li app
        130 > ask li sms
        """,
    )


def test_a_group_is_asked_about_as_one_and_goes_on_where_its_lead_ends() -> None:
    desk = play(
        Desk(directory(Step(to=("person:zhao",)), Step(to=("person:chief",), after_s=300)), recipients=(WALL,)),
        """
          0 raise smoke flat-201
          0 > tell wall tv
          0 > ask zhao sms
          1 handed zhao sms
          5 raise smoke flat-202
          5 | grouped
          5 | held zhao
          5 > tell wall tv
          7 | digested zhao
          7 > inform zhao sms
         20 accept zhao flat-201
         20 > tell wall tv
         20 > tell wall tv
         30 verify zhao true flat-201
         30 > tell wall tv
         30 > tell wall tv
         90 resolve zhao true flat-201
         90 > tell wall tv
        """,
    )
    member = desk.incident("flat-202")
    assert (member.accepted_by, member.outcome, member.state) == ("zhao", "true", "verified")
    desk.advance(1000)
    assert not [at for at, _ in desk.sent if at > 90]


def test_a_member_that_nobody_answered_is_asked_about_when_its_lead_has_ended() -> None:
    desk = Desk(directory(Step(to=("person:zhao",))), noise_limits=NoiseLimits(release_after_s=10))
    play(
        desk,
        """
          0 raise smoke flat-201
          0 > ask zhao sms
          1 handed zhao sms
          5 raise smoke flat-202
          7 > inform zhao sms
          9 resolve zhao true flat-201
          9 | released
          9 > ask zhao sms
        """,
    )


def test_who_gives_back_the_lead_gives_back_its_group() -> None:
    desk = Desk(TWO)
    for words in (["raise", "smoke", "flat-201"], ["raise", "smoke", "flat-202"], ["accept", "li", "flat-201"]):
        desk.do(words)
    assert desk.incident("flat-202").accepted_by == "li"
    desk.do(["refuse", "li", "flat-201"])
    assert desk.incident("flat-202").accepted_by == ""


def test_what_joins_a_group_that_is_accepted_is_accepted() -> None:
    desk = Desk(TWO)
    for words in (["raise", "smoke", "flat-201"], ["accept", "li", "flat-201"], ["raise", "smoke", "flat-202"]):
        desk.do(words)
    assert desk.incident("flat-202").accepted_by == "li"


def test_quiet_hours_hold_an_ask_and_the_chain_goes_on() -> None:
    owl = Person(name="li", contacts=(Contact("app"), Contact("sms")), quiet=Window(0, 1439))
    desk = Desk(
        directory(Step(to=("person:li",)), Step(to=("person:zhao",), after_s=60), people=(owl, ZHAO, CHIEF)),
        recipients=(WALL,),
    )
    play(
        desk,
        """
          0 raise tank tank-1
          0 | held li
          0 > tell wall tv
         60 > ask zhao sms
         70 accept zhao
         70 > tell wall tv
        """,
    )
    assert len(desk.post) == 0  # what is answered is told to nobody


def test_a_digest_carries_the_asks_that_it_covers() -> None:
    desk = Desk(
        directory(Step(to=("person:li",))),
        post_limits=PostLimits(burst=1, burst_s=10, life_safety_digest_s=5),
    )
    play(
        desk,
        """
          0 raise smoke flat-201
          0 > ask li app
          0 raise smoke farther
          0 raise smoke far
          0 | held li
          0 | held li
          5 | digested li
          5 | digested li
          5 > ask li app
         10 handed+ li app
         30 > ask li sms
         35 | held li
         35 | held li
         40 | digested li
         40 | digested li
         40 > ask li sms
        """,
    )
    digest = desk.newest("li", "app")
    assert digest.others_count == 1
    covered = [ask for one in desk.incidents.open() for ask in desk.response.asks(one.id) if digest.id in ask.messages]
    assert len(covered) == 2
    answered = desk.response.ask_of(digest.id)
    assert answered is not None
    assert (answered.incident, answered.code) == (digest.incident.id, digest.code)


def test_what_the_outbox_does_not_take_leaves_nothing_behind() -> None:
    desk = Desk(replace(ONE, limits=(LIMITS,)))
    desk.outbox._limits = OutboxLimits(queued=0)  # as a storm leaves it
    desk.do(["raise", "tank", "tank-1"])
    desk.advance(100)
    desk.do(["accept", "li"])
    assert desk.sent == []
    assert desk.response._sender.told == ()


def test_what_nobody_was_told_of_is_no_update_either() -> None:
    desk = play(
        Desk(ONE, recipients=(WALL,)),
        """
          0 silence shuibei 9999
          5 raise tank tank-1
          9 end tank tank-1
          5 | silenced
         15 restart
         20 resolve li false_alarm
        """,
    )
    assert desk.sent == []


def test_a_silence_does_not_end_what_is_being_asked_about() -> None:
    play(
        Desk(directory(Step(to=("person:zhao",)), chain_repeat_s=500), recipients=(WALL,)),
        """
          0 raise smoke
          0 > tell wall tv
          0 > ask zhao sms
          5 end smoke
         10 silence shuibei 9999
        500 > ask zhao sms
        700 raise smoke
        700 | silenced
       1000 > ask zhao sms
       1010 accept chief
       1010 > inform zhao sms
       1010 > tell wall tv
        """,
    )


def test_what_is_kept_back_is_not_watched() -> None:
    desk = play(
        Desk(replace(ONE, limits=(LIMITS,))),
        """
          0 raise smoke
          0 > ask li app
          5 handed li app
          9 accept li
         10 end smoke
        109 > remind li app
        110 silence shuibei 9999
        169 > remind li app
        209 > remind li app
        700 raise smoke
        700 | silenced
        900 silence elsewhere 9999
        """,
    )
    assert desk.response.colour(desk.incident().id) is Colour.NONE


def test_news_that_a_digest_lost_comes_by_the_next_contact() -> None:
    play(
        Desk(ONE),
        """
          0 raise smoke flat-201
          0 > ask li app
          1 handed li app
          5 raise smoke flat-202
          7 > inform li app
          9 failed li app
          9 > inform li sms
        """,
    )


@pytest.mark.parametrize("seconds", [7200.0, -7200.0])
def test_groups_and_digests_keep_their_times_when_the_clock_is_set(seconds: float) -> None:
    desk = Desk(ONE, recipients=(WALL,), post_limits=PostLimits(burst=1, digest_s=30))
    script = """
          0 raise smoke flat-201
          0 > tell wall tv
          0 > ask li app
          0 raise tank tank-1
          0 > tell wall tv
          0 > ask li app
          1 raise silent far
          1 > tell wall tv
          1 | held li
         10 clock {0}
         20 raise smoke flat-202
         20 | grouped
         20 | held li
         20 > tell wall tv
         22 > inform li app
         30 > ask li sms
         30 | held li
         31 > ask li app
    """
    play(desk, script.format(seconds))
