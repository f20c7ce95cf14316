"""Alerts: from changes to incidents, from incidents to people, and back as commands."""

from alerts.alerting import Alerted, Alerting, AlertingLimits
from alerts.channels import Broker, Channel, ChannelSettings, ConsoleChannel, DeliveryError, make_channel
from alerts.command import (
    Accept,
    Audit,
    Command,
    EndSilence,
    External,
    IncidentCommand,
    Reopen,
    Resolve,
    Settle,
    Silence,
    StartDrill,
    Test,
    Unsubscribe,
    decode_command,
    encode_command,
)
from alerts.counters import AlertsCounters, Fallback
from alerts.delivery import Delivery, DeliveryLimits, SystemClock
from alerts.finding import Finding
from alerts.incident import (
    AlertEvent,
    EventKind,
    Exercise,
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
from alerts.people.model import Directory, decode_directory, encode_directory
from alerts.response_event import ResponseEvent, ResponseKind
from alerts.routing import Recipient, Route, Routing
from alerts.shadow import ShadowEvent

__all__ = [
    "Accept",
    "AlertEvent",
    "Alerted",
    "Alerting",
    "AlertingLimits",
    "AlertsCounters",
    "AlertsMetrics",
    "Audit",
    "Broker",
    "Channel",
    "ChannelSettings",
    "Command",
    "CommandRejected",
    "ConsoleChannel",
    "Delivery",
    "DeliveryError",
    "DeliveryLimits",
    "Directory",
    "EndSilence",
    "EventKind",
    "Exercise",
    "External",
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
    "ResponseEvent",
    "ResponseKind",
    "Route",
    "Routing",
    "Settle",
    "ShadowEvent",
    "Silence",
    "StartDrill",
    "SystemClock",
    "Test",
    "Unsubscribe",
    "decode_command",
    "decode_directory",
    "decode_event",
    "encode_command",
    "encode_directory",
    "encode_event",
    "make_channel",
]
