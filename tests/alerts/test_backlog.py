from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from alerts.backlog import Backlog, Job
from rules.model import AlarmClass, Severity
from tests.alerts.scene import GAS, SILENT, SMOKE, TANK, notification

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


ADDS = st.tuples(st.integers(0, 5), st.integers(0, 20), st.integers(0, 20))


@given(st.lists(st.one_of(ADDS, st.sampled_from(["ready", "expired"])), max_size=200))
def test_each_job_is_handed_out_as_an_obvious_list_would(steps: list[tuple[int, int, int] | str]) -> None:
    backlog = Backlog()
    listed: list[Job] = []
    expires: dict[int, float] = {}  # a job that comes back for another attempt keeps its deadline
    done: set[int] = set()
    now = 0.0
    for step in steps:
        now += 0.25
        if isinstance(step, tuple):
            which, due, lasts = step
            if which not in done and all(job.notification is not MESSAGES[which] for job in listed):
                job = Job(MESSAGES[which], expires.setdefault(which, now + lasts), due=now + due / 4)
                backlog.add(job)
                listed.append(job)
            continue
        if step == "ready":
            candidates = [job for job in listed if job.due <= now]
            expected = min(candidates, key=lambda job: job.notification.urgency, default=None)
            got = backlog.take_ready(now)
        else:
            candidates = [job for job in listed if job.expires_at <= now]
            expected = min(candidates, key=lambda job: (job.expires_at, job.notification.id), default=None)
            got = backlog.take_expired(now)
        assert got is expected
        if got is not None:
            listed.remove(got)
            if step == "expired":
                done.add(MESSAGES.index(got.notification))
        assert len(backlog) == len(listed)
