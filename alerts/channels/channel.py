"""What a channel is to delivery."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn, Protocol

if TYPE_CHECKING:
    from alerts.notification import Notification

__all__ = ["AbsentChannel", "Channel", "DeliveryError"]


class DeliveryError(Exception):
    """The far end gave no receipt.

    reason:        for the timeline and the log: nothing secret
    retry:         whether another attempt may do better
    retry_after_s: how long the far end asked to be left alone, s
    """

    def __init__(self, reason: str, *, retry: bool, retry_after_s: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry = retry
        self.retry_after_s = retry_after_s


class Channel(Protocol):
    """One way out. Delivery gives each attempt its time, and calls `send` several times at once."""

    async def send(self, notification: Notification) -> str:
        """Send and return the far end's receipt. Raises DeliveryError where there is none."""

    async def close(self) -> None:
        """Let go of connections and threads; nothing is sent after it."""


class AbsentChannel:
    """Stands for a channel that was in the settings when the notification was owed, and is no more."""

    async def send(self, notification: Notification) -> NoReturn:
        """Refuse for good."""
        raise DeliveryError(f"the settings have no channel {notification.channel!r} any more", retry=False)

    async def close(self) -> None:
        """Nothing is held."""
