from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.command import External
from alerts.foreign import SEEDED_US, ForeignAlerts, ForeignLimits, Heard
from alerts.incidents import Incidents
from alerts.prometheus import PrometheusAlert, external_of, fingerprint, severity_of, time_us
from rules.model import Severity
from tests.alerts.machines import T0, S

SITES = frozenset({"shuibei"})
PROMETHEUS = frozenset({"prometheus"})


def alert(name: str = "PumpDown", ends_at: str = "", **labels: str) -> PrometheusAlert:
    return PrometheusAlert(labels={"alertname": name} | labels, annotations={"summary": "down"}, ends_at=ends_at)


def tracker(at: float = 0.0, seeds: Any = (), **limits: Any) -> ForeignAlerts:
    return ForeignAlerts(ForeignLimits(**limits), seeds, PROMETHEUS, T0 + round(at * S))


def take(alerts: ForeignAlerts, at: float, *some: PrometheusAlert, source: str = "prometheus") -> list[External]:
    return alerts.take(some, source, T0 + round(at * S), SITES).commands


@pytest.mark.parametrize(
    ("label", "severity"),
    [
        ("critical", Severity.ALARM),
        ("page", Severity.ALARM),
        ("Emergency", Severity.EMERGENCY),
        ("warning", Severity.WARNING),
        (" INFO ", Severity.ADVISORY),
        ("none", Severity.ADVISORY),
        ("sev-17", Severity.WARNING),
        ("", Severity.WARNING),
    ],
)
def test_the_label_severity_is_one_of_ours(label: str, severity: Severity) -> None:
    assert severity_of({"severity": label}) is severity


@given(st.dictionaries(st.text(max_size=5), st.text(max_size=5)))
def test_an_alert_is_its_labels_in_any_order_and_empty_ones_do_not_count(labels: dict[str, str]) -> None:
    backwards = dict(reversed(labels.items()))
    assert fingerprint(labels) == fingerprint(backwards) == fingerprint({**labels, "nothing": ""})
    assert fingerprint({**labels, "nothing": "x"}) != fingerprint(labels)


def test_two_labels_never_run_together() -> None:
    assert fingerprint({"a": "bc"}) != fingerprint({"ab": "c"})


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2027-01-15T08:00:00Z", T0),
        ("2027-01-15T16:00:00.000001+08:00", T0 + 1),
        ("2027-01-15T08:00:00.123456789Z", T0 + 123_456),
        ("0001-01-01T00:00:00Z", None),
        ("", None),
    ],
)
def test_times_are_rfc_3339(text: str, wanted: int | None) -> None:
    assert time_us(text) == wanted


@pytest.mark.parametrize("text", ["tomorrow", "2027-01-15T08:00:00", "08:00"])
def test_other_times_are_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        time_us(text)


def test_what_an_alert_says_becomes_the_command() -> None:
    said = PrometheusAlert(
        labels={"alertname": "PumpDown", "severity": "page", "site": "shuibei"},
        annotations={"description": "long", "summary": "short"},
        starts_at="2027-01-15T07:59:00Z",
    )
    assert external_of(said, "prometheus", T0, SITES) == External(
        source="prometheus",
        fingerprint=fingerprint(said.labels),
        name="PumpDown",
        summary="short",
        severity="alarm",
        holds=True,
        since_us=T0 - 60 * S,
        site="shuibei",
    )


def test_a_site_that_there_is_not_and_a_beginning_in_the_future_do_not_count() -> None:
    said = PrometheusAlert(labels={"alertname": "A", "site": "atlantis"}, starts_at="2030-01-01T00:00:00Z")
    made = external_of(said, "prometheus", T0, SITES)
    assert (made.site, made.since_us, made.summary) == ("", T0, "site=atlantis")


def test_a_changed_summary_is_news_and_a_later_end_is_none() -> None:
    alerts = tracker()
    assert take(alerts, 0, alert(ends_at="2027-01-15T08:04:00Z"))
    assert not take(alerts, 60, alert(ends_at="2027-01-15T08:05:00Z"))
    changed = PrometheusAlert(labels={"alertname": "PumpDown"}, annotations={"summary": "still down"})
    assert take(alerts, 120, changed)
    assert alerts.heard[Heard.NEWS] == 2


