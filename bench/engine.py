"""The rule engine with all shipped rules: `python -m bench.engine` prints the figures.

The fleet is as a community's: smoke, gas, hydrant, tank and watch devices, and every channel of it has reported before,
so that all that rules remember is there. Readings come as messages bring them: those of one device together, devices
in any order (`scattered`: each channel by itself). One reading in two hundred is in breach of a rule, and one channel
in fifty has been in breach since before and stays so until a reading says otherwise. `packed` has 50 samples of each
channel in one block; in `storm` every reading is in breach. What a reading costs by the number of channels is of blocks
of 1,000.
"""

from __future__ import annotations

import gc
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from devices import Device, ReadingBatch, Registry
from devices.profile_loader import load_profiles
from rules.engine import Engine, compile_kernels
from rules.instances import spread
from rules.kernels import State
from rules.limits import limits_of, physical_range
from rules.loader import load_rules
from rules.model import RuleKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from devices import Metric
    from rules.model import Rule
    from rules.ruleset import RuleSet

__all__ = ["measure_engine"]

SECOND_US = 1_000_000
START_US = 1_700_000_000 * SECOND_US
BLOCK = 5_000
SIZES = (1_000, 10_000, 100_000, 1_000_000)
FLEET = {"smoke": 747, "gas": 93, "hydrant": 83, "tank": 41, "watch": 41}


def measure_engine(channels: int = 100_000) -> dict[str, float]:
    """Measure on one core, and return the figures; times are medians, rates are of the whole time spent in steps."""
    compile_kernels()
    fleet = _Fleet.of(channels)
    return {
        "engine_channels": float(fleet.registry.n_channels),
        "engine_instances": float(fleet.engine.n_instances),
        "engine_rules": float(len(fleet.rules.rules)),
        "engine_compile_s": fleet.compile_s,
        "engine_holding": float(fleet.engine.count(State.HOLDS, State.CLEARING)),
        "engine_pending": float(fleet.engine.count(State.PENDING)),
        "engine_readings_s": fleet.rate(fleet.blocks(BLOCK, 200)),
        "engine_readings_s_packed": fleet.rate(fleet.packed(BLOCK, 50, 200)),
        "engine_step_us_1k": fleet.median_us(fleet.blocks(1_000, 300)),
        "engine_tick_us": fleet.median_us(fleet.ticks(500, 1_000)),
        "engine_tick_with_silence_us": fleet.median_us(fleet.ticks(50, SECOND_US)),
        "engine_state_bytes_a_channel": fleet.engine.nbytes / fleet.registry.n_channels,
        "engine_readings_s_storm": fleet.rate(fleet.blocks(BLOCK, 20, breach=1.0)),
        "engine_storm_holding": float(fleet.engine.count(State.HOLDS, State.CLEARING)),
        "engine_storm_snapshot_ms": _ms(fleet.engine.snapshot),
        **_by_size(),
    }


def _by_size() -> dict[str, float]:
    """Return what a reading costs by the number of channels, and what the largest takes to write down and read."""
    figures: dict[str, float] = {}
    for channels in SIZES:
        fleet = _Fleet.of(channels)
        figures[f"engine_ns_a_reading_{channels}"] = fleet.median_us(fleet.blocks(1_000, 500))
        figures[f"engine_ns_a_reading_{channels}_scattered"] = fleet.median_us(fleet.scattered(1_000, 500))
        if channels == SIZES[-1]:
            figures |= fleet.snapshot_figures()
    return figures


