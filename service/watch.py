"""Vigil watches itself: what goes wrong in it is a reading of its own device, and an incident like any other."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from alerts.people.duty import gap_warnings

if TYPE_CHECKING:
    from collections.abc import Callable

    from service.core import Core

__all__ = ["Watch"]

EVERY_S = 5.0
UNTOLD_S = 60.0
GAPS_EVERY_S = 300.0
GAPS_AHEAD_S = 2 * 86_400.0
GAPS_SAID = 20

_log = structlog.get_logger()


@dataclass(slots=True)
class Watch:
    """What is looked at, and what was seen last.

    sheds, failures: totals that should not grow; each growth is an event
    oldest_page_us:  since when the oldest notification waits, µs since the epoch; None where none does
    archive_lag_s:   age of the oldest reading that the database does not have yet, s
    unreached:       people whom the last test of contacts did not reach
    """

    core: Core
    sheds: Callable[[], int]
    failures: Callable[[], int]
    oldest_page_us: Callable[[], int | None]
    archive_lag_s: Callable[[], float]
    unreached: Callable[[], int] = lambda: 0
    _lost: asyncio.Event = field(default_factory=asyncio.Event)
    _behind: bool = False
    _waits: bool = False
    _unreached: int | None = None
    _gapped: bool | None = None
    _gaps_looked_at: float = -GAPS_EVERY_S

    def session_lost(self) -> None:
        """Say that the broker forgot a session of ours, and perhaps a backlog with it."""
        self._lost.set()

    async def run(self) -> None:
        """Watch until cancelled."""
        sheds, failures = self.sheds(), self.failures()
        while True:
            try:
                async with asyncio.timeout(EVERY_S):
                    await self._lost.wait()
            except TimeoutError:
                pass
            if self._lost.is_set():
                self._lost.clear()
                await self.core.note("session_lost", 1)
            if self.sheds() > sheds:
                sheds = self.sheds()
                await self.core.note("telemetry_shed", 1)
            if self.failures() > failures:
                failures = self.failures()
                await self.core.note("delivery_failed", 1)
            await self._note_waiting()
            await self._note_lag()
            await self._note_unreached()
            await self._note_gaps()

    async def _note_waiting(self) -> None:
        """Note that somebody has not been told for a minute, once for as long as that is so."""
        since_us = self.oldest_page_us()
        waits = since_us is not None and self.core.clock.time_us() - since_us > UNTOLD_S * 1e6
        if waits and not self._waits:
            await self.core.note("delivery_failed", 1)
        self._waits = waits

    async def _note_unreached(self) -> None:
        """Note how many people a test did not reach, whenever that changes."""
        unreached = self.unreached()
        if unreached != self._unreached:
            await self.core.note("contact_unreached", float(unreached))
        self._unreached = unreached

    async def _note_gaps(self) -> None:
        """Note that there is a time ahead in which nobody could be asked, and that there is none any more."""
        if time.monotonic() - self._gaps_looked_at < GAPS_EVERY_S:
            return
        self._gaps_looked_at = time.monotonic()
        directory = self.core.shard.alerting.directory
        warnings = [] if directory is None else gap_warnings(directory, self.core.clock.time_us(), GAPS_AHEAD_S)
        if bool(warnings) != self._gapped:
            await self.core.note("duty_gap", float(bool(warnings)))
            for warning in warnings[:GAPS_SAID]:
                _log.warning("service.duty_gap", detail=warning.text_en, detail_zh=warning.text_zh)
        self._gapped = bool(warnings)

    async def _note_lag(self) -> None:
        """Note a lag for as long as there is one, and its end once."""
        lag_s = self.archive_lag_s()
        behind = lag_s > 2 * EVERY_S
        if behind or self._behind:
            await self.core.note("archive_behind", round(lag_s, 1))
        self._behind = behind
