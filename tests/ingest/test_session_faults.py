"""The session against a broker that does what mosquitto never would: a server that speaks bytes."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import mqtt5
import numpy as np
import pytest
import structlog
from mqtt5 import ConnAckReasonCode, DisconnectReasonCode, SubAckReasonCode

from ingest import BrokerRefused, BrokerSettings, LossReason, RefusalReason, Session, SessionTakenOver
from tests.support.broker import HOST
from tests.support.inbox import Inbox, running, started, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable


class Peer:
    """The broker's end of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self._bytes = b""

    async def packet(self) -> mqtt5.Packet:
        """Return the next packet. Raises EOFError at the end."""
        while True:
            try:
                packet, size = mqtt5.read(memoryview(self._bytes))
            except IndexError:
                more = await self.reader.read(4096)
                if not more:
                    raise EOFError from None
                self._bytes += more
            else:
                self._bytes = self._bytes[size:]
                return packet

    async def of(self, kind: type) -> mqtt5.Packet:
        """Return the next packet of that kind, passing over others."""
        while not isinstance(packet := await self.packet(), kind):
            pass
        return packet

    async def accept(self, connack: mqtt5.ConnAckPacket | None = None) -> None:
        """Take the client and its subscription."""
        assert isinstance(await self.packet(), mqtt5.ConnectPacket)
        self.send((connack or mqtt5.ConnAckPacket(session_present=True)).write())
        subscribe = await self.packet()
        if isinstance(subscribe, mqtt5.DisconnectPacket):  # stopped while it connected
            raise EOFError  # noqa: TRY004  the end of this connection, not a wrong type
        assert isinstance(subscribe, mqtt5.SubscribePacket)
        granted = [SubAckReasonCode.GRANTED_QOS_AT_LEAST_ONCE] * len(subscribe.topic_filters)
        self.send(mqtt5.SubAckPacket(subscribe.packet_id, granted).write())

    def send(self, data: bytes) -> None:
        """Send."""
        self.writer.write(data)


@asynccontextmanager
async def broker(script: Callable[[Peer], Awaitable[None]], **changes: object) -> AsyncIterator[BrokerSettings]:
    """Serve each connection with `script`, then close it; yield settings that reach it."""
    failures: list[BaseException] = []
    peers: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        peers.add(task)
        try:
            await script(Peer(reader, writer))
        except (EOFError, ConnectionError):
            pass
        except AssertionError as failure:
            failures.append(failure)
        finally:
            writer.close()

    server = await asyncio.start_server(serve, HOST, 0)
    fields: dict[str, object] = {
        "host": HOST,
        "port": server.sockets[0].getsockname()[1],
        "client_id": "vigil-test",
        "connect_timeout_s": 5.0,
        "backoff_first_s": 0.001,
        "backoff_max_s": 0.01,
    }
    try:
        yield BrokerSettings(**(fields | changes))  # type: ignore[arg-type]
    finally:
        server.close()
        for peer in peers:
            peer.cancel()
        await asyncio.gather(*peers, return_exceptions=True)
    if failures:
        raise failures[0]


def message(payload: bytes, packet_id: int | None, topic: str = "a/b") -> bytes:
    qos = mqtt5.QoS.AT_MOST_ONCE if packet_id is None else mqtt5.QoS.AT_LEAST_ONCE
    return mqtt5.PublishPacket(topic, payload, qos=qos, packet_id=packet_id).write()


NOT_UTF8 = message(b"not utf-8", 8).replace(b"a/b", b"a\xffb")
BAD_PROPERTY = b"\x32\x09\x00\x03a/b\x00\x09\x01\x7f"


async def test_connect_says_what_the_settings_say() -> None:
    seen: list[mqtt5.ConnectPacket] = []

    async def script(peer: Peer) -> None:
        packet = await peer.packet()
        assert isinstance(packet, mqtt5.ConnectPacket)
        seen.append(packet)
        peer.send(mqtt5.ConnAckPacket(reason_code=ConnAckReasonCode.BANNED).write())

    async with broker(script, username="u", password="密码", session_expiry_s=99, receive_maximum=77) as settings:
        with pytest.raises(BrokerRefused):
            await Inbox().attach(settings).run()
    (connect,) = seen
    assert (connect.client_id, connect.username, connect.password) == ("vigil-test", "u", "密码".encode())
    assert (connect.clean_start, connect.session_expiry_interval) == (False, 99)
    assert (connect.keep_alive, connect.receive_max, connect.max_packet_size) == (30, 77, 16 * 1024 * 1024)


