from __future__ import annotations

from prometheus_client import CollectorRegistry, generate_latest

from devices import Reason
from ingest import IngestCounters, IngestMetrics, Lane


def test_every_metric_is_there_at_zero() -> None:
    registry = CollectorRegistry()
    IngestMetrics(registry, IngestCounters())
    text = generate_latest(registry).decode()
    for reason in Reason:
        assert f'vigil_ingest_quarantined_total{{reason="{reason}"}} 0.0' in text
    for lane in Lane:
        assert f'vigil_ingest_messages_total{{lane="{lane.name.lower()}"}} 0.0' in text
    for name in IngestCounters.__slots__:
        assert f"vigil_ingest_{name}" in text


def test_counters_are_read_when_scraped() -> None:
    registry, counters = CollectorRegistry(), IngestCounters()
    IngestMetrics(registry, counters)
    counters.late = 3
    counters.skewed_devices = 2
    counters.quarantined[Reason.NOT_JSON] = 4
    assert registry.get_sample_value("vigil_ingest_late_total") == 3.0
    assert registry.get_sample_value("vigil_ingest_skewed_devices") == 2.0
    assert registry.get_sample_value("vigil_ingest_quarantined_total", {"reason": "not_json"}) == 4.0
