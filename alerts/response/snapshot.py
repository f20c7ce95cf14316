"""The response as bytes: what a checkpoint keeps of it. Noise, post and outbox keep their own."""

from __future__ import annotations

from typing import Final

import msgspec

from alerts.notification import Notification
from alerts.response.board import Closed
from alerts.response.escalation import Escalation

__all__ = ["Snapshot", "decode", "encode"]

VERSION: Final = 1


class Snapshot(msgspec.Struct, frozen=True):
    """The state.

    resting: (code, until when in µs since the epoch); told: messages that ask nothing and are not handed over
    """

    escalations: tuple[Escalation, ...]
    closed: tuple[tuple[str, Closed], ...]
    resting: tuple[tuple[str, int], ...]
    told: tuple[Notification, ...]


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(Snapshot)


def encode(snapshot: Snapshot) -> bytes:
    """Return the state as bytes."""
    return bytes([VERSION]) + _ENCODER.encode(snapshot)


def decode(body: bytes) -> Snapshot:
    """Read a state. Raises ValueError where it is of a version that this program does not read."""
    if not body or body[0] != VERSION:
        raise ValueError(f"response snapshot of version {body[:1]!r}; wanted {VERSION}")
    return _DECODER.decode(memoryview(body)[1:])
