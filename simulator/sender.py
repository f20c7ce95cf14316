"""The load mode's own MQTT 5 connection: packets ready made, and a window of what the broker has not acknowledged.

It reads what comes back as arrays: a broker answers a full window with thousands of equal PUBACKs in one read.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self, cast

import mqtt5
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulator.address import BrokerAddress

__all__ = ["LoadFailed", "Sender"]

PACKET_IDS = 65_535
"""Packet ids are 1 to this."""
KEEP_ALIVE_S = 65_535
"""The longest there is: the load mode sends no PINGREQ, and some brokers refuse 0."""
CONNECT_DEADLINE_S = 10.0
WRITE_BUFFER_BYTES = 1 << 20
GATHER_S = 0.001
"""Pause after each read. Brokers write PUBACKs one by one, and to read them so would cost more than all the sending."""
PUBACK = 0x40
FIRST_FAILURE = 0x80
"""Reason codes from here on say that the broker did not take the message."""
ACCEPTED = (mqtt5.PubAckReasonCode.SUCCESS, mqtt5.PubAckReasonCode.NO_MATCHING_SUBSCRIBERS)


class LoadFailed(Exception):
    """The broker refused the connection, ended it, or stopped answering."""


class Sender(asyncio.Protocol):
    """One connection that sends ready-made QoS 1 packets.

    window:       most packets under way; the broker may set a smaller one
    acknowledged, refused: PUBACKs so far, by whether the broker took the message
    """

    def __init__(self, window: int) -> None:
        self.window = min(window, PACKET_IDS)
        self.acknowledged = 0
        self.refused = 0
        self._under_way = np.zeros(PACKET_IDS + 1, np.bool_)
        self._under_way_count = 0
        self._next_id = 0
        self._rest = b""
        self._moved = asyncio.Event()
        self._connected: asyncio.Future[mqtt5.ConnAckPacket] = asyncio.get_running_loop().create_future()
        self._failure: str | None = None
        self._paused = False
        self._transport: asyncio.Transport | None = None

    @classmethod
    async def connect(cls, address: BrokerAddress, client_id: str, window: int) -> Self:
        """Connect and return when the broker has accepted us. Raises LoadFailed where it does not."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_DEADLINE_S):
                _, sender = await loop.create_connection(
                    lambda: cls(window), address.host, address.port, ssl=address.ssl_context()
                )
                try:
                    await sender.handshake(address, client_id)
                except BaseException:
                    sender.close()
                    raise
        except (OSError, TimeoutError) as error:
            raise LoadFailed(f"no MQTT 5 broker answers at {address.host}:{address.port}: {error!r}") from error
        return sender

    @property
    def room(self) -> int:
        """How many packets may be sent now."""
        return 0 if self._paused else self.window - self._under_way_count

    @property
    def under_way(self) -> int:
        """Packets sent and not yet answered."""
        return self._under_way_count

    def packet_ids(self, n: int) -> NDArray[np.uint16]:
        """Take the next `n` packet ids (n,) uint16; at most `room`. The packets that bear them must follow."""
        ids = (self._next_id + np.arange(n)) % PACKET_IDS + 1
        if self._under_way[ids].any():
            raise LoadFailed("the broker left a packet unanswered while it answered 65,535 later ones")
        self._next_id = (self._next_id + n) % PACKET_IDS
        self._under_way[ids] = True
        self._under_way_count += n
        return ids.astype(np.uint16)

    def send(self, packets: bytes) -> None:
        """Write whole packets. Raises LoadFailed where the connection is gone."""
        self._raise_failure()
        assert self._transport is not None  # noqa: S101 - connect() returns connected senders only
        self._transport.write(packets)

    async def moved(self, timeout: float | None) -> bool:
        """Wait until something was acknowledged or may be written again; False after `timeout` s without.

        Raises LoadFailed where the connection is gone.
        """
        self._raise_failure()
        self._moved.clear()
        try:
            await asyncio.wait_for(self._moved.wait(), timeout)
        except TimeoutError:
            return False
        self._raise_failure()
        return True

    def close(self) -> None:
        """Say goodbye and close; what is under way stays unanswered."""
        if self._transport is not None and self._failure is None:
            self._transport.write(mqtt5.DisconnectPacket().write())
            self._transport.close()

    # ── asyncio ──────────────────────────────────────────────────────────────────────────────────────────────────

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but name
        self._transport.set_write_buffer_limits(high=WRITE_BUFFER_BYTES)

    def data_received(self, data: bytes) -> None:
        """Count what the broker acknowledges."""
        data = self._rest + data
        used = self._read_pubacks(data)
        try:
            while used < len(data):
                packet, size = mqtt5.read(memoryview(data)[used:])
                used += size
                self._take(packet)
        except IndexError:
            pass  # the codec's way of saying that the rest of the packet is yet to come
        except ValueError as error:
            self._fail(f"the broker sent what is no MQTT 5: {error}")
        self._rest = data[used:]
        self._moved.set()
        if self._failure is None and self._transport is not None:
            self._transport.pause_reading()
            asyncio.get_running_loop().call_later(GATHER_S, self._transport.resume_reading)

    def pause_writing(self) -> None:
        """Stop: the broker does not read as fast as we write."""
        self._paused = True

    def resume_writing(self) -> None:
        """Go on."""
        self._paused = False
        self._moved.set()

    def connection_lost(self, error: Exception | None) -> None:
        """Tell whoever waits."""
        self._fail(f"the broker ended the connection: {error!r}" if error else "the broker ended the connection")

    # ── what it says ─────────────────────────────────────────────────────────────────────────────────────────────

    async def handshake(self, address: BrokerAddress, client_id: str) -> None:
        """Introduce ourselves; `connect` does it."""
        connect = mqtt5.ConnectPacket(
            client_id,
            username=address.username,
            password=None if address.password is None else address.password.encode(),
            clean_start=True,
            keep_alive=KEEP_ALIVE_S,
        )
        self.send(connect.write())
        answer = await self._connected
        if answer.reason_code is not mqtt5.ConnAckReasonCode.SUCCESS:
            raise LoadFailed(f"the broker refuses the connection: {answer.reason_code.name}")
        self.window = min(self.window, answer.receive_max)

    def _read_pubacks(self, data: bytes) -> int:
        """Take the run of equally long PUBACKs at the head of `data`; return its length."""
        if len(data) < 2 or data[0] != PUBACK:  # noqa: PLR2004 - type and length come first
            return 0
        size = 2 + data[1]
        table = np.frombuffer(data, np.uint8, len(data) // size * size).reshape(-1, size)
        unlike = (table[:, 0] != PUBACK) | (table[:, 1] != size - 2)
        table = table[: int(unlike.argmax()) if unlike.any() else len(table)]
        ids = table[:, 2].astype(np.intp) << 8 | table[:, 3]
        refused = int((table[:, 4] >= FIRST_FAILURE).sum()) if size > 4 else 0  # noqa: PLR2004 - a reason code follows
        self._acknowledge(ids, refused)
        return len(table) * size

    def _take(self, packet: object) -> None:
        match packet:
            case mqtt5.PubAckPacket():
                self._acknowledge(np.array([packet.packet_id]), int(packet.reason_code not in ACCEPTED))
            case mqtt5.ConnAckPacket():
                self._connected.set_result(packet)
            case mqtt5.DisconnectPacket():
                self._fail(f"the broker ended the connection: {packet.reason_code.name}")
            case _:
                self._fail(f"the broker sent a {type(packet).__name__}, which nothing asked for")

    def _acknowledge(self, ids: NDArray[np.intp], refused: int) -> None:
        if not self._under_way[ids].all():
            self._fail("the broker acknowledged a packet that is not under way")
            return
        self._under_way[ids] = False
        self._under_way_count -= len(ids)
        self.acknowledged += len(ids) - refused
        self.refused += refused

    def _fail(self, what: str) -> None:
        self._failure = self._failure or what
        if not self._connected.done():
            self._connected.set_exception(LoadFailed(self._failure))
        self._moved.set()
        if self._transport is not None:
            self._transport.abort()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise LoadFailed(self._failure)
