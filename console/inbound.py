"""What comes back from gateways: receipts settle messages, and what people reply becomes their answer.

`Inbox` is for every way back: the HTTP addresses here, and an SMPP session alike. Both addresses of a channel,
`/inbound/{channel}/receipts/{secret}` and `/inbound/{channel}/replies/{secret}`, take whatever its gateway sends: some
send both to one.
"""

from __future__ import annotations

import asyncio
import hmac
import re
import time
import unicodedata
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import structlog
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from alerts.answer import Answer, command_for, is_given
from alerts.channels.inbound import Given, gate_of, parse_answer
from alerts.channels.sms.number import same_number
from alerts.command import Accept, Note, Settle
from alerts.lifecycle import CommandRejected
from console.metrics import Refusal, Way
from console.once import Once
from console.question import question_of
from console.request import address_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from starlette.requests import Request

    from alerts.channels.inbound import Gate, Receipt, Reply
    from alerts.people.model import Person
    from alerts.response.ask import Ask
    from console.desk import Desk
    from console.guard import Guard
    from console.metrics import ConsoleMetrics
    from console.settings import ConsoleSection

__all__ = ["Inbound", "Inbox", "masked"]

AGAIN_AFTER_S: Final = (0.2, 0.8, 2.0)
"""A gateway's receipt can be quicker than the journal with what the gateway calls the message."""
REPEATED_S: Final = 120.0
"""Gateways send a reply again until they hear that we have it; the same words later are a new answer."""
PLAIN_CHARACTERS: Final = 8
"""A longer reply says more than a code and a digit: its words become the note of the answer."""
NOTE_CHARACTERS: Final = 200
SHOWN_CHARACTERS: Final = 4
_TEST_CODE: Final = re.compile(r"[\W_]*(T[\s-]?\d{6})(?!\d)", re.IGNORECASE)
"""As `alerts.contact_tests` gives them; whatever follows one shows that the message was read."""
_log = structlog.get_logger()


class Inbox:
    """Takes receipts and replies. steady: s of a clock that never steps."""

    def __init__(self, desk: Desk, metrics: ConsoleMetrics, steady: Callable[[], float] = time.monotonic) -> None:
        self._desk = desk
        self._metrics = metrics
        self._done: Once[None] = Once(for_s=REPEATED_S, steady=steady)

    # ── receipts ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def receipts(self, receipts: Sequence[Receipt]) -> None:
        """Settle the messages that receipts are of; those of messages that nobody waits for are counted."""
        waiting = list(receipts)
        for wait_s in (*AGAIN_AFTER_S, None):
            waiting = [receipt for receipt in waiting if not await self._settle(receipt)]
            if not waiting or wait_s is None:
                break
            await asyncio.sleep(wait_s)
        for _ in waiting:
            self._metrics.refuse(Refusal.UNKNOWN_REFERENCE)

    async def _settle(self, receipt: Receipt) -> bool:
        """Settle the message that a receipt is of; return whether the outbox knows it."""
        outbox, found = self._desk.outbox, None
        if receipt.notification and outbox.status(receipt.notification) is not None:
            found = receipt.notification
        elif receipt.reference:
            found = outbox.by_reference(receipt.channel, receipt.reference)
        if found is None:
            return False
        await self._desk.submit(
            Settle(
                notification=found,
                status=receipt.status,
                detail=receipt.detail,
                attempts=0,
                by="receipt",
                origin=receipt.channel,
                reference=receipt.reference,
            )
        )
        self._metrics.receipt()
        return True

    # ── replies ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def reply(self, reply: Reply, way: Way) -> None:
        """Take a person's reply, once. A call that names no message of ours is known by what its gateway calls it."""
        if not reply.notification and reply.reference:
            known = self._desk.outbox.by_reference(reply.channel, reply.reference)
            reply = replace(reply, notification=known or "")
        key = (reply.channel, reply.address, reply.text, reply.notification)
        await self._done.do(key, lambda: self._take(reply, way))

    async def _take(self, reply: Reply, way: Way) -> None:
        if await self._take_test(reply, way):
            return
        given = parse_answer(reply.text)
        ask, refusal = self._ask(reply, given)
        if ask is None:
            self._refuse(reply, refusal)
            return
        if given is None or given.answer is None:
            self._refuse(reply, Refusal.NOT_UNDERSTOOD)
            await self._note(ask, reply)
            return
        await self._answer(given.answer, ask, reply, way)

    async def _take_test(self, reply: Reply, way: Way) -> bool:
        """Take an answer to a contact test; return whether it was one."""
        found = _TEST_CODE.match(unicodedata.normalize("NFKC", reply.text))
        desk = self._desk
        name = reply.notification or (desk.contact_tests.by_code(found[1]) if found else "")
        question = question_of(desk, name) if name else None
        if question is None or not question.is_test:
            return False
        if not reply.notification and not self._is_theirs(question.person, reply.address):
            self._refuse(reply, Refusal.WRONG_ADDRESS)
            return True
        accept = Accept(
            incident=question.incidents[0],
            by=question.person,
            origin=f"{way} {reply.channel} {masked(reply.address)}",
            notification=name,
        )
        try:
            await desk.submit(accept)
        except CommandRejected:  # the test is no longer at hand
            self._refuse(reply, Refusal.GONE)
            return True
        self._metrics.answer(Answer.ACCEPT, way)
        return True

    async def _answer(self, answer: Answer, ask: Ask, reply: Reply, way: Way) -> None:
        incident = self._desk.incidents.get(ask.incident)
        if incident is None:
            self._refuse(reply, Refusal.GONE)
            return
        if is_given(answer, incident, ask.person):
            return
        words = reply.text.strip()
        command = command_for(
            answer,
            incident.id,
            by=ask.person,
            origin=f"{way} {reply.channel} {masked(reply.address)}",
            notification=reply.notification or ask.notification,
            note=words[:NOTE_CHARACTERS] if len(words) > PLAIN_CHARACTERS else "",
        )
        try:
            await self._desk.submit(command)
        except CommandRejected:
            self._refuse(reply, Refusal.TOO_LATE)
            await self._note(ask, reply)
            return
        self._metrics.answer(answer, way)

    async def _note(self, ask: Ask, reply: Reply) -> None:
        """Put words that are no answer into the timeline, where a duty manager reads them."""
        note = Note(
            incident=ask.incident,
            by=ask.person,
            origin=f"{reply.channel} {masked(reply.address)}",
            note=reply.text.strip()[:NOTE_CHARACTERS],
        )
        try:
            await self._desk.submit(note)
        except CommandRejected:
            self._refuse(reply, Refusal.GONE)

    def _refuse(self, reply: Reply, reason: Refusal) -> None:
        self._metrics.refuse(reason)
        _log.info("console.reply_refused", channel=reply.channel, reason=str(reason))

    # ── who and about what ───────────────────────────────────────────────────────────────────────────────────────

    def _ask(self, reply: Reply, given: Given | None) -> tuple[Ask | None, Refusal]:
        """Return the ask that a reply is to; else why there is none."""
        response = self._desk.response
        if reply.notification:
            asks = response.asks_of(reply.notification)
            return (asks[0] if asks else None), Refusal.GONE
        if given is not None and given.code:
            ask = response.by_code(given.code)
            if ask is None:
                return None, Refusal.UNKNOWN_CODE
            if not self._is_theirs(ask.person, reply.address):
                return None, Refusal.WRONG_ADDRESS
            return ask, Refusal.UNKNOWN_CODE
        return self._only_ask(reply.address), Refusal.NOT_UNDERSTOOD

    def _is_theirs(self, person: str, address: str) -> bool:
        return any(one.name == person and _has(one, address) for one in self._desk.directory.people)

    def _only_ask(self, address: str) -> Ask | None:
        """Return what the people with that number are asked, where it is one thing only."""
        names = {person.name for person in self._desk.directory.people if _has(person, address)}
        if not names:
            return None
        asks = [
            ask
            for incident in self._desk.incidents.open()
            for ask in self._desk.response.asks(incident.id)
            if ask.person in names and ask.messages
        ]
        return asks[0] if len(asks) == 1 else None


