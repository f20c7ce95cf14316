"""What people's answers do."""

from __future__ import annotations

from alerts.incident import IncidentState
from alerts.notification import Purpose
from alerts.people.model import Step
from alerts.response import AskState
from alerts.routing import Recipient
from tests.alerts.response.desk import LI, ONE, TWO, ZHAO, Desk, directory, play

BOTH = directory(Step(to=("person:zhao", "person:chief")), Step(to=("person:wang",), after_s=60))
PAIR = directory(
    Step(to=("person:zhao", "person:chief", "person:mayor"), need=2), Step(to=("person:wang",), after_s=60)
)


def test_others_learn_that_somebody_is_on_it_and_how_it_ended() -> None:
    desk = play(
        Desk(BOTH, recipients=(Recipient("wall", ("tv",), updates=True), Recipient("siren", ("horn",)))),
        """
          0 raise smoke
          0 > tell wall tv
          0 > tell siren horn
          0 > ask zhao sms
          0 > ask chief sms
          9 accept zhao
          9 > inform chief sms
          9 > tell wall tv
         20 arrive zhao
         20 > tell wall tv
         30 verify zhao true
         30 > tell wall tv
         90 resolve zhao true
         90 > inform chief sms
         90 > tell wall tv
         99 close zhao
        """,
    )
    assert "zhao" in desk.newest("chief", "sms").body_en
    assert len(desk.response) == 0


def test_two_acceptances_where_two_are_needed() -> None:
    desk = play(
        Desk(PAIR),
        """
          0 raise smoke
          0 > ask zhao sms
          0 > ask chief sms
          0 > ask mayor sms
          9 accept zhao
          9 > inform chief sms
          9 > inform mayor sms
         20 accept zhao
         60 > ask wang sms
         90 > ask wang voice
         95 accept wang
         95 > inform zhao sms
         95 > inform chief sms
         95 > inform mayor sms
        """,
    )
    informs = [one for _, one in desk.sent if one.purpose is Purpose.INFORM]
    assert "1 more needed" in informs[0].body_en
    assert "more needed" not in informs[-1].body_en
    desk.advance(3000)
    assert not [at for at, one in desk.sent if at > 95]


def test_a_verdict_ends_the_asking_even_where_more_are_needed() -> None:
    desk = play(
        Desk(PAIR),
        """
          0 raise smoke
          0 > ask zhao sms
          0 > ask chief sms
          0 > ask mayor sms
          9 verify zhao false_alarm
          9 > inform chief sms
          9 > inform mayor sms
        """,
    )
    desk.advance(3000)
    assert not [at for at, _ in desk.sent if at > 9]


def test_what_clears_by_itself_is_told_to_those_who_were_asked() -> None:
    play(
        Desk(ONE),
        """
          0 raise tank tank-1
          0 > ask li app
          2 handed li app
          9 end tank tank-1
          9 > inform li app
        """,
    )


def test_who_learns_of_it_learns_by_the_contact_that_reached_them() -> None:
    play(
        Desk(directory(Step(to=("person:li", "person:zhao")))),
        """
          0 raise smoke
          0 > ask li app
          0 > ask zhao sms
          2 failed li app
          2 > ask li sms
          3 handed li sms
          4 received li sms
         10 accept zhao
         10 > inform li sms
        """,
    )


def test_help_takes_the_next_step_at_once_and_one_more_must_come() -> None:
    desk = play(
        Desk(BOTH),
        """
          0 raise smoke
          0 > ask zhao sms
          0 > ask chief sms
          9 accept zhao
          9 > inform chief sms
         20 arrive zhao
         30 help zhao
         30 > ask wang sms
         30 | escalated
         50 arrive zhao
         60 > ask wang voice
         70 accept wang
         70 > inform zhao sms
         70 > inform chief sms
        """,
    )
    assert "zhao wants help" in desk.newest("wang", "voice").body_en
    assert desk.newest("wang", "voice").title_en.startswith("Help wanted")
    desk.advance(3000)
    assert not [at for at, _ in desk.sent if at > 70]


