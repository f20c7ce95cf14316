"""The console's desk: the running service as the console sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alerts import EndSilence, IncidentEvent, Silence
from alerts.people.model import Directory

if TYPE_CHECKING:
    from alerts.alerting import Alerting
    from alerts.answer import Links
    from alerts.command import Command
    from alerts.contact_tests import ContactTests
    from alerts.incident import AlertEvent
    from alerts.incidents import Incidents
    from alerts.noise.noise import Noise
    from alerts.outbox import Outbox
    from alerts.response.response import Response
    from service.core import Core

__all__ = ["ServiceDesk"]

_NOBODY = Directory()


class ServiceDesk:
    """Implements `console.desk.Desk` on a core.

    links: what signs and reads the links of messages
    """

    def __init__(self, core: Core, links: Links) -> None:
        self._core = core
        self._links = links

    @property
    def _alerting(self) -> Alerting:
        return self._core.shard.alerting

    @property
    def now_us(self) -> int:
        """The service's time, µs since the epoch."""
        return self._core.clock.time_us()

    @property
    def incidents(self) -> Incidents:
        """The incidents at hand."""
        return self._alerting.incidents

    @property
    def response(self) -> Response:
        """Who was asked."""
        return self._alerting.response

    @property
    def outbox(self) -> Outbox:
        """What is owed and in hand."""
        return self._alerting.outbox

    @property
    def noise(self) -> Noise:
        """What is told together, and what is silenced."""
        return self._alerting.noise

    @property
    def contact_tests(self) -> ContactTests:
        """The tests of the ways to people."""
        return self._alerting.contact_tests

    @property
    def directory(self) -> Directory:
        """The people."""
        return self._alerting.directory or _NOBODY

    @property
    def links(self) -> Links:
        """What signs and reads the links of messages."""
        return self._links

    async def submit(self, command: Command) -> str:
        """Put a command into the journal and fold it.

        Returns the id of what it made or changed: of the incident or of the silence; "" where there is none. Raises
        CommandRejected, with nothing changed.
        """
        effects = await self._core.source.command(command)
        if effects.rejected is not None:
            raise effects.rejected
        if isinstance(command, Silence | EndSilence):
            return effects.made
        return next((event.incident.id for event in effects.events if isinstance(event, IncidentEvent)), "")

    async def timeline(self, incident: str) -> list[AlertEvent]:
        """Return what is at hand of an incident's timeline, oldest first; the archive has the rest."""
        return list(self._alerting.recent.of(incident))
