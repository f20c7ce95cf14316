"""The nearest station, and who comes after one that refuses."""

from __future__ import annotations

from alerts.people.model import Step, Team
from tests.alerts.response.desk import LI, ZHAO, Desk, directory, play


def test_the_nearest_station_is_asked_and_the_next_where_it_refuses_or_is_silent() -> None:
    near = directory(Step(to=("station:nearest",)), Step(to=("person:chief",), after_s=500))
    play(
        Desk(near),
        """
         0 raise smoke
         0 > ask wang sms
         9 refuse wang
         9 > ask zhao sms
        """,
    )
    play(
        Desk(near),
        """
         0 raise smoke
         0 > ask wang sms
        30 > ask wang voice
        60 | unreached wang
        60 > ask zhao sms
        90 | unreached zhao
        """,
    )


def test_a_station_of_which_somebody_refused_is_asked_again_in_the_next_round() -> None:
    crews = (Team(name="north", members=("wang", "chief")), Team(name="south", members=("zhao",)))
    play(
        Desk(directory(Step(to=("station:nearest",)), teams=crews, chain_repeat_s=25)),
        """
         0 raise smoke
         0 > ask wang sms
         0 > ask chief sms
         9 refuse wang
         9 > ask zhao sms
        25 > ask chief sms
        """,
    )


def test_who_was_asked_in_the_round_before_sends_nobody_to_the_next_station_early() -> None:
    play(
        Desk(directory(Step(to=("person:li",)), Step(to=("station:nearest",), after_s=10), chain_repeat_s=15)),
        """
         0 raise smoke
         0 > ask li app
        10 > ask wang sms
        25 > ask li app
        27 failed wang sms
        27 > ask wang voice
        28 failed wang voice
        28 | unreached wang
        35 > ask wang sms
        """,
    )


def test_where_everybody_of_a_step_refuses_the_next_is_taken_at_once() -> None:
    play(
        Desk(directory(Step(to=("person:zhao", "person:chief")), Step(to=("person:wang",), after_s=500))),
        """
         0 raise smoke
         0 > ask zhao sms
         0 > ask chief sms
         5 refuse zhao
         9 refuse chief
         9 > ask wang sms
         9 | escalated
        """,
    )


def test_where_the_last_of_all_refuses_others_are_asked_at_once() -> None:
    play(
        Desk(directory(Step(to=("person:zhao",)), people=(LI, ZHAO))),
        """
         0 raise smoke
         0 > ask zhao sms
         5 refuse zhao
         5 > ask li app
        """,
    )
    play(
        Desk(directory(Step(to=("person:zhao",)), people=(ZHAO,), chain_repeat_s=60)),
        """
         0 raise smoke
         0 > ask zhao sms
         5 refuse zhao
         5 > ask zhao sms
         5 | repeated
        """,
    )
