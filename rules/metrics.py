"""What the engine counted, for Prometheus."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from rules.kernels import State

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client import CollectorRegistry
    from prometheus_client.metrics_core import Metric

    from rules.engine import Engine

__all__ = ["RulesMetrics"]

_COUNTERS = {
    "steps": "Blocks and ticks folded",
    "readings": "Readings folded",
    "unknown": "Readings without a value: timers and states stay",
    "late": "Readings older than one already seen, of those looked at rule by rule",
    "attended": "Readings looked at rule by rule",
    "evaluations": "Readings times the rules they were looked at under",
    "withheld": "Evaluations withheld, since the reading was outside what the sensor can say",
    "syncs": "Times the registry was taken up",
    "clock_set_back": "Steps whose time lay before that of the step before",
    "instances_reset": "Rules that held or waited on a channel or device when they ceased to watch it",
}


class RulesMetrics(Collector):
    """Collects from `engine`, registered on `registry`; the engine knows nothing of it."""

    def __init__(self, registry: CollectorRegistry, engine: Engine) -> None:
        self._engine = engine
        registry.register(self)

    def collect(self) -> Iterable[Metric]:
        """Return the figures as they are now."""
        counters = self._engine.counters
        for name, told in _COUNTERS.items():
            yield CounterMetricFamily(f"vigil_rules_{name}", told, value=getattr(counters, name))
        changes = CounterMetricFamily("vigil_rules_changes", "Changes said", labels=("kind", "turn"))
        for (kind, turn), number in counters.changes.items():
            changes.add_metric((kind.value, turn.value), number)
        yield changes
        yield GaugeMetricFamily("vigil_rules_instances", "Rules on channels", value=self._engine.n_instances)
        states = GaugeMetricFamily("vigil_rules_instances_not_idle", "Rules on channels, by state", labels=("state",))
        for state in (State.PENDING, State.HOLDS, State.CLEARING):
            states.add_metric((state.name.lower(),), self._engine.count(state))
        yield states
        yield GaugeMetricFamily(
            "vigil_rules_silent_devices", "Devices not heard for too long", value=self._engine.n_silent
        )