@dataclass(slots=True)
class _Fleet:
    """good, bad: (channels,) float64, values in breach of no rule and, where there is a rule, of some."""

    registry: Registry
    rules: RuleSet
    engine: Engine
    compile_s: float
    good: NDArray[np.float64]
    bad: NDArray[np.float64]
    random: np.random.Generator
    now_us: int = START_US

    @classmethod
    def of(cls, channels: int) -> _Fleet:
        registry = Registry(load_profiles())
        rules = load_rules(registry.profiles)
        while registry.n_channels < channels:
            registry.apply(registry.plan_registration(_community(registry)))
        engine = Engine(registry, rules)
        compile_s = _ms(lambda: engine.sync(START_US)) / 1e3
        fleet = cls(registry, rules, engine, compile_s, *_values(registry, rules), np.random.default_rng(1))
        for _ in range(2):
            for some in np.array_split(fleet.random.permutation(registry.n_channels), registry.n_channels // BLOCK + 1):
                engine.step(fleet.block(some, 0.0), fleet.now_us)
        standing = fleet.random.permutation(registry.n_channels)[: registry.n_channels // 50]
        engine.step(fleet.block(standing, 1.0), fleet.now_us)
        return fleet

    def block(self, channels: NDArray[np.intp], breach: float) -> ReadingBatch:
        self.now_us += SECOND_US // 50
        n = len(channels)
        good = self.good[channels] * (1 + 1e-6 * self.random.random(n))
        value = np.where(self.random.random(n) < breach, self.bad[channels], good)
        time_us, known = np.full(n, self.now_us, np.int64), np.ones(n, np.bool_)
        return ReadingBatch(channels.astype(np.int32), time_us, value, known, np.zeros(n, np.uint8), self.now_us)

    def blocks(self, size: int, count: int, breach: float = 0.005) -> Iterator[ReadingBatch]:
        """Yield blocks of whole messages, the last one cut."""
        device = self.registry.channel_device
        first = np.flatnonzero(np.diff(device, prepend=-1))
        ends = np.append(first[1:], len(device))
        for _ in range(count):
            devices = self.random.permutation(len(first))[:size]
            _, channels = spread(first[devices], (ends - first)[devices])
            yield self.block(channels[:size], breach)

    def scattered(self, size: int, count: int) -> Iterator[ReadingBatch]:
        for _ in range(count):
            yield self.block(self.random.permutation(self.registry.n_channels)[:size], 0.005)

    def packed(self, size: int, samples: int, count: int) -> Iterator[ReadingBatch]:
        ages_us = np.tile(np.arange(samples)[::-1] * 100, size // samples)
        for _ in range(count):
            channels = np.repeat(self.random.permutation(self.registry.n_channels)[: size // samples], samples)
            block = self.block(channels, 0.005)
            time_us = block.time_us - ages_us
            yield ReadingBatch(block.channel, time_us, block.value, block.known, block.flags, block.arrival_us)

    def ticks(self, count: int, every_us: int) -> Iterator[ReadingBatch]:
        for _ in range(count):
            self.now_us += every_us
            yield ReadingBatch.empty(self.now_us)

    def rate(self, blocks: Iterator[ReadingBatch]) -> float:
        readings, spent_ms = 0, 0.0
        for block in blocks:
            readings += len(block)
            spent_ms += self._step_ms(block)
        return readings / spent_ms * 1e3

    def median_us(self, blocks: Iterator[ReadingBatch]) -> float:
        return float(np.median([self._step_ms(block) for block in blocks])) * 1e3

    def snapshot_figures(self) -> dict[str, float]:
        data = self.engine.snapshot()
        fresh = Engine(self.registry, self.rules)
        return {
            "engine_snapshot_ms": float(np.median([_ms(self.engine.snapshot) for _ in range(5)])),
            "engine_snapshot_bytes": float(len(data)),
            "engine_restore_ms": _ms(lambda: fresh.restore(data)),
            "engine_state_bytes_a_channel_1000000": self.engine.nbytes / self.registry.n_channels,
        }

    def _step_ms(self, block: ReadingBatch) -> float:
        now_us = self.now_us
        return _ms(lambda: self.engine.step(block, now_us))


def _ms(call: Callable[[], object]) -> float:
    begun = time.perf_counter()
    call()
    return (time.perf_counter() - begun) * 1e3


def _community(registry: Registry) -> Iterator[Device]:
    site = f"site{registry.version}"
    for profile, number in FLEET.items():
        kind = registry.profiles[profile].kind
        yield from (Device(site, f"{profile}{n}", kind, profile) for n in range(number))


def _values(registry: Registry, rules: RuleSet) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    of: dict[tuple[str, str], tuple[float, float]] = {}
    for name, profile in registry.profiles.items():
        for metric in profile.metrics.values():
            its = [r for r in rules.by_profile[name] if r.metric == metric.name and r.kind in _OF_VALUES]
            of[name, metric.name] = _good_and_bad(metric, its)
    rows = []
    for channel in range(registry.n_channels):
        device = registry.device(int(registry.channel_device[channel]))
        assert device is not None
        rows.append(of[device.profile, registry.metric(channel)])
    values = np.array(rows)
    return values[:, 0], values[:, 1]


_OF_VALUES = {RuleKind.ALARM, RuleKind.THRESHOLD, RuleKind.RANGE, RuleKind.FAULT}


def _good_and_bad(metric: Metric, rules: list[Rule]) -> tuple[float, float]:
    """Return a value in breach of none of `rules` and one in breach of the last threshold or alarm among them."""
    low, high = physical_range(metric)
    low, high = max(low, -1e6), min(high, 1e6)
    tried = np.linspace(low, high, 10_001)
    breached = [
        (tried <= of.breach_at_most) | (tried >= of.breach_at_least) for of in (limits_of(r, metric) for r in rules)
    ]
    any_breach = np.logical_or.reduce(breached, axis=0) if breached else np.zeros(len(tried), bool)
    worst = next((breach for breach in reversed(breached) if breach.any()), None)
    good = tried[~any_breach]
    return float(good[len(good) // 2]), float(tried[worst][0] if worst is not None else good[0])


if __name__ == "__main__":
    gc.freeze()
    figures = measure_engine()
    for name, figure in figures.items():
        print(f"{name:32} {figure:16,.2f}")
    print(json.dumps(figures))