@pytest.mark.parametrize(
    ("answer", "reason", "words"),
    [
        (ConnAckReasonCode.BAD_USER_NAME_OR_PASSWORD, RefusalReason.CREDENTIALS, "bad user name or password"),
        (ConnAckReasonCode.NOT_AUTHORIZED, RefusalReason.NOT_AUTHORISED, "not authorised"),
        (ConnAckReasonCode.CLIENT_ID_NOT_VALID, RefusalReason.CLIENT_ID, "choose another"),
        (ConnAckReasonCode.UNSUPPORTED_PROTOCOL_VERSION, RefusalReason.PROTOCOL_VERSION, "does not speak MQTT 5"),
        (ConnAckReasonCode.BANNED, RefusalReason.BANNED, "banned"),
        (ConnAckReasonCode.SERVER_MOVED, RefusalReason.MOVED, "change host and port"),
        (ConnAckReasonCode.PACKET_TOO_LARGE, RefusalReason.OTHER, "packet too large"),
        (b"\x20\x02\x00\x01", RefusalReason.PROTOCOL_VERSION, "does not speak MQTT 5.*as MQTT 3 does"),
        (b"\x20\x02\x00\x00", RefusalReason.PROTOCOL_VERSION, "does not speak MQTT 5.*as MQTT 3 does"),
    ],
)
async def test_an_unacceptable_connack_is_told(
    answer: ConnAckReasonCode | bytes, reason: RefusalReason, words: str
) -> None:
    async def script(peer: Peer) -> None:
        await peer.packet()
        peer.send(answer if isinstance(answer, bytes) else mqtt5.ConnAckPacket(reason_code=answer).write())

    async with broker(script) as settings:
        session = Inbox().attach(settings)
        with pytest.raises(BrokerRefused, match=f"(?s)127.0.0.1:.*'vigil-test'.*{words}") as refused:
            await session.run()
    assert refused.value.reason is reason
    assert session.counters.disconnects[LossReason.REFUSED] == 1
    assert session.epoch == session.counters.connects == 0


@pytest.mark.parametrize(
    "code",
    [
        ConnAckReasonCode.SERVER_UNAVAILABLE,
        ConnAckReasonCode.SERVER_BUSY,
        ConnAckReasonCode.QUOTA_EXCEEDED,
        ConnAckReasonCode.CONNECTION_RATE_EXCEEDED,
    ],
)
async def test_a_connack_that_says_not_now_is_tried_again(code: ConnAckReasonCode) -> None:
    attempts = 0

    async def script(peer: Peer) -> None:
        nonlocal attempts
        attempts += 1
        if attempts > 2:
            await peer.accept()
        else:
            peer.send(mqtt5.ConnAckPacket(reason_code=code).write())
        await peer.of(mqtt5.DisconnectPacket)

    async with broker(script) as settings, running(session := Inbox().attach(settings)):
        assert session.counters.disconnects[LossReason.BUSY] == 2


async def test_a_server_that_does_not_speak_mqtt_is_tried_again() -> None:
    async def script(peer: Peer) -> None:
        peer.send(b"HTTP/1.1 503 Service Unavailable\r\n" * 8)
        await peer.of(mqtt5.DisconnectPacket)

    async with broker(script) as settings:
        session = Inbox().attach(settings)
        async with started(session):
            await until(lambda: session.counters.disconnects[LossReason.MALFORMED] >= 2)
    assert session.counters.connects == 0


async def test_a_server_that_just_closes_is_tried_again_and_told_once_with_what_to_check() -> None:
    async def script(peer: Peer) -> None:
        await peer.packet()

    async with broker(script) as settings:
        session = Inbox().attach(settings)
        with structlog.testing.capture_logs() as logs:
            async with started(session):
                await until(lambda: session.counters.disconnects[LossReason.CLOSED] >= 5)
    (entry,) = logs
    assert entry["event"] == "ingest.broker_unreachable"
    assert "does it speak MQTT 5 on this port" in entry["detail"]


async def test_the_loser_of_a_client_id_stops() -> None:
    async def script(peer: Peer) -> None:
        await peer.accept()
        peer.send(mqtt5.DisconnectPacket(reason_code=DisconnectReasonCode.SESSION_TAKEN_OVER).write())

    async with broker(script) as settings:
        session = Inbox().attach(settings)
        with pytest.raises(SessionTakenOver, match=r"another client connected to 127\.0\.0\.1:.* as 'vigil-test'"):
            await session.run()
    assert session.counters.disconnects[LossReason.TAKEN_OVER] == 1


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (DisconnectReasonCode.SERVER_SHUTTING_DOWN, LossReason.SHUT_DOWN),
        (DisconnectReasonCode.ADMINISTRATIVE_ACTION, LossReason.SENT_AWAY),
        (DisconnectReasonCode.NOT_AUTHORIZED, LossReason.SENT_AWAY),
    ],
)
async def test_any_other_disconnect_is_followed_by_a_new_connection(
    code: DisconnectReasonCode, reason: LossReason
) -> None:
    connections = 0

    async def script(peer: Peer) -> None:
        nonlocal connections
        connections += 1
        await peer.accept()
        if connections <= 4:
            peer.send(mqtt5.DisconnectPacket(reason_code=code).write())
        await peer.of(mqtt5.DisconnectPacket)

    async with broker(script) as settings, running(session := Inbox().attach(settings)):
        await until(lambda: session.epoch == 5 and session.connected)
    assert session.counters.disconnects[reason] == 4


