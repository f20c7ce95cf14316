"""`Tracing`: hears what the fold and delivery say has happened, and hands it on as spans.

To hear is to take a note; spans, which cost tens of µs each, are made of the notes a few at a time, when people have
been told.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

from alerts.delivery import Attempt
from alerts.incident import IncidentEvent, NotificationEvent
from alerts.notification import Purpose
from alerts.response_event import ResponseEvent
from service.tracing.counters import Outcome, TracingCounters, TracingMetrics
from service.tracing.story import Owed, Taken, is_traced, of_attempt, of_incident, of_notification, of_response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from prometheus_client import CollectorRegistry

    from alerts.incident import AlertEvent, Incident
    from ingest import Block
    from service.core import Core
    from service.shard import Effects
    from service.tracing.collector import Collector
    from service.tracing.settings import TracingSection
    from service.tracing.span import Span

__all__ = ["Tracing", "make_tracing"]

GRACE_S: Final = 2.0
"""How long a stop waits for the collector."""
AT_ONCE: Final = 16
"""Notes that are made into spans before others have their turn: about 3 ms."""
REST_S: Final = 0.01


@dataclass(frozen=True, slots=True)
class _Note:
    """What was said, and what was known then of the block that it followed from."""

    said: AlertEvent | Attempt
    taken: Taken | None = None
    folded_us: int = 0


class Tracing:
    """Traces the incidents of one core. Its methods are called in the service's thread, and never wait."""

    def __init__(self, core: Core, section: TracingSection, collector: Collector, counters: TracingCounters) -> None:
        self._core = core
        self._sample = section.sample
        self._queue = section.queue
        self._collector = collector
        self._counters = counters
        self._taken: Taken | None = None
        self._notes: deque[_Note] = deque()
        self._noted = asyncio.Event()

    def noting(self, acknowledge: Callable[[Block], None]) -> Callable[[Block], None]:
        """Return `acknowledge`, which is called when a block is in the journal, so that we know when that was.

        The block is folded, and `hear` called, before anything else is committed.
        """

        def noted(block: Block) -> None:
            acknowledge(block)
            self._taken = Taken(block.batch.arrival_us, self._core.clock.time_us())

        return noted

    def hear(self, effects: list[Effects]) -> None:
        """Take note of what followed from a group of records."""
        taken, self._taken = self._taken, None
        if any(effect.events for effect in effects):
            folded_us = self._core.clock.time_us()
            for effect in effects:
                for event in effect.events:
                    self._note(_Note(event, taken, folded_us))

    def attempted(self, attempt: Attempt) -> None:
        """Take note of one try of a delivery."""
        self._note(_Note(attempt))

    async def run(self) -> None:
        """Make spans of what is noted, until cancelled; `close` does the rest."""
        while True:
            await self._noted.wait()
            for _ in islice(self._spans_sent(), AT_ONCE):
                pass
            if not self._notes:
                self._noted.clear()
            await asyncio.sleep(REST_S)

    async def close(self) -> None:
        """Send what is noted and what waits, but not for long."""
        for _ in self._spans_sent():
            pass
        await self._collector.close(GRACE_S)

    def _note(self, note: _Note) -> None:
        if len(self._notes) >= self._queue:
            self._counters.ended[Outcome.DROPPED] += 1
            return
        self._notes.append(note)
        self._noted.set()

    def _spans_sent(self) -> Iterator[None]:
        """Hand the spans of one note after the other to the collector."""
        while self._notes:
            note = self._notes.popleft()
            for span in self._spans_of(note):
                self._collector.send(span)
            yield

    def _spans_of(self, note: _Note) -> Iterable[Span]:
        match note.said:
            case IncidentEvent(incident=incident) if is_traced(incident, self._sample):
                return of_incident(note.said, note.taken, note.folded_us)
            case ResponseEvent() as event if (asked := self._traced(event.incident)) is not None:
                return of_response(event, asked)
            case NotificationEvent() as event:
                return self._of_notification(event)
            case Attempt(notification=message) as attempt:
                if message.purpose is not Purpose.TEST and is_traced(message.incident, self._sample):
                    return (of_attempt(attempt),)
            case _:
                pass
        return ()

    def _of_notification(self, event: NotificationEvent) -> Iterable[Span]:
        incident, owed = self._traced(event.incident), self._owed(event.notification)
        if incident is None or owed is None or owed.purpose is Purpose.TEST:
            return ()
        return (of_notification(event, owed, incident),)

    def _traced(self, name: str) -> Incident | None:
        """Return the incident where it is known still, and traced."""
        incident = self._core.shard.incidents.get(name)
        return incident if incident is not None and is_traced(incident, self._sample) else None

    def _owed(self, name: str) -> Owed | None:
        outbox = self._core.shard.outbox
        if (done := outbox.done(name)) is not None:
            return Owed(done.purpose, done.created_us, done.handed_us)
        message = outbox.get(name)
        return None if message is None else Owed(message.purpose, message.created_us)


def make_tracing(core: Core, registry: CollectorRegistry) -> Tracing | None:
    """Return what traces the incidents of `core`, and show it on `registry`; None where the settings ask for none."""
    section = core.settings.tracing
    if section is None:
        return None
    from service.tracing.collector import Collector  # noqa: PLC0415 - OpenTelemetry is imported where it is wanted

    counters = TracingCounters()
    TracingMetrics(registry, counters)
    return Tracing(core, section, Collector(section, core.settings.broker.client_id, counters), counters)
