"""One person, one channel after another."""

from __future__ import annotations

from msgspec.structs import replace

from alerts.notification import Purpose
from alerts.people.model import Contact, Language, Person, Step, Window
from alerts.response import AskState
from alerts.routing import Recipient
from tests.alerts.response.desk import GHOST, LEVELS, LI, LIMITS, ONE, TWO, WANG, Desk, directory, play

DUTY = Recipient("duty", ("siren", "hook"))


def test_recipients_are_told_and_the_first_step_is_asked_in_the_same_fold() -> None:
    desk = play(
        Desk(TWO, recipients=(DUTY,)),
        """
        0 raise smoke
        0 > tell duty siren
        0 > tell duty hook
        0 > ask li app
        0 | asked li
        """,
    )
    ask = desk.newest("li", "app")
    assert (ask.wants_answer, ask.languages, len(ask.code)) == (True, (Language.ZH, Language.EN), 4)
    assert "named by the chain" in ask.body_en
    assert not desk.newest("duty", "hook").wants_answer


def test_without_a_receipt_the_next_channel_is_tried() -> None:
    play(
        Desk(ONE),
        """
         0 raise smoke
         0 > ask li app
         5 handed+ li app
        30 > ask li sms
        30 | channel_changed li
        """,
    )


def test_what_is_only_handed_over_waits_for_the_answer_where_there_are_no_receipts() -> None:
    play(
        Desk(ONE),
        """
         0 raise smoke
         0 > ask li app
        10 handed li app
        70 > ask li sms
        70 | channel_changed li
        """,
    )


def test_received_and_unanswered_is_tried_by_the_next_channel_too() -> None:
    play(
        Desk(ONE),
        """
         0 raise smoke
         0 > ask li app
         5 handed+ li app
        20 received li app
        65 > ask li sms
        95 > ask li voice
        """,
    )


def test_a_lost_message_is_followed_by_the_next_channel_at_once() -> None:
    play(
        Desk(ONE),
        """
         0 raise smoke
         0 > ask li app
         3 failed li app
         3 > ask li sms
         5 unknown li sms
         5 > ask li voice
         9 expired li voice
         9 | unreached li
        """,
    )


def test_a_receipt_that_comes_after_the_next_channel_was_tried_changes_nothing() -> None:
    play(
        Desk(ONE),
        """
         0 raise smoke
         0 > ask li app
        30 > ask li sms
        40 received li app
        60 > ask li voice
        90 | unreached li
        """,
    )


def test_channels_end_and_begin_again_with_the_chain() -> None:
    play(
        Desk(ONE),
        """
          0 raise smoke
          0 > ask li app
         30 > ask li sms
         60 > ask li voice
         90 | unreached li
        300 | repeated
        300 > ask li app
        330 > ask li sms
        """,
    )


def test_an_answer_takes_back_what_has_not_left() -> None:
    desk = play(
        Desk(directory(Step(to=("person:li", "person:wang")))),
        """
         0 raise smoke
         0 > ask li app
         0 > ask wang sms
        20 handed li app
        25 accept li
        25 > inform wang sms
        """,
    )
    assert [(one.purpose, one.recipient) for one in desk.owed() if one.recipient != "cad"] == [(Purpose.INFORM, "wang")]
    assert [desk.outbox.status(name) for name in desk.withdrawn] == ["withdrawn"]
    desk.advance(4000)
    assert not desk.owed(Purpose.ASK)


def test_who_answered_is_so_in_the_books() -> None:
    desk = Desk(ONE)
    play(
        desk,
        """
        0 raise smoke
        0 > ask li app
        2 handed li app
        9 accept li
        """,
    )
    assert desk.outbox.status(desk.newest("li", "app").id) == "answered"
    (ask,) = desk.response.asks(desk.incident().id)
    assert (ask.state, ask.due_us) == (AskState.ANSWERED, None)


def test_a_person_who_is_gone_is_not_reached_and_others_are() -> None:
    play(
        Desk(directory(Step(to=("person:ghost", "person:li")))),
        """
        0 raise smoke
        0 > ask li app
        """,
    )
    desk = play(
        Desk(TWO),
        """
          0 raise smoke
          0 > ask li app
        """,
    )
    desk.use(replace(TWO, people=(WANG, GHOST)))
    play(
        desk,
        """
          0 > ask li app
          1 | unreached li
        120 > ask wang sms
        """,
    )


def test_an_answer_finds_its_ask_by_every_message_and_by_the_code() -> None:
    desk = Desk(ONE)
    desk.do(["raise", "smoke"])
    desk.advance(95)
    messages = [message for _, message in desk.sent if message.recipient == "li"]
    assert [message.channel for message in messages] == ["app", "sms", "voice"]
    (ask,) = desk.response.asks(desk.incident().id)
    assert [desk.response.ask_of(message.id) for message in messages] == [ask, ask, ask]
    assert {message.code for message in messages} == {ask.code}
    assert desk.response.by_code(ask.code) == ask
    assert desk.response.by_code(ask.code, "138 0000 0001") == ask
    assert desk.response.by_code(ask.code, "+86 13800000002") is None
    assert desk.response.by_code("0000") is None
    assert desk.response.ask_of("nothing") is None
    assert LI.called == "li"


def test_what_is_only_told_is_tried_by_the_next_contact_where_one_fails() -> None:
    desk = play(
        Desk(directory(Step(to=("person:zhao",)), levels=LEVELS, limits=(LIMITS,))),
        """
          0 raise smoke
          0 > ask zhao sms
         50 > remind zhao sms
         80 > remind zhao sms
         80 > remind boss app
         82 failed boss app
         82 > remind boss sms
         84 failed boss sms
         90 accept zhao
         90 > inform boss app
         95 failed boss app
         95 > inform boss sms
        """,
    )
    reminder = next(one for _, one in desk.sent if (one.recipient, one.channel) == ("boss", "sms"))
    found = desk.response.ask_of(reminder.id)
    assert found is not None
    assert found.person == "boss"


def test_what_waits_for_a_digest_waits_once_whatever_rounds_begin() -> None:
    owl = Person(name="li", contacts=(Contact("app"),), quiet=Window(0, 1439))
    desk = Desk(directory(Step(to=("person:li",)), people=(owl,), chain_repeat_s=60))
    desk.do(["raise", "tank", "tank-1"])
    desk.advance(400)
    assert len(desk.responses("held")) == 1
    assert len(desk.responses("repeated")) == 6
    assert len(desk.post) == 1
