"""The core: journal, fold and source, put together and brought back to where they were.

It is what the service and the offline commands share; brokers, databases and receivers are wired round it.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import structlog

from alerts import AlertsCounters, encode_event
from devices import Device, Flag, Kind, Lifecycle, ReadingBatch, load_profiles
from ingest import Batcher, BatcherLimits, Heard, IngestCounters, Lane
from rules import compile_kernels, load_rules
from rules.compiled import are_kept
from service import pipeline
from service.clock import ServiceClock
from service.directory import read_directory
from service.memory import give_back
from service.shard import Effects, Shard, decode
from service.source import Source
from storage.journal import Entry, Journal, JournalInUse, JournalLimits, RecordKind, StoredBlock
from storage.journal import Lane as JournalLane

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from pathlib import Path

    from alerts import AlertEvent, Directory, Notification, Settle
    from ingest import Block
    from rules import ReloadReport, RuleSet
    from service.settings import Settings
    from storage.journal import Record

__all__ = ["OWN_DEVICE", "Core", "open_core"]

OWN_DEVICE = Device("vigil", "service", Kind.SERVICE, "service", lifecycle=Lifecycle.VERIFIED)
"""Vigil itself, so that its own troubles are readings and raise incidents like any others."""

REGISTERED_AT_ONCE = 500
TIMELINE_AFTER_S = 0.05
GIVE_BACK_AFTER_S = 3.0
LOCK_PATIENCE_S = 10.0
LARGE_CHECKPOINT_BYTES = 16 * 1024 * 1024
REPLAY_BYTES = 8 * 1024 * 1024
MIB = 1024 * 1024

_log = structlog.get_logger()


@dataclass(slots=True)
class Core:
    """One shard at work on its journal.

    offline:   a service will fold what is journalled here again, and carry it out
    folded_at: when a group of records was last folded, monotonic s
    deliver:   what takes the notifications that come to be owed; the outbox keeps them while there is nobody
    withdraw:  what drops those that are not wanted any more, by id
    listeners: called with the effects of every group of records, after all else
    """

    settings: Settings
    clock: ServiceClock
    journal: Journal
    shard: Shard
    source: Source
    batchers: dict[Lane, Batcher]
    ingest_counters: IngestCounters
    alerts_counters: AlertsCounters
    offline: bool = False
    folded_at: float = field(default_factory=time.monotonic)
    acknowledge: Callable[[Block], None] = lambda _: None
    deliver: Callable[[list[Notification]], None] = lambda _: None
    withdraw: Callable[[list[str]], None] = lambda _: None
    listeners: list[Callable[[list[Effects]], None]] = field(default_factory=list)
    _giving_back: asyncio.TimerHandle | None = None
    _timeline: list[Entry] = field(default_factory=list)

    def carry_out(self, effects: list[Effects]) -> None:
        """Hand on what follows from a group of records: the timeline to the journal, the messages to delivery."""
        self.folded_at = time.monotonic()
        if self.offline:
            return
        owed = [notification for effect in effects for notification in effect.owed]
        if owed:
            self.deliver(owed)
        withdrawn = [name for effect in effects for name in effect.withdrawn]
        if withdrawn:
            self.withdraw(withdrawn)
        self._keep([event for effect in effects for event in effect.events])
        for listener in self.listeners:
            listener(effects)

    def _keep(self, events: list[AlertEvent]) -> None:
        """Gather what goes into the timeline; a moment later it goes into the journal, from where the archive takes it.

        Nobody waits for it: it follows from records already there, and a replay would make it again under the same ids.
        So it need not cost a commit of its own while people are being told.
        """
        if events and not self._timeline:
            asyncio.get_running_loop().call_later(TIMELINE_AFTER_S, self._flush)
        self._timeline += (Entry(RecordKind.EVENT, JournalLane.CONTROL, encode_event(event)) for event in events)

    def _flush(self) -> None:
        if self._timeline:
            self.journal.submit(self._timeline).add_done_callback(_seen)
            self._timeline = []

    async def settle(self, command: Settle) -> None:
        """Journal what became of a notification; it is not sent again once this returns."""
        await self.source.command(command)

    async def note(self, metric: str, value: float) -> None:
        """Journal a reading of our own device, such as `session_lost`."""
        registry = self.shard.registry
        row = registry.device_row(OWN_DEVICE.key)
        if row is None:
            raise LookupError("the service's own device is registered when the core opens")
        now_us = self.clock.time_us()
        channel = registry.channels_of(row)[metric]
        await self.source.report(
            ReadingBatch(
                np.array([channel], np.int32),
                np.array([now_us], np.int64),
                np.array([value], np.float64),
                np.array([True]),
                np.array([Flag.ALARM_LANE], np.uint8),
                now_us,
            )
        )

    async def register(self, devices: Sequence[Device]) -> None:
        """Plan, journal and apply a registration; it has happened once this returns.

        Large ones go in steps, so that no alarm waits for a city's ledger.
        """
        for start in range(0, len(devices), REGISTERED_AT_ONCE):
            step = devices[start : start + REGISTERED_AT_ONCE]
            await self.source.register(self.shard.registry.plan_registration(step))
        if self._giving_back is not None:
            self._giving_back.cancel()
        # A ledger comes in steps; when the last one is in, much of what they took is free again.
        self._giving_back = asyncio.get_running_loop().call_later(GIVE_BACK_AFTER_S, give_back)

    async def use_rules(self, rules: RuleSet) -> ReloadReport | None:
        """Go on with `rules` where they are others than those in force; say what that changed, None if nothing."""
        if self.shard.follows(rules):
            return None
        effects = await self.source.change_rules(rules)
        report = effects.reloaded
        if report is not None:
            _log.info("service.rules_changed", **asdict(report))
        return report

    async def use_directory(self, directory: Directory) -> bool:
        """Go on with the people of `directory` where they are others than those in force; say whether they are."""
        if self.shard.alerting.directory == directory:
            return False
        await self.source.change_directory(directory)
        _log.info("service.directory_changed", people=len(directory.people), chains=len(directory.chains))
        return True

    async def checkpoint(self) -> None:
        """Make the state durable, so that a restart replays only what comes after."""
        self._flush()  # a replay from here on would not make it again
        parts = self.shard.snapshot()
        size = sum(map(len, parts.values()))
        await self.journal.checkpoint(self.shard.offset, parts)
        del parts
        if size > LARGE_CHECKPOINT_BYTES:
            give_back()


def _seen(future: asyncio.Future[list[Record]]) -> None:
    """Take note of a failed commit; the next append says it too, and ends the service."""
    if not future.cancelled():
        future.exception()


@asynccontextmanager
async def open_core(settings: Settings, *, offline: bool = False) -> AsyncIterator[Core]:
    """Open the journal, bring the shard back to where it was, and run the pipeline until the end of the context.

    offline: for a command line that does not know the service's settings. What it commands is journalled; what follows
             from it, and the checkpoint, are left to the service, which folds the same records by its own settings
    Raises ProfileFaults, RuleFaults, DirectoryFaults, JournalInUse, JournalCorrupt; and whatever ends the pipeline.
    """
    if not offline:
        await asyncio.to_thread(_compile_kernels)
    profiles = load_profiles(settings.devices.profiles)
    rules = load_rules(profiles, settings.rules.files, settings.rules.timezone)
    directory = None if offline else read_directory(settings)
    alerts_counters = AlertsCounters()
    shard = Shard(
        profiles,
        rules,
        settings.routing(),
        settings.alerting_limits(),
        alerts_counters,
        receive_maximum=settings.broker.receive_maximum,
    )
    ingest_counters = IngestCounters()
    clock = ServiceClock()
    heard = Heard(shard.registry, clock.time_us, _batcher_limits(settings), ingest_counters)
    limits = JournalLimits(
        telemetry_bytes=settings.journal.telemetry_mib * MIB, control_bytes=settings.journal.control_mib * MIB
    )
    patience_s = 0 if offline else LOCK_PATIENCE_S
    journal = await _open_journal(settings.data_dir / "journal", limits, clock, patience_s=patience_s)
    try:
        remembered = await recover(journal, shard, heard)
        clock.advance(shard.now_us)
        core = _assemble(settings, clock, journal, shard, heard, ingest_counters, alerts_counters)
        core.offline = offline
        core.carry_out(remembered)
        async with asyncio.TaskGroup() as group:
            running = group.create_task(_run_pipeline(core), name="pipeline")
            if not offline:
                await core.source.resume()
                changed = await core.use_rules(rules) is not None
                if (directory is not None and await core.use_directory(directory)) or changed:
                    await core.checkpoint()  # a replay never begins before what says by which rules, and who is asked
                await _register_own_device(core)
            yield core
            core.source.close()
            await running
            if not offline:
                await core.checkpoint()
    finally:
        await journal.close()


def _compile_kernels() -> None:
    """Have the rule engine's machine code at hand before the first alarm comes."""
    if not are_kept():
        _log.warning("service.compiling_rule_engine", detail="once, half a minute; `python -m rules` does it before")
    compile_kernels()


