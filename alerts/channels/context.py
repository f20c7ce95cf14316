"""`ChannelContext`: what the service gives to the channels that it makes; tests give less."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from pathlib import Path

    from alerts.channels.channel import Channel
    from alerts.channels.inbound import Receipt, Reply
    from alerts.channels.mqtt import Broker
    from alerts.incident import Incident
    from alerts.notification import Notification
    from alerts.subscriptions import Subscription

__all__ = ["ChannelContext"]


def _time_us() -> int:
    return time.time_ns() // 1000


def _nowhere(_: Notification | Incident | str) -> str:
    return ""


def _nobody(_: str) -> Sequence[Subscription]:
    return ()


def _unknown(_: str) -> Incident | None:
    return None


async def _nothing(_: str) -> None:
    """Nobody keeps subscriptions."""


async def _unheard(_: object) -> None:
    """Nobody listens to what comes back."""


@dataclass(frozen=True, slots=True)
class ChannelContext:
    """What a channel may need beyond its own settings.

    members:     the channels made so far, for those that stand before others
    broker:      the service's own, for MQTT channels that name none
    write:       what a console channel writes with; the log where None
    now_us:      µs since the epoch; steady: s of a clock that never steps
    link_of:     the one-tap link of a message, "" where it has none
    page_of:     where a person may look at an incident, "" for nowhere
    callback_of: the URL at which the gateway of the channel of that name reaches Vigil, "" for none
    incident_of: an incident by its id as it is now, None where it is not known any more
    subscribed:  a person's browsers; unsubscribe: called with the endpoint of a browser that takes no more
    on_receipt, on_reply: called by channels that hear by themselves of receipts and of people's replies
    data_dir:    where the key is kept that names this service to push services; None where there is none to be
    """

    members: Mapping[str, Channel] = field(default_factory=dict)
    broker: Broker | None = None
    write: Callable[[Notification], None] | None = None
    now_us: Callable[[], int] = _time_us
    steady: Callable[[], float] = time.monotonic
    link_of: Callable[[Notification], str] = _nowhere
    page_of: Callable[[Incident], str] = _nowhere
    callback_of: Callable[[str], str] = _nowhere
    incident_of: Callable[[str], Incident | None] = _unknown
    subscribed: Callable[[str], Sequence[Subscription]] = _nobody
    unsubscribe: Callable[[str], Awaitable[None]] = _nothing
    on_receipt: Callable[[Receipt], Awaitable[None]] = _unheard
    on_reply: Callable[[Reply], Awaitable[None]] = _unheard
    data_dir: Path | None = None
