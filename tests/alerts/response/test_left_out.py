"""Nothing open is left without anybody who has it or is asked about it, whatever was answered, held or silenced."""

from __future__ import annotations

from typing import Final

import pytest

from alerts.command import Matcher, Silence
from alerts.counters import ResponseBound
from alerts.incident import IncidentState, NotificationStatus
from alerts.noise.post import PostLimits
from alerts.notification import Purpose
from alerts.people.model import Contact, Directory, Person, Step, Window
from alerts.response_event import ResponseEvent, ResponseKind
from devices.model import Device, Kind
from tests.alerts.response.desk import BOSS, DEVICES, TWO, Desk, directory
from tests.alerts.scene import T0, S

ONE_WAY: Final = Person(name="li", contacts=(Contact("sms", "+8613800000001"),))


def told(script: str, people: Directory = TWO, **facts: PostLimits) -> Desk:
    """Do what a script says, all at once."""
    desk = Desk(people, **facts)  # type: ignore[arg-type]
    for line in script.splitlines():
        if line.strip():
            desk.do(line.split())
    return desk


def asked_of(desk: Desk, device: str, since: float = 0.0) -> list[str]:
    """Return who was asked about the incident of a device."""
    incident = desk.incident(device).id
    return [m.recipient for at, m in desk.sent if at >= since and m.incident.id == incident and m.purpose == "ask"]


@pytest.mark.parametrize(
    "words", ["accept li", "arrive li", "dispatch li", "help li", "hand li wang", "verify li true"]
)
def test_whoever_takes_up_the_lead_has_its_members(words: str) -> None:
    desk = told(f"raise smoke flat-201\nraise smoke flat-202\n{words} flat-201")
    assert desk.incident("flat-202").state.is_answered
    assert desk.incident("flat-202").accepted_by == "li"


def test_a_member_that_is_given_back_is_asked_about_while_somebody_is_on_the_lead() -> None:
    desk = told("raise smoke flat-201\nraise smoke flat-202\naccept li flat-201\nrefuse li flat-202")
    desk.advance(1)
    assert desk.incident("flat-202").state is IncidentState.RAISED
    assert asked_of(desk, "flat-202") == ["li"]


def test_a_member_goes_to_who_else_is_on_the_lead() -> None:
    desk = told(
        "raise smoke flat-201\nraise smoke flat-202\naccept li flat-201\naccept wang flat-201\nrefuse li flat-201"
    )
    assert desk.incident("flat-202").accepted_by == "wang"


def test_an_answered_member_does_not_succeed_where_another_waits() -> None:
    devices = {"flat-203": Device("shuibei", "flat-203", Kind.SMOKE, "smoke", "3", "5", "2", "203", 22.5, 114.1)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(DEVICES, "flat-203", devices["flat-203"])
        desk = told(
            "raise smoke flat-201\nraise smoke flat-202\nraise smoke flat-203\n"
            "accept li flat-202\nresolve wang true flat-201"
        )
    desk.advance(1)
    assert asked_of(desk, "flat-203") == ["li"]


def test_what_a_silence_lets_go_joins_no_group_that_is_answered() -> None:
    desk = Desk(TWO)
    flat = Matcher(device="shuibei/flat-202")
    works = Silence(matcher=flat, ends_us=T0 + 20 * S, by="li", origin="test", reason="works", life_safety=True)
    desk.command(works)
    desk.do(["raise", "smoke", "flat-202"])
    desk.advance(5)
    desk.do(["raise", "smoke", "flat-201"])
    desk.do(["accept", "li", "flat-201"])
    desk.advance(20)
    assert asked_of(desk, "flat-202", since=20) == ["li"]


def test_what_is_raised_anew_in_a_silence_is_asked_about_after_it_though_a_second_was_wanted() -> None:
    people = directory(Step(to=("person:li", "person:wang"), need=2), chain_repeat_s=None)
    desk = told("raise smoke\naccept li\nend smoke", people)
    desk.advance(1400)
    desk.do(["silence", "shuibei", "1500"])
    desk.do(["raise", "smoke"])
    assert desk.incident().state is IncidentState.RAISED
    desk.advance(1500)
    assert asked_of(desk, "flat-201", since=1500) == ["li", "wang"]


def test_a_digest_is_not_taken_back_while_it_asks_about_something_else() -> None:
    devices = {f"b{n}": Device("shuibei", f"b{n}", Kind.SMOKE, "smoke", "3", f"{n}") for n in range(8)}
    with pytest.MonkeyPatch.context() as patch:
        for name, device in devices.items():
            patch.setitem(DEVICES, name, device)
        raised = "\n".join(f"raise smoke {name}" for name in devices)
        desk = told(raised, directory(Step(to=("person:li",)), people=(ONE_WAY, BOSS)), post_limits=PostLimits())
    desk.advance(3)
    digest = desk.newest("li", "sms")
    assert digest.others_count == 2
    desk.do(["accept", "boss", "b7"])
    desk.do(["accept", "boss", "b6"])
    assert desk.outbox.status(digest.id) is NotificationStatus.QUEUED, "b5 is asked about by it alone"
    desk.do(["accept", "boss", "b5"])
    assert desk.outbox.status(digest.id) is NotificationStatus.WITHDRAWN


def test_what_waited_for_the_morning_is_of_use_then() -> None:
    quiet = Person(name="li", contacts=ONE_WAY.contacts, quiet=Window(start_min=0, end_min=1439))
    desk = told("raise tank tank-1", directory(Step(to=("person:li",)), people=(quiet,)))
    assert desk.sent == []
    desk.advance(28_800)
    at, message = desk.sent[0]
    assert at > 3_600
    assert (message.expires_us - T0) / S == at + 3_600


def test_a_contact_that_is_named_twice_is_not_tried_for_ever() -> None:
    twice = Person(name="li", contacts=(*ONE_WAY.contacts, *ONE_WAY.contacts))
    desk = told("raise tank tank-1\naccept boss", directory(Step(to=("person:li",)), people=(twice, BOSS)))
    message = desk.newest("li", "sms")
    assert message.purpose is Purpose.INFORM
    desk.settle(message, NotificationStatus.FAILED)
    assert desk.owed("inform") == []


def test_a_town_is_not_asked_about_one_alarm() -> None:
    many = tuple(
        Person(name=f"p{n}", contacts=(Contact("sms", f"+86138{n:08d}"),), roles=("grid-staff",)) for n in range(150)
    )
    desk = Desk(directory(Step(to=("role:grid-staff",)), people=many))
    desk.do(["raise", "smoke", "flat-201"])
    assert asked_of(desk, "flat-201") == [f"p{n}" for n in range(100)]
    assert desk.counters.response_full[ResponseBound.PEOPLE] == 1
    lines = [line for _, line in desk.lines if isinstance(line, ResponseEvent)]
    assert [line.text_en for line in lines if line.kind is ResponseKind.CROWDED] == [
        "150 people are meant, and the first 100 are asked."
    ]