async def test_messages_in_the_wake_up_of_connack_come_after_on_connected() -> None:
    order: list[object] = []

    async def script(peer: Peer) -> None:
        await peer.packet()
        peer.send(mqtt5.ConnAckPacket(session_present=True).write() + message(b"1", 1) + message(b"2", 2))
        await peer.of(mqtt5.DisconnectPacket)

    async with broker(script) as settings:
        session = Session(
            settings,
            ["#"],
            lambda epoch, packets: order.append((epoch, [packet.payload for packet in packets])),
            lambda *_: None,
            order.append,
        )
        async with started(session):
            await until(lambda: len(order) == 2)
    assert order == [True, (1, [b"1", b"2"])]


async def test_a_message_before_connack_is_a_protocol_error() -> None:
    codes: list[DisconnectReasonCode] = []

    async def script(peer: Peer) -> None:
        await peer.packet()
        peer.send(message(b"1", 1))
        disconnect = await peer.packet()
        assert isinstance(disconnect, mqtt5.DisconnectPacket)
        codes.append(disconnect.reason_code)

    async with broker(script) as settings:
        inbox = Inbox()
        session = inbox.attach(settings)
        async with started(session):
            await until(lambda: session.counters.disconnects[LossReason.PROTOCOL_ERROR] >= 1 and len(codes) > 0)
    assert codes[0] == DisconnectReasonCode.PROTOCOL_ERROR
    assert inbox.messages == []


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the codec's panic on NOT_UTF8
async def test_a_malformed_packet_is_handed_over_in_its_place_and_the_connection_stays() -> None:
    async def script(peer: Peer) -> None:
        await peer.accept()
        peer.send(message(b"7", 7) + NOT_UTF8 + BAD_PROPERTY + b"\xd0\x01x" + message(b"10", 10))
        await peer.of(mqtt5.DisconnectPacket)

    async with broker(script) as settings:
        inbox = Inbox()
        async with running(session := inbox.attach(settings)):
            await inbox.until(2)
            assert inbox.payloads() == [b"7", b"10"]
            assert inbox.runs == [1, 1]
    assert [(epoch, raw, packet_id) for epoch, raw, _, packet_id in inbox.malformed] == [
        (1, NOT_UTF8, 8),
        (1, BAD_PROPERTY, 9),
        (1, b"\xd0\x01x", None),
    ]
    assert session.counters.malformed == 3
    assert session.counters.connects == 1


@pytest.mark.parametrize(
    ("stream", "reason", "code"),
    [
        (b"\x30\xff\xff\xff\xff\x01", LossReason.MALFORMED, DisconnectReasonCode.MALFORMED_PACKET),
        (b"\x30\xff\xff\xff\x7f" + b"x" * 99, LossReason.TOO_LARGE, DisconnectReasonCode.PACKET_TOO_LARGE),
    ],
)
async def test_a_stream_that_cannot_be_read_on_is_left_with_a_reason(
    stream: bytes, reason: LossReason, code: DisconnectReasonCode
) -> None:
    codes: list[DisconnectReasonCode] = []

    async def script(peer: Peer) -> None:
        await peer.accept()
        peer.send(message(b"before", 1) + stream)
        disconnect = await peer.of(mqtt5.DisconnectPacket)
        assert isinstance(disconnect, mqtt5.DisconnectPacket)
        codes.append(disconnect.reason_code)

    async with broker(script) as settings:
        inbox = Inbox()
        async with started(session := inbox.attach(settings)):
            await until(lambda: session.counters.disconnects[reason] >= 3 and len(codes) >= 3)
    assert set(inbox.payloads()) == {b"before"}
    assert codes[:3] == [code] * 3


async def test_pubacks_go_out_in_order() -> None:
    acknowledged: list[int] = []

    async def script(peer: Peer) -> None:
        await peer.accept()
        peer.send(b"".join(message(b"x", packet_id) for packet_id in (1, 255, 256, 65535, 2)))
        for _ in range(5):
            puback = await peer.of(mqtt5.PubAckPacket)
            assert isinstance(puback, mqtt5.PubAckPacket)
            acknowledged.append(puback.packet_id)
        await peer.of(mqtt5.DisconnectPacket)

    async with broker(script) as settings:
        inbox = Inbox(acknowledges=True)
        async with running(inbox.attach(settings)):
            await until(lambda: len(acknowledged) == 5)
    assert acknowledged == [1, 255, 256, 65535, 2]


