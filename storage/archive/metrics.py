"""The archive's counts for Prometheus."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client import CollectorRegistry
    from prometheus_client.core import Metric

    from storage.archive.archive import Archive

__all__ = ["ArchiveMetrics"]

_COUNTS = (
    ("rows", "Readings stored."),
    ("duplicates", "Readings left out, since their channel and time were there."),
    ("records", "Journal records archived."),
    ("blocks", "Blocks of readings archived."),
    ("transactions", "Transactions committed."),
    ("staged", "Transactions that went through the staging table for a duplicate."),
    ("late_hours", "Hours of channels that are to be rolled up anew, since readings of them came late."),
    ("latest", "Newest readings of channels written down."),
    ("set_aside", "Records and readings that could not be stored, put under quarantine."),
    ("retries", "Transactions tried again after a deadlock, a lock or a time-out."),
    ("connections", "Connections made to the database."),
    ("failures", "Times that the database was lost or not reached."),
    ("seconds", "Seconds spent in transactions."),
)


class ArchiveMetrics(Collector):
    """Shows `archive.counters` on `registry`."""

    def __init__(self, registry: CollectorRegistry, archive: Archive) -> None:
        self._archive = archive
        registry.register(self)

    def collect(self) -> Iterator[Metric]:
        """Yield every count as it stands."""
        counters = self._archive.counters
        for name, text in _COUNTS:
            yield CounterMetricFamily(f"vigil_archive_{name}", text, value=getattr(counters, name))
        yield GaugeMetricFamily("vigil_archive_position", "Offset of the newest record archived.", counters.position)
        yield GaugeMetricFamily(
            "vigil_archive_lag_records", "Journal records not looked at yet, at least.", self._archive.lag_records
        )
        yield GaugeMetricFamily(
            "vigil_archive_lag_seconds",
            "Seconds since the newest record that was archived, 0 where none waits.",
            self._archive.lag_s(time.time_ns() // 1000),
        )
        yield GaugeMetricFamily(
            "vigil_archive_database_up", "1 where the last attempt reached the database.", int(counters.database_up)
        )
