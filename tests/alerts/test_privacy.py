"""Where an elder is and how they are is told while the incident is open, and not afterwards."""

from __future__ import annotations

import json
from typing import Any

import pytest

from alerts.channels.document import document
from alerts.incident import EventKind, Incident, IncidentState
from alerts.privacy import VEIL_EN, shown
from alerts.wording import story, title
from devices.model import Kind
from tests.support.incident import incident, message

PLACE = "shuibei, grid 3, building 5, floor 12, 1203"
HEALTH = "heart rate 38 bpm"


def watch(state: IncidentState, **facts: Any) -> Incident:
    facts = {"kind": Kind.WATCH, "place": PLACE, "place_zh": PLACE, "what_en": HEALTH, "what_zh": HEALTH} | facts
    return incident(state=state, value=38.0, note="fell in the bath", building="5", **facts)


@pytest.mark.parametrize("kind", [EventKind.RESOLVED, EventKind.CLEARED, EventKind.CLOSED])
def test_the_end_of_an_elders_incident_tells_neither_place_nor_health_nor_notes(kind: EventKind) -> None:
    ended = watch(IncidentState(kind), rule_name_en="SOS")
    said = " ".join([*title(kind, ended), *story(kind, ended, "li", "fell in the bath")])
    assert "SOS" in said
    assert not [word for word in (PLACE, HEALTH, "bath") if word in said]


@pytest.mark.parametrize("kind", [EventKind.RAISED, EventKind.ACCEPTED, EventKind.VERIFIED])
def test_while_it_is_open_all_of_it_is_told(kind: EventKind) -> None:
    told = watch(IncidentState(kind))
    assert shown(told) == told
    assert PLACE in story(kind, told, "li", "fell in the bath").en


def test_what_other_devices_say_is_told_to_the_end() -> None:
    ended = watch(IncidentState.RESOLVED, kind=Kind.SMOKE)
    assert PLACE in story(EventKind.RESOLVED, ended, "li", "").en
    assert shown(ended) == ended


def test_a_machine_is_sent_no_more_than_people_are_told() -> None:
    about = watch(IncidentState.RESOLVED)
    sent = json.loads(document(message(about, title_en="resolved", title_zh="", body_en="", body_zh="")))["data"][
        "incident"
    ]
    assert (sent["what_en"], sent["value"], sent["building"], sent["note"]) == (VEIL_EN, None, "", "")
    assert PLACE not in json.dumps(sent)
