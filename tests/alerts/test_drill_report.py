"""The report of a response: read from the lines that the real fold wrote."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from alerts.drill_report import ResponseReport, report_of
from alerts.evidence.chain import Chain
from alerts.incident import EventKind, Exercise, IncidentEvent, IncidentState, NotificationStatus
from alerts.people.model import Level, Step, StepLimits
from alerts.response import Colour, ResponseLimits, Stage
from alerts.response_event import ResponseKind
from alerts.routing import Recipient
from tests.alerts.response.desk import ONE, TWO, Desk, directory
from tests.alerts.scene import T0, S

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alerts.evidence.line import ChainedEvent
    from alerts.people.model import Directory

LIMITS = StepLimits(accept_s=100, arrive_s=200, resolve_s=1000)
STREET = (Level(name="street", to=("person:chief",)),)
REFUSES = directory(Step(to=("person:li",)), Step(to=("person:wang",), after_s=120), limits=(LIMITS,), levels=STREET)


def run(script: str, people: Directory = TWO, **how: Any) -> Desk:
    """Play a script, whatever is sent by it."""
    desk = Desk(people, **how)
    for line in script.splitlines():
        if line.strip():
            at, *words = line.split()
            desk.advance(float(at))
            desk.do(words)
    return desk


def events(desk: Desk, incident: str = "") -> list[ChainedEvent]:
    """Return an incident's lines as they are in its chain."""
    wanted = incident or desk.incident().id
    chained = Chain().add([event for _, event in desk.lines])
    return [event for event in chained if _of(event) == wanted]  # type: ignore[misc]


def _of(event: Any) -> str:
    return event.incident.id if isinstance(event, IncidentEvent) else event.incident


def report(desk: Desk, lines: Sequence[ChainedEvent] | None = None) -> ResponseReport:
    limits = desk.directory.limits[0] if desk.directory.limits else None
    found = events(desk) if lines is None else lines
    return report_of(desk.incident(), found, limits, desk.now_us)


def test_who_was_asked_by_what_and_when_it_was_handed_received_and_answered() -> None:
    desk = run(
        """
          0 drill smoke flat-201
          1 handed+ li app
          2 received li app
         70 handed li sms
        100 accept li
        """
    )
    found = report(desk)
    assert (found.exercise, found.begun_by, found.state) == (Exercise.DRILL, "trainer", IncidentState.ACCEPTED)
    (li,) = found.people
    app, sms = li.tries
    at = [app.asked_us, app.handed_us, app.received_us, sms.asked_us, sms.handed_us, sms.answered_us]
    assert [None if us is None else (us - T0) / S for us in at] == [0, 1, 2, 61, 70, 100]
    assert (app.channel, app.status, app.answered_us) == ("app", NotificationStatus.RECEIVED, None)
    assert (sms.channel, sms.status, sms.received_us) == ("sms", NotificationStatus.ANSWERED, None)
    assert (li.answer, li.via, li.after_s, li.unreached) == (EventKind.ACCEPTED, "test", 100.0, False)
    assert found.first is not None
    assert (found.first.person, found.first.after_s) == ("li", 100.0)
    assert (found.silent, found.missing, found.ended_us) == ((), 0, None)


def test_who_never_answered_is_named_with_the_time_that_they_had() -> None:
    desk = run("0 drill smoke flat-201\n1 handed li app\n120 handed wang sms\n150 accept wang\n400 resolve chief test")
    found = report(desk)
    assert found.silent == ("li",)
    assert [(one.person, one.after_s) for one in found.people] == [("li", 150.0), ("wang", 30.0)]
    assert found.first is not None
    assert found.first.person == "wang"
    assert (found.ended_by, found.state) == ("chief", IncidentState.RESOLVED)
    assert [one.kind for one in found.course] == [
        EventKind.RAISED,
        ResponseKind.ESCALATED,
        ResponseKind.UNREACHED,
        EventKind.ACCEPTED,
        EventKind.RESOLVED,
    ]
    assert [one.after_s for one in found.course] == [0, 120, 121, 150, 400]
    assert not any(one.unreached for one in found.people), "it was handed over, and she did not answer"


def test_whoever_ends_a_drill_has_not_answered_it_unless_they_were_asked() -> None:
    led = report(run("0 drill smoke flat-201\n9 resolve trainer test"))
    assert (led.first, led.silent, led.ended_by) == (None, ("li",), "trainer")
    assert [(one.stage, one.ended_us, one.took_s) for one in led.stages] == [(Stage.ACCEPT, None, 9.0)]
    asked = report(run("0 drill smoke flat-201\n1 handed li app\n9 resolve li test"))
    assert asked.first is not None
    assert (asked.first.person, asked.first.kind, asked.silent) == ("li", EventKind.RESOLVED, ())


def test_whoever_resolves_what_is_real_was_on_it() -> None:
    found = report(run("0 raise smoke\n9 resolve passer-by true"))
    assert found.first is not None
    assert (found.first.person, [one.stage for one in found.stages]) == ("passer-by", [Stage.ACCEPT, Stage.RESOLVE])


def test_a_refusal_is_an_answer_and_takes_nothing_up() -> None:
    desk = run("0 raise smoke\n1 handed li app\n20 refuse li\n25 handed wang sms\n60 accept wang", REFUSES)
    found = report(desk)
    assert found.exercise is None
    assert found.begun_by == ""
    assert [(one.person, one.answer, one.after_s) for one in found.people] == [
        ("li", EventKind.REFUSED, 20.0),
        ("wang", EventKind.ACCEPTED, 40.0),
    ]
    assert found.first is not None
    assert found.first.person == "wang"
    assert found.silent == ()


