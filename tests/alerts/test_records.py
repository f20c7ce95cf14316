from __future__ import annotations

import msgspec
import pytest

from alerts import (
    Acknowledge,
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
from tests.alerts.scene import notification, raised, shadowed

COMMANDS: list[Command] = [
    Acknowledge(incident="K7QM2X9A", by="李", origin="cli"),
    Resolve(incident="K7QM2X9A", by="li", origin="api", outcome=Outcome.FALSE_ALARM, note="toast"),
    Reopen(incident="K7QM2X9A", by="li", origin="api"),
    Settle(notification="N", status=NotificationStatus.EXPIRED, detail="", attempts=3),
]


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_come_back_from_the_journal_as_they_went_in(command: Command) -> None:
    assert decode_command(encode_command(command)) == command


def test_events_come_back_from_the_journal_as_they_went_in() -> None:
    became = NotificationEvent(
        notification="N",
        incident="I",
        recipient="duty",
        channel="hook",
        status=NotificationStatus.DELIVERED,
        time_us=5,
        attempts=1,
        detail="ok",
    )
    for event in (raised(), became, shadowed()):
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
