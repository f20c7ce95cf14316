"""The engine says what a plain loop over single readings says, in whatever blocks the readings come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices import Lifecycle, ReadingBatch, Registry
from rules.engine import Engine
from rules.model import (
    AlarmClass,
    AlarmTerms,
    Band,
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
    NoDataTerms,
    RangeTerms,
    RateTerms,
    Rule,
    RuleKind,
    Severity,
    Terms,
    ThresholdTerms,
    Timing,
)
from rules.ruleset import RuleSet
from tests.rules.fleet import ALARM_RULE, METRICS, batch, profile, register, tank
from tests.rules.naive import NaiveEngine

if TYPE_CHECKING:
    from tests.rules.fleet import Reading

HALF_SECOND = 500_000
START = 4_000_000 * HALF_SECOND
READ = ("level", "level", "free", "flag", "press", "bare")
VALUES = (None, -1.0, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0, 8.0, 9.0, 9.5, 11.0)


def rule(what: str, metric: str, terms: Terms, timing: Timing = Timing(), *, life: bool = False) -> Rule:  # noqa: B008
    return Rule(
        id=f"tank.{what}",
        profile="tank",
        metric=metric,
        severity=Severity.ALARM,
        alarm_class=AlarmClass.LIFE_SAFETY if life else AlarmClass.PROPERTY,
        name_en=what,
        name_zh=what,
        source="test",
        terms=terms,
        timing=timing,
    )


HELD, GAPPED = Timing(hold_s=2, clear_hold_s=2), Timing(hold_s=3, clear_hold_s=2, gap_s=1)
SIMPLE = (
    rule("held", "level", ThresholdTerms(Comparison.AT_LEAST, 5.0, 3.0), HELD, life=True),
    rule("over", "level", ThresholdTerms(Comparison.ABOVE, 8.0, 8.0)),
    rule("gapped", "level", ThresholdTerms(Comparison.BELOW, 1.0, 2.0), GAPPED),
    rule("range", "level", RangeTerms(1.0, 8.0, 2.0, 7.0), Timing(hold_s=1, gap_s=2)),
    rule("fault", "level", FaultTerms()),
    rule("free", "free", ThresholdTerms(Comparison.AT_MOST, 0.5, 0.5), Timing(clear_hold_s=3, gap_s=2)),
    rule("flag", "flag", AlarmTerms(), life=True),
    rule("latched", "flag", AlarmTerms(latched=True)),
    rule("unset", "flag", ThresholdTerms(Comparison.BELOW, 1.0, 1.0), Timing(hold_s=2)),
    rule("press", "press", AlarmTerms(), life=True),
)
REMEMBERING = (
    rule("twice", "level", ThresholdTerms(Comparison.AT_LEAST, 4.0, 3.0), Timing(count=2, count_within_s=2)),
    rule("knocks", "press", AlarmTerms(), Timing(count=3, count_within_s=4)),
    rule("rise", "level", RateTerms(Direction.UP, 3.0, 4.0, 2.0)),
    rule("fall", "free", RateTerms(Direction.DOWN, 3.0, 4.0, 3.0), Timing(hold_s=1, gap_s=1)),
    rule("dose", "level", DoseTerms((Band(3.0, 6.0), Band(7.0, 2.0)), 2.0, 4.0), Timing(clear_hold_s=1)),
    rule("stuck", "level", FlatlineTerms(3.0, 3)),
    rule("drift", "free", DriftTerms(Direction.BOTH, 2.0, 1.0, 6.0, 3.0)),
    rule("empty", "free", ForecastTerms(Direction.DOWN, 0.0, 20.0, 8.0, 3.0, 25.0)),
    rule("unusual", "level", BaselineTerms(Direction.BOTH, 3.0, 2.0, 0.5, 2.0)),
    rule("still", "free", InactivityTerms(0.2, 2.0, 1e9, 3.0)),
)
SILENT = rule("silent", "", NoDataTerms(1e9))
ALL = RuleSet.of((*SIMPLE, *REMEMBERING, SILENT))


@dataclass(frozen=True)
class Sample:
    device: int
    metric: str
    age: int  # in half seconds before the step's time; negative: ahead of it
    value: float | None
    late: bool


@dataclass(frozen=True)
class Step:
    later: int  # in half seconds after the step before
    samples: tuple[Sample, ...]
    life: tuple[int, Lifecycle] | None
    restarted: bool


samples = st.builds(
    Sample,
    device=st.integers(0, 1),
    metric=st.sampled_from(READ),
    age=st.sampled_from((0, 0, 0, 1, 2, 3, 6, -2)),
    value=st.sampled_from(VALUES),
    late=st.sampled_from((False, False, False, True)),
)


def steps(laters: tuple[int, ...]) -> st.SearchStrategy[Step]:
    return st.builds(
        Step,
        later=st.sampled_from(laters),
        samples=st.lists(samples, max_size=8).map(tuple),
        life=st.none() | st.none() | st.none() | st.tuples(st.integers(0, 2), st.sampled_from(list(Lifecycle))),
        restarted=st.sampled_from((False, False, False, True)),
    )


def readings(of: Registry, step: Step, now: int) -> ReadingBatch:
    rows: list[Reading] = []
    for sample in step.samples:
        channel = of.channels_of(sample.device).get(sample.metric)
        if channel is not None:
            rows.append((channel, now - sample.age * HALF_SECOND, sample.value, sample.late))
    return batch(rows, now)


def fleet(devices: int = 2) -> Registry:
    unknown = profile(ALARM_RULE, "unknown", {"press": METRICS["press"]})
    of = Registry({"unknown": unknown, "tank": profile("")})
    register(of, *(tank(n) for n in range(devices)))
    return of


def restarted(engine: Engine, of: Registry) -> Engine:
    snapshot = engine.snapshot()
    fresh = Engine(of, engine.rules)
    report = fresh.restore(snapshot)
    assert report.dropped_instances == 0
    assert fresh.snapshot() == snapshot
    return fresh


def of_values(changes: list[Change]) -> list[Change]:
    return [change for change in changes if change.rule.kind is not RuleKind.NO_DATA]


def play(history: list[Step], rules: RuleSet) -> None:
    of = fleet()
    engine, naive = Engine(of, rules), NaiveEngine(of, rules)
    now = START
    for step in history:
        now += step.later * HALF_SECOND
        if step.life is not None:
            register(of, tank(*step.life))
        block = readings(of, step, now)
        assert of_values(engine.step(block, now)) == approximately(naive.step(block, now))
        if step.restarted:
            engine = restarted(engine, of)


def approximately(changes: list[Change]) -> list[object]:
    """Return what equals these changes, figures to the last digits of a float."""
    return [_Like(change) for change in changes]


class _Like:
    def __init__(self, change: Change) -> None:
        self.change = change

    def __repr__(self) -> str:
        return repr(self.change)

    def __eq__(self, other: object) -> bool:
        assert isinstance(other, Change)
        mine, theirs = ((c.measure, c.reference, c.low, c.high) for c in (self.change, other))
        return (
            _facts(self.change) == _facts(other)
            and abs(self.change.time_us - other.time_us) <= (self.change.rule.kind is RuleKind.DOSE)
            and list(theirs) == [None if f is None else pytest.approx(f, rel=1e-9, abs=1e-9) for f in mine]
        )

    __hash__ = object.__hash__


def _facts(change: Change) -> tuple[object, ...]:
    return (
        change.device_row,
        change.channel,
        change.rule_id,
        change.holds,
        change.repeated,
        change.late,
        change.since_us,
        change.value,
    )


@settings(max_examples=250, deadline=None)
@given(st.lists(steps((0, 1, 1, 2, 3, 4, 10)), max_size=14))
def test_the_engine_says_what_the_oracle_says(history: list[Step]) -> None:
    play(history, ALL)


@settings(max_examples=150, deadline=None)
@given(st.lists(steps((0, 1, 1, 2, 3, 4, 10, -3)), max_size=14))
def test_the_engine_says_what_the_oracle_says_while_our_clock_is_set_back(history: list[Step]) -> None:
    play(history, RuleSet.of((*SIMPLE, SILENT)))


@dataclass(frozen=True)
class Arrival:
    later: int
    metric: str
    value: float | None
    age: int  # 0, or so much older than its arrival
    flagged: bool


arrivals = st.builds(
    Arrival,
    later=st.sampled_from((0, 0, 1, 1, 2, 3, 5)),
    metric=st.sampled_from(READ),
    value=st.sampled_from(VALUES),
    age=st.sampled_from((0, 0, 0, 0, 1, 3, 6)),
    flagged=st.booleans(),
)


@settings(max_examples=250, deadline=None)
@given(st.lists(arrivals, min_size=1, max_size=25), st.data())
def test_any_division_into_blocks_says_the_same(stream: list[Arrival], data: st.DataObject) -> None:
    of = fleet(1)
    times, now = [], START
    rows: list[Reading] = []
    newest: dict[int, int] = {}
    for arrival in stream:
        now += arrival.later * HALF_SECOND
        times.append(now)
        channel, time = of.channels_of(0)[arrival.metric], now - arrival.age * HALF_SECOND
        # One that is only slow, not late, comes after ticks that could not know it: those may say what it takes back.
        is_late = arrival.age > 0 and (arrival.flagged or time >= newest.get(channel, 0))
        rows.append((channel, time, arrival.value, is_late))
        if arrival.value is not None:
            newest[channel] = max(newest.get(channel, 0), time)
    expected = _folded(of, [([row], time) for row, time in zip(rows, times, strict=True)], times[-1])
    cuts = sorted({*data.draw(st.sets(st.integers(1, len(rows)))), len(rows)})
    blocks: list[tuple[list[Reading], int]] = []
    for begin, end in zip([0, *cuts], cuts, strict=False):
        if data.draw(st.booleans()):
            blocks.append(([], times[begin]))
        blocks.append((rows[begin:end], times[end - 1]))
    assert _folded(of, blocks, times[-1]) == expected


def _folded(of: Registry, blocks: list[tuple[list[Reading], int]], end: int) -> dict[tuple[int, str], list[Change]]:
    """Return what was said of each instance; silences, which go by the fold's time, left out."""
    engine = Engine(of, ALL)
    said: dict[tuple[int, str], list[Change]] = {}
    for rows, now in [*blocks, ([], end + 20 * HALF_SECOND)]:
        for change in of_values(engine.step(batch(rows, now), now)):
            said.setdefault((change.channel, change.rule_id), []).append(change)
    return said
