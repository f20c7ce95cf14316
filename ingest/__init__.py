"""Ingest: from bytes of the broker to blocks of readings. It never judges a reading."""

from ingest.batcher import Batcher
from ingest.block import Block, Deliveries, Receipt
from ingest.clock import ArrivalClock, ClockSkew
from ingest.counters import IngestCounters
from ingest.heard import Heard
from ingest.limits import BatcherLimits
from ingest.metrics import IngestMetrics
from ingest.redelivery import RedeliveryWindow
from ingest.session import Session
from ingest.session_counters import SessionCounters
from ingest.session_losses import BrokerRefused, LossReason, RefusalReason, SessionTakenOver
from ingest.session_metrics import SessionMetrics
from ingest.session_settings import BrokerSettings, TlsSettings
from ingest.topics import FILTERS, Lane, ack_topic, cmd_topic, topic_filters

__all__ = [
    "FILTERS",
    "ArrivalClock",
    "Batcher",
    "BatcherLimits",
    "Block",
    "BrokerRefused",
    "BrokerSettings",
    "ClockSkew",
    "Deliveries",
    "Heard",
    "IngestCounters",
    "IngestMetrics",
    "Lane",
    "LossReason",
    "Receipt",
    "RedeliveryWindow",
    "RefusalReason",
    "Session",
    "SessionCounters",
    "SessionMetrics",
    "SessionTakenOver",
    "TlsSettings",
    "ack_topic",
    "cmd_topic",
    "topic_filters",
]
