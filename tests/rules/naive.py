"""The oracle: what readings do under rules (docs/rules.md), as obvious loops over single readings, with nothing shared.

Silence has an oracle of its own (`naive_silence`), relations too; here are the rules that read values.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from devices import Flag, Lifecycle, MetricType
from rules.model import (
    AlarmClass,
    AlarmTerms,
    BaselineTerms,
    Change,
    Comparison,
    Direction,
    DoseTerms,
    DriftTerms,
    FaultTerms,
    FlatlineTerms,
    ForecastTerms,
    InactivityTerms,
    RangeTerms,
    RateTerms,
    Rule,
    RuleKind,
    ThresholdTerms,
)
from tests.rules.measures.naive_baseline import NaiveBaseline
from tests.rules.measures.naive_dose import NaiveDose
from tests.rules.measures.naive_drift import NaiveDrift
from tests.rules.measures.naive_flatline import NaiveFlatline
from tests.rules.measures.naive_forecast import NaiveForecast
from tests.rules.measures.naive_inactivity import NaiveInactivity
from tests.rules.measures.naive_rate import NaiveRate
from tests.rules.measures.naive_recent import NaiveRecent

if TYPE_CHECKING:
    from devices import Device, Metric, ReadingBatch, Registry
    from rules.ruleset import RuleSet

MEASURES: dict[RuleKind, Any] = {
    RuleKind.RATE: NaiveRate,
    RuleKind.DOSE: NaiveDose,
    RuleKind.FLATLINE: NaiveFlatline,
    RuleKind.BASELINE: NaiveBaseline,
    RuleKind.INACTIVITY: NaiveInactivity,
    RuleKind.DRIFT: NaiveDrift,
    RuleKind.FORECAST: NaiveForecast,
}
ZONE_US = 8 * 3_600_000_000


@dataclass
class Judged:
    """What was made of a reading; NaN where there is no figure."""

    value: float
    measured: float
    reference: float = math.nan
    low: float = math.nan
    high: float = math.nan
    reached_at: float = math.nan


@dataclass
class Box:
    """One rule on one channel."""

    state: str = "idle"
    since: int = 0
    due: int | None = None
    last: int = -1
    judged: Judged = field(default_factory=lambda: Judged(0.0, 0.0))
    measure: Any = None
    recent: NaiveRecent | None = None

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
        self.now = 0

    # ── the registry ─────────────────────────────────────────────────────────────────────────────────────────────

    def sync(self, now: int) -> None:
        if now < self.now:
            self.set_back(now)
        self.now = now
        boxes: dict[tuple[int, str], Box] = {}
        for row, device in self.registry.devices():
            for metric, channel in self.registry.channels_of(row).items():
                for rule in self.rules_of(device, metric):
                    boxes[channel, rule.id] = self.boxes.get((channel, rule.id), Box())
        self.boxes = boxes

    def set_back(self, now: int) -> None:
        self.newest = {channel: min(time, now) for channel, time in self.newest.items()}
        for (_, rule_id), box in self.boxes.items():
            if box.state == "pending" and box.due is not None:
                box.due -= max(box.since - now, 0)
            elif box.state == "clearing":
                assert box.due is not None
                box.due = min(box.due, now + us(self.rules.by_id[rule_id].timing.clear_hold_s))
            box.since, box.last = min(box.since, now), min(box.last, now)

    def rules_of(self, device: Device, metric: str) -> list[Rule]:
        if device.lifecycle is Lifecycle.RETIRED:
            return []
        rules = [
            rule
            for rule in self.rules.in_force(device.profile, self.rules.selection(device))
            if rule.metric == metric and rule.kind is not RuleKind.NO_DATA
        ]
        if device.lifecycle is Lifecycle.MAINTENANCE:
            return [rule for rule in rules if rule.alarm_class is AlarmClass.LIFE_SAFETY]
        return rules

    # ── a step ───────────────────────────────────────────────────────────────────────────────────────────────────

    def step(self, batch: ReadingBatch, now: int) -> list[Change]:
        self.sync(now)
        changes = [change for read in known_readings(batch, now) for change in self.read(read)]
        return changes + self.tick(now)

    def tick(self, now: int) -> list[Change]:
        changes = []
        for channel in sorted({channel for channel, _ in self.boxes}):
            for rule, _, box in self.of_channel(channel):
                if box.state == "pending" and runs_out(rule, box, now):
                    changes.append(self.run_out(channel, rule, box))
        return changes

    def of_channel(self, channel: int) -> list[tuple[Rule, Metric, Box]]:
        device = self.registry.device(int(self.registry.channel_device[channel]))
        assert device is not None
        name = self.registry.metric(channel)
        metric = self.registry.profiles[device.profile].metrics.get(name)
        in_order = sorted(self.rules_of(device, name), key=lambda rule: rule.kind not in MEASURES)
        return [(rule, metric, self.boxes[channel, rule.id]) for rule in in_order if metric is not None]

    def run_out(self, channel: int, rule: Rule, box: Box) -> Change:
        assert box.due is not None
        box.state = "holds"
        return self.change(channel, rule, box.due, box.since, box.judged, holds=True)

    # ── one reading ──────────────────────────────────────────────────────────────────────────────────────────────

    def read(self, read: Read) -> list[Change]:
        newest = self.newest.get(read.channel, -1)
        late = read.late or read.time < newest
        changes: list[Change] = []
        for rule, metric, box in self.of_channel(read.channel):
            changes += self.evaluate(rule, metric, box, read, newest, late=late)
        self.newest[read.channel] = max(newest, read.time)
        return changes

    def evaluate(self, rule: Rule, metric: Metric, box: Box, read: Read, newest: int, *, late: bool) -> list[Change]:
        withheld = cannot_be(metric, read.value)
        if withheld and rule.kind is not RuleKind.FAULT:
            return []
        judged = self.judge(rule, box, read, late=late)
        if math.isnan(judged.measured):
            return []
        reached = is_breach(rule, metric, judged.measured) or withheld
        breach = reached or not math.isnan(judged.reached_at)
        often = False
        if rule.timing.count > 1 and breach:
            box.recent = box.recent or NaiveRecent(rule.timing.count, us(rule.timing.count_within_s))
            often = box.recent.reached(read.time)
        if late:
            return self.evaluate_late(rule, box, read, judged, newest, reached=reached, often=often)
        changes = self.pass_time(rule, box, read)
        changes += self.turn(rule, metric, box, read, judged, reached=reached, breach=breach, often=often)
        box.last = read.time
        return changes

    def judge(self, rule: Rule, box: Box, read: Read, *, late: bool) -> Judged:
        if rule.kind not in MEASURES:
            return Judged(read.value, read.value)
        if box.measure is None:
            box.measure = MEASURES[rule.kind](rule.terms)
        return Judged(read.value, *box.measure.measure(read.time, read.value, late, ZONE_US))

    def evaluate_late(
        self, rule: Rule, box: Box, read: Read, judged: Judged, newest: int, *, reached: bool, often: bool
    ) -> list[Change]:
        if rule.timing.count > 1:
            raises = often and not box.holds
        else:
            raises = reached and box.state == "idle" and max(newest - read.time, 0) >= us(rule.timing.hold_s)
        if raises:
            box.state, box.since = "holds", read.time
            return [self.change(read.channel, rule, read.time, read.time, judged, holds=True, late=True)]
        if reached and box.holds and rule.kind is RuleKind.ALARM:
            return [self.change(read.channel, rule, read.time, box.since, judged, holds=True, repeated=True, late=True)]
        return []

    def pass_time(self, rule: Rule, box: Box, read: Read) -> list[Change]:
        """Let what waits run out before the reading, or wait longer for the part of the silence that does not count."""
        if box.state == "pending" and runs_out(rule, box, read.time):
            return [self.run_out(read.channel, rule, box)]
        if box.state in {"pending", "clearing"} and box.due is not None and rule.timing.gap_s is not None:
            box.due += max(read.time - box.last - us(rule.timing.gap_s), 0)
        return []

    def turn(  # noqa: C901, PLR0911, PLR0912 - the states one after the other
        self,
        rule: Rule,
        metric: Metric,
        box: Box,
        read: Read,
        judged: Judged,
        *,
        reached: bool,
        breach: bool,
        often: bool,
    ) -> list[Change]:
        timing, time = rule.timing, read.time
        if box.holds:
            if not breach and is_clear(rule, metric, judged.measured):
                if box.state == "holds":
                    box.state, box.due = "clearing", time + us(timing.clear_hold_s)
                assert box.due is not None
                if time >= box.due:
                    box.state = "idle"
                    return [self.change(read.channel, rule, time, box.since, judged, holds=False)]
                return []
            box.state = "holds"
            if breach and rule.kind is RuleKind.ALARM:
                return [self.change(read.channel, rule, time, box.since, judged, holds=True, repeated=True)]
            return []
        if not breach:
            box.state = "idle"
            return []
        if box.state == "idle":
            box.since = time
        growing = not math.isnan(judged.reached_at)
        if timing.count > 1:
            enough = often
        elif growing:
            enough = reached
        else:
            enough = timing.hold_s == 0
        if enough:
            box.state = "holds"
            return [self.change(read.channel, rule, time, box.since, judged, holds=True)]
        if growing:
            box.due = max(int(judged.reached_at), time)
        elif timing.count > 1:
            box.due = None
        elif box.state == "idle":
            box.due = time + us(timing.hold_s)
        box.state, box.judged = "pending", judged
        return []

    def change(
        self,
        channel: int,
        rule: Rule,
        time: int,
        since: int,
        judged: Judged,
        *,
        holds: bool,
        repeated: bool = False,
        late: bool = False,
    ) -> Change:
        row = int(self.registry.channel_device[channel])
        reference, low, high = (None if math.isnan(f) else f for f in (judged.reference, judged.low, judged.high))
        return Change(
            row, channel, rule, holds, repeated, late, time, since, judged.value, judged.measured, reference, low, high
        )


def us(seconds: float) -> int:
    return round(seconds * 1_000_000)


def runs_out(rule: Rule, box: Box, at: int) -> bool:
    """Say whether a pending hold has run out by then; a silence longer than the gap does not go on as breach."""
    if box.due is None or box.due > at:
        return False
    return rule.timing.gap_s is None or box.due - box.last <= us(rule.timing.gap_s)


def cannot_be(metric: Metric, value: float) -> bool:
    """Say whether the sensor cannot mean it: out of range, or an error code."""
    if metric.type is not MetricType.GAUGE:
        return False
    if value in metric.errors:
        return True
    if metric.minimum is not None and value < metric.minimum:
        return True
    return metric.maximum is not None and value > metric.maximum


def is_breach(rule: Rule, metric: Metric, measured: float) -> bool:  # noqa: C901, PLR0911, PLR0912 - one line a kind
    terms = rule.terms
    match terms:
        case AlarmTerms():
            return measured >= 0.5
        case FaultTerms():
            return cannot_be(metric, measured)
        case RangeTerms():
            return not terms.low <= measured <= terms.high
        case ThresholdTerms():
            match terms.comparison:
                case Comparison.AT_LEAST:
                    return measured >= terms.limit
                case Comparison.ABOVE:
                    return measured > terms.limit
                case Comparison.AT_MOST:
                    return measured <= terms.limit
                case Comparison.BELOW:
                    return measured < terms.limit
        case RateTerms():
            return reaches(terms.direction, measured, terms.by * (1 - 1e-9))
        case DoseTerms():
            return measured >= 1.0 - 1e-9
        case FlatlineTerms():
            return measured >= terms.after_s
        case BaselineTerms():
            return reaches(terms.direction, measured, terms.deviations)
        case InactivityTerms():
            return measured <= terms.chance
        case DriftTerms():
            return reaches(terms.direction, measured, terms.by * (1 - 1e-9))
        case ForecastTerms():
            return measured <= terms.within_s
    raise AssertionError(rule.kind)


def reaches(direction: Direction, measured: float, by: float) -> bool:
    up, down = measured >= by, measured <= -by
    return {Direction.UP: up, Direction.DOWN: down, Direction.BOTH: up or down}[direction]


def is_clear(rule: Rule, metric: Metric, measured: float) -> bool:  # noqa: C901, PLR0911 - one line a kind
    if is_breach(rule, metric, measured):
        return False
    terms = rule.terms
    match terms:
        case AlarmTerms():
            return metric.type is not MetricType.EVENT and not terms.latched
        case FaultTerms():
            return True
        case RangeTerms():
            return terms.clear_low <= measured <= terms.clear_high
        case ThresholdTerms():
            if terms.clear == terms.limit:
                return True
            return measured < terms.clear if terms.comparison.upward else measured > terms.clear
        case RateTerms() | DriftTerms():
            return not reaches(terms.direction, measured, terms.clear * (1 - 1e-9))
        case BaselineTerms():
            return not reaches(terms.direction, measured, terms.clear)
        case DoseTerms() | FlatlineTerms():
            return measured <= 0.0
        case InactivityTerms():
            return measured >= 1.0
        case ForecastTerms():
            return measured > terms.clear_s
    raise AssertionError(rule.kind)


def known_readings(batch: ReadingBatch, now: int) -> list[Read]:
    """Return the known readings in order of arrival."""
    return [
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
