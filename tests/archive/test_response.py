"""The response in the archive: its steps, who was asked, who looked, and the timeline that they make."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from alerts.audit_event import AuditEvent
from alerts.evidence.chain import Chain, first_fault
from alerts.incident import (
    Acceptance,
    EventKind,
    Exercise,
    IncidentEvent,
    IncidentState,
    NotificationEvent,
    NotificationStatus,
    Outcome,
    encode_event,
)
from alerts.response_event import ResponseEvent, ResponseKind
from storage.archive import recent_incidents
from storage.archive.past import open_past
from storage.journal import RecordKind
from tests.archive.conftest import NOW_US, Running, append, control
from tests.support.incident import gas

if TYPE_CHECKING:
    from alerts.incident import AlertEvent, Incident
    from devices import Registry
    from storage.journal import Journal
    from tests.support.postgres import Database

pytestmark = pytest.mark.real

FORMER = Path(__file__).parents[1] / "alerts" / "data" / "event-acknowledged.bin"
AT = datetime(2026, 11, 22, 4, tzinfo=UTC)
S = 1_000_000

RAISED = gas(
    at_us=NOW_US,
    device="shuibei/gas-0000",
    revision=1,
    building="5",
    floor="2",
    unit_name="201",
    gateway="gw-1",
)
CLOSED = msgspec.structs.replace(
    RAISED,
    state=IncidentState.CLOSED,
    revision=7,
    accepted_us=NOW_US + 10 * S,
    accepted_by="wang",
    acceptances=(Acceptance("wang", NOW_US + 10 * S), Acceptance("zh\0ao", NOW_US + 11 * S)),
    dispatched_us=NOW_US + 20 * S,
    dispatched_to="station-3",
    arrived_us=NOW_US + 30 * S,
    verified_us=NOW_US + 40 * S,
    closed_us=NOW_US + 50 * S,
    closed_by="wang",
    outcome=Outcome.UNFOUNDED,
    rating=5,
    rated_by="chief",
    handed_to="",
)


def told(kind: EventKind, after: Incident, by: str = "") -> IncidentEvent:
    return IncidentEvent(
        id=f"{after.id}-{after.revision}",
        kind=kind,
        time_us=NOW_US + after.revision,
        by=by,
        origin="link" if by else "",
        text_en="said",
        text_zh="说",
        incident=after,
    )


def settled(status: NotificationStatus, time_us: int) -> NotificationEvent:
    return NotificationEvent(
        notification="N" * 20,
        incident=RAISED.id,
        recipient="wang",
        channel="sms",
        status=status,
        time_us=time_us,
        attempts=1,
        detail="receipt 17",
    )


ASKED = ResponseEvent(
    id="A1B2C3D4-r1",
    kind=ResponseKind.ASKED,
    incident=RAISED.id,
    time_us=NOW_US + 2,
    text_en="wang is asked\0",
    text_zh="询问 wang",
    person="wang",
    notification="N" * 20,
    step=0,
    detail="sms",
)
SEEN = AuditEvent(
    id="A" * 20,
    time_us=NOW_US + 6,
    by="wang",
    origin="link 203.0.113.7",
    subject="shuibei/watch-7",
    what="location",
    incident=RAISED.id,
    allowed=True,
)
PEEKED = msgspec.structs.replace(SEEN, id="B" * 20, incident="", allowed=False, what="health")


async def store(database: Database, journal: Journal, registry: Registry, *events: AlertEvent | bytes) -> None:
    bodies = [event if isinstance(event, bytes) else encode_event(event) for event in events]
    async with Running(database, journal, registry) as running:
        await append(journal, *(control(RecordKind.EVENT, body) for body in bodies))
        await running.catches_up()
        assert running.archive.counters.set_aside == 0


async def test_an_incident_is_stored_with_every_step_of_its_response(
    database: Database, journal: Journal, registry: Registry
) -> None:
    await store(database, journal, registry, told(EventKind.RAISED, RAISED), told(EventKind.CLOSED, CLOSED, "chief"))
    assert database.rows(
        "SELECT state, accepted, accepted_by, dispatched, dispatched_to, arrived, verified, closed, closed_by, outcome,"
        " rating, rated_by, handed_to, exercise FROM vigil.incidents"
    ) == [
        (
            *("closed", AT + timedelta(seconds=10), "wang", AT + timedelta(seconds=20), "station-3"),
            *(AT + timedelta(seconds=30), AT + timedelta(seconds=40), AT + timedelta(seconds=50), "wang"),
            *("unfounded", 5, "chief", "", None),
        )
    ]
    assert database.rows("SELECT building, floor, unit_name, gateway, unit FROM vigil.incidents") == [
        ("5", "2", "201", "gw-1", "%LEL")
    ]
    assert database.rows(
        "SELECT person ->> 'by', (person ->> 'time')::timestamptz"
        " FROM vigil.incidents, jsonb_array_elements(acceptances) WITH ORDINALITY AS p (person, n) ORDER BY n"
    ) == [("wang", AT + timedelta(seconds=10)), ("zh\N{REPLACEMENT CHARACTER}ao", AT + timedelta(seconds=11))]
    (line,) = recent_incidents(database.dsn)
    assert (line.state, line.rating, line.exercise) == ("closed", 5, None)


async def test_who_was_asked_and_who_looked_is_stored_once(
    database: Database, journal: Journal, registry: Registry
) -> None:
    await store(database, journal, registry, ASKED, SEEN, PEEKED, ASKED, PEEKED)
    assert database.rows(
        "SELECT kind, time, person, notification_id, step, detail, text_en, text_zh FROM vigil.response_events"
    ) == [
        (
            *("asked", AT + timedelta(microseconds=2), "wang", "N" * 20, 0, "sms"),
            *("wang is asked\N{REPLACEMENT CHARACTER}", "询问 wang"),
        )
    ]
    assert database.rows(
        "SELECT by, origin, subject, what, incident_id, allowed FROM vigil.audit_events ORDER BY 6"
    ) == [
        ("wang", "link 203.0.113.7", "shuibei/watch-7", "health", "", False),
        ("wang", "link 203.0.113.7", "shuibei/watch-7", "location", RAISED.id, True),
    ]


async def test_the_timeline_in_the_database_is_the_one_that_was_chained(
    database: Database, journal: Journal, registry: Registry
) -> None:
    accepted = msgspec.structs.replace(RAISED, revision=2, state=IncidentState.ACCEPTED)
    events = Chain().add(
        [
            told(EventKind.RAISED, RAISED),
            msgspec.structs.replace(ASKED, text_en="wang is asked"),
            settled(NotificationStatus.HANDED, NOW_US + 3),
            settled(NotificationStatus.RECEIVED, NOW_US + 4),
            told(EventKind.ACCEPTED, accepted, "wang"),
            settled(NotificationStatus.ANSWERED, NOW_US + 5),
            SEEN,
            msgspec.structs.replace(SEEN, id="C" * 20, allowed=False),
        ]
    )
    await store(database, journal, registry, *events)
    with open_past(database.dsn) as past:
        lines = [(one.line, one.digest) for one in past.timeline(RAISED.id)]
        assert past.timeline("NOSUCH00") == []
    assert len(lines) == 8
    assert first_fault(lines) is None


async def test_what_a_former_version_left_in_the_journal_is_stored_with_who_took_it(
    database: Database, journal: Journal, registry: Registry
) -> None:
    await store(database, journal, registry, FORMER.read_bytes())
    assert database.rows(
        "SELECT state, accepted_by, acceptances -> 0 ->> 'by', accepted IS NULL FROM vigil.incidents"
    ) == [("accepted", "li", "li", False)]
    assert database.rows("SELECT kind FROM vigil.incident_events") == [("accepted",)]


async def test_nobody_learns_from_an_exercise(database: Database, journal: Journal, registry: Registry) -> None:
    drill = msgspec.structs.replace(CLOSED, id="DR1LL000", exercise=Exercise.DRILL)
    await store(database, journal, registry, told(EventKind.CLOSED, CLOSED), told(EventKind.CLOSED, drill))
    with open_past(database.dsn) as past:
        (judged,) = past.verified(NOW_US - 1, NOW_US + 1)
    assert (judged.device, judged.outcome) == ("shuibei/gas-0000", "unfounded")
    assert {line.exercise for line in recent_incidents(database.dsn)} == {None, "drill"}


async def test_directories_are_passed_over(database: Database, journal: Journal, registry: Registry) -> None:
    async with Running(database, journal, registry) as running:
        await append(journal, control(RecordKind.DIRECTORY, b"whatever"))
        await append(journal, control(RecordKind.EVENT, encode_event(ASKED)))
        await running.catches_up()
        assert running.archive.counters.set_aside == 0
    assert database.value("SELECT count(*) FROM vigil.response_events") == 1
