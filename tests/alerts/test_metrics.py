from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, generate_latest

from alerts import (
    AlertsCounters,
    AlertsMetrics,
    Delivery,
    Incidents,
    NotificationStatus,
    Outbox,
    Outcome,
    Recipient,
    Resolve,
    Routing,
    Settle,
)
from rules.model import RuleKind
from tests.alerts.scene import SMOKE, T0, TANK, HandClock, Scene, ScriptedChannel

if TYPE_CHECKING:
    from collections.abc import Mapping


async def settled(_: Settle) -> None:
    """Do nothing with it."""


def test_the_counters_are_shown_and_begin_at_zero() -> None:
    counters = AlertsCounters()
    registry = CollectorRegistry()
    incidents = Incidents(counters=counters)
    outbox = Outbox(Routing([Recipient("duty", ("hook",), updates=True)]), counters=counters)
    clock = HandClock()
    delivery = Delivery({"hook": ScriptedChannel(clock, "ok")}, settled, clock, lambda: 0.0, counters)
    AlertsMetrics(registry, counters, incidents, outbox, delivery)

    def value(name: str, labels: Mapping[str, str] | None = None) -> float | None:
        return registry.get_sample_value(f"vigil_alerts_{name}", dict(labels or {}))

    assert value("incidents_raised_total", {"severity": "emergency"}) == 0
    assert value("notifications_settled_total", {"status": "expired"}) == 0
    assert value("incidents_closed_total", {"outcome": "cleared"}) == 0
    assert value("delivery_seconds_count") == 0
    assert value("shadow_raised_total", {"kind": "forecast"}) == 0

    scene = Scene(incidents)
    events = scene.rule(SMOKE, 0)
    name = events[0].incident.id
    events += scene.rule(TANK, 1)
    events += scene.rule(TANK, 2, holds=False)
    resolve = Resolve(incident=name, by="li", origin="test", outcome=Outcome.TEST)
    events += incidents.apply_command(resolve, T0, 9)
    events += scene.rule(SMOKE, 3)
    owed = outbox.owe(events, T0)
    outbox.settle(Settle(notification=owed[0].id, status=NotificationStatus.FAILED, detail="", attempts=1), T0)
    counters.delivery_seconds.add(0.3)
    counters.shadow_raised[RuleKind.RATE] += 2
    counters.delivery_seconds.add(9_999)

    assert value("incidents_raised_total", {"severity": "emergency"}) == 1
    assert value("incidents_raised_total", {"severity": "warning"}) == 1
    assert value("incidents_reopened_total") == 1
    assert value("incidents_closed_total", {"outcome": "cleared"}) == 1
    assert value("incidents_closed_total", {"outcome": "test"}) == 1
    assert value("incidents_open", {"state": "raised", "severity": "emergency"}) == 1
    assert value("incidents_open", {"state": "acknowledged", "severity": "emergency"}) == 0
    assert value("notifications_owed_total") == len(owed) == 5
    assert value("notifications_pending") == 4
    assert value("notifications_settled_total", {"status": "failed"}) == 1
    assert value("shadow_raised_total", {"kind": "rate"}) == 2
    assert value("breaker_state", {"channel": "hook", "state": "closed"}) == 1
    assert value("breaker_state", {"channel": "hook", "state": "open"}) == 0
    assert value("delivery_seconds_bucket", {"le": "0.25"}) == 0
    assert value("delivery_seconds_bucket", {"le": "0.5"}) == 1
    assert value("delivery_seconds_bucket", {"le": "+Inf"}) == 2
    assert b"vigil_alerts_route_fallbacks_total" in generate_latest(registry)
