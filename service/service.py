"""The service: the core with its broker sessions, deliveries, archive and endpoints wired round it."""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import structlog
from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector

from alerts import AlertsMetrics, Delivery, SystemClock
from alerts.noise.metrics import NoiseMetrics
from alerts.people.settings import DirectoryFaults
from devices import Lifecycle, ProfileFaults, read_ledger
from ingest import IngestMetrics, Lane, Session, SessionMetrics, topic_filters
from rules import RuleFaults
from rules.metrics import RulesMetrics
from service.answering import Answering
from service.channels import broker_settings, make_channels, own_broker
from service.control import control_app, control_socket
from service.core import OWN_DEVICE, open_core
from service.database import Database
from service.directory import reload_directory
from service.http import bind_tcp, bind_unix, machine_app, serving
from service.memory import settle
from service.metrics import ServiceMetrics
from service.rules_in_force import reload_rules
from service.synthetic import Synthetic, SyntheticMetrics
from service.tracing.tracing import make_tracing
from service.watch import Watch
from storage.archive import Archive, ArchiveMetrics
from storage.journal import JournalMetrics
from storage.upkeep import Upkeep, UpkeepMetrics

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    import mqtt5

    from alerts import Notification
    from devices import Device
    from ingest import Block
    from service.core import Core
    from service.sections import BrokerSection
    from service.settings import Settings
    from service.shard import Effects

__all__ = ["serve"]

# How long a stop waits for messages under way and for the archive; the rest is in the journal and goes on next time.
DELIVERY_GRACE_S = 3.0
ARCHIVE_GRACE_S = 5.0
# A disk that takes so long to commit is not one on which alarms flow.
STUCK_S = 5.0

# Telemetry waits up to 20 ms for its block anyway; reading it less often halves its cost.
GATHER_S = 0.005

_log = structlog.get_logger()


async def serve(
    settings: Settings,
    stop: asyncio.Event,
    *,
    ready: Callable[[Core, str], None] | None = None,
    listener: Callable[[list[Effects]], None] | None = None,
    write: Callable[[Notification], None] | None = None,
) -> None:
    """Run the service until `stop` is set, then end it in order.

    ready:    called once, with the core and the address of /metrics, when alarms can flow
    listener: called with the effects of every group of records
    write:    what console channels write with; the log where not given
    Raises SessionTakenOver, BrokerRefused, JournalInUse, JournalFailed, and the faults of settings, profiles, rules and
    ledger; anything else is a bug.
    """
    reload = asyncio.Event()  # from the very start to the very end: a SIGHUP that nobody hears would end us
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reload.set)
    async with contextlib.AsyncExitStack() as stack:
        core = await stack.enter_async_context(open_core(settings))
        if listener is not None:
            core.listeners.append(listener)
        await _import_ledger(core)
        parts = _Parts(core, write, reload)
        stack.push_async_callback(asyncio.to_thread, parts.database.stop)
        path = control_socket(settings.data_dir)
        machine_socket = bind_tcp(settings.http.host, settings.http.port)
        control = bind_unix(path)
        stack.callback(path.unlink, missing_ok=True)
        await stack.enter_async_context(serving(control_app(core, parts.status), control))
        await stack.enter_async_context(serving(machine_app(parts.registry, parts.readiness), machine_socket))
        console_socket = bind_tcp(settings.console.host, settings.console.port)
        await stack.enter_async_context(serving(parts.answering.app(), console_socket))
        address, console = _address(machine_socket), _address(console_socket)
        _log.info("service.started", metrics=f"{address}/metrics", console=console, data_dir=str(settings.data_dir))
        await parts.run(stop, lambda: ready(core, address) if ready is not None else None)
    _log.info("service.stopped")