class Inbound:
    """The addresses that gateways report to. public_url: how they see us, which some of them sign."""

    def __init__(
        self,
        inbox: Inbox,
        channels: Mapping[str, object],
        settings: ConsoleSection,
        metrics: ConsoleMetrics,
        guard: Guard,
        now_us: Callable[[], int],
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._inbox = inbox
        self._metrics = metrics
        self._guard = guard
        self._now_us = now_us
        self._steady = steady
        self._gates: dict[tuple[str, str], tuple[str, Gate]] = {}
        for channel, secret in settings.inbound_secrets.items():
            for kind in ("receipts", "replies"):
                value = secret.get_secret_value()
                callback = f"{settings.public_url}/inbound/{channel}/{kind}/{value}"
                gate = gate_of(channel, channels.get(channel), callback)
                if gate is not None:
                    self._gates[channel, kind] = (value, gate)

    @property
    def routes(self) -> list[Route]:
        """The addresses."""
        return [Route("/inbound/{channel}/{kind}/{secret}", self._take, methods=["GET", "POST"])]

    async def _take(self, request: Request) -> Response:
        channel, kind = request.path_params["channel"], request.path_params["kind"]
        secret, gate = self._gates.get((channel, kind), ("", None))
        given = request.path_params["secret"].encode()
        if not hmac.compare_digest(secret.encode(), given) or gate is None:
            return self._wrong(request, 404)
        body = await request.body()
        if not gate.is_genuine(request.headers, request.url.query, body):
            return self._wrong(request, 403)
        headers, query = request.headers, request.query_params
        receipts: list[Receipt] = []
        replies: list[Reply] = []
        faults = 0
        try:
            receipts = gate.receipts(headers, query, body)
        except ValueError:
            faults += 1
        try:
            replies = gate.replies(headers, query, body, self._now_us())
        except ValueError:
            faults += 1
        if faults == 2:  # noqa: PLR2004  # it is neither
            self._metrics.refuse(Refusal.UNREADABLE)
            return PlainTextResponse("cannot be read\n", 400)
        way = Way.VOICE if gate.preset.endswith("voice") else Way.SMS
        for reply in replies:  # first: an answer also stops what a failed receipt would set going
            await self._inbox.reply(reply, way)
        await self._inbox.receipts(receipts)
        media_type, answer = gate.answer
        return Response(answer, media_type=media_type)

    def _wrong(self, request: Request, status: int) -> Response:
        self._metrics.refuse(Refusal.BAD_SECRET)
        wait_s = self._guard.wrong(address_of(request), self._steady())
        if wait_s is None:
            return PlainTextResponse("no\n", status)
        self._metrics.refuse(Refusal.GUESSING)
        return PlainTextResponse("no\n", 429, {"retry-after": str(int(wait_s) + 1)})


def masked(address: str) -> str:
    """Return an address as timelines show it: enough to tell a person's phones apart, and no more."""
    return f"…{address[-SHOWN_CHARACTERS:]}" if len(address) > SHOWN_CHARACTERS else address


def _has(person: Person, address: str) -> bool:
    return any(same_number(contact.address, address) for contact in person.contacts)
