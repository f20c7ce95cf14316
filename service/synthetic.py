"""The synthetic alarm: every few minutes Vigil's own alarm goes the whole way of a real one.

broker ─► ingest ─► journal ─► rules ─► incident ─► outbox ─► channel ─► receipt ─► resolved as a test

What it raises is an exercise, told to nobody but recipients with `exercises = true`: a heartbeat, for one. Where it
does not come through in its time, that is a reading of our own device, and people are told. Where Vigil is dead and
tells nobody, the heartbeat outside is missed.
"""

from __future__ import annotations

import asyncio
import time
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import aiomqtt
import msgspec
import structlog
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from alerts import IncidentEvent, NotificationEvent, NotificationStatus, Outcome, Resolve
from devices import Device, Kind, Lifecycle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prometheus_client import CollectorRegistry
    from prometheus_client.core import Metric

    from alerts import AlertEvent, Incident
    from alerts.channels import Broker
    from service.core import Core
    from service.shard import Effects

__all__ = ["SYNTHETIC_DEVICE", "Stage", "Synthetic", "SyntheticMetrics"]

SYNTHETIC_DEVICE: Final = Device("vigil", "synthetic", Kind.SERVICE, "synthetic", lifecycle=Lifecycle.VERIFIED)
"""Who says the synthetic alarm; its profile makes what it raises an exercise."""
TOPIC: Final = f"vigil/v1/{SYNTHETIC_DEVICE.key}/alarm"
METRIC: Final = "synthetic"
LOST: Final = "synthetic_lost"
QOS: Final = 1
BY: Final = "vigil"
ORIGIN: Final = "synthetic"
_THROUGH: Final = frozenset({NotificationStatus.HANDED, NotificationStatus.RECEIVED, NotificationStatus.ANSWERED})
_log = structlog.get_logger()


class Stage(StrEnum):
    """How far a trial came; the value is where it stood still."""

    PUBLISH = "publish"
    """The broker has not taken the alarm."""
    RAISE = "raise"
    """No incident came of it: session, journal or rules."""
    HAND = "hand"
    """Nobody was told: outbox, delivery or channel."""
    THROUGH = "through"


class _Trial:
    """One alarm on its way."""

    def __init__(self) -> None:
        self.stage = Stage.PUBLISH
        self.raised = asyncio.Event()
        self.handed = asyncio.Event()
        self.owed: set[str] = set()


