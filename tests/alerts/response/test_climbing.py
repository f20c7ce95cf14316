"""The chain: steps, rounds, who is asked where nobody is."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from alerts.counters import Fallback, ResponseBound
from alerts.people.model import Directory, Route, Step
from alerts.response import ResponseLimits
from alerts.response_event import ResponseKind
from alerts.routing import Recipient
from tests.alerts.response.desk import GHOST, LI, LIMITS, ONE, PEOPLE, TWO, WANG, ZHAO, Desk, directory, play


def test_the_next_step_is_taken_when_nobody_has_answered() -> None:
    play(
        Desk(TWO),
        """
          0 raise smoke
          0 > ask li app
          0 | asked li
          1 handed li app
         61 > ask li sms
         62 handed li sms
        120 > ask wang sms
        120 | asked wang
        120 | escalated
        122 > ask li voice
        123 handed wang sms
        140 handed li voice
        183 > ask wang voice
        """,
    )


def test_deadlines_do_not_drift() -> None:
    """Each step is due so long after the one before was, however late the tick that took it."""
    desk = Desk(directory(*(Step(to=(f"person:{name}",), after_s=10) for name in ("li", "wang", "zhao"))))
    desk.do(["raise", "smoke"])
    for at in (13.4, 26.9, 30.2):
        desk.now = at
        desk.tick()
    asked = [(at, one.recipient) for at, one in desk.sent if one.purpose == "ask"]
    assert asked == [(13.4, "li"), (26.9, "wang"), (30.2, "zhao")]


def test_rounds_do_not_drift() -> None:
    desk = Desk(directory(Step(to=("person:zhao",)), Step(to=("person:chief",), after_s=10), chain_repeat_s=20))
    desk.do(["raise", "smoke"])
    for at in (10, 33.3, 39.9, 40):
        desk.now = at
        desk.tick()
    asked = [(at, one.recipient) for at, one in desk.sent if one.purpose == "ask"]
    assert asked == [(0, "zhao"), (10, "chief"), (33.3, "zhao"), (40, "chief")]


def test_a_first_step_can_wait() -> None:
    play(
        Desk(directory(Step(to=("person:li",), after_s=20))),
        """
         0 raise smoke
        20 > ask li app
        49 handed li app
        """,
    )


def test_it_all_begins_anew_until_somebody_accepts() -> None:
    play(
        Desk(directory(Step(to=("person:zhao",)), Step(to=("person:chief",), after_s=60), chain_repeat_s=100)),
        """
          0 raise smoke
          0 > ask zhao sms
         60 > ask chief sms
        160 | repeated
        160 > ask zhao sms
        220 > ask chief sms
        320 | repeated
        320 > ask zhao sms
        330 accept zhao
        330 > inform chief sms
        """,
    )


def test_only_life_safety_goes_on_beyond_the_rounds_of_its_chain() -> None:
    chain = directory(Step(to=("person:zhao",)), chain_repeat_s=50, chain_rounds=2)
    desk = play(
        Desk(chain),
        """
          0 raise tank tank-1
          0 > ask zhao sms
         50 | repeated
         50 > ask zhao sms
        """,
    )
    desk.advance(1000)
    assert len([one for _, one in desk.sent if one.recipient == "zhao"]) == 2
    fire = Desk(chain)
    fire.do(["raise", "smoke"])
    fire.advance(1000)
    assert len([one for _, one in fire.sent if one.recipient == "zhao"]) == 21


def test_a_chain_that_does_not_repeat_does_for_life_safety() -> None:
    desk = Desk(directory(Step(to=("person:zhao",)), chain_repeat_s=None), limits=ResponseLimits(repeat_s=200))
    desk.do(["raise", "smoke"])
    desk.do(["raise", "tank", "tank-1"])
    desk.advance(450)
    asked = [(at, one.incident.rule_id) for at, one in desk.sent if one.purpose == "ask"]
    assert asked == [(0, "smoke.alarm"), (0, "tank.low"), (200, "smoke.alarm"), (400, "smoke.alarm")]


def test_nobody_on_duty_is_said_and_the_next_step_is_taken_at_once() -> None:
    play(
        Desk(directory(Step(to=("team:empty",)), Step(to=("person:zhao",), after_s=300))),
        """
        0 raise smoke
        0 | nobody
        0 | escalated
        0 > ask zhao sms
        """,
    )


def test_where_the_chain_reaches_nobody_everybody_is_asked() -> None:
    desk = Desk(directory(Step(to=("team:empty",)), Step(to=("person:ghost",), after_s=300)))
    play(
        desk,
        """
        0 raise smoke
        0 | nobody
        0 | nobody
        0 | nobody
        0 > ask li app
        0 > ask wang sms
        0 > ask zhao sms
        0 > ask boss app
        0 > ask chief sms
        0 > ask mayor sms
        """,
    )
    assert desk.counters.fallbacks[Fallback.EVERYBODY] == 1


def test_where_nobody_has_a_contact_the_console_is_told_each_round() -> None:
    desk = Desk(directory(Step(to=("person:ghost",)), people=(GHOST,), chain_repeat_s=60))
    play(
        desk,
        """
         0 raise smoke
         0 > tell console console
        60 > tell console console
        60 | repeated
        """,
    )
    assert desk.counters.fallbacks[Fallback.CONSOLE] == 2


@pytest.mark.parametrize(("rule", "asked"), [("smoke", 6), ("tank", 0)])
def test_life_safety_that_no_route_takes_is_asked_of_everybody(rule: str, asked: int) -> None:
    desk = Desk(replace(ONE, routes=(Route(chain="chain", sites=("elsewhere",)),)))
    desk.do(["raise", rule])
    assert len([one for _, one in desk.sent if one.purpose == "ask"]) == asked


def test_without_a_directory_recipients_are_told_and_nobody_is_asked() -> None:
    desk = Desk(Directory(), recipients=(Recipient("duty", ("siren",)),))
    desk.do(["raise", "smoke"])
    desk.advance(1000)
    assert [(at, one.recipient) for at, one in desk.sent if one.recipient != "cad"] == [(0, "duty")]


def test_a_directory_that_comes_later_is_asked() -> None:
    desk = Desk(Directory())
    desk.do(["raise", "smoke"])
    desk.do(["raise", "tank", "tank-1"])
    desk.do(["accept", "li", "tank-1"])
    desk.advance(10)
    desk.people = ONE.people
    desk.use(ONE)
    play(
        desk,
        """
        10 silence elsewhere 20
        10 > ask li app
        """,
    )


def test_a_step_that_informs_asks_nobody_and_says_how_it_went() -> None:
    desk = Desk(directory(Step(to=("person:li",)), Step(to=("person:zhao", "recipient:cad"), after_s=30, inform=True)))
    play(
        desk,
        """
         0 raise smoke
         0 > ask li app
         0 > tell cad hook
         1 handed li app
        30 > tell zhao sms
        30 > tell cad hook
        40 accept li
        40 > inform zhao sms
        """,
    )
    told = next(one for _, one in desk.sent if one.recipient == "zhao")
    assert (told.wants_answer, told.code) == (False, "")


def test_a_chain_that_only_informs_is_no_chain_that_reaches_nobody() -> None:
    desk = Desk(directory(Step(to=("person:zhao",), inform=True)))
    play(
        desk,
        """
         0 raise smoke
         0 > tell zhao sms
        """,
    )


def test_who_is_only_informed_does_not_answer_for_those_who_are_not_there() -> None:
    play(
        Desk(directory(Step(to=("team:empty",)), Step(to=("person:zhao",), inform=True), people=(LI, ZHAO))),
        """
         0 raise smoke
         0 > tell zhao sms
         0 > ask li app
         0 > ask zhao sms
        """,
    )


def test_a_service_that_was_down_makes_up_for_steps_and_for_one_round() -> None:
    desk = Desk(directory(Step(to=("person:zhao",)), Step(to=("person:chief",), after_s=60), chain_repeat_s=100))
    desk.do(["raise", "smoke"])
    desk.now = 5000
    desk.restart()
    desk.tick()
    desk.tick()
    asked = [(at, one.recipient) for at, one in desk.sent if one.purpose == "ask"]
    assert asked == [(0, "zhao"), (5000, "chief"), (5000, "zhao")]
    desk.advance(5060)
    asked = [(at, one.recipient) for at, one in desk.sent if one.purpose == "ask"]
    assert asked[3:] == [(5060, "chief")]


@pytest.mark.parametrize("seconds", [7200.0, -7200.0])
def test_a_stepped_clock_neither_hastens_nor_delays(seconds: float) -> None:
    script = """
          0 raise smoke
          0 > ask li app
          5 handed+ li app
         10 clock {0}
         30 > ask li sms
         60 > ask li voice
        120 > ask wang sms
        149 handed wang sms
    """
    play(Desk(TWO), script.format(seconds))


@pytest.mark.parametrize("seconds", [7200.0, -7200.0])
def test_a_stepped_clock_leaves_the_time_of_steps_and_handovers(seconds: float) -> None:
    script = """
          0 raise smoke
          0 > ask li app
          1 handed li app
          5 accept li
         30 hand li zhao
         30 > ask zhao sms
         31 handed+ zhao sms
         32 received zhao sms
         40 clock {0}
        105 | reminded
        105 > remind li app
        150 | lapsed zhao
        150 > inform li app
    """
    play(Desk(replace(TWO, limits=(LIMITS,))), script.format(seconds))


def test_who_is_asked_again_in_a_later_step_is_not_asked_twice_at_a_time() -> None:
    play(
        Desk(directory(Step(to=("person:li",)), Step(to=("person:li", "person:zhao"), after_s=10), people=PEOPLE)),
        """
         0 raise smoke
         0 > ask li app
        10 > ask zhao sms
        30 > ask li sms
        """,
    )


def test_a_severer_route_is_taken_with_a_new_directory_at_the_next_step() -> None:
    desk = Desk(TWO)
    desk.do(["raise", "smoke"])
    desk.advance(50)
    desk.use(directory(Step(to=("person:boss",)), Step(to=("person:zhao",), after_s=10)))
    desk.advance(121)
    asked = [(at, one.recipient) for at, one in desk.sent if one.purpose == "ask" and one.recipient != "li"]
    assert asked == [(120, "zhao")]
    assert WANG.name not in {one.recipient for _, one in desk.sent}


def test_a_new_round_takes_back_what_still_waits_to_go_by_the_same_channel() -> None:
    desk = Desk(directory(Step(to=("person:li",)), chain_repeat_s=100))
    desk.do(["raise", "smoke"])
    first = desk.newest("li", "app")
    desk.advance(101)
    second = desk.newest("li", "app")
    assert second.id != first.id
    assert desk.withdrawn == [first.id]
    assert [one.channel for one in desk.owed("ask")] == ["sms", "voice", "app"]


def test_the_bounds_are_counted() -> None:
    desk = Desk(
        directory(Step(to=("person:zhao",)), chain_repeat_s=10), limits=ResponseLimits(messages_kept=3, closed_kept=1)
    )
    desk.do(["raise", "tank", "tank-1"])
    first = desk.newest("zhao", "sms")
    desk.advance(45)
    assert desk.counters.response_full[ResponseBound.MESSAGES] == 2
    assert desk.response.ask_of(first.id) is None
    (ask,) = desk.response.asks(desk.incident().id)
    assert [desk.response.ask_of(message) for message in ask.messages] == [ask] * 3
    desk.do(["end", "tank", "tank-1"])
    assert desk.response.ask_of(ask.notification) is None
    desk.do(["raise", "smoke", "far"])
    desk.do(["resolve", "li", "test", "far"])
    assert desk.counters.response_full[ResponseBound.CLOSED] == 1
    assert desk.counters.response_lines[ResponseKind.REPEATED] == 4


def test_a_forgotten_incident_that_is_raised_again_repeats_no_line() -> None:
    desk = Desk(ONE, limits=ResponseLimits(closed_kept=0))
    for words in (["raise", "smoke"], ["resolve", "li", "test"], ["reopen", "li"], ["refuse", "li"]):
        desk.do(words)
    names = [line.id for _, line in desk.responses()]
    assert len(names) > 3
    assert len(set(names)) == len(names)


def test_a_directory_without_its_chain_is_made_up_for_by_the_next() -> None:
    desk = Desk(TWO)
    desk.do(["raise", "tank", "tank-1"])
    desk.use(replace(TWO, routes=()))
    desk.advance(200)
    assert [one.recipient for one in desk.owed("ask")] == ["li", "li", "li"]
    desk.use(TWO)
    desk.advance(201)
    assert desk.newest("wang", "sms").purpose == "ask"


def test_what_was_put_off_waits_for_its_turn() -> None:
    """After an outage things are done in the order in which they were due, whether or not there was a restart."""
    orders = []
    for is_restarted in (False, True):
        desk = Desk(directory(Step(to=("person:li",)), chain_receipt_s=30, chain_answer_s=60))
        desk.do(["raise", "smoke", "flat-201"])
        desk.do(["handed", "li", "app"])  # its next channel is due at 60 now, not at 30
        desk.advance(25)
        desk.do(["raise", "smoke", "far"])  # due at 55
        if is_restarted:
            desk.restart()
        desk.now = 70
        desk.tick()
        orders.append([one.incident.device for at, one in desk.sent if at == 70])
    assert orders == [["shuibei/far", "shuibei/flat-201"]] * 2
