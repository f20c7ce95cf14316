"""What a session counts: plain numbers, so that the hot path knows no metrics library."""

from __future__ import annotations

from dataclasses import dataclass, field

from ingest.session_losses import LossReason

__all__ = ["SessionCounters"]


def _zeros() -> dict[LossReason, int]:
    return dict.fromkeys(LossReason, 0)


@dataclass(slots=True)
class SessionCounters:
    """Counts since the start of the process, none of which ever falls; the last two are present states.

    wakeups:          reads from the socket; messages / wakeups says how well the work is batched
    messages, bytes:  PUBLISH packets received, redeliveries included; bytes of everything received
    malformed:        packets that framed rightly but are not MQTT 5
    connects:         accepted connections (CONNACK success)
    sessions_lost:    the broker kept no session although it had given this process one: a backlog may be gone
    disconnects:      how connections, and attempts at one, ended
    pings:            PINGREQ sent
    pauses:           times that reading stopped, as the broker sent more than the receive maximum
    acks, stale_acks: PUBACKs sent; PUBACKs owed to a connection that is gone (the broker delivers those again)
    receipts, receipts_dropped: messages published; those given up because the link was down or full
    last_message_s:   when a PUBLISH last came, s since the epoch by the wall clock; 0 before the first
    ping_s:           from the last answered PINGREQ to its PINGRESP, s; None before one: a busy link is not pinged
    """

    wakeups: int = 0
    messages: int = 0
    bytes: int = 0
    malformed: int = 0
    connects: int = 0
    sessions_lost: int = 0
    disconnects: dict[LossReason, int] = field(default_factory=_zeros)
    pings: int = 0
    pauses: int = 0
    acks: int = 0
    stale_acks: int = 0
    receipts: int = 0
    receipts_dropped: int = 0
    last_message_s: float = 0.0
    ping_s: float | None = None
