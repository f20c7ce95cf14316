"""What handing over does: asked for, taken, lapsed."""

from __future__ import annotations

from alerts.people.model import Step
from tests.alerts.response.desk import CHIEF, LI, TWO, WANG, ZHAO, Desk, directory, play


def test_whom_it_is_handed_to_is_asked_and_takes_it() -> None:
    desk = play(
        Desk(TWO),
        """
          0 raise smoke
          0 > ask li app
          1 handed li app
          5 accept li
         30 hand li zhao
         30 > ask zhao sms
         40 accept zhao
         40 > inform li app
        """,
    )
    desk.advance(500)
    assert desk.incident().accepted_by == "zhao"
    assert not [at for at, _ in desk.sent if at > 40]


def test_a_handover_that_is_not_taken_lapses_and_who_has_it_is_told() -> None:
    desk = play(
        Desk(TWO),
        """
          0 raise smoke
          0 > ask li app
          1 handed li app
          5 accept li
         30 hand li wang
         30 > ask wang sms
         60 > ask wang voice
        150 | lapsed wang
        150 > inform li app
        """,
    )
    desk.advance(500)
    assert not [at for at, _ in desk.sent if at > 150]
    assert desk.newest("li", "app").title_en.startswith("Still yours")


def test_a_handover_that_is_refused_or_cannot_be_asked_lapses_at_once() -> None:
    play(
        Desk(TWO),
        """
          0 raise smoke
          0 > ask li app
          1 handed li app
          5 accept li
         30 hand li wang
         30 > ask wang sms
         35 refuse wang
         35 | lapsed wang
         35 > inform li app
         50 hand li ghost
         50 | lapsed ghost
         50 > inform li app
         60 hand li nobody-knows
         60 | lapsed nobody-knows
         60 > inform li app
         70 hand li wang
         70 > ask wang sms
        """,
    )


def test_a_handover_to_another_ends_the_one_before() -> None:
    desk = play(
        Desk(TWO),
        """
          0 raise smoke
          0 > ask li app
          1 handed li app
          5 accept li
         30 hand li wang
         30 > ask wang sms
         40 hand li zhao
         40 > ask zhao sms
         50 accept zhao
         50 > inform li app
         50 > inform wang sms
        """,
    )
    desk.advance(500)
    assert not [at for at, _ in desk.sent if at > 50]


def test_a_handover_goes_on_while_another_is_asked_for() -> None:
    play(
        Desk(directory(Step(to=("person:zhao", "person:chief"), need=2), people=(LI, WANG, ZHAO, CHIEF))),
        """
          0 raise smoke
          0 > ask zhao sms
          0 > ask chief sms
          5 accept zhao
          5 > inform chief sms
         10 hand zhao li
         10 > ask li app
         20 accept chief
         20 > inform zhao sms
         40 > ask li sms
         50 accept li
         50 > inform zhao sms
         50 > inform chief sms
        """,
    )


def test_raised_again_it_is_handed_over_to_nobody() -> None:
    desk = play(
        Desk(TWO),
        """
          0 raise smoke
          0 > ask li app
          1 handed li app
          2 end smoke
          5 accept li
        690 hand li zhao
        690 > ask zhao sms
        700 raise smoke
        700 > ask li app
        730 > ask li sms
        760 > ask li voice
        820 > ask wang sms
        """,
    )
    assert not desk.responses("lapsed")
