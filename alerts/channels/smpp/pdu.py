"""SMPP 3.4 as it is on the wire: what a transceiver that sends texts needs, written from the specification (issue 1.2).

aiosmpplib 0.7 was tried first. One receipt with seconds in its `done date`, or letters in its `err`, is never
acknowledged there: it drops the connection, gets the same receipt again, and so on for ever. One short deliver_sm ends
its `start()` for good, and it has no TLS.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

__all__ = [
    "HEADER_BYTES",
    "PDU_BYTES_MAX",
    "RESPONSE",
    "Command",
    "Delivered",
    "Pdu",
    "PduError",
    "Status",
    "Tag",
    "bind_body",
    "read_deliver",
    "read_header",
    "read_text",
    "submit_body",
]

HEADER_BYTES: Final = 16
PDU_BYTES_MAX: Final = 70_000
"""A PDU with the largest message_payload that there can be, and some more."""
RESPONSE: Final = 0x8000_0000
VERSION: Final = 0x34
UDH: Final = 0x40
"""The bit of esm_class that says that the message begins with a header of its own."""
NUL: Final = b"\0"
_HEADER: Final = struct.Struct("!IIII")
_TLV: Final = struct.Struct("!HH")


class PduError(ValueError):
    """Not a PDU, or not one of that kind."""


class Command(IntEnum):
    """command_id; a response has `RESPONSE` as well."""

    GENERIC_NACK = 0x8000_0000
    SUBMIT_SM = 0x04
    DELIVER_SM = 0x05
    UNBIND = 0x06
    BIND_TRANSCEIVER = 0x09
    ENQUIRE_LINK = 0x15


class Status(IntEnum):
    """command_status, of those that are treated in a way of their own."""

    ROK = 0x00
    RINVCMDLEN = 0x02
    RINVCMDID = 0x03
    RSYSERR = 0x08
    RINVSRCADR = 0x0A
    RINVDSTADR = 0x0B
    RINVPASWD = 0x0E
    RINVSYSID = 0x0F
    RMSGQFUL = 0x14
    RSUBMITFAIL = 0x45
    RTHROTTLED = 0x58
    RX_T_APPN = 0x64
    """Not now; deliver it again."""
    RX_P_APPN = 0x65
    """Never; do not deliver it again."""


class Tag(IntEnum):
    """Optional parameters."""

    RECEIPTED_MESSAGE_ID = 0x001E
    NETWORK_ERROR_CODE = 0x0423
    MESSAGE_PAYLOAD = 0x0424
    MESSAGE_STATE = 0x0427


@dataclass(frozen=True, slots=True)
class Pdu:
    """One protocol data unit."""

    command: int
    status: int
    sequence: int
    body: bytes = b""

    def encoded(self) -> bytes:
        """Return its octets."""
        return _HEADER.pack(HEADER_BYTES + len(self.body), self.command, self.status, self.sequence) + self.body


@dataclass(frozen=True, slots=True)
class Delivered:
    """The body of a deliver_sm.

    source_ton: type of the number that it comes from; 1 is international
    message:    without its user data header
    tags:       optional parameters
    """

    source: str
    source_ton: int
    destination: str
    esm_class: int
    data_coding: int
    message: bytes
    tags: dict[int, bytes]


def read_header(octets: bytes) -> tuple[int, int, int, int]:
    """Return length of the body, command, status, sequence. Raises PduError where that length cannot be."""
    length, command, status, sequence = _HEADER.unpack(octets)
    if not HEADER_BYTES <= length <= PDU_BYTES_MAX:
        raise PduError(f"a PDU of {length} octets")
    return length - HEADER_BYTES, command, status, sequence


def bind_body(system_id: str, password: str, system_type: str) -> bytes:
    """Return the body of a bind_transceiver, for messages to any address."""
    texts = NUL.join(text.encode("ascii") for text in (system_id, password, system_type))
    return texts + NUL + bytes((VERSION, 0, 0)) + NUL


def submit_body(
    *,
    source: tuple[int, int, str],
    destination: tuple[int, int, str],
    service_type: str,
    validity: str,
    data_coding: int,
    message: bytes,
    has_header: bool,
) -> bytes:
    """Return the body of a submit_sm that asks for a receipt. Addresses are (type of number, plan, number)."""
    head = service_type.encode("ascii") + NUL
    for ton, npi, number in (source, destination):
        head += bytes((ton, npi)) + number.encode("ascii") + NUL
    head += bytes((UDH if has_header else 0, 0, 0)) + NUL + validity.encode("ascii") + NUL
    return head + bytes((1, 0, data_coding, 0, len(message))) + message


def read_text(body: bytes) -> str:
    """Return the one C-octet string that a body begins with. Raises PduError where it does not end."""
    return _Reader(body).text()


def read_deliver(body: bytes) -> Delivered:
    """Read the body of a deliver_sm. Raises PduError where it breaks off."""
    reader = _Reader(body)
    reader.text()  # service_type
    source_ton, _ = reader.octets(2)
    source = reader.text()
    reader.octets(2)
    destination = reader.text()
    esm_class, _, _ = reader.octets(3)
    reader.text()  # schedule_delivery_time
    reader.text()  # validity_period
    _, _, data_coding, _, length = reader.octets(5)
    message = reader.octets(length)
    tags: dict[int, bytes] = {}
    while not reader.at_end:
        tag, size = _TLV.unpack(reader.octets(_TLV.size))
        tags[tag] = reader.octets(size)
    if not message:
        message = tags.get(Tag.MESSAGE_PAYLOAD, b"")
    if esm_class & UDH and message:
        message = message[1 + message[0] :]
    return Delivered(source, source_ton, destination, esm_class, data_coding, message, tags)


class _Reader:
    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    @property
    def at_end(self) -> bool:
        return self._at >= len(self._body)

    def octets(self, count: int) -> bytes:
        end = self._at + count
        if end > len(self._body):
            raise PduError("it breaks off")
        taken, self._at = self._body[self._at : end], end
        return taken

    def text(self) -> str:
        end = self._body.find(NUL, self._at)
        if end < 0:
            raise PduError("a text does not end")
        taken, self._at = self._body[self._at : end], end + 1
        return taken.decode("ascii", "replace")
