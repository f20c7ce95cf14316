from __future__ import annotations

import re
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.command import Test
from alerts.contact_tests import ContactTests, SelfTest, Way
from alerts.incident import Exercise, NotificationEvent, NotificationStatus
from alerts.lifecycle import CommandRejected
from alerts.notification import Notification, Purpose
from alerts.people.model import Contact, Directory, Language, Person

S = 1_000_000
DAY = 86_400 * S
ZONE = "Asia/Shanghai"

WANG = Person(name="wang", contacts=(Contact("sms", "13800000001"), Contact("voice", "13800000001")))
LI = Person(name="li", contacts=(Contact("push"),), languages=(Language.EN,))
MUTE = Person(name="mute")
PEOPLE = Directory(people=(WANG, LI, MUTE))


def at(text: str, zone: str = ZONE) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()) * S


NOON = at("2026-11-20T12:00")


def asked(*people: str) -> Test:
    return Test(by="chief", origin="cli", people=people)


def settled(message: Notification, status: NotificationStatus, detail: str = "") -> NotificationEvent:
    return NotificationEvent(
        notification=message.id,
        incident=message.incident.id,
        recipient=message.recipient,
        channel=message.channel,
        status=status,
        time_us=NOON,
        attempts=1,
        detail=detail,
    )


def begun(*people: str) -> tuple[ContactTests, list[Notification]]:
    tests = ContactTests()
    return tests, tests.start(asked(*people), PEOPLE, NOON, 7)


def ways(tests: ContactTests) -> dict[str, list[str]]:
    report = tests.report()
    assert report is not None
    return {one.person: [contact.way for contact in one.contacts] for one in report.people}


# ── what is sent ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_each_contact_of_each_person_gets_one_message_that_wants_an_answer() -> None:
    _, messages = begun()
    assert [(one.recipient, one.channel, one.address) for one in messages] == [
        ("wang", "sms", "13800000001"),
        ("wang", "voice", "13800000001"),
        ("li", "push", ""),
    ]
    for one in messages:
        assert (one.purpose, one.wants_answer, one.incident.exercise) == (Purpose.TEST, True, Exercise.DRILL)
        assert one.expires_us - one.created_us == DAY
        assert "[DRILL 演练]" in one.title
    assert len({one.id for one in messages}) == len({one.code for one in messages}) == 3
    assert messages[2].title.endswith("Test: please answer")
    assert "2026-11-21 12:00" in messages[0].body  # in the people's own time


def test_a_reply_with_its_code_is_found_while_the_test_goes_on() -> None:
    tests, messages = begun()
    for one in messages:
        assert re.fullmatch(r"T\d{6}", one.code)  # which no code of an alarm is
        assert tests.by_code(one.code) == tests.by_code(f"{one.code[:1]} {one.code[1:]}".lower()) == one.id
    assert tests.by_code("T000000x") == ""
    tests.advance(NOON + DAY, PEOPLE)
    assert tests.by_code(messages[0].code) == ""


def test_only_those_who_were_named_are_tested() -> None:
    _, messages = begun("li", "li")
    assert [one.recipient for one in messages] == ["li"]


@pytest.mark.parametrize("people", [("nobody",), ("mute",)])
def test_a_test_of_nobody_is_rejected_and_changes_nothing(people: tuple[str, ...]) -> None:
    tests = ContactTests()
    before = tests.snapshot()
    with pytest.raises(CommandRejected):
        tests.start(asked(*people), PEOPLE, NOON, 7)
    assert tests.snapshot() == before


def test_beyond_its_bound_a_test_leaves_contacts_out_and_says_how_many() -> None:
    tests = ContactTests(SelfTest(messages=2))
    assert len(tests.start(asked(), PEOPLE, NOON, 7)) == 2
    report = tests.report()
    assert report is not None
    assert report.left_out == 1