def test_what_prometheus_does_not_say_again_ends_when_it_said_it_would() -> None:
    alerts = tracker()
    take(alerts, 0, alert(ends_at="2027-01-15T08:04:00Z"))
    assert alerts.advance(T0 + 240 * S) == []
    (ended,) = alerts.advance(T0 + 246 * S)
    assert (ended.name, ended.holds, len(alerts)) == ("PumpDown", False, 0)
    assert take(alerts, 300, alert(ends_at="2027-01-15T08:09:00Z"))  # and is news when it is back


def test_what_an_alertmanager_says_holds_until_it_says_otherwise() -> None:
    alerts = tracker()
    take(alerts, 0, alert(ends_at="0001-01-01T00:00:00Z"), source="alertmanager")
    assert alerts.advance(T0 + 10**6 * S) == []
    assert len(alerts) == 1


def test_what_was_open_before_a_restart_is_known_and_ends_where_it_is_not_said_again() -> None:
    incidents = Incidents()
    for number, (source, name) in enumerate([("prometheus", "A"), ("prometheus", "B"), ("alertmanager", "C")]):
        command = external_of(alert(name), source, T0, SITES)
        incidents.apply_external(command, T0, number)
    alerts = tracker(0, incidents.open())
    assert len(alerts) == 3
    take(alerts, 60, alert("A"))
    (ended,) = alerts.advance(T0 + SEEDED_US + S)
    assert (ended.name, ended.source, ended.holds) == ("B", "prometheus", False)
    (event,) = incidents.apply_external(ended, T0 + SEEDED_US + S, 9)
    assert not event.incident.state.is_open


# ── watchdogs ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["Watchdog", "DeadMansSwitch", "WATCHDOG"])
def test_a_watchdog_raises_nothing_while_it_is_heard_and_an_alarm_when_it_is_not(name: str) -> None:
    alerts = tracker(watchdog_s=60)
    first = take(alerts, 0, alert(name))
    assert [one.holds for one in first] == [False]  # an earlier run may have said that it was lost
    assert not take(alerts, 50, alert(name))
    assert alerts.advance(T0 + 110 * S) == []
    (lost,) = alerts.advance(T0 + 111 * S)
    assert (lost.holds, lost.severity, lost.since_us) == (True, Severity.ALARM, T0 + 50 * S)
    assert alerts.advance(T0 + 200 * S) == []  # said once
    (back,) = take(alerts, 300, alert(name))
    assert (back.holds, back.fingerprint) == (False, lost.fingerprint)


def test_a_lost_watchdog_is_an_incident_that_clears_when_it_is_heard_again_even_after_a_restart() -> None:
    incidents = Incidents()
    alerts = tracker(watchdog_s=60)
    take(alerts, 0, alert("Watchdog"))
    (lost,) = alerts.advance(T0 + 61 * S)
    (raised,) = incidents.apply_external(lost, T0 + 61 * S, 1)
    assert raised.incident.severity is Severity.ALARM
    again = tracker(100, incidents.open(), watchdog_s=60)
    assert again.advance(T0 + SEEDED_US + 200 * S) == []  # it is silent still
    (back,) = take(again, 110, alert("Watchdog"))
    (cleared,) = incidents.apply_external(back, T0 + 110 * S, 2)
    assert not cleared.incident.state.is_open


def test_an_expected_watchdog_is_missed_even_where_none_was_ever_heard() -> None:
    alerts = tracker(watchdog_s=60, expects_watchdog=True)
    (lost,) = alerts.advance(T0 + 61 * S)
    assert lost.holds
    back = take(alerts, 70, alert("Watchdog"))
    assert {one.fingerprint for one in back if not one.holds} >= {lost.fingerprint}
    assert len(alerts.advance(T0 + 200 * S)) == 2  # both the one that was heard and the one that is expected


def test_a_watchdog_that_has_ended_is_not_heard() -> None:
    alerts = tracker(watchdog_s=60)
    take(alerts, 0, alert("Watchdog"))
    take(alerts, 50, PrometheusAlert(labels={"alertname": "Watchdog"}, status="resolved"))
    assert len(alerts.advance(T0 + 61 * S)) == 1


def test_watchdogs_are_bounded() -> None:
    alerts = tracker(watchdogs=2, watchdog_s=60)
    take(alerts, 0, *(alert("Watchdog", cluster=str(number)) for number in range(5)))
    assert len(alerts.advance(T0 + 61 * S)) == 2
