"""`AlertsMetrics`: alerting on `/metrics`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from alerts.breaker import BreakerState
from alerts.incident import IncidentState
from rules.model import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client import CollectorRegistry
    from prometheus_client.core import Metric

    from alerts.counters import AlertsCounters
    from alerts.delivery import Delivery
    from alerts.incidents import Incidents
    from alerts.outbox import Outbox

__all__ = ["AlertsMetrics"]

_CLEARED: Final = "cleared"


class AlertsMetrics(Collector):
    """Shows the counters, and what is open and owed at the moment of asking, on `registry`.

    Labels come from enums, but for the channels' names, which are fixed by the settings.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        counters: AlertsCounters,
        incidents: Incidents,
        outbox: Outbox,
        delivery: Delivery,
    ) -> None:
        self._counters = counters
        self._incidents = incidents
        self._outbox = outbox
        self._delivery = delivery
        registry.register(self)

    def collect(self) -> Iterator[Metric]:
        """Yield every metric family."""
        yield from self._of_incidents()
        yield self._of_shadow()
        yield from self._of_notifications()

    def _of_incidents(self) -> Iterator[Metric]:
        counters = self._counters
        raised = CounterMetricFamily("vigil_alerts_incidents_raised", "Incidents raised.", labels=["severity"])
        for severity, count in counters.raised.items():
            raised.add_metric([severity], count)
        yield raised
        yield CounterMetricFamily("vigil_alerts_incidents_reopened", "Incidents raised again.", counters.reopened)
        closed = CounterMetricFamily("vigil_alerts_incidents_closed", "Incidents closed.", labels=["outcome"])
        for outcome, count in counters.closed.items():
            closed.add_metric([outcome or _CLEARED], count)
        yield closed
        states = (IncidentState.RAISED, IncidentState.ACKNOWLEDGED)
        at_hand = {(state, severity): 0 for state in states for severity in Severity}
        for incident in self._incidents.open():
            at_hand[incident.state, incident.severity] += 1
        gauge = GaugeMetricFamily("vigil_alerts_incidents_open", "Open incidents.", labels=["state", "severity"])
        for (state, severity), count in at_hand.items():
            gauge.add_metric([state, severity], count)
        yield gauge

    def _of_shadow(self) -> Metric:
        shadow = CounterMetricFamily(
            "vigil_alerts_shadow_raised", "What rules in shadow would have raised, by kind of rule.", labels=["kind"]
        )
        for kind, count in self._counters.shadow_raised.items():
            shadow.add_metric([kind], count)
        return shadow

    def _of_notifications(self) -> Iterator[Metric]:
        counters = self._counters
        yield CounterMetricFamily("vigil_alerts_notifications_owed", "Notifications owed.", counters.owed)
        yield CounterMetricFamily(
            "vigil_alerts_notifications_shed", "Notifications not taken up, the outbox being full.", counters.shed
        )
        settled = CounterMetricFamily(
            "vigil_alerts_notifications_settled", "Notifications done with.", labels=["status"]
        )
        for status, count in counters.settled.items():
            settled.add_metric([status], count)
        yield settled
        fallbacks = CounterMetricFamily(
            "vigil_alerts_route_fallbacks", "Incidents whose place nobody has.", labels=["fallback"]
        )
        for fallback, count in counters.fallbacks.items():
            fallbacks.add_metric([fallback], count)
        yield fallbacks
        yield CounterMetricFamily("vigil_alerts_delivery_attempts", "Attempts to deliver.", counters.attempts)
        yield CounterMetricFamily("vigil_alerts_delivery_retries", "Attempts to be repeated.", counters.retries)
        yield GaugeMetricFamily("vigil_alerts_notifications_pending", "Notifications not settled.", len(self._outbox))
        breakers = GaugeMetricFamily(
            "vigil_alerts_breaker_state",
            "1 for the state that the channel's breaker is in.",
            labels=["channel", "state"],
        )
        for channel, now in self._delivery.breakers().items():
            for state in BreakerState:
                breakers.add_metric([channel, state], state is now)
        yield breakers
        histogram = counters.delivery_seconds
        buckets: list[tuple[str, float]] = []
        below = 0
        for bound, count in zip((*map(str, histogram.bounds), "+Inf"), histogram.counts, strict=True):
            below += count
            buckets.append((bound, below))
        yield HistogramMetricFamily(
            "vigil_alerts_delivery_seconds",
            "From the event to the receipt.",
            buckets=buckets,
            sum_value=histogram.total,
        )
