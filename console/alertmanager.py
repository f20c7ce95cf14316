"""Alerts of Prometheus and of an Alertmanager, taken in: to Prometheus, Vigil is one more Alertmanager.

    POST /api/v2/alerts        what Prometheus sends to every alertmanager of its configuration
    GET  /api/v2/status        what amtool asks first; GET /-/healthy and /-/ready: what supervisors ask
    POST /hooks/alertmanager   the webhook (version 4) of an Alertmanager

An alert that cannot be read does not keep the others of its request from being taken: the answer is 400, as an
Alertmanager's is. Where there are too many it is 503, and the sender says them again.
"""

from __future__ import annotations

import asyncio
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import msgspec
import structlog
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from alerts.foreign import ForeignAlerts, ForeignLimits
from alerts.lifecycle import CommandRejected
from alerts.prometheus import PrometheusAlert
from console.settings import May

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from prometheus_client import CollectorRegistry
    from prometheus_client.core import Metric
    from starlette.requests import Request

    from alerts.command import External
    from console.desk import Desk
    from console.tokens import Tokens

__all__ = ["AlertmanagerDoor", "DoorMetrics", "PrometheusSection"]

PROMETHEUS: Final = "prometheus"
ALERTMANAGER: Final = "alertmanager"
BODY_BYTES: Final = 4 * 1024 * 1024
"""Prometheus sends up to 64 alerts at once, with as many labels and annotations as their rules have."""
ALERTS: Final = 1_000
"""In one request."""
LOOK_S: Final = 5.0
"""How often what is not said again is looked for."""
_log = structlog.get_logger()


class PrometheusSection(BaseModel):
    """What is taken from Prometheus and Alertmanagers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    alerts: int = Field(1_000, ge=1, le=100_000, description="open alerts of other systems, at most")
    watchdog_s: float = Field(600.0, gt=0, description="silence of a watchdog alert that is an alarm")
    expects_watchdog: bool = Field(False, description="a watchdog is to be heard from the start on")

    def limits(self) -> ForeignLimits:
        """Return it as alerting knows it."""
        return ForeignLimits(alerts=self.alerts, watchdog_s=self.watchdog_s, expects_watchdog=self.expects_watchdog)


class _Webhook(msgspec.Struct, rename="camel"):
    """The body of an Alertmanager's webhook; further members are ignored."""

    alerts: list[PrometheusAlert]
    version: str = "4"
    truncated_alerts: int = 0


