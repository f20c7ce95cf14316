from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from alerts.backlog import Backlog, Job, address_of
from alerts.notification import Notification, Purpose
from rules.model import AlarmClass, Severity
from tests.alerts.scene import GAS, SILENT, SMOKE, TANK, notification

ADDRESSED = [notification(GAS, offset=n, at=n, address=["", "a", "b"][n % 3]) for n in range(6)]
"""Two to each address, and two to none."""
MESSAGES = [notification(rule, offset=n, at=n) for n, rule in enumerate([SILENT, TANK, GAS, SMOKE, GAS, TANK])]


def test_the_more_severe_goes_first_then_life_safety_then_the_older() -> None:
    property_alarm = notification(replace(GAS, alarm_class=AlarmClass.PROPERTY), offset=9)
    backlog = Backlog()
    for message in (*MESSAGES, property_alarm):
        backlog.add(Job(message, 100.0))
    went = [job.notification for _ in range(7) if (job := backlog.take_ready(0.0))]
    assert [message.incident.severity for message in went] == [
        Severity.EMERGENCY,
        *[Severity.ALARM] * 3,
        *[Severity.WARNING] * 2,
        Severity.ADVISORY,
    ]
    assert went[1:4] == [MESSAGES[2], MESSAGES[4], property_alarm]
    assert (len(backlog), backlog.has_ready, backlog.take_ready(0.0)) == (0, False, None)


def test_what_is_not_due_waits_and_says_until_when() -> None:
    backlog = Backlog()
    backlog.add(Job(MESSAGES[0], 100.0, due=7.0))
    assert backlog.take_ready(6.9) is None
    assert backlog.wakes_at() == 7.0
    assert backlog.take_ready(7.0) is not None


def test_what_expires_is_handed_out_once_even_if_it_is_ready() -> None:
    backlog = Backlog()
    backlog.add(Job(MESSAGES[0], 5.0))
    backlog.ripen(0.0)
    assert backlog.wakes_at() == 5.0
    assert backlog.take_expired(4.9) is None
    assert backlog.take_expired(5.0) is not None
    assert (backlog.take_expired(5.0), backlog.take_ready(5.0), backlog.has_ready) == (None, None, False)


def test_what_expired_before_it_was_due_is_not_handed_out() -> None:
    backlog = Backlog()
    backlog.add(Job(MESSAGES[0], 5.0, due=9.0))
    assert backlog.take_expired(6.0) is not None
    assert backlog.take_ready(10.0) is None
    assert backlog.wakes_at() is None


def test_what_was_sent_long_before_its_deadline_is_not_kept_until_then() -> None:
    backlog = Backlog()
    for n in range(1_000):
        backlog.add(Job(MESSAGES[n % 6], 100_000.0, due=0.0))
        assert backlog.take_ready(1.0) is not None
    assert len(backlog._expiring) < 200


def to(address: str, offset: int) -> Notification:
    return notification(GAS, offset=offset, at=offset, address=address)


def test_one_address_gets_two_at_once_and_the_others_go_on() -> None:
    backlog = Backlog(per_address=2)
    for offset in range(4):
        backlog.add(Job(to("hangs", offset), 100.0))
    backlog.add(Job(to("other", 9), 100.0))
    out = [job for _ in range(9) if (job := backlog.take_ready(0.0))]
    assert [job.notification.address for job in out] == ["hangs", "hangs", "other"]
    assert (len(backlog), backlog.has_ready) == (2, False)
    backlog.release(out[2])
    assert not backlog.has_ready
    backlog.release(out[0])
    again = backlog.take_ready(0.0)
    assert again is not None
    assert again.notification == to("hangs", 2), "the most urgent of its address"
    assert backlog.take_ready(0.0) is None


def test_messages_to_systems_are_not_bounded_by_their_address() -> None:
    assert address_of(notification()) == ""
    assert address_of(notification(purpose=Purpose.ASK)) == "duty", "whose browsers the channel knows"
    backlog = Backlog(per_address=1)
    for message in MESSAGES:
        backlog.add(Job(message, 100.0))
    assert len([job for _ in range(6) if (job := backlog.take_ready(0.0))]) == 6


def test_a_place_that_a_withdrawn_job_would_have_taken_is_not_lost() -> None:
    backlog = Backlog(per_address=1)
    jobs = [Job(to("same", offset), 100.0) for offset in range(3)]
    for job in jobs:
        backlog.add(job)
    assert backlog.take_ready(0.0) is jobs[0]
    assert not backlog.has_ready
    backlog.release(jobs[0])
    assert backlog.remove(jobs[1].notification.id) is jobs[1]
    assert backlog.remove(jobs[1].notification.id) is None
    assert backlog.take_ready(0.0) is jobs[2]


def test_a_shunned_address_goes_only_where_no_other_can() -> None:
    backlog = Backlog()
    shunned, other = Job(to("bad", 0), 100.0), Job(to("good", 1), 100.0)
    backlog.add(shunned)
    backlog.add(other)
    assert backlog.take_ready(0.0, "bad") is other
    assert backlog.take_ready(0.0, "bad") is shunned
    assert backlog.take_ready(0.0, "bad") is None


@pytest.mark.parametrize("due", [0.0, 50_000.0])
def test_what_is_withdrawn_leaves_nothing_behind(due: float) -> None:
    backlog = Backlog(per_address=1)
    stays = Job(to("same", 0), 100_000.0)
    backlog.add(stays)
    for offset in range(1_000):
        job = Job(to("same" if offset % 2 else f"{offset}", offset + 1), 100_000.0, due=due)
        backlog.add(job)
        backlog.ripen(1.0)
        backlog.remove(job.notification.id)
    sizes = [len(backlog._ready), len(backlog._delayed), len(backlog._expiring), sum(map(len, backlog._held.values()))]
    assert max(sizes) < 200


ADDS = st.tuples(st.integers(0, 5), st.integers(0, 20), st.integers(0, 20))
TAKES = st.sampled_from(["ready", "expired", "release", "remove"])


@given(st.lists(st.one_of(ADDS, TAKES), max_size=200))
def test_each_job_is_handed_out_as_an_obvious_list_would(steps: list[tuple[int, int, int] | str]) -> None:
    backlog = Backlog(per_address=1)
    listed: list[Job] = []
    out: list[Job] = []
    expires: dict[int, float] = {}  # a job that comes back for another attempt keeps its deadline
    done: set[int] = set()
    now = 0.0
    for step in steps:
        now += 0.25
        got = expected = None
        match step:
            case (which, due, lasts):
                message = ADDRESSED[which]
                if which not in done and all(job.notification is not message for job in (*listed, *out)):
                    job = Job(message, expires.setdefault(which, now + lasts), due=now + due / 4)
                    backlog.add(job)
                    listed.append(job)
                continue
            case "ready":
                busy = {address_of(job.notification) for job in out} - {""}
                due_now = [job for job in listed if job.due <= now and address_of(job.notification) not in busy]
                expected = min(due_now, key=lambda job: job.notification.urgency, default=None)
                got = backlog.take_ready(now)
                out += [got] if got else []
            case "expired":
                gone = [job for job in listed if job.expires_at <= now]
                expected = min(gone, key=lambda job: (job.expires_at, job.notification.id), default=None)
                got = backlog.take_expired(now)
            case "release" if out:
                backlog.release(out.pop(0))
            case "remove" if listed:
                expected = listed[0]
                got = backlog.remove(expected.notification.id)
        assert got is expected
        if got is not None:
            listed.remove(got)
            if step != "ready":
                done.add(ADDRESSED.index(got.notification))
        assert len(backlog) == len(listed)
