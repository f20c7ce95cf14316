"""What people, gateways and other systems answer through: links, inbox, console and the doors beside it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from alerts import Unsubscribe
from alerts.answer import Links, load_or_make_keys
from alerts.channels import ChannelContext, PushSettings, vapid_public_key
from console.alertmanager import AlertmanagerDoor, DoorMetrics
from console.app import console_app
from console.cap import CapDoor
from console.inbound import Inbox
from console.metrics import ConsoleMetrics, Way
from console.tokens import Tokens
from service.channels import own_broker
from service.desk import ServiceDesk
from service.settings import SettingsFaults

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from prometheus_client import CollectorRegistry
    from starlette.types import ASGIApp

    from alerts import Notification
    from alerts.channels.inbound import Receipt, Reply
    from service.core import Core

__all__ = ["Answering"]

LINK_KEYS = "link.keys"


class Answering:
    """Made once a start; `context` is for the channels, `app` is what phones and systems reach.

    Raises SettingsFaults where the file of the links' keys is none of ours, or cannot be read or made.
    """

    def __init__(self, core: Core, registry: CollectorRegistry) -> None:
        settings = core.settings
        console = settings.console
        self._core = core
        self._links = Links(_link_keys(settings.data_dir / LINK_KEYS), console.public_url, console.link_days)
        self._desk = ServiceDesk(core, self._links)
        self._metrics = ConsoleMetrics(registry)
        self._inbox = Inbox(self._desk, self._metrics)
        self._taking: set[asyncio.Task[None]] = set()
        self._sites_known: tuple[int, frozenset[str]] = (-1, frozenset())
        tokens = Tokens(console.tokens)
        self.door = AlertmanagerDoor(self._desk, tokens, settings.prometheus.limits(), self._sites)
        self._cap = CapDoor(self._desk, tokens, settings.cap, console.public_url)
        DoorMetrics(registry, self.door)

    def context(self, write: Callable[[Notification], None] | None) -> ChannelContext:
        """Return what the channels need. write: what console channels write with; the log where None."""
        core = self._core
        return ChannelContext(
            broker=own_broker(core.settings),
            write=write,
            now_us=core.clock.time_us,
            link_of=self._links.url,
            callback_of=self._callback_of,
            incident_of=core.shard.incidents.get,
            subscribed=core.shard.alerting.subscriptions.of,
            unsubscribe=self._unsubscribe,
            on_receipt=self._received,
            on_reply=self._replied,
            data_dir=core.settings.data_dir,
        )

    def app(self) -> ASGIApp:
        """Return the console."""
        settings = self._core.settings
        pushes = any(isinstance(section, PushSettings) for section in settings.channels.values())
        return console_app(
            self._desk,
            settings.console,
            self._metrics,
            self._inbox,
            channels=settings.channels,
            push_key=vapid_public_key(settings.data_dir) if pushes else "",
            further=[*self.door.routes(), *self._cap.routes()],
        )

    def _sites(self) -> frozenset[str]:
        """Return the sites of the registry, looked for anew when it has changed."""
        registry = self._core.shard.registry
        if self._sites_known[0] != registry.version:
            self._sites_known = registry.version, frozenset(device.site for _, device in registry.devices())
        return self._sites_known[1]

    def _callback_of(self, channel: str) -> str:
        console = self._core.settings.console
        secret = console.inbound_secrets.get(channel)
        if secret is None or not console.public_url:
            return ""
        return f"{console.public_url}/inbound/{channel}/receipts/{secret.get_secret_value()}"

    async def _unsubscribe(self, endpoint: str) -> None:
        await self._core.source.command(Unsubscribe(endpoint=endpoint, origin="push"))

    async def _received(self, receipt: Receipt) -> None:
        """Take a receipt; it may come before the journal has what it is of, and nobody waits for that."""
        task = asyncio.create_task(self._inbox.receipts([receipt]))
        self._taking.add(task)
        task.add_done_callback(self._taking.discard)

    async def _replied(self, reply: Reply) -> None:
        await self._inbox.reply(reply, Way.SMS)


def _link_keys(path: Path) -> tuple[bytes, ...]:
    try:
        return load_or_make_keys(path)
    except (ValueError, OSError) as error:
        raise SettingsFaults([f"{path}: {error}"]) from error
