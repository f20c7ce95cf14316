"""What comes back from gateways: receipts of messages, and what people answer. Pure: who serves HTTP calls it."""

from alerts.channels.inbound.callback import Preset
from alerts.channels.inbound.gate import Gate, gate_of
from alerts.channels.inbound.receipts import Receipt, parse_receipts
from alerts.channels.inbound.replies import Given, Reply, parse_answer, parse_replies

__all__ = [
    "Gate",
    "Given",
    "Preset",
    "Receipt",
    "Reply",
    "gate_of",
    "parse_answer",
    "parse_receipts",
    "parse_replies",
]
