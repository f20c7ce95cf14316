"""`ServiceMetrics`: what is running, by which clock, on how much disk, and what waits inside of it."""

from __future__ import annotations

import platform
import shutil
import time
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from service.certificates import Certificates

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from prometheus_client import CollectorRegistry
    from prometheus_client.core import Metric

    from ingest import Session
    from service.core import Core

__all__ = ["DISTRIBUTION", "ServiceMetrics"]

DISTRIBUTION: Final = "vigil-monitor"


class ServiceMetrics(Collector):
    """Shows one service on `registry`; everything is read when the registry is scraped.

    sessions: those with its broker
    """

    def __init__(self, registry: CollectorRegistry, core: Core, sessions: Collection[Session]) -> None:
        self._core = core
        tls = core.settings.broker.tls
        self._certificates = Certificates(
            lambda: next((shown for one in sessions if (shown := one.broker_certificate) is not None), None),
            client=None if tls is None else tls.certificate_file,
            authority=None if tls is None else tls.ca_file,
        )
        self._started_s = time.time()
        self._build = {
            "version": version(DISTRIBUTION),
            "python": platform.python_version(),
            "implementation": platform.python_implementation(),
        }
        registry.register(self)

    def collect(self) -> Iterator[Metric]:
        """Yield every metric."""
        build = GaugeMetricFamily("vigil_build_info", "1; what is running.", labels=tuple(self._build))
        build.add_metric(list(self._build.values()), 1)
        yield build
        yield GaugeMetricFamily(
            "vigil_start_time_seconds", "When the service started, since the epoch.", self._started_s
        )
        yield from self._of_clock()
        yield from self._of_pipeline()
        yield from self._of_disk(self._core.settings.data_dir)
        expiry = GaugeMetricFamily(
            "vigil_certificate_expiry_timestamp_seconds",
            "When a certificate ends, since the epoch; 0 where it cannot be read.",
            labels=["certificate"],
        )
        for name, expires_s in self._certificates.expiries().items():
            expiry.add_metric([name], expires_s)
        yield expiry

    def _of_clock(self) -> Iterator[Metric]:
        clock = self._core.clock
        ahead_us = clock.behind_us - clock.ahead_us
        yield GaugeMetricFamily(
            "vigil_clock_time_seconds",
            "The service's time, since the epoch: that of its deadlines.",
            clock.time_us() / 1e6,
        )
        yield GaugeMetricFamily(
            "vigil_clock_offset_seconds",
            "How far the service's time is ahead of the machine's wall clock.",
            ahead_us / 1e6,
        )
        steps = CounterMetricFamily(
            "vigil_clock_steps", "Times that the wall clock was set by a second or more.", labels=["direction"]
        )
        steps.add_metric(["forward"], clock.steps_forward)
        steps.add_metric(["back"], clock.steps_back)
        yield steps

    def _of_pipeline(self) -> Iterator[Metric]:
        core = self._core
        readings = GaugeMetricFamily(
            "vigil_ingest_pending_readings", "Readings that wait for their block to be taken.", labels=["lane"]
        )
        for lane, batcher in core.batchers.items():
            readings.add_metric([lane.name.lower()], batcher.pending)
        yield readings
        yield GaugeMetricFamily(
            "vigil_pipeline_commands_waiting", "Commands and reports that wait to be journalled.", core.source.waiting
        )
        yield GaugeMetricFamily(
            "vigil_pipeline_folded_age_seconds",
            "Since records were last folded; a tick comes every second.",
            time.monotonic() - core.folded_at,
        )
        yield GaugeMetricFamily("vigil_pipeline_offset", "Offset of the newest record folded.", core.shard.offset)
        yield GaugeMetricFamily(
            "vigil_registry_devices", "Devices known, retired ones too.", core.shard.registry.n_devices
        )

    @staticmethod
    def _of_disk(data_dir: Path) -> Iterator[Metric]:
        try:
            usage = shutil.disk_usage(data_dir)
            size, free = usage.total, usage.free
        except OSError:  # it is gone: there is no room, and the rest is still to be shown
            size = free = 0
        yield GaugeMetricFamily("vigil_disk_free_bytes", "Room left to us on the file system of data_dir.", free)
        yield GaugeMetricFamily("vigil_disk_size_bytes", "Size of the file system of data_dir.", size)
