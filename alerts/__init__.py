"""Alerts: from changes to incidents, from incidents to people, and back as commands."""

from alerts.channels import Broker, Channel, ChannelSettings, ConsoleChannel, DeliveryError, make_channel
from alerts.command import (
    Acknowledge,
    Command,
    IncidentCommand,
    Reopen,
    Resolve,
    Settle,
    decode_command,
    encode_command,
)
from alerts.counters import AlertsCounters, Fallback
from alerts.delivery import Delivery, DeliveryLimits, SystemClock
from alerts.finding import Finding
from alerts.incident import (
    AlertEvent,
    EventKind,
    Incident,
    IncidentEvent,
    IncidentState,
    NotificationEvent,
    NotificationStatus,
    Outcome,
    decode_event,
    encode_event,
)
from alerts.incidents import IncidentLimits, Incidents
from alerts.lifecycle import CommandRejected
from alerts.metrics import AlertsMetrics
from alerts.notification import Notification
from alerts.outbox import Outbox, OutboxLimits
from alerts.routing import Recipient, Route, Routing
from alerts.shadow import ShadowEvent

__all__ = [
    "Acknowledge",
    "AlertEvent",
    "AlertsCounters",
    "AlertsMetrics",
    "Broker",
    "Channel",
    "ChannelSettings",
    "Command",
    "CommandRejected",
    "ConsoleChannel",
    "Delivery",
    "DeliveryError",
    "DeliveryLimits",
    "EventKind",
    "Fallback",
    "Finding",
    "Incident",
    "IncidentCommand",
    "IncidentEvent",
    "IncidentLimits",
    "IncidentState",
    "Incidents",
    "Notification",
    "NotificationEvent",
    "NotificationStatus",
    "Outbox",
    "OutboxLimits",
    "Outcome",
    "Recipient",
    "Reopen",
    "Resolve",
    "Route",
    "Routing",
    "Settle",
    "ShadowEvent",
    "SystemClock",
    "decode_command",
    "decode_event",
    "encode_command",
    "encode_event",
    "make_channel",
]
