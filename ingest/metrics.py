"""Ingest's counters as Prometheus metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client import CollectorRegistry
    from prometheus_client.core import Metric

    from ingest.counters import IngestCounters

__all__ = ["IngestMetrics"]

_TOTALS: Final = (
    ("readings", "Readings handed on to the journal."),
    ("unknown", "Readings without a value."),
    ("late", "Readings older than one of the same channel before them."),
    ("filled", "Readings given the arrival time for want of a usable one."),
    ("clamped", "Readings given the arrival time because the device's was too far ahead."),
    ("duplicates", "Readings dropped: same channel, time and value."),
    ("conflicting", "Readings moved on by 1 us or more: same channel and time, other value."),
    ("redelivered", "Messages that the broker sent again and that were taken before."),
    ("assumed_alarms", "Alarms raised for alarm messages that could not be read to say that there is none."),
    ("receipts", "Receipts owed to devices."),
    ("discovered_devices", "Devices heard that no ledger names."),
    ("discovered_channels", "Metrics heard that no profile names."),
    ("clock_steps_back", "Times that the service's clock stepped back; of the machine's see vigil_clock_steps."),
)


class IngestMetrics(Collector):
    """Shows one `IngestCounters` on a registry; the counters are read when the registry is scraped."""

    def __init__(self, registry: CollectorRegistry, counters: IngestCounters) -> None:
        self._counters = counters
        registry.register(self)

    def collect(self) -> Iterator[Metric]:
        """Yield every metric, those at zero too."""
        counters = self._counters
        messages = CounterMetricFamily("vigil_ingest_messages", "PUBLISH packets taken.", labels=["lane"])
        for lane, n in counters.messages.items():
            messages.add_metric([lane.name.lower()], n)
        yield messages
        quarantined = CounterMetricFamily(
            "vigil_ingest_quarantined", "Messages, or single values of them, set aside.", labels=["reason"]
        )
        for reason, n in counters.quarantined.items():
            quarantined.add_metric([reason], n)
        yield quarantined
        for name, text in _TOTALS:
            yield CounterMetricFamily(f"vigil_ingest_{name}", text, value=getattr(counters, name))
        yield GaugeMetricFamily(
            "vigil_ingest_skewed_devices", "Devices whose clock is off by more than 5 s.", value=counters.skewed_devices
        )
