"""Prometheus Alertmanager: an incident as an alert of its API v2, told again for as long as it is open.

An Alertmanager keeps its alerts in memory, and a group of them does not share alerts, so every one is told, and told
again every `refresh_s`, as Prometheus does it. One that takes it is enough: the others get it with the next refresh.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import msgspec
import structlog
from pydantic import BaseModel, ConfigDict, Field, FilePath, HttpUrl, SecretStr

from alerts.channels.channel import DeliveryError, Handed
from alerts.prometheus import posted
from alerts.text import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from alerts.channels.http import HttpGateway
    from alerts.incident import EventKind, Incident
    from alerts.notification import Notification

__all__ = ["AlertmanagerChannel", "AlertmanagerSettings"]

OPEN_KEPT: Final = 10_000
"""Open incidents that are told again; with one more, the oldest is left to its `hold_s`."""
BATCH: Final = 256
LABEL: Final = r"^[a-zA-Z_][a-zA-Z0-9_]*$"
_log = structlog.get_logger()


class AlertmanagerSettings(BaseModel):
    """Alertmanagers of one group.

    urls:      of each, without `/api/v2/alerts`
    headers:   sent with each POST; the place for a token
    ca_file:   PEM certificates to trust in place of the machine's
    labels:    further labels of every alert
    refresh_s: how often open alerts are told again, s
    hold_s:    an alert that is not told again ends after so long, s: longer than any outage of Vigil should last
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: Literal["alertmanager"]
    urls: tuple[HttpUrl, ...] = Field(min_length=1, max_length=16)
    headers: dict[str, SecretStr] = {}
    ca_file: FilePath | None = None
    labels: dict[Annotated[str, Field(pattern=LABEL)], str] = Field({}, max_length=16)
    refresh_s: float = Field(60.0, ge=1.0)
    hold_s: float = Field(86_400.0, ge=60.0)


@dataclass(frozen=True, slots=True)
class _Told:
    """What was last said of one incident."""

    kind: EventKind
    incident: Incident
    text: Text


class AlertmanagerChannel:
    """POSTs alerts to every Alertmanager of a group.

    incident_of: returns an incident as it is now, None where it is not known any more: what is told again is what is so
    page_of:     returns where a person may look at an incident, "" for nowhere
    """

    idempotent = True  # the same labels are the same alert
    at_once = 16

    def __init__(
        self,
        urls: Sequence[str],
        gateway: HttpGateway,
        incident_of: Callable[[str], Incident | None],
        *,
        labels: Mapping[str, str] | None = None,
        page_of: Callable[[Incident], str] = lambda _: "",
        refresh_s: float = 60.0,
        hold_s: float = 86_400.0,
        clock_us: Callable[[], int] = lambda: time.time_ns() // 1000,
    ) -> None:
        self._urls = tuple(f"{url.rstrip('/')}/api/v2/alerts" for url in urls)
        self._gateway = gateway
        self._incident_of = incident_of
        self._labels = dict(labels or {})
        self._page_of = page_of
        self._refresh_s = refresh_s
        self._hold_us = round(hold_s * 1e6)
        self._clock_us = clock_us
        self._open: dict[str, _Told] = {}  # oldest first
        self._refreshing: asyncio.Task[None] | None = None

    async def send(self, notification: Notification) -> Handed:
        """Tell all of them. Raises DeliveryError where none took it: to retry unless all refused for good."""
        if self._refreshing is None:
            self._refreshing = asyncio.create_task(self._refresh(), name="refresh alertmanagers")
        elif self._refreshing.done():
            self._refreshing.result()  # a bug there ends the service here
        # An old message that was long under way must not open again what has ended.
        incident = self._incident_of(notification.incident.id) or notification.incident
        told = _Told(notification.kind, incident, Text(notification.body_en, notification.body_zh))
        took = await self._tell([self._alert(told)])
        self._keep(told)
        return Handed(f"{took} of {len(self._urls)} Alertmanagers", received=True)

    async def close(self) -> None:
        """Stop telling again, and close the connections."""
        if self._refreshing is not None:
            self._refreshing.cancel()
            await asyncio.wait([self._refreshing])
        await self._gateway.close()

    def _keep(self, told: _Told) -> None:
        self._open.pop(told.incident.id, None)
        if told.incident.state.is_open:
            self._open[told.incident.id] = told
            while len(self._open) > OPEN_KEPT:
                del self._open[next(iter(self._open))]
                _log.warning("alerts.alertmanager_not_refreshed", kept=OPEN_KEPT)

    def _alert(self, told: _Told) -> dict[str, Any]:
        now_us = self._clock_us()
        incident = told.incident
        ended_us = now_us if incident.closed_us is None else min(incident.closed_us, now_us)
        ends_us = now_us + self._hold_us if incident.state.is_open else ended_us
        return posted(told.kind, incident, told.text, ends_us, self._labels, self._page_of(incident))

    async def _tell(self, alerts: Sequence[Mapping[str, Any]]) -> int:
        """Return how many took it, at least one; raises DeliveryError where none did."""
        body = msgspec.json.encode(alerts)
        outcomes = await asyncio.gather(*(self._post(url, body) for url in self._urls))
        refused = [outcome for outcome in outcomes if outcome is not None]
        if len(refused) < len(self._urls):
            return len(self._urls) - len(refused)
        again = [error for error in refused if error.retry]
        waits = [error.retry_after_s for error in again if error.retry_after_s is not None]
        reason = "; ".join(sorted({error.reason for error in again or refused}))
        raise DeliveryError(reason, retry=bool(again), retry_after_s=min(waits, default=None))

    async def _post(self, url: str, body: bytes) -> DeliveryError | None:
        try:
            await self._gateway.post(url, body, {"content-type": "application/json"})
        except DeliveryError as error:
            return error
        return None

    async def _refresh(self) -> None:
        """Tell again what is open, and that what is not open any more has ended, whether or not we were told."""
        while True:
            await asyncio.sleep(self._refresh_s)
            told = [self._now(one) for one in self._open.values()]
            for start in range(0, len(told), BATCH):
                batch = told[start : start + BATCH]
                try:
                    await self._tell([self._alert(one) for one in batch])
                except DeliveryError as error:
                    _log.warning("alerts.alertmanager_refresh_failed", reason=error.reason)
                    break
                for one in batch:
                    self._keep(one)

    def _now(self, told: _Told) -> _Told:
        """Return what is to be said of an incident now; what is forgotten has ended."""
        incident = self._incident_of(told.incident.id)
        if incident is None:
            ended = msgspec.structs.replace(
                told.incident, state=type(told.incident.state).CLEARED, closed_us=self._clock_us()
            )
            return _Told(told.kind, ended, told.text)
        return _Told(told.kind, incident, told.text)
