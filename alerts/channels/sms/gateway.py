"""`GatewayChannel`: SMS by an HTTP gateway, whichever it is."""

from __future__ import annotations

import asyncio
import ssl
import time
from typing import TYPE_CHECKING, Final

from alerts.channels.channel import DeliveryError, Handed
from alerts.channels.http import HttpGateway
from alerts.channels.sms.aliyun import AliyunVendor
from alerts.channels.sms.endpoint import named
from alerts.channels.sms.generic import HttpVendor
from alerts.channels.sms.generic_settings import HttpSection
from alerts.channels.sms.rate import TokenBucket
from alerts.channels.sms.settings import AliyunSection, TencentSection, TwilioSection
from alerts.channels.sms.tencent import TencentVendor
from alerts.channels.sms.text import compose, facts
from alerts.channels.sms.twilio import TwilioVendor
from alerts.channels.sms.vendor import Saying

if TYPE_CHECKING:
    from collections.abc import Callable

    from alerts.channels.http import Answer
    from alerts.channels.sms.endpoint import Endpoint
    from alerts.channels.sms.settings import SmsSettings
    from alerts.channels.sms.vendor import Request, Vendor
    from alerts.notification import Notification

__all__ = ["GatewayChannel", "Teller", "make_sms"]

AT_ONCE: Final = 128
INQUIRY_S: Final = 2.0
"""For the answer to what became of a message, at most."""


class Teller:
    """Sends a saying to a vendor, and finds out what became of it where no answer came.

    Shared by SMS and voice. Nothing that it raises names the address.
    """

    def __init__(self, vendor: Vendor, endpoint: Endpoint, bucket: TokenBucket, *, idempotent: bool) -> None:
        verify = ssl.create_default_context(cafile=endpoint.ca_file) if endpoint.ca_file else None
        proxy = endpoint.proxy.get_secret_value() if endpoint.proxy else ""
        self._vendor = vendor
        self._bucket = bucket
        self._answer_s = endpoint.answer_s
        self._http = HttpGateway(idempotent=idempotent, verify=verify, proxy=proxy)

    async def tell(self, saying: Saying) -> Handed:
        """Send it and return what the gateway said. Raises DeliveryError where it did not take it, or nobody knows."""
        request = self._vendor.request(saying)
        await self._bucket.take()
        try:
            answer = await self._asked(request, self._answer_s)
            return self._vendor.taken(answer, saying, self._http)
        except DeliveryError as error:
            if not error.unknown:
                raise
            handed = await self._inquired(saying)
            if handed is None:
                raise
            return handed

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    async def _asked(self, request: Request, seconds: float) -> Answer:
        try:
            async with asyncio.timeout(seconds):
                return await self._http.request(request.method, request.url, body=request.body, headers=request.headers)
        except TimeoutError as error:
            raise self._http.unknown(f"no answer within {seconds:g} s") from error

    async def _inquired(self, saying: Saying) -> Handed | None:
        inquiry = self._vendor.inquiry(saying)
        if inquiry is None:
            return None
        try:
            answer = await self._asked(inquiry, min(INQUIRY_S, self._answer_s))
        except DeliveryError:
            return None  # so it stays unknown
        return self._vendor.found(answer, saying)


class GatewayChannel:
    """Says each notification in an SMS of at most so many parts.

    link_of:  the link to answer a notification by, "" for none
    callback: where the gateway reaches Vigil, for those that are told with each message; "" for nowhere
    """

    def __init__(
        self,
        settings: SmsSettings,
        link_of: Callable[[Notification], str],
        callback: str = "",
        clock_us: Callable[[], int] = lambda: time.time_ns() // 1000,
    ) -> None:
        self._settings = settings
        self._link_of = link_of
        self._callback = callback
        self._clock_us = clock_us
        self._says_short = "text_short" in named(settings.gateway.model_dump())
        self.idempotent = isinstance(settings.gateway, HttpSection) and settings.gateway.idempotent
        bucket = TokenBucket(settings.messages_per_s, settings.burst)
        self.at_once = bucket.at_once(AT_ONCE)
        self._teller = Teller(_vendor(settings, callback), settings.gateway, bucket, idempotent=self.idempotent)

    async def send(self, notification: Notification) -> Handed:
        """Send and return the gateway's reference. Raises DeliveryError where it did not take it."""
        return await self._teller.tell(self._saying(notification))

    async def close(self) -> None:
        """Close the connections."""
        await self._teller.close()

    def _saying(self, notification: Notification) -> Saying:
        address = notification.address.strip()
        if not address or not address.isprintable():
            raise DeliveryError("no address", retry=False)
        settings, now_us = self._settings, self._clock_us()
        link = self._link_of(notification)
        takes = settings.takes_replies
        text = compose(notification, link, parts=settings.parts, sign=settings.sign, takes_replies=takes)
        short = self._short(notification, link)
        values = {
            **facts(notification, address, link),
            "text": text,
            "text_short": short,
            "sender": settings.sender,
            "callback": self._callback,
            "time_s": str(now_us // 1_000_000),
        }
        return Saying(notification, values, address, text, now_us)

    def _short(self, notification: Notification, link: str) -> str:
        """Return the text in one part, where a template asks for it."""
        settings = self._settings
        if not self._says_short:
            return ""
        return compose(notification, link, parts=1, sign=settings.sign, takes_replies=settings.takes_replies)


def make_sms(
    settings: SmsSettings,
    link_of: Callable[[Notification], str],
    callback: str = "",
    clock_us: Callable[[], int] = lambda: time.time_ns() // 1000,
) -> GatewayChannel:
    """Return the channel that the settings describe."""
    return GatewayChannel(settings, link_of, callback, clock_us)


def _vendor(settings: SmsSettings, callback: str) -> Vendor:
    match settings.gateway:
        case HttpSection() as section:
            return HttpVendor(section)
        case AliyunSection() as section:
            return AliyunVendor(section)
        case TencentSection() as section:
            return TencentVendor(section)
        case TwilioSection() as section:
            return TwilioVendor(section, callback)
