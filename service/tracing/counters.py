"""What tracing counts, and shows on `/metrics`."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client import CollectorRegistry
    from prometheus_client.core import Metric

__all__ = ["Outcome", "TracingCounters", "TracingMetrics"]


class Outcome(StrEnum):
    """What became of a span."""

    SENT = "sent"
    """The collector has taken it."""
    FAILED = "failed"
    """The collector did not take it in time, or refused it."""
    DROPPED = "dropped"
    """Too many waited already; an event that finds no room counts as one span."""


@dataclass(slots=True)
class TracingCounters:
    """Counts since the start. `handed` is written by the service's thread, `taken` by the one that sends."""

    ended: dict[Outcome, int] = field(default_factory=lambda: dict.fromkeys(Outcome, 0))
    handed: int = 0
    taken: int = 0

    @property
    def waiting(self) -> int:
        """Spans that wait to be sent."""
        return self.handed - self.taken


class TracingMetrics(Collector):
    """Shows `counters` on `registry`."""

    def __init__(self, registry: CollectorRegistry, counters: TracingCounters) -> None:
        self._counters = counters
        registry.register(self)

    def collect(self) -> Iterator[Metric]:
        """Yield every count as it stands."""
        spans = CounterMetricFamily(
            "vigil_tracing_spans", "Spans of traces, by what became of them.", labels=["outcome"]
        )
        for outcome, count in self._counters.ended.items():
            spans.add_metric([outcome], count)
        yield spans
        yield GaugeMetricFamily("vigil_tracing_waiting_spans", "Spans that wait to be sent.", self._counters.waiting)
