"""Webhooks, signed as https://www.standardwebhooks.com/ says; docs/webhook.md is for those who receive them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import time
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import httpx

from alerts.channels.channel import DeliveryError
from alerts.channels.document import document

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping

    from alerts.notification import Notification

__all__ = ["WebhookChannel", "retry_after_s", "signature"]

TIMEOUT_S: Final = 30.0
"""For connecting, writing and reading each; delivery's own time for an attempt is what counts."""
ANSWER_BYTES: Final = 65_536
"""An answer is read so far, to use its connection again; what it says does not matter."""
CONNECTIONS: Final = 32
logging.getLogger("httpx").setLevel(logging.WARNING)  # below that it logs every URL, and some hold tokens
_AGAIN: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})


def signature(key: bytes, name: str, timestamp_s: int, body: bytes) -> str:
    """Return the `webhook-signature` of a message."""
    digest = hmac.new(key, f"{name}.{timestamp_s}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def retry_after_s(value: str | None, now_us: int) -> float | None:
    """Return for how many s `Retry-After` (s, or a date) asks; None where it is missing or makes no sense."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() - now_us / 1e6)


class WebhookChannel:
    """POSTs the document of a notification to one address.

    key:     of the signature; None sends unsigned
    headers: further headers, such as Authorization
    verify:  the certificates to trust, where not those of the machine
    """

    def __init__(
        self,
        url: str,
        key: bytes | None,
        headers: Mapping[str, str],
        verify: ssl.SSLContext | None = None,
        clock_us: Callable[[], int] = lambda: time.time_ns() // 1000,
    ) -> None:
        self._url = url
        self._key = key
        self._clock_us = clock_us
        self._client = httpx.AsyncClient(
            headers={"content-type": "application/json", "user-agent": "Vigil", **headers},
            timeout=TIMEOUT_S,
            limits=httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS),
            verify=True if verify is None else verify,
        )

    async def send(self, notification: Notification) -> str:
        """Send; any 2xx is the receipt. Raises DeliveryError: for good where it is refused, to retry otherwise."""
        body = document(notification)
        timestamp_s = self._clock_us() // 1_000_000
        headers = {
            "webhook-id": notification.id,
            "webhook-timestamp": str(timestamp_s),
            "idempotency-key": notification.id,
        }
        if self._key is not None:
            headers["webhook-signature"] = signature(self._key, notification.id, timestamp_s, body)
        try:
            async with self._client.stream("POST", self._url, content=body, headers=headers) as response:
                await _read(response)
        except httpx.TransportError as error:
            raise DeliveryError(f"{type(error).__name__}: {error}", retry=True) from error
        status = response.status_code
        said = f"HTTP {status} {response.reason_phrase}".rstrip()
        if response.is_success:
            return said
        if status in _AGAIN or response.is_server_error:
            wait_s = retry_after_s(response.headers.get("retry-after"), self._clock_us())
            raise DeliveryError(said, retry=True, retry_after_s=wait_s)
        raise DeliveryError(said, retry=False)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


async def _read(response: httpx.Response) -> None:
    size = 0
    async for part in response.aiter_raw():
        size += len(part)
        if size > ANSWER_BYTES:
            return