class Synthetic:
    """Sends the alarm, hears what comes of it, and says how that went.

    broker:     where devices publish; client_id: ours there, not that of a session
    every_s:    from one alarm to the next; limit_s: for the whole way, less than `every_s`
    is_told:    whether a recipient takes exercises; where none does, the way ends with the incident
    is_ready:   whether alarms can flow; the first one waits for it, but no longer than `limit_s`
    """

    def __init__(
        self,
        core: Core,
        broker: Broker,
        *,
        every_s: float = 300.0,
        limit_s: float = 30.0,
        is_told: bool = True,
        is_ready: Callable[[], bool] = lambda: True,
        client_id: str = "vigil-synthetic",
    ) -> None:
        self._core = core
        self._broker = broker
        self._every_s = every_s
        self._limit_s = limit_s
        self._is_told = is_told
        self._is_ready = is_ready
        self._client_id = client_id
        self._trial: _Trial | None = None
        self._open: dict[str, None] = {}
        self._is_lost: bool | None = None
        self._through_at: float | None = None
        self._began_at = time.monotonic()
        self.round_trip_s: float | None = None
        """Of the last alarm that came through, s."""
        self.trials: dict[Stage, int] = dict.fromkeys(Stage, 0)
        """Alarms sent, by how far they came."""

    @property
    def every_s(self) -> float:
        """Return s from one alarm to the next."""
        return self._every_s

    @property
    def age_s(self) -> float:
        """Return s since an alarm last came through; since the start where none has."""
        return time.monotonic() - (self._began_at if self._through_at is None else self._through_at)

    # ── what comes back ──────────────────────────────────────────────────────────────────────────────────────────

    def hear(self, effects: list[Effects]) -> None:
        """Take note of what followed from a group of records; a listener of the core."""
        for effect in effects:
            for event in effect.events:
                if isinstance(event, IncidentEvent) and event.incident.device == SYNTHETIC_DEVICE.key:
                    self._hear_of(event.incident)
            if self._trial is None:
                continue
            self._trial.owed.update(one.id for one in effect.owed if one.incident.id in self._open)
            if any(self._is_receipt(event, self._trial) for event in effect.events):
                self._trial.handed.set()

    def _hear_of(self, incident: Incident) -> None:
        if not incident.state.is_open:
            self._open.pop(incident.id, None)
            return
        self._open[incident.id] = None
        if self._trial is not None:
            self._trial.raised.set()

    @staticmethod
    def _is_receipt(event: AlertEvent, trial: _Trial) -> bool:
        return isinstance(event, NotificationEvent) and event.notification in trial.owed and event.status in _THROUGH

    # ── running ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def run(self) -> None:
        """Send until cancelled."""
        await self._begin()
        while True:
            started = time.monotonic()
            stage = await self._try()
            took_s = time.monotonic() - started
            await self._resolve()
            await self._note(stage, took_s)
            await asyncio.sleep(max(0.0, started + self._every_s - time.monotonic()))

    async def _begin(self) -> None:
        """Wait until alarms can flow, see that our device is registered, and end what an earlier run left open."""
        until = time.monotonic() + self._limit_s
        while not self._is_ready() and time.monotonic() < until:  # noqa: ASYNC110 - it is asked once a start
            await asyncio.sleep(0.1)
        registry = self._core.shard.registry
        row = registry.device_row(SYNTHETIC_DEVICE.key)
        if row is None or registry.device(row) != SYNTHETIC_DEVICE:
            await self._core.register([SYNTHETIC_DEVICE])
        for incident in self._core.shard.incidents.open():
            if incident.device == SYNTHETIC_DEVICE.key:
                self._open[incident.id] = None
        await self._resolve()

    async def _try(self) -> Stage:
        """Send one alarm and return how far it came within its time."""
        trial = self._trial = _Trial()
        try:
            async with asyncio.timeout(self._limit_s):
                await self._publish()
                trial.stage = Stage.RAISE
                await trial.raised.wait()
                trial.stage = Stage.HAND
                if self._is_told:
                    await trial.handed.wait()
                trial.stage = Stage.THROUGH
        except (TimeoutError, aiomqtt.MqttError):
            pass  # the stage says where
        finally:
            self._trial = None
        return trial.stage

    async def _publish(self) -> None:
        """Connect anew, as a device does, and return when the broker has the alarm."""
        now_ms = self._core.clock.time_us() // 1000
        body = msgspec.json.encode({"ts": now_ms, "values": {METRIC: True}})
        async with aiomqtt.Client(
            self._broker.host,
            self._broker.port,
            identifier=self._client_id,
            username=self._broker.username,
            password=self._broker.password,
            tls_context=self._broker.tls,
            protocol=aiomqtt.ProtocolVersion.V5,
            timeout=self._limit_s,
        ) as client:
            await client.publish(TOPIC, body, qos=QOS)

    async def _resolve(self) -> None:
        """End whatever our alarms have raised."""
        for incident in tuple(self._open):
            await self._core.source.command(Resolve(incident=incident, by=BY, origin=ORIGIN, outcome=Outcome.TEST))
            self._open.pop(incident, None)

    async def _note(self, stage: Stage, took_s: float) -> None:
        """Count it; where that is news, it is a reading of our own device. A loss is said each time."""
        self.trials[stage] += 1
        is_lost = stage is not Stage.THROUGH
        if is_lost:
            _log.error("service.synthetic_lost", stood_still_at=stage, limit_s=self._limit_s)
        else:
            self._through_at, self.round_trip_s = time.monotonic(), took_s
            _log.debug("service.synthetic_through", seconds=round(took_s, 3))
        if is_lost or self._is_lost is not False:  # the first success may end what an earlier run found lost
            await self._core.note(LOST, float(is_lost))
        self._is_lost = is_lost


class SyntheticMetrics(Collector):
    """Shows the state of the path on `registry`."""

    def __init__(self, registry: CollectorRegistry, synthetic: Synthetic) -> None:
        self._synthetic = synthetic
        registry.register(self)

    def collect(self) -> Iterator[Metric]:
        """Yield every metric family."""
        trials = CounterMetricFamily(
            "vigil_synthetic_alarms", "Synthetic alarms, by how far they came.", labels=["stage"]
        )
        for stage, count in self._synthetic.trials.items():
            trials.add_metric([stage], count)
        yield trials
        yield GaugeMetricFamily(
            "vigil_synthetic_age_seconds",
            "Since a synthetic alarm last came through; since the start where none has.",
            self._synthetic.age_s,
        )
        yield GaugeMetricFamily(
            "vigil_synthetic_period_seconds", "From one synthetic alarm to the next.", self._synthetic.every_s
        )
        round_trip_s = self._synthetic.round_trip_s
        if round_trip_s is not None:
            yield GaugeMetricFamily(
                "vigil_synthetic_round_trip_seconds",
                "From the synthetic alarm to its receipt, the last that came through.",
                round_trip_s,
            )
