"""`Collector`: sends spans to an OpenTelemetry collector, on a thread of its own. The only module that imports it.

Whatever becomes of the collector, `send` returns at once. What waits is bounded: beyond that a span is dropped and
counted. What the collector does not take within its time is dropped and counted as well; it is told to a log once, when
that begins, and once when it is over.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Final

import structlog
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import NonRecordingSpan, SpanContext, Status, StatusCode, TraceFlags

from service.tracing.counters import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.sdk.trace import ReadableSpan

    from service.tracing.counters import TracingCounters
    from service.tracing.settings import TracingSection
    from service.tracing.span import Span

__all__ = ["Collector"]

BATCH: Final = 256
"""Spans in one request, at most."""
EVERY_MS: Final = 1000
"""What does not fill a request waits for others so long."""
NS: Final = 1000

_log = structlog.get_logger()


class Collector:
    """The way to one collector; it is open from the start until `close`.

    instance: which of several services of one installation this is
    """

    def __init__(self, section: TracingSection, instance: str, counters: TracingCounters) -> None:
        _silence()
        self._counters = counters
        self._queue = section.queue
        self._exporter = _CountedExporter(
            OTLPSpanExporter(
                endpoint=section.endpoint,
                headers={name: value.get_secret_value() for name, value in section.headers.items()},
                timeout=section.timeout_s,
            ),
            counters,
        )
        # One more than we ever let wait, so that what is dropped is dropped here, and counted.
        self._processor = BatchSpanProcessor(
            self._exporter,
            max_queue_size=section.queue + 1,
            schedule_delay_millis=EVERY_MS,
            max_export_batch_size=BATCH,
        )
        self._ids = _GivenIds()
        provider = TracerProvider(
            sampler=ALWAYS_ON,  # what comes here is sampled already
            resource=Resource(
                {"service.name": "vigil", "service.version": _version(), "service.instance.id": instance}
            ),
            shutdown_on_exit=False,
            id_generator=self._ids,
            span_limits=SpanLimits(),
        )
        provider.add_span_processor(self._processor)
        self._tracer = provider.get_tracer("vigil")

    def send(self, span: Span) -> None:
        """Hand a span over to be sent; one that finds no room is dropped, and counted. Never waits."""
        if self._counters.waiting >= self._queue:
            self._counters.ended[Outcome.DROPPED] += 1
            return
        self._counters.handed += 1
        self._ids.trace_id, self._ids.span_id = int(span.trace_id, 16), int(span.id, 16)
        parent = trace.INVALID_SPAN
        if span.parent:
            flags = TraceFlags(TraceFlags.SAMPLED)
            parent = NonRecordingSpan(
                SpanContext(self._ids.trace_id, int(span.parent, 16), is_remote=False, trace_flags=flags)
            )
        made = self._tracer.start_span(
            span.name,
            trace.set_span_in_context(parent),
            attributes=dict(span.attributes),
            start_time=span.start_us * NS,
        )
        if span.failed:
            made.set_status(Status(StatusCode.ERROR))
        made.end(span.end_us * NS)

    async def close(self, grace_s: float) -> None:
        """Send what waits, but for no longer than `grace_s`, s; the rest is dropped, and counted."""
        sent = threading.Thread(target=self._processor.shutdown, name="traces end", daemon=True)
        sent.start()
        loop = asyncio.get_running_loop()
        until = loop.time() + grace_s
        while sent.is_alive() and loop.time() < until:  # noqa: ASYNC110 - it is asked once a stop
            await asyncio.sleep(0.01)
        if sent.is_alive():
            self._exporter.give_up()
        left = self._counters.waiting
        if left:
            _log.warning("tracing.not_sent", spans=left)


class _GivenIds(IdGenerator):
    """Gives each span the ids that it has already."""

    def __init__(self) -> None:
        self.trace_id = self.span_id = 0

    def generate_span_id(self) -> int:
        return self.span_id

    def generate_trace_id(self) -> int:
        return self.trace_id


class _CountedExporter(SpanExporter):
    """Counts what `exporter` sends and what it cannot, and tells when that changes. Called by one thread."""

    def __init__(self, exporter: SpanExporter, counters: TracingCounters) -> None:
        self._exporter = exporter
        self._counters = counters
        self._given_up = False
        self._away = False

    def give_up(self) -> None:
        """Send nothing more, and wait no more for what is tried again."""
        self._given_up = True
        self._exporter.shutdown()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send `spans`; where that fails, or raises, they are lost and counted."""
        self._counters.taken += len(spans)
        sent = False
        try:
            if not self._given_up:
                sent = self._exporter.export(spans) is SpanExportResult.SUCCESS
        finally:
            self._counters.ended[Outcome.SENT if sent else Outcome.FAILED] += len(spans)
            if sent is self._away and not self._given_up:
                self._away = not sent
                _log.info("tracing.collector_back") if sent else _log.warning("tracing.collector_away")
        return SpanExportResult.SUCCESS if sent else SpanExportResult.FAILURE

    def shutdown(self) -> None:
        """End the exporter, once."""
        if not self._given_up:
            self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Nothing waits here."""
        return self._exporter.force_flush(timeout_millis)


def _silence() -> None:
    """Keep OpenTelemetry from writing a line for each batch that is lost: it is counted, and told once."""
    logger = logging.getLogger("opentelemetry")
    logger.propagate = False
    logger.addHandler(logging.NullHandler())


def _version() -> str:
    try:
        return version("vigil-monitor")
    except PackageNotFoundError:
        return "unknown"
