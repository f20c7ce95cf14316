"""The town's three days through the real fold: what devices say and people do, in order of time; and what is true."""

from __future__ import annotations

import heapq
import itertools
from collections import defaultdict
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from alerts import AlertingLimits, AlertsCounters, Routing
from alerts.command import Audit, Settle, StartDrill, encode_command
from alerts.incident import IncidentEvent, NotificationEvent, NotificationStatus, encode_event
from alerts.people.model import encode_directory
from alerts.response_event import ResponseEvent
from devices import QuarantineReport, ReadingBatch, Reason, RegistryChange, Sample, load_profiles
from rules import encode_rules, load_rules
from service.core import OWN_DEVICE
from service.shard import Shard, decode
from simulator.history import History
from storage.journal import Entry, Gap, Lane, Record, RecordKind, encode_block
from tests.boards.people import ACTS, DIRECTORY, RECIPIENTS
from tests.boards.town import (
    DORMANT,
    DRILLS,
    FLEET,
    INJECTED,
    LOST,
    RETIRED,
    STRANGERS,
    UNREAD,
    deviations,
    downs,
)
from tests.boards.world import Reading, World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from alerts.command import Command
    from alerts.incident import AlertEvent, Incident
    from alerts.notification import Notification
    from service.shard import Effects

__all__ = ["Play"]

SECOND_US: Final = 1_000_000
MINUTE_US: Final = 60 * SECOND_US
HOUR_US: Final = 60 * MINUTE_US
CALM_S: Final = 60.0
BUSY_S: Final = 10.0
BUSY_US: Final = 45 * MINUTE_US
"""For so long after something began the blocks are short."""
SEED: Final = 3


