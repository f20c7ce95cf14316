"""`AlertsMetrics`: alerting on `/metrics`."""

from __future__ import annotations

import time
from itertools import accumulate, product
from typing import TYPE_CHECKING, Final

from prometheus_client.core import CounterMetricFamily, Exemplar, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from alerts.breaker import BreakerState
from alerts.incident import IncidentState, NotificationStatus
from alerts.tracing import trace_id_of
from rules.model import AlarmClass, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prometheus_client import CollectorRegistry
    from prometheus_client.core import Metric

    from alerts.counters import AlertsCounters
    from alerts.delivery import Delivery
    from alerts.histogram import Histogram, Sighting
    from alerts.incidents import Incidents
    from alerts.outbox import Outbox

__all__ = ["AlertsMetrics"]

_CLEARED: Final = "cleared"
_REPORTED: Final = tuple(status for status in NotificationStatus if status is not NotificationStatus.QUEUED)


class AlertsMetrics(Collector):
    """Shows the counters, and what is open and owed at the moment of asking, on `registry`.

    Labels come from enums, but for the channels' names, which are fixed by the settings. The buckets of histograms have
    exemplars, in OpenMetrics: the incident that came last, and its trace.

    now_us: the clock of the journal, µs since the epoch
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        counters: AlertsCounters,
        incidents: Incidents,
        outbox: Outbox,
        delivery: Delivery,
        now_us: Callable[[], int] = lambda: time.time_ns() // 1000,
    ) -> None:
        self._counters = counters
        self._incidents = incidents
        self._outbox = outbox
        self._delivery = delivery
        self._now_us = now_us
        registry.register(self)

    def collect(self) -> Iterator[Metric]:
        """Yield every metric family."""
        yield from self._of_incidents()
        yield from self._of_response()
        yield from self._of_objectives()
        yield self._of_shadow()
        yield from self._of_notifications()
        yield from self._of_delivery()

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
        exercises = CounterMetricFamily(
            "vigil_alerts_exercises_raised", "Drills and self-tests; the other figures leave them out.", labels=["kind"]
        )
        for exercise, count in counters.exercises.items():
            exercises.add_metric([exercise], count)
        yield exercises
        yield CounterMetricFamily(
            "vigil_alerts_external_refused",
            "Alerts of other systems not taken in, too many being open.",
            counters.external_refused,
        )
        states = [state for state in IncidentState if state.is_open]
        at_hand = {(state, severity): 0 for state in states for severity in Severity}
        for incident in self._incidents.open():
            if incident.exercise is None:
                at_hand[incident.state, incident.severity] += 1
        gauge = GaugeMetricFamily("vigil_alerts_incidents_open", "Open incidents.", labels=["state", "severity"])
        for (state, severity), count in at_hand.items():
            gauge.add_metric([state, severity], count)
        yield gauge
        yield self._of_unanswered()

    def _of_unanswered(self) -> Metric:
        ages_s = dict.fromkeys(AlarmClass, 0.0)
        for incident in self._incidents.open():
            if incident.exercise is None and incident.state is IncidentState.RAISED:
                age_s = (self._now_us() - incident.raised_us) / 1e6
                ages_s[incident.alarm_class] = max(ages_s[incident.alarm_class], age_s)
        gauge = GaugeMetricFamily(
            "vigil_alerts_unanswered_seconds",
            "Age of the oldest real incident that nobody has answered.",
            labels=["class"],
        )
        for alarm_class, age_s in ages_s.items():
            gauge.add_metric([alarm_class], age_s)
        return gauge

    def _of_response(self) -> Iterator[Metric]:
        response = self._counters.response
        for step, histogram in (
            ("accept", response.accept),
            ("arrive", response.arrive),
            ("resolve", response.resolve),
        ):
            yield _histogram(
                f"vigil_alerts_{step}_seconds", f"From raising an incident to this step: {step}.", histogram
            )
        lines = CounterMetricFamily(
            "vigil_alerts_response", "What Vigil did to get incidents answered, exercises too.", labels=["kind"]
        )
        for kind, count in self._counters.response_lines.items():
            lines.add_metric([kind], count)
        yield lines
        full = CounterMetricFamily(
            "vigil_alerts_response_bounds_reached",
            "Times that a bound of the response was reached, by what is bounded.",
            labels=["bound"],
        )
        for bound, count in self._counters.response_full.items():
            full.add_metric([bound], count)
        yield full

    def _of_objectives(self) -> Iterator[Metric]:
        for name, objective, what in (
            (
                "handed",
                self._counters.alarm_handed,
                "From an alarm being raised to its first message being handed over, the log being nobody",
            ),
            (
                "accepted",
                self._counters.alarm_accepted,
                "From the event time of an alarm to a person's acceptance, where somebody was asked",
            ),
        ):
            took = HistogramMetricFamily(f"vigil_alerts_alarm_{name}_seconds", f"{what}.", labels=["class"])
            for alarm_class, histogram in objective.seconds.items():
                took.add_metric([alarm_class], _buckets(histogram), histogram.total)
            yield took
            late = CounterMetricFamily(
                f"vigil_alerts_alarm_{name}_late",
                f"{what}: alarms for which that took more than {objective.within_s:g} s, or never came.",
                labels=["class"],
            )
            for alarm_class, count in objective.late(self._now_us()).items():
                late.add_metric([alarm_class], count)
            yield late

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
            "vigil_alerts_notifications_settled",
            "Reports that brought a notification on, by the status that it has since.",
            labels=["status", "channel"],
        )
        shown = dict.fromkeys(product(self._delivery.depths(), _REPORTED), 0) | counters.settled_by
        for (channel, status), count in shown.items():
            settled.add_metric([status, channel], count)
        yield settled
        yield CounterMetricFamily(
            "vigil_alerts_untold",
            "Systems that a message did not reach for good, and people whom none of their channels did.",
            counters.untold,
        )
        yield CounterMetricFamily(
            "vigil_alerts_reports_ignored", "Reports that changed nothing: twice, or late.", counters.ignored_reports
        )
        yield CounterMetricFamily(
            "vigil_alerts_notifications_let_go",
            "Notifications whose receipts are not waited for any more, too many being in hand.",
            counters.in_hand_dropped,
        )
        yield GaugeMetricFamily(
            "vigil_alerts_notifications_pending", "Notifications not handed over.", len(self._outbox)
        )
        yield GaugeMetricFamily(
            "vigil_alerts_notifications_in_hand", "Notifications handed over and not received.", self._outbox.in_hand
        )
        oldest_us = self._outbox.oldest_us
        yield GaugeMetricFamily(
            "vigil_alerts_notifications_oldest_seconds",
            "Age of the oldest notification that is not handed over.",
            0.0 if oldest_us is None else max(0.0, self._now_us() / 1e6 - oldest_us / 1e6),
        )
        fallbacks = CounterMetricFamily(
            "vigil_alerts_route_fallbacks", "Incidents whose place nobody has.", labels=["fallback"]
        )
        for fallback, count in counters.fallbacks.items():
            fallbacks.add_metric([fallback], count)
        yield fallbacks
        for stage, what, histograms in (
            ("handed", "From a notification being owed to its being handed over.", counters.handed_seconds),
            ("receipt", "From a notification being handed over to its receipt.", counters.receipt_seconds),
            ("answer", "From a notification being owed to a person's answer.", counters.answer_seconds),
        ):
            by_purpose = HistogramMetricFamily(f"vigil_alerts_{stage}_seconds", what, labels=["purpose"])
            for purpose, histogram in histograms.items():
                by_purpose.add_metric([purpose], _buckets(histogram), histogram.total)
            yield by_purpose

    def _of_delivery(self) -> Iterator[Metric]:
        counters, delivery = self._counters, self._delivery
        yield CounterMetricFamily("vigil_alerts_delivery_attempts", "Attempts to deliver.", counters.attempts)
        yield CounterMetricFamily("vigil_alerts_delivery_retries", "Attempts to be repeated.", counters.retries)
        depths = GaugeMetricFamily(
            "vigil_alerts_delivery_depth", "Notifications that a channel has not settled.", labels=["channel"]
        )
        for channel, depth in delivery.depths().items():
            depths.add_metric([channel], depth)
        yield depths
        breakers = GaugeMetricFamily(
            "vigil_alerts_breaker_state",
            "1 for the state that the breaker of the channel, or channel/member, is in.",
            labels=["channel", "state"],
        )
        for channel, now in delivery.breakers().items():
            for state in BreakerState:
                breakers.add_metric([channel, state], state is now)
        yield breakers
        members = CounterMetricFamily(
            "vigil_alerts_member_attempts",
            "Attempts of the members of failover channels, by what came of them.",
            labels=["channel", "member", "outcome"],
        )
        for channel, failover in delivery.failovers().items():
            for (member, outcome), count in failover.outcomes.items():
                members.add_metric([channel, member, outcome], count)
        yield members
        yield _histogram(
            "vigil_alerts_delivery_seconds",
            "From a notification being owed to the far end having taken it.",
            counters.delivery_seconds,
        )


def _histogram(name: str, what: str, histogram: Histogram) -> Metric:
    return HistogramMetricFamily(name, what, buckets=_buckets(histogram), sum_value=histogram.total)


def _buckets(histogram: Histogram) -> list[tuple[str, float] | tuple[str, float, Exemplar]]:
    """Return the counts at or under each bound, with an exemplar where there is one."""
    bounds = (*map(str, histogram.bounds), "+Inf")
    counts = map(float, accumulate(histogram.counts))
    return [
        (bound, count) if seen is None else (bound, count, _exemplar(seen))
        for bound, count, seen in zip(bounds, counts, histogram.seen, strict=True)
    ]


def _exemplar(seen: Sighting) -> Exemplar:
    labels = {"incident_id": seen.incident, "trace_id": trace_id_of(seen.incident)}
    return Exemplar(labels, seen.value, seen.time_us / 1e6)