def test_each_step_against_its_limit() -> None:
    desk = run("0 raise smoke\n90 accept li\n100 arrive li\n2000 resolve li true", REFUSES)
    assert [(one.stage, one.took_s, one.limit_s, one.colour) for one in report(desk).stages] == [
        (Stage.ACCEPT, 90.0, 100, Colour.YELLOW),
        (Stage.ARRIVE, 10.0, 200, Colour.NONE),
        (Stage.RESOLVE, 1900.0, 1000, Colour.RED),
    ]


def test_what_is_waited_for_still_takes_its_time() -> None:
    desk = run("0 raise smoke\n50 accept li\n169 handed li app", REFUSES)
    *_, waited = report(desk).stages
    assert (waited.stage, waited.ended_us, waited.took_s, waited.colour) == (Stage.ARRIVE, None, 119.0, Colour.BLUE)
    nobody = run("0 raise smoke\n260 handed li app", REFUSES)
    (accept,) = report(nobody).stages
    assert (accept.stage, accept.ended_us, accept.took_s, accept.colour) == (Stage.ACCEPT, None, 260.0, Colour.RED)
    kinds = [one.kind for one in report(nobody).course]
    assert [kinds.count(kind) for kind in (ResponseKind.REMINDED, ResponseKind.WARNED, ResponseKind.OVERDUE)] == 3 * [1]
    assert ResponseKind.WHISTLED in kinds


def test_a_drill_that_ends_by_itself_was_accepted_by_nobody() -> None:
    desk = run("0 drill smoke flat-201")
    desk.advance(7_200)
    desk.hear(desk.incidents.advance(desk.now_us))
    found = report(desk)
    assert (found.state, found.ended_by, found.first) == (IncidentState.RESOLVED, "", None)
    assert [(one.stage, one.ended_us, one.took_s) for one in found.stages] == [(Stage.ACCEPT, None, 7_200.0)]


def test_somebody_none_of_whose_channels_was_left_was_not_reached() -> None:
    desk = run("0 raise smoke\n1 failed li app\n2 failed li sms\n3 failed li voice", ONE)
    (li,) = report(desk).people
    assert (li.unreached, li.answer) == (True, None)
    assert [(one.channel, one.status, one.detail) for one in li.tries] == [
        ("app", NotificationStatus.FAILED, "as told"),
        ("sms", NotificationStatus.FAILED, "as told"),
        ("voice", NotificationStatus.FAILED, "as told"),
    ]


def test_who_was_not_asked_and_helped_all_the_same_is_there_too() -> None:
    found = report(run("0 raise smoke\n30 accept passer-by"))
    assert [(one.person, one.asked_us, one.after_s) for one in found.people if not one.tries] == [
        ("passer-by", None, None)
    ]
    assert found.silent == ("li",)


def test_systems_were_told_and_not_asked() -> None:
    desk = run(
        "0 raise smoke\n1 received wall tv\n2 failed wall horn",
        recipients=(Recipient("wall", ("tv", "horn")),),
    )
    assert [(one.recipient, one.channel, one.messages, one.arrived) for one in report(desk).told] == [
        ("wall", "tv", 1, 1),
        ("wall", "horn", 1, 0),
    ]


def test_it_is_about_the_last_time_that_the_incident_was_raised() -> None:
    desk = run("0 raise smoke\n9 accept li\n20 resolve li true\n60 reopen li\n61 handed li app\n70 accept li")
    found = report(desk)
    assert found.raised_us == T0 + 60 * S
    assert [one.kind for one in found.course] == [EventKind.REOPENED, EventKind.ACCEPTED]
    (li,) = found.people
    assert (li.after_s, len(li.tries)) == (10.0, 1)


def test_lines_that_are_gone_are_counted() -> None:
    desk = run("0 raise smoke\n1 handed li app\n9 accept li")
    lines = events(desk)
    found = report(desk, lines[2:])
    assert (found.missing, found.raised_us) == (2, T0)
    assert report(desk, []).missing == 0


def test_it_reads_the_same_from_json() -> None:
    found = report(run("0 drill smoke flat-201\n1 handed li app\n9 accept li", REFUSES))
    assert msgspec.json.decode(msgspec.json.encode(found), type=ResponseReport) == found


STEPS = st.sampled_from(
    [
        "accept li",
        "accept wang",
        "refuse li",
        "help li",
        "arrive wang",
        "handed li app",
        "received li app",
        "failed li app",
        "resolve chief test",
        "reopen li",
    ]
)


@given(steps=st.lists(st.tuples(st.integers(0, 200), STEPS), max_size=12), cut=st.integers(0, 5))
def test_any_history_gives_a_report(steps: list[tuple[int, str]], cut: int) -> None:
    desk = Desk(REFUSES, limits=ResponseLimits())
    desk.do(["drill", "smoke", "flat-201"])
    for after, step in steps:
        desk.advance(desk.now + after)
        with suppress(AssertionError, StopIteration):  # it cannot be as things are
            desk.do(step.split())
    found = report(desk, events(desk)[cut:])
    assert not set(found.silent) & {one.person for one in found.people if one.answer is not None}
    assert all(one.took_s >= 0 for one in found.stages)
    assert all(one.after_s is None or one.after_s >= 0 for one in found.people)
    assert [one.time_us for one in found.course] == sorted(one.time_us for one in found.course)
    if found.first is not None:
        assert found.first.kind is not EventKind.REFUSED
