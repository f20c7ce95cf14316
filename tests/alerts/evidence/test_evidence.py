"""The chain of an incident's timeline, and the documents made of it."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from alerts.audit_event import AuditEvent
from alerts.evidence.chain import Chain, first_fault
from alerts.evidence.dossier import Dossier, as_csv, as_json, read_dossier, verdict
from alerts.evidence.line import Line, line_of
from alerts.evidence.recent import RecentEvents, SignedLine, signed
from alerts.evidence.sheet import as_pdf
from alerts.incident import (
    EventKind,
    Exercise,
    IncidentEvent,
    IncidentState,
    NotificationEvent,
    NotificationStatus,
)
from alerts.response_event import ResponseEvent, ResponseKind
from tests.support.incident import T0, S, incident

if TYPE_CHECKING:
    from alerts.incident import AlertEvent

SMOKE = incident()


def events(n: int = 6) -> list[AlertEvent]:
    """A timeline of n lines, of all kinds."""
    found: list[AlertEvent] = []
    for index in range(n):
        time_us = T0 + index * S
        match index % 4:
            case 0:
                found.append(
                    IncidentEvent(
                        id=f"A1B2C3D4-{index}",
                        kind=EventKind.ACCEPTED if index else EventKind.RAISED,
                        time_us=time_us,
                        by="li",
                        text_en="li is on it",
                        text_zh="李已受理",
                        incident=SMOKE,
                        origin="link",
                    )
                )
            case 1:
                found.append(
                    ResponseEvent(
                        id=f"A1B2C3D4-r{index}",
                        kind=ResponseKind.ASKED,
                        incident=SMOKE.id,
                        time_us=time_us,
                        text_en="li was asked by sms",
                        text_zh="已短信询问李",
                        person="li",
                        notification="N" * 20,
                    )
                )
            case 2:
                found.append(
                    NotificationEvent(
                        notification="N" * 20,
                        incident=SMOKE.id,
                        recipient="li",
                        channel="sms",
                        status=NotificationStatus.RECEIVED,
                        time_us=time_us,
                        attempts=1,
                        detail="=DELIVRD",
                    )
                )
            case _:
                found.append(
                    AuditEvent(
                        id=f"audit{index}",
                        time_us=time_us,
                        by="wang",
                        origin="link",
                        subject=SMOKE.device,
                        what="location",
                        incident=SMOKE.id,
                        allowed=True,
                    )
                )
    return found


def dossier(n: int = 6) -> Dossier:
    chain, recent = Chain(), RecentEvents()
    recent.add(chain.add(events(n)))
    ended = replace(
        SMOKE, state=IncidentState.RESOLVED, accepted_us=T0 + 40 * S, accepted_by="li", closed_us=T0 + 900 * S
    )
    return Dossier(
        incident=ended,
        lines=tuple(signed(one) for one in recent.of(SMOKE.id)),
        head=chain.head(SMOKE.id)[1],
        made_us=T0 + 1000 * S,
    )


def test_a_whole_chain_is_found_whole() -> None:
    made = dossier(9)
    assert [one.line.place for one in made.lines] == list(range(1, 10))
    assert verdict(made) is None


_FIELDS = st.sampled_from(["time_us", "kind", "who", "via", "text_en", "text_zh", "detail", "notification", "place"])


@given(st.integers(0, 8), _FIELDS)
def test_any_line_that_was_changed_is_found(index: int, field: str) -> None:
    made = dossier(9)
    line = made.lines[index].line
    value = getattr(line, field)
    changed = replace(line, **{field: value + 1 if isinstance(value, int) else value + "x"})
    lines = [(one.line, one.digest) for one in made.lines]
    lines[index] = (changed, lines[index][1])
    assert first_fault(lines) == index


@pytest.mark.parametrize("index", range(6))
def test_a_line_that_was_left_out_is_found(index: int) -> None:
    made = dossier(6)
    left = made.lines[:index] + made.lines[index + 1 :]
    assert verdict(replace(made, lines=left)) is not None


def test_a_line_forged_with_its_own_digest_does_not_follow() -> None:
    made = dossier(4)
    other = Chain()
    forged = [SignedLine(line_of(event, event.place), event.digest) for event in other.add(events(3))]  # type: ignore[arg-type,union-attr]
    lines = (forged[0], replace(forged[1], line=replace(forged[1].line, who="nobody")), *made.lines[2:])
    assert verdict(replace(made, lines=lines)) is not None


def test_the_chain_goes_on_after_a_restart_as_it_would_have_without() -> None:
    whole = Chain()
    expected = whole.add(events(8))
    before = Chain()
    first = before.add(events(8)[:5])
    after = Chain()
    after.restore(before.snapshot())
    assert [*first, *after.add(events(8)[5:])] == expected


def test_the_line_format_stays() -> None:
    assert Line.__struct_fields__ == (
        *("incident", "place", "time_us", "what", "kind", "who", "via", "notification", "text_en", "text_zh", "detail"),
    )


def test_events_of_no_incident_are_not_chained() -> None:
    event = AuditEvent(
        id="x", time_us=T0, by="w", origin="api", subject="shuibei/w1", what="contact", incident="", allowed=False
    )
    assert Chain().add([event]) == [event]


def test_json_comes_back_as_it_was() -> None:
    made = dossier()
    assert read_dossier(as_json(made)) == made


def test_csv_has_a_line_each_and_no_formulas() -> None:
    rows = list(csv.DictReader(io.StringIO(as_csv(dossier(7)).decode("utf-8-sig"))))
    assert [row["place"] for row in rows] == ["1", "2", "3", "4", "5", "6", "7"]
    assert rows[0]["text_zh"] == "李已受理"
    assert rows[2]["detail"] == "'=DELIVRD"


@pytest.mark.parametrize("n", [0, 1, 40, 400])
def test_pdf_is_one_page_however_long_the_timeline(n: int) -> None:
    page = as_pdf(dossier(n), "Asia/Shanghai")
    assert page.startswith(b"%PDF-")
    assert page.count(b"/Type /Page\n") == 1


def test_pdf_of_a_drill_is_marked() -> None:
    made = dossier()
    drill = replace(made, incident=replace(made.incident, exercise=Exercise.DRILL))
    assert as_pdf(drill, "UTC") != as_pdf(made, "UTC")


def test_recent_lines_forget_the_oldest_first() -> None:
    chain, recent = Chain(), RecentEvents(kept=3)
    recent.add(chain.add(events(5)))
    assert [one.place for one in recent.of(SMOKE.id)] == [3, 4, 5]
    again = RecentEvents(kept=3)
    again.restore(recent.snapshot())
    assert again.of(SMOKE.id) == recent.of(SMOKE.id)
