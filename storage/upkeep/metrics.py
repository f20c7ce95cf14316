"""The upkeep's counts for Prometheus."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from prometheus_client import CollectorRegistry
    from prometheus_client.core import Metric

    from storage.upkeep.counters import UpkeepCounters
    from storage.upkeep.status import RelationStatus

__all__ = ["UpkeepMetrics"]

_COUNTS = (
    ("rounds", "Rounds of rolling up and clearing away.", "rounds"),
    ("failures", "Duties of a round that failed, and connections lost or not made.", "failures"),
    ("retries", "Duties put off, others having been in the way.", "retries"),
    ("partitions_dropped", "Partitions dropped, what they held being expired.", "dropped"),
    ("late_rolled", "Hours of channels rolled up anew, since readings came late.", "rolled_late"),
    (
        "late_forgotten",
        "Hours of channels that are not rolled up anew, their readings being dropped.",
        "forgotten_late",
    ),
    ("seconds", "Seconds spent in rounds.", "seconds"),
)


def _seconds(at: datetime | None) -> float | None:
    return None if at is None else at.timestamp()


_FIGURES: Final[tuple[tuple[str, str, Callable[[RelationStatus], float | None]], ...]] = (
    ("bytes", "Size on disk, indexes and all.", lambda one: one.bytes),
    ("parts", "Partitions or chunks.", lambda one: one.parts),
    ("rows", "Rows, as the planner knows them.", lambda one: one.rows),
    ("uncompressed_bytes", "What took this before it was compressed.", lambda one: one.before_bytes),
    ("compressed_bytes", "What that takes now.", lambda one: one.after_bytes),
    ("oldest_timestamp_seconds", "Time of the oldest rows.", lambda one: _seconds(one.oldest)),
    ("newest_timestamp_seconds", "Time of the newest rows.", lambda one: _seconds(one.newest)),
)


class UpkeepMetrics(Collector):
    """Shows `counters` on `registry`, as they stood after the last round: nothing is asked of the database here."""

    def __init__(self, registry: CollectorRegistry, counters: UpkeepCounters) -> None:
        self._counters = counters
        registry.register(self)

    def collect(self) -> Iterator[Metric]:
        """Yield every figure."""
        counters = self._counters
        for name, text, field in _COUNTS:
            yield CounterMetricFamily(f"vigil_upkeep_{name}", text, value=getattr(counters, field))
        yield GaugeMetricFamily(
            "vigil_upkeep_last_success_timestamp_seconds",
            "When a round last came to its end; 0 where none has.",
            counters.last_success_s,
        )
        yield GaugeMetricFamily(
            "vigil_upkeep_is_ours", "1 where this service keeps up the database.", int(counters.has_lock)
        )
        yield GaugeMetricFamily(
            "vigil_upkeep_late_hours", "Hours of channels that wait to be rolled up anew.", counters.late_hours
        )
        lag = GaugeMetricFamily(
            "vigil_upkeep_rollup_lag_seconds", "How far rollups are behind what is archived.", labels=["level"]
        )
        for level, seconds in counters.lag_s.items():
            lag.add_metric([level], seconds)
        yield lag
        for name, text, figure in _FIGURES:
            family = GaugeMetricFamily(f"vigil_storage_{name}", text, labels=["relation"])
            for relation in counters.relations:
                value = figure(relation)
                if value is not None:
                    family.add_metric([relation.name], value)
            yield family