@pytest.mark.asyncio(loop_factories=["uvloop"])  # slow, and the same on any loop
async def test_reading_stops_while_more_than_receive_maximum_waits_and_the_link_is_kept() -> None:
    payload = bytes(60_000)
    sent = 0

    async def script(peer: Peer) -> None:
        nonlocal sent
        await peer.accept()
        pings = asyncio.create_task(answer_pings(peer))
        for packet_id in range(1, 201):
            peer.send(message(payload, packet_id))
            await peer.writer.drain()
            sent += 1
        await pings

    async def answer_pings(peer: Peer) -> None:
        while True:
            await peer.of(mqtt5.PingReqPacket)
            peer.send(mqtt5.PingRespPacket().write())

    async with broker(script, receive_maximum=7, keep_alive_s=1) as settings:
        inbox = Inbox()
        async with running(session := inbox.attach(settings)):
            await until(lambda: session.counters.pauses == 1)
            await until(lambda: session.counters.pings == 2)
            assert 7 < len(inbox.messages) <= 7 + max(inbox.runs) < 30
            acknowledged = 0
            while acknowledged < 200:
                await until(lambda: len(inbox.messages) > acknowledged)  # noqa: B023  awaited at once
                assert len(inbox.messages) - acknowledged <= 7 + max(inbox.runs)
                inbox.acknowledge(1, inbox.ids()[acknowledged : acknowledged + 1])
                acknowledged += 1
    assert inbox.ids() == list(range(1, 201))
    assert session.counters.connects == 1


@pytest.mark.asyncio(loop_factories=["uvloop"])  # slow, and the same on any loop
async def test_a_silent_broker_is_dropped_after_one_and_a_half_keep_alive_times() -> None:
    async def script(peer: Peer) -> None:
        await peer.accept(mqtt5.ConnAckPacket(server_keep_alive=1))
        while True:
            await peer.packet()

    async with broker(script, keep_alive_s=600) as settings:
        session = Inbox().attach(settings)
        loop = asyncio.get_running_loop()
        async with running(session):
            began = loop.time()
            await until(lambda: session.counters.disconnects[LossReason.KEEP_ALIVE] == 1)
            assert 1.4 <= loop.time() - began < 5
    assert session.counters.pings >= 1


async def test_no_answer_to_connect_is_given_up_in_time() -> None:
    async def script(peer: Peer) -> None:
        while True:
            await peer.packet()

    async with broker(script, connect_timeout_s=0.05) as settings:
        session = Inbox().attach(settings)
        async with started(session):
            await until(lambda: session.counters.disconnects[LossReason.TIMED_OUT] >= 2)
    assert not session.connected


async def test_receipts_are_dropped_while_the_broker_reads_nothing_and_pubacks_are_not() -> None:
    reads = asyncio.Event()
    acknowledged: list[int] = []

    async def script(peer: Peer) -> None:
        await peer.accept()
        peer.send(message(b"x", 5))
        await reads.wait()
        while True:
            if isinstance(packet := await peer.packet(), mqtt5.PubAckPacket):
                acknowledged.append(packet.packet_id)

    async with broker(script) as settings:
        inbox = Inbox()
        session = inbox.attach(settings)
        async with running(session):
            await inbox.until(1)
            while not session.counters.receipts_dropped:
                session.publish("a/ack", bytes(65536))
                await asyncio.sleep(0)
                assert session.counters.receipts < 1000
            session.acknowledge(1, np.array([5], np.uint16))
            reads.set()
            await until(lambda: acknowledged == [5])
            session.publish("a/ack", b"again")
    assert session.counters.receipts_dropped == 1


async def test_a_receipt_larger_than_the_broker_takes_is_dropped() -> None:
    async def script(peer: Peer) -> None:
        await peer.accept(mqtt5.ConnAckPacket(session_present=True, max_packet_size=40))
        publish = await peer.of(mqtt5.PublishPacket)
        assert isinstance(publish, mqtt5.PublishPacket)
        assert publish.payload == b"small"
        await peer.of(mqtt5.DisconnectPacket)

    async with broker(script) as settings, running(session := Inbox().attach(settings)):
        session.publish("a/ack", bytes(50))
        session.publish("a/ack", b"small")
    assert (session.counters.receipts, session.counters.receipts_dropped) == (1, 1)


@pytest.mark.asyncio(loop_factories=["uvloop"])  # slow, and the same on any loop
async def test_a_broker_that_never_answers_disconnect_does_not_hold_up_the_stop() -> None:
    async def script(peer: Peer) -> None:
        await peer.accept()
        await asyncio.Event().wait()

    async with broker(script) as settings:
        session = Inbox().attach(settings)
        async with asyncio.timeout(3), running(session):
            for _ in range(200):
                session.publish("a/ack", bytes(65536))
                await asyncio.sleep(0)
    assert not session.connected