class _Parts:
    """What is wired round the core. reload: set where the rules and the people are to be read anew."""

    def __init__(self, core: Core, write: Callable[[Notification], None] | None, reload: asyncio.Event) -> None:
        settings = core.settings
        self.core = core
        self._reload = reload
        self.started = time.monotonic()
        self.sessions = {lane: self._session(lane, settings.broker) for lane in Lane}
        self.registry = CollectorRegistry()
        self.answering = Answering(core, self.registry)
        channels = make_channels(settings, self.answering.context(write))
        self.delivery = Delivery(channels, core.settle, SystemClock(), random.random, core.alerts_counters)
        self.synthetic = Synthetic(
            core,
            own_broker(settings),
            every_s=settings.deadman.every_s,
            limit_s=settings.deadman.limit_s,
            is_told=any(recipient.exercises for recipient in settings.recipients),
            is_ready=lambda: all(self.readiness().values()),
            client_id=f"{settings.broker.client_id}-synthetic",
        )
        core.listeners.append(self.synthetic.hear)
        self.database = Database(settings)
        self.archive = Archive(
            self.database.reach, core.journal, core.shard.registry, rules=lambda: core.shard.engine.rules
        )
        self.upkeep = Upkeep(
            self.database.reach_as_owner,
            settings=settings.upkeep_settings(),
            # Our clock does not go back with the wall's. By one that was ahead, nothing is to be deleted.
            clock_us=lambda: min(core.clock.time_us(), time.time_ns() // 1000),
        )
        self.watch = Watch(
            core,
            sheds=lambda: core.journal.counters.sheds,
            failures=lambda: core.alerts_counters.untold,
            oldest_page_us=lambda: core.shard.outbox.oldest_us,
            archive_lag_s=lambda: self.archive.lag_s(core.clock.time_us()),
            unreached=lambda: len(core.shard.alerting.contact_tests.unreached()),
        )
        core.deliver, core.withdraw = self.delivery.submit, self.delivery.withdraw
        self._show()
        core.acknowledge = self._acknowledge
        self.tracing = make_tracing(core, self.registry)
        if self.tracing is not None:
            core.acknowledge = self.tracing.noting(self._acknowledge)
            core.listeners.append(self.tracing.hear)
            self.delivery.attempted = self.tracing.attempted

    def _session(self, lane: Lane, section: BrokerSection) -> Session:
        batcher = self.core.batchers[lane]
        wake = self.core.source.wake
        # A session of an earlier run counts: what the broker kept for it is gone if it does not know it any more.
        known = len(self.core.shard.windows[lane]) > 0

        # The source needs to hear of telemetry that begins a block or fills it; in between its timer runs.
        enough = 0 if lane is Lane.ALARM else self.core.settings.ingest.block_readings

        def take(epoch: int, packets: list[mqtt5.PublishPacket]) -> None:
            begins = batcher.opened_us is None
            batcher.feed(epoch, packets)
            if begins or batcher.pending >= enough:
                wake()

        def set_aside(epoch: int, raw: bytes, detail: str, packet_id: int | None) -> None:
            batcher.malformed(epoch, raw, detail, packet_id)
            wake()

        def connected(session_present: bool) -> None:
            nonlocal known
            if not session_present:
                batcher.forget_session()
                if known:
                    self.watch.session_lost()
            known = True

        settings = broker_settings(section, lane.name.lower())
        if lane is Lane.TELEMETRY:
            settings = replace(settings, gather_s=GATHER_S)
        sites = (*section.sites, OWN_DEVICE.site) if section.sites else ()  # our own alarm is heard in any case
        return Session(settings, topic_filters(lane, sites), take, set_aside, connected)

    def _acknowledge(self, block: Block) -> None:
        """Tell the broker and the devices that a block is in the journal."""
        session = self.sessions[block.lane]
        for epoch, packet_ids in block.deliveries.acks:
            session.acknowledge(epoch, packet_ids)
        for receipt in block.receipts:
            session.publish(receipt.topic, receipt.payload)

    # ── running ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def run(self, stop: asyncio.Event, ready: Callable[[], None]) -> None:
        """Run all parts until `stop`; end them from the outside in, so that what came in goes out."""
        deadman = self.core.settings.deadman
        async with asyncio.TaskGroup() as group:
            delivery = group.create_task(self.delivery.run(), name="delivery")
            self.delivery.submit(self.core.shard.outbox.pending())
            history = [
                group.create_task(self.archive.run(), name="archive"),
                group.create_task(self.upkeep.run(), name="upkeep"),
            ]
            around = [
                group.create_task(self.watch.run(), name="watch"),
                group.create_task(self._checkpoints(), name="checkpoints"),
                group.create_task(self._reloads(), name="reloads"),
                group.create_task(self.answering.door.run(), name="alerts of other systems"),
                *([group.create_task(self.synthetic.run(), name="synthetic")] if deadman.enabled else []),
                *(group.create_task(session.run(), name=f"mqtt {lane}") for lane, session in self.sessions.items()),
            ]
            tracing = [group.create_task(self.tracing.run(), name="tracing")] if self.tracing is not None else []
            announcing = group.create_task(self._announce(ready), name="ready")
            await stop.wait()
            _log.info("service.stopping")
            for task in (announcing, *around):
                task.cancel()
            await asyncio.wait(around)
            await self.core.source.barrier()  # what the sessions took in last is folded
            await _grace(lambda: not len(self.core.shard.outbox), DELIVERY_GRACE_S)
            delivery.cancel()
            await asyncio.wait([delivery])
            await _grace(
                lambda: not self.archive.lag_records, ARCHIVE_GRACE_S if self.archive.counters.database_up else 0
            )
            for task in (*history, *tracing):
                task.cancel()
        if self.tracing is not None:
            await self.tracing.close()

    async def _checkpoints(self) -> None:
        while True:
            await asyncio.sleep(self.core.settings.journal.checkpoint_s)
            await self.core.checkpoint()

    async def _reloads(self) -> None:
        """Go over to the rules and the people in the files whenever SIGHUP asks for it."""
        while True:
            await self._reload.wait()
            self._reload.clear()
            try:
                await reload_rules(self.core)
            except (ProfileFaults, RuleFaults) as error:
                _log.error("service.rules_not_reloaded", faults=error.faults)
            try:
                await reload_directory(self.core)
            except DirectoryFaults as error:
                _log.error("service.directory_not_reloaded", faults=error.faults)

    async def _announce(self, ready: Callable[[], None]) -> None:
        while not all(self.readiness().values()):  # noqa: ASYNC110 - it is asked once a start, of several parts
            await asyncio.sleep(0.01)
        settle()
        _log.info("service.ready", seconds=round(time.monotonic() - self.started, 3))
        ready()

    # ── shown ────────────────────────────────────────────────────────────────────────────────────────────────────

    def readiness(self) -> dict[str, bool]:
        """Say what must be so for alarms to flow. The database is not among it."""
        checks = {f"broker_{lane.name.lower()}": session.connected for lane, session in self.sessions.items()}
        folds = time.monotonic() - self.core.folded_at < STUCK_S  # it does so every second, be it a tick
        return {"journal": self.core.journal.failure is None and folds, **checks}

    def status(self) -> dict[str, Any]:
        """Return what a person asks first."""
        shard = self.core.shard
        return {
            "running": True,
            "ready": self.readiness(),
            "devices": shard.registry.n_devices,
            "incidents_open": len(shard.incidents),
            "notifications_pending": len(shard.outbox),
            "archive_connected": self.archive.counters.database_up,
            "archived_readings": self.archive.counters.rows,
            "archive_lag_s": self.archive.lag_s(self.core.clock.time_us()),
            "offset": shard.offset,
        }

    def _show(self) -> None:
        """Show every part's metrics on the registry."""
        registry, shard = self.registry, self.core.shard
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        IngestMetrics(registry, self.core.ingest_counters)
        SessionMetrics(registry, {lane.name.lower(): session for lane, session in self.sessions.items()})
        JournalMetrics(registry, self.core.journal)
        RulesMetrics(registry, shard.engine)
        now_us = self.core.clock.time_us
        AlertsMetrics(registry, self.core.alerts_counters, shard.incidents, shard.outbox, self.delivery, now_us)
        NoiseMetrics(registry, shard.alerting.noise_counters, shard.alerting.noise, shard.alerting.post)
        SyntheticMetrics(registry, self.synthetic)
        ArchiveMetrics(registry, self.archive)
        UpkeepMetrics(registry, self.upkeep.counters)
        ServiceMetrics(registry, self.core, self.sessions.values())


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://{host}:{port}"


async def _import_ledger(core: Core) -> None:
    """Register the devices of the settings' ledger that are not yet; a changed line is for `vigil devices import`."""
    ledger = core.settings.devices.ledger
    if ledger is None:
        return
    registry = core.shard.registry
    known = {device.key for _, device in registry.devices()}
    devices = await asyncio.to_thread(read_ledger, ledger, registry.profiles, known)
    rows = ((device, registry.device_row(device.key)) for device in devices)
    new = [device for device, row in rows if row is None or _waits(registry.device(row))]
    await core.register(new)
    _log.info("service.ledger_read", ledger=str(ledger), devices=len(devices), registered=len(new))


def _waits(device: Device | None) -> bool:
    """Say whether a device was heard, and nobody has registered it."""
    return device is None or device.lifecycle is Lifecycle.UNREGISTERED


async def _grace(done: Callable[[], bool], seconds: float) -> None:
    """Wait until `done`, but not for long."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while not done():  # noqa: ASYNC110 - it is asked once a stop
                await asyncio.sleep(0.02)
