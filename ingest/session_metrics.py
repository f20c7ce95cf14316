"""What the sessions counted, for Prometheus: read from their counters when it asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from prometheus_client import CollectorRegistry
    from prometheus_client.core import Metric

    from ingest.session import Session

__all__ = ["SessionMetrics"]

_COUNTERS = (
    ("wakeups", "wakeups", "Reads from the broker's socket."),
    ("messages", "messages", "PUBLISH packets received, redeliveries included."),
    ("bytes", "received_bytes", "Bytes received from the broker."),
    ("malformed", "malformed_packets", "Packets that framed rightly but are not MQTT 5."),
    ("connects", "connects", "Connections that the broker accepted."),
    ("sessions_lost", "sessions_lost", "Reconnects at which the broker kept no session: a backlog may be gone."),
    ("pings", "pings", "PINGREQ sent."),
    ("pauses", "pauses", "Times that reading stopped, as the broker sent more than the receive maximum."),
    ("acks", "acknowledged", "PUBACKs sent."),
    ("stale_acks", "stale_acknowledgements", "PUBACKs dropped because their connection was gone."),
    ("receipts", "receipts", "Receipts published."),
    ("receipts_dropped", "receipts_dropped", "Receipts given up because the link was down or full."),
)


class SessionMetrics(Collector):
    """Collects `vigil_ingest_session_…` from `sessions`, by name, on `registry`."""

    def __init__(self, registry: CollectorRegistry, sessions: Mapping[str, Session]) -> None:
        self._sessions = sessions
        registry.register(self)

    def collect(self) -> Iterator[Metric]:
        """Read every session's counters."""
        connected = GaugeMetricFamily(
            "vigil_ingest_session_connected", "1 while connected and subscribed.", labels=["session"]
        )
        ended = CounterMetricFamily(
            "vigil_ingest_session_disconnects",
            "Connections, and attempts at one, by how they ended.",
            labels=["session", "reason"],
        )
        for name, session in self._sessions.items():
            connected.add_metric([name], session.connected)
            for reason, count in session.counters.disconnects.items():
                ended.add_metric([name, reason], count)
        yield connected
        yield ended
        yield from self._state()
        for attribute, metric, meaning in _COUNTERS:
            family = CounterMetricFamily(f"vigil_ingest_session_{metric}", meaning, labels=["session"])
            for name, session in self._sessions.items():
                family.add_metric([name], getattr(session.counters, attribute))
            yield family

    def _state(self) -> Iterator[Metric]:
        """Say how each session stands now; a link that is never quiet is never pinged."""
        waiting = GaugeMetricFamily(
            "vigil_ingest_session_unacknowledged", "Messages that wait for their PUBACK.", labels=["session"]
        )
        newest = GaugeMetricFamily(
            "vigil_ingest_session_last_message_timestamp_seconds",
            "When a PUBLISH last came, since the epoch; 0 before the first.",
            labels=["session"],
        )
        ping = GaugeMetricFamily(
            "vigil_ingest_session_ping_seconds",
            "From the last answered PINGREQ to its PINGRESP; none before the first.",
            labels=["session"],
        )
        for name, session in self._sessions.items():
            waiting.add_metric([name], session.unacknowledged)
            newest.add_metric([name], session.counters.last_message_s)
            if session.counters.ping_s is not None:
                ping.add_metric([name], session.counters.ping_s)
        yield waiting
        yield newest
        yield ping
