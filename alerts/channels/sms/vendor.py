"""`Vendor`: what differs between gateways: how they are asked, and what their answers mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

from alerts.channels.http import LONG_NUMBERS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alerts.channels.channel import Handed
    from alerts.channels.http import Answer, HttpGateway
    from alerts.notification import Notification

__all__ = ["Request", "Saying", "Vendor", "json_object", "reason"]

REASON_CHARACTERS: Final = 120


@dataclass(frozen=True, slots=True)
class Saying:
    """One message as it is to be said.

    values:      what templates may name
    address:     where to
    text:        what an SMS says, or is spoken in a call
    now_us:      µs since the epoch
    """

    notification: Notification
    values: Mapping[str, str]
    address: str
    text: str
    now_us: int


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes = b""


class Vendor(Protocol):
    """One kind of gateway. Each method that reads an answer gets one with any status."""

    def request(self, saying: Saying) -> Request:
        """Return the request that sends it. Raises DeliveryError where it cannot be sent at all."""

    def taken(self, answer: Answer, saying: Saying, http: HttpGateway) -> Handed:
        """Read the answer. Raises DeliveryError where the gateway did not take it, or does not say so."""

    def inquiry(self, saying: Saying) -> Request | None:
        """Return the request that asks what became of it, None where the gateway cannot be asked."""

    def found(self, answer: Answer, saying: Saying) -> Handed | None:
        """Return what became of it, None where it is not known there. Raises DeliveryError where it failed."""


def json_object(answer: Answer) -> dict[str, Any] | None:
    """Return the JSON object that an answer is, None where it is none."""
    try:
        return msgspec.json.decode(answer.body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def reason(code: object, message: object, address: str) -> str:
    """Say what a vendor said, without the address or anything else that looks like a number to call."""
    text = f"{code}: {message}" if message else str(code)
    for part in filter(None, (address, address.lstrip("+"))):
        text = text.replace(part, "…")
    return " ".join(LONG_NUMBERS.sub("…", text).split())[:REASON_CHARACTERS]