class Play:
    """Plays the town's days: what devices say and people do goes through a shard, in order of time."""

    def __init__(self, end_us: int, hours: float) -> None:
        self._begin_us = end_us - round(hours * HOUR_US)
        profiles = load_profiles()
        rules = load_rules(profiles)
        self.world = World(end_us, rules)
        self.shard = Shard(
            profiles, rules, Routing(list(RECIPIENTS)), AlertingLimits(), AlertsCounters(), receive_maximum=100
        )
        self.entries: list[tuple[int, Entry]] = []
        self._offset = 0
        self._order = itertools.count()
        self._due: list[tuple[int, int, Callable[[int], None]]] = []
        self._first: dict[tuple[int, int], Reading] = {}

    # ── the fold ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _apply(self, now_us: int, kind: RecordKind, body: bytes, readings: int = 0, lane: Lane = Lane.CONTROL) -> None:
        self._offset += 1
        record = Record(self._offset, now_us, kind, lane, body, readings)
        self.entries.append((now_us, Entry(kind, lane, body, readings)))
        effects = self.shard.apply(record, decode(record))
        self._follow(effects, now_us)

    def _follow(self, effects: Effects, now_us: int) -> None:
        if effects.rejected is not None:
            self.world.rejected.append(str(effects.rejected))
        for event in effects.events:
            self.entries.append((now_us, Entry(RecordKind.EVENT, Lane.CONTROL, encode_event(event))))
            self._note(event, now_us)
        for owed in effects.owed:
            self.world.asked[owed.id] = owed
            self._post(owed, now_us)

    def _note(self, event: AlertEvent, now_us: int) -> None:
        world = self.world
        match event:
            case IncidentEvent(incident=incident):
                world.timeline.append(event)
                is_new = incident.id not in world.incidents
                world.incidents[incident.id] = incident
                if is_new:
                    self._react(incident, now_us)
            case NotificationEvent():
                world.notes.append(event)
            case ResponseEvent():
                world.responses.append(event)

    def _react(self, incident: Incident, now_us: int) -> None:
        for act in ACTS:
            if (act.device, act.rule) == (incident.device, incident.rule_id):
                self.at(now_us + round(act.after_s * SECOND_US), self._command(act.what(incident.id)))

    def _post(self, owed: Notification, now_us: int) -> None:
        """Let the channels deliver: the second crew's app takes nothing, and a display gives no receipt."""
        if (owed.recipient, owed.channel) == ("crew2", "app"):
            steps = [(2, NotificationStatus.FAILED)]
        elif owed.channel in {"console", "watch"}:
            steps = [(1, NotificationStatus.HANDED)]
        else:
            steps = [(1, NotificationStatus.HANDED), (4, NotificationStatus.RECEIVED)]
        for after_s, status in steps:
            settle = Settle(notification=owed.id, status=status, detail="", attempts=1)
            self.at(now_us + after_s * SECOND_US, self._command(settle))

    # ── what is to come ──────────────────────────────────────────────────────────────────────────────────────────

    def at(self, us: int, act: Callable[[int], None]) -> None:
        """Do `act` at a time."""
        heapq.heappush(self._due, (us, next(self._order), act))

    def _command(self, command: Command) -> Callable[[int], None]:
        body = encode_command(command)
        return lambda now_us: self._apply(now_us, RecordKind.COMMAND, body)

    def _until(self, us: int) -> None:
        while self._due and self._due[0][0] <= us:
            at_us, _, act = heapq.heappop(self._due)
            act(at_us)

    # ── readings ─────────────────────────────────────────────────────────────────────────────────────────────────

    def block(self, batch: ReadingBatch, now_us: int) -> None:
        """Fold a block that came by `now_us`, or a tick where it is empty."""
        self._until(now_us)
        if not len(batch):
            self._apply(now_us, RecordKind.TICK, b"", lane=Lane.TELEMETRY)
            return
        for channel, time_us, value, known, flags in zip(
            batch.channel.tolist(),
            batch.time_us.tolist(),
            batch.value.tolist(),
            batch.known.tolist(),
            batch.flags.tolist(),
            strict=True,
        ):
            self._first.setdefault((channel, time_us), Reading(time_us, value if known else None, flags))
        self._apply(now_us, RecordKind.BLOCK, encode_block(batch), len(batch), Lane.TELEMETRY)

    def _inject(self, key: str, metric: str, value: float | None, flags: int) -> Callable[[int], None]:
        def inject(now_us: int) -> None:
            registry = self.shard.registry
            row = registry.device_row(key)
            assert row is not None
            if metric not in registry.channels_of(row):
                change = RegistryChange(channels=(registry.plan_channel(row, metric),))
                self._apply(now_us, RecordKind.REGISTRY, msgspec.msgpack.encode(change))
            batch = ReadingBatch(
                np.array([registry.channels_of(row)[metric]], np.int32),
                np.array([now_us], np.int64),
                np.array([0.0 if value is None else value]),
                np.array([value is not None]),
                np.array([flags], np.uint8),
                now_us,
            )
            self.block(batch, now_us)

        return inject

    # ── the days ─────────────────────────────────────────────────────────────────────────────────────────────────

    def days(self) -> None:
        """Play all of it."""
        end_us = self.world.end_us
        begin_us = self._begin_us
        registry = self.shard.registry
        change = registry.plan_registration([*FLEET.devices, *DORMANT, RETIRED, *STRANGERS, OWN_DEVICE])
        self._apply(begin_us, RecordKind.REGISTRY, msgspec.msgpack.encode(change))
        self._apply(begin_us, RecordKind.RULES, encode_rules(self.world.rules))
        self._apply(begin_us, RecordKind.DIRECTORY, encode_directory(DIRECTORY))
        for one in INJECTED:
            self._soon(one.hours, self._inject(one.device, one.metric, one.value, int(one.flags)))
        look = Audit(by="son", origin="app", subject="shuibei/watch-1", what="location")
        self._soon(0.4, self._command(look))
        for hours, device, rule in DRILLS:
            self._soon(hours, self._command(StartDrill(device=device, rule=rule, by="manager", origin="app")))
        for hours, counts in UNREAD:
            self._soon(hours, self._unread(counts))
        for hours, gap in LOST:
            self._soon(hours, self._lost(gap))
        history = History(
            FLEET,
            [registry.channels_of(row) for row in range(len(FLEET))],
            begin_us=begin_us,
            seed=SEED,
            everyday=False,
            deviations=deviations(end_us),
            down=downs(end_us),
        )
        for until_us, every_s in self._paces(begin_us, end_us):
            for now_us, batch in history.blocks(until_us, every_s):
                self.block(batch, now_us)
        self._until(end_us)
        self._keep()

    def _paces(self, begin_us: int, end_us: int) -> Iterator[tuple[int, float]]:
        """Yield until when blocks are of which length, s."""
        busy = sorted(
            {max(one.from_us, begin_us) for one in deviations(end_us) if one.to_us > begin_us}
            | {max(end_us - round(hours * HOUR_US), begin_us) for hours, _, _ in DRILLS}
        )
        edges: list[tuple[int, int]] = []
        for from_us in busy:
            to_us = min(from_us + BUSY_US, end_us)
            if edges and from_us <= edges[-1][1]:
                edges[-1] = edges[-1][0], to_us
            else:
                edges.append((from_us, to_us))
        for from_us, to_us in edges:
            if from_us > begin_us:
                yield from_us, CALM_S
            yield to_us, BUSY_S
        yield end_us, CALM_S

    def _soon(self, hours: float, act: Callable[[int], None]) -> None:
        """Do `act` so many hours before the end, where that is played."""
        at_us = self.world.end_us - round(hours * HOUR_US)
        if at_us > self._begin_us:
            self.at(at_us, act)

    def _unread(self, counts: dict[Reason, int]) -> Callable[[int], None]:
        def unread(now_us: int) -> None:
            samples = tuple(Sample(reason, now_us, "vigil/v1/x", b"{", 1, "cut") for reason in counts)
            self._apply(now_us, RecordKind.QUARANTINE, msgspec.msgpack.encode(QuarantineReport(counts, samples)))
            for reason, count in counts.items():
                before, _ = self.world.unread.get(reason.value, (0, 0))
                self.world.unread[reason.value] = before + count, now_us

        return unread

    def _lost(self, gap: Gap) -> Callable[[int], None]:
        def lost(now_us: int) -> None:
            self.entries.append((now_us, Entry(RecordKind.GAP, Lane.CONTROL, msgspec.msgpack.encode(gap))))
            self.world.lost.append((now_us, gap))

        return lost

    def _keep(self) -> None:
        """Write down the truth about devices and readings."""
        world, registry = self.world, self.shard.registry
        world.devices = {device.key: device for _, device in registry.devices()}
        names = {}
        for row, device in registry.devices():
            metrics = registry.profile_of(device).metrics
            for metric, channel in registry.channels_of(row).items():
                names[channel] = device.key, metric
                world.units[device.key, metric] = metrics[metric].unit if metric in metrics else ""
        found: defaultdict[tuple[str, str], list[Reading]] = defaultdict(list)
        for (channel, _), reading in self._first.items():
            found[names[channel]].append(reading)
        world.readings = {
            name: sorted(readings, key=lambda reading: reading.time_us) for name, readings in found.items()
        }
