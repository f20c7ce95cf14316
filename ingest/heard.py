"""What has been heard so far: the memory that the lanes share, because one device speaks on both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingest.clock import ArrivalClock, ClockSkew
from ingest.newest import NewestReadings
from ingest.routes import Routes

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices import ReadingBatch, Registry
    from ingest.counters import IngestCounters
    from ingest.limits import BatcherLimits

__all__ = ["Heard"]


class Heard:
    """Arrival times, routes, clock errors and newest readings over all lanes.

    Without it in common two lanes could give one channel two readings at one time, and a block could name a device
    whose discovery waits on the other lane.
    """

    def __init__(
        self, registry: Registry, clock_us: Callable[[], int], limits: BatcherLimits, counters: IngestCounters
    ) -> None:
        self.clock = ArrivalClock(clock_us, counters)
        self.routes = Routes(registry, limits.unregistered_devices, limits.extra_metrics, counters)
        self.skew = ClockSkew(counters)
        self.newest = NewestReadings()

    def note(self, batch: ReadingBatch) -> None:
        """Take in a block that came before this process: to be called for each while a journal is replayed."""
        self.clock.advance(batch.arrival_us)
        self.newest.note(batch)
