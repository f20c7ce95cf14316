"""`SmppChannel`: SMS by a message centre, and what comes back on the same connection."""

from __future__ import annotations

import asyncio
import ssl
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import structlog

from alerts.channels.channel import DeliveryError, Handed
from alerts.channels.inbound.receipts import Receipt
from alerts.channels.inbound.replies import Reply
from alerts.channels.smpp.link import Link, LinkLostError, status_name
from alerts.channels.smpp.message import is_receipt, parts_of, read_message, read_receipt, validity
from alerts.channels.smpp.pdu import Command, PduError, Status, bind_body, read_text, submit_body
from alerts.channels.sms.number import international, national
from alerts.channels.sms.rate import TokenBucket
from alerts.channels.sms.text import compose
from alerts.incident import NotificationStatus

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from alerts.channels.smpp.message import Part
    from alerts.channels.smpp.pdu import Delivered
    from alerts.channels.smpp.settings import SmppSettings
    from alerts.notification import Notification

__all__ = ["SmppChannel"]

CONNECT_S: Final = 5.0
BOUND_S: Final = 1.0
"""Who finds it not bound waits so long for that; the person's next channel may do better."""
BACKOFF_FIRST_S: Final = 0.5
THROTTLE_S: Final = 0.25
"""The first wait of a part that the centre is too busy for; doubled with each."""
SENT_KEPT: Final = 50_000
"""Message ids for which a receipt is awaited; the receipts of older ones are passed on by reference only."""
RACE_S: Final = 0.5
"""A receipt can overtake the answer that names its message."""
INTERNATIONAL: Final = 1
BUSY: Final = frozenset({Status.RTHROTTLED, Status.RMSGQFUL})
AGAIN: Final = frozenset({*BUSY, Status.RSYSERR, Status.RSUBMITFAIL, Status.RX_T_APPN})
_log = structlog.get_logger()


@dataclass(slots=True)
class _Sent:
    """A message under way to its person. parts: how many it has; ids: of those that were taken."""

    notification: str
    parts: int
    ids: list[str] = field(default_factory=list)
    received: int = 0
    is_told: bool = False


