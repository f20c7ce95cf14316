"""When a session tries again, what it may be set to, and what it shows of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from prometheus_client import CollectorRegistry

from ingest import BrokerSettings, LossReason, SessionMetrics, TlsSettings
from ingest.session_backoff import Backoff
from tests.support.inbox import Inbox

if TYPE_CHECKING:
    from pathlib import Path


def test_waits_double_up_to_the_longest_and_jitter_over_all_of_them() -> None:
    longest = Backoff(0.5, 30, lambda: 1.0)
    waits = [longest.after(LossReason.UNREACHABLE, None) for _ in range(9)]
    assert waits == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
    half = Backoff(0.5, 30, lambda: 0.5)
    assert [half.after(LossReason.UNREACHABLE, None) for _ in range(2)] == [0.25, 0.5]


def test_a_thousand_failures_do_not_overflow() -> None:
    backoff = Backoff(0.5, 30, lambda: 1.0)
    assert {backoff.after(LossReason.UNREACHABLE, None) for _ in range(2000)} == {0.5, 1, 2, 4, 8, 16, 30}


@pytest.mark.parametrize(("lived_s", "wait_s"), [(59.9, 4.0), (60.0, 0.5)])
def test_only_a_steady_connection_starts_the_count_anew(lived_s: float, wait_s: float) -> None:
    backoff = Backoff(0.5, 30, lambda: 1.0)
    for _ in range(3):
        backoff.after(LossReason.UNREACHABLE, None)
    assert backoff.after(LossReason.SHUT_DOWN, lived_s) == wait_s


def contested(*ends: tuple[LossReason, float | None]) -> bool:
    backoff = Backoff(0.5, 30, lambda: 0.0)
    for reason, lived_s in ends:
        backoff.after(reason, lived_s)
    return backoff.contested


def test_three_connections_cut_short_without_a_word_are_contested() -> None:
    cut = (LossReason.CLOSED, 1.0)
    assert not contested(cut, cut)
    assert contested(cut, cut, cut)
    assert contested((LossReason.CLOSED, 86400.0), cut, cut)


@pytest.mark.parametrize(
    "between",
    [(LossReason.UNREACHABLE, None), (LossReason.SHUT_DOWN, 1.0), (LossReason.NETWORK_FAULT, 1.0)],
)
def test_a_broker_that_was_gone_in_between_is_not_contested(between: tuple[LossReason, float | None]) -> None:
    cut = (LossReason.CLOSED, 1.0)
    assert not contested(cut, cut, between, cut, cut)


def test_a_steady_connection_ends_a_contest() -> None:
    cut = (LossReason.CLOSED, 1.0)
    assert not contested(cut, cut, (LossReason.CLOSED, 60.0), cut)


def test_settings_report_every_fault_together() -> None:
    with pytest.raises(ValueError, match=r"port is 0.*client_id is ''.*keep_alive_s is 0.*receive_maximum is 70000"):
        BrokerSettings("broker", 0, "", keep_alive_s=0, receive_maximum=70_000)


def test_tls_settings_name_the_file_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"missing\.pem"):
        TlsSettings(ca_file=tmp_path / "missing.pem").context()


def test_metrics_are_there_at_zero_for_every_session_and_reason() -> None:
    registry = CollectorRegistry()
    session = Inbox().attach(BrokerSettings("broker", 1883, "vigil"))
    SessionMetrics(registry, {"alarm": session})
    session.counters.messages = 7
    session.counters.last_message_s = 1_800_000_000.5
    session.counters.disconnects[LossReason.KEEP_ALIVE] = 2
    labels = {"session": "alarm"}
    assert registry.get_sample_value("vigil_ingest_session_messages_total", labels) == 7
    assert registry.get_sample_value("vigil_ingest_session_sessions_lost_total", labels) == 0
    assert registry.get_sample_value("vigil_ingest_session_connected", labels) == 0
    assert registry.get_sample_value("vigil_ingest_session_last_message_timestamp_seconds", labels) == 1_800_000_000.5
    assert registry.get_sample_value("vigil_ingest_session_unacknowledged", labels) == 0
    assert registry.get_sample_value("vigil_ingest_session_ping_seconds", labels) is None
    session.counters.ping_s = 0.25
    assert registry.get_sample_value("vigil_ingest_session_ping_seconds", labels) == 0.25
    for reason in LossReason:
        count = registry.get_sample_value("vigil_ingest_session_disconnects_total", {**labels, "reason": reason})
        assert count == (2 if reason is LossReason.KEEP_ALIVE else 0)
