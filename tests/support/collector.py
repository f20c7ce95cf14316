"""A collector of traces outside Vigil: it takes OTLP by HTTP and keeps each span as it was told."""

from __future__ import annotations

import asyncio
import gzip
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from opentelemetry.proto.common.v1.common_pb2 import KeyValue

__all__ = ["ToldSpan", "TraceCollector"]


@dataclass(frozen=True, slots=True)
class ToldSpan:
    """One span as it came. trace, id, parent: hexadecimal, parent "" for none; times in µs since the epoch."""

    name: str
    trace: str
    id: str
    parent: str
    start_us: int
    end_us: int
    failed: bool
    attributes: dict[str, str]
    service: dict[str, str]


@dataclass(slots=True)
class TraceCollector:
    """An OTLP/HTTP receiver on 127.0.0.1. hangs: it takes a request and never answers it."""

    port: int = 0
    status: int = 200
    hangs: bool = False
    spans: list[ToldSpan] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    requests: int = 0
    _runner: web.AppRunner | None = None
    _ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=1 << 26)
        app.router.add_post("/v1/traces", self._take)
        self._runner = web.AppRunner(app, handle_signals=False, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._ended.set()
        assert self._runner is not None
        await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        self.requests += 1
        if self.hangs:
            await self._ended.wait()
        body = await request.read()
        if request.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        if self.status == 200:
            self.spans += _spans(ExportTraceServiceRequest.FromString(body))
        return web.Response(status=self.status)

    async def wait_for(self, enough: Callable[[list[ToldSpan]], bool], *, deadline_s: float = 15) -> list[ToldSpan]:
        """Wait until what came is `enough`; return it. Raises AssertionError with the names of what came."""
        try:
            async with asyncio.timeout(deadline_s):
                while not enough(self.spans):
                    await asyncio.sleep(0.01)
        except TimeoutError:
            raise AssertionError(f"only these spans came: {sorted(span.name for span in self.spans)}") from None
        return self.spans


def _spans(told: ExportTraceServiceRequest) -> Iterable[ToldSpan]:
    for resource in told.resource_spans:
        service = _facts(resource.resource.attributes)
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield ToldSpan(
                    span.name,
                    span.trace_id.hex(),
                    span.span_id.hex(),
                    span.parent_span_id.hex(),
                    span.start_time_unix_nano // 1000,
                    span.end_time_unix_nano // 1000,
                    span.status.code == span.status.STATUS_CODE_ERROR,
                    _facts(span.attributes),
                    service,
                )


def _facts(attributes: Iterable[KeyValue]) -> dict[str, str]:
    return {one.key: str(getattr(one.value, one.value.WhichOneof("value") or "")) for one in attributes}
