"""The journal's counters as Prometheus metrics."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from storage.journal.counters import BUCKETS_S
from storage.journal.record import Lane

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client import CollectorRegistry
    from prometheus_client.core import Metric

    from storage.journal.counters import Durations
    from storage.journal.journal import Journal

__all__ = ["JournalMetrics"]

_BOUNDS = [*(str(bound) for bound in BUCKETS_S), "+Inf"]


class JournalMetrics(Collector):
    """Shows one journal on a registry; it is read when the registry is scraped."""

    def __init__(self, registry: CollectorRegistry, journal: Journal) -> None:
        self._journal = journal
        registry.register(self)

    def collect(self) -> Iterator[Metric]:
        """Yield every metric, those at zero too."""
        yield from self._lanes()
        yield from self._losses()
        yield from self._state()

    def _lanes(self) -> Iterator[Metric]:
        counters, limits = self._journal.counters, self._journal.limits
        for name, text, values in (
            ("records", "Records appended.", counters.records),
            ("appended_bytes", "Bytes of bodies appended.", counters.bytes),
            ("deleted_bytes", "Bytes deleted because everybody was done with them.", counters.deleted_bytes),
        ):
            total = CounterMetricFamily(f"vigil_journal_{name}", text, labels=["lane"])
            for lane, value in values.items():
                total.add_metric([_label(lane)], value)
            yield total
        quotas = {Lane.CONTROL: limits.control_bytes, Lane.TELEMETRY: limits.telemetry_bytes}
        for name, text, values in (
            ("live_bytes", "Bytes of records that are there.", counters.live_bytes),
            ("quota_bytes", "Bytes of records that may be there; control goes on beyond it.", quotas),
            ("undeletable", "1 where a damaged page keeps records from being deleted.", counters.undeletable),
        ):
            gauge = GaugeMetricFamily(f"vigil_journal_{name}", text, labels=["lane"])
            for lane, value in values.items():
                gauge.add_metric([_label(lane)], value)
            yield gauge
        commits = HistogramMetricFamily(
            "vigil_journal_commit_seconds", "Time that commits of appends took.", labels=["lane"]
        )
        for lane, durations in counters.commits.items():
            commits.add_metric([_label(lane)], _buckets(durations), durations.seconds)
        yield commits
        folds = HistogramMetricFamily("vigil_journal_fold_seconds", "Time that folding a write-ahead log took.")
        folds.add_metric([], _buckets(counters.folds), counters.folds.seconds)
        yield folds

    def _losses(self) -> Iterator[Metric]:
        counters = self._journal.counters
        for name, text, value in (
            ("sheds", "Times that the oldest telemetry had to go to make room.", counters.sheds),
            ("shed_records", "Telemetry records that went so.", counters.shed_records),
            ("shed_readings", "Readings that went so.", counters.shed_readings),
            ("checkpoints", "Checkpoints made.", counters.checkpoints),
            ("checkpoint_bytes", "Bytes of checkpoints written.", counters.checkpoint_bytes),
        ):
            yield CounterMetricFamily(f"vigil_journal_{name}", text, value=value)
        gaps = CounterMetricFamily("vigil_journal_gaps", "Gap records written.", labels=["reason"])
        for reason, n in counters.gaps.items():
            gaps.add_metric([reason], n)
        yield gaps

    def _state(self) -> Iterator[Metric]:
        counters = self._journal.counters
        for name, text, value in (
            ("control_nearly_full", "1 where the control lane holds 90 % of its quota.", counters.control_nearly_full),
            ("failed", "1 where a commit failed and the journal refuses work.", counters.failed),
            ("clock_behind_seconds", "How far the clock is behind the newest record.", counters.clock_behind_us / 1e6),
        ):
            yield GaugeMetricFamily(f"vigil_journal_{name}", text, value=value)
        lag = GaugeMetricFamily(
            "vigil_journal_cursor_lag_seconds",
            "How much older than the newest record a reader's place is.",
            labels=["cursor"],
        )
        for name, seconds in self._journal.cursor_lags_s().items():
            lag.add_metric([name], seconds)
        yield lag


def _label(lane: Lane) -> str:
    return lane.name.lower()


def _buckets(durations: Durations) -> list[tuple[str, float]]:
    return list(zip(_BOUNDS, accumulate(durations.buckets), strict=True))