# ── what came of it ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_report_says_who_answered_by_what_whose_way_failed_and_who_was_not_reached() -> None:
    tests, (sms, voice, push) = begun()
    tests.settled(settled(sms, NotificationStatus.HANDED), NOON)
    tests.settled(settled(sms, NotificationStatus.RECEIVED), NOON)
    tests.settled(settled(push, NotificationStatus.HANDED), NOON)
    tests.settled(settled(voice, NotificationStatus.RECEIVED), NOON)
    tests.settled(settled(voice, NotificationStatus.FAILED, "HTTP 403"), NOON)
    assert tests.answered(sms.id, NOON + 40 * S)
    assert not tests.answered("somebody else's", NOON)
    tests.settled(settled(sms, NotificationStatus.RECEIVED), NOON)  # a late receipt takes no answer back
    tests.advance(NOON + DAY, PEOPLE)
    report = tests.report()
    assert report is not None
    assert ways(tests) == {"wang": [Way.ANSWERED, Way.FAILED], "li": [Way.HANDED], "mute": []}
    wang, li, mute = report.people
    assert (wang.reached, li.reached, mute.reached) == (True, False, False)
    assert (wang.contacts[0].answered_us, wang.contacts[0].had_receipt) == (NOON + 40 * S, True)
    assert (wang.contacts[1].detail, wang.contacts[1].had_receipt) == ("HTTP 403", True)
    assert not li.contacts[0].had_receipt
    assert (report.unreached, report.over, report.by) == (("li", "mute"), True, "chief")
    assert tests.unreached() == ["li", "mute"]


def test_nobody_counts_as_unreached_before_the_day_is_over() -> None:
    tests, _ = begun()
    tests.advance(NOON + DAY - 1, PEOPLE)
    assert tests.unreached() == []


def test_a_late_answer_and_a_new_test_of_one_person_put_it_right() -> None:
    tests, (_, _, push) = begun()
    tests.advance(NOON + DAY, PEOPLE)
    assert tests.unreached() == ["wang", "li", "mute"]
    tests.answered(push.id, NOON + 2 * DAY)
    assert tests.unreached() == ["wang", "mute"]
    again = tests.start(asked("wang"), PEOPLE, NOON + 2 * DAY, 9)
    tests.answered(again[1].id, NOON + 2 * DAY)
    tests.advance(NOON + 4 * DAY, PEOPLE)
    assert tests.unreached() == ["mute"]


def test_old_tests_are_forgotten() -> None:
    tests = ContactTests(SelfTest(kept=2))
    first = tests.start(asked("li"), PEOPLE, NOON, 1)
    for offset in (2, 3):
        tests.start(asked("li"), PEOPLE, NOON, offset)
    assert len(tests.reports()) == 2
    assert not tests.answered(first[0].id, NOON)
    assert tests.report(first[0].incident.id) is None


# ── every month ──────────────────────────────────────────────────────────────────────────────────────────────────────


def began(tests: ContactTests, *steps: str, zone: str = ZONE) -> list[str]:
    """Return at which of the local times a test began."""
    return [step for step in steps if tests.advance(at(step, zone), PEOPLE)]


def test_it_begins_at_its_hour_of_its_day_once_a_month() -> None:
    tests = ContactTests(SelfTest(day=1, hour=10))
    seen = began(
        tests,
        "2026-11-20T12:00",
        "2026-12-01T09:59:59",
        "2026-12-01T10:00",
        "2026-12-01T10:00:01",
        "2026-12-31T23:59",
        "2027-01-01T10:00:05",
    )
    assert seen == ["2026-12-01T10:00", "2027-01-01T10:00:05"]
    assert [one.by for one in tests.reports()] == ["", ""]


def test_a_day_that_a_month_does_not_have_is_its_last() -> None:
    tests = ContactTests(SelfTest(day=31, hour=10))
    seen = began(
        tests, "2028-02-01T00:00", "2028-02-29T09:59", "2028-02-29T10:00", "2028-03-30T10:00", "2028-03-31T10:00"
    )
    assert seen == ["2028-02-29T10:00", "2028-03-31T10:00"]


