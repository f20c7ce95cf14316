"""A small message centre: SMPP 3.4 over TCP on 127.0.0.1, which can misbehave on command.

Written from the specification, without the client's code; `tests/alerts/sms/test_smpp.py` holds it against a client of
another make as well.
"""

from __future__ import annotations

import asyncio
import struct
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

__all__ = ["Centre", "Submitted", "centre", "deliver", "receipt"]

BIND, SUBMIT, DELIVER, UNBIND, ENQUIRE, NACK = 0x09, 0x04, 0x05, 0x06, 0x15, 0x80000000
RESPONSE: Final = 0x80000000
ROK, RTHROTTLED, RMSGQFUL, RINVDSTADR, RINVPASWD = 0x00, 0x58, 0x14, 0x0B, 0x0E


@dataclass(slots=True)
class Submitted:
    """One submit_sm as it came."""

    pdu: bytes
    source: str
    destination: str
    dest_ton: int
    esm_class: int
    validity: str
    registered: int
    data_coding: int
    octets: bytes

    @property
    def header(self) -> bytes:
        return self.octets[: self.octets[0] + 1] if self.esm_class & 0x40 else b""

    @property
    def text(self) -> bytes:
        return self.octets[len(self.header) :]


def _strings(body: bytes, at: int) -> tuple[str, int]:
    end = body.index(b"\0", at)
    return body[at:end].decode(), end + 1


def _submitted(pdu: bytes) -> Submitted:
    body = pdu[16:]
    _, at = _strings(body, 0)
    source, at = _strings(body, at + 2)
    ton = body[at]
    destination, at = _strings(body, at + 2)
    esm_class = body[at]
    _, at = _strings(body, at + 3)
    validity, at = _strings(body, at)
    registered, _, coding, _, length = body[at : at + 5]
    octets = body[at + 5 : at + 5 + length]
    assert len(octets) == length
    assert at + 5 + length == len(body)
    return Submitted(pdu, source, destination, ton, esm_class, validity, registered, coding, octets)


def deliver(
    text: bytes, *, source: str = "8613800138000", esm_class: int = 0, data_coding: int = 0, tags: bytes = b""
) -> bytes:
    """Return the body of a deliver_sm."""
    head = b"\0" + bytes((1, 1)) + source.encode() + b"\0" + bytes((0, 1)) + b"10690001\0"
    return head + bytes((esm_class, 0, 0)) + b"\0\0" + bytes((0, 0, data_coding, 0, len(text))) + text + tags


def receipt(
    message_id: str, state: str = "DELIVRD", *, error: str = "000", done: str = "2701150800", tags: bytes = b""
) -> bytes:
    """Return the body of a deliver_sm with a receipt in the form of appendix B."""
    text = f"id:{message_id} sub:001 dlvrd:001 submit date:2701150759 done date:{done} stat:{state} err:{error} text:"
    return deliver(text.encode(), esm_class=0x04, tags=tags)


@dataclass(slots=True)
class Centre:
    """What it does, and what it saw.

    statuses: of the answers to submit_sm, in order, the last for ever; None answers nothing
    receipts: what to deliver once a message was taken: made of its id; None for none
    early:    the receipt goes out before the answer
    """

    port: int = 0
    password: str = "secret"
    statuses: list[int | None] = field(default_factory=lambda: [ROK])
    receipts: Callable[[str], bytes] | None = None
    early: bool = False
    answers_enquiries: bool = True
    hex_ids: bool = False
    silent: bool = False
    junk: bytes = b""
    binds: int = 0
    enquiries: int = 0
    unbound: int = 0
    submitted: list[Submitted] = field(default_factory=list)
    answered: dict[int, int] = field(default_factory=dict)
    nacked: list[int] = field(default_factory=list)
    _next_id: int = 0xA0
    _sequence: int = 0
    _bound: list[asyncio.StreamWriter] = field(default_factory=list)
    _all: set[asyncio.Task[None]] = field(default_factory=set)

    def push(self, command: int, body: bytes = b"") -> int:
        """Send a request to whoever is bound; return its sequence number."""
        self._sequence += 1
        self._bound[-1].write(_pdu(command, ROK, self._sequence, body))
        return self._sequence

    def cut(self) -> None:
        """Cut every connection."""
        for writer in self._bound:
            writer.transport.abort()
        self._bound.clear()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._all.add(task)
        try:
            while True:
                head = await reader.readexactly(16)
                length, command, status, sequence = struct.unpack("!IIII", head)
                pdu = head + await reader.readexactly(length - 16)
                self._handle(writer, pdu, command, status, sequence)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._all.discard(task)
            if writer in self._bound:
                self._bound.remove(writer)
            writer.transport.abort()
            with suppress(ConnectionError):
                await writer.wait_closed()

    def _handle(self, writer: asyncio.StreamWriter, pdu: bytes, command: int, status: int, sequence: int) -> None:
        if command == BIND:
            self._bind(writer, pdu, sequence)
        elif command == SUBMIT:
            self._submit(writer, pdu, sequence)
        elif command == ENQUIRE:
            self.enquiries += 1
            if self.answers_enquiries:
                writer.write(_pdu(ENQUIRE | RESPONSE, ROK, sequence))
        elif command == UNBIND:
            self.unbound += 1
            writer.write(_pdu(UNBIND | RESPONSE, ROK, sequence))
        elif command == NACK:
            self.nacked.append(status)
        else:
            self.answered[sequence] = status

    def _bind(self, writer: asyncio.StreamWriter, pdu: bytes, sequence: int) -> None:
        if self.silent:
            return
        self.binds += 1
        system_id, at = _strings(pdu, 16)
        password, _ = _strings(pdu, at)
        right = (system_id, password) == ("vigil", self.password)
        status = ROK if right else RINVPASWD
        writer.write(_pdu(BIND | RESPONSE, status, sequence, b"centre\0" if right else b""))
        if right:
            self._bound.append(writer)
            if self.binds == 1:
                writer.write(self.junk)

    def _submit(self, writer: asyncio.StreamWriter, pdu: bytes, sequence: int) -> None:
        self.submitted.append(_submitted(pdu))
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        if status is None:
            return
        if status != ROK:
            writer.write(_pdu(SUBMIT | RESPONSE, status, sequence))
            return
        self._next_id += 1
        decimal, hexadecimal = str(self._next_id), f"{self._next_id:X}"
        answer = _pdu(SUBMIT | RESPONSE, ROK, sequence, (hexadecimal if self.hex_ids else decimal).encode() + b"\0")
        if not self.early:
            writer.write(answer)
        if self.receipts is not None:
            self.push(DELIVER, self.receipts(decimal))
        if self.early:
            asyncio.get_running_loop().call_later(0.05, writer.write, answer)


def _pdu(command: int, status: int, sequence: int, body: bytes = b"") -> bytes:
    return struct.pack("!IIII", 16 + len(body), command, status, sequence) + body


@asynccontextmanager
async def centre(port: int = 0) -> AsyncIterator[Centre]:
    """Serve on that port, or a free one, for the length of the block."""
    self = Centre()
    server = await asyncio.start_server(self.serve, "127.0.0.1", port)
    self.port = server.sockets[0].getsockname()[1]
    try:
        yield self
    finally:
        server.close()
        for task in (under_way := tuple(self._all)):
            task.cancel()
        if under_way:
            await asyncio.wait(under_way)