async def _open_journal(directory: Path, limits: JournalLimits, clock: ServiceClock, *, patience_s: float) -> Journal:
    """Open the journal, waiting where a command has it open for a moment. Raises JournalInUse where it stays so."""
    until = time.monotonic() + patience_s
    while True:
        try:
            return await Journal.open(directory, limits, clock_us=clock.time_us, cursors=("archive",))
        except JournalInUse as error:
            if time.monotonic() >= until:
                raise
            _log.warning("service.journal_in_use", detail=str(error))
            await asyncio.sleep(1.0)


async def _run_pipeline(core: Core) -> None:
    """Run the pipeline; where it falls, nobody waits for its answers for ever."""
    try:
        await pipeline.run(core.source, core.journal, core.shard, core.carry_out)
    finally:
        core.source.abandon()


async def recover(journal: Journal, shard: Shard, heard: Heard) -> list[Effects]:
    """Restore the last checkpoint and fold what the journal holds after it; return what followed from that."""
    started = time.monotonic()
    checkpoint = await journal.last_checkpoint()
    if checkpoint is not None:
        shard.restore(checkpoint.offset, checkpoint.parts)
        heard.clock.advance(shard.now_us)
    effects: list[Effects] = []
    replayed = 0
    while records := await journal.read(shard.offset, REPLAY_BYTES):
        for record in records:
            fact = decode(record)
            if isinstance(fact, StoredBlock):
                heard.note(fact.batch)
            effects.append(shard.apply(record, fact))
        replayed += len(records)
    _log.info(
        "service.recovered",
        offset=shard.offset,
        records_replayed=replayed,
        devices=shard.registry.n_devices,
        incidents_open=len(shard.incidents),
        notifications_pending=len(shard.outbox),
        seconds=round(time.monotonic() - started, 3),
    )
    # Only the timeline is made anew: what is owed is in the outbox, and delivery takes it from there.
    return [Effects(events=effect.events) for effect in effects if effect.events]