class SmppChannel:
    """Keeps one transceiver bound, and sends over it.

    link_of:    the link to answer a notification by, "" for none
    on_receipt, on_reply: get what comes back; the centre is told that it is taken once they return. A receipt names the
                notification too, where it was sent since the start
    forgotten, strange: receipts of messages that are no more in mind, and notices that say nothing of any

    It is bound from `open` on, or from the first `send`; `open` is for what comes back to messages of before.
    """

    idempotent = False

    def __init__(
        self,
        name: str,
        settings: SmppSettings,
        link_of: Callable[[Notification], str],
        on_receipt: Callable[[Receipt], Awaitable[None]],
        on_reply: Callable[[Reply], Awaitable[None]],
        clock_us: Callable[[], int] = lambda: time.time_ns() // 1000,
    ) -> None:
        self._name = name
        self._settings = settings
        self._link_of = link_of
        self._on_receipt = on_receipt
        self._on_reply = on_reply
        self._clock_us = clock_us
        self._tls = ssl.create_default_context(cafile=settings.ca_file) if settings.tls or settings.ca_file else None
        self._bucket = TokenBucket(settings.messages_per_s, settings.burst)
        self._window = asyncio.Semaphore(settings.window)
        self.at_once = self._bucket.at_once(settings.window)
        self._task: asyncio.Task[None] | None = None
        self._link: Link | None = None
        self._bound = asyncio.Event()
        self._why_not = "not bound yet"
        self._sent: dict[str, _Sent] = {}  # by message id, oldest first
        self._under_way = 0
        self._noted = asyncio.Event()
        self.forgotten = 0
        self.strange = 0

    @property
    def is_bound(self) -> bool:
        """Whether the centre takes messages."""
        return self._bound.is_set()

    async def open(self) -> None:
        """Begin to keep it bound. Raises what a callback raised before: that is a bug."""
        if self._task is None:
            self._task = asyncio.create_task(self._keep_bound(), name=f"smpp {self._name}")
        elif self._task.done():
            self._task.result()

    async def send(self, notification: Notification) -> Handed:
        """Send each part and return the first one's message id. Raises DeliveryError where one was not taken."""
        settings = self._settings
        destination = self._number(notification.address)
        link_url = self._link_of(notification)
        takes = settings.takes_replies
        text = compose(notification, link_url, parts=settings.parts, sign=settings.sign, takes_replies=takes)
        parts = parts_of(text, notification.id, has_gsm7=settings.has_gsm7)
        left = validity((notification.expires_us - self._clock_us()) / 1e6)
        await self._bucket.take()
        await self.open()
        sent = _Sent(notification.id, len(parts))
        self._under_way += 1
        try:
            async with self._window:
                link = await self._bound_link()
                for part in parts:
                    self._note(sent, await self._submitted(link, part, destination, left))
        except DeliveryError as error:
            sent.is_told = error.retry  # what comes of this try says nothing about the next
            raise
        finally:
            self._under_way -= 1
            self._wake()
        return Handed(f"taken by the centre in {len(parts)} part{'s' * (len(parts) > 1)}", sent.ids[0])

    async def close(self) -> None:
        """Unbind and let go."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            task, self._task = self._task, None
            if not task.cancelled():
                task.result()

    async def _keep_bound(self) -> None:
        backoff_s = BACKOFF_FIRST_S
        while True:
            link: Link | None = None
            try:
                link = await self._connected()
                backoff_s = min(BACKOFF_FIRST_S, self._settings.backoff_max_s)
                self._link, self._why_not = link, ""
                self._bound.set()
                await link.serve()
            except LinkLostError as error:
                self._why_not = error.reason
                _log.warning("alerts.smpp_lost", channel=self._name, reason=error.reason)
            finally:
                self._bound.clear()
                self._link = None
                if link is not None:
                    await link.close()
            await asyncio.sleep(backoff_s)
            backoff_s = min(2 * backoff_s, self._settings.backoff_max_s)

    async def _connected(self) -> Link:
        settings = self._settings
        try:
            async with asyncio.timeout(CONNECT_S):
                reader, writer = await asyncio.open_connection(settings.host, settings.port, ssl=self._tls)
        except (OSError, TimeoutError) as error:
            raise LinkLostError(f"no connection: {type(error).__name__}") from error
        link = Link(reader, writer, self._take, enquire_s=settings.enquire_s, answer_s=settings.answer_s)
        try:
            await link.bind(bind_body(settings.system_id, settings.password.get_secret_value(), settings.system_type))
        except BaseException:
            await link.close()
            raise
        return link

    async def _bound_link(self) -> Link:
        try:
            async with asyncio.timeout(BOUND_S):
                await self._bound.wait()
        except TimeoutError as error:
            raise DeliveryError(f"not bound: {self._why_not}", retry=True) from error
        if self._link is None:
            raise DeliveryError("not bound", retry=True)
        return self._link

    async def _submitted(self, link: Link, part: Part, destination: str, left: str) -> str:
        """Return the message id of a part. What the centre is too busy for is tried again as long as there is time."""
        settings = self._settings
        body = submit_body(
            source=(settings.source_ton, settings.source_npi, settings.sender),
            destination=(settings.dest_ton, settings.dest_npi, destination),
            service_type=settings.service_type,
            validity=left,
            data_coding=part.data_coding,
            message=part.octets,
            has_header=part.has_header,
        )
        loop = asyncio.get_running_loop()
        ends, wait_s = loop.time() + settings.answer_s, THROTTLE_S
        while True:
            if link.lost is not None:
                raise DeliveryError(link.lost, retry=True)
            try:
                answer = await link.ask(Command.SUBMIT_SM, body)
            except LinkLostError as error:
                raise DeliveryError(f"no answer: {error.reason}", retry=False, unknown=True) from error
            except TimeoutError as error:
                raise DeliveryError(f"no answer within {settings.answer_s:g} s", retry=False, unknown=True) from error
            if answer.status == Status.ROK and answer.command != Command.GENERIC_NACK:
                return self._message_id(answer.body)
            if answer.status not in BUSY or loop.time() + wait_s > ends:
                raise DeliveryError(status_name(answer.status), retry=answer.status in AGAIN)
            await asyncio.sleep(wait_s)
            wait_s *= 2

    def _message_id(self, body: bytes) -> str:
        try:
            return _decimal(read_text(body), is_hex=self._settings.hex_ids == "in answers")
        except PduError:
            return ""  # some centres answer without one: there will be no receipt

    def _note(self, sent: _Sent, message_id: str) -> None:
        sent.ids.append(message_id)
        if message_id:
            self._sent[message_id] = sent
            while len(self._sent) > SENT_KEPT:
                del self._sent[next(iter(self._sent))]
        self._wake()

    def _wake(self) -> None:
        self._noted.set()
        self._noted = asyncio.Event()

    async def _take(self, delivered: Delivered) -> None:
        if not is_receipt(delivered):
            source = delivered.source
            if delivered.source_ton == INTERNATIONAL and not source.startswith("+"):
                source = f"+{source}"
            await self._on_reply(Reply(self._name, source, read_message(delivered), self._clock_us()))
            return
        receipt = read_receipt(delivered)
        if receipt is None:
            self.strange += 1
            return
        if receipt.status is None:
            return  # on its way
        message_id = _decimal(receipt.message_id, is_hex=self._settings.hex_ids == "in receipts")
        await self._overtaken(message_id)
        sent = self._sent.pop(message_id, None)
        if sent is None:
            self.forgotten += 1
            await self._on_receipt(Receipt(self._name, receipt.status, receipt.detail, message_id))
            return
        sent.received += receipt.status is NotificationStatus.RECEIVED
        if sent.is_told or (receipt.status is NotificationStatus.RECEIVED and sent.received < sent.parts):
            return  # a long message is there when all of its parts are
        sent.is_told = True
        await self._on_receipt(Receipt(self._name, receipt.status, receipt.detail, sent.ids[0], sent.notification))

    async def _overtaken(self, message_id: str) -> None:
        """Wait, a little, while the answer that names the message may be on its way through."""
        try:
            async with asyncio.timeout(RACE_S):
                while message_id not in self._sent and self._under_way:
                    await self._noted.wait()
        except TimeoutError:
            return

    def _number(self, address: str) -> str:
        settings = self._settings
        try:
            if settings.number_form == "national":
                return national(address, settings.country)
            return international(address, settings.country).removeprefix("+")
        except ValueError as error:
            raise DeliveryError(str(error), retry=False) from error


def _decimal(message_id: str, *, is_hex: bool) -> str:
    if is_hex:
        try:
            return str(int(message_id, 16))
        except ValueError:
            return message_id
    return message_id
