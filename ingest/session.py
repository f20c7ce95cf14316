"""The MQTT 5 session: connected, subscribed and kept alive for as long as the broker will have us.

The session belongs to the client id and outlives connections: the broker keeps what was not acknowledged. Each accepted
connection is an *epoch*. Packet ids are used anew in each, so an acknowledgement counts only in the epoch in which its
message came; the broker delivers the others again.

    connecting ──TCP, TLS──► asking (CONNECT) ──CONNACK──► accepted (SUBSCRIBE) ──SUBACK──► subscribed
         ▲                        │                            │                            │
         └────── back-off ◄───────┴──────── Loss ◄─────────────┴────────────────────────────┘
                                             └──► BrokerRefused, SessionTakenOver: run() ends
"""

from __future__ import annotations

import asyncio
import random as system_random
import time
from operator import attrgetter
from typing import TYPE_CHECKING, Never

import mqtt5
import numpy as np
import structlog

from ingest.protocol import Connection
from ingest.session_backoff import Backoff
from ingest.session_counters import SessionCounters
from ingest.session_framing import MAX_PACKET_BYTES, BrokenFraming, MalformedPacket
from ingest.session_losses import (
    BrokerRefused,
    Loss,
    LossReason,
    RefusalReason,
    SessionTakenOver,
    loss_of_connack,
    loss_of_disconnect,
    loss_of_error,
    loss_of_first_bytes,
    loss_of_suback,
    loss_unanswered,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from ingest.session_framing import Event
    from ingest.session_settings import BrokerSettings

__all__ = ["Session"]

log = structlog.get_logger(__name__)

_PACKET_ID = attrgetter("packet_id")
SUBSCRIBE_ID = 1
PUBACK_HEADER = np.uint32(0x40020000)
TICKS_PER_KEEP_ALIVE = 4
PING_TICKS = 3
"""Quiet ticks of either side after which we say PINGREQ: three quarters of a keep-alive time."""
DEAD_TICKS = 6
"""Ticks without a byte from the broker after which it is dead: one and a half keep-alive times."""


class Session:
    """One persistent MQTT 5 session with QoS 1.

    topic_filters: what to subscribe to
    on_messages:   (epoch, packets in order) the PUBLISH packets of one wake-up; QoS 0 ones have packet_id None
    on_malformed:  (epoch, raw, what was wrong, packet id that is still to be acknowledged, or None)
    on_connected:  (session_present) at each CONNACK, before the first message of that epoch
    random:        gives a float in [0, 1), for the back-off

    The three are called from the event loop, must not block, and what they raise ends `run`.
    Back-pressure is the receive maximum. Where more waits for acknowledgement, reading stops until less does: mosquitto
    sends another whole window for each PUBACK (eclipse-mosquitto/mosquitto#2301, seen in 2.0.11).
    epoch:         the number of the newest accepted connection; 0 before the first
    """

    def __init__(
        self,
        settings: BrokerSettings,
        topic_filters: Sequence[str],
        on_messages: Callable[[int, list[mqtt5.PublishPacket]], None],
        on_malformed: Callable[[int, bytes, str, int | None], None],
        on_connected: Callable[[bool], None] | None = None,
        *,
        random: Callable[[], float] = system_random.random,
    ) -> None:
        self.settings = settings
        self.counters = SessionCounters()
        self.epoch = 0
        self._topic_filters = tuple(topic_filters)
        self._on_messages = on_messages
        self._on_malformed = on_malformed
        self._on_connected = on_connected
        self._backoff = Backoff(settings.backoff_first_s, settings.backoff_max_s, random)
        self._accepted: Connection | None = None
        self._unacknowledged = 0
        self._pinged_at = 0.0
        self._keep_alive_s = settings.keep_alive_s
        self._broker_max_packet = MAX_PACKET_BYTES
        self._told: LossReason | None = None

    @property
    def connected(self) -> bool:
        """Whether the broker took us and granted every subscription."""
        return self._accepted is not None and self._accepted.is_open and self._accepted.subscribed.done()

    @property
    def unacknowledged(self) -> int:
        """Messages that wait for their PUBACK."""
        return self._unacknowledged

    @property
    def broker_certificate(self) -> bytes | None:
        """The certificate that the broker shows, DER; None without TLS, and while there is no connection."""
        return None if self._accepted is None else self._accepted.certificate

    async def run(self) -> Never:
        """Stay connected until cancelled; then say DISCONNECT, and the broker keeps the session.

        Raises BrokerRefused where only a person can help, SessionTakenOver where another client uses our client id.
        """
        clock = asyncio.get_running_loop().time
        while True:
            connection = Connection(self._receive, self.settings.gather_s)
            subscribed_at = None
            try:
                await self._open(connection)
                if connection.subscribed.done():
                    subscribed_at = clock()
                    await self._keep_alive(connection)
                loss = await connection.lost
                if self._accepted is None:
                    loss = loss_unanswered(loss)
            finally:
                self._accepted = None
                await connection.part()
            lived_s = None if subscribed_at is None else clock() - subscribed_at
            self.counters.disconnects[loss.reason] += 1
            wait_s = self._backoff.after(loss.reason, lived_s)
            self._raise_if_permanent(loss)
            self._tell(loss, wait_s, lived_s)
            await asyncio.sleep(wait_s)

    def acknowledge(self, epoch: int, packet_ids: NDArray[np.uint16]) -> None:
        """Tell the broker that messages are safe, in the order in which they came.

        packet_ids: (n,) uint16  of one epoch. Those of a connection that is gone are dropped and counted.
        """
        count = len(packet_ids)
        if self._accepted is None or epoch != self.epoch or not self._accepted.is_open:
            self.counters.stale_acks += count
        elif count:
            self._accepted.write((packet_ids | PUBACK_HEADER).astype(">u4").tobytes())
            self.counters.acks += count
            self._unacknowledged -= count
            if self._unacknowledged <= self.settings.receive_maximum:
                self._accepted.resume()

    def publish(self, topic: str, payload: bytes) -> None:
        """Send a message with QoS 0; given up and counted where the link is down or full, or will not carry it."""
        connection = self._accepted
        if connection is None or not connection.is_open or connection.congested:
            self.counters.receipts_dropped += 1
            return
        try:
            packet = mqtt5.PublishPacket(topic, payload).write()
        except ValueError:  # made from a topic that the codec reads but does not write: `a/+`
            packet = None
        if packet is None or len(packet) > self._broker_max_packet:
            self.counters.receipts_dropped += 1
            return
        connection.write(packet)
        self.counters.receipts += 1

    # ── one connection ───────────────────────────────────────────────────────────────────────────────────────────

    async def _open(self, connection: Connection) -> None:
        """Connect, and wait until `connection` is subscribed or lost."""
        settings = self.settings
        context = None
        if settings.tls is not None:
            try:
                context = settings.tls.context()
            except OSError as error:
                detail = f"the TLS files do not load ({error}): check ca_file, certificate_file and key_file"
                connection.drop(Loss(LossReason.TLS_FAILED, detail, RefusalReason.TLS))
                return
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(settings.connect_timeout_s):
                await loop.create_connection(
                    lambda: connection,
                    settings.host,
                    settings.port,
                    ssl=context,
                    server_hostname=settings.tls.server_name if settings.tls is not None else None,
                )
                connection.write(self._connect_packet())
                await connection.answered()
        except OSError as error:  # TimeoutError is one
            connection.drop(loss_of_error(error, while_connecting=True))

    async def _keep_alive(self, connection: Connection) -> None:
        """Return when the connection is lost; ping a quiet broker, drop a dead one.

        Counts ticks, not time: a process that was stopped for a minute has heard nothing for one tick.
        """
        silent = idle = 0
        while not await connection.lost_within(self._keep_alive_s / TICKS_PER_KEEP_ALIVE):
            silent = 0 if connection.heard or connection.paused else silent + 1
            idle = 0 if connection.spoke else idle + 1
            connection.heard = connection.spoke = False
            if silent >= DEAD_TICKS:
                connection.drop(Loss(LossReason.KEEP_ALIVE, f"no answer for {1.5 * self._keep_alive_s:g} s"))
            elif silent == PING_TICKS or idle >= PING_TICKS:
                connection.write(mqtt5.PingReqPacket().write())
                self._pinged_at = time.monotonic()
                self.counters.pings += 1

    def _connect_packet(self) -> bytes:
        settings = self.settings
        return mqtt5.ConnectPacket(
            settings.client_id,
            username=settings.username,
            password=None if settings.password is None else settings.password.encode(),
            clean_start=False,
            keep_alive=settings.keep_alive_s,
            session_expiry_interval=settings.session_expiry_s,
            receive_max=settings.receive_maximum,
            max_packet_size=MAX_PACKET_BYTES,
        ).write()

    def _subscribe_packet(self) -> bytes:
        filters = [
            mqtt5.TopicFilter(
                topic_filter,
                max_qos=mqtt5.QoS.AT_LEAST_ONCE,
                retain_handling=mqtt5.RetainHandling.SEND_IF_SUBSCRIPTION_NOT_EXISTS,
            )
            for topic_filter in self._topic_filters
        ]
        return mqtt5.SubscribePacket(SUBSCRIBE_ID, filters).write()

    # ── what comes in ────────────────────────────────────────────────────────────────────────────────────────────

    def _receive(self, connection: Connection, events: list[Event], size: int) -> None:
        """Handle one wake-up."""
        self.counters.wakeups += 1
        self.counters.bytes += size
        for event in events:
            if not connection.is_open:
                return
            if type(event) is list and connection is self._accepted:
                self.counters.messages += len(event)
                self.counters.last_message_s = time.time()
                self._unacknowledged += len(event) - list(map(_PACKET_ID, event)).count(None)
                self._on_messages(self.epoch, event)
            else:
                self._handle(connection, event)
        if self._unacknowledged > self.settings.receive_maximum:
            self._pause(connection)

    def _pause(self, connection: Connection) -> None:
        if connection.is_open:
            self.counters.pauses += 1
            connection.pause()

    def _handle(self, connection: Connection, event: Event) -> None:
        """Handle what is no message, and all that comes before CONNACK."""
        match event:
            case BrokenFraming(reason, detail):
                code = mqtt5.DisconnectReasonCode.MALFORMED_PACKET
                if reason is LossReason.TOO_LARGE:
                    code = mqtt5.DisconnectReasonCode.PACKET_TOO_LARGE
                connection.leave(Loss(reason, detail), code)
            case mqtt5.ConnAckPacket() if self._accepted is None:
                self._accept(connection, event)
            case MalformedPacket(raw) if self._accepted is None:
                connection.drop(loss_of_first_bytes(raw))
            case MalformedPacket(raw, detail, packet_id):
                self.counters.malformed += 1
                self._unacknowledged += packet_id is not None
                self._on_malformed(self.epoch, raw, detail, packet_id)
            case mqtt5.SubAckPacket() if self._accepted is not None and not connection.subscribed.done():
                self._take_suback(connection, event)
            case mqtt5.PingRespPacket() if self._accepted is not None:
                self.counters.ping_s = time.monotonic() - self._pinged_at
            case mqtt5.DisconnectPacket():
                connection.drop(loss_of_disconnect(event))
            case _:
                detail = f"a {type(event).__name__} that may not come now"
                if isinstance(event, list):
                    detail = "a PUBLISH before CONNACK"
                connection.leave(Loss(LossReason.PROTOCOL_ERROR, detail), mqtt5.DisconnectReasonCode.PROTOCOL_ERROR)

    def _accept(self, connection: Connection, connack: mqtt5.ConnAckPacket) -> None:
        """Begin an epoch and subscribe, or drop the connection where the broker will not have us."""
        loss = loss_of_connack(connack)
        if loss is not None:
            connection.drop(loss)
            return
        self._accepted = connection
        self.epoch += 1
        self._unacknowledged = 0
        self.counters.connects += 1
        self._keep_alive_s = connack.server_keep_alive or self.settings.keep_alive_s
        self._broker_max_packet = connack.max_packet_size or MAX_PACKET_BYTES
        session = {"address": self.settings.address, "client_id": self.settings.client_id}
        log.info("ingest.broker_connected", **session, epoch=self.epoch, session_present=connack.session_present)
        if self.epoch > 1 and not connack.session_present:
            self.counters.sessions_lost += 1
            log.warning("ingest.session_lost", **session, epoch=self.epoch)
        expiry_s = connack.session_expiry_interval
        if expiry_s is not None and expiry_s < self.settings.session_expiry_s:
            log.warning(
                "ingest.session_expiry_cut", **session, wanted_s=self.settings.session_expiry_s, granted_s=expiry_s
            )
        if self._on_connected is not None:
            self._on_connected(connack.session_present)
        connection.write(self._subscribe_packet())

    def _take_suback(self, connection: Connection, suback: mqtt5.SubAckPacket) -> None:
        loss = loss_of_suback(suback, self._topic_filters)
        if loss is not None:
            connection.leave(loss, mqtt5.DisconnectReasonCode.NORMAL_DISCONNECTION)
            return
        self._told = None
        connection.subscribed.set_result(None)

    # ── when it is over ──────────────────────────────────────────────────────────────────────────────────────────

    def _raise_if_permanent(self, loss: Loss) -> None:
        address, client_id = self.settings.address, self.settings.client_id
        if loss.refusal is not None:
            raise BrokerRefused(
                loss.refusal, f"the MQTT broker at {address}, for client id {client_id!r}: {loss.detail}"
            )
        remedy = "is another Vigil running with the same settings? Each needs a client id of its own"
        if loss.reason is LossReason.TAKEN_OVER:
            raise SessionTakenOver(
                f"another client connected to {address} as {client_id!r}, and this one stops: {remedy}"
            )
        if self._backoff.contested:
            raise SessionTakenOver(
                f"{address} took {client_id!r} and closed the connection without a reason, several times in a row, as "
                f"some brokers do when another client connects with the same client id, and this one stops: {remedy}"
            )

    def _tell(self, loss: Loss, wait_s: float, lived_s: float | None) -> None:
        """Log a change of state once: attempts that fail alike are counted, not logged."""
        if lived_s is None and self._told is loss.reason:
            return
        log.warning(
            "ingest.broker_unreachable" if lived_s is None else "ingest.broker_lost",
            address=self.settings.address,
            client_id=self.settings.client_id,
            reason=loss.reason,
            detail=loss.detail,
            next_attempt_s=round(wait_s, 3),
        )
        self._told = loss.reason if lived_s is None else None
