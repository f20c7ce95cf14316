"""`Digests`: what `Post` kept for later, when its time has come; the asks that a digest covers follow it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from alerts.response import texts
from alerts.response.ask import AskState
from alerts.response_event import ResponseKind

if TYPE_CHECKING:
    from alerts.noise.post import Digest, Post
    from alerts.notification import Notification
    from alerts.response.asking import Asking
    from alerts.response.board import Board
    from alerts.response.consequences import Turn
    from alerts.response.sending import Sender

__all__ = ["Digests"]


class Digests:
    """Owes digests."""

    def __init__(self, board: Board, post: Post, sender: Sender, asking: Asking) -> None:
        self._board = board
        self._post = post
        self._sender = sender
        self._asking = asking

    def send(self, turn: Turn) -> None:
        """Owe every digest that is due."""
        next_us = self._post.next_us
        if next_us is not None and next_us <= turn.now_us:
            for digest in self._post.advance(turn.now_us):
                self._send(turn, digest)

    def _send(self, turn: Turn, digest: Digest) -> None:
        message = digest.notification
        is_ask = False
        incidents: dict[str, None] = {}
        for covered in digest.covers:
            is_ask |= self._follow(turn, covered, message)
            incidents[covered.incident.id] = None
        self._sender.send_digest(turn, digest, asks=is_ask)
        text = texts.DIGESTED.fill(who=self._board.called(message.recipient), channel=message.channel)
        for incident in incidents:
            escalation = self._board.get(incident)
            if escalation is not None:
                turn.line(
                    escalation,
                    ResponseKind.DIGESTED,
                    text,
                    person=message.recipient,
                    notification=message.id,
                    detail=message.channel,
                )

    def _follow(self, turn: Turn, covered: Notification, digest: Notification) -> bool:
        """Let the ask of a message that a digest covers follow the digest; return whether an answer is waited for."""
        escalation = self._board.get(covered.incident.id)
        ask = None if escalation is None else escalation.asks.get(covered.recipient)
        if escalation is None or ask is None:
            return False
        if covered.id in ask.messages:
            ask = self._board.link(ask, digest.id)
        is_ask = ask.state is AskState.HELD and ask.notification == covered.id
        if is_ask:
            ask = self._asking.owed(turn, escalation, ask, digest.id, self._board.place_of(ask, digest.channel))
        self._board.put(escalation, msgspec.structs.replace(ask, was_sent=True))
        return is_ask
