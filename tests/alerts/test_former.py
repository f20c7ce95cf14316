"""What the program of version 0.1 wrote: gas raised, SOS acknowledged by li, smoke resolved by wang, tank cleared."""

from __future__ import annotations

from pathlib import Path

import pytest

from alerts.command import Accept, Settle, decode_command
from alerts.incident import (
    Acceptance,
    EventKind,
    IncidentEvent,
    IncidentState,
    NotificationEvent,
    NotificationStatus,
    Outcome,
    decode_event,
    encode_event,
)
from alerts.incidents import Incidents
from alerts.lifecycle import Trigger
from tests.alerts.decisions import command
from tests.alerts.scene import GAS, SMOKE, SOS, T0, TANK, S, Scene

DATA = Path(__file__).parent / "data"


def read(name: str) -> bytes:
    return (DATA / name).read_bytes()


@pytest.fixture
def scene() -> Scene:
    scene = Scene(Incidents(), offset=100)
    scene.incidents.restore(read("incidents-acknowledged-1.bin"))
    return scene


def test_a_former_snapshot_is_read_with_who_took_what(scene: Scene) -> None:
    gas, sos = scene.incidents.open()
    tank, smoke, *_ = scene.incidents.recent(9)
    assert [one.rule_id for one in (gas, sos, smoke, tank)] == [GAS.id, SOS.id, SMOKE.id, TANK.id]
    assert [one.state for one in (gas, sos)] == [IncidentState.RAISED, IncidentState.ACCEPTED]
    assert (sos.accepted_by, sos.accepted_us, sos.note) == ("li", T0 + 70 * S, "on my way")
    assert sos.acceptances == (Acceptance("li", T0 + 70 * S),)
    assert (smoke.state, smoke.outcome, smoke.accepted_by) == (IncidentState.RESOLVED, Outcome.FALSE_ALARM, "wang")
    assert (gas.acceptances, gas.accepted_us, gas.exercise, gas.rating) == ((), None, None, None)


def test_former_incidents_go_on_and_are_written_as_now(scene: Scene) -> None:
    sos = scene.incidents.open()[1]
    now_us = T0 + 100 * S
    assert scene.incidents.apply_command(command(Trigger.ACCEPT, sos.id, "li"), now_us, 101) == []
    (event,) = scene.incidents.apply_command(command(Trigger.HAND_OVER, sos.id, "li"), now_us, 102)
    assert (event.id, event.incident.accepted_by, event.incident.handed_to) == (f"{sos.id}-3", "li", "zhao")
    assert [event.kind for event in scene.rule(SMOKE, 300)] == [EventKind.REOPENED]
    again = Incidents()
    again.restore(scene.incidents.snapshot())
    assert again.recent(9) == scene.incidents.recent(9)
    assert again.snapshot()[0] == 2


@pytest.mark.parametrize("snapshot", [b"", b"\x00", b"\x03\x82"])
def test_a_snapshot_of_another_version_is_refused(snapshot: bytes) -> None:
    with pytest.raises(ValueError, match="version"):
        Incidents().restore(snapshot)


def test_former_records_of_the_journal_are_read() -> None:
    event = decode_event(read("event-acknowledged.bin"))
    assert isinstance(event, IncidentEvent)
    assert (event.kind, event.incident.state, event.by) == (EventKind.ACCEPTED, IncidentState.ACCEPTED, "li")
    assert (event.incident.accepted_by, event.incident.accepted_us) == ("li", T0 + 70 * S)
    assert event.incident.acceptances == (Acceptance("li", T0 + 70 * S),)
    assert (event.origin, event.place, event.digest) == ("", 0, "")

    delivered = decode_event(read("event-delivered.bin"))
    assert isinstance(delivered, NotificationEvent)
    assert delivered.status is NotificationStatus.HANDED

    accept = decode_command(read("command-acknowledge.bin"))
    assert accept == Accept(incident=event.incident.id, by="li", origin="cli", note="on my way")
    settle = decode_command(read("command-settle-delivered.bin"))
    assert settle == Settle(notification="N" * 20, status=NotificationStatus.HANDED, detail="204", attempts=1)


def test_a_note_about_the_old_name_confuses_nobody() -> None:
    scene = Scene(Incidents())
    name = scene.rule(SMOKE, 0)[0].incident.id
    note = command(Trigger.NOTE, name, note="the column acknowledged_us is gone")
    (event,) = scene.incidents.apply_command(note, T0 + S, 2)
    assert decode_event(encode_event(event)) == event
