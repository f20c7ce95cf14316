"""Alerts of other systems."""

from __future__ import annotations

from typing import Any

import pytest

from alerts.command import External
from alerts.counters import AlertsCounters
from alerts.external import MOST_NAME, MOST_SUMMARY
from alerts.incident import EventKind, IncidentEvent, IncidentState
from alerts.incidents import IncidentLimits, Incidents
from alerts.lifecycle import CommandRejected, Trigger
from devices.model import Kind
from rules.model import AlarmClass, Severity
from tests.alerts.decisions import command
from tests.alerts.scene import T0, S


def alert(incidents: Incidents, at: float, offset: int = 1, **facts: Any) -> list[IncidentEvent]:
    words: dict[str, Any] = {
        "source": "prometheus",
        "fingerprint": "ab12",
        "name": "DiskFull",
        "summary": "disk of node 3 is 95 % full",
        "severity": "warning",
        "holds": True,
        "since_us": T0 - 9 * S,
    }
    return incidents.apply_external(External(**{**words, **facts}), T0 + round(at * S), offset)


def test_an_alert_of_another_system_is_an_incident_with_what_it_said() -> None:
    (event,) = alert(Incidents(), 1, site="north")
    told = event.incident
    assert (event.kind, told.state, told.kind) == (EventKind.RAISED, IncidentState.RAISED, Kind.EXTERNAL)
    assert (told.device, told.site, told.rule_id) == ("prometheus/ab12", "north", "external.DiskFull")
    assert (told.severity, told.alarm_class) == (Severity.WARNING, AlarmClass.TROUBLE)
    assert (told.since_us, told.raised_us) == (T0 - 9 * S, T0 + S)
    for text in (event.text_en, event.text_zh):
        assert "disk of node 3 is 95 % full" in text
        assert "prometheus" in text


def test_it_is_told_once_however_often_it_is_sent_and_clears_when_it_ends() -> None:
    incidents = Incidents()
    (raised,) = alert(incidents, 0)
    told = [alert(incidents, 300 * n, n) for n in range(1, 9)]
    assert [len(events) for events in told] == [1, 1, 0, 1, 0, 0, 0, 1]
    (cleared,) = alert(incidents, 3_000, 20, holds=False)
    assert (cleared.kind, cleared.incident.id) == (EventKind.CLEARED, raised.incident.id)
    assert alert(incidents, 3_001, 21, holds=False) == []
    (again,) = alert(incidents, 3_100, 22)
    assert (again.kind, again.incident.id) == (EventKind.REOPENED, raised.incident.id)


def test_alerts_are_told_apart_by_their_fingerprint_and_system() -> None:
    incidents = Incidents()
    alert(incidents, 0)
    alert(incidents, 0, 2, fingerprint="cd34")
    alert(incidents, 0, 3, source="nagios")
    assert len({one.id for one in incidents.open()}) == 3


def test_people_answer_it_like_any_other() -> None:
    incidents = Incidents()
    name = alert(incidents, 0)[0].incident.id
    (event,) = incidents.apply_command(command(Trigger.RESOLVE, name), T0 + S, 2)
    assert "condition still holds" in event.text_en
    (again,) = alert(incidents, 10, 3)
    assert again.kind is EventKind.REOPENED


@pytest.mark.parametrize("facts", [{"severity": "critical"}, {"source": ""}, {"fingerprint": ""}])
def test_what_makes_no_sense_is_refused_and_changes_nothing(facts: dict[str, Any]) -> None:
    incidents = Incidents()
    before = incidents.snapshot()
    with pytest.raises(CommandRejected):
        alert(incidents, 0, **facts)
    assert incidents.snapshot() == before


def test_long_texts_are_cut() -> None:
    (event,) = alert(Incidents(), 0, name="n" * 9_999, summary="s" * 9_999, site="t" * 9_999)
    told = event.incident
    assert len(told.rule_name_en) == len(told.site) == MOST_NAME
    assert MOST_SUMMARY <= len(told.what_zh) < MOST_SUMMARY + 50


def test_too_many_are_refused_and_counted_and_their_ends_are_not() -> None:
    counters = AlertsCounters()
    incidents = Incidents(IncidentLimits(external_open=2), counters)
    for n in (1, 2):
        alert(incidents, 0, n, fingerprint=str(n))
    with pytest.raises(CommandRejected, match="2 alerts"):
        alert(incidents, 0, 3, fingerprint="3")
    assert counters.external_refused == 1
    alert(incidents, 5, 4, fingerprint="1")
    alert(incidents, 6, 5, fingerprint="1", holds=False)
    assert alert(incidents, 7, 6, fingerprint="3")[0].kind is EventKind.RAISED
