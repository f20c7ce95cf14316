"""The console's doors on a real server of 127.0.0.1, with the incidents behind them and nothing else of the service."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx
from starlette.applications import Starlette

from alerts.incidents import IncidentLimits, Incidents
from console.settings import May, TokenSection
from console.tokens import Tokens
from service.http import bind_tcp, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from starlette.routing import Route

    from alerts.command import Command, External
    from alerts.incident import AlertEvent, IncidentEvent

__all__ = ["ADMIN", "READER", "StandInDesk", "bearer", "reached", "served", "tokens"]

ADMIN = "a secret of twenty letters".replace(" ", "-")
READER = "another-secret-of-twenty"
STRANGER = "sees-another-community-only"


def tokens() -> Tokens:
    """Return what two systems may do, and a third of another community."""
    return Tokens(
        [
            TokenSection(name="prometheus", secret=ADMIN, may=(May.READ, May.ADMIN)),
            TokenSection(name="district", secret=READER),
            TokenSection(name="elsewhere", secret=STRANGER, sites=("elsewhere",)),
        ]
    )


def bearer(secret: str) -> dict[str, str]:
    return {"authorization": f"Bearer {secret}"}


class StandInDesk:
    """Real incidents without journal or response; `at_us` is the time, the machine's where None."""

    def __init__(self, *, external_open: int = 1_000, at_us: int | None = None) -> None:
        self.at_us = at_us
        self.incidents = Incidents(IncidentLimits(external_open=external_open))
        self.commands: list[External] = []
        self.timelines: dict[str, list[IncidentEvent]] = {}

    @property
    def now_us(self) -> int:
        return time.time_ns() // 1000 if self.at_us is None else self.at_us

    async def submit(self, command: Command) -> str:
        self.commands.append(command)  # type: ignore[arg-type]
        events = self.incidents.apply_external(command, self.now_us, len(self.commands))  # type: ignore[arg-type]
        self.take(events)
        return events[-1].incident.id if events else ""

    def take(self, events: Sequence[IncidentEvent]) -> None:
        for event in events:
            self.timelines.setdefault(event.incident.id, []).append(event)

    async def timeline(self, incident: str) -> list[AlertEvent]:
        return list(self.timelines.get(incident, []))

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"a door asked the desk for {name}")


def reached(routes: list[Route]) -> httpx.AsyncClient:
    """Return a client of the addresses in this process."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(Starlette(routes=routes)), base_url="http://vigil")


@asynccontextmanager
async def served(routes: list[Route]) -> AsyncIterator[str]:
    """Serve the addresses on a free port, for programs outside; yield where."""
    listener = bind_tcp("127.0.0.1", 0)
    port = listener.getsockname()[1]
    async with serving(Starlette(routes=routes), listener):
        yield f"http://127.0.0.1:{port}"
