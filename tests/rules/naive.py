"""The oracle: the engine's semantics (docs/rules.md) as obvious loops over single readings, with nothing shared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from devices import Flag, Lifecycle, MetricType
from rules.model import AlarmClass, Change, Comparison, Rule, RuleKind

if TYPE_CHECKING:
    from devices import Device, Metric, ReadingBatch, Registry
    from rules.model import RuleSet

WATCHED_FOR_SILENCE = {Lifecycle.REGISTERED, Lifecycle.INSTALLED, Lifecycle.VERIFIED}


@dataclass
class Box:
    """One rule on one channel."""

    state: str = "idle"
    since: int = 0
    clear_since: int = 0
    value: float = 0.0

    @property
    def holds(self) -> bool:
        return self.state in {"holds", "clearing"}


@dataclass
class Read:
    channel: int
    time: int
    value: float
    late: bool


class NaiveEngine:
    def __init__(self, registry: Registry, rules: RuleSet) -> None:
        self.registry = registry
        self.rules = rules
        self.boxes: dict[tuple[int, str], Box] = {}
        self.newest: dict[int, int] = {}
        self.heard: dict[int, int] = {}
        self.silent: dict[tuple[int, str], bool] = {}
        self.now = 0
        self.second = -1

    # ── the registry ─────────────────────────────────────────────────────────────────────────────────────────────

    def sync(self, now: int) -> None:
        self.set_clock(now)
        boxes: dict[tuple[int, str], Box] = {}
        silent: dict[tuple[int, str], bool] = {}
        watched = {row for row, _ in self.silent}
        for row, device in self.registry.devices():
            for metric, channel in self.registry.channels_of(row).items():
                for rule in self.rules_of(device, metric):
                    boxes[channel, rule.id] = self.boxes.get((channel, rule.id), Box())
            for rule in self.silence_rules_of(device):
                silent[row, rule.id] = self.silent.get((row, rule.id), False)
                if row not in watched:
                    self.heard[row] = now
        self.boxes, self.silent = boxes, silent

    def rules_of(self, device: Device, metric: str) -> list[Rule]:
        rules = [
            rule
            for rule in self.rules.by_profile.get(device.profile, ())
            if rule.kind is not RuleKind.NO_DATA and rule.metric == metric
        ]
        if device.lifecycle is Lifecycle.RETIRED:
            return []
        if device.lifecycle is Lifecycle.MAINTENANCE:
            return [rule for rule in rules if rule.alarm_class is AlarmClass.LIFE_SAFETY]
        return rules

    def silence_rules_of(self, device: Device) -> list[Rule]:
        if device.lifecycle not in WATCHED_FOR_SILENCE:
            return []
        rules = self.rules.by_profile.get(device.profile, ())
        return sorted((r for r in rules if r.kind is RuleKind.NO_DATA), key=lambda r: r.after_s or 0)

    # ── a step ───────────────────────────────────────────────────────────────────────────────────────────────────

    def step(self, batch: ReadingBatch, now: int) -> list[Change]:
        self.sync(now)
        changes = self.hear(batch, now)
        for read in in_order_of_evaluation(batch, now):
            changes += self.read(read)
        changes += self.tick(now)
        changes += self.check_silence(now)
        return changes

    def set_clock(self, now: int) -> None:
        if now < self.now:
            for box in self.boxes.values():
                box.since = min(box.since, now)
                box.clear_since = min(box.clear_since, now)
            self.newest = {channel: min(time, now) for channel, time in self.newest.items()}
            self.heard = {row: min(time, now) for row, time in self.heard.items()}
        self.now = now

    def hear(self, batch: ReadingBatch, now: int) -> list[Change]:
        changes = []
        heard = sorted({int(self.registry.channel_device[channel]) for channel in batch.channel})
        for row in heard:
            device = self.registry.device(row)
            assert device is not None
            for rule in self.silence_rules_of(device):
                if self.silent[row, rule.id]:
                    changes.append(Change(row, -1, rule.id, False, False, False, now, self.heard[row], None))
                    self.silent[row, rule.id] = False
            self.heard[row] = now
        return changes

    def check_silence(self, now: int) -> list[Change]:
        if now // 1_000_000 == self.second:
            return []
        self.second = now // 1_000_000
        changes = []
        for row, device in self.registry.devices():
            for rule in self.silence_rules_of(device):
                assert rule.after_s is not None
                if not self.silent[row, rule.id] and now - self.heard[row] >= rule.after_s * 1_000_000:
                    self.silent[row, rule.id] = True
                    changes.append(Change(row, -1, rule.id, True, False, False, now, self.heard[row], None))
        return changes

    def tick(self, now: int) -> list[Change]:
        changes = []
        for channel, rule in self.by_channel_and_rule():
            box = self.boxes[channel, rule.id]
            if box.state == "pending" and now - box.since >= rule.hold_s * 1_000_000:
                changes.append(self.run_out(channel, rule, box))
        return changes

    def by_channel_and_rule(self) -> list[tuple[int, Rule]]:
        place = {rule.id: nth for nth, rule in enumerate(self.rules.rules)}
        keys = sorted(self.boxes, key=lambda key: (key[0], place[key[1]]))
        return [(channel, self.rules.by_id[rule]) for channel, rule in keys]

    def run_out(self, channel: int, rule: Rule, box: Box) -> Change:
        box.state = "holds"
        time = box.since + round(rule.hold_s * 1_000_000)
        return self.change(channel, rule, holds=True, time=time, since=box.since, value=box.value)

    # ── one reading ──────────────────────────────────────────────────────────────────────────────────────────────

    def read(self, read: Read) -> list[Change]:
        changes: list[Change] = []
        newest = self.newest.get(read.channel)
        late = read.late or (newest is not None and read.time < newest)
        row = int(self.registry.channel_device[read.channel])
        device = self.registry.device(row)
        assert device is not None
        metric_name = self.registry.metric(read.channel)
        for rule in self.rules_of(device, metric_name):
            metric = self.registry.profiles[device.profile].metrics[metric_name]
            box = self.boxes[read.channel, rule.id]
            changes += self.evaluate(rule, metric, box, read, late, -1 if newest is None else newest)
        self.newest[read.channel] = read.time if newest is None else max(newest, read.time)
        return changes

    def evaluate(self, rule: Rule, metric: Metric, box: Box, read: Read, late: bool, newest: int) -> list[Change]:  # noqa: C901, PLR0912
        changes: list[Change] = []
        hold, clear_hold = rule.hold_s * 1_000_000, rule.clear_hold_s * 1_000_000
        channel, time, value = read.channel, read.time, read.value
        if not late and box.state == "pending" and time - box.since >= hold:
            changes.append(self.run_out(channel, rule, box))
        if rule.kind is RuleKind.THRESHOLD and out_of_range(metric, value):
            return changes
        breach, clear = is_breach(rule, metric, value), is_clear(rule, metric, value)
        if late:
            if breach and box.holds and rule.kind is RuleKind.ALARM:
                changes.append(self.change(channel, rule, True, time, box.since, value, repeated=True, late=True))
            elif breach and box.state == "idle" and max(newest - time, 0) >= hold:
                box.state, box.since = "holds", time
                changes.append(self.change(channel, rule, True, time, time, value, late=True))
        elif box.holds:
            if clear:
                if box.state == "holds":
                    box.clear_since = time
                box.state = "clearing"
                if time - box.clear_since >= clear_hold:
                    box.state = "idle"
                    changes.append(self.change(channel, rule, False, time, box.since, value))
            else:
                box.state = "holds"
                if breach and rule.kind is RuleKind.ALARM:
                    changes.append(self.change(channel, rule, True, time, box.since, value, repeated=True))
        elif breach:
            if box.state == "idle":
                box.since = time
            box.state, box.value = "pending", value
            if hold == 0:
                box.state = "holds"
                changes.append(self.change(channel, rule, True, time, box.since, value))
        else:
            box.state = "idle"
        return changes

    def change(
        self,
        channel: int,
        rule: Rule,
        holds: bool,
        time: int,
        since: int,
        value: float,
        *,
        repeated: bool = False,
        late: bool = False,
    ) -> Change:
        row = int(self.registry.channel_device[channel])
        return Change(row, channel, rule.id, holds, repeated, late, time, since, value)


def out_of_range(metric: Metric, value: float) -> bool:
    if metric.type is not MetricType.GAUGE:
        return False
    if metric.minimum is not None and value < metric.minimum:
        return True
    return metric.maximum is not None and value > metric.maximum


def is_breach(rule: Rule, metric: Metric, value: float) -> bool:
    if rule.kind is RuleKind.ALARM:
        return value >= 0.5
    if rule.kind is RuleKind.FAULT:
        return out_of_range(metric, value)
    assert rule.limit is not None
    match rule.comparison:
        case Comparison.AT_LEAST:
            return value >= rule.limit
        case Comparison.ABOVE:
            return value > rule.limit
        case Comparison.AT_MOST:
            return value <= rule.limit
        case Comparison.BELOW:
            return value < rule.limit
    raise AssertionError


def is_clear(rule: Rule, metric: Metric, value: float) -> bool:
    if rule.kind is RuleKind.ALARM:
        return metric.type is not MetricType.EVENT and value < 0.5
    if is_breach(rule, metric, value):
        return False
    if rule.kind is RuleKind.FAULT or rule.clear is None or rule.clear == rule.limit:
        return True
    upward = rule.comparison in {Comparison.AT_LEAST, Comparison.ABOVE}
    return value < rule.clear if upward else value > rule.clear


def in_order_of_evaluation(batch: ReadingBatch, now: int) -> list[Read]:
    """Return the known readings; a channel's k-th one to be evaluated stands where its k-th one arrived."""
    arrived = [
        Read(channel, min(max(time, 0), now), value, bool(flags & Flag.LATE))
        for channel, time, value, known, flags in zip(
            batch.channel.tolist(),
            batch.time_us.tolist(),
            batch.value.tolist(),
            batch.known.tolist(),
            batch.flags.tolist(),
            strict=True,
        )
        if known
    ]
    waiting: dict[int, list[Read]] = {}
    for channel in {read.channel for read in arrived}:
        of_channel = [read for read in arrived if read.channel == channel]
        ordered = sorted((read for read in of_channel if not read.late), key=lambda read: read.time)
        for nth, read in enumerate(of_channel):
            if read.late:
                place_late(read, [r for r in of_channel[:nth] if not r.late], of_channel[:nth], ordered)
        waiting[channel] = ordered
    return [waiting[read.channel].pop(0) for read in arrived]


def place_late(late: Read, earlier: list[Read], before: list[Read], ordered: list[Read]) -> None:
    """Put a late reading after the newest of those that came `earlier`, and after the late ones that stand there."""
    if earlier:
        newest = max(read.time for read in earlier)
        at = 1 + max(index_of(ordered, read) for read in earlier if read.time == newest)
    else:
        at = 0
    while at < len(ordered) and ordered[at].late and any(ordered[at] is read for read in before):
        at += 1
    ordered.insert(at, late)


def index_of(reads: list[Read], wanted: Read) -> int:
    return next(nth for nth, read in enumerate(reads) if read is wanted)