def test_the_hour_is_local_on_both_sides_of_a_change_of_the_clocks() -> None:
    tests = ContactTests(SelfTest(day=28, hour=10, timezone="Europe/Berlin"))
    zone = "Europe/Berlin"
    seen = began(
        tests,
        *("2027-03-01T00:00", "2027-03-28T09:59", "2027-03-28T10:00", "2027-04-28T09:59", "2027-04-28T10:00"),
        zone=zone,
    )
    assert seen == ["2027-03-28T10:00", "2027-04-28T10:00"]


def test_a_service_that_comes_back_in_the_night_waits_for_the_hour() -> None:
    tests = ContactTests(SelfTest(day=1, hour=10))
    seen = began(
        tests,
        *("2026-11-20T12:00", "2026-12-01T23:00", "2026-12-02T03:00", "2026-12-02T10:00", "2027-01-01T10:00"),
    )
    assert seen == ["2026-12-02T10:00", "2027-01-01T10:00"]


def test_a_first_start_does_not_catch_up_on_this_months_test() -> None:
    assert began(ContactTests(SelfTest(day=1, hour=10)), "2026-12-01T10:30", "2026-12-01T11:00") == []


def test_other_settings_count_at_once() -> None:
    tests = ContactTests(SelfTest(day=1, hour=10))
    began(tests, "2026-11-20T12:00")
    other = ContactTests(SelfTest(day=25, hour=9))
    other.restore(tests.snapshot())
    assert began(other, "2026-11-21T00:00", "2026-11-25T09:00", "2026-12-01T10:00") == ["2026-11-25T09:00"]


def test_without_a_day_it_begins_only_when_somebody_asks() -> None:
    assert began(ContactTests(SelfTest(day=None)), "2026-11-20T12:00", "2026-12-01T10:00") == []


def test_with_nobody_to_test_there_is_no_test() -> None:
    tests = ContactTests()
    for step in ("2026-11-20T12:00", "2026-12-01T10:00"):
        assert tests.advance(at(step), Directory()) == []
    assert tests.reports() == []


def test_it_says_when_it_is_due() -> None:
    tests, _ = begun()
    assert tests.next_us == NOON + DAY
    tests.advance(NOON + DAY, PEOPLE)
    assert tests.next_us == at("2026-12-01T10:00")


# ── replay ───────────────────────────────────────────────────────────────────────────────────────────────────────────

_STEPS = st.lists(
    st.tuples(st.sampled_from(["start", "settle", "answer", "advance"]), st.integers(0, 5), st.integers(0, 20 * 24)),
    max_size=12,
)


def play(tests: ContactTests, steps: list[Any], known: list[Notification], now_us: int) -> tuple[list[Any], int]:
    said: list[Any] = []
    for step, number, hours in steps:
        now_us += hours * 3600 * S
        match step:
            case "start":
                known += tests.start(asked(), PEOPLE, now_us, now_us // S)
            case "settle" if known:
                status = list(NotificationStatus)[number]
                tests.settled(settled(known[number % len(known)], status), now_us)
            case "answer" if known:
                said.append(tests.answered(known[-1 - number % len(known)].id, now_us))
            case _:
                known += tests.advance(now_us, PEOPLE)
        said.append((tests.reports(), tests.unreached(), tests.next_us, len(known)))
    return said, now_us


@settings(max_examples=60)
@given(_STEPS, _STEPS)
def test_a_restored_fold_has_the_same_future(before: list[Any], after: list[Any]) -> None:
    one = ContactTests()
    known: list[Notification] = []
    _, now_us = play(one, before, known, NOON)
    other = ContactTests()
    other.restore(one.snapshot())
    mine, theirs = list(known), list(known)
    assert play(one, after, mine, now_us) == play(other, after, theirs, now_us)
    assert mine == theirs
    assert one.snapshot() == other.snapshot()


def test_a_snapshot_of_another_version_is_refused() -> None:
    with pytest.raises(ValueError, match="version"):
        ContactTests().restore(b"\x09")
