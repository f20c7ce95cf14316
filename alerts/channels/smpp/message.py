"""Texts in submit_sm and deliver_sm, and receipts in either of the forms that centres use."""

from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING, Final, NamedTuple

from alerts.channels.smpp.pdu import Tag
from alerts.channels.sms import gsm7
from alerts.incident import NotificationStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alerts.channels.smpp.pdu import Delivered

__all__ = ["Delivery", "Part", "is_receipt", "parts_of", "read_message", "read_receipt", "validity"]

GSM7: Final = 0x00
"""The centre's default alphabet."""
ASCII: Final = 0x01
LATIN1: Final = 0x03
UCS2: Final = 0x08
GBK: Final = 0x0F
"""As Chinese operators have it."""
_CODECS: Final[Mapping[int, str]] = {ASCII: "ascii", LATIN1: "latin-1", UCS2: "utf-16-be", GBK: "gb18030"}
KIND: Final = 0x3C
KIND_RECEIPT: Final = 0x04
VALIDITY_MAX_S: Final = 72 * 3600
_ID: Final = re.compile(r"\bid:\s*(\S+)", re.IGNORECASE)
_STATE: Final = re.compile(r"\bstat:\s*([A-Za-z]+)", re.IGNORECASE)
_ERROR: Final = re.compile(r"\berr:\s*(\w+)", re.IGNORECASE)
_ENDED: Final[Mapping[str, NotificationStatus]] = {
    "DELIVRD": NotificationStatus.RECEIVED,
    "EXPIRED": NotificationStatus.FAILED,
    "DELETED": NotificationStatus.FAILED,
    "UNDELIV": NotificationStatus.FAILED,
    "REJECTD": NotificationStatus.FAILED,
    "UNKNOWN": NotificationStatus.UNKNOWN,
}
"""Table B-2 of the specification; ACCEPTD and ENROUTE are no end."""
_STATES: Final[Mapping[int, str]] = {
    1: "ENROUTE",
    2: "DELIVRD",
    3: "EXPIRED",
    4: "DELETED",
    5: "UNDELIV",
    6: "ACCEPTD",
    7: "UNKNOWN",
    8: "REJECTD",
}


class Part(NamedTuple):
    """What one submit_sm carries. has_header: the octets begin with the header of a long message's part."""

    data_coding: int
    octets: bytes
    has_header: bool


class Delivery(NamedTuple):
    """A receipt. message_id: as the centre writes it; status: None while it is on its way."""

    message_id: str
    status: NotificationStatus | None
    detail: str


def parts_of(text: str, key: str, *, has_gsm7: bool = True) -> list[Part]:
    """Return the parts of a text, at most `gsm7.PARTS_MAX`.

    key:      what the reference number of a long message is made of, so that a repeat of it fits its first try
    has_gsm7: the centre's default alphabet is that of GSM; else all goes as UCS-2
    """
    is_gsm7 = has_gsm7 and gsm7.septets(text) is not None
    segments = gsm7.segments(text) if is_gsm7 or gsm7.septets(text) is None else _wide_segments(text)
    segments = segments[: gsm7.PARTS_MAX]
    coding = GSM7 if is_gsm7 else UCS2
    encoded = [gsm7.encode(segment) if is_gsm7 else segment.encode("utf-16-be", "replace") for segment in segments]
    if len(encoded) == 1:
        return [Part(coding, encoded[0], has_header=False)]
    reference = zlib.crc32(key.encode()) & 0xFF
    return [
        Part(coding, bytes((5, 0, 3, reference, len(encoded), number)) + octets, has_header=True)
        for number, octets in enumerate(encoded, 1)
    ]


def _wide_segments(text: str) -> list[str]:
    """Cut a text of the GSM alphabet as UCS-2 has it."""
    if len(text) <= gsm7.SINGLE_UNITS:
        return [text]
    return [text[at : at + gsm7.PART_UNITS] for at in range(0, len(text), gsm7.PART_UNITS)]


def read_message(delivered: Delivered) -> str:
    """Return the text; what cannot be read becomes U+FFFD."""
    if delivered.data_coding == GSM7:
        return gsm7.decode(delivered.message)
    return delivered.message.decode(_CODECS.get(delivered.data_coding, "latin-1"), "replace")


def is_receipt(delivered: Delivered) -> bool:
    """Whether it is about a message that was sent, and not from a person."""
    return delivered.esm_class & KIND != 0


def read_receipt(delivered: Delivered) -> Delivery | None:
    """Return what a receipt says: by its optional parameters where it has them, else by its text.

    None where it is a notice of another kind, or names no message.
    """
    if delivered.esm_class & KIND != KIND_RECEIPT:
        return None
    text = delivered.message.decode("latin-1")
    named = delivered.tags.get(Tag.RECEIPTED_MESSAGE_ID, b"").rstrip(b"\0").decode("ascii", "replace")
    written = _ID.search(text)
    message_id = named or (written[1] if written else "")
    if not message_id:
        return None
    state_tag = delivered.tags.get(Tag.MESSAGE_STATE, b"")
    state = _STATES.get(state_tag[0], "") if state_tag else ""
    if not state and (found := _STATE.search(text)):
        state = found[1].upper()
    error = _ERROR.search(text)
    detail = f"{state} err {error[1]}" if error and error[1].strip("0") else state
    return Delivery(message_id, _ENDED.get(state), detail)


def validity(left_s: float) -> str:
    """Return the relative validity_period for `left_s` s; "" for the centre's own where it is over."""
    if left_s < 1:
        return ""
    rest = round(min(left_s, VALIDITY_MAX_S))
    minutes, seconds = divmod(rest, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return f"0000{days:02}{hours:02}{minutes:02}{seconds:02}000R"
