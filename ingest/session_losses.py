"""Why a connection ended, and whether trying again can help.

Every end is a `Loss`. One with a `refusal` is permanent: no retry can help until a person has changed something, so its
detail says what. A server DISCONNECT is never permanent by itself: the next CONNACK or SUBACK says what stays true.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from mqtt5 import ConnAckReasonCode, DisconnectReasonCode, SubAckReasonCode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mqtt5 import ConnAckPacket, DisconnectPacket, SubAckPacket

__all__ = [
    "BrokerRefused",
    "Loss",
    "LossReason",
    "RefusalReason",
    "SessionTakenOver",
    "loss_of_connack",
    "loss_of_disconnect",
    "loss_of_error",
    "loss_of_first_bytes",
    "loss_of_suback",
    "loss_unanswered",
]


class LossReason(StrEnum):
    """How a connection, or an attempt at one, ended."""

    UNREACHABLE = "unreachable"
    """No TCP connection."""
    TIMED_OUT = "timed_out"
    """Not subscribed within the time for connecting."""
    TLS_FAILED = "tls_failed"
    REFUSED = "refused"
    """CONNACK or SUBACK said no, for good."""
    BUSY = "busy"
    """CONNACK said: not now."""
    CLOSED = "closed"
    """The broker closed the connection without a word."""
    NETWORK_FAULT = "network_fault"
    """No route any more, or another fault on the way."""
    KEEP_ALIVE = "keep_alive"
    """The broker said nothing for one and a half keep-alive times."""
    MALFORMED = "malformed"
    """Bytes that frame no packet: nothing after them can be read."""
    TOO_LARGE = "too_large"
    """A packet larger than we said we take."""
    PROTOCOL_ERROR = "protocol_error"
    """A packet that may not come at this point."""
    TAKEN_OVER = "taken_over"
    """Another client connected with our client id."""
    SHUT_DOWN = "shut_down"
    """DISCONNECT: the broker is being stopped."""
    SENT_AWAY = "sent_away"
    """DISCONNECT with any other reason."""
    LEFT = "left"
    """We were told to stop."""


class RefusalReason(StrEnum):
    """What a person has to put right."""

    CREDENTIALS = "credentials"
    NOT_AUTHORISED = "not_authorised"
    CLIENT_ID = "client_id"
    PROTOCOL_VERSION = "protocol_version"
    BANNED = "banned"
    TLS = "tls"
    SUBSCRIPTION = "subscription"
    MOVED = "moved"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Loss:
    """The end of one connection. `refusal` is None where another attempt can help."""

    reason: LossReason
    detail: str
    refusal: RefusalReason | None = None


class BrokerRefused(Exception):
    """The broker will not have us until a person changes something; the message says what."""

    def __init__(self, reason: RefusalReason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class SessionTakenOver(Exception):
    """Another client uses our client id: this one stops, so that the two do not throw each other out for ever."""


# Keyed by value: the codec's enums have no hash.
_REFUSALS = {
    ConnAckReasonCode.UNSUPPORTED_PROTOCOL_VERSION.value: (
        RefusalReason.PROTOCOL_VERSION,
        "it does not speak MQTT 5: use a broker that does, or switch MQTT 5 on in its settings",
    ),
    ConnAckReasonCode.CLIENT_ID_NOT_VALID.value: (
        RefusalReason.CLIENT_ID,
        "it does not allow our client id: choose another, or allow this one in the broker",
    ),
    ConnAckReasonCode.BAD_USER_NAME_OR_PASSWORD.value: (
        RefusalReason.CREDENTIALS,
        "bad user name or password: check both in the settings and in the broker's list of users",
    ),
    ConnAckReasonCode.NOT_AUTHORIZED.value: (
        RefusalReason.NOT_AUTHORISED,
        "not authorised (or a bad user name or password): check both, and what the broker allows this user",
    ),
    ConnAckReasonCode.BANNED.value: (
        RefusalReason.BANNED,
        "this client is banned: take its client id, user or address off the broker's list",
    ),
    ConnAckReasonCode.BAD_AUTHENTICATION_METHOD.value: (
        RefusalReason.CREDENTIALS,
        "it wants another way of authentication: allow user and password, or client certificates, in the broker",
    ),
    ConnAckReasonCode.SERVER_MOVED.value: (RefusalReason.MOVED, "it has moved for good: change host and port"),
}
_NOT_NOW = {
    ConnAckReasonCode.UNSPECIFIED_ERROR.value,
    ConnAckReasonCode.IMPLEMENTATION_SPECIFIC_ERROR.value,
    ConnAckReasonCode.SERVER_UNAVAILABLE.value,
    ConnAckReasonCode.SERVER_BUSY.value,
    ConnAckReasonCode.QUOTA_EXCEEDED.value,
    ConnAckReasonCode.USE_ANOTHER_SERVER.value,
    ConnAckReasonCode.CONNECTION_RATE_EXCEEDED.value,
}
_TLS_REFUSALS = ("CERTIFICATE", "UNKNOWN_CA", "HANDSHAKE_FAILURE", "PROTOCOL_VERSION", "ACCESS_DENIED")
CONNACK_BYTE = 0x20
TLS_ALERT = b"\x15\x03"
MQTT_3_CONNACK_BYTES = 4
_NO_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "UNEXPECTED_MESSAGE")


def loss_of_connack(packet: ConnAckPacket) -> Loss | None:
    """Judge the broker's answer to CONNECT; None where it took us."""
    code = packet.reason_code
    if code == ConnAckReasonCode.SUCCESS:
        return None
    said = _said(code.name, packet.reason_str, packet.server_reference)
    if code.value in _NOT_NOW:
        return Loss(LossReason.BUSY, said)
    refusal, remedy = _REFUSALS.get(
        code.value, (RefusalReason.OTHER, "it does not take our CONNECT: see the broker's log for what it wants")
    )
    return Loss(LossReason.REFUSED, f"{remedy} ({said})", refusal)


