"""Web push: a message to a person's browsers, which need not be open (RFC 8030, 8291, 8292).

The body is encrypted for each browser; its push service sees to whom, when and how urgent, and nothing else. What the
console's service worker gets is the JSON object of `payload`.
"""

from __future__ import annotations

import asyncio
import math
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import msgspec
from py_vapid import Vapid02
from pywebpush import WebPusher

from alerts.channels.channel import DeliveryError, Handed
from alerts.channels.http import HttpGateway
from rules.model import Severity

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

    from alerts.notification import Notification
    from alerts.subscriptions import Subscription

__all__ = ["PushChannel", "payload"]

PAYLOAD_BYTES: Final = 3_800
"""A push service need not take more than 4,096 bytes encrypted (RFC 8030, section 7.2), which adds 103."""
TTL_MAX_S: Final = 28 * 86_400
"""The longest that the large push services take."""
TOKEN_S: Final = 12 * 3_600
"""How long a signed token is good for; 24 h at most (RFC 8292, section 2)."""
TOKEN_SPARE_S: Final = 3_600
TOKENS_KEPT: Final = 64
"""There are half a dozen push services."""
_GONE: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})


def payload(notification: Notification, link: str) -> bytes:
    """Return what the service worker shows, as UTF-8 JSON of at most `PAYLOAD_BYTES`; long bodies are cut short.

    tag: the incident, so that a later message takes the place of an earlier one; url: where a tap leads, "" for nowhere
    """
    said = {
        "notification": notification.id,
        "incident": notification.incident.id,
        "tag": notification.incident.id,
        "title": notification.title,
        "body": notification.body,
        "url": link,
        "severity": notification.incident.severity,
        "purpose": notification.purpose,
        "wants_answer": notification.wants_answer,
        "lang": "zh-CN" if notification.languages[:1] == ("zh",) else "en",
        "created_us": notification.created_us,
    }
    whole = msgspec.json.encode(said)
    if len(whole) <= PAYLOAD_BYTES:
        return whole
    body = notification.body.encode()
    room = PAYLOAD_BYTES - len(msgspec.json.encode({**said, "body": ""}))
    while body and len(msgspec.json.encode(body.decode(errors="ignore"))) > room:
        body = body[: len(body) - max(1, len(body) // 20)]
    return msgspec.json.encode({**said, "body": body.decode(errors="ignore")})


class PushChannel:
    """Sends to all browsers of the notification's recipient; it is handed over where one push service took it.

    key, subject:  name this service to push services (`push_settings.vapid_key`, `PushSettings.subject`)
    subscribed:    returns a person's browsers
    unsubscribe:   called with the endpoint of a browser that takes no more: puts Unsubscribe into the journal
    link_of:       returns where a tap leads
    """

    idempotent = True  # the same topic replaces what is not shown yet, and the same tag what is
    at_once = 32

    def __init__(
        self,
        key: EllipticCurvePrivateKey,
        subject: str,
        subscribed: Callable[[str], Sequence[Subscription]],
        unsubscribe: Callable[[str], Awaitable[None]],
        link_of: Callable[[Notification], str],
        gateway: HttpGateway | None = None,
        clock_us: Callable[[], int] = lambda: time.time_ns() // 1000,
    ) -> None:
        self._vapid = Vapid02(private_key=key)
        self._subject = subject
        self._subscribed = subscribed
        self._unsubscribe = unsubscribe
        self._link_of = link_of
        self._clock_us = clock_us
        self._gateway = gateway or HttpGateway(idempotent=True, clock_us=clock_us)
        self._tokens: dict[str, tuple[int, str]] = {}

    async def send(self, notification: Notification) -> Handed:
        """Send to every browser. Raises DeliveryError where none was reached: for good where there is none left."""
        browsers = self._subscribed(notification.recipient)
        if not browsers:
            raise DeliveryError("no browser is subscribed", retry=False)
        body = payload(notification, self._link_of(notification))
        tasks = [asyncio.ensure_future(self._push(browser, notification, body)) for browser in browsers]
        try:
            outcomes = await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
        refused = [outcome for outcome in outcomes if outcome is not None]
        if len(refused) < len(browsers):
            return Handed(f"{len(browsers) - len(refused)} of {len(browsers)} browsers")
        again = [error for error in refused if error.retry]
        waits = [error.retry_after_s for error in again if error.retry_after_s is not None]
        reason = "; ".join(sorted({error.reason for error in again or refused}))
        raise DeliveryError(reason, retry=bool(again), retry_after_s=min(waits, default=None))

    async def close(self) -> None:
        """Close the connections."""
        await self._gateway.close()

    async def _push(self, browser: Subscription, notification: Notification, body: bytes) -> DeliveryError | None:
        """Send to one browser and return why it did not go, or None where it did."""
        left_s = (notification.expires_us - self._clock_us()) / 1e6
        severe = notification.incident.severity.rank >= Severity.ALARM.rank
        headers = {
            "content-type": "application/octet-stream",
            "content-encoding": "aes128gcm",
            "ttl": str(min(max(0, math.ceil(left_s)), TTL_MAX_S)),
            "topic": notification.incident.id,
            "urgency": "high" if severe or notification.incident.is_life_safety else "normal",
            "authorization": self._authorization(browser.endpoint),
        }
        keys = {"endpoint": browser.endpoint, "keys": {"p256dh": browser.p256dh, "auth": browser.auth}}
        try:
            sealed: bytes = WebPusher(keys).encode(body)["body"]
        except ValueError:  # 65 bytes that are no point of the curve: only encryption finds out
            await self._unsubscribe(browser.endpoint)
            return DeliveryError("a browser's key is no point of P-256", retry=False)
        try:
            answer = await self._gateway.request("POST", browser.endpoint, body=sealed, headers=headers)
        except DeliveryError as error:
            return error
        if answer.status in _GONE:
            await self._unsubscribe(browser.endpoint)
            return DeliveryError(f"{answer.said}: the browser takes no more", retry=False)
        return None if answer.is_success else self._gateway.refusal(answer)

    def _authorization(self, endpoint: str) -> str:
        """Return the token for a push service: who we are, signed; it is made anew before it runs out."""
        parts = urlsplit(endpoint)
        audience = f"{parts.scheme}://{parts.netloc}"
        now_s = self._clock_us() // 1_000_000
        known = self._tokens.get(audience)
        if known is not None and now_s < known[0] - TOKEN_SPARE_S:
            return known[1]
        expires_s = now_s + TOKEN_S
        token: str = self._vapid.sign({"aud": audience, "exp": expires_s, "sub": self._subject})["Authorization"]
        while len(self._tokens) >= TOKENS_KEPT:
            del self._tokens[next(iter(self._tokens))]
        self._tokens[audience] = (expires_s, token)
        return token
