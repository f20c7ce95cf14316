"""Anything that apprise knows: WeCom, DingTalk, Feishu, e-mail and a hundred more, by one URL each."""

from __future__ import annotations

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import apprise

from alerts.channels.channel import DeliveryError, Handed
from rules.model import Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from alerts.notification import Notification

__all__ = ["ADDRESS", "AppriseChannel"]

ADDRESS: Final = "{address}"
"""Stands in a URL for the address of the person."""
ADDRESSES_KEPT: Final = 500
SECRET_CHARACTERS: Final = 4
"""A piece of the URL of so many characters or more is taken for a secret, and struck out of what apprise says."""
DETAIL_CHARACTERS: Final = 200
_EXAMPLES: Final = ("li@example.org", "13800138000", "+8613800138000", "channel")
"""A template is good where apprise makes something of it with one of these."""
_TYPES: Final[Mapping[Severity, apprise.NotifyType]] = {
    Severity.ADVISORY: apprise.NotifyType.INFO,
    Severity.WARNING: apprise.NotifyType.WARNING,
    Severity.ALARM: apprise.NotifyType.FAILURE,
    Severity.EMERGENCY: apprise.NotifyType.FAILURE,
}


class AppriseChannel:
    """Sends by one apprise URL, in threads of its own, so that a service that hangs holds nobody else's thread.

    url:     may have `{address}` in it, which is replaced by the notification's, quoted
    threads: messages under way at once; an attempt that delivery gave up on keeps its thread until apprise's own socket
             timeouts (`cto`, `rto` in the URL) end it
    link_of: the one-tap link of a message, "" where it has none; it stands below the text
    Raises ValueError where apprise makes nothing of the URL.
    """

    idempotent = False

    def __init__(self, name: str, url: str, threads: int, link_of: Callable[[Notification], str]) -> None:
        self._url = url
        self._link_of = link_of
        self._made: dict[str, _Service] = {}  # by address, the one used last at the end
        self.at_once = threads
        self._busy = 0
        examples = _EXAMPLES if ADDRESS in url else ("",)
        if not any(_Service(self._filled(example)).is_good for example in examples):
            raise ValueError(f"channel {name}: apprise makes nothing of its URL")
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=f"apprise-{name}")

    async def send(self, notification: Notification) -> Handed:
        """Send and return that the service took it.

        Raises DeliveryError: to retry where apprise says that it went wrong, since it tells no more; for good where it
        makes nothing of the address.
        """
        service = self._service(notification.address)
        if self._busy >= self.at_once:  # threads that hang: nothing is sent, and that is known
            raise DeliveryError("no thread is free", retry=True)
        link = self._link_of(notification)
        body = f"{notification.body}\n\n{link}" if link else notification.body
        self._busy += 1
        sending = asyncio.get_running_loop().run_in_executor(self._threads, service.notify, notification, body)
        sending.add_done_callback(self._freed)
        return Handed(await asyncio.shield(sending))

    async def close(self) -> None:
        """Let the threads end when their message does."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _freed(self, sending: asyncio.Future[str]) -> None:
        self._busy -= 1
        if not sending.cancelled():
            sending.exception()  # nobody waits for one that was given up

    def _filled(self, address: str) -> str:
        return self._url.replace(ADDRESS, quote(address, safe=""))

    def _service(self, address: str) -> _Service:
        if ADDRESS not in self._url:
            address = ""
        elif not address:
            raise DeliveryError("the contact has no address", retry=False)
        service = self._made.pop(address, None) or _Service(self._filled(address))
        if not service.is_good:
            raise DeliveryError("apprise makes nothing of the address", retry=False)
        self._made[address] = service
        while len(self._made) > ADDRESSES_KEPT:
            del self._made[next(iter(self._made))]
        return service


class _Service:
    """One filled URL."""

    def __init__(self, url: str) -> None:
        # No limit, no pool and no retry of apprise's own: these are delivery's.
        asset = apprise.AppriseAsset(app_id="Vigil", async_mode=False, service_timeout=0)
        self._apprise = apprise.Apprise(asset=asset)
        self.is_good = bool(self._apprise.add(url))
        self._secrets = re.compile(
            "|".join(re.escape(part) for part in re.split(r"[/:@?&=,%]+", url) if len(part) >= SECRET_CHARACTERS)
            or r"\Z\A."
        )

    def notify(self, notification: Notification, body: str) -> str:
        """Send, in a thread, and return what to say of it. Raises DeliveryError where it did not go."""
        name = self._apprise[0].service_name
        result = self._apprise.notify(
            title=notification.title,
            body=body,
            notify_type=_TYPES[notification.incident.severity],
            body_format=apprise.NotifyFormat.TEXT,
        )
        if result:
            return f"accepted by {name}"
        said = next((entry.message for entry in result.logs()), "")
        detail = self._secrets.sub("…", said)[:DETAIL_CHARACTERS]
        raise DeliveryError(f"{name}: {result.status.name} {detail}".rstrip(), retry=True)
