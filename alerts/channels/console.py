"""The console: a line of the log, or whatever the demo writes to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from alerts.channels.channel import Handed

if TYPE_CHECKING:
    from collections.abc import Callable

    from alerts.notification import Notification

__all__ = ["ConsoleChannel"]

_log = structlog.get_logger()


class ConsoleChannel:
    """Writes each notification at once; what is written is the receipt.

    write: takes the notification instead of the log
    """

    idempotent = True
    at_once = 32

    def __init__(self, write: Callable[[Notification], None] | None = None) -> None:
        self._write = write or _write_log

    async def send(self, notification: Notification) -> Handed:
        """Write and return that it is written."""
        self._write(notification)
        return Handed("written", received=True)

    async def close(self) -> None:
        """Nothing is held."""


def _write_log(notification: Notification) -> None:
    """Log it, without the address and without what answers it: the link and the code are as good as a password."""
    _log.warning(
        "alerts.notification",
        recipient=notification.recipient,
        kind=notification.kind,
        purpose=notification.purpose,
        incident=notification.incident.id,
        severity=notification.incident.severity,
        title=notification.title,
        text_en=notification.body_en,
        text_zh=notification.body_zh,
    )
