"""Heartbeat: an address outside that expects to be asked for every few minutes, and tells people when it is not.

It beats with Vigil's own alarm through the whole path (`service.synthetic`): when any part of the path stands still, or
Vigil is dead, the beat is missed, and nothing of Vigil is needed for that to be noticed. healthchecks.io, Uptime Kuma,
Dead Man's Snitch and the like keep such addresses.
"""

from __future__ import annotations

import ssl
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, FilePath, SecretStr

from alerts.channels.channel import Handed
from alerts.channels.http import HttpGateway
from alerts.incident import Exercise
from devices.model import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alerts.incident import Incident
    from alerts.notification import Notification

__all__ = ["Beat", "HeartbeatChannel", "HeartbeatSettings", "beat_of", "make_heartbeat"]

LOST: Final = "service.synthetic-lost"
"""The rule that says that the path is broken."""


class HeartbeatSettings(BaseModel):
    """An address that expects a beat.

    url:     of the check; it is a secret
    success: added to it for a beat; failure: added to it to say that the path is broken, "" to say nothing then
    headers: sent with each; the place for a token
    ca_file: PEM certificates to trust in place of the machine's
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: Literal["heartbeat"]
    url: SecretStr
    method: Literal["GET", "POST"] = "GET"
    success: str = Field("", max_length=200)
    failure: str = Field("", max_length=200)
    headers: dict[str, SecretStr] = {}
    ca_file: FilePath | None = None


class Beat(StrEnum):
    """What a notification is to the far end."""

    SUCCESS = "success"
    FAILURE = "failure"
    NOTHING = "nothing"
    """It is about a danger, which is none of its business."""


def beat_of(incident: Incident) -> Beat:
    """Return what a message about `incident` is to a heartbeat."""
    is_open = incident.state.is_open
    if incident.exercise is Exercise.SYNTHETIC:
        return Beat.SUCCESS if is_open else Beat.NOTHING
    if incident.kind is Kind.SERVICE and incident.rule_id == LOST and is_open:
        return Beat.FAILURE
    return Beat.NOTHING


class HeartbeatChannel:
    """Asks for one address. What is no beat counts as taken, so that nobody waits for it."""

    idempotent = True
    at_once = 2

    def __init__(self, url: str, method: str, gateway: HttpGateway, *, success: str = "", failure: str = "") -> None:
        self._method = method
        self._gateway = gateway
        self._urls: Mapping[Beat, str] = {
            Beat.SUCCESS: url + success,
            Beat.FAILURE: url + failure if failure else "",
            Beat.NOTHING: "",
        }

    async def send(self, notification: Notification) -> Handed:
        """Beat. Raises DeliveryError where the far end does not answer, or with no 2xx."""
        beat = beat_of(notification.incident)
        url = self._urls[beat]
        if not url:
            return Handed("no beat", received=True)
        answer = await self._gateway.request(self._method, url)
        if not answer.is_success:
            raise self._gateway.refusal(answer)
        return Handed(f"{beat}: {answer.said}", received=True)

    async def close(self) -> None:
        """Close the connections."""
        await self._gateway.close()


def make_heartbeat(settings: HeartbeatSettings) -> HeartbeatChannel:
    """Return the channel that the settings describe."""
    verify = ssl.create_default_context(cafile=settings.ca_file) if settings.ca_file else None
    headers = {name: value.get_secret_value() for name, value in settings.headers.items()}
    return HeartbeatChannel(
        settings.url.get_secret_value(),
        settings.method,
        HttpGateway(idempotent=True, headers=headers, verify=verify),
        success=settings.success,
        failure=settings.failure,
    )
