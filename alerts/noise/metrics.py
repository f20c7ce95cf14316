"""`NoiseMetrics`: what was kept back and let go, on `/metrics`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from prometheus_client import CollectorRegistry
    from prometheus_client.core import Metric

    from alerts.noise.counters import NoiseCounters
    from alerts.noise.noise import Noise
    from alerts.noise.post import Post

__all__ = ["NoiseMetrics"]


class NoiseMetrics(Collector):
    """Shows the counters, and what waits at the moment of asking, on `registry`. Labels come from enums."""

    def __init__(self, registry: CollectorRegistry, counters: NoiseCounters, noise: Noise, post: Post) -> None:
        self._counters = counters
        self._noise = noise
        self._post = post
        registry.register(self)

    def collect(self) -> Iterator[Metric]:
        """Yield every metric family."""
        counters = self._counters
        yield CounterMetricFamily("vigil_noise_incidents_told", "Raised incidents told by themselves.", counters.told)
        yield _labelled("incidents_kept", "Raised incidents kept back, by why.", "reason", counters.kept.items())
        yield CounterMetricFamily(
            "vigil_noise_incidents_released", "Kept back first, and told afterwards.", counters.released
        )
        yield CounterMetricFamily("vigil_noise_flapping", "Devices and rules found to flap.", counters.flapping)
        yield CounterMetricFamily("vigil_noise_silences", "Silences made.", counters.silences)
        yield CounterMetricFamily("vigil_noise_messages_passed", "Messages sent at once.", counters.passed)
        yield _labelled("messages_held", "Messages kept for a digest, by why.", "reason", counters.held.items())
        yield CounterMetricFamily(
            "vigil_noise_messages_dropped", "Messages not wanted any more before their digest.", counters.dropped
        )
        yield CounterMetricFamily("vigil_noise_digests", "Digests sent.", counters.digests)
        yield CounterMetricFamily("vigil_noise_messages_digested", "Messages in digests.", counters.digested)
        yield _labelled(
            "bounds_reached", "Times that a bound was reached, by what is bounded.", "bound", counters.full.items()
        )
        yield GaugeMetricFamily("vigil_noise_messages_waiting", "Messages that wait for a digest.", len(self._post))
        kept = GaugeMetricFamily("vigil_noise_incidents_waiting", "Open incidents kept back now.", labels=["reason"])
        for reason, count in self._noise.waiting().items():
            kept.add_metric([reason], count)
        yield kept


def _labelled(name: str, told: str, label: str, counts: Iterable[tuple[str, int]]) -> Metric:
    family = CounterMetricFamily(f"vigil_noise_{name}", told, labels=[label])
    for value, count in counts:
        family.add_metric([value], count)
    return family
