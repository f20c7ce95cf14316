from __future__ import annotations

from typing import get_args

import msgspec
import pytest

from alerts import (
    Accept,
    Command,
    NotificationEvent,
    NotificationStatus,
    Outcome,
    Reopen,
    Resolve,
    Settle,
    decode_command,
    decode_event,
    encode_command,
    encode_event,
)
from alerts.audit_event import AuditEvent
from alerts.command import (
    Arrive,
    Audit,
    Close,
    Dispatch,
    EndSilence,
    External,
    HandOver,
    Matcher,
    NeedHelp,
    Note,
    Refuse,
    Silence,
    StartDrill,
    Subscribe,
    Test,
    Unsubscribe,
    Verify,
)
from alerts.incident import AlertEvent
from alerts.response_event import ResponseEvent, ResponseKind
from tests.alerts.scene import notification, raised, shadowed

COMMANDS: list[Command] = [
    Accept(incident="K7QM2X9A", by="李", origin="cli"),
    Resolve(incident="K7QM2X9A", by="li", origin="api", outcome=Outcome.FALSE_ALARM, note="toast"),
    Reopen(incident="K7QM2X9A", by="li", origin="api"),
    Refuse(incident="K7QM2X9A", by="li", origin="sms", notification="N"),
    NeedHelp(incident="K7QM2X9A", by="li", origin="link"),
    HandOver(incident="K7QM2X9A", by="li", origin="api", to="wang"),
    Dispatch(incident="K7QM2X9A", by="li", origin="api", to="station-3"),
    Arrive(incident="K7QM2X9A", by="li", origin="watch"),
    Verify(incident="K7QM2X9A", by="li", origin="link", outcome=Outcome.UNFOUNDED),
    Resolve(incident="K7QM2X9A", by="li", origin="api"),
    Close(incident="K7QM2X9A", by="li", origin="api", rating=5),
    Note(incident="K7QM2X9A", by="li", origin="api", note="狗"),
    Settle(notification="N", status=NotificationStatus.EXPIRED, detail="", attempts=3),
    Silence(matcher=Matcher(site="s"), ends_us=9, by="li", origin="api", reason="work", maintenance=True),
    EndSilence(id="S", by="li", origin="api"),
    StartDrill(device="s/d", rule="gas.high", by="li", origin="cli"),
    Test(by="li", origin="cli", people=("wang",)),
    Subscribe(person="li", subscription="{}", origin="page"),
    Unsubscribe(endpoint="https://push.example", origin="push"),
    External(source="p", fingerprint="f", name="n", summary="s", severity="alarm", holds=False, since_us=3),
    Audit(by="li", origin="page", subject="s/d", what="location", incident="K7QM2X9A"),
]


def test_every_command_and_event_is_tried_here() -> None:
    assert {type(command) for command in COMMANDS} == set(get_args(Command))
    assert {type(event) for event in EVENTS} == set(get_args(AlertEvent))


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_come_back_from_the_journal_as_they_went_in(command: Command) -> None:
    assert decode_command(encode_command(command)) == command


EVENTS: list[AlertEvent] = [
    raised(),
    NotificationEvent(
        notification="N",
        incident="I",
        recipient="duty",
        channel="hook",
        status=NotificationStatus.HANDED,
        time_us=5,
        attempts=1,
        detail="ok",
    ),
    ResponseEvent(
        id="I-r1", kind=ResponseKind.ESCALATED, incident="I", time_us=5, text_en="on", text_zh="升级", step=2
    ),
    AuditEvent(
        id="A", time_us=5, by="li", origin="page", subject="s/d", what="health", incident="", allowed=False, place=3
    ),
    shadowed(),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_events_come_back_from_the_journal_as_they_went_in(event: AlertEvent) -> None:
    assert decode_event(encode_event(event)) == event


@pytest.mark.parametrize("body", [b"", b"\x80", b"junk", msgspec.msgpack.encode({"type": "launch"})])
def test_what_is_no_record_is_refused(body: bytes) -> None:
    for decode in (decode_command, decode_event):
        with pytest.raises((msgspec.DecodeError, msgspec.ValidationError)):
            decode(body)


def test_a_drill_says_so_in_the_title() -> None:
    message = notification()
    assert "DRILL" not in message.title
    assert msgspec.structs.replace(message, drill=True).title.startswith("[DRILL 演练] ")