def test_help_at_the_end_of_the_chain_begins_it_anew_without_who_is_there() -> None:
    play(
        Desk(directory(Step(to=("person:zhao", "person:chief")))),
        """
          0 raise smoke
          0 > ask zhao sms
          0 > ask chief sms
          9 accept zhao
          9 > inform chief sms
         20 help zhao
         20 > ask chief sms
         20 | repeated
        """,
    )


def test_help_is_found_where_no_chain_is() -> None:
    desk = Desk(directory(Step(to=("person:li",)), routes=(), people=(LI, ZHAO)))
    play(
        desk,
        """
          0 raise tank tank-1
          5 accept li
          9 help li
          9 > ask zhao sms
        """,
    )


def test_where_the_only_one_gives_it_back_the_step_that_was_reached_is_taken_anew() -> None:
    play(
        Desk(
            directory(
                Step(to=("person:zhao",)), Step(to=("person:wang", "person:chief"), after_s=60), chain_repeat_s=100
            )
        ),
        """
          0 raise smoke
          0 > ask zhao sms
         60 > ask wang sms
         60 > ask chief sms
         65 accept wang
         65 > inform zhao sms
         65 > inform chief sms
         80 refuse wang
         80 | repeated wang
         80 > ask chief sms
        180 | repeated
        180 > ask zhao sms
        """,
    )


def test_who_gives_it_back_alone_is_asked_no_more_and_others_are() -> None:
    play(
        Desk(TWO),
        """
          0 raise smoke
          0 > ask li app
          1 handed li app
          5 accept li
         30 refuse li
         30 > ask wang sms
         30 | nobody
        """,
    )


def test_one_of_two_who_gives_it_back_has_the_others_asked_again() -> None:
    play(
        Desk(PAIR),
        """
          0 raise smoke
          0 > ask zhao sms
          0 > ask chief sms
          0 > ask mayor sms
          5 accept zhao
          5 > inform chief sms
          5 > inform mayor sms
          6 accept chief
          6 > inform zhao sms
          6 > inform mayor sms
         30 refuse chief
         30 > ask mayor sms
        """,
    )


def test_raised_again_it_begins_anew_with_the_same_code() -> None:
    desk = play(
        Desk(TWO),
        """
          0 raise smoke
          0 > ask li app
          1 handed li app
          5 accept li
         10 resolve li false_alarm
        """,
    )
    code = desk.newest("li", "app").code
    play(
        desk,
        """
          0 > ask li app
         60 reopen li
         60 > ask li app
         90 > ask li sms
        """,
    )
    assert desk.newest("li", "sms").code != code
    assert desk.incident().state is IncidentState.RAISED
    numbers = [event.id for _, event in desk.responses()]
    assert len(set(numbers)) == len(numbers)


def test_an_answer_of_somebody_nobody_asked_counts() -> None:
    desk = play(
        Desk(TWO),
        """
          0 raise smoke
          0 > ask li app
          9 dispatch operator
          9 > inform li app
        """,
    )
    (ask,) = desk.response.asks(desk.incident().id)
    assert ask.state is AskState.OVER


def test_a_step_that_nobody_else_is_in_begins_the_chain_anew_when_it_is_given_back() -> None:
    play(
        Desk(directory(Step(to=("person:zhao",)), Step(to=("person:wang",), after_s=60))),
        """
          0 raise smoke
          0 > ask zhao sms
         60 > ask wang sms
         65 accept wang
         65 > inform zhao sms
         80 refuse wang
         80 > ask zhao sms
         80 | nobody
         80 | repeated
         80 | repeated wang
         90 silence elsewhere 999
        140 | nobody
        """,
    )


def test_news_come_by_the_contact_that_reached_somebody_and_not_by_the_last_one_tried() -> None:
    play(
        Desk(directory(Step(to=("person:li", "person:zhao")))),
        """
          0 raise smoke
          0 > ask li app
          0 > ask zhao sms
          3 handed+ li app
          9 handed zhao sms
         30 > ask li sms
         40 accept zhao
         40 > inform li app
        """,
    )
