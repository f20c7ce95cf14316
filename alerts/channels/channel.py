"""What a channel is to delivery."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn, Protocol, runtime_checkable

if TYPE_CHECKING:
    from alerts.notification import Notification

__all__ = ["AbsentChannel", "Channel", "DeliveryError", "Handed", "Listening"]


class DeliveryError(Exception):
    """The far end did not take it.

    reason:        for the timeline and the log: nothing secret
    retry:         whether another attempt may do better
    retry_after_s: how long the far end asked to be left alone, s
    unknown:       it may have been taken: one more attempt could tell somebody twice, and the channel cannot prevent it
    """

    def __init__(self, reason: str, *, retry: bool, retry_after_s: float | None = None, unknown: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry = retry
        self.retry_after_s = retry_after_s
        self.unknown = unknown


@dataclass(frozen=True, slots=True)
class Handed:
    """The far end has taken it.

    detail:    what it said, for the timeline
    reference: what it calls the message; later receipts name that. "" where there will be none
    received:  taking it is the receipt already: it went to the system or device that it was for
    """

    detail: str
    reference: str = ""
    received: bool = False


class Channel(Protocol):
    """One way out. Delivery gives each attempt its time, and calls `send` several times at once.

    idempotent: the far end knows a repeat, so an attempt that got no answer in its time is made again; where it is not,
                such an attempt ends in UNKNOWN
    at_once:    attempts under way at once, at most
    """

    idempotent: bool
    at_once: int

    async def send(self, notification: Notification) -> Handed:
        """Send and return what the far end said. Raises DeliveryError where it did not take it."""

    async def close(self) -> None:
        """Let go of connections and threads; nothing is sent after it."""


@runtime_checkable
class Listening(Protocol):
    """A channel that hears as well as sends, and so is open from the start."""

    async def open(self) -> None:
        """Begin to listen; `close` ends it."""


class AbsentChannel:
    """Stands for a channel that was in the settings when the notification was owed, and is no more."""

    idempotent = True
    at_once = 1

    async def send(self, notification: Notification) -> NoReturn:
        """Refuse for good."""
        raise DeliveryError(f"the settings have no channel {notification.channel!r} any more", retry=False)

    async def close(self) -> None:
        """Nothing is held."""