def _batcher_limits(settings: Settings) -> BatcherLimits:
    return BatcherLimits(
        payload_bytes=settings.ingest.max_payload_bytes,
        future_us=int(settings.ingest.future_tolerance_s * 1e6),
        unregistered_devices=settings.ingest.max_unregistered,
    )


def _assemble(
    settings: Settings,
    clock: ServiceClock,
    journal: Journal,
    shard: Shard,
    heard: Heard,
    ingest_counters: IngestCounters,
    alerts_counters: AlertsCounters,
) -> Core:
    limits = _batcher_limits(settings)
    batchers = {
        lane: Batcher(lane, shard.registry, clock.time_us, limits, shard.windows[lane], ingest_counters, heard)
        for lane in Lane
    }
    core: Core

    def acknowledge(block: Block) -> None:
        core.acknowledge(block)  # whoever is wired to it by then

    source = Source(
        batchers,
        acknowledge,
        clock,
        block_s=settings.ingest.block_ms / 1000,
        block_readings=settings.ingest.block_readings,
    )
    core = Core(settings, clock, journal, shard, source, batchers, ingest_counters, alerts_counters)
    return core


async def _register_own_device(core: Core) -> None:
    row = core.shard.registry.device_row(OWN_DEVICE.key)
    if row is None or core.shard.registry.device(row) != OWN_DEVICE:
        await core.register([OWN_DEVICE])
