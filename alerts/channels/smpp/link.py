"""`Link`: one connection to a message centre, from its bind to its loss."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NoReturn

from alerts.channels.smpp.message import is_receipt
from alerts.channels.smpp.pdu import (
    HEADER_BYTES,
    RESPONSE,
    Command,
    Pdu,
    PduError,
    Status,
    read_deliver,
    read_header,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from alerts.channels.smpp.pdu import Delivered

    _Taken = tuple[Pdu, Delivered]

__all__ = ["Link", "LinkLostError", "status_name"]

INBOX: Final = 1_000
"""Receipts, and replies, that wait for us; the centre is asked to bring more again later."""
TAKERS: Final = 8
"""So many of each are under way to the journal at once."""
SEQUENCE_MAX: Final = 0x7FFF_FFFF
CLOSE_S: Final = 1.0
NO_ID: Final = b"\0"
"""What stands for a message id in the answer to a deliver_sm."""


class LinkLostError(Exception):
    """The connection is no more; `reason` says why, and nothing private."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Link:
    """Requests and their answers, and what the centre delivers.

    delivered: gets each deliver_sm; the centre is told that it is taken when this returns
    enquire_s: after so long without a word from the centre it is asked whether it lives; answer_s: to answer anything
    garbage:   deliver_sm that could not be read
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        delivered: Callable[[Delivered], Awaitable[None]],
        *,
        enquire_s: float,
        answer_s: float,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._delivered = delivered
        self._enquire_s = enquire_s
        self._answer_s = answer_s
        self._sequence = 0
        self._waiting: dict[int, asyncio.Future[Pdu]] = {}
        # Apart, so that receipts that are slow to place keep nobody's answer waiting.
        self._replies: asyncio.Queue[_Taken] = asyncio.Queue(INBOX)
        self._receipts: asyncio.Queue[_Taken] = asyncio.Queue(INBOX)
        self._heard = asyncio.Event()
        self._lost: str | None = None
        self.garbage = 0

    async def bind(self, body: bytes) -> None:
        """Bind as a transceiver, before `serve`. Raises LinkLostError where the centre does not agree in time."""
        self._sequence = 1
        try:
            async with asyncio.timeout(self._answer_s):
                await self._write(Pdu(Command.BIND_TRANSCEIVER, Status.ROK, self._sequence, body))
                answer = await self._read()
        except TimeoutError as error:
            raise LinkLostError("no answer to the bind") from error
        if answer.command not in {Command.BIND_TRANSCEIVER | RESPONSE, Command.GENERIC_NACK}:
            raise LinkLostError(f"command {answer.command:#x} in answer to the bind")
        if answer.status != Status.ROK or answer.command == Command.GENERIC_NACK:
            raise LinkLostError(f"bind refused: {status_name(answer.status)}")

    async def serve(self) -> NoReturn:
        """Serve until the connection is lost. Raises LinkLostError; what `delivered` raises is raised as it is."""
        takers = [self._take(inbox) for inbox in (self._replies, self._receipts) for _ in range(TAKERS)]
        tasks = [asyncio.create_task(one) for one in (self._hear(), self._keep(), *takers)]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            failures = [failure for task in tasks if not task.cancelled() and (failure := task.exception())]
            losses = [failure for failure in failures if isinstance(failure, LinkLostError)]
            if losses:
                self._lose(losses[0].reason)
        faults = [failure for failure in failures if failure not in losses]
        raise (faults or losses)[0]

    async def ask(self, command: Command, body: bytes = b"") -> Pdu:
        """Send a request and return its answer. Raises LinkLostError, TimeoutError."""
        if self._lost is not None:
            raise LinkLostError(self._lost)
        self._sequence = self._sequence % SEQUENCE_MAX + 1
        sequence = self._sequence
        future: asyncio.Future[Pdu] = asyncio.get_running_loop().create_future()
        self._waiting[sequence] = future
        try:
            async with asyncio.timeout(self._answer_s):
                await self._write(Pdu(command, Status.ROK, sequence, body))
                return await future
        finally:
            self._waiting.pop(sequence, None)

    @property
    def lost(self) -> str | None:
        """Why the connection is no more, None while it is."""
        return self._lost

    async def close(self) -> None:
        """Unbind where it is bound still, and close."""
        if self._lost is None:
            with suppress(OSError, TimeoutError, LinkLostError):
                async with asyncio.timeout(CLOSE_S):
                    await self._write(Pdu(Command.UNBIND, Status.ROK, self._sequence % SEQUENCE_MAX + 1))
            self._lose("closed")
        self._writer.close()
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await self._writer.wait_closed()
        self._writer.transport.abort()

    async def _hear(self) -> NoReturn:
        while True:
            pdu = await self._read()
            self._heard.set()
            if pdu.command & RESPONSE:
                waiting = self._waiting.get(pdu.sequence)
                if waiting is not None and not waiting.done():
                    waiting.set_result(pdu)
                continue
            match pdu.command:
                case Command.ENQUIRE_LINK:
                    await self._answer(pdu, Status.ROK)
                case Command.UNBIND:
                    await self._answer(pdu, Status.ROK)
                    raise LinkLostError("the centre unbound")
                case Command.DELIVER_SM:
                    await self._lay_in(pdu)
                case _:
                    await self._write(Pdu(Command.GENERIC_NACK, Status.RINVCMDID, pdu.sequence))

    async def _lay_in(self, pdu: Pdu) -> None:
        try:
            delivered = read_deliver(pdu.body)
        except PduError:
            self.garbage += 1
            await self._answer(pdu, Status.RX_P_APPN, NO_ID)  # else the centre would bring it again for ever
            return
        try:
            (self._receipts if is_receipt(delivered) else self._replies).put_nowait((pdu, delivered))
        except asyncio.QueueFull:
            await self._answer(pdu, Status.RMSGQFUL, NO_ID)

    async def _take(self, inbox: asyncio.Queue[_Taken]) -> NoReturn:
        while True:
            pdu, delivered = await inbox.get()
            await self._delivered(delivered)
            await self._answer(pdu, Status.ROK, NO_ID)

    async def _keep(self) -> NoReturn:
        while True:
            self._heard.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._enquire_s):
                    await self._heard.wait()
                continue
            try:
                await self.ask(Command.ENQUIRE_LINK)
            except TimeoutError as error:
                raise LinkLostError("no answer to enquire_link") from error

    async def _read(self) -> Pdu:
        try:
            length, command, status, sequence = read_header(await self._reader.readexactly(HEADER_BYTES))
            return Pdu(command, status, sequence, await self._reader.readexactly(length))
        except PduError as error:
            raise LinkLostError(str(error)) from error
        except (asyncio.IncompleteReadError, OSError) as error:
            raise LinkLostError("connection lost") from error

    async def _answer(self, pdu: Pdu, status: Status, body: bytes = b"") -> None:
        await self._write(Pdu(pdu.command | RESPONSE, status, pdu.sequence, body))

    async def _write(self, pdu: Pdu) -> None:
        try:
            self._writer.write(pdu.encoded())
            await self._writer.drain()
        except OSError as error:
            raise LinkLostError("connection lost") from error

    def _lose(self, reason: str) -> None:
        self._lost = self._lost or reason
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(LinkLostError(self._lost))


def status_name(status: int) -> str:
    """Say a command_status: by its name where it has one here."""
    try:
        return f"ESME_{Status(status).name}"
    except ValueError:
        return f"status {status:#04x}"