def loss_of_suback(packet: SubAckPacket, topic_filters: Sequence[str]) -> Loss | None:
    """Judge the answer to SUBSCRIBE; None where every filter was granted at QoS 1. Names every filter that was not."""
    if len(packet.reason_codes) != len(topic_filters):
        return Loss(
            LossReason.PROTOCOL_ERROR,
            f"SUBACK answers {len(packet.reason_codes)} topic filters; we asked for {len(topic_filters)}",
        )
    faults = []
    for topic_filter, code in zip(topic_filters, packet.reason_codes, strict=True):
        if code == SubAckReasonCode.GRANTED_QOS_AT_MOST_ONCE:
            faults.append(
                f"{topic_filter!r} was granted at QoS 0 only, where messages may be lost: allow QoS 1 in the broker"
            )
        elif code != SubAckReasonCode.GRANTED_QOS_AT_LEAST_ONCE:
            faults.append(f"{topic_filter!r} was refused ({_words(code.name)}): allow it to this client in the broker")
    if not faults:
        return None
    said = f" (the broker says: {packet.reason_str})" if packet.reason_str else ""
    return Loss(LossReason.REFUSED, f"subscription {'; '.join(faults)}{said}", RefusalReason.SUBSCRIPTION)


def loss_of_disconnect(packet: DisconnectPacket) -> Loss:
    """Judge the broker's DISCONNECT."""
    reason = {
        DisconnectReasonCode.SESSION_TAKEN_OVER.value: LossReason.TAKEN_OVER,
        DisconnectReasonCode.SERVER_SHUTTING_DOWN.value: LossReason.SHUT_DOWN,
    }.get(packet.reason_code.value, LossReason.SENT_AWAY)
    return Loss(reason, _said(packet.reason_code.name, packet.reason_str, packet.server_reference))


def loss_of_error(error: OSError | None, *, while_connecting: bool = False) -> Loss:
    """Judge what the operating system or TLS reported; None is an end of stream."""
    match error:
        case None:
            return Loss(LossReason.CLOSED, "the broker closed the connection without a reason")
        case ssl.SSLError():
            return _loss_of_tls(error)
        case TimeoutError():
            return Loss(LossReason.TIMED_OUT, "no answer in time")
        case ConnectionResetError() | BrokenPipeError() if while_connecting:
            return Loss(LossReason.TLS_FAILED, "closed during the TLS handshake: is this a port for TLS?")
        case ConnectionResetError() | BrokenPipeError():  # as an end of stream, but we had written more
            return Loss(LossReason.CLOSED, "the broker closed the connection without a reason")
    reason = LossReason.UNREACHABLE if while_connecting else LossReason.NETWORK_FAULT
    return Loss(reason, str(error) or type(error).__name__)


def _loss_of_tls(error: ssl.SSLError) -> Loss:
    why = error.reason or ""
    if isinstance(error, ssl.SSLCertVerificationError):
        detail = (
            f"the broker's certificate is not to be trusted ({error.verify_message}): check that ca_file holds the "
            "authority that signed it, that it is not out of date, and that it names the host, or server_name"
        )
    elif any(word in why for word in _NO_TLS):
        detail = f"what answers there does not speak TLS ({why}): check the port, or leave the TLS settings out"
    elif any(word in why for word in _TLS_REFUSALS):
        detail = (
            f"the broker does not accept our end of TLS ({why}): check certificate_file and key_file, and that the "
            "broker trusts the authority that signed the certificate"
        )
    else:
        return Loss(LossReason.TLS_FAILED, f"TLS failed: {error}")
    return Loss(LossReason.TLS_FAILED, detail, RefusalReason.TLS)


def loss_of_first_bytes(raw: bytes) -> Loss:
    """Judge a first packet that is not MQTT 5: the CONNACK of an older MQTT has two bytes after its header."""
    if raw[0] == CONNACK_BYTE and len(raw) == MQTT_3_CONNACK_BYTES:
        refusal, remedy = _REFUSALS[ConnAckReasonCode.UNSUPPORTED_PROTOCOL_VERSION.value]
        return Loss(LossReason.REFUSED, f"{remedy} (it answers as MQTT 3 does: {raw.hex(' ')})", refusal)
    hint = "it speaks TLS, so set tls" if raw.startswith(TLS_ALERT) else "check the port"
    return Loss(LossReason.MALFORMED, f"what answers there does not speak MQTT, {hint}: {raw[:16].hex(' ')}")


def loss_unanswered(loss: Loss) -> Loss:
    """Explain a loss that came before CONNACK: a broker that does not know MQTT 5 may just close."""
    if loss.reason is not LossReason.CLOSED:
        return loss
    return Loss(
        loss.reason,
        "the broker closed the connection instead of answering CONNECT: does it speak MQTT 5 on this port, without TLS "
        "or with it as the settings say?",
    )


def _said(name: str, reason_str: str | None, server_reference: str | None) -> str:
    said = f"the broker says: {_words(name)}"
    if reason_str:
        said += f", {reason_str}"
    if server_reference:
        said += f", use {server_reference}"
    return said


def _words(name: str) -> str:
    return name.lower().replace("_", " ")
