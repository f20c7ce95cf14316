from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from alerts import (
    Accept,
    AlertsCounters,
    AlertsMetrics,
    Channel,
    Delivery,
    DeliveryError,
    Incidents,
    NotificationStatus,
    Outbox,
    Outcome,
    Resolve,
    Settle,
)
from alerts.channels import FailoverChannel
from alerts.counters import ResponseBound
from alerts.notification import Purpose
from alerts.response_event import ResponseKind
from rules.model import RuleKind
from tests.alerts.scene import GAS, SMOKE, T0, TANK, HandClock, S, Scene, ScriptedChannel, notification

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Value = Callable[..., float | None]


async def settled(_: Settle) -> None:
    """Do nothing with it."""


class Shown:
    """All the parts, and what `/metrics` says of them `age_s` after T0."""

    def __init__(self, age_s: int = 0) -> None:
        self.counters = AlertsCounters()
        self.registry = CollectorRegistry()
        self.incidents = Incidents(counters=self.counters)
        self.outbox = Outbox(counters=self.counters)
        clock = HandClock()
        first: dict[str, Channel] = {"ali": ScriptedChannel(clock, DeliveryError("HTTP 500", retry=True))}
        channels: dict[str, Channel] = {
            "hook": ScriptedChannel(clock, "ok"),
            "sms": FailoverChannel(first | {"tencent": ScriptedChannel(clock, "ok")}, clock.steady),
        }
        self.delivery = Delivery(channels, settled, clock, lambda: 0.0, self.counters)
        self.sms = channels["sms"]
        AlertsMetrics(self.registry, self.counters, self.incidents, self.outbox, self.delivery, lambda: T0 + age_s * S)

    def value(self, name: str, labels: Mapping[str, str] | None = None) -> float | None:
        return self.registry.get_sample_value(f"vigil_alerts_{name}", dict(labels or {}))


def test_the_counters_begin_at_zero() -> None:
    value = Shown().value
    assert value("incidents_raised_total", {"severity": "emergency"}) == 0
    assert value("incidents_closed_total", {"outcome": "cleared"}) == 0
    assert value("shadow_raised_total", {"kind": "forecast"}) == 0
    assert value("delivery_seconds_count") == 0
    assert value("notifications_oldest_seconds") == 0
    assert value("unanswered_seconds", {"class": "life-safety"}) == 0
    assert value("untold_total") == 0
    assert value("response_total", {"kind": "unreached"}) == 0
    assert value("response_bounds_reached_total", {"bound": "codes"}) == 0
    assert value("delivery_depth", {"channel": "hook"}) == 0
    assert value("member_attempts_total", {"channel": "sms", "member": "ali", "outcome": "unknown"}) == 0
    for status in NotificationStatus:
        expected = None if status is NotificationStatus.QUEUED else 0
        assert value("notifications_settled_total", {"status": status, "channel": "sms"}) == expected
    for purpose in Purpose:
        assert value("answer_seconds_count", {"purpose": purpose}) == 0


def test_incidents_are_shown_by_severity_state_and_outcome() -> None:
    shown = Shown()
    scene = Scene(shown.incidents)
    name = scene.rule(SMOKE, 0)[0].incident.id
    scene.rule(TANK, 1)
    scene.rule(TANK, 2, holds=False)
    shown.incidents.apply_command(Resolve(incident=name, by="li", origin="test", outcome=Outcome.TEST), T0, 9)
    scene.rule(SMOKE, 3)
    shown.counters.shadow_raised[RuleKind.RATE] += 2

    value = shown.value
    assert value("incidents_raised_total", {"severity": "emergency"}) == 1
    assert value("incidents_raised_total", {"severity": "warning"}) == 1
    assert value("incidents_reopened_total") == 1
    assert value("incidents_closed_total", {"outcome": "cleared"}) == 1
    assert value("incidents_closed_total", {"outcome": "test"}) == 1
    assert value("incidents_open", {"state": "raised", "severity": "emergency"}) == 1
    assert value("incidents_open", {"state": "accepted", "severity": "emergency"}) == 0
    assert value("shadow_raised_total", {"kind": "rate"}) == 2


