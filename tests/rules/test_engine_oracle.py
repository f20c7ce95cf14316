"""The engine says what a plain loop over single readings says, in whatever blocks the readings come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from devices import Lifecycle, ReadingBatch
from rules.engine import Engine
from rules.loader import load_rules
from rules.model import Change, RuleKind
from tests.rules.fleet import batch, profile, register, registry, tank
from tests.rules.naive import NaiveEngine

if TYPE_CHECKING:
    from devices import Registry
    from tests.rules.fleet import Reading

HALF_SECOND = 500_000
START = 100 * HALF_SECOND
METRICS = ("level", "level", "free", "flag", "press", "bare")
VALUES = (None, -1.0, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0, 8.0, 9.0, 11.0)
LESS_WATCHED = """
[[rules]]
id = "less.dead"
kind = "no_data"
after_s = 7
severity = "alarm"
class = "life-safety"
name = { en = "Dead", zh = "失联" }
source = "test"
"""


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
    life: tuple[int, Lifecycle, str] | None
    restarted: bool


samples = st.builds(
    Sample,
    device=st.integers(0, 1),
    metric=st.sampled_from(METRICS),
    age=st.sampled_from((0, 0, 0, 1, 2, 3, 6, -2)),
    value=st.sampled_from(VALUES),
    late=st.sampled_from((False, False, False, True)),
)
steps = st.builds(
    Step,
    later=st.sampled_from((0, 1, 1, 2, 3, 4, 10, -3)),
    samples=st.lists(samples, max_size=8).map(tuple),
    life=st.none()
    | st.none()
    | st.none()
    | st.tuples(st.integers(0, 3), st.sampled_from(list(Lifecycle)), st.sampled_from(("tank", "less", "unknown"))),
    restarted=st.sampled_from((False, False, False, True)),
)


def readings(of: Registry, step: Step, now: int) -> ReadingBatch:
    rows: list[Reading] = []
    for sample in step.samples:
        channel = of.channels_of(sample.device).get(sample.metric)
        if channel is not None:
            rows.append((channel, now - sample.age * HALF_SECOND, sample.value, sample.late))
    return batch(rows, now)


def fleet() -> Registry:
    return registry(2, profile(LESS_WATCHED, "less", reporting_s=1.0))


def restarted(engine: Engine, of: Registry) -> Engine:
    snapshot = engine.snapshot()
    fresh = Engine(of, load_rules(of.profiles))
    report = fresh.restore(snapshot)
    assert report.dropped_instances == 0
    assert fresh.snapshot() == snapshot
    return fresh


@settings(max_examples=250, deadline=None)
@given(st.lists(steps, max_size=14))
def test_the_engine_says_what_the_oracle_says(history: list[Step]) -> None:
    of = fleet()
    rules = load_rules(of.profiles)
    engine, naive = Engine(of, rules), NaiveEngine(of, rules)
    now = START
    for step in history:
        now += step.later * HALF_SECOND
        if step.life is not None:
            n, lifecycle, name = step.life
            register(of, tank(n, lifecycle, name))
        block = readings(of, step, now)
        assert engine.step(block, now) == naive.step(block, now)
        if step.restarted:
            engine = restarted(engine, of)


@dataclass(frozen=True)
class Arrival:
    later: int
    metric: str
    value: float | None
    age: int  # 0, or so much older than its arrival, and then flagged late


arrivals = st.builds(
    Arrival,
    later=st.sampled_from((0, 0, 1, 1, 2, 3, 5)),
    metric=st.sampled_from(METRICS),
    value=st.sampled_from(VALUES),
    age=st.sampled_from((0, 0, 0, 0, 1, 3, 6)),
)


@settings(max_examples=250, deadline=None)
@given(st.lists(arrivals, min_size=1, max_size=25), st.data())
def test_any_division_into_blocks_says_the_same(stream: list[Arrival], data: st.DataObject) -> None:
    of = registry()
    times, now = [], START
    rows: list[Reading] = []
    for arrival in stream:
        now += arrival.later * HALF_SECOND
        times.append(now)
        time = now - arrival.age * HALF_SECOND
        rows.append((of.channels_of(0)[arrival.metric], time, arrival.value, arrival.age > 0))
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
    rules = load_rules(of.profiles)
    engine = Engine(of, rules)
    said: dict[tuple[int, str], list[Change]] = {}
    for rows, now in [*blocks, ([], end + 20 * HALF_SECOND)]:
        for change in engine.step(batch(rows, now), now):
            if rules.by_id[change.rule_id].kind is not RuleKind.NO_DATA:
                said.setdefault((change.channel, change.rule_id), []).append(change)
    return said
