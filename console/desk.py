"""`Desk`: what the console needs of the service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from alerts.answer import Links
    from alerts.command import Command
    from alerts.contact_tests import ContactTests
    from alerts.incident import AlertEvent
    from alerts.incidents import Incidents
    from alerts.noise.noise import Noise
    from alerts.outbox import Outbox
    from alerts.people.model import Directory
    from alerts.response.response import Response

__all__ = ["Desk"]


class Desk(Protocol):
    """The service as the console sees it. What it shows is the fold's own state: it is read and never changed."""

    @property
    def now_us(self) -> int:
        """Journal time, µs since the epoch."""

    @property
    def incidents(self) -> Incidents:
        """The incidents at hand."""

    @property
    def response(self) -> Response:
        """Who was asked."""

    @property
    def outbox(self) -> Outbox:
        """What is owed and in hand."""

    @property
    def noise(self) -> Noise:
        """What is told together, and what is silenced."""

    @property
    def contact_tests(self) -> ContactTests:
        """The tests of the ways to people."""

    @property
    def directory(self) -> Directory:
        """The people."""

    @property
    def links(self) -> Links:
        """What signs and reads the links of messages."""

    async def submit(self, command: Command) -> str:
        """Put a command into the journal and fold it.

        Returns the id of what it made or changed: of the incident, of the silence, of the drill's incident; "" where
        there is none. Raises CommandRejected, with nothing changed.
        """

    async def timeline(self, incident: str) -> list[AlertEvent]:
        """Return what is known of an incident's timeline, oldest first, from the archive where that answers."""