def test_the_oldest_unanswered_incident_is_shown_by_class() -> None:
    shown = Shown(age_s=90)
    scene = Scene(shown.incidents)
    name = scene.rule(SMOKE, 0)[0].incident.id
    scene.rule(GAS, 30)
    scene.rule(TANK, 60)
    value = shown.value
    assert value("unanswered_seconds", {"class": "life-safety"}) == 90
    assert value("unanswered_seconds", {"class": TANK.alarm_class}) == 30
    shown.incidents.apply_command(Accept(incident=name, by="li", origin="test"), T0 + 70 * S, 9)
    assert value("unanswered_seconds", {"class": "life-safety"}) == 60


def test_what_was_done_for_an_answer_is_shown_and_whom_nothing_reached() -> None:
    shown = Shown()
    shown.counters.response_lines[ResponseKind.WHISTLED] += 2
    shown.counters.response_full[ResponseBound.CODES] += 1
    shown.counters.untold += 3
    assert shown.value("response_total", {"kind": "whistled"}) == 2
    assert shown.value("response_bounds_reached_total", {"bound": "codes"}) == 1
    assert shown.value("untold_total") == 3


def test_notifications_are_shown_from_being_owed_to_being_answered() -> None:
    shown = Shown(age_s=90)
    ask, told, waits = notification(SMOKE, purpose=Purpose.ASK), notification(TANK), notification(GAS, at=30)
    shown.outbox.owe([ask, told, waits])
    shown.outbox.settle(
        Settle(notification=ask.id, status=NotificationStatus.HANDED, detail="", attempts=1, reference="1"), T0 + S
    )
    shown.outbox.answered(ask.id, T0 + 40 * S)
    shown.outbox.settle(
        Settle(notification=told.id, status=NotificationStatus.HANDED, detail="", attempts=1), T0 + 2 * S
    )
    shown.outbox.settle(
        Settle(notification=told.id, status=NotificationStatus.HANDED, detail="", attempts=1), T0 + 3 * S
    )

    value = shown.value
    assert value("notifications_owed_total") == 3
    assert value("notifications_pending") == 1
    assert value("notifications_in_hand") == 1
    assert value("notifications_oldest_seconds") == pytest.approx(60)
    assert value("notifications_settled_total", {"status": "handed", "channel": "hook"}) == 2
    assert value("notifications_settled_total", {"status": "answered", "channel": "hook"}) == 1
    assert value("reports_ignored_total") == 1
    assert value("handed_seconds_bucket", {"purpose": "ask", "le": "1.0"}) == 1
    assert value("handed_seconds_bucket", {"purpose": "tell", "le": "1.0"}) == 0
    assert value("answer_seconds_sum", {"purpose": "ask"}) == 40


async def test_delivery_is_shown_by_channel_and_member() -> None:
    shown = Shown()
    shown.counters.delivery_seconds.add(0.3)
    shown.counters.delivery_seconds.add(9_999)
    shown.delivery.submit([notification(GAS), notification(TANK)])
    for _ in range(6):
        await shown.sms.send(notification(SMOKE))

    value = shown.value
    assert value("delivery_depth", {"channel": "hook"}) == 2
    assert value("breaker_state", {"channel": "hook", "state": "closed"}) == 1
    assert value("breaker_state", {"channel": "sms/ali", "state": "open"}) == 1
    assert value("breaker_state", {"channel": "sms/tencent", "state": "open"}) == 0
    assert value("member_attempts_total", {"channel": "sms", "member": "ali", "outcome": "failed"}) == 5
    assert value("member_attempts_total", {"channel": "sms", "member": "tencent", "outcome": "handed"}) == 6
    assert value("delivery_seconds_bucket", {"le": "0.25"}) == 0
    assert value("delivery_seconds_bucket", {"le": "0.5"}) == 1
    assert value("delivery_seconds_bucket", {"le": "+Inf"}) == 2
    assert b"vigil_alerts_route_fallbacks_total" in generate_latest(shown.registry)