class AlertmanagerDoor:
    """Where other systems' alerts come in.

    tokens: who may send them: bearers that may ADMIN
    sites:  the ones there are; an alert's label `site` counts where it names one
    """

    def __init__(
        self,
        desk: Desk,
        tokens: Tokens,
        limits: ForeignLimits | None = None,
        sites: Callable[[], frozenset[str]] = frozenset,
    ) -> None:
        self._desk = desk
        self._tokens = tokens
        self._sites = sites
        self._started = time.monotonic()
        self.alerts = ForeignAlerts(
            limits or ForeignLimits(), desk.incidents.open(), frozenset({PROMETHEUS}), desk.now_us
        )
        self.truncated = 0
        """Alerts that an Alertmanager has left out of its webhooks."""
        self.rejected = 0
        """Alerts that the fold has refused."""

    def routes(self) -> list[Route]:
        """Return the addresses."""
        return [
            Route("/api/v2/alerts", self.take_alerts, methods=["POST"]),
            Route("/api/v2/status", self.show_status),
            Route("/hooks/alertmanager", self.take_webhook, methods=["POST"]),
            Route("/-/healthy", self.is_well),
            Route("/-/ready", self.is_well),
        ]

    async def run(self) -> None:
        """Look for what is not said again, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            await self._submit(self.alerts.advance(self._desk.now_us))

    # ── addresses ────────────────────────────────────────────────────────────────────────────────────────────────

    async def take_alerts(self, request: Request) -> Response:
        """Take the alerts of a Prometheus."""
        if (refusal := self._refusal(request)) is not None:
            return refusal
        try:
            alerts = msgspec.json.decode(await _body(request), type=list[PrometheusAlert])
        except (ValueError, RecursionError) as error:  # msgspec's are among them
            return _fault(HTTPStatus.BAD_REQUEST, str(error))
        return await self._take(alerts, PROMETHEUS)

    async def take_webhook(self, request: Request) -> Response:
        """Take what an Alertmanager sends to a receiver of its configuration."""
        if (refusal := self._refusal(request)) is not None:
            return refusal
        try:
            webhook = msgspec.json.decode(await _body(request), type=_Webhook)
        except (ValueError, RecursionError) as error:
            return _fault(HTTPStatus.BAD_REQUEST, str(error))
        if webhook.truncated_alerts:
            self.truncated += webhook.truncated_alerts
            _log.warning("console.alerts_truncated", by=ALERTMANAGER, alerts=webhook.truncated_alerts)
        return await self._take(webhook.alerts, ALERTMANAGER)

    async def show_status(self, request: Request) -> Response:
        """Say what amtool and Prometheus' pages ask an Alertmanager."""
        if (refusal := self._refusal(request)) is not None:
            return refusal
        unknown = dict.fromkeys(("branch", "buildDate", "buildUser", "goVersion", "revision"), "")
        return _json(
            {
                "cluster": {"name": "", "status": "disabled", "peers": []},
                "versionInfo": {**unknown, "version": "vigil"},
                "config": {"original": ""},
                "uptime": _rfc3339(self._desk.now_us / 1e6 - (time.monotonic() - self._started)),
            }
        )

    async def is_well(self, _: Request) -> Response:
        """Say that alerts are taken."""
        return PlainTextResponse("OK")

    # ── how it is done ───────────────────────────────────────────────────────────────────────────────────────────

    def _refusal(self, request: Request) -> Response | None:
        bearer = self._tokens.bearer(request.headers.get("authorization", ""))
        if bearer is None:
            return _fault(HTTPStatus.UNAUTHORIZED, "wanted Authorization: Bearer and a token of the settings")
        if May.ADMIN not in bearer.may:
            return _fault(HTTPStatus.FORBIDDEN, f"{bearer.name} may not send alerts")
        return None

    async def _take(self, alerts: Sequence[PrometheusAlert], source: str) -> Response:
        if len(alerts) > ALERTS:
            return _fault(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"wanted {ALERTS} alerts or fewer")
        taken = self.alerts.take(alerts, source, self._desk.now_us, self._sites())
        refused = taken.refused + await self._submit(taken.commands)
        if refused:
            _log.error("console.alerts_refused", source=source, refused=refused, held=len(self.alerts))
            return _fault(HTTPStatus.SERVICE_UNAVAILABLE, f"{refused} alerts refused: too many are open")
        if taken.faults:
            return _fault(HTTPStatus.BAD_REQUEST, "; ".join(taken.faults[:10]))
        return Response(status_code=HTTPStatus.OK)

    async def _submit(self, commands: Sequence[External]) -> int:
        """Put commands into the journal, all at once; return how many the fold refused."""
        refused = 0
        for command, outcome in zip(
            commands,
            await asyncio.gather(*(self._desk.submit(one) for one in commands), return_exceptions=True),
            strict=True,
        ):
            if isinstance(outcome, CommandRejected):
                self.alerts.forget(command)
                refused += 1
            elif isinstance(outcome, BaseException):
                raise outcome
        self.rejected += refused
        return refused


class DoorMetrics(Collector):
    """Shows what came in, on `registry`."""

    def __init__(self, registry: CollectorRegistry, door: AlertmanagerDoor) -> None:
        self._door = door
        registry.register(self)

    def collect(self) -> Iterator[Metric]:
        """Yield every metric family."""
        heard = CounterMetricFamily(
            "vigil_console_external_alerts", "Alerts that other systems sent, by what became of them.", labels=["heard"]
        )
        for what, count in self._door.alerts.heard.items():
            heard.add_metric([what], count)
        yield heard
        yield CounterMetricFamily(
            "vigil_console_external_rejected", "Alerts of other systems that the fold refused.", self._door.rejected
        )
        yield CounterMetricFamily(
            "vigil_console_external_truncated", "Alerts that Alertmanagers left out.", self._door.truncated
        )
        yield GaugeMetricFamily(
            "vigil_console_external_open", "Alerts of other systems that hold.", len(self._door.alerts)
        )


async def _body(request: Request) -> bytes:
    """Return the body. Raises ValueError where it is longer than `BODY_BYTES`."""
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > BODY_BYTES:
            raise ValueError(f"wanted {BODY_BYTES} bytes or fewer")
        parts.append(part)
    return b"".join(parts)


def _rfc3339(at_s: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at_s))


def _json(content: Any, status: int = HTTPStatus.OK) -> Response:
    return Response(msgspec.json.encode(content), status, media_type="application/json")


def _fault(status: int, said: str) -> Response:
    return _json({"code": status, "message": said}, status)
