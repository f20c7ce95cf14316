"""Webhooks, signed as https://www.standardwebhooks.com/ says; docs/webhook.md is for those who receive them."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import TYPE_CHECKING

from alerts.channels.channel import Handed
from alerts.channels.document import document
from alerts.notification import Purpose

if TYPE_CHECKING:
    from collections.abc import Callable

    from alerts.channels.http import HttpGateway
    from alerts.notification import Notification

__all__ = ["WebhookChannel", "signature"]


def signature(key: bytes, name: str, timestamp_s: int, body: bytes) -> str:
    """Return the `webhook-signature` of a message."""
    digest = hmac.new(key, f"{name}.{timestamp_s}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


class WebhookChannel:
    """POSTs the document of a notification to one address; any 2xx is the receipt of the system that it is for.

    key:      of the signature; None sends unsigned
    gateway:  idempotent, since receivers know a repeat by its `idempotency-key`; closed with the channel
    clock_us: µs since the epoch
    at_once:  POSTs under way, at most
    """

    idempotent = True

    def __init__(
        self, url: str, key: bytes | None, gateway: HttpGateway, clock_us: Callable[[], int], at_once: int = 64
    ) -> None:
        self._url = url
        self._key = key
        self._gateway = gateway
        self._clock_us = clock_us
        self.at_once = at_once

    async def send(self, notification: Notification) -> Handed:
        """Send; any 2xx is the receipt. Raises DeliveryError: for good where it is refused, to retry otherwise."""
        body = document(notification)
        timestamp_s = self._clock_us() // 1_000_000
        headers = {
            "content-type": "application/json",
            "webhook-id": notification.id,
            "webhook-timestamp": str(timestamp_s),
            "idempotency-key": notification.id,
        }
        if self._key is not None:
            headers["webhook-signature"] = signature(self._key, notification.id, timestamp_s, body)
        answer = await self._gateway.post(self._url, body, headers)
        # What stands between us and a person has not told the person yet.
        return Handed(answer.said, received=notification.purpose is Purpose.TELL)

    async def close(self) -> None:
        """Close the connections."""
        await self._gateway.close()
