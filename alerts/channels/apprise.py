"""Anything that apprise knows: WeCom, DingTalk, Feishu, e-mail and a hundred more, by one URL each."""

from __future__ import annotations

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

import apprise

from alerts.channels.channel import DeliveryError
from rules.model import Severity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alerts.notification import Notification

__all__ = ["AppriseChannel"]

SECRET_CHARACTERS: Final = 4
"""A piece of the URL of so many characters or more is taken for a secret, and struck out of what apprise says."""
DETAIL_CHARACTERS: Final = 200
_TYPES: Final[Mapping[Severity, apprise.NotifyType]] = {
    Severity.ADVISORY: apprise.NotifyType.INFO,
    Severity.WARNING: apprise.NotifyType.WARNING,
    Severity.ALARM: apprise.NotifyType.FAILURE,
    Severity.EMERGENCY: apprise.NotifyType.FAILURE,
}


class AppriseChannel:
    """Sends by one apprise URL, in threads of its own, so that a service that hangs holds nobody else's thread.

    threads: messages under way at once; an attempt that delivery gave up on keeps its thread until apprise's own socket
             timeouts (`cto`, `rto` in the URL) end it
    Raises ValueError where apprise makes nothing of the URL.
    """

    def __init__(self, name: str, url: str, threads: int) -> None:
        # No limit, no pool and no retry of apprise's own: these are delivery's.
        asset = apprise.AppriseAsset(app_id="Vigil", async_mode=False, service_timeout=0)
        self._apprise = apprise.Apprise(asset=asset)
        if not self._apprise.add(url):
            raise ValueError(f"channel {name}: apprise makes nothing of its URL")
        self._secrets = re.compile(
            "|".join(re.escape(part) for part in re.split(r"[/:@?&=,]+", url) if len(part) >= SECRET_CHARACTERS)
            or r"\Z\A."
        )
        self._service = self._apprise[0].service_name
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=f"apprise-{name}")

    async def send(self, notification: Notification) -> str:
        """Send and return that the service took it. Raises DeliveryError, always to retry: apprise tells no more."""
        loop = asyncio.get_running_loop()
        result = await loop.run_in_executor(self._threads, self._notify, notification)
        if result:
            return f"accepted by {self._service}"
        said = next((entry.message for entry in result.logs()), "")
        detail = self._secrets.sub("…", said)[:DETAIL_CHARACTERS]
        raise DeliveryError(f"{self._service}: {result.status.name} {detail}".rstrip(), retry=True)

    async def close(self) -> None:
        """Let the threads end when their message does."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _notify(self, notification: Notification) -> apprise.AppriseResult:
        return self._apprise.notify(
            title=notification.title,
            body=notification.body,
            notify_type=_TYPES[notification.incident.severity],
            body_format=apprise.NotifyFormat.TEXT,
        )
