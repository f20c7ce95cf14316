"""Commands: what people decide about incidents, and what delivery reports; all of it goes through the journal."""

from __future__ import annotations

import msgspec

from alerts.incident import NotificationStatus, Outcome

__all__ = [
    "Acknowledge",
    "Command",
    "IncidentCommand",
    "Reopen",
    "Resolve",
    "Settle",
    "decode_command",
    "encode_command",
]


class Acknowledge(msgspec.Struct, frozen=True, kw_only=True, tag="acknowledge"):
    """A person is on it.

    incident: id, as typed
    by:       who; origin: from where (`cli`, `api`, …)
    """

    incident: str
    by: str
    origin: str
    note: str = ""


class Resolve(msgspec.Struct, frozen=True, kw_only=True, tag="resolve"):
    """A person closes it and says what it was."""

    incident: str
    by: str
    origin: str
    outcome: Outcome
    note: str = ""


class Reopen(msgspec.Struct, frozen=True, kw_only=True, tag="reopen"):
    """A person wants it raised again."""

    incident: str
    by: str
    origin: str
    note: str = ""


class Settle(msgspec.Struct, frozen=True, kw_only=True, tag="settle"):
    """Delivery is done with a notification.

    detail:   the receipt, or why there is none
    attempts: tries since the service started
    """

    notification: str
    status: NotificationStatus
    detail: str
    attempts: int
    by: str = "delivery"
    origin: str = "vigil"


IncidentCommand = Acknowledge | Resolve | Reopen
Command = Acknowledge | Resolve | Reopen | Settle

_ENCODER = msgspec.msgpack.Encoder()
_DECODER: msgspec.msgpack.Decoder[Command] = msgspec.msgpack.Decoder(Command)


def encode_command(command: Command) -> bytes:
    """Return the body of a journal record of kind COMMAND."""
    return _ENCODER.encode(command)


def decode_command(body: bytes) -> Command:
    """Read the body of a journal record of kind COMMAND. Raises msgspec.DecodeError where it is none."""
    return _DECODER.decode(body)
