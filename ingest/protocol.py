"""One connection to the broker: a socket that is read into one buffer and handled once per wake-up."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

import mqtt5

from ingest.session_framing import PacketReader
from ingest.session_losses import Loss, LossReason, loss_of_error

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from ingest.session_framing import Event

__all__ = ["Connection"]

WRITE_HIGH_BYTES = 1024 * 1024
"""With more than this waiting to be sent, receipts are given up. PUBACKs go on: the receive maximum bounds them."""
LEAVE_S = 1.0
"""How long the last bytes may take to leave."""


class Connection(asyncio.BufferedProtocol):
    """From connection made to connection lost.

    receive:    called once per wake-up with this connection, the events read and the number of bytes; must not block.
                What it raises is a bug: it ends the connection and is raised by `lost`.
    lost:       done when the transport is closed: how the connection ended
    subscribed: done when the owner says so
    congested:  too much waits to be sent
    paused:     we are not reading
    heard, spoke: something was received, or sent, since the owner last set them to False
    gather_s:   s to leave the socket alone after a read, so that the next one finds more; 0 reads at once. A wake-up
                costs as much as a dozen messages, and a broker sends each message by itself
    """

    def __init__(self, receive: Callable[[Connection, list[Event], int], None], gather_s: float = 0.0) -> None:
        loop = asyncio.get_running_loop()
        self.lost: asyncio.Future[Loss] = loop.create_future()
        self.subscribed: asyncio.Future[None] = loop.create_future()
        self.congested = False
        self.paused = False
        self.heard = False
        self.spoke = False
        self._receive = receive
        self._gather_s = gather_s
        self._reader = PacketReader()
        self._transport: asyncio.Transport | None = None
        self._loss: Loss | None = None
        self._bug: Exception | None = None
        self._abort: asyncio.TimerHandle | None = None

    @property
    def is_open(self) -> bool:
        """Whether what is written can still arrive."""
        return self._transport is not None and self._loss is None and not self._transport.is_closing()

    @property
    def certificate(self) -> bytes | None:
        """What the far end shows of itself, DER; None without TLS."""
        tls = None if self._transport is None else self._transport.get_extra_info("ssl_object")
        return None if tls is None else cast("ssl.SSLObject", tls).getpeercert(binary_form=True)

    def write(self, data: bytes) -> None:
        """Send `data`, or nothing where the connection is no longer open."""
        if self._transport is not None and self.is_open:
            self._transport.write(data)
            self.spoke = True

    def pause(self) -> None:
        """Leave what comes in the socket, so that TCP holds the broker back, until `resume`."""
        if self._transport is not None and self.is_open and not self.paused:
            self.paused = True
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read again."""
        if self._transport is not None and self.is_open and self.paused:
            self.paused = False
            self._transport.resume_reading()

    def leave(self, loss: Loss, code: mqtt5.DisconnectReasonCode) -> None:
        """Say DISCONNECT and close as soon as it is sent, or after LEAVE_S. The first loss stands."""
        if self._transport is None or not self.is_open:
            return
        self.write(mqtt5.DisconnectPacket(reason_code=code).write())
        self._loss = loss
        self._transport.close()
        self._abort = asyncio.get_running_loop().call_later(LEAVE_S, self._transport.abort)

    def drop(self, loss: Loss) -> None:
        """Close at once: there is nobody to say anything to. The first loss stands."""
        self._loss = self._loss or loss
        if self._transport is not None:
            self._transport.abort()
        elif not self.lost.done():
            self.lost.set_result(self._loss)

    async def part(self) -> None:
        """Leave, if the connection is open, and return when it is closed."""
        self.leave(Loss(LossReason.LEFT, "told to stop"), mqtt5.DisconnectReasonCode.NORMAL_DISCONNECTION)
        if self._transport is not None:
            await asyncio.wait({self.lost})

    async def answered(self) -> None:
        """Return when the connection is subscribed or lost."""
        either: set[asyncio.Future[Any]] = {self.subscribed, self.lost}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)

    async def lost_within(self, seconds: float) -> bool:
        """Wait for the end of the connection, but no longer than so; return whether it came."""
        await asyncio.wait({self.lost}, timeout=seconds)
        return self.lost.done()

    # ── called by the transport ──────────────────────────────────────────────────────────────────────────────────

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=WRITE_HIGH_BYTES)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002
        """Return where the transport writes what it reads."""
        return self._reader.space()

    def buffer_updated(self, nbytes: int) -> None:
        """Read the packets and hand them on."""
        self.heard = True
        if self._loss is not None:
            return
        try:
            self._receive(self, self._reader.received(nbytes), nbytes)
        except Exception as bug:  # noqa: BLE001  asyncio would log it and go on; `lost` raises it to whoever waits
            self._bug = bug
            self.drop(Loss(LossReason.LEFT, repr(bug)))
            return
        if self._gather_s and self._transport is not None and self.is_open and not self.paused:
            self._transport.pause_reading()
            asyncio.get_running_loop().call_later(self._gather_s, self._read_on)

    def _read_on(self) -> None:
        """Read again after gathering, unless the owner has paused meanwhile."""
        if self._transport is not None and self.is_open and not self.paused:
            self._transport.resume_reading()

    def eof_received(self) -> bool:
        """Let the transport close itself."""
        return False

    def pause_writing(self) -> None:
        """Note that too much waits to be sent."""
        self.congested = True

    def resume_writing(self) -> None:
        """Note that the way is free again."""
        self.congested = False

    def connection_lost(self, exc: Exception | None) -> None:
        """Say how it ended."""
        if self._abort is not None:
            self._abort.cancel()
        if self.lost.done():
            return
        if self._bug is not None:
            self.lost.set_exception(self._bug)
        elif self._loss is not None:
            self.lost.set_result(self._loss)
        elif exc is None or isinstance(exc, OSError):
            self.lost.set_result(loss_of_error(exc))
        else:
            self.lost.set_exception(exc)
